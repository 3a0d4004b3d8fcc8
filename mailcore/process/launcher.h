/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * launcher -- the only process that stays root: it starts, reaps and ends workers.
 *
 * It is forked from the core before that drops its privileges, and keeps of
 * root only CAP_SETUID, CAP_SETGID and CAP_KILL. It obeys two requests over a
 * socketpair and reports how each worker ended. When the core's end of the
 * socketpair closes, for whatever reason, it ends all workers and itself.
 * Started by another user than root it runs the workers as that same user.
 */
#ifndef GEMEL_MAILCORE_PROCESS_LAUNCHER_H
#define GEMEL_MAILCORE_PROCESS_LAUNCHER_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define LAUNCHER_WORKERS_MAX 64

/* Where a worker finds what it was given. */
#define LAUNCHER_CHANNEL_FD 3
#define LAUNCHER_MEMORY_FD 4

enum launcher_verb {
	LAUNCHER_START = 1, /* comes with two descriptors: channel and memory */
	LAUNCHER_END,       /* SIGKILL, if that life is still there */
};

struct launcher_request {
	uint32_t verb;
	uint32_t worker; /* below LAUNCHER_WORKERS_MAX */
	uint32_t life;
};

enum launcher_event {
	LAUNCHER_READY = 1, /* once, when it has dropped what it does not need */
	LAUNCHER_STARTED,   /* value: the pid */
	LAUNCHER_ENDED,     /* value: the status that waitpid() gave */
	LAUNCHER_FAILED,    /* value: errno of fork() */
};

struct launcher_report {
	uint32_t event;
	uint32_t worker;
	uint32_t life;
	int32_t value;
};

struct launcher_settings {
	const char *worker_path;
	uid_t uid; /* (uid_t)-1: run workers as the user that we are */
	gid_t gid;
	rlim_t descriptors;
};

/* Fork it. channel_r: this side's end, non-blocking, close-on-exec. Returns its pid or -errno. */
pid_t launcher_open(const struct launcher_settings *settings, int *channel_r);

/* Ask for a start; channel and memory stay the caller's. Returns 0 or -errno. */
int launcher_start(int channel, uint32_t worker, uint32_t life, int worker_channel, int memory);

/* Ask for the end of one life. */
int launcher_end(int channel, uint32_t worker, uint32_t life);

/* The next report. Returns 1, 0 when the launcher is gone, -EAGAIN or -errno. */
int launcher_report(int channel, struct launcher_report *report);

/* What the launcher's process does; does not return. channel is its only descriptor that matters.
 */
_Noreturn void launcher_run(const struct launcher_settings *settings, int channel);

#endif
