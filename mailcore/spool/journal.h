/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal -- records become batches, batches become durable, in order.
 *
 * Records are appended to the open batch. As soon as one of the two lanes is
 * free the batch is closed, written and synced there, each lane through a
 * description of its own; meanwhile records gather in the next one. durable()
 * is called for each batch in order, N+1 never before N, however the syncs end.
 * Any error of a sync ends it: failed(), and no durable() after that.
 *
 * What a crash leaves, and what replay does with it (N: the last batch whose
 * durable() was called):
 *
 *   crash                         on the disk                 replay
 *   ----------------------------  --------------------------  ---------------------------
 *   before a batch is written     nothing of N+1              ends after N
 *   while N+1 is written/synced   any sectors of N+1          ends after N, unless all of
 *                                                             it is there: then it counts
 *   N+1 and N+2 in flight,        N+1 torn, N+2 whole; N+2    ends after N; N+2 was never
 *     N+2 synced first            says durable_through <= N   acknowledged
 *   N+1 synced, not yet told      N+1 whole                   N+1 counts; never promised
 *   new segment: before rename    a spare with a header       still a spare
 *   after rename, no batch yet    a segment without batches   nothing to read
 *   recycle: before/after rename  a segment below the mark,   not read; recycled
 *                                 or a spare
 *   staged file not synced        no record names it          the file is dropped; put into
 *                                                             quarantine/ if damage is found
 *   first segment of a new        its header says where the   what lies between is never
 *     generation is there         log ended                   read again
 *   (damage) a batch at or below  not believable, but a later records whose own checksums
 *     a later durable_through     batch proves it was durable hold count, the rest is put
 *                                                             into quarantine/
 */
#ifndef GEMEL_MAILCORE_SPOOL_JOURNAL_H
#define GEMEL_MAILCORE_SPOOL_JOURNAL_H

#include "common/slice.h"
#include "mailcore/spool/segment.h"
#include "mailcore/spool/shelf.h"
#include "mailcore/spool/syncer.h"

struct journal;

struct journal_events {
	void *context;
	/* This batch, and all before it, are durable. What journal_body() had at n is in segment at
	 * offset + n. */
	void (*durable)(void *context, uint64_t batch, struct segment *segment, uint64_t offset);
	void (*failed)(void *context, const char *reason);
};

struct journal_settings {
	const char *directory;
	uint64_t segment_bytes;
	uint64_t reserve_bytes;
	uint64_t generation;
	struct position
	    prior; /* where replay found the end; prior.batch: the number of the next batch */
	uint64_t next_number;
};

/* Begins the generation's first segment. spares: files that were found. */
int journal_open(const struct journal_settings *settings, const struct journal_events *events,
    struct syncer *syncer, const uint64_t *spares, size_t spare_count, struct journal **journal_r);

/* Give it a segment of before, to be kept until the mark has passed it. Takes it. In order. */
void journal_keep(struct journal *journal, struct segment *segment);

/* The body of the open batch, to append records to. It must be followed by journal_appended(). */
struct buffer *journal_body(struct journal *journal);

/* Records were appended. Returns the number of the batch that they are in. urgent: someone waits.
 */
uint64_t journal_appended(struct journal *journal, bool urgent);

/* A file that must be synced, with the directory staging/, before the open batch is. Takes fd. */
void journal_sync_before(struct journal *journal, int fd);

enum journal_room {
	ROOM_YES,
	ROOM_LATER, /* the disk does not keep up */
	ROOM_FULL,  /* there is no space */
};

/* May a message with a record of this length be taken? Room for outcomes is always kept back. */
enum journal_room journal_room(const struct journal *journal, uint64_t record_length);

/* Bytes that others may use on this file system: what is free above the reserve. */
uint64_t journal_free(const struct journal *journal);

/* The longest record that a segment can hold. */
uint64_t journal_record_max(const struct journal *journal);

/* Hand over what waits and is urgent. Call after each syncer_dispatch(). */
void journal_flush(struct journal *journal);

/* Somebody waits for all that was appended. */
void journal_hurry(struct journal *journal);

/* Hand over what waits; when nothing does, write the empty batch that says so. */
void journal_tick(struct journal *journal);

/* For the end, when idle: append the empty batch that says so, if no batch has yet said that the last
 * one with records is durable. False: that is said. */
bool journal_seal(struct journal *journal);

/* Nothing waits and nothing is in flight. */
bool journal_is_idle(const struct journal *journal);

/* Something waits, and there is no space to put it. */
bool journal_is_stuck(const struct journal *journal);

/* Where the next batch after the last durable one begins. */
struct position journal_end(const struct journal *journal);

/* Number of the last durable batch. */
uint64_t journal_durable(const struct journal *journal);

/* Nothing before mark is needed any more: recycle. */
void journal_recycle(struct journal *journal, const struct position *mark);

/* How many segments there are between the mark and the end. */
unsigned journal_segments(const struct journal *journal);

uint64_t journal_commit_us(const struct journal *journal);

/* The syncer must have ended. Does not write. Takes NULL. */
void journal_close(struct journal **journal);

#endif
