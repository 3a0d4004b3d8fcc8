/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command -- runs another program beside a libqb loop, without a shell, and brings its output.
 *
 * The program gets an ordinary scheduling class, no signal blocked, and no descriptor of
 * ours but its output; standard input and error are /dev/null. The parent's loop must not
 * handle SIGCHLD.
 *
 * A program that waits for a device in the kernel cannot be killed before the device answers.
 * Nobody waits for that: it is late, or dropped, all the same, and the loop reaps it when it ends.
 * So what it was to do may still be done.
 */
#ifndef GEMEL_COMMON_COMMAND_H
#define GEMEL_COMMON_COMMAND_H

#include "common/slice.h"

#include <qb/qbloop.h>

/* More of a program's output than this is an error. */
#define COMMAND_OUTPUT_MAX (256u * 1024)

struct command;

/* Called once, from the loop, unless the command is dropped before. status: what it exited with;
 * -ETIMEDOUT: killed for being late; -EOVERFLOW: killed for saying too much; -EINTR: a signal
 * ended it. output is borrowed. */
typedef void (*command_done)(void *context, int status, struct slice output);

/* Start argv[0], looked for in PATH. Returns 0, and *command_r lasts until done is called; or
 * -errno: it could not be started. */
int command_start(qb_loop_t *loop, char *const argv[], uint32_t timeout_ms, command_done done,
    void *context, struct command **command_r);

/* Kill it; done will not be called. Takes NULL. */
void command_drop(struct command **command);

#endif
