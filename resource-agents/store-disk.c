/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/store-disk.h"

#include "common/clock.h"
#include "common/slice.h"
#include "ocf/child.h"
#include "ocf/promotion.h"
#include "common/latch.h"
#include "common/mounts.h"
#include "resource-agents/store-release.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Both nodes wish as much; the cluster's own preferences decide. */
#define SCORE 10

#define PROBE_BYTES 4096

enum store_state {
	STORE_UNKNOWN,   /* the mount table cannot be read */
	STORE_NO_DEVICE, /* and not mounted */
	STORE_FREE,      /* not mounted here */
	STORE_MOUNTED,
	STORE_READONLY,  /* mounted, and the kernel made it read-only */
	STORE_ELSEWHERE, /* mounted here, at another directory only */
	STORE_FOREIGN,   /* something else is mounted at the directory */
};

struct store {
	const char *device, *directory, *fstype; /* borrowed; device may be NULL */
	const char *owner; /* borrowed; who gets a fresh file system; may be "" */
	unsigned long flags;
	char data[MOUNT_DATA_MAX];
	char marker[PATH_MAX], busy[PATH_MAX];
	enum store_state state;
	dev_t number;         /* of the device, or of what is mounted; 0: unknown */
	char other[PATH_MAX]; /* what stands in the way, or why that is unknown */
};

/* Returns owned; or NULL with errno. */
static char *
read_mounts(void)
{
	struct buffer text = {0};
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return NULL;
	while (n > 0) {
		char part[4096];

		n = read(fd, part, sizeof(part));
		if (n > 0)
			buffer_append(&text, part, (size_t)n);
	}
	if (n < 0) {
		int error = errno;

		close(fd);
		buffer_close(&text);
		errno = error;
		return NULL;
	}
	close(fd);
	buffer_append(&text, "", 1);
	return (char *)text.data;
}

/* The device may have gone while it is mounted: then its name in the mount table counts. */
static bool
is_ours(const struct store *store, const struct mount_entry *entry)
{
	return (store->number && entry->device == store->number) ||
	       (store->device && strcmp(entry->source, store->device) == 0);
}

static void
look_at_mounts(struct store *store)
{
	char *text = read_mounts();
	const char *cursor = text;
	struct mount_entry entry;
	bool is_elsewhere = false;

	if (!text) {
		store->state = STORE_UNKNOWN;
		snprintf(store->other, sizeof(store->other), "%s", strerror(errno));
		return;
	}
	while (mounts_next(&cursor, &entry)) {
		if (strcmp(entry.directory, store->directory) == 0) {
			/* The last one lies on top. */
			if (is_ours(store, &entry) && entry.is_whole) {
				store->state = entry.is_readonly ? STORE_READONLY : STORE_MOUNTED;
				store->number = entry.device;
			} else {
				store->state = STORE_FOREIGN;
				snprintf(store->other, sizeof(store->other), "%s", entry.source);
			}
		} else if (is_ours(store, &entry) && !is_elsewhere) {
			is_elsewhere = true;
			snprintf(store->other, sizeof(store->other), "%s", entry.directory);
		}
	}
	if (is_elsewhere && (store->state == STORE_FREE || store->state == STORE_NO_DEVICE))
		store->state = STORE_ELSEWHERE;
	free(text);
}

static struct store
store_look(const struct ocf_context *ctx)
{
	struct store store = {
	    .device = ocf_string(ctx, "device"),
	    .directory = ocf_string(ctx, "directory"),
	    .fstype = ocf_string(ctx, "fstype"),
	    .owner = ocf_string(ctx, "owner"),
	    .state = STORE_NO_DEVICE,
	};
	struct stat st;

	mount_options_parse(ocf_string(ctx, "options"), &store.flags, store.data);
	ocf_state_path(ctx, "started", store.marker, sizeof(store.marker));
	ocf_state_path(ctx, "busy", store.busy, sizeof(store.busy));
	if (store.device && stat(store.device, &st) == 0 && S_ISBLK(st.st_mode)) {
		store.state = STORE_FREE;
		store.number = st.st_rdev;
	}
	look_at_mounts(&store);
	return store;
}

/* After an error ext4 goes on writing unless it is told otherwise. */
static void
add_error_policy(struct store *store)
{
	size_t used = strlen(store->data);

	if (strncmp(store->fstype, "ext", 3) == 0 && !strstr(store->data, "errors="))
		snprintf(store->data + used, sizeof(store->data) - used, "%serrors=remount-ro",
		    used ? "," : "");
}

/* Wait for what an earlier action left behind on the disk. */
static enum ocf_exit
wait_for_busy(struct ocf_context *ctx, const struct store *store)
{
	struct process busy;

	if (process_load(store->busy, &busy) != 0)
		return OCF_SUCCESS;
	if (process_is_alive(&busy)) {
		kill(busy.pid, SIGKILL);
		if (process_wait(&busy, ctx->deadline_ms) != 0)
			return ocf_fail(ctx, OCF_ERR_GENERIC,
			    "process %d hangs in the kernel on %s; the node must be fenced",
			    (int)busy.pid, store->device ? store->device : store->directory);
	}
	unlink(store->busy);
	return OCF_SUCCESS;
}

/* What stands in the way of taking or holding the disk, as a sentence. */
static enum ocf_exit
fail_state(struct ocf_context *ctx, const struct store *store, enum ocf_exit code)
{
	switch (store->state) {
	case STORE_UNKNOWN:
		return ocf_fail(ctx, OCF_ERR_GENERIC,
		    "cannot read /proc/self/mountinfo: %s; without it nobody knows what is "
		    "mounted; mount /proc",
		    store->other);
	case STORE_NO_DEVICE:
		return ocf_fail(ctx, code,
		    "parameter device: %s is no block device here; connect the disk",
		    store->device ? store->device : "(none)");
	case STORE_READONLY:
		return ocf_fail(ctx, code,
		    "%s became read-only after an error of %s; check the disk", store->directory,
		    store->device ? store->device : "its device");
	case STORE_ELSEWHERE:
		return ocf_fail(ctx, code, "%s is mounted at %s; unmount it there", store->device,
		    store->other);
	case STORE_FOREIGN:
		return ocf_fail(ctx, code, "%s is the mount of %s; unmount that", store->directory,
		    store->other);
	case STORE_FREE:
	case STORE_MOUNTED:
		break;
	}
	return code;
}

enum ocf_exit
store_disk_check_node(struct ocf_context *ctx)
{
	struct store store = store_look(ctx);
	struct stat st;

	if (store.state == STORE_UNKNOWN || store.state == STORE_NO_DEVICE)
		return fail_state(ctx, &store, OCF_ERR_INSTALLED);
	if (stat(store.directory, &st) != 0 || !S_ISDIR(st.st_mode))
		return ocf_fail(ctx, OCF_ERR_INSTALLED,
		    "parameter directory: %s is no directory; make it", store.directory);
	return OCF_SUCCESS;
}

static enum ocf_exit
release(struct ocf_context *ctx, const struct store *store)
{
	struct store_release wish = {
	    .device = store->device,
	    .directory = store->directory,
	    .number = store->number,
	    .busy_path = store->busy,
	    .term_ms = (uint64_t)ocf_integer(ctx, "term_ms"),
	};

	return store_release(ctx, &wish);
}

enum ocf_exit
store_disk_demote(struct ocf_context *ctx)
{
	int error = ocf_make_run_directory();
	struct store store = store_look(ctx);
	enum ocf_exit code;

	/* A probe may have been all that ran here since the boot. */
	if (error)
		return ocf_fail(
		    ctx, OCF_ERR_GENERIC, "cannot make " OCF_RUN_DIR ": %s", strerror(-error));
	code = wait_for_busy(ctx, &store);
	if (code != OCF_SUCCESS)
		return code;
	/* What was left behind may have mounted it in its last moment. */
	store = store_look(ctx);
	switch (store.state) {
	case STORE_UNKNOWN:
		return fail_state(ctx, &store, OCF_ERR_GENERIC);
	case STORE_MOUNTED:
	case STORE_READONLY:
	case STORE_ELSEWHERE:
		return release(ctx, &store);
	case STORE_FREE:
	case STORE_FOREIGN:
		/* Unmounted by hand, it may still be mounted in another namespace, which nobody
		 * need be in: only a claim can tell. It is this node's kernel alone that answers,
		 * so it is none of its business that the other node has the disk. */
		if (store.number)
			return release(ctx, &store);
		break;
	case STORE_NO_DEVICE:
		break;
	}
	return OCF_SUCCESS;
}

enum ocf_exit
store_disk_start(struct ocf_context *ctx)
{
	enum ocf_exit code = store_disk_check_node(ctx);
	struct store store;
	int fd;

	if (code != OCF_SUCCESS)
		return code;
	code = store_disk_demote(ctx);
	store = store_look(ctx);
	if (code != OCF_SUCCESS)
		return code;
	if (store.state != STORE_FREE)
		return fail_state(ctx, &store, OCF_ERR_GENERIC);
	fd = open(store.marker, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return ocf_fail(
		    ctx, OCF_ERR_GENERIC, "cannot make %s: %s", store.marker, strerror(errno));
	close(fd);
	promotion_finish(ctx, promotion_set(ctx, SCORE));
	return OCF_SUCCESS;
}

enum ocf_exit
store_disk_stop(struct ocf_context *ctx)
{
	pid_t score = promotion_remove(ctx);
	enum ocf_exit code = store_disk_demote(ctx);
	struct store store = store_look(ctx);

	if (code == OCF_SUCCESS && unlink(store.marker) != 0 && errno != ENOENT)
		code = ocf_fail(
		    ctx, OCF_ERR_GENERIC, "cannot remove %s: %s", store.marker, strerror(errno));
	promotion_finish(ctx, score);
	return code;
}

/* A status beside the errors: the report's text is the whole sentence. */
#define FOREIGN_OWNER 1

/* In the child. A file system that mkfs just made belongs to root; only then is it given away. */
static int
give_to_owner(void *argument, char *text)
{
	const struct store *store = argument;
	const struct passwd *owner;
	struct stat st;

	if (!store->owner || !*store->owner)
		return 0;
	snprintf(text, CHILD_TEXT_MAX, "give to user %.64s what is on", store->owner);
	owner = getpwnam(store->owner);
	if (!owner)
		return -ESRCH;
	if (stat(store->directory, &st) != 0)
		return -errno;
	if (st.st_uid != 0 && st.st_uid != owner->pw_uid) {
		snprintf(text, CHILD_TEXT_MAX,
		    "%.48s belongs to user %u, but %.32s is user %u here: the numbers differ "
		    "between the nodes; make them the same",
		    store->directory, st.st_uid, store->owner, owner->pw_uid);
		return FOREIGN_OWNER;
	}
	if (st.st_uid == 0 && chown(store->directory, owner->pw_uid, owner->pw_gid) != 0)
		return -errno;
	text[0] = '\0';
	return 0;
}

/* In the child. */
static int
flush_and_mount(void *argument, char *text)
{
	const struct store *store = argument;
	struct process self;
	int fd, error = process_identify(getpid(), &self);

	if (!error)
		error = process_save(store->busy, &self);
	if (error)
		return error;
	fd = open(store->device, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(text, CHILD_TEXT_MAX, "open");
		return -errno;
	}
	/* What this node read when the other one had the disk is stale. */
	if (ioctl(fd, BLKFLSBUF, 0) != 0) {
		snprintf(text, CHILD_TEXT_MAX, "flush the buffers of");
		return -errno;
	}
	close(fd);
	if (mount(store->device, store->directory, store->fstype, store->flags,
		store->data[0] ? store->data : NULL) != 0) {
		snprintf(text, CHILD_TEXT_MAX, "mount");
		return -errno;
	}
	return give_to_owner(argument, text);
}

static const char *
mount_advice(int error)
{
	static const struct {
		int error;
		const char *advice;
	} rows[] = {
	    {-EINVAL, "no such file system on it, or a wrong option; check fstype and options"},
	    {-EBUSY, "something on this node uses it; find it with lsblk or fuser"},
	    {-ENODEV, "the kernel has no such file system; check fstype"},
	    {-EROFS, "the disk is write-protected; free it"},
	    {-EACCES, "the disk is write-protected; free it"},
	    {-ESRCH, "there is no such user; create it or check owner"},
	    {-EIO, "the disk fails; look at the kernel's log"},
	    {-EUCLEAN, "the file system is damaged; run fsck"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == error)
			return rows[i].advice;
	return strerror(-error);
}

enum ocf_exit
store_disk_promote(struct ocf_context *ctx)
{
	struct store store = store_look(ctx);
	struct child_report report = {0};
	enum ocf_exit code = wait_for_busy(ctx, &store);
	int error;

	if (code != OCF_SUCCESS)
		return code;
	if (access(OCF_RUN_DIR "/" LATCH_UNREGISTERED, F_OK) == 0)
		return ocf_fail(ctx, OCF_ERR_GENERIC,
		    "this node is not registered with the disk array; gemel-agentd's log says why");
	store = store_look(ctx);
	add_error_policy(&store);
	/* Mounted already: perhaps a promote was killed between mount and chown. */
	if (store.state != STORE_FREE && store.state != STORE_MOUNTED)
		return fail_state(ctx, &store, OCF_ERR_GENERIC);
	error = child_run(store.state == STORE_MOUNTED ? give_to_owner : flush_and_mount, &store,
	    ctx->deadline_ms, &report);
	if (error == -ETIMEDOUT)
		return ocf_fail(ctx, OCF_ERR_GENERIC, "mounting %s hangs: the disk does not answer",
		    store.device);
	unlink(store.busy);
	if (!error && report.status == FOREIGN_OWNER)
		return ocf_fail(ctx, OCF_ERR_GENERIC, "%s", report.text);
	if (error || report.status)
		return ocf_fail(ctx, OCF_ERR_GENERIC, "cannot %s %s: %s",
		    report.text[0] ? report.text : "mount", store.device,
		    mount_advice(error ? error : report.status));
	return OCF_SUCCESS;
}

/* In the child: a block from the disk itself. */
static int
read_block(void *argument, char *text)
{
	const struct store *store = argument;
	void *block = aligned_alloc(PROBE_BYTES, PROBE_BYTES);
	int fd = open(store->device, O_RDONLY | O_DIRECT | O_CLOEXEC);

	(void)text;
	if (!block)
		return -ENOMEM;
	return fd < 0 || pread(fd, block, PROBE_BYTES, 0) != PROBE_BYTES ? -(errno ? errno : EIO)
									 : 0;
}

/* In the child: a file written and synced. */
static int
write_file(void *argument, char *text)
{
	const struct store *store = argument;
	static const char block[PROBE_BYTES];
	char path[PATH_MAX];
	int fd;

	(void)text;
	if (snprintf(path, sizeof(path), "%s/.sharedstore-probe", store->directory) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block) || fsync(fd) != 0)
		return -(errno ? errno : EIO);
	return unlink(path) == 0 ? 0 : -errno;
}

static enum ocf_exit
check_deeper(struct ocf_context *ctx, struct store *store, enum ocf_exit code)
{
	enum ocf_exit failed = code == OCF_RUNNING_PROMOTED ? OCF_FAILED_PROMOTED : OCF_ERR_GENERIC;
	bool with_write = ctx->check_level >= 20 && code == OCF_RUNNING_PROMOTED;
	struct child_report report = {0};
	int error = child_run(read_block, store, ctx->deadline_ms, &report);

	if (!error)
		error = report.status;
	if (error)
		return ocf_fail(ctx, failed, "cannot read %s: %s; check the disk", store->device,
		    strerror(-error));
	if (with_write)
		error = child_run(write_file, store, ctx->deadline_ms, &report);
	if (!error)
		error = report.status;
	/* A full disk is no reason to move: the other node sees the same one. */
	if (error && error != -ENOSPC && error != -EDQUOT)
		return ocf_fail(ctx, failed, "cannot write to %s: %s; check the disk",
		    store->directory, strerror(-error));
	return code;
}

enum ocf_exit
store_disk_monitor(struct ocf_context *ctx)
{
	struct store store = store_look(ctx);
	bool is_started = access(store.marker, F_OK) == 0;
	enum ocf_exit code = OCF_NOT_RUNNING;

	switch (store.state) {
	case STORE_MOUNTED:
		code = OCF_RUNNING_PROMOTED;
		break;
	case STORE_READONLY:
		return fail_state(ctx, &store, OCF_FAILED_PROMOTED);
	case STORE_FREE:
		if (!is_started)
			return OCF_NOT_RUNNING;
		code = OCF_SUCCESS;
		break;
	case STORE_UNKNOWN:
	case STORE_ELSEWHERE:
		/* Whatever is known of a start: so that a stop follows, and unmounts it. */
		return fail_state(ctx, &store, OCF_ERR_GENERIC);
	case STORE_NO_DEVICE:
	case STORE_FOREIGN:
		return is_started ? fail_state(ctx, &store, OCF_ERR_GENERIC) : OCF_NOT_RUNNING;
	}
	if (ctx->check_level >= 10)
		code = check_deeper(ctx, &store, code);
	if (ctx->is_probe && (code == OCF_SUCCESS || code == OCF_RUNNING_PROMOTED))
		promotion_finish(ctx, promotion_set(ctx, SCORE));
	return code;
}
