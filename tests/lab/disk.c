// SPDX-License-Identifier: BSD-2-Clause
/*
 * disk -- one lab node's way to the shared disk
 *
 * A FUSE file system of one file, "image", and a loop device on that file.
 * The file's blocks come from a platter (an ordinary file that the disks of
 * all nodes open); writes stay in this process's memory until a flush.  So
 * ending the process with SIGKILL is a power cut: what was not flushed is gone.
 * Nothing is cached on the way: the loop device uses direct I/O, the file is
 * opened with FOPEN_DIRECT_IO.  The loop device turns a flush into FSYNC, and a
 * FUA write into a write and a flush.
 *
 * Two processes.  The server answers FUSE; the holder attaches the loop device
 * and keeps it open.  The device detaches itself at its last close
 * (LO_FLAGS_AUTOCLEAR), so nothing is left behind however both of them end.
 *
 * Commands, a line each, over the Unix socket -c; one line of answer each:
 *
 *	ok         serve (and let go what was held)
 *	fail       every request fails with EIO
 *	hang       no request is answered until the next mode
 *	readonly   writes fail with EROFS
 *	freeze     writes and flushes are not answered, reads are (DRBD's suspend-io)
 *	cut P S    power cut: hold everything for good; P of a thousand unflushed
 *	           blocks, chosen by seed S, reach the platter
 *	status     mode and counters, as JSON
 */
#define FUSE_USE_VERSION 312

#include "tests/lab/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMAGE_INO 2
#define IMAGE_NAME "image"
#define MAX_WRITE (1u << 20)
#define MAX_BACKGROUND 128
#define FOREVER_S 86400.0

enum op {
	OP_READ,
	OP_WRITE,
	OP_FLUSH,
};

#define OP_COUNT 3

/* What a mode does with a request. */
enum fate {
	FATE_SERVE,
	FATE_EIO,
	FATE_EROFS,
	FATE_HOLD,
};

static const struct mode {
	const char *name;
	enum fate fate[OP_COUNT]; /* read, write, flush */
} modes[] = {
    {"ok", {FATE_SERVE, FATE_SERVE, FATE_SERVE}},
    {"fail", {FATE_EIO, FATE_EIO, FATE_EIO}},
    {"hang", {FATE_HOLD, FATE_HOLD, FATE_HOLD}},
    {"readonly", {FATE_SERVE, FATE_EROFS, FATE_SERVE}},
    {"freeze", {FATE_SERVE, FATE_HOLD, FATE_HOLD}},
    {"cut", {FATE_HOLD, FATE_HOLD, FATE_HOLD}},
};

#define MODE_OK (&modes[0])
#define MODE_CUT (&modes[5])

struct request {
	struct request *next;
	fuse_req_t req;
	enum op op;
	uint64_t off;
	size_t len;
	uint8_t *data; /* of a write; owned only while held */
};

static struct {
	pthread_mutex_t lock;
	struct overlay *overlay;
	uint64_t cache_max;   /* unflushed bytes before the disk writes by itself */
	bool keeps_unflushed; /* the mutant: writes go straight to the platter */
	const struct mode *mode;
	struct request *held;
	struct request **held_tail;
	uint8_t *buffer; /* of MAX_WRITE bytes */
	uint64_t count[OP_COUNT];
	uint64_t bytes[OP_COUNT];
	char device[64];
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .mode = MODE_OK, .held_tail = &disk.held};

static void
die(const char *what)
{
	fprintf(stderr, "disk: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- requests ---- */

static int
request_do(const struct request *r)
{
	uint64_t dirty = overlay_dirty(disk.overlay);
	int rc;

	disk.count[r->op]++;
	switch (r->op) {
	case OP_READ:
		disk.bytes[r->op] += r->len;
		return overlay_read(disk.overlay, disk.buffer, r->len, r->off);
	case OP_WRITE:
		disk.bytes[r->op] += r->len;
		rc = overlay_write(disk.overlay, r->data, r->len, r->off);
		if (rc == 0 && (disk.keeps_unflushed || dirty > disk.cache_max))
			rc = overlay_flush(disk.overlay);
		return rc;
	case OP_FLUSH:
		disk.bytes[r->op] += dirty;
		return overlay_flush(disk.overlay);
	}
	return -EINVAL;
}

static void
request_serve(const struct request *r)
{
	int rc = request_do(r);

	if (rc < 0)
		fuse_reply_err(r->req, -rc);
	else if (r->op == OP_READ)
		fuse_reply_buf(r->req, (const char *)disk.buffer, r->len);
	else if (r->op == OP_WRITE)
		fuse_reply_write(r->req, r->len);
	else
		fuse_reply_err(r->req, 0);
}

static void
request_hold(const struct request *r)
{
	struct request *copy = malloc(sizeof(*copy));

	if (!copy)
		abort();
	*copy = *r;
	copy->next = NULL;
	if (r->data) {
		copy->data = malloc(r->len);
		if (!copy->data)
			abort();
		memcpy(copy->data, r->data, r->len);
	}
	*disk.held_tail = copy;
	disk.held_tail = &copy->next;
}

static void
request_step(const struct request *r)
{
	switch (disk.mode->fate[r->op]) {
	case FATE_SERVE:
		request_serve(r);
		break;
	case FATE_EIO:
		fuse_reply_err(r->req, EIO);
		break;
	case FATE_EROFS:
		fuse_reply_err(r->req, EROFS);
		break;
	case FATE_HOLD:
		request_hold(r);
		break;
	}
}

static void
request_take(const struct request *r)
{
	pthread_mutex_lock(&disk.lock);
	request_step(r);
	pthread_mutex_unlock(&disk.lock);
}

/* The held requests meet the new mode, in the order in which they came. */
static void
mode_set(const struct mode *mode)
{
	struct request *r = disk.held;

	disk.mode = mode;
	disk.held = NULL;
	disk.held_tail = &disk.held;
	while (r) {
		struct request *next = r->next;

		request_step(r);
		free(r->data);
		free(r);
		r = next;
	}
}

/* ---- FUSE ---- */

static struct stat
attributes(fuse_ino_t ino)
{
	struct stat st = {.st_ino = ino, .st_nlink = 1, .st_mode = S_IFREG | 0600};

	if (ino == FUSE_ROOT_ID)
		st.st_mode = S_IFDIR | 0700;
	else
		st.st_size = (off_t)overlay_size(disk.overlay);
	st.st_blksize = OVERLAY_BLOCK;
	return st;
}

static void
on_init(void *user, struct fuse_conn_info *conn)
{
	(void)user;
	conn->max_write = MAX_WRITE;
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND;
}

static void
on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = {
	    .ino = IMAGE_INO, .attr_timeout = FOREVER_S, .entry_timeout = FOREVER_S};

	if (parent != FUSE_ROOT_ID || strcmp(name, IMAGE_NAME) != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	e.attr = attributes(IMAGE_INO);
	fuse_reply_entry(req, &e);
}

static void
on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = attributes(ino);

	(void)fi;
	fuse_reply_attr(req, &st, FOREVER_S);
}

/* Times and modes are of no interest, the size is fixed. */
static void
on_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	(void)attr;
	if (to_set & FUSE_SET_ATTR_SIZE)
		fuse_reply_err(req, EPERM);
	else
		on_getattr(req, ino, fi);
}

static void
on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (ino != IMAGE_INO) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void
on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	uint64_t end = overlay_size(disk.overlay);
	struct request r = {.req = req, .op = OP_READ, .off = (uint64_t)off, .len = size};

	(void)ino;
	(void)fi;
	if (r.off > end)
		r.off = end;
	if (r.len > end - r.off)
		r.len = end - r.off;
	if (r.len > MAX_WRITE)
		r.len = MAX_WRITE;
	request_take(&r);
}

static void
on_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	struct request r = {.req = req,
	    .op = OP_WRITE,
	    .off = (uint64_t)off,
	    .len = size,
	    .data = (uint8_t *)(uintptr_t)data};

	(void)ino;
	(void)fi;
	request_take(&r);
}

static void
on_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct request r = {.req = req, .op = OP_FLUSH};

	(void)ino;
	(void)datasync;
	(void)fi;
	request_take(&r);
}

static const struct fuse_lowlevel_ops fuse_ops = {
    .init = on_init,
    .lookup = on_lookup,
    .getattr = on_getattr,
    .setattr = on_setattr,
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .fsync = on_fsync,
};

/* ---- commands ---- */

static void
status_print(FILE *to)
{
	fprintf(to,
	    "{\"mode\": \"%s\", \"device\": \"%s\", \"unflushed_bytes\": %" PRIu64
	    ", \"reads\": %" PRIu64 ", \"read_bytes\": %" PRIu64 ", \"writes\": %" PRIu64
	    ", \"written_bytes\": %" PRIu64 ", \"flushes\": %" PRIu64
	    ", \"flushed_bytes\": %" PRIu64 "}\n",
	    disk.mode->name, disk.device, overlay_dirty(disk.overlay), disk.count[OP_READ],
	    disk.bytes[OP_READ], disk.count[OP_WRITE], disk.bytes[OP_WRITE], disk.count[OP_FLUSH],
	    disk.bytes[OP_FLUSH]);
}

static const struct mode *
mode_find(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	return NULL;
}

static void
command_do(char *line, FILE *to)
{
	char name[16] = "";
	unsigned permille = 0;
	uint64_t seed = 0;
	const struct mode *mode;

	if (sscanf(line, "%15s %u %" SCNu64, name, &permille, &seed) < 1)
		return;
	pthread_mutex_lock(&disk.lock);
	mode = mode_find(name);
	if (strcmp(name, "status") == 0) {
		status_print(to);
	} else if (!mode) {
		fprintf(to, "error: no such command\n");
	} else if (disk.mode == MODE_CUT) {
		fprintf(to, "error: the power is cut\n");
	} else {
		mode_set(mode);
		if (mode == MODE_CUT && overlay_scramble(disk.overlay, permille, seed) < 0)
			fprintf(to, "error: the platter\n");
		else
			fprintf(to, "done\n");
	}
	pthread_mutex_unlock(&disk.lock);
}

static void *
commands_serve(void *listener)
{
	for (;;) {
		int fd = accept4(*(int *)listener, NULL, NULL, SOCK_CLOEXEC);
		FILE *io = fd < 0 ? NULL : fdopen(fd, "r+");
		char line[64];

		if (!io)
			continue;
		setvbuf(io, NULL, _IOLBF, BUFSIZ);
		while (fgets(line, sizeof(line), io)) {
			fseek(io, 0, SEEK_CUR);
			command_do(line, io);
			fflush(io);
		}
		fclose(io);
	}
	return NULL;
}

static int
commands_listen(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(addr.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 8) < 0)
		die(path);
	return fd;
}

/* ---- the loop device ---- */

static int
loop_attach(int image, char *device, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = {.fd = (uint32_t)image, .block_size = OVERLAY_BLOCK};

	if (control < 0)
		die("/dev/loop-control");
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
	for (;;) {
		int nr = ioctl(control, LOOP_CTL_GET_FREE);
		int fd;

		if (nr < 0)
			die("no free loop device");
		snprintf(device, size, "/dev/loop%d", nr);
		fd = open(device, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			die(device);
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
			close(control);
			return fd;
		}
		close(fd);
		if (errno != EBUSY) /* else another lab was quicker */
			die(device);
	}
}

/* The child: attach, tell the server which device it is, hold it for ever. */
static void
holder_run(const char *mountpoint, int go, int tell)
{
	char path[512];
	char device[sizeof(disk.device)];
	char byte;
	int image;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "disk-holder");
	if (read(go, &byte, 1) != 1)
		exit(1);
	snprintf(path, sizeof(path), "%s/%s", mountpoint, IMAGE_NAME);
	image = open(path, O_RDWR | O_CLOEXEC);
	if (image < 0)
		die(path);
	loop_attach(image, device, sizeof(device));
	close(image);
	if (write(tell, device, sizeof(device)) < 0)
		die("the server");
	for (;;)
		pause();
}

/* Read by a thread, for the attaching needs answers from FUSE's. */
static void *
device_wait(void *from)
{
	if (read(*(int *)from, disk.device, sizeof(disk.device)) <= 0)
		_exit(1); /* the holder has said why */
	printf("%s\n", disk.device);
	fflush(stdout);
	return NULL;
}

/* ---- */

/* A disk does not compete with the load for the machine's processors. */
static void
priority_raise(void)
{
	struct sched_param param = {.sched_priority = 1};

	sched_setscheduler(0, SCHED_RR, &param);
}

static void
disk_serve(const char *mountpoint, const char *commands, int go, int device)
{
	char *argv[] = {"disk", "-o", "fsname=gemel-lab-disk", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *session = fuse_session_new(&args, &fuse_ops, sizeof(fuse_ops), NULL);
	int listener = commands_listen(commands);
	pthread_t thread;

	if (!session || fuse_session_mount(session, mountpoint) != 0)
		die(mountpoint);
	if (pthread_create(&thread, NULL, commands_serve, &listener) != 0 ||
	    pthread_create(&thread, NULL, device_wait, &device) != 0 || write(go, "", 1) != 1)
		die("starting");
	priority_raise();
	fuse_session_loop(session);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
}

int
main(int argc, char **argv)
{
	const char *platter = NULL;
	const char *mountpoint = NULL;
	const char *commands = NULL;
	struct stat st;
	int go[2], tell[2];
	int fd, c;

	disk.cache_max = UINT64_C(256) << 20;
	while ((c = getopt(argc, argv, "p:m:c:M:k")) != -1) {
		switch (c) {
		case 'p':
			platter = optarg;
			break;
		case 'm':
			mountpoint = optarg;
			break;
		case 'c':
			commands = optarg;
			break;
		case 'M':
			disk.cache_max = strtoull(optarg, NULL, 10) << 20;
			break;
		case 'k':
			disk.keeps_unflushed = true;
			break;
		default:
			platter = NULL;
			optind = argc + 1;
		}
	}
	if (!platter || !mountpoint || !commands || optind != argc) {
		fprintf(stderr,
		    "Usage: disk -p PLATTER -m MOUNTPOINT -c SOCKET [-M MIB] [-k]\n"
		    "  -M  write by itself above so many MiB unflushed (256)\n"
		    "  -k  keep what was not flushed (a wrong disk, to test tests with)\n");
		return 2;
	}
	fd = open(platter, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		die(platter);
	disk.overlay = overlay_open(fd, (uint64_t)st.st_size);
	disk.buffer = malloc(MAX_WRITE);
	if (!disk.buffer || pipe2(go, O_CLOEXEC) < 0 || pipe2(tell, O_CLOEXEC) < 0)
		die("starting");
	switch (fork()) {
	case -1:
		die("fork");
		break;
	case 0:
		close(go[1]);
		close(tell[0]);
		holder_run(mountpoint, go[0], tell[1]);
		break;
	default:
		close(go[0]);
		close(tell[1]);
		disk_serve(mountpoint, commands, go[1], tell[0]);
	}
	return 0;
}
