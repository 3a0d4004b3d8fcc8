/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlay -- the volatile write cache of a lab disk, before its platter
 *
 * A disk keeps a write in memory until it is told to flush; a power cut loses
 * what is there.  Here the platter is a file that both nodes share, and the
 * memory is this overlay: blocks of OVERLAY_BLOCK bytes that hide those of the
 * file.  Reads see the overlay first.
 *
 * It is not thread-safe and knows nothing of FUSE or of failures.
 */
#ifndef GEMEL_TESTS_LAB_OVERLAY_H
#define GEMEL_TESTS_LAB_OVERLAY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OVERLAY_BLOCK 4096

struct overlay;

/*
 * A clean overlay over the first size bytes of the file at fd, which it
 * borrows.  size is rounded down to whole blocks.  Returns owned; aborts
 * without memory.
 */
struct overlay *overlay_open(int fd, uint64_t size);

/* What is unflushed is lost, as by a power cut.  Takes NULL. */
void overlay_close(struct overlay **o);

/* The platter's size in bytes. */
uint64_t overlay_size(const struct overlay *o);

/* Unflushed bytes. */
uint64_t overlay_dirty(const struct overlay *o);

/* Read len bytes at off.  0; -EINVAL beyond the end; -errno of the file. */
int overlay_read(struct overlay *o, void *data, size_t len, uint64_t off);

/*
 * Write len bytes at off into memory only.  0; -EINVAL beyond the end; -errno
 * of the file, when a part of a block had to be read first.
 */
int overlay_write(struct overlay *o, const void *data, size_t len, uint64_t off);

/*
 * Put every unflushed block onto the platter; then nothing is dirty.  0 or
 * -errno of the file: the overlay then keeps all of its blocks.
 */
int overlay_flush(struct overlay *o);

/* Lose what is unflushed. */
void overlay_forget(struct overlay *o);

/*
 * A power cut that tears: each unflushed block reaches the platter with a
 * probability of permille / 1000, chosen by seed, and the rest is lost.
 */
int overlay_scramble(struct overlay *o, unsigned permille, uint64_t seed);

#endif
