/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heartbeat/serial-frame.h"

/* How the bytes of a packet run: none, all, some of them zero. */
#define PATTERNS 5

static void
make_packet(int pattern, uint8_t packet[BEAT_BYTES])
{
	for (int i = 0; i < BEAT_BYTES; i++) {
		const int values[PATTERNS] = {0, 255, i, i % 3, 1 + i % 254};

		packet[i] = (uint8_t)values[pattern];
	}
}

static int
feed_all(struct serial_decoder *decoder, const void *bytes, size_t length, uint8_t *last)
{
	struct slice input = slice_from(bytes, length);
	int count = 0;

	while (serial_decoder_feed(decoder, &input, last))
		count++;
	assert_int_equal(input.length, 0);
	return count;
}

static void
a_frame_gives_its_packet_back(void **state)
{
	(void)state;
	for (int pattern = 0; pattern < PATTERNS; pattern++) {
		struct serial_decoder decoder = {0};
		uint8_t packet[BEAT_BYTES], again[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];

		make_packet(pattern, packet);
		serial_frame_encode(packet, frame);
		assert_int_equal(frame[0], 0);
		assert_int_equal(frame[SERIAL_FRAME_BYTES - 1], 0);
		assert_null(memchr(frame + 1, 0, SERIAL_FRAME_BYTES - 2));
		assert_int_equal(feed_all(&decoder, frame, sizeof(frame), again), 1);
		assert_memory_equal(again, packet, BEAT_BYTES);
		assert_int_equal(decoder.bad, 0);
	}
}

static void
it_may_come_byte_by_byte(void **state)
{
	struct serial_decoder decoder = {0};
	uint8_t packet[BEAT_BYTES], again[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];
	int count = 0;

	(void)state;
	make_packet(2, packet);
	serial_frame_encode(packet, frame);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(frame); i++)
			count += feed_all(&decoder, frame + i, 1, again);
	assert_int_equal(count, 2);
	assert_memory_equal(again, packet, BEAT_BYTES);
}

static void
a_frame_cut_anywhere_costs_itself_only(void **state)
{
	uint8_t packet[BEAT_BYTES], again[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];

	(void)state;
	make_packet(3, packet);
	serial_frame_encode(packet, frame);
	for (size_t cut = 0; cut < SERIAL_FRAME_BYTES - 1; cut++) {
		struct serial_decoder decoder = {0};

		assert_int_equal(feed_all(&decoder, frame, cut, again), 0);
		memset(again, 0, sizeof(again));
		assert_int_equal(feed_all(&decoder, frame, sizeof(frame), again), 1);
		assert_memory_equal(again, packet, BEAT_BYTES);
		assert_int_equal(decoder.bad, cut > 1);
	}
}

static void
a_frame_without_its_beginning_costs_itself_only(void **state)
{
	uint8_t packet[BEAT_BYTES], again[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];

	(void)state;
	make_packet(4, packet);
	serial_frame_encode(packet, frame);
	for (size_t cut = 2; cut < SERIAL_FRAME_BYTES; cut++) {
		struct serial_decoder decoder = {0};

		assert_int_equal(feed_all(&decoder, frame + cut, sizeof(frame) - cut, again), 0);
		assert_int_equal(feed_all(&decoder, frame, sizeof(frame), again), 1);
	}
}

static void
each_flipped_bit_is_found_out(void **state)
{
	uint8_t packet[BEAT_BYTES], again[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];

	(void)state;
	make_packet(3, packet);
	serial_frame_encode(packet, frame);
	/* The zeros at the ends are not the packet: the one in front may be missing. */
	for (size_t bit = 8; bit < (SERIAL_FRAME_BYTES - 1) * 8; bit++) {
		struct serial_decoder decoder = {0};

		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(feed_all(&decoder, frame, sizeof(frame), again), 0);
		assert_true(decoder.bad > 0);
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(feed_all(&decoder, frame, sizeof(frame), again), 1);
	}
}

/* Code bytes that point behind the end, at the end, and to each other. */
static void
what_is_as_long_as_a_frame_and_is_none_is_refused(void **state)
{
	(void)state;
	for (int value = 1; value < 256; value++) {
		struct serial_decoder decoder = {0};
		uint8_t packet[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];

		memset(frame, value, sizeof(frame));
		frame[0] = frame[SERIAL_FRAME_BYTES - 1] = 0;
		assert_int_equal(feed_all(&decoder, frame, sizeof(frame), packet), 0);
		assert_int_equal(decoder.bad, 1);
	}
}

/* A modem that talks, a console, the wrong speed. */
static void
endless_noise_costs_no_memory_and_no_later_frame(void **state)
{
	struct serial_decoder decoder = {0};
	uint8_t packet[BEAT_BYTES], again[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];
	uint8_t noise[7 * SERIAL_FRAME_BYTES];

	(void)state;
	memset(noise, 'x', sizeof(noise));
	assert_int_equal(feed_all(&decoder, noise, sizeof(noise), again), 0);
	make_packet(1, packet);
	serial_frame_encode(packet, frame);
	assert_int_equal(feed_all(&decoder, frame, sizeof(frame), again), 1);
	assert_memory_equal(again, packet, BEAT_BYTES);
	assert_int_equal(decoder.bad, 1);
}

static void
one_byte_too_many_is_no_frame(void **state)
{
	struct serial_decoder decoder = {0};
	uint8_t packet[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];

	(void)state;
	make_packet(1, packet);
	serial_frame_encode(packet, frame);
	assert_int_equal(feed_all(&decoder, frame, sizeof(frame) - 1, packet), 0);
	assert_int_equal(feed_all(&decoder, "x", 2, packet), 0);
	assert_int_equal(decoder.bad, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_frame_gives_its_packet_back),
	    cmocka_unit_test(it_may_come_byte_by_byte),
	    cmocka_unit_test(a_frame_cut_anywhere_costs_itself_only),
	    cmocka_unit_test(a_frame_without_its_beginning_costs_itself_only),
	    cmocka_unit_test(each_flipped_bit_is_found_out),
	    cmocka_unit_test(what_is_as_long_as_a_frame_and_is_none_is_refused),
	    cmocka_unit_test(endless_noise_costs_no_memory_and_no_later_frame),
	    cmocka_unit_test(one_byte_too_many_is_no_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
