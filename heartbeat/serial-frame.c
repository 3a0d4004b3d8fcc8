/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/serial-frame.h"

#include "common/bytes.h"
#include "common/crc32c.h"

void
serial_frame_encode(const uint8_t packet[BEAT_BYTES], uint8_t out[SERIAL_FRAME_BYTES])
{
	uint8_t body[SERIAL_BODY_BYTES];
	size_t code = 1; /* where the distance to the next zero goes */

	memcpy(body, packet, BEAT_BYTES);
	put_u32(body + BEAT_BYTES, crc32c(0, packet, BEAT_BYTES));
	out[0] = 0;
	for (size_t i = 0; i < SERIAL_BODY_BYTES; i++) {
		size_t at = i + 2;

		out[at] = body[i];
		if (body[i] == 0) {
			out[code] = (uint8_t)(at - code);
			code = at;
		}
	}
	out[code] = (uint8_t)(SERIAL_FRAME_BYTES - 1 - code);
	out[SERIAL_FRAME_BYTES - 1] = 0;
}

/* True if in, which has no zero, unstuffs to exactly the length of out. */
static bool
unstuff(const uint8_t in[SERIAL_STUFFED_BYTES], uint8_t out[SERIAL_BODY_BYTES])
{
	size_t code = 0;

	while (code + in[code] < SERIAL_STUFFED_BYTES) {
		size_t next = code + in[code];

		memcpy(out + code, in + code + 1, next - code - 1);
		out[next - 1] = 0;
		code = next;
	}
	memcpy(out + code, in + code + 1, SERIAL_STUFFED_BYTES - code - 1);
	return code + in[code] == SERIAL_STUFFED_BYTES;
}

static bool
is_whole(const struct serial_decoder *decoder, uint8_t packet_r[BEAT_BYTES])
{
	uint8_t body[SERIAL_BODY_BYTES];

	if (decoder->is_skipping || decoder->length != SERIAL_STUFFED_BYTES ||
	    !unstuff(decoder->bytes, body) ||
	    get_u32(body + BEAT_BYTES) != crc32c(0, body, BEAT_BYTES))
		return false;
	memcpy(packet_r, body, BEAT_BYTES);
	return true;
}

/* A zero was read. */
static bool
end_frame(struct serial_decoder *decoder, uint8_t packet_r[BEAT_BYTES])
{
	bool is_empty = decoder->length == 0 && !decoder->is_skipping;
	bool is_good = is_whole(decoder, packet_r);

	decoder->bad += !is_empty && !is_good;
	decoder->length = 0;
	decoder->is_skipping = false;
	return is_good;
}

bool
serial_decoder_feed(
    struct serial_decoder *decoder, struct slice *input, uint8_t packet_r[BEAT_BYTES])
{
	while (input->length > 0) {
		uint8_t byte = *input->data++;

		input->length--;
		if (byte == 0) {
			if (end_frame(decoder, packet_r))
				return true;
		} else if (decoder->length == SERIAL_STUFFED_BYTES) {
			decoder->is_skipping = true;
		} else {
			decoder->bytes[decoder->length++] = byte;
		}
	}
	return false;
}
