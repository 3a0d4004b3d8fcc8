/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * array -- a node's side of the shared storage: its cache before the platter, slots, reservations
 *
 * Two devices. The image is the platter behind the node's volatile cache (overlay.h). The slots
 * have no cache of a node: what is written there is at once the array's, so the other nodes read it
 * without a flush, a power cut of the node does not lose it, and nobody reads half of a request.
 * Both are one logical unit: who is barred by a reservation (persist.h) neither writes nor flushes
 * either of them, with -EIO, and what it had not flushed is lost for good; if it may write again
 * before it has noticed, its next flush fails with -EIO once.
 *
 * The parts of an array are PLATTER, PLATTER.slots and PLATTER.reservations; the first two must be
 * there. Not for more than one thread at a time.
 */
#ifndef GEMEL_TESTS_LAB_ARRAY_H
#define GEMEL_TESTS_LAB_ARRAY_H

#include "tests/lab/side.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum array_device {
	ARRAY_IMAGE,
	ARRAY_SLOTS,
};

struct array_settings {
	const char *platter;
	int initiator;        /* -1: the platter alone, without slots and reservations */
	uint64_t cache_max;   /* unflushed bytes before the cache is flushed without being told */
	bool keeps_unflushed; /* a wrong disk: writes go straight to the platter */
};

struct array;

/* Open it, after the last fork (side.h). Returns owned; NULL and errno. */
struct array *array_open(const struct array_settings *settings);

/* What is unflushed is lost, as by a power cut. Takes NULL. */
void array_close(struct array **a);

/* Bytes of a device; 0: it is not there. */
uint64_t array_size(const struct array *a, enum array_device device);

/* Unflushed bytes. */
uint64_t array_unflushed(struct array *a);

/* Barred by a reservation now. */
bool array_is_barred(struct array *a);

/* NULL: it has no reservations. Borrowed. */
struct side *array_reservations(struct array *a);

/* 0; -EINVAL beyond the end; -EIO: barred, or the file. */
int array_read(struct array *a, enum array_device device, void *data, size_t len, uint64_t off);
int
array_write(struct array *a, enum array_device device, const void *data, size_t len, uint64_t off);
int array_flush(struct array *a, enum array_device device);

/* A power cut that tears, as overlay_scramble(); nothing of a barred node. */
int array_scramble(struct array *a, unsigned permille, uint64_t seed);

#endif
