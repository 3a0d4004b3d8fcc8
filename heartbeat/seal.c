/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/seal.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#define AT_KEY 5
#define SIGNATURE_BYTES (BEAT_BYTES - BEAT_SIGNED_BYTES)

static void
signature(const struct seal_key *key, const uint8_t *packet, uint8_t out[SIGNATURE_BYTES])
{
	unsigned length = 0;

	/* It fails for want of memory only. */
	if (!HMAC(EVP_sha256(), key->bytes, SEAL_KEY_BYTES, packet, BEAT_SIGNED_BYTES, out,
		&length) ||
	    length != SIGNATURE_BYTES)
		abort();
}

void
seal_sign(const struct seal_keys *keys, uint8_t packet[BEAT_BYTES])
{
	assert(keys->count > 0);
	packet[AT_KEY] = keys->keys[0].id;
	signature(&keys->keys[0], packet, packet + BEAT_SIGNED_BYTES);
}

static const struct seal_key *
find_key(const struct seal_keys *keys, uint8_t id)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->keys[i].id == id)
			return &keys->keys[i];
	return NULL;
}

enum beat_fault
seal_open(const struct seal_keys *keys, struct slice packet, struct beat *beat_r)
{
	enum beat_fault fault = beat_check_form(packet);
	uint8_t expected[SIGNATURE_BYTES];
	const struct seal_key *key;

	*beat_r = (struct beat){0};
	if (fault != BEAT_OK)
		return fault;
	key = find_key(keys, packet.data[AT_KEY]);
	if (!key)
		return BEAT_KEY;
	signature(key, packet.data, expected);
	if (CRYPTO_memcmp(expected, packet.data + BEAT_SIGNED_BYTES, SIGNATURE_BYTES) != 0)
		return BEAT_FORGED;
	return beat_decode(packet.data, beat_r);
}

void
seal_forget(struct seal_keys *keys)
{
	OPENSSL_cleanse(keys, sizeof(*keys));
}

/* ---- the key file ---- */

/* The next word of the line; empty at its end. */
static struct slice
take_word(struct slice *line)
{
	struct slice word;
	size_t length = 0;

	while (line->length && (*line->data == ' ' || *line->data == '\t'))
		*line = slice_from(line->data + 1, line->length - 1);
	while (length < line->length && line->data[length] != ' ' && line->data[length] != '\t')
		length++;
	word = slice_from(line->data, length);
	*line = slice_from(line->data + length, line->length - length);
	return word;
}

static struct slice
take_line(struct slice *text)
{
	const uint8_t *end = memchr(text->data, '\n', text->length);
	struct slice line = slice_from(text->data, end ? (size_t)(end - text->data) : text->length);
	size_t used = line.length + (end != NULL);

	*text = slice_from(text->data + used, text->length - used);
	return line;
}

/* -1: not a number up to 255. */
static int
parse_number(struct slice word)
{
	int number = 0;

	if (word.length == 0 || word.length > 3)
		return -1;
	for (size_t i = 0; i < word.length; i++) {
		if (word.data[i] < '0' || word.data[i] > '9')
			return -1;
		number = 10 * number + (word.data[i] - '0');
	}
	return number <= 255 ? number : -1;
}

static bool
parse_key(struct slice word, uint8_t out[SEAL_KEY_BYTES])
{
	if (word.length != 2 * (size_t)SEAL_KEY_BYTES)
		return false;
	for (size_t i = 0; i < SEAL_KEY_BYTES; i++) {
		int high = OPENSSL_hexchar2int(word.data[2 * i]);
		int low = OPENSSL_hexchar2int(word.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* NULL: good, or a comment. */
static const char *
parse_line(struct slice line, struct seal_keys *keys)
{
	struct slice number = take_word(&line), key = take_word(&line), more = take_word(&line);
	struct seal_key *next = &keys->keys[keys->count];
	int id = parse_number(number);

	if (!number.length || number.data[0] == '#')
		return NULL;
	if (id < 0)
		return "a line begins with the number of its key, 0 to 255";
	if (find_key(keys, (uint8_t)id))
		return "the number of this key was used before; give each its own";
	if (keys->count == SEAL_KEYS_MAX)
		return "there are more than four keys; remove the old ones";
	if (!parse_key(key, next->bytes))
		return "the key must be 64 hexadecimal digits";
	if (more.length && more.data[0] != '#')
		return "there is more behind the key; remove it";
	next->id = (uint8_t)id;
	keys->count++;
	return NULL;
}

unsigned
seal_parse(struct slice text, struct seal_keys *keys_r, const char **reason_r)
{
	unsigned line = 0;

	*reason_r = NULL;
	*keys_r = (struct seal_keys){0};
	while (text.length && !*reason_r) {
		line++;
		*reason_r = parse_line(take_line(&text), keys_r);
	}
	if (!*reason_r && keys_r->count > 0)
		return 0;
	if (!*reason_r) {
		*reason_r = "there is no key in the file";
		line++;
	}
	seal_forget(keys_r);
	return line;
}
