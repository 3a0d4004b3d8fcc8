/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow-message -- messages that are hard to carry unchanged, and their digest.
 *
 * Pure: the same seed gives the same message. The first line is X-Flow-Id, so
 * that whatever a server puts on top can be told from what was sent. The body
 * has lines that begin with dots, lone dots, empty lines, "From " lines, trailing
 * blanks, lines of 998 bytes, and bytes above 127 where the server takes them.
 *
 * The digest is SHA-256 over the content with LF for each line end: a mailbox
 * may keep either form, but only one of them in a file.
 */
#ifndef GEMEL_TESTS_LAB_FLOW_MESSAGE_H
#define GEMEL_TESTS_LAB_FLOW_MESSAGE_H

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define FLOW_FIRST_HEADER "X-Flow-Id: "
#define FLOW_DIGEST_TEXT 65

/* A small generator of numbers (splitmix64); any seed will do. */
uint64_t flow_random(uint64_t *seed);
/* Between low and high, both included. */
uint64_t flow_random_between(uint64_t *seed, uint64_t low, uint64_t high);

struct flow_message_wish {
	const char *id;
	const char *from;
	const char *to; /* for the To: header only */
	size_t size;    /* the content's bytes, met within a line */
	bool eight_bit; /* bytes above 127 may occur */
	uint64_t seed;
};

/* Append to wire the content as DATA carries it: CRLF line ends, dots doubled, without the
 * final dot; and its digest in hexadecimal to digest_r. */
void flow_message_make(
    const struct flow_message_wish *wish, struct buffer *wire, char digest_r[FLOW_DIGEST_TEXT]);

enum flow_found {
	FLOW_FOUND = 0,
	FLOW_FOREIGN, /* no X-Flow-Id line at the start of a line */
};

/* Find in a stored file what a generator wrote: its id and the digest of everything from the
 * X-Flow-Id line on. A file that mixes line ends gets a digest that fits nothing. */
enum flow_found flow_message_identify(
    struct slice file, char *id_r, size_t id_room, char digest_r[FLOW_DIGEST_TEXT]);

#endif
