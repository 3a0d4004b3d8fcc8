/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker -- gemel-smtp: the process that speaks SMTP with strangers.
 *
 * It is started by the launcher with two descriptors (launcher.h), reads its
 * settings from the shared memory, goes into the sandbox and serves sessions on
 * one libuv loop. It opens no file, decides nothing about mail and keeps
 * nothing: what a session asks goes to the core as a frame. When the core is
 * gone it exits at once and answers nobody.
 *
 * One turn of the loop: read what came on connections and from the core, feed
 * sessions, send their output, then all frames for the core by one call.
 */
#ifndef GEMEL_MAILCORE_PROCESS_WORKER_H
#define GEMEL_MAILCORE_PROCESS_WORKER_H

/* Why a worker ended by itself; the pool says it in the log. */
enum worker_exit {
	WORKER_EXIT_CORE_GONE = 0,
	WORKER_EXIT_SETUP = 100, /* descriptors, memory, loop */
	WORKER_EXIT_USER,        /* could not become its user, or a limit could not be set */
	WORKER_EXIT_EXEC,        /* the program could not be executed */
	WORKER_EXIT_SANDBOX,
	WORKER_EXIT_PROTOCOL, /* the core said what cannot be */
};

#endif
