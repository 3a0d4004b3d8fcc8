/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heartbeat/seal.h"

#define KEY_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY_B "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct beat full = {
    .pair = 1ull << 63 | 1,
    .node = 1,
    .line = 255,
    .boot = {{1, 2, 3}},
    .sequence = 1ull << 40,
    .nonce = UINT64_MAX,
    .heard_boot = {{9}},
    .heard_nonce = 5,
    .epoch = 6,
    .generation = 7,
    .accepted = 8,
    .delivered = 9,
    .queued = 10,
    .commit_us = 11,
    .lease_left_ms = UINT32_MAX,
    .tick_age_ms = 13,
    .role = BEAT_ROLE_MAX,
    .replication = BEAT_FROZEN,
    .flags = BEAT_FLAGS,
};

static struct seal_keys
keys_of(const char *text)
{
	struct seal_keys keys;
	const char *reason;

	assert_int_equal(seal_parse(slice_of(text), &keys, &reason), 0);
	return keys;
}

static enum beat_fault
open_packet(const struct seal_keys *keys, const uint8_t *packet, struct beat *beat_r)
{
	return seal_open(keys, slice_from(packet, BEAT_BYTES), beat_r);
}

static void
a_beat_comes_back_as_it_was(void **state)
{
	struct seal_keys keys = keys_of("7 " KEY_A "\n");
	uint8_t packet[BEAT_BYTES], again[BEAT_BYTES];
	struct beat beat;

	(void)state;
	beat_encode(&full, packet);
	seal_sign(&keys, packet);
	assert_int_equal(open_packet(&keys, packet, &beat), BEAT_OK);
	beat_encode(&beat, again);
	seal_sign(&keys, again);
	assert_memory_equal(packet, again, BEAT_BYTES);
	assert_int_equal(beat.pair, full.pair);
	assert_int_equal(beat.tick_age_ms, full.tick_age_ms);
	assert_int_equal(beat.lease_left_ms, full.lease_left_ms);
	assert_true(id128_is_same(&beat.heard_boot, &full.heard_boot));
}

static void
every_changed_bit_is_found_out(void **state)
{
	struct seal_keys keys = keys_of("7 " KEY_A "\n8 " KEY_B "\n");
	uint8_t packet[BEAT_BYTES];
	struct beat beat;

	(void)state;
	for (size_t bit = 0; bit < 8 * (size_t)BEAT_BYTES; bit++) {
		beat_encode(&full, packet);
		seal_sign(&keys, packet);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(open_packet(&keys, packet, &beat), BEAT_OK);
		assert_true(id128_is_none(&beat.boot));
	}
}

static void
every_other_length_is_no_beat(void **state)
{
	struct seal_keys keys = keys_of("7 " KEY_A "\n");
	uint8_t packet[BEAT_BYTES + 1] = {0};
	struct beat beat;

	(void)state;
	beat_encode(&full, packet);
	seal_sign(&keys, packet);
	for (size_t length = 0; length <= sizeof(packet); length++)
		assert_int_equal(seal_open(&keys, slice_from(packet, length), &beat),
		    length == BEAT_BYTES ? BEAT_OK : BEAT_LENGTH);
}

/* Signed by who has the key, and still not taken: an update of one node only. */
static void
an_impossible_value_is_refused_though_signed(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {{6, 2}, {40, 1}, {43, 1}, {128, 8}, {129, 5}, {131, 1}, {132, 1}, {159, 1}};
	struct seal_keys keys = keys_of("7 " KEY_A "\n");
	uint8_t packet[BEAT_BYTES];
	struct beat beat;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		beat_encode(&full, packet);
		packet[rows[i].at] = rows[i].value;
		seal_sign(&keys, packet);
		assert_int_equal(open_packet(&keys, packet, &beat), BEAT_VALUE);
	}
	beat_encode(&full, packet);
	memset(packet + 16, 0, ID128_BYTES);
	seal_sign(&keys, packet);
	assert_int_equal(open_packet(&keys, packet, &beat), BEAT_VALUE);
	beat_encode(&full, packet);
	packet[4]++;
	seal_sign(&keys, packet);
	assert_int_equal(open_packet(&keys, packet, &beat), BEAT_OTHER_VERSION);
}

/* The three steps of a change; at no time does one node refuse the other. */
static void
a_key_is_changed_without_silence(void **state)
{
	const char *steps[] = {"1 " KEY_A "\n", "1 " KEY_A "\n2 " KEY_B "\n",
	    "2 " KEY_B "\n1 " KEY_A "\n", "2 " KEY_B "\n"};
	uint8_t packet[BEAT_BYTES];
	struct beat beat;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t j = i ? i - 1 : 0; j <= i + 1 && j < 4; j++) {
			struct seal_keys mine = keys_of(steps[i]), yours = keys_of(steps[j]);

			beat_encode(&full, packet);
			seal_sign(&mine, packet);
			assert_int_equal(open_packet(&yours, packet, &beat), BEAT_OK);
		}
	beat_encode(&full, packet);
	seal_sign(&(struct seal_keys){.count = 1, .keys = {{.id = 2}}}, packet);
	{
		struct seal_keys old = keys_of(steps[0]), new = keys_of(steps[3]);

		assert_int_equal(open_packet(&old, packet, &beat), BEAT_KEY);
		assert_int_equal(open_packet(&new, packet, &beat), BEAT_FORGED);
	}
}

static void
a_key_file_is_read_or_its_line_is_named(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		size_t count;
	} rows[] = {
	    {"1 " KEY_A, 0, 1},
	    {"# made by hand\n\n  255\t" KEY_A " # old\n0 " KEY_B "\n", 0, 2},
	    {"", 1, 0},
	    {"# none\n", 2, 0},
	    {"256 " KEY_A "\n", 1, 0},
	    {"-1 " KEY_A "\n", 1, 0},
	    {"1x " KEY_A "\n", 1, 0},
	    {"1\n", 1, 0},
	    {"1 " KEY_A "0\n", 1, 0},
	    {"1 g" KEY_A "\n", 1, 0},
	    {"1 " KEY_A " " KEY_B "\n", 1, 0},
	    {"1 " KEY_A "\n\n1 " KEY_B "\n", 3, 0},
	    {"1 " KEY_A "\n2 " KEY_A "\n3 " KEY_A "\n4 " KEY_A "\n5 " KEY_A "\n", 5, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seal_keys keys;
		const char *reason;

		assert_int_equal(seal_parse(slice_of(rows[i].text), &keys, &reason), rows[i].line);
		assert_int_equal(keys.count, rows[i].count);
		assert_int_equal(reason != NULL, rows[i].line != 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_beat_comes_back_as_it_was),
	    cmocka_unit_test(every_changed_bit_is_found_out),
	    cmocka_unit_test(every_other_length_is_no_beat),
	    cmocka_unit_test(an_impossible_value_is_refused_though_signed),
	    cmocka_unit_test(a_key_is_changed_without_silence),
	    cmocka_unit_test(a_key_file_is_read_or_its_line_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
