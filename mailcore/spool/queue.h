/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue -- when the queue file is written and read: jobs on its lane.
 *
 * Takes over messages that have stayed long in the journal, always from the
 * oldest on, so that none that it owns lies behind the mark; notes what was said
 * of those that it owns; moves the mark. At start it loads what the file holds,
 * a page with each tick, so that a promote does not wait for a long queue; until
 * that is done it takes nothing over.
 */
#ifndef GEMEL_MAILCORE_SPOOL_QUEUE_H
#define GEMEL_MAILCORE_SPOOL_QUEUE_H

#include "mailcore/spool/checkpoint.h"
#include "mailcore/spool/journal.h"
#include "mailcore/spool/ledger.h"
#include "mailcore/spool/syncer.h"

struct queue_events {
	void *context;
	/* A message came from the file. */
	void (*loaded)(void *context, struct ledger_entry *entry);
	/* A job is done; what was said before it was begun is durable. */
	void (*done)(void *context);
	void (*failed)(void *context, const char *reason);
	void (*degraded)(void *context, const char *reason);
};

struct queue;

/* Takes checkpoint. The rest must live longer. */
struct queue *queue_open(const char *directory, uint32_t after_ms, struct checkpoint *checkpoint,
    struct ledger *ledger, struct journal *journal, struct syncer *syncer,
    const struct queue_events *events);

/* The first page, on the caller's thread. Returns 0 or -errno. */
int queue_load_first(struct queue *queue);

/* Something was said of a message that it owns. Returns the number of the job that will note it. */
uint64_t queue_said(struct queue *queue, struct ledger_entry *entry);

/* Number of the last job that is done. */
uint64_t queue_done(const struct queue *queue);

/* Does the file have this message? 1, 0 or -errno. Only before the first queue_tick(). */
int queue_has(struct queue *queue, message_id id);

/* How many messages are still to be loaded; how many are settled and not yet removed. */
uint64_t queue_unloaded(const struct queue *queue);
uint64_t queue_ending(const struct queue *queue);

/* Begin a job now if somebody waits for it. */
void queue_hurry(struct queue *queue);

/* Begin a job if one is due. free_bytes: bodies that are taken over may use this much. */
void queue_tick(struct queue *queue, uint64_t now_ms, uint64_t free_bytes);

/* For the end: begin a job that notes all and moves the mark, but takes nothing over. False: there
 * is nothing to do. */
bool queue_finish(struct queue *queue);
bool queue_is_busy(const struct queue *queue);
/* Result of the last job. */
int queue_result(const struct queue *queue);

/* Guards what a reading thread looks at in an entry: place, segment, content_offset. */
void queue_lock(struct queue *queue);
void queue_unlock(struct queue *queue);

/* The syncer must have ended. */
void queue_close(struct queue **queue);

#endif
