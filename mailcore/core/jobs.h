/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jobs -- one thread for what must not hold the core's loop up: password
 * hashes, writes to the accounts.
 *
 * Jobs run one after the other in the order given. run is called on the
 * thread, done after it on the loop.
 */
#ifndef GEMEL_MAILCORE_CORE_JOBS_H
#define GEMEL_MAILCORE_CORE_JOBS_H

#include <qb/qbloop.h>

struct jobs;

int jobs_open(qb_loop_t *loop, struct jobs **jobs_r);

/* Queue one. context is handed to both and owned by them. run may never be called (jobs_close());
 * done always is. */
void
jobs_add(struct jobs *jobs, void (*run)(void *context), void (*done)(void *context), void *context);

/* Wait for the one that runs, call done for it and for all that wait, which are not run any more,
 * end the thread, free. Takes NULL. */
void jobs_close(struct jobs **jobs);

#endif
