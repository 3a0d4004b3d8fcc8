/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * child -- work that may never come back, in a child that can be left behind.
 *
 * A mount, an unmount or a read on a dead disk sleeps where no signal reaches.
 * The child does it and reports over a pipe; at the deadline it is killed and
 * left. It stays in the agent's process group, so Pacemaker's SIGKILL reaches
 * it too, and holds none of the agent's descriptors 0 to 2, so nobody waits for it.
 */
#ifndef GEMEL_OCF_CHILD_H
#define GEMEL_OCF_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#define CHILD_TEXT_MAX 256

struct child_report {
	int status;                /* what the work returned */
	char text[CHILD_TEXT_MAX]; /* what it had to say; "" if nothing */
};

/* Runs in the child. What it writes to text (CHILD_TEXT_MAX bytes) comes back in the report. */
typedef int (*child_work)(void *argument, char *text);

/* Returns 0 with the report; -ETIMEDOUT: not done at deadline_ms (CLOCK_BOOTTIME), it may still
 * happen; -ECHILD: it died without a report; or -errno. */
int child_run(child_work work, void *argument, uint64_t deadline_ms, struct child_report *report_r);

/* Start a program without a shell, its output thrown away. Returns its pid or -errno. */
pid_t child_spawn(char *const argv[]);

/* Wait for a program to end: its exit status; 128 + signal; -ETIMEDOUT after killing it. */
int child_wait(pid_t pid, uint64_t deadline_ms);

#endif
