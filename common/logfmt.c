/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/logfmt.h"

#include <inttypes.h>

static void
append_key(struct buffer *line, const char *key)
{
	buffer_append(line, " ", 1);
	buffer_append_slice(line, slice_of(key));
	buffer_append(line, "=", 1);
}

static bool
is_plain(uint8_t byte, char first)
{
	return byte >= first && byte < 127 && byte != '"' && byte != '\\';
}

/* Bytes below first are escaped, too. */
static void
append_escaped(struct buffer *line, struct slice value, char first)
{
	static const char digits[] = "0123456789abcdef";
	size_t length = value.length < LOGFMT_VALUE_MAX ? value.length : LOGFMT_VALUE_MAX;
	size_t begin = 0;

	for (size_t i = 0; i < length; i++) {
		uint8_t byte = value.data[i];
		const char escape[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};

		if (is_plain(byte, first))
			continue;
		buffer_append(line, value.data + begin, i - begin);
		buffer_append(line, escape, sizeof(escape));
		begin = i + 1;
	}
	if (length > begin)
		buffer_append(line, value.data + begin, length - begin);
	if (length < value.length)
		buffer_append(line, "...", 3);
}

void
logfmt_text(struct buffer *line, const char *key, struct slice value)
{
	append_key(line, key);
	append_escaped(line, value, '!');
}

void
logfmt_address(struct buffer *line, const char *key, struct slice address)
{
	append_key(line, key);
	buffer_append(line, "<", 1);
	append_escaped(line, address, '!');
	buffer_append(line, ">", 1);
}

void
logfmt_sentence(struct buffer *line, const char *key, struct slice sentence)
{
	append_key(line, key);
	buffer_append(line, "\"", 1);
	append_escaped(line, sentence, ' ');
	buffer_append(line, "\"", 1);
}

void
logfmt_number(struct buffer *line, const char *key, uint64_t value)
{
	append_key(line, key);
	buffer_printf(line, "%" PRIu64, value);
}

void
logfmt_seconds(struct buffer *line, const char *key, uint64_t milliseconds)
{
	append_key(line, key);
	buffer_printf(
	    line, "%" PRIu64 ".%03u", milliseconds / 1000, (unsigned)(milliseconds % 1000));
}
