/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seal -- signs beats and finds out forged ones: HMAC-SHA-256 (RFC 2104) with a shared key.
 *
 * Keys come from a file that both nodes have, /etc/gemel/heartbeat.keys, root's alone: a line
 * "ID KEY" each, ID 0 to 255, KEY 64 hexadecimal digits; "#" begins a comment. The first line
 * signs, every line is believed. To change the key without silence: add the new one as the second
 * line on both nodes, make it the first on both, remove the old one.
 *
 * A signature does not say that a beat is new: hearing.h does.
 */
#ifndef GEMEL_HEARTBEAT_SEAL_H
#define GEMEL_HEARTBEAT_SEAL_H

#include "heartbeat/beat.h"

#define SEAL_KEY_BYTES 32
#define SEAL_KEYS_MAX 4

struct seal_key {
	uint8_t id;
	uint8_t bytes[SEAL_KEY_BYTES];
};

struct seal_keys {
	struct seal_key keys[SEAL_KEYS_MAX]; /* the first one signs */
	size_t count;
};

/* Read the text of a key file. 0; or the number of the line that is wrong (no key at all: the one
 * after the last), with one sentence in *reason_r; *keys_r has no keys then. */
unsigned seal_parse(struct slice text, struct seal_keys *keys_r, const char **reason_r);

/* Fill in key id and signature of an encoded beat. There must be a key. */
void seal_sign(const struct seal_keys *keys, uint8_t packet[BEAT_BYTES]);

/* Read a packet from outside: form, signature, values, in this order. *beat_r is empty unless
 * BEAT_OK comes back. */
enum beat_fault seal_open(const struct seal_keys *keys, struct slice packet, struct beat *beat_r);

/* Overwrite the keys. */
void seal_forget(struct seal_keys *keys);

#endif
