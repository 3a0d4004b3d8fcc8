/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checkpoint -- the queue file: messages that stay, and where replay begins.
 *
 * db/queue.db, SQLite in WAL mode with synchronous=FULL, locked by us alone. A
 * job is one transaction: it takes messages over from the journal, notes what
 * was said of messages that it has, and moves the mark. The order in a job:
 *
 *   1. bodies of the messages to take over are in staging/content-ID, synced
 *   2. bodies of messages that end go back to staging/ (synced), so that a crash
 *      leaves what nothing knows only there, where replay sweeps
 *   3. COMMIT
 *   4. bodies taken over are renamed into deferred/, ended ones are removed
 *
 * A job that failed may be run again.
 *
 * A checkpoint is used by one thread at a time: at open by the caller's, then by
 * the lane LANE_QUEUE.
 */
#ifndef GEMEL_MAILCORE_SPOOL_CHECKPOINT_H
#define GEMEL_MAILCORE_SPOOL_CHECKPOINT_H

#include "mailcore/spool/content.h"
#include "mailcore/spool/record.h"

struct checkpoint;

/* A message to take over. */
struct checkpoint_move {
	struct content content;
	struct slice envelope;
};

enum checkpoint_change {
	CHANGE_TAKE,   /* insert; move says what */
	CHANGE_NOTE,   /* outcomes and reason */
	CHANGE_REMOVE, /* it is settled */
};

/* All is borrowed until the job is done. */
struct checkpoint_entry {
	enum checkpoint_change change;
	message_id id;
	struct checkpoint_move move;
	struct slice outcomes;
	struct slice reason;
};

struct checkpoint_job {
	struct checkpoint_entry *entries;
	size_t count;
	struct position mark;
};

struct checkpoint_row {
	bool is_whole; /* false: message has nothing but its id */
	struct record_message message;
	struct slice outcomes;
	struct slice reason;
};

/* Open or make it. vfs: name of an SQLite VFS, or NULL. */
int checkpoint_open(
    const char *directory, const char *vfs, struct checkpoint **checkpoint_r, char error[256]);
void checkpoint_close(struct checkpoint **checkpoint);

/* What the last transaction left. A new file: nowhere, and nothing. */
struct position checkpoint_mark(const struct checkpoint *checkpoint);
uint64_t checkpoint_count(const struct checkpoint *checkpoint);

/* Run a job. -ENOSPC: nothing is lost, try again; other errors: the queue file is unusable. */
int checkpoint_run(struct checkpoint *checkpoint, const struct checkpoint_job *job);

/* Call each for up to limit rows with an id above after, in order. Slices are valid inside. Returns
 * the number of rows or -errno. */
int checkpoint_load(struct checkpoint *checkpoint, message_id after, unsigned limit,
    void (*each)(void *context, const struct checkpoint_row *row), void *context);

/* 1: it has this message; 0: no; -errno. */
int checkpoint_has(struct checkpoint *checkpoint, message_id id);

#endif
