/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/sight.h"

#include "common/latch.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void
sight_open(struct sight *sight, const char *run_directory)
{
	memset(sight, 0, sizeof(*sight));
	sight->pidfd = -1;
	sight->run_directory = run_directory;
	snprintf(sight->pid_path, PATH_MAX, "%s/mailcored.pid", run_directory);
	snprintf(sight->progress_path, PATH_MAX, "%s/progress", run_directory);
}

static void
forget(struct sight *sight)
{
	if (sight->pidfd >= 0)
		close(sight->pidfd);
	sight->pidfd = -1;
}

/* The pidfd is that of the life only if that is still there after it was opened. */
static void
find(struct sight *sight)
{
	pid_t pid = progress_core_pid(sight->pid_path);
	struct process life, again;
	int pidfd;

	if (pid <= 0 || process_identify(pid, &life) != 0)
		return;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return;
	if (process_identify(pid, &again) != 0 || again.started != life.started) {
		close(pidfd);
		return;
	}
	sight->life = life;
	sight->pidfd = pidfd;
	sight->has_progress = false;
}

static bool
has_ended(int pidfd)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	return poll(&end, 1, 0) > 0;
}

/* A file that was last written before this life began is that of the one before. */
static bool
is_of_life(const struct progress *progress, const struct process *life)
{
	const uint64_t second_ms = 1000, ticks = (uint64_t)sysconf(_SC_CLK_TCK);

	return progress->tick_ms + second_ms / ticks >= life->started * second_ms / ticks;
}

static bool
is_stopped(const struct process *life)
{
	struct process_sight seen;

	return process_look(life->pid, &seen) == 0 && seen.life.started == life->started &&
	       seen.is_stopped;
}

void
sight_look(struct sight *sight, struct watch_sight *sight_r)
{
	struct progress progress;

	*sight_r = (struct watch_sight){0};
	/* Before the core: an action that ends between the two is still seen. */
	sight_r->is_acting = latch_is_acting(sight->run_directory);
	if (sight->pidfd >= 0 && has_ended(sight->pidfd))
		forget(sight);
	if (sight->pidfd < 0)
		find(sight);
	if (sight->life.pid == 0)
		return;
	if (progress_read(sight->progress_path, &progress) == 0 &&
	    is_of_life(&progress, &sight->life)) {
		sight->progress = progress;
		sight->has_progress = true;
	}
	sight_r->life = (uint64_t)sight->life.pid << 32 ^ sight->life.started;
	sight_r->is_alive = sight->pidfd >= 0;
	if (!sight->has_progress)
		return;
	sight_r->role = sight->progress.role;
	sight_r->tick_ms = sight->progress.tick_ms;
	sight_r->workers = sight->progress.workers;
	sight_r->deaf_since_ms = sight->progress.deaf_since_ms;
	sight_r->is_stopped = sight_r->is_alive && is_stopped(&sight->life);
}

void
sight_close(struct sight *sight)
{
	forget(sight);
}
