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
 * With -i N it is initiator N of an array (array.h): it has a second device, the
 * file "slots", and the socket's name with ".scsi" takes reservation commands (scsi.h).
 * A mode is that of both devices.
 *
 * Two processes.  The server answers FUSE; the holder attaches the loop device
 * and keeps it open.  The device detaches itself at its last close
 * (loop.h), so nothing is left behind however both of them end.
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
 *
 * In the modes hang and cut the reservation commands wait, too; in the mode fail they fail.
 */
#define FUSE_USE_VERSION 312

#include "tests/lab/array.h"
#include "tests/lab/lines.h"
#include "tests/lab/loop.h"
#include "tests/lab/scsi.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_INO 2
#define SLOTS_INO 3
#define IMAGE_NAME "image"
#define SLOTS_NAME "slots"
#define DEVICES 2
#define BLOCK_BYTES 4096
#define DEVICE_PATH_MAX 64
#define MAX_WRITE (1u << 20)
#define MAX_BACKGROUND 128
#define FOREVER_S 86400.0

enum op {
	OP_READ,
	OP_WRITE,
	OP_FLUSH,
	OP_RESERVE, /* a reservation command */
};

#define OP_COUNT 4

/* What a mode does with a request. */
enum fate {
	FATE_SERVE,
	FATE_EIO,
	FATE_EROFS,
	FATE_HOLD,
};

static const struct mode {
	const char *name;
	enum fate fate[OP_COUNT]; /* read, write, flush, reserve */
} modes[] = {
    {"ok", {FATE_SERVE, FATE_SERVE, FATE_SERVE, FATE_SERVE}},
    {"fail", {FATE_EIO, FATE_EIO, FATE_EIO, FATE_EIO}},
    {"hang", {FATE_HOLD, FATE_HOLD, FATE_HOLD, FATE_HOLD}},
    {"readonly", {FATE_SERVE, FATE_EROFS, FATE_SERVE, FATE_SERVE}},
    {"freeze", {FATE_SERVE, FATE_HOLD, FATE_HOLD, FATE_SERVE}},
    {"cut", {FATE_HOLD, FATE_HOLD, FATE_HOLD, FATE_HOLD}},
};

#define MODE_OK (&modes[0])
#define MODE_CUT (&modes[5])

struct request {
	struct request *next;
	fuse_req_t req;
	enum op op;
	enum array_device device;
	uint64_t off;
	size_t len;
	uint8_t *data; /* of a write; owned only while held */
};

static struct {
	pthread_mutex_t lock;
	struct array *array;
	const struct mode *mode;
	pthread_cond_t mode_changed;
	struct request *held;
	struct request **held_tail;
	uint8_t *buffer; /* of MAX_WRITE bytes */
	uint64_t count[OP_COUNT];
	uint64_t bytes[OP_COUNT];
	char device[DEVICES][DEVICE_PATH_MAX];
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER,
    .mode = MODE_OK,
    .mode_changed = PTHREAD_COND_INITIALIZER,
    .held_tail = &disk.held};

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
	disk.count[r->op]++;
	disk.bytes[r->op] += r->len;
	switch (r->op) {
	case OP_READ:
		return array_read(disk.array, r->device, disk.buffer, r->len, r->off);
	case OP_WRITE:
		return array_write(disk.array, r->device, r->data, r->len, r->off);
	case OP_FLUSH:
		if (r->device == ARRAY_IMAGE)
			disk.bytes[r->op] += array_unflushed(disk.array);
		return array_flush(disk.array, r->device);
	case OP_RESERVE:
		break;
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
	pthread_cond_broadcast(&disk.mode_changed);
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

static enum array_device
device_of(fuse_ino_t ino)
{
	return ino == SLOTS_INO ? ARRAY_SLOTS : ARRAY_IMAGE;
}

static struct stat
attributes(fuse_ino_t ino)
{
	struct stat st = {.st_ino = ino, .st_nlink = 1, .st_mode = S_IFREG | 0600};

	if (ino == FUSE_ROOT_ID)
		st.st_mode = S_IFDIR | 0700;
	else
		st.st_size = (off_t)array_size(disk.array, device_of(ino));
	st.st_blksize = BLOCK_BYTES;
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

	if (array_reservations(disk.array) && strcmp(name, SLOTS_NAME) == 0)
		e.ino = SLOTS_INO;
	if (parent != FUSE_ROOT_ID || (e.ino == IMAGE_INO && strcmp(name, IMAGE_NAME) != 0)) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	e.attr = attributes(e.ino);
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
	if (ino == FUSE_ROOT_ID) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void
on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	uint64_t end = array_size(disk.array, device_of(ino));
	struct request r = {
	    .req = req, .op = OP_READ, .device = device_of(ino), .off = (uint64_t)off, .len = size};

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
	    .device = device_of(ino),
	    .off = (uint64_t)off,
	    .len = size,
	    .data = (uint8_t *)(uintptr_t)data};

	(void)fi;
	request_take(&r);
}

static void
on_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct request r = {.req = req, .op = OP_FLUSH, .device = device_of(ino)};

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
	    "{\"mode\": \"%s\", \"device\": \"%s\", \"slots\": \"%s\", \"barred\": %s, "
	    "\"unflushed_bytes\": %" PRIu64 ", \"reads\": %" PRIu64 ", \"read_bytes\": %" PRIu64
	    ", \"writes\": %" PRIu64 ", \"written_bytes\": %" PRIu64 ", \"flushes\": %" PRIu64
	    ", \"flushed_bytes\": %" PRIu64 "}\n",
	    disk.mode->name, disk.device[0], disk.device[1],
	    array_is_barred(disk.array) ? "true" : "false", array_unflushed(disk.array),
	    disk.count[OP_READ], disk.bytes[OP_READ], disk.count[OP_WRITE], disk.bytes[OP_WRITE],
	    disk.count[OP_FLUSH], disk.bytes[OP_FLUSH]);
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
		if (mode == MODE_CUT && array_scramble(disk.array, permille, seed) < 0)
			fprintf(to, "error: the platter\n");
		else
			fprintf(to, "done\n");
	}
	pthread_mutex_unlock(&disk.lock);
}

/* A reservation command goes the node's way to the array, as its reads and writes do. */
static void
reserve_do(char *line, FILE *to)
{
	pthread_mutex_lock(&disk.lock);
	while (disk.mode->fate[OP_RESERVE] == FATE_HOLD)
		pthread_cond_wait(&disk.mode_changed, &disk.lock);
	if (disk.mode->fate[OP_RESERVE] == FATE_EIO)
		fprintf(to, "failed\n");
	else
		scsi_answer(array_reservations(disk.array), line, to);
	pthread_mutex_unlock(&disk.lock);
}

/* ---- the loop devices ---- */

static void
device_attach(const char *mountpoint, const char *name, char device[DEVICE_PATH_MAX])
{
	char path[512];
	int image, rc;

	snprintf(path, sizeof(path), "%s/%s", mountpoint, name);
	image = open(path, O_RDWR | O_CLOEXEC);
	if (image < 0)
		die(path);
	rc = loop_attach(image, BLOCK_BYTES, device, DEVICE_PATH_MAX);
	if (rc < 0) {
		errno = -rc;
		die("attaching a loop device");
	}
	close(image);
}

/* The child: attach, tell the server which devices they are, hold them for ever. */
static void
holder_run(const char *mountpoint, bool has_slots, int go, int tell)
{
	char devices[DEVICES][DEVICE_PATH_MAX] = {""};
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "disk-holder");
	if (read(go, &byte, 1) != 1)
		exit(1);
	device_attach(mountpoint, IMAGE_NAME, devices[0]);
	if (has_slots)
		device_attach(mountpoint, SLOTS_NAME, devices[1]);
	if (write(tell, devices, sizeof(devices)) < 0)
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
	printf("%s\n", disk.device[0]);
	if (disk.device[1][0])
		printf("%s\n", disk.device[1]);
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
listen_or_die(struct lines *l, const char *path)
{
	int rc = lines_listen(l, path);
	pthread_t thread;

	if (rc == 0)
		rc = -pthread_create(&thread, NULL, lines_serve, l);
	if (rc < 0) {
		errno = -rc;
		die(path);
	}
}

static void
disk_serve(const char *mountpoint, const char *commands, int go, int device)
{
	char *argv[] = {"disk", "-o", "fsname=gemel-lab-disk", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *session = fuse_session_new(&args, &fuse_ops, sizeof(fuse_ops), NULL);
	static struct lines lines = {.answer = command_do};
	static struct lines scsi = {.answer = reserve_do};
	char scsi_path[512];
	pthread_t thread;

	if (!session || fuse_session_mount(session, mountpoint) != 0)
		die(mountpoint);
	listen_or_die(&lines, commands);
	snprintf(scsi_path, sizeof(scsi_path), "%s.scsi", commands);
	if (array_reservations(disk.array))
		listen_or_die(&scsi, scsi_path);
	if (pthread_create(&thread, NULL, device_wait, &device) != 0 || write(go, "", 1) != 1)
		die("starting");
	priority_raise();
	fuse_session_loop(session);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	pthread_mutex_lock(&disk.lock); /* for good: no command comes after this */
	array_close(&disk.array);
}

int
main(int argc, char **argv)
{
	struct array_settings array = {.initiator = -1, .cache_max = UINT64_C(256) << 20};
	const char *mountpoint = NULL;
	const char *commands = NULL;
	int go[2], tell[2];
	int c;

	while ((c = getopt(argc, argv, "p:m:c:i:M:k")) != -1) {
		switch (c) {
		case 'p':
			array.platter = optarg;
			break;
		case 'm':
			mountpoint = optarg;
			break;
		case 'c':
			commands = optarg;
			break;
		case 'i':
			array.initiator = atoi(optarg);
			break;
		case 'M':
			array.cache_max = strtoull(optarg, NULL, 10) << 20;
			break;
		case 'k':
			array.keeps_unflushed = true;
			break;
		default:
			array.platter = NULL;
			optind = argc + 1;
		}
	}
	if (!array.platter || !mountpoint || !commands || optind != argc ||
	    array.initiator >= PERSIST_INITIATORS) {
		fprintf(stderr,
		    "Usage: disk -p PLATTER -m MOUNTPOINT -c SOCKET [-i N] [-M MIB] [-k]\n"
		    "  -i  be initiator N (0 to 15) of an array; SOCKET.scsi takes its commands\n"
		    "  -M  write by itself above so many MiB unflushed (256)\n"
		    "  -k  keep what was not flushed (a wrong disk, to test tests with)\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* who asks may be killed before the answer */
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
		holder_run(mountpoint, array.initiator >= 0, go[0], tell[1]);
		break;
	default:
		close(go[0]);
		close(tell[1]);
		disk.array = array_open(&array);
		if (!disk.array)
			die(array.platter);
		disk_serve(mountpoint, commands, go[1], tell[0]);
	}
	return 0;
}
