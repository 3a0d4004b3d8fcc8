/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slice -- bytes that somebody else owns, and buffers that grow.
 *
 * A slice borrows: it is valid as long as what it points into. It is not a
 * C string: no terminating NUL, and NUL may occur inside.
 * A buffer owns its bytes. Growing it moves them, so slices into a buffer are
 * views until the next call that appends. Out of memory aborts (the cluster
 * restarts us), so bound every size that comes from outside before appending.
 */
#ifndef GEMEL_COMMON_SLICE_H
#define GEMEL_COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data;
	size_t length;
};

struct buffer {
	uint8_t *data;
	size_t length;
	size_t capacity;
};

/* A view of a C string, without its NUL. NULL gives an empty slice. */
static inline struct slice
slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline struct slice
slice_from(const void *data, size_t length)
{
	return (struct slice){data, length};
}

static inline bool
slice_is_equal(struct slice a, struct slice b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* True if both are equal when ASCII letters are folded. */
bool slice_is_equal_nocase(struct slice a, struct slice b);

/* Copy into a C string of room bytes, cut to fit and always ended by NUL.
 * True if nothing was cut and no NUL occurs inside. */
bool slice_to_string(struct slice s, char *out, size_t room);

/* Append bytes; grows by doubling. */
void buffer_append(struct buffer *b, const void *data, size_t length);
void buffer_append_slice(struct buffer *b, struct slice s);

/* Append formatted text, without a NUL. */
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append length uninitialized bytes and return a pointer to them, valid until the next append. */
void *buffer_extend(struct buffer *b, size_t length);

/* Forget the first length bytes (at most all). */
void buffer_consume(struct buffer *b, size_t length);

static inline struct slice
buffer_slice(const struct buffer *b)
{
	return (struct slice){b->data, b->length};
}

/* Give the memory back; the buffer is empty and usable after it. Takes NULL. */
void buffer_close(struct buffer *b);

#endif
