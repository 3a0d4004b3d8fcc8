/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/process.h"

#include "common/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Between two looks at what gives no event of its own. */
#define STEP_MS 5

bool
process_parse_stat(const char *stat, struct process_sight *sight_r)
{
	/* The name may hold anything, ")" and spaces as well; what follows it may not. */
	const char *rest = strrchr(stat, ')');
	int pid, session, threads;
	char state;

	if (!rest || sscanf(stat, "%d (", &pid) != 1)
		return false;
	if (sscanf(rest,
		") %c %*d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d "
		"%" SCNu64,
		&state, &session, &threads, &sight_r->life.started) != 4)
		return false;
	sight_r->life.pid = pid;
	sight_r->session = session;
	/* Not 't': a tracer stops for moments only. */
	sight_r->is_stopped = state == 'T';
	/* A dead leader is still counted while it is a zombie; others beside it keep its files. */
	sight_r->is_gone = (state == 'Z' || state == 'X') && threads <= 1;
	return true;
}

int
process_look(pid_t pid, struct process_sight *sight_r)
{
	char path[64], stat[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	stat[n] = '\0';
	return process_parse_stat(stat, sight_r) ? 0 : -ESRCH;
}

int
process_identify(pid_t pid, struct process *p)
{
	struct process_sight sight;

	if (process_look(pid, &sight) != 0 || sight.is_gone)
		return -ESRCH;
	*p = sight.life;
	return 0;
}

bool
process_is_alive(const struct process *p)
{
	struct process now;

	return process_identify(p->pid, &now) == 0 && now.started == p->started;
}

int
process_wait(const struct process *p, uint64_t deadline_ms)
{
	int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);

	if (fd < 0)
		return errno == ESRCH ? 0 : -errno;
	/* The pidfd, which says when the last thread has ended, may be that of a later life; so
	 * both are asked. */
	while (process_is_alive(p)) {
		struct pollfd waiting = {.fd = fd, .events = POLLIN};
		uint64_t now_ms = clock_boot_ms();

		if (now_ms >= deadline_ms) {
			close(fd);
			return -ETIMEDOUT;
		}
		poll(&waiting, 1,
		    deadline_ms - now_ms > INT_MAX ? INT_MAX : (int)(deadline_ms - now_ms));
	}
	close(fd);
	return 0;
}

int
process_save(const char *path, const struct process *p)
{
	char fresh[PATH_MAX], line[64];
	int length = snprintf(line, sizeof(line), "%d %" PRIu64 "\n", (int)p->pid, p->started);
	int fd, error = 0;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, line, (size_t)length) != length)
		error = -EIO;
	close(fd);
	if (!error && rename(fresh, path) != 0)
		error = -errno;
	if (error)
		unlink(fresh);
	return error;
}

int
process_load(const char *path, struct process *p)
{
	FILE *file = fopen(path, "re");
	int pid, n;

	if (!file)
		return -errno;
	n = fscanf(file, "%d %" SCNu64, &pid, &p->started);
	fclose(file);
	if (n != 2 || pid <= 1)
		return -EPROTO;
	p->pid = pid;
	return 0;
}

int
process_each(int (*each)(void *context, pid_t pid), void *context)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	int result = 0;

	if (!directory)
		return -errno;
	while (result == 0 && (entry = readdir(directory))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && pid > 0)
			result = each(context, (pid_t)pid);
	}
	closedir(directory);
	return result;
}

struct session_walk {
	const struct process *leader;
	int signal;
	int count;
};

static int
signal_member(void *context, pid_t pid)
{
	struct session_walk *walk = context;
	struct process_sight sight;

	if (process_look(pid, &sight) != 0 || sight.session != walk->leader->pid)
		return 0;
	if (sight.is_gone || pid <= 1 || pid == getpid())
		return 0;
	walk->count++;
	if (walk->signal)
		kill(pid, walk->signal);
	return 0;
}

int
process_signal_session(const struct process *leader, int signal)
{
	struct session_walk walk = {.leader = leader, .signal = signal};
	struct process_sight now;

	/* The number belongs to a later life: the session that we mean has ended. */
	if (process_look(leader->pid, &now) == 0 && now.life.started != leader->started)
		return 0;
	process_each(signal_member, &walk);
	return walk.count;
}

int
process_end_session(const struct process *leader, uint64_t deadline_ms)
{
	/* Again after each look: a member may have forked while it was looked at. */
	while (process_signal_session(leader, SIGKILL) > 0) {
		if (clock_boot_ms() >= deadline_ms)
			return -ETIMEDOUT;
		poll(NULL, 0, STEP_MS);
	}
	return 0;
}
