/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * process -- telling one life of a process from another, and ending a session.
 *
 * A pid alone may belong to somebody else by the time that it is read back, so
 * a process is its pid and the moment it was started. What a resource agent remembers
 * of a process is one line in a file under /run/gemel, which a boot empties.
 *
 * A session's number is not given to a new process while any member of the
 * session lives; that makes it safe to end the rest of a session whose leader
 * is dead.
 *
 * A process is gone when the last of its threads is. One that sleeps in the kernel
 * outlives SIGKILL, and keeps the files and their locks, while the leader is a
 * zombie already.
 */
#ifndef GEMEL_COMMON_PROCESS_H
#define GEMEL_COMMON_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t pid;
	uint64_t started; /* clock ticks since boot (/proc/PID/stat, field 22) */
};

struct process_sight {
	struct process life;
	pid_t session;
	bool is_gone;    /* nothing of it runs any more; a zombie, perhaps */
	bool is_stopped; /* by SIGSTOP or its like: it does nothing until SIGCONT */
};

/* Pure: read /proc/PID/stat. False if it is none. */
bool process_parse_stat(const char *stat, struct process_sight *sight_r);

/* What is to be seen of pid now. 0, or -ESRCH: none. */
int process_look(pid_t pid, struct process_sight *sight_r);

/* Which life pid is now. 0, or -ESRCH: none, or gone. */
int process_identify(pid_t pid, struct process *p);

bool process_is_alive(const struct process *p);

/* Wait until it is gone. 0, -ETIMEDOUT or -errno. */
int process_wait(const struct process *p, uint64_t deadline_ms);

/* Replace the file at once (by rename), so a reader never sees half of it. 0 or -errno. */
int process_save(const char *path, const struct process *p);

/* 0; -ENOENT: no file; -EPROTO: not such a file. */
int process_load(const char *path, struct process *p);

/* Call each(context, pid) for every process. A value other than 0 ends the walk and is returned. */
int process_each(int (*each)(void *context, pid_t pid), void *context);

/* How many processes live in the session that leader began, the leader included. Each is sent
 * signal (0: none). */
int process_signal_session(const struct process *leader, int signal);

/* SIGKILL the session and wait until it is empty. 0 or -ETIMEDOUT. */
int process_end_session(const struct process *leader, uint64_t deadline_ms);

#endif
