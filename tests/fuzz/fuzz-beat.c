/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes along a line, and what an operator may have written into the key file.
 * Nothing unsigned is a beat; what is signed and taken encodes to the same bytes.
 */
#include <assert.h>
#include <string.h>

#include "heartbeat/seal.h"

static const struct seal_keys keys = {.count = 1, .keys = {{.id = 5, .bytes = {1}}}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void
take_signed(const uint8_t *data)
{
	uint8_t packet[BEAT_BYTES], again[BEAT_BYTES];
	struct beat beat;

	memcpy(packet, data, BEAT_BYTES);
	seal_sign(&keys, packet);
	if (seal_open(&keys, slice_from(packet, BEAT_BYTES), &beat) != BEAT_OK)
		return;
	beat_encode(&beat, again);
	seal_sign(&keys, again);
	assert(memcmp(packet, again, BEAT_BYTES) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct seal_keys read;
	const char *reason;
	struct beat beat;
	unsigned line = seal_parse(slice_from(data, length), &read, &reason);

	assert((line == 0) == (read.count > 0) && (line == 0) == (reason == NULL));
	assert(seal_open(&keys, slice_from(data, length), &beat) != BEAT_OK);
	assert(id128_is_none(&beat.boot));
	if (length == BEAT_BYTES)
		take_signed(data);
	return 0;
}
