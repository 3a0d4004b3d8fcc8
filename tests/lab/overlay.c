// SPDX-License-Identifier: BSD-2-Clause
#include "tests/lab/overlay.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Blocks that one pwritev takes at most (IOV_MAX is 1024). */
#define RUN_MAX 256

struct overlay {
	int fd;
	uint64_t blocks;
	uint8_t **block; /* by number; NULL: the platter's holds */
	uint64_t *dirty; /* numbers of those that are not NULL */
	size_t n_dirty;
	size_t room;
	uint8_t **spare; /* buffers to use again */
	size_t n_spare;
};

static void *
alloc_or_abort(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

struct overlay *
overlay_open(int fd, uint64_t size)
{
	struct overlay *o = alloc_or_abort(1, sizeof(*o));

	o->fd = fd;
	o->blocks = size / OVERLAY_BLOCK;
	o->block = alloc_or_abort(o->blocks + 1, sizeof(*o->block));
	return o;
}

void
overlay_close(struct overlay **o)
{
	if (!*o)
		return;
	for (size_t i = 0; i < (*o)->n_dirty; i++)
		free((*o)->block[(*o)->dirty[i]]);
	for (size_t i = 0; i < (*o)->n_spare; i++)
		free((*o)->spare[i]);
	free((*o)->block);
	free((*o)->dirty);
	free((*o)->spare);
	free(*o);
	*o = NULL;
}

uint64_t
overlay_size(const struct overlay *o)
{
	return o->blocks * OVERLAY_BLOCK;
}

uint64_t
overlay_dirty(const struct overlay *o)
{
	return (uint64_t)o->n_dirty * OVERLAY_BLOCK;
}

static bool
has_range(const struct overlay *o, size_t len, uint64_t off)
{
	return off <= overlay_size(o) && len <= overlay_size(o) - off;
}

/* Read a range that no dirty block hides. */
static int
platter_read(const struct overlay *o, uint8_t *data, size_t len, uint64_t off)
{
	while (len > 0) {
		ssize_t n = pread(o->fd, data, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) { /* the file is shorter than the disk: never written */
			memset(data, 0, len);
			return 0;
		}
		data += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
overlay_read(struct overlay *o, void *data, size_t len, uint64_t off)
{
	uint8_t *to = data;
	int rc = 0;

	if (!has_range(o, len, off))
		return -EINVAL;
	while (len > 0 && rc == 0) {
		uint64_t nr = off / OVERLAY_BLOCK;
		size_t in = off % OVERLAY_BLOCK;
		size_t n = OVERLAY_BLOCK - in;

		if (o->block[nr]) {
			n = n < len ? n : len;
			memcpy(to, o->block[nr] + in, n);
		} else {
			while (n < len && !o->block[(off + n) / OVERLAY_BLOCK])
				n += OVERLAY_BLOCK;
			n = n < len ? n : len;
			rc = platter_read(o, to, n, off);
		}
		to += n;
		off += n;
		len -= n;
	}
	return rc;
}

static void
dirty_add(struct overlay *o, uint64_t nr)
{
	if (o->n_dirty == o->room) {
		size_t room = o->room ? o->room * 2 : 1024;

		o->dirty = reallocarray(o->dirty, room, sizeof(*o->dirty));
		o->spare = reallocarray(o->spare, room, sizeof(*o->spare));
		if (!o->dirty || !o->spare)
			abort();
		o->room = room;
	}
	o->dirty[o->n_dirty++] = nr;
	o->block[nr] = o->n_spare ? o->spare[--o->n_spare] : alloc_or_abort(1, OVERLAY_BLOCK);
}

int
overlay_write(struct overlay *o, const void *data, size_t len, uint64_t off)
{
	const uint8_t *from = data;

	if (!has_range(o, len, off))
		return -EINVAL;
	while (len > 0) {
		uint64_t nr = off / OVERLAY_BLOCK;
		size_t in = off % OVERLAY_BLOCK;
		size_t n = OVERLAY_BLOCK - in < len ? OVERLAY_BLOCK - in : len;

		if (!o->block[nr]) {
			uint8_t old[OVERLAY_BLOCK];

			if (n < OVERLAY_BLOCK) {
				int rc = platter_read(o, old, OVERLAY_BLOCK, nr * OVERLAY_BLOCK);

				if (rc < 0)
					return rc;
			}
			dirty_add(o, nr);
			if (n < OVERLAY_BLOCK)
				memcpy(o->block[nr], old, OVERLAY_BLOCK);
		}
		memcpy(o->block[nr] + in, from, n);
		from += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int
number_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Write n neighbouring blocks, the first of them number nr. */
static int
run_write(const struct overlay *o, uint64_t nr, size_t n)
{
	struct iovec iov[RUN_MAX];
	struct iovec *v = iov;
	off_t off = (off_t)(nr * OVERLAY_BLOCK);

	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){o->block[nr + i], OVERLAY_BLOCK};
	while (n > 0) {
		ssize_t put = pwritev(o->fd, v, (int)n, off);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		off += put;
		for (; n > 0 && (size_t)put >= v->iov_len; v++, n--)
			put -= (ssize_t)v->iov_len;
		if (n > 0) {
			v->iov_base = (uint8_t *)v->iov_base + put;
			v->iov_len -= (size_t)put;
		}
	}
	return 0;
}

void
overlay_forget(struct overlay *o)
{
	for (size_t i = 0; i < o->n_dirty; i++) {
		o->spare[o->n_spare++] = o->block[o->dirty[i]];
		o->block[o->dirty[i]] = NULL;
	}
	o->n_dirty = 0;
}

int
overlay_flush(struct overlay *o)
{
	if (o->n_dirty == 0)
		return 0;
	qsort(o->dirty, o->n_dirty, sizeof(*o->dirty), number_compare);
	for (size_t i = 0; i < o->n_dirty;) {
		size_t n = 1;
		int rc;

		while (n < RUN_MAX && i + n < o->n_dirty && o->dirty[i + n] == o->dirty[i] + n)
			n++;
		rc = run_write(o, o->dirty[i], n);
		if (rc < 0)
			return rc;
		i += n;
	}
	overlay_forget(o);
	return 0;
}

/* SplitMix64: a small generator of which any seed is good. */
static uint64_t
random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

int
overlay_scramble(struct overlay *o, unsigned permille, uint64_t seed)
{
	int rc = 0;

	for (size_t i = 0; i < o->n_dirty && rc == 0; i++)
		if (random_next(&seed) % 1000 < permille)
			rc = run_write(o, o->dirty[i], 1);
	overlay_forget(o);
	return rc;
}
