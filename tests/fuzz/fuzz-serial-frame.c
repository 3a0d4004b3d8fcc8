/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a serial cable can bring. However the bytes are cut into pieces, the same packets come
 * out; each of them encodes to what was read; and no noise costs a frame that comes after it.
 */
#include <assert.h>
#include <string.h>

#include "heartbeat/serial-frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static uint64_t
check_packet(const uint8_t packet[BEAT_BYTES], const uint8_t *end)
{
	uint8_t frame[SERIAL_FRAME_BYTES];

	serial_frame_encode(packet, frame);
	assert(memcmp(frame + 1, end - SERIAL_FRAME_BYTES + 1, SERIAL_FRAME_BYTES - 1) == 0);
	return 1;
}

static void
check_next_frame(struct serial_decoder *decoder)
{
	uint8_t packet[BEAT_BYTES] = {1, 0, 2}, again[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];
	struct slice input = slice_from(frame, sizeof(frame));

	serial_frame_encode(packet, frame);
	/* The zero in front may end a frame of the noise. */
	while (serial_decoder_feed(decoder, &input, again) && input.length > 0)
		;
	assert(memcmp(packet, again, BEAT_BYTES) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct serial_decoder whole = {0}, single = {0};
	struct slice input = slice_from(data, length);
	uint64_t count = 0, count_single = 0;
	uint8_t packet[BEAT_BYTES];

	while (serial_decoder_feed(&whole, &input, packet))
		count += check_packet(packet, input.data);
	for (size_t i = 0; i < length; i++) {
		struct slice byte = slice_from(data + i, 1);

		count_single += serial_decoder_feed(&single, &byte, packet);
	}
	assert(count == count_single && whole.bad == single.bad);
	check_next_frame(&whole);
	return 0;
}
