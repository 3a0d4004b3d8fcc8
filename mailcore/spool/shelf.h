/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shelf -- segment files that wait for their use.
 *
 * Keeps one segment ready (header written and synced) so that the journal goes
 * on to it without waiting, and a few spare files. A spare comes from a segment
 * that is not needed any more, by rename; when there is none, one is made: its
 * blocks are reserved and then written once, a slice with each tick, so that a
 * later fdatasync has no metadata to write and the disk is not kept busy by it.
 *
 * All work is done on the lane LANE_FILES; all calls are made on the loop.
 */
#ifndef GEMEL_MAILCORE_SPOOL_SHELF_H
#define GEMEL_MAILCORE_SPOOL_SHELF_H

#include "mailcore/spool/segment.h"
#include "mailcore/spool/syncer.h"

struct shelf;

struct shelf_settings {
	const char *directory; /* the store's; must stay valid */
	uint64_t segment_bytes;
	uint64_t reserve_bytes;
	uint64_t generation;
	/* Above that of every file in journal/. A file keeps its number when it is recycled, so
	 * segments and spares count up from one: two counters would meet. */
	uint64_t next_number;
};

struct shelf_events {
	void *context;
	/* A segment is ready, or files may be had again. */
	void (*ready)(void *context);
	/* The disk cannot be trusted any more. */
	void (*failed)(void *context, const char *reason);
};

struct shelf *shelf_open(const struct shelf_settings *settings, const struct shelf_events *events,
    struct syncer *syncer);

/* A spare that was found at the start. Takes as many as it keeps; false: remove the file. */
bool shelf_add_spare(struct shelf *shelf, uint64_t number);

/* The first segment of a generation; the only call that waits for the disk. */
int shelf_begin(struct shelf *shelf, const struct position *prior, struct segment **segment_r);

/* Take the segment that is ready, or NULL; the next one is prepared. */
struct segment *shelf_take(struct shelf *shelf);

/* A segment that nothing needs any more becomes a spare or is removed. Takes it. */
void shelf_return(struct shelf *shelf, struct segment *segment);

/* Prepare, fill, look how much is free. */
void shelf_tick(struct shelf *shelf);

bool shelf_has_ready(const struct shelf *shelf);

/* No space: for a new segment, or less than the reserve. */
bool shelf_is_full(const struct shelf *shelf);

/* Bytes that are free above the reserve; 0 when it is full. */
uint64_t shelf_free(const struct shelf *shelf);

/* The syncer must have ended. */
void shelf_close(struct shelf **shelf);

#endif
