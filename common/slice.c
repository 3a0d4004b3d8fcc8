/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/slice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

bool
slice_is_equal_nocase(struct slice a, struct slice b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++) {
		uint8_t x = a.data[i], y = b.data[i];

		if (x >= 'A' && x <= 'Z')
			x += 'a' - 'A';
		if (y >= 'A' && y <= 'Z')
			y += 'a' - 'A';
		if (x != y)
			return false;
	}
	return true;
}

bool
slice_to_string(struct slice s, char *out, size_t room)
{
	size_t length = s.length < room ? s.length : room - 1;

	if (length)
		memcpy(out, s.data, length);
	out[length] = '\0';
	return length == s.length && (length == 0 || !memchr(s.data, 0, s.length));
}

void *
buffer_extend(struct buffer *b, size_t length)
{
	uint8_t *start;

	if (length > b->capacity - b->length) {
		size_t capacity = b->capacity ? b->capacity : 256;

		while (capacity - b->length < length) {
			if (capacity > SIZE_MAX / 2)
				abort();
			capacity *= 2;
		}
		b->data = realloc(b->data, capacity);
		if (!b->data)
			abort();
		b->capacity = capacity;
	}
	start = b->data + b->length;
	b->length += length;
	return start;
}

void
buffer_append(struct buffer *b, const void *data, size_t length)
{
	if (length)
		memcpy(buffer_extend(b, length), data, length);
}

void
buffer_append_slice(struct buffer *b, struct slice s)
{
	buffer_append(b, s.data, s.length);
}

void
buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args, again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	if (length < 0)
		abort();
	/* vsnprintf writes a NUL as well; it is cut off again. */
	vsnprintf(buffer_extend(b, (size_t)length + 1), (size_t)length + 1, format, again);
	b->length--;
	va_end(again);
	va_end(args);
}

void
buffer_consume(struct buffer *b, size_t length)
{
	if (length >= b->length) {
		b->length = 0;
		return;
	}
	memmove(b->data, b->data + length, b->length - length);
	b->length -= length;
}

void
buffer_close(struct buffer *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct buffer){0};
}
