/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring -- who may write and read where in the memory shared with a worker.
 *
 * Pure arithmetic; memory.h has the bytes. A position counts every byte that
 * ever went through, and never wraps (2^64 bytes); the place in memory is
 * position modulo size. The memory is mapped twice in a row, so an entry is
 * always one piece, also across the end.
 *
 * The counters are private to each side: nothing that the worker can write is
 * read back by the core as a length or place. Entries are announced by frames
 * in order, without gaps, and the core tells from time to time up to which
 * position it has copied them out (RING_TELL). Entries are bounded by a quarter
 * of the size, so a writer that waits always gets its turn: when all is
 * consumed, at most a quarter was not told.
 */
#ifndef GEMEL_MAILCORE_PROCESS_RING_H
#define GEMEL_MAILCORE_PROCESS_RING_H

#include <stdbool.h>
#include <stdint.h>

/* The writer, in the worker. */
struct ring_writer {
	uint64_t size; /* a power of two */
	uint64_t head; /* where the next entry begins */
	uint64_t tail; /* all before it is consumed */
};

/* The reader, in the core. */
struct ring_reader {
	uint64_t size;
	uint64_t position; /* where the next entry must begin */
	uint64_t told;     /* the last position that the writer was told */
};

/* The smallest size that carries entries of entry_max bytes; at least floor. */
uint64_t ring_size_for(uint64_t entry_max, uint64_t floor);

static inline uint64_t
ring_entry_max(uint64_t size)
{
	return size / 4;
}

static inline uint64_t
ring_place(uint64_t size, uint64_t position)
{
	return position & (size - 1);
}

/* Reserve length bytes at *position_r. False: no room until more is consumed; nothing changes. */
bool ring_reserve(struct ring_writer *w, uint64_t length, uint64_t *position_r);

/* The reader consumed all before position. False: it never can have. */
bool ring_release(struct ring_writer *w, uint64_t position);

/* May the reader take the entry {position, length}? It must be the next one and not be too long. */
bool ring_can_take(const struct ring_reader *r, uint64_t position, uint64_t length);

/* The entry has been copied out. True when the writer is to be told r->position now. */
bool ring_take(struct ring_reader *r, uint64_t length);

#endif
