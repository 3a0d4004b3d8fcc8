/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness/asker.h"

#define BEFORE_NAME "gemel:pair/"
#define BEHIND_NAME "/node/"

static bool
is_letter_or_digit(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool
asker_is_pair_name(struct slice name)
{
	if (name.length == 0 || name.length > PAIR_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.length; i++) {
		bool is_inside = i > 0 && i + 1 < name.length;

		if (!is_letter_or_digit(name.data[i]) && !(is_inside && name.data[i] == '-'))
			return false;
	}
	return true;
}

/* Forget text at the beginning of *s. False: it does not begin so. */
static bool
skip(struct slice *s, const char *text)
{
	size_t length = strlen(text);

	if (s->length < length || memcmp(s->data, text, length) != 0)
		return false;
	*s = slice_from(s->data + length, s->length - length);
	return true;
}

bool
asker_parse(struct slice uri, struct asker *asker_r)
{
	struct slice rest = uri, name;
	const uint8_t *end;

	*asker_r = (struct asker){0};
	if (!skip(&rest, BEFORE_NAME))
		return false;
	end = memchr(rest.data, '/', rest.length);
	if (!end)
		return false;
	name = slice_from(rest.data, (size_t)(end - rest.data));
	rest = slice_from(end, rest.length - name.length);
	if (!asker_is_pair_name(name) || !skip(&rest, BEHIND_NAME) || rest.length != 1 ||
	    (rest.data[0] != '0' && rest.data[0] != '1'))
		return false;
	slice_to_string(name, asker_r->pair, sizeof(asker_r->pair));
	asker_r->node = (uint8_t)(rest.data[0] - '0');
	return true;
}
