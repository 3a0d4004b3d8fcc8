/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/id128.h"

bool
id128_is_same(const struct id128 *a, const struct id128 *b)
{
	return memcmp(a->bytes, b->bytes, ID128_BYTES) == 0;
}

bool
id128_is_none(const struct id128 *id)
{
	static const struct id128 none;

	return id128_is_same(id, &none);
}

/* A dash stands before these bytes. */
static bool
is_group(size_t at)
{
	return at == 4 || at == 6 || at == 8 || at == 10;
}

const char *
id128_text(const struct id128 *id, char out[ID128_TEXT_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	char *next = out;

	for (size_t i = 0; i < ID128_BYTES; i++) {
		if (is_group(i))
			*next++ = '-';
		*next++ = digits[id->bytes[i] >> 4];
		*next++ = digits[id->bytes[i] & 15];
	}
	*next = '\0';
	return out;
}

/* -1: no digit. */
static int
digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
id128_parse(struct slice text, struct id128 *id_r)
{
	bool has_dashes;
	struct id128 id;
	size_t at = 0;

	*id_r = (struct id128){0};
	if (text.length && text.data[text.length - 1] == '\n')
		text.length--;
	has_dashes = text.length == ID128_TEXT_BYTES - 1;
	if (!has_dashes && text.length != 2 * (size_t)ID128_BYTES)
		return false;
	for (size_t i = 0; i < ID128_BYTES; i++) {
		int high, low;

		if (has_dashes && is_group(i) && text.data[at++] != '-')
			return false;
		high = digit_value(text.data[at++]);
		low = digit_value(text.data[at++]);
		if (high < 0 || low < 0)
			return false;
		id.bytes[i] = (uint8_t)(high << 4 | low);
	}
	if (id128_is_none(&id))
		return false;
	*id_r = id;
	return true;
}
