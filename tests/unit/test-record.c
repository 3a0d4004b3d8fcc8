/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/record.h"

#include "common/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ID UINT64_C(0x0300000000001f2a)

static const uint8_t checks[4 * 3] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static struct record_message
example(void)
{
	return (struct record_message){
	    .id = ID,
	    .content_length = 5,
	    .place = RECORD_INLINE,
	    .checks = checks,
	    .envelope = slice_of("envelope"),
	    .content = slice_of("hello"),
	};
}

/* A batch's body with one record of each kind. */
static void
fill(struct buffer *body)
{
	const uint64_t ids[] = {ID, ID + 1};
	const uint32_t recipients[] = {0, 999};
	struct record_message message = example();
	struct record_outcome outcome = {ID, 7, 4, slice_of("mailbox is full")};

	record_append_message(body, &message);
	record_append_prepared(body, ids, recipients, COUNT(ids));
	record_append_outcome(body, &outcome);
}

static void
records_come_back_in_order_as_they_were(void **state)
{
	struct buffer body = {0};
	struct record_message message;
	struct record_outcome outcome;
	struct record record;
	size_t offset = 0;
	uint64_t id;
	uint32_t recipient;

	(void)state;
	fill(&body);
	assert_int_equal(record_next(buffer_slice(&body), &offset, &record), RECORD_GOOD);
	assert_int_equal(record.type, RECORD_MESSAGE);
	assert_true(record_decode_message(record.body, &message));
	assert_int_equal(message.id, ID);
	assert_int_equal(message.content_length, 5);
	assert_int_equal(message.place, RECORD_INLINE);
	assert_memory_equal(message.checks, checks, 4);
	assert_true(slice_is_equal(message.envelope, slice_of("envelope")));
	assert_true(slice_is_equal(message.content, slice_of("hello")));

	assert_int_equal(record_next(buffer_slice(&body), &offset, &record), RECORD_GOOD);
	assert_int_equal(record.type, RECORD_PREPARED);
	assert_int_equal(record_mark_count(record.body), 2);
	record_decode_mark(record.body, 1, &id, &recipient);
	assert_int_equal(id, ID + 1);
	assert_int_equal(recipient, 999);

	assert_int_equal(record_next(buffer_slice(&body), &offset, &record), RECORD_GOOD);
	assert_int_equal(record.type, RECORD_OUTCOME);
	assert_true(record_decode_outcome(record.body, &outcome));
	assert_int_equal(outcome.id, ID);
	assert_int_equal(outcome.recipient, 7);
	assert_int_equal(outcome.outcome, 4);
	assert_true(slice_is_equal(outcome.reason, slice_of("mailbox is full")));

	assert_int_equal(record_next(buffer_slice(&body), &offset, &record), RECORD_END);
	assert_int_equal(offset, body.length);
	buffer_close(&body);
}

static void
each_block_of_content_has_one_checksum(void **state)
{
	static const struct {
		uint64_t length, blocks;
	} rows[] = {
	    {0, 0},
	    {1, 1},
	    {RECORD_BLOCK - 1, 1},
	    {RECORD_BLOCK, 1},
	    {RECORD_BLOCK + 1, 2},
	    {UINT64_C(1) << 40, UINT64_C(1) << 24},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(record_blocks(rows[i].length), rows[i].blocks);
}

static void
a_message_takes_the_room_that_was_told_and_its_content_lies_where_told(void **state)
{
	static const size_t lengths[] = {
	    0, 1, RECORD_BLOCK - 1, RECORD_BLOCK, RECORD_BLOCK + 1, 2 * RECORD_BLOCK + 1};
	uint8_t *content = malloc(3 * RECORD_BLOCK);

	(void)state;
	memset(content, 'c', 3 * RECORD_BLOCK);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct record_message message = example(), back;
		struct buffer body = {0};
		struct record record;
		size_t offset = 3, at;

		buffer_append(&body, "pad", 3);
		message.content_length = lengths[i];
		message.content = slice_from(content, lengths[i]);
		at = record_append_message(&body, &message);
		assert_int_equal(body.length - 3, record_message_room(&message));
		assert_int_equal(body.length - at, lengths[i]);
		assert_int_equal(record_next(buffer_slice(&body), &offset, &record), RECORD_GOOD);
		assert_int_equal(record.offset, 3);
		assert_int_equal(record.length, body.length - 3);
		assert_true(record_decode_message(record.body, &back));
		assert_true(slice_is_equal(back.content, message.content));
		assert_memory_equal(back.checks, checks, 4 * record_blocks(lengths[i]));
		buffer_close(&body);
	}
	free(content);
}

static void
content_in_a_file_is_not_in_the_record(void **state)
{
	struct record_message message = example(), back;
	struct buffer body = {0};
	struct record record;
	size_t offset = 0;

	(void)state;
	message.place = RECORD_FILE;
	message.content_length = 2 * RECORD_BLOCK + 1;
	message.content = slice_of("");
	record_append_message(&body, &message);
	assert_true(body.length < 200);
	record_next(buffer_slice(&body), &offset, &record);
	assert_true(record_decode_message(record.body, &back));
	assert_int_equal(back.place, RECORD_FILE);
	assert_int_equal(back.content_length, message.content_length);
	assert_int_equal(back.content.length, 0);
	buffer_close(&body);
}

/* How many records of body are good. */
static unsigned
count_good(struct slice body, enum record_verdict *last_r)
{
	struct record record;
	size_t offset = 0;
	unsigned good = 0;

	do {
		size_t before = offset;

		*last_r = record_next(body, &offset, &record);
		good += *last_r == RECORD_GOOD;
		assert_true(*last_r == RECORD_END || offset > before);
		assert_true(offset <= body.length);
	} while (*last_r != RECORD_END && *last_r != RECORD_LOST);
	return good;
}

static void
a_flipped_bit_costs_its_record_and_in_a_header_those_after_it(void **state)
{
	struct buffer body = {0};
	enum record_verdict last;
	size_t starts[4] = {0};
	struct record record;

	(void)state;
	fill(&body);
	for (size_t i = 0, offset = 0; i < 3; i++) {
		record_next(buffer_slice(&body), &offset, &record);
		starts[i + 1] = offset;
	}
	for (size_t bit = 0; bit < body.length * 8; bit++) {
		size_t hit = bit / 8 >= starts[2] ? 2 : bit / 8 >= starts[1] ? 1 : 0;
		bool is_header = bit / 8 - starts[hit] < RECORD_HEADER_BYTES;
		unsigned good;

		body.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		good = count_good(buffer_slice(&body), &last);
		assert_int_equal(good, is_header ? hit : 2);
		assert_int_equal(last, is_header ? RECORD_LOST : RECORD_END);
		body.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(count_good(buffer_slice(&body), &last), 3);
	buffer_close(&body);
}

static void
a_cut_batch_gives_the_records_before_the_cut(void **state)
{
	struct buffer body = {0};
	size_t starts[4] = {0};
	struct record record;

	(void)state;
	fill(&body);
	for (size_t i = 0, offset = 0; i < 3; i++) {
		record_next(buffer_slice(&body), &offset, &record);
		starts[i + 1] = offset;
	}
	for (size_t length = 0; length < body.length; length++) {
		/* A copy of just this length: a sanitizer sees a read past it. */
		uint8_t *cut = malloc(length + !length);
		unsigned whole = length >= starts[2] ? 2 : length >= starts[1] ? 1 : 0;
		enum record_verdict last;

		memcpy(cut, body.data, length);
		assert_int_equal(count_good(slice_from(cut, length), &last), whole);
		assert_int_equal(last, length == starts[whole] ? RECORD_END : RECORD_LOST);
		free(cut);
	}
	buffer_close(&body);
}

static void
what_was_lost_reaches_to_the_end(void **state)
{
	struct buffer body = {0};
	struct record record;
	size_t offset = 0, second;

	(void)state;
	fill(&body);
	record_next(buffer_slice(&body), &offset, &record);
	second = offset;
	body.data[second] ^= 1;
	assert_int_equal(record_next(buffer_slice(&body), &offset, &record), RECORD_LOST);
	assert_int_equal(record.offset, second);
	assert_int_equal(record.length, body.length - second);
	assert_int_equal(record_next(buffer_slice(&body), &offset, &record), RECORD_END);
	buffer_close(&body);
}

/* The checksums are right, the meaning is not: a fault of ours, or a forger. */
static void
a_message_whose_lengths_do_not_add_up_is_refused(void **state)
{
	static const struct {
		size_t at; /* of a u32 in the body */
		uint32_t value;
	} rows[] = {
	    {8, 4},           /* content shorter than what follows */
	    {8, 6},           /* and longer */
	    {8, 0xffffffff},  /* more checksums than bytes */
	    {12, 1},          /* 4 GiB more */
	    {12, 0xffffffff}, /* so long that the number of blocks would run over */
	    {16, 7},          /* the envelope */
	    {16, 9},
	    {16, 0xffffffff},
	    {20, RECORD_FILE}, /* the content is there, though in a file */
	    {20, RECORD_FILE + 1},
	};
	struct record_message message = example(), back;
	struct buffer body = {0};
	struct slice good;

	(void)state;
	record_append_message(&body, &message);
	good = slice_from(body.data + RECORD_HEADER_BYTES, body.length - RECORD_HEADER_BYTES);
	assert_true(record_decode_message(good, &back));
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t *at = body.data + RECORD_HEADER_BYTES + rows[i].at;
		uint32_t before = get_u32(at);

		put_u32(at, rows[i].value);
		assert_false(record_decode_message(good, &back));
		put_u32(at, before);
	}
	for (size_t length = 0; length < good.length; length++)
		assert_false(record_decode_message(slice_from(good.data, length), &back));
	buffer_close(&body);
}

/* With nothing behind the envelope there is less to contradict a wrong length or place. */
static void
a_file_of_no_possible_length_or_place_is_refused(void **state)
{
	static const struct {
		uint64_t length;
		uint32_t place;
		bool good;
	} rows[] = {
	    {0, RECORD_FILE, true},
	    {0, RECORD_FILE + 1, false},
	    {UINT64_MAX, RECORD_FILE, false},
	    {UINT64_MAX - RECORD_BLOCK + 2, RECORD_FILE, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t bytes[RECORD_MESSAGE_BYTES] = {0};
		struct record_message back;

		put_u64(bytes + 8, rows[i].length);
		put_u32(bytes + 20, rows[i].place);
		assert_int_equal(
		    record_decode_message(slice_from(bytes, sizeof(bytes)), &back), rows[i].good);
	}
}

static void
an_outcome_needs_its_fixed_part_and_may_lack_a_reason(void **state)
{
	uint8_t bytes[RECORD_OUTCOME_BYTES] = {0};
	struct record_outcome outcome;

	(void)state;
	for (size_t length = 0; length < sizeof(bytes); length++)
		assert_false(record_decode_outcome(slice_from(bytes, length), &outcome));
	assert_true(record_decode_outcome(slice_from(bytes, sizeof(bytes)), &outcome));
	assert_int_equal(outcome.reason.length, 0);
}

static void
a_part_of_a_mark_is_no_mark(void **state)
{
	static const struct {
		size_t length, count;
	} rows[] = {{0, 0}, {RECORD_MARK_BYTES - 1, 0}, {RECORD_MARK_BYTES, 1},
	    {2 * RECORD_MARK_BYTES - 1, 1}, {2 * RECORD_MARK_BYTES, 2}};
	uint8_t bytes[2 * RECORD_MARK_BYTES] = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    record_mark_count(slice_from(bytes, rows[i].length)), rows[i].count);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(records_come_back_in_order_as_they_were),
    cmocka_unit_test(each_block_of_content_has_one_checksum),
    cmocka_unit_test(a_message_takes_the_room_that_was_told_and_its_content_lies_where_told),
    cmocka_unit_test(content_in_a_file_is_not_in_the_record),
    cmocka_unit_test(a_flipped_bit_costs_its_record_and_in_a_header_those_after_it),
    cmocka_unit_test(a_cut_batch_gives_the_records_before_the_cut),
    cmocka_unit_test(what_was_lost_reaches_to_the_end),
    cmocka_unit_test(a_message_whose_lengths_do_not_add_up_is_refused),
    cmocka_unit_test(a_file_of_no_possible_length_or_place_is_refused),
    cmocka_unit_test(an_outcome_needs_its_fixed_part_and_may_lack_a_reason),
    cmocka_unit_test(a_part_of_a_mark_is_no_mark),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
