/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reservation -- SCSI-3 persistent reservations: the keys of a pair, and what sg_persist(8) prints.
 *
 * Pure. What is done with them is barring.h. The rules of the array are SPC-4, section 5.13
 * (persistent reservations), the texts those of sg3-utils 1.20 to 1.48.
 *
 * A key says whose it is, so that who reads the list of an array knows the pair, the node
 * and its life:
 *
 *     67 PPP N BBBBBBBBBB     tag, low 12 bits of the pair's id, node (0 or 1), 40 bits of boot id
 *
 * Each life of a node has a key of its own: a command of an earlier life, however late it
 * comes to the array, is of a key that is no longer registered, and is refused.
 *
 * An array that answers with nothing is shown by sg_persist as one without keys and without a
 * reservation. So an empty list proves nothing by itself: who draws a conclusion looks for its
 * own key, too.
 */
#ifndef GEMEL_AGENT_RESERVATION_H
#define GEMEL_AGENT_RESERVATION_H

#include "common/id128.h"

#define RESERVATION_TYPE 5u /* Write Exclusive, Registrants Only */
#define RESERVATION_NODES 2u
/* Two nodes with 8 paths each, and what earlier lives have left. A longer list is an error. */
#define RESERVATION_KEYS_MAX 64u
#define RESERVATION_KEY_TEXT 17 /* with the NUL */

struct reservation_keys {
	uint32_t generation;
	unsigned count; /* each way from a node to the array is listed, so a key comes repeatedly */
	uint64_t keys[RESERVATION_KEYS_MAX];
};

struct reservation_holder {
	uint32_t generation;
	unsigned type; /* 0: there is no reservation */
	uint64_t key;  /* of who holds it; 0 for the types that all registrants hold */
};

/* Never 0, which is no key. node: 0 or 1. */
uint64_t reservation_key(uint64_t pair, uint8_t node, const struct id128 *boot);

/* 0 or 1: a key of this node of the pair, of whatever life; -1: of somebody else. */
int reservation_key_node(uint64_t key, uint64_t pair);

/* Both are of one boot id, be they of different pairs or nodes. */
bool reservation_is_same_life(uint64_t a, uint64_t b);

/* 16 hexadecimal digits. Returns out. */
const char *reservation_key_text(uint64_t key, char out[RESERVATION_KEY_TEXT]);

/* Read that form, with or without "0x", and a line end after it. False: it is none, or 0. */
bool reservation_key_parse(struct slice text, uint64_t *key_r);

bool reservation_has_key(const struct reservation_keys *list, uint64_t key);

/* Both hold the same keys, in whatever order and number. */
bool reservation_is_same_set(const struct reservation_keys *a, const struct reservation_keys *b);

/* What `sg_persist --in --read-keys` and `--in --read-reservation` print, with or without the
 * lines about the device before. 0; -EPROTO: anything else, be it cut off, too long or of a later
 * version. Then *list_r and *holder_r are empty, and must not be taken for an answer. */
int reservation_parse_keys(struct slice text, struct reservation_keys *list_r);
int reservation_parse_holder(struct slice text, struct reservation_holder *holder_r);

#endif
