/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "common/crc32c.h"
#include "witness/row.h"

static const struct register_row good = {
    .uuid = {{1}}, .epoch = 7, .members = 2, .boots = {{{2}}, {{3}}}};

static void
a_row_comes_back_as_it_was(void **state)
{
	uint8_t bytes[ROW_BYTES];
	struct register_row row;

	(void)state;
	row_encode("hq", &good, bytes);
	assert_true(row_decode(slice_from(bytes, sizeof(bytes)), "hq", &row));
	assert_memory_equal(row.uuid.bytes, good.uuid.bytes, ID128_BYTES);
	assert_int_equal(row.epoch, 7);
	assert_int_equal(row.members, 2);
	assert_true(id128_is_same(&row.boots[0], &good.boots[0]));
	assert_true(id128_is_same(&row.boots[1], &good.boots[1]));
}

static void
a_row_of_another_pair_is_none(void **state)
{
	uint8_t bytes[ROW_BYTES];
	struct register_row row;

	(void)state;
	row_encode("hq", &good, bytes);
	assert_false(row_decode(slice_from(bytes, sizeof(bytes)), "h", &row));
	assert_false(row_decode(slice_from(bytes, sizeof(bytes)), "hq2", &row));
}

static void
every_flipped_bit_and_every_cut_is_seen(void **state)
{
	uint8_t bytes[ROW_BYTES + 1] = {0};
	struct register_row row;

	(void)state;
	row_encode("hq", &good, bytes);
	for (size_t bit = 0; bit < ROW_BYTES * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(row_decode(slice_from(bytes, ROW_BYTES), "hq", &row));
		assert_true(id128_is_none(&row.uuid));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t length = 0; length < ROW_BYTES; length++)
		assert_false(row_decode(slice_from(bytes, length), "hq", &row));
	assert_false(row_decode(slice_from(bytes, ROW_BYTES + 1), "hq", &row));
}

/* Whoever wrote them: a right checksum makes no right row. */
static void
a_checksum_does_not_make_a_row(void **state)
{
	static const struct register_row wrong[] = {
	    {.uuid = {{0}}, .epoch = 7, .members = 2, .boots = {{{2}}, {{3}}}},
	    {.uuid = {{1}}, .epoch = 0, .members = 2, .boots = {{{2}}, {{3}}}},
	    {.uuid = {{1}}, .epoch = 7, .members = 0, .boots = {{{2}}, {{3}}}},
	    {.uuid = {{1}}, .epoch = 7, .members = 4, .boots = {{{2}}, {{3}}}},
	    {.uuid = {{1}}, .epoch = 7, .members = 1, .boots = {{{2}}, {{0}}}},
	};
	uint8_t bytes[ROW_BYTES];
	struct register_row row;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		row_encode("hq", &good, bytes);
		memcpy(bytes + 72, wrong[i].uuid.bytes, ID128_BYTES);
		put_u64(bytes + 88, wrong[i].epoch);
		put_u32(bytes + 96, wrong[i].members);
		memcpy(bytes + 104, wrong[i].boots, sizeof(wrong[i].boots));
		put_u32(bytes + 140, crc32c(0, bytes, 140));
		assert_false(row_decode(slice_from(bytes, sizeof(bytes)), "hq", &row));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_row_comes_back_as_it_was),
	    cmocka_unit_test(a_row_of_another_pair_is_none),
	    cmocka_unit_test(every_flipped_bit_and_every_cut_is_seen),
	    cmocka_unit_test(a_checksum_does_not_make_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
