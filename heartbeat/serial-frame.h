/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial-frame -- packets on a serial cable, which knows bytes only and loses some.
 *
 * Pure. A frame is
 *
 *     00 | COBS(packet of BEAT_BYTES, CRC-32C of it, little endian) | 00
 *
 * COBS (Cheshire and Baker, Consistent Overhead Byte Stuffing, 1999) writes bytes without any zero
 * at the price of one byte for each 254, so a zero is an end of a frame and nothing else, and each
 * frame takes the same time: 199 bytes, at 115200 baud 17 ms. The zero in front ends whatever
 * noise the cable had before, which would cost this frame otherwise.
 *
 * The checksum is against the cable. Against people there is the signature (seal.h).
 */
#ifndef GEMEL_HEARTBEAT_SERIAL_FRAME_H
#define GEMEL_HEARTBEAT_SERIAL_FRAME_H

#include "heartbeat/beat.h"

/* Packet and checksum, and the same stuffed. */
#define SERIAL_BODY_BYTES (BEAT_BYTES + 4)
#define SERIAL_STUFFED_BYTES (SERIAL_BODY_BYTES + 1)
#define SERIAL_FRAME_BYTES (SERIAL_STUFFED_BYTES + 2)

_Static_assert(SERIAL_BODY_BYTES < 254, "COBS needs one byte more for each 254");

/* Begins as {0}. */
struct serial_decoder {
	uint8_t bytes[SERIAL_STUFFED_BYTES]; /* of the frame that is being read */
	size_t length;
	bool is_skipping; /* too long for a frame: up to the next zero */
	uint64_t bad;     /* what ended with a zero and was no frame */
};

void serial_frame_encode(const uint8_t packet[BEAT_BYTES], uint8_t out[SERIAL_FRAME_BYTES]);

/* Read from *input, and take from it what was read. True: *packet_r is the next packet, and there
 * may be more; false: all of *input was read. */
bool serial_decoder_feed(
    struct serial_decoder *decoder, struct slice *input, uint8_t packet_r[BEAT_BYTES]);

#endif
