/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/store-release.h"

#include "common/clock.h"
#include "ocf/child.h"
#include "resource-agents/holders.h"
#include "common/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define STEP_MS 10

/* Looking at every process costs milliseconds; unmounting again does not. */
#define LOOK_AGAIN_MS 100

int
store_claim(const char *device)
{
	int fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Unmount every mount of the device that a mount table (taken; may be NULL) lists, the newest
 * first: one may lie on another, and a bind mount of a part of it holds it as well. 0 or the
 * first -errno. */
static int
unmount_listed(FILE *mounts, dev_t number)
{
	char **directories = NULL, *line = NULL;
	size_t count = 0, room = 0;
	struct mount_entry entry;
	int error = mounts ? 0 : -ESRCH;

	while (mounts && getline(&line, &room, mounts) > 0) {
		const char *cursor = line;

		if (!mounts_next(&cursor, &entry) || entry.device != number)
			continue;
		directories = reallocarray(directories, count + 1, sizeof(*directories));
		if (!directories || !(directories[count++] = strdup(entry.directory)))
			abort();
	}
	while (count-- > 0) {
		if (umount2(directories[count], UMOUNT_NOFOLLOW) != 0 && !error)
			error = -errno;
		free(directories[count]);
	}
	free(directories);
	free(line);
	if (mounts)
		fclose(mounts);
	return error;
}

/* In the child: 0 once the disk is nobody's. */
static int
unmount_and_claim(void *argument, char *text)
{
	const struct store_release *release = argument;
	struct process self;
	int error;

	(void)text;
	error = process_identify(getpid(), &self);
	if (!error)
		error = process_save(release->busy_path, &self);
	if (!error)
		error = unmount_listed(fopen("/proc/self/mountinfo", "re"), release->number);
	if (error)
		return error;
	error = store_claim(release->device);
	/* A disk that is not there any more is not in use either. */
	return error == -ENOENT || error == -ENXIO || error == -ENODEV ? 0 : error;
}

struct foreign_mount {
	pid_t pid;
	dev_t number;
};

/* In the child: unmount in the mount namespace of another process. */
static int
unmount_foreign(void *argument, char *text)
{
	const struct foreign_mount *foreign = argument;
	char path[64];
	FILE *mounts;
	int namespace;

	(void)text;
	/* Both by our own /proc: there may be none in there. */
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)foreign->pid);
	mounts = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)foreign->pid);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || setns(namespace, CLONE_NEWNS) != 0)
		return -errno;
	return unmount_listed(mounts, foreign->number);
}

static void
push_out(struct ocf_context *ctx, const struct store_release *release, const struct holders *found,
    int signal_number)
{
	struct child_report report;

	for (int i = 0; i < found->count; i++) {
		const struct holder *holder = &found->list[i];
		struct foreign_mount foreign = {holder->process.pid, release->number};

		if (holder->by_namespace)
			child_run(unmount_foreign, &foreign, ctx->deadline_ms, &report);
		else if (holder->process.pid > 1 && process_is_alive(&holder->process))
			kill(holder->process.pid, signal_number);
	}
}

enum ocf_exit
store_release(struct ocf_context *ctx, const struct store_release *release)
{
	uint64_t begun_ms = clock_boot_ms(), looked_ms = 0;
	struct holders found = {0};
	struct child_report report;
	char names[256] = "nobody that can be seen";
	bool is_named = false;
	int error;

	for (;;) {
		uint64_t now_ms;

		error = child_run(unmount_and_claim, (void *)release, ctx->deadline_ms, &report);
		if (error == -ETIMEDOUT)
			return ocf_fail(ctx, OCF_ERR_GENERIC,
			    "unmounting %s hangs: the disk does not answer; the node must be "
			    "fenced",
			    release->directory);
		if (!error)
			error = report.status;
		unlink(release->busy_path);
		if (!error)
			return OCF_SUCCESS;
		if (error != -EBUSY)
			return ocf_fail(ctx, OCF_ERR_GENERIC, "cannot unmount %s: %s",
			    release->directory, strerror(-error));
		now_ms = clock_boot_ms();
		/* Not in the last moment: a child that has no time left looks like a disk that
		 * hangs. */
		if (now_ms + LOOK_AGAIN_MS >= ctx->deadline_ms)
			return ocf_fail(ctx, OCF_ERR_GENERIC, "%s is not released: held by %s",
			    release->directory, names);
		if (now_ms - looked_ms >= LOOK_AGAIN_MS) {
			looked_ms = now_ms;
			holders_find(release->number, &found);
			if (found.count > 0)
				holders_describe(&found, names, sizeof(names));
			if (found.count > 0 && !is_named)
				ocf_log(ctx, "%s is held by %s: ending them", release->directory,
				    names);
			is_named = is_named || found.count > 0;
			push_out(ctx, release, &found,
			    now_ms - begun_ms < release->term_ms ? SIGTERM : SIGKILL);
		}
		poll(NULL, 0, STEP_MS);
	}
}
