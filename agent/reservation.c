/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/reservation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TAG 0x67u
#define PAIR_MASK 0xfffu
#define LIFE_BITS 40
#define LIFE_MASK ((UINT64_C(1) << LIFE_BITS) - 1)
#define TEXT_MAX (64u * 1024)

static uint64_t
owner(uint64_t pair, uint64_t node)
{
	return (uint64_t)TAG << 16 | (pair & PAIR_MASK) << 4 | node;
}

uint64_t
reservation_key(uint64_t pair, uint8_t node, const struct id128 *boot)
{
	uint64_t life = 0;

	for (unsigned i = 0; i < LIFE_BITS / 8; i++)
		life = life << 8 | boot->bytes[i];
	return owner(pair, node) << LIFE_BITS | life;
}

int
reservation_key_node(uint64_t key, uint64_t pair)
{
	for (unsigned node = 0; node < RESERVATION_NODES; node++)
		if (key >> LIFE_BITS == owner(pair, node))
			return (int)node;
	return -1;
}

bool
reservation_is_same_life(uint64_t a, uint64_t b)
{
	return (a & LIFE_MASK) == (b & LIFE_MASK);
}

const char *
reservation_key_text(uint64_t key, char out[RESERVATION_KEY_TEXT])
{
	snprintf(out, RESERVATION_KEY_TEXT, "%016" PRIx64, key);
	return out;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice
next_word(struct slice *text)
{
	struct slice word;

	while (text->length && is_space(*text->data)) {
		text->data++;
		text->length--;
	}
	word = slice_from(text->data, 0);
	while (text->length && !is_space(*text->data)) {
		text->data++;
		text->length--;
		word.length++;
	}
	return word;
}

/* Take the words of phrase from the front of text; if they are not there, nothing. */
static bool
take(struct slice *text, const char *phrase)
{
	struct slice words = slice_of(phrase), rest = *text;

	for (;;) {
		struct slice want = next_word(&words);

		if (want.length == 0)
			break;
		if (!slice_is_equal(next_word(&rest), want))
			return false;
	}
	*text = rest;
	return true;
}

static bool
is_at_end(struct slice text)
{
	return next_word(&text).length == 0;
}

/* Without prefix and suffix; empty: it does not have them. */
static struct slice
between(struct slice word, const char *prefix, const char *suffix)
{
	size_t head = strlen(prefix), tail = strlen(suffix);

	if (word.length <= head + tail || memcmp(word.data, prefix, head) != 0 ||
	    memcmp(word.data + word.length - tail, suffix, tail) != 0)
		return slice_from(NULL, 0);
	return slice_from(word.data + head, word.length - head - tail);
}

static int
digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 1 to most digits, and nothing else. */
static bool
parse_hex(struct slice text, size_t most, uint64_t *value_r)
{
	*value_r = 0;
	if (text.length == 0 || text.length > most)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		int digit = digit_value(text.data[i]);

		if (digit < 0)
			return false;
		*value_r = *value_r << 4 | (unsigned)digit;
	}
	return true;
}

bool
reservation_key_parse(struct slice text, uint64_t *key_r)
{
	struct slice rest = text, word = next_word(&rest), bare = between(word, "0x", "");
	bool is_good = parse_hex(bare.length ? bare : word, 16, key_r) && is_at_end(rest);

	if (!is_good)
		*key_r = 0;
	return *key_r != 0;
}

/* Find "PR generation=0x8," and leave what comes after it in *text. */
static bool
find_answer(struct slice *text, uint32_t *generation_r)
{
	struct slice word = {0}, before;
	uint64_t generation;

	/* What does not end with a line end was cut. */
	if (text->length == 0 || text->length > TEXT_MAX || text->data[text->length - 1] != '\n')
		return false;
	do {
		before = word;
		word = next_word(text);
		if (slice_is_equal(before, slice_of("PR")) &&
		    parse_hex(between(word, "generation=0x", ","), 8, &generation)) {
			*generation_r = (uint32_t)generation;
			return true;
		}
	} while (word.length);
	return false;
}

static bool
parse_count(struct slice word, unsigned *count_r)
{
	*count_r = 0;
	if (word.length == 0 || word.length > 3)
		return false;
	for (size_t i = 0; i < word.length; i++) {
		if (word.data[i] < '0' || word.data[i] > '9')
			return false;
		*count_r = *count_r * 10 + (word.data[i] - '0');
	}
	return *count_r > 0 && *count_r <= RESERVATION_KEYS_MAX;
}

static bool
read_keys(struct slice text, struct reservation_keys *list)
{
	unsigned count;

	if (!find_answer(&text, &list->generation))
		return false;
	if (take(&text, "there are NO registered reservation keys"))
		return is_at_end(text);
	if (!parse_count(next_word(&text), &count) ||
	    (!take(&text, "registered reservation key follows:") &&
		!take(&text, "registered reservation keys follow:")))
		return false;
	for (; list->count < count; list->count++) {
		uint64_t *key = &list->keys[list->count];

		if (!parse_hex(between(next_word(&text), "0x", ""), 16, key) || *key == 0)
			return false;
	}
	return is_at_end(text);
}

int
reservation_parse_keys(struct slice text, struct reservation_keys *list_r)
{
	*list_r = (struct reservation_keys){0};
	if (read_keys(text, list_r))
		return 0;
	*list_r = (struct reservation_keys){0};
	return -EPROTO;
}

static bool
take_type(struct slice text, unsigned *type_r)
{
	static const char *const names[] = {
	    [1] = "Write Exclusive",
	    [3] = "Exclusive Access",
	    [5] = "Write Exclusive, registrants only",
	    [6] = "Exclusive Access, registrants only",
	    [7] = "Write Exclusive, all registrants",
	    [8] = "Exclusive Access, all registrants",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct slice rest = text;

		if (names[i] && take(&rest, names[i]) && is_at_end(rest)) {
			*type_r = i;
			return true;
		}
	}
	return false;
}

static bool
read_holder(struct slice text, struct reservation_holder *holder)
{
	if (!find_answer(&text, &holder->generation))
		return false;
	if (take(&text, "there is NO reservation held"))
		return is_at_end(text);
	return take(&text, "Reservation follows:") &&
	       parse_hex(between(next_word(&text), "Key=0x", ""), 16, &holder->key) &&
	       take(&text, "scope: LU_SCOPE, type:") && take_type(text, &holder->type);
}

int
reservation_parse_holder(struct slice text, struct reservation_holder *holder_r)
{
	*holder_r = (struct reservation_holder){0};
	if (read_holder(text, holder_r))
		return 0;
	*holder_r = (struct reservation_holder){0};
	return -EPROTO;
}

bool
reservation_has_key(const struct reservation_keys *list, uint64_t key)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->keys[i] == key)
			return true;
	return false;
}

static bool
has_all(const struct reservation_keys *list, const struct reservation_keys *of)
{
	for (unsigned i = 0; i < of->count; i++)
		if (!reservation_has_key(list, of->keys[i]))
			return false;
	return true;
}

bool
reservation_is_same_set(const struct reservation_keys *a, const struct reservation_keys *b)
{
	return has_all(a, b) && has_all(b, a);
}
