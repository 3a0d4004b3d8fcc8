/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/batch.h"

#include "common/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SALT UINT64_C(0x1122334455667788)

static struct batch_header
example(void)
{
	return (struct batch_header){
	    .salt = SALT,
	    .generation = UINT64_C(0x0102030405060708),
	    .number = UINT64_C(0x1112131415161718),
	    .durable_through = UINT64_C(0x2122232425262728),
	    .length = 9,
	    .body_checksum = 0xe3069283,
	};
}

static void
a_header_comes_back_as_it_was(void **state)
{
	struct batch_header header = example(), back;
	uint8_t bytes[BATCH_HEADER_BYTES];

	(void)state;
	batch_header_encode(&header, bytes);
	assert_true(batch_header_decode(bytes, SALT, &back));
	assert_int_equal(back.salt, header.salt);
	assert_int_equal(back.generation, header.generation);
	assert_int_equal(back.number, header.number);
	assert_int_equal(back.durable_through, header.durable_through);
	assert_int_equal(back.length, header.length);
	assert_int_equal(back.body_checksum, header.body_checksum);
}

/* A store written by one version is read by the next. */
static void
the_bytes_on_the_disk_are_these(void **state)
{
	static const uint8_t expected[BATCH_HEADER_BYTES - 8] = {
	    0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* salt */
	    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* generation */
	    0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, /* number */
	    0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, /* durable_through */
	    0x09, 0x00, 0x00, 0x00, 0x83, 0x92, 0x06, 0xe3, /* length, checksum of the body */
	};
	struct batch_header header = example();
	uint8_t bytes[BATCH_HEADER_BYTES];
	uint32_t crc = crc32c(0, expected, sizeof(expected));

	(void)state;
	memset(bytes, 0xaa, sizeof(bytes));
	batch_header_encode(&header, bytes);
	assert_memory_equal(bytes, "GMB1", 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(bytes[4 + i], (uint8_t)(crc >> 8 * i));
	assert_memory_equal(bytes + 8, expected, sizeof(expected));
}

static void
no_header_survives_a_flipped_bit(void **state)
{
	struct batch_header header = example();
	uint8_t bytes[BATCH_HEADER_BYTES];

	(void)state;
	batch_header_encode(&header, bytes);
	for (size_t bit = 0; bit < BATCH_HEADER_BYTES * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(batch_header_decode(bytes, SALT, &header));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(batch_header_decode(bytes, SALT, &header));
}

static void
another_use_of_the_segment_is_not_believed(void **state)
{
	struct batch_header header = example();
	uint8_t bytes[BATCH_HEADER_BYTES];

	(void)state;
	batch_header_encode(&header, bytes);
	assert_false(batch_header_decode(bytes, SALT + 1, &header));
	assert_false(batch_header_decode(bytes, 0, &header));
}

static void
what_was_never_written_is_no_header(void **state)
{
	struct batch_header header;
	uint8_t bytes[BATCH_HEADER_BYTES] = {0};

	(void)state;
	assert_false(batch_header_decode(bytes, 0, &header));
	memset(bytes, 0xff, sizeof(bytes));
	assert_false(batch_header_decode(bytes, UINT64_MAX, &header));
}

static void
a_length_that_no_batch_has_is_refused(void **state)
{
	static const struct {
		uint32_t length;
		bool good;
	} rows[] = {
	    {0, true}, {BATCH_BODY_MAX, true}, {BATCH_BODY_MAX + 1, false}, {UINT32_MAX, false}};
	struct batch_header header = example(), back;
	uint8_t bytes[BATCH_HEADER_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		header.length = rows[i].length;
		batch_header_encode(&header, bytes);
		assert_int_equal(batch_header_decode(bytes, SALT, &back), rows[i].good);
	}
}

static void
a_body_is_good_only_whole_and_unchanged(void **state)
{
	struct batch_header header = example();
	char body[] = "1234567890";

	(void)state;
	for (size_t length = 0; length < sizeof(body); length++)
		assert_int_equal(
		    batch_body_is_good(&header, slice_from(body, length)), length == 9);
	for (size_t bit = 0; bit < 9 * 8; bit++) {
		body[bit / 8] ^= (char)(1u << bit % 8);
		assert_false(batch_body_is_good(&header, slice_from(body, 9)));
		body[bit / 8] ^= (char)(1u << bit % 8);
	}
}

static void
an_empty_batch_has_a_good_body(void **state)
{
	struct batch_header header = {.length = 0, .body_checksum = crc32c(0, "", 0)};

	(void)state;
	assert_true(batch_body_is_good(&header, slice_from(NULL, 0)));
}

static void
a_batch_takes_whole_blocks_with_its_header(void **state)
{
	static const struct {
		uint64_t body, room;
	} rows[] = {
	    {0, 4096},
	    {1, 4096},
	    {4096 - BATCH_HEADER_BYTES, 4096},
	    {4096 - BATCH_HEADER_BYTES + 1, 8192},
	    {4096, 8192},
	    {BATCH_BODY_MAX, (uint64_t)BATCH_BODY_MAX + 4096},
	    {UINT64_C(1) << 32, (UINT64_C(1) << 32) + 4096},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(batch_room(rows[i].body), rows[i].room);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_header_comes_back_as_it_was),
    cmocka_unit_test(the_bytes_on_the_disk_are_these),
    cmocka_unit_test(no_header_survives_a_flipped_bit),
    cmocka_unit_test(another_use_of_the_segment_is_not_believed),
    cmocka_unit_test(what_was_never_written_is_no_header),
    cmocka_unit_test(a_length_that_no_batch_has_is_refused),
    cmocka_unit_test(a_body_is_good_only_whole_and_unchanged),
    cmocka_unit_test(an_empty_batch_has_a_good_body),
    cmocka_unit_test(a_batch_takes_whole_blocks_with_its_header),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
