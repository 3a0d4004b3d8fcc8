/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/drbd-conf.h"

#define OUR_FENCING "resource-and-stonith"
#define SPACE " \t\r\n"
#define SIGNS "{};"

static bool
is_one_of(const char *set, uint8_t byte)
{
	return byte && strchr(set, byte);
}

static void
skip_space(struct slice *text)
{
	bool is_comment = false;

	while (
	    text->length && (is_comment || *text->data == '#' || is_one_of(SPACE, *text->data))) {
		is_comment = (is_comment || *text->data == '#') && *text->data != '\n';
		*text = slice_from(text->data + 1, text->length - 1);
	}
}

/* The next word or sign of text, which is moved behind it; false at the end. What stands in quotes
 * is one word, without them. A word is cut to fit. */
static bool
next_word(struct slice *text, char word[FACT_NAME_MAX])
{
	size_t quote, length = 0;

	skip_space(text);
	if (!text->length)
		return false;
	quote = *text->data == '"';
	*text = slice_from(text->data + quote, text->length - quote);
	if (!quote && is_one_of(SIGNS, *text->data))
		length = 1;
	else
		while (length < text->length &&
		       (quote ? text->data[length] != '"'
			      : !is_one_of(SPACE SIGNS "#", text->data[length])))
			length++;
	slice_to_string(slice_from(text->data, length), word, FACT_NAME_MAX);
	/* The quote at the end, too, if there is one. */
	length += quote && length < text->length;
	*text = slice_from(text->data + length, text->length - length);
	return true;
}

bool
drbd_is_our_handler(const char *command)
{
	const char *start = command + strspn(command, " \t"), *base = start;

	for (const char *c = start; *c && *c != ' ' && *c != '\t'; c++)
		if (*c == '/')
			base = c + 1;
	return strncmp(start, "/usr/lib/gemel/", 15) == 0 || strncmp(base, "gemel", 5) == 0;
}

void
drbd_conf_read(struct slice text, struct drbd_facts *facts)
{
	char word[FACT_NAME_MAX];
	size_t depth = 0;

	while (next_word(&text, word)) {
		if (strcmp(word, "{") == 0)
			depth++;
		else if (strcmp(word, "}") == 0)
			depth -= depth > 0;
		else if (depth == 0 && strcmp(word, "resource") == 0)
			facts->resource_count++;
		else if (strcmp(word, "fencing") == 0 && next_word(&text, word) &&
			 (!facts->fencing[0] || strcmp(facts->fencing, OUR_FENCING) == 0))
			memcpy(facts->fencing, word, sizeof(word));
		else if (strcmp(word, "fence-peer") == 0 && next_word(&text, word) &&
			 (!facts->handler[0] || drbd_is_our_handler(facts->handler)))
			memcpy(facts->handler, word, sizeof(word));
	}
}
