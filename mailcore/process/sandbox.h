/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox -- what a worker can still ask of the kernel.
 *
 * After sandbox_enter() the process may read and write descriptors that it
 * has, accept connections, poll, allocate memory that cannot be executed, read
 * the clock and end itself. It cannot open, connect, make sockets, fork,
 * execute, trace or signal another process: any other system call ends it by
 * SIGSYS, and the core sees that. Nothing can take it back.
 */
#ifndef GEMEL_MAILCORE_PROCESS_SANDBOX_H
#define GEMEL_MAILCORE_PROCESS_SANDBOX_H

/* Enter. Call it last in the set-up, while there is one thread. Returns 0 or -errno; then the
 * process must not go on. */
int sandbox_enter(void);

#endif
