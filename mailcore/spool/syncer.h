/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syncer -- the threads that wait for the disk, so that the loop never does.
 *
 * A lane does its tasks one after the other. Two lanes sync batches, one
 * prepares and recycles segment files, one owns the queue file. A task runs on
 * its lane's thread and is then finished on the loop, by syncer_dispatch().
 *
 * A syncer without threads does the tasks inside syncer_dispatch(), on the
 * caller's thread and in an order that does not change: for tests that count
 * disk calls.
 */
#ifndef GEMEL_MAILCORE_SPOOL_SYNCER_H
#define GEMEL_MAILCORE_SPOOL_SYNCER_H

#include <stdbool.h>

enum lane {
	LANE_BATCH_EVEN = 0,
	LANE_BATCH_ODD,
	LANE_FILES,
	LANE_QUEUE,
	LANE_COUNT,
};

/* Embed it. It belongs to the syncer from submit until done is called. */
struct task {
	void (*run)(struct task *task);  /* on the lane */
	void (*done)(struct task *task); /* on the loop */
	void (*drop)(struct task *task); /* instead of done, at syncer_close(); may be NULL */
	struct task *next;
};

enum syncer_kind {
	SYNCER_THREADS,
	SYNCER_INLINE, /* lanes in order */
	/* Last lane first, and LANE_BATCH_EVEN only every second time: two batches are in flight,
	 * and the later one is synced first. */
	SYNCER_INLINE_BACKWARD,
};

struct syncer;

int syncer_open(enum syncer_kind kind, struct syncer **syncer_r);

/* Waits for what was submitted (drop is called for it, not done), ends the threads. */
void syncer_close(struct syncer **syncer);

void syncer_submit(struct syncer *syncer, enum lane lane, struct task *task);

/* Readable when syncer_dispatch() has something to do. */
int syncer_descriptor(const struct syncer *syncer);

/* Make the descriptor readable. */
void syncer_wake(struct syncer *syncer);

/* Call done for every task that has run. */
void syncer_dispatch(struct syncer *syncer);

/* Wait until the descriptor is readable. */
void syncer_wait(struct syncer *syncer);

#endif
