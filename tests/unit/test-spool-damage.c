/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What replay makes of damaged, torn, recycled and forged bytes.
 */
#include "mailcore/spool/batch.h"
#include "common/bytes.h"
#include "mailcore/spool/record.h"
#include "mailcore/spool/segment.h"

#include "common/crc32c.h"
#include "common/disk.h"
#include "tests/unit/fake-disk-vfs.h"
#include "tests/unit/fake-disk.h"
#include "tests/unit/spool-world.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Batches of commit_one() take two pages each. */
#define BATCH_AT(i) (SEGMENT_DATA + (i)*2u * BATCH_ALIGNMENT)

static void
a_flipped_bit_costs_one_message_and_is_named(void **state)
{
	(void)state;
	open_spool();
	for (int i = 0; i < 6; i++)
		commit_one((uint8_t)('a' + i));
	assert_int_equal(world.committed, 6);
	crash();
	damage(FIRST, BATCH_AT(2) + 1000, 1);
	open_spool();
	assert_int_equal(world.arrived, 5);
	assert_int_equal(world.degraded, 1);
	assert_int_equal(count_entries("quarantine"), 1);
	assert_non_null(strstr(world.reason, "segment 1"));
	assert_non_null(strstr(world.reason, "offset 57408"));
	assert_non_null(strstr(world.reason, "length"));
	assert_int_equal(first_byte_of(1), 'b');
	assert_int_equal(first_byte_of(2), 'd');
}

static void
a_lost_batch_header_costs_that_batch_and_is_named(void **state)
{
	(void)state;
	open_spool();
	for (int i = 0; i < 6; i++)
		commit_one((uint8_t)('a' + i));
	crash();
	damage(FIRST, BATCH_AT(3), 64);
	open_spool();
	assert_int_equal(world.arrived, 5);
	assert_int_equal(world.degraded, 1);
	assert_int_equal(count_entries("quarantine"), 1);
	assert_int_equal(first_byte_of(3), 'e');
}

static void
of_a_damaged_batch_the_other_records_count(void **state)
{
	uint8_t bytes[1000];

	(void)state;
	open_spool();
	commit_one('a');
	for (int i = 0; i < 4; i++) {
		memset(bytes, '0' + i, sizeof(bytes));
		commit_bytes(bytes, sizeof(bytes));
	}
	spool_dispatch(world.spool);
	spool_dispatch(world.spool);
	for (int i = 0; i < 3; i++)
		commit_one('b');
	crash();
	damage(FIRST, BATCH_AT(1) + 1500, 1);
	open_spool();
	assert_int_equal(world.arrived, 7);
	assert_int_equal(world.degraded, 1);
}

static void
an_idle_mark_makes_the_last_message_count_as_durable(void **state)
{
	(void)state;
	open_spool();
	tick(1);
	commit_one('a');
	commit_one('b');
	world.now_ms -= 100;
	for (int i = 0; i < 3; i++) {
		spool_tick(world.spool, world.now_ms);
		spool_dispatch(world.spool);
		spool_dispatch(world.spool);
	}
	crash();
	damage(FIRST, BATCH_AT(1) + 100, 1);
	open_spool();
	assert_int_equal(world.arrived, 1);
	assert_int_equal(world.degraded, 1);
}

static void
a_clean_end_makes_the_last_message_count_as_durable(void **state)
{
	(void)state;
	open_spool();
	commit_one('a');
	commit_one('b');
	assert_int_equal(spool_close(&world.spool), 0);
	damage(FIRST, BATCH_AT(1) + 100, 1);
	open_spool();
	assert_int_equal(world.arrived, 1);
	assert_int_equal(world.degraded, 1);
}

static void
a_torn_tail_is_silently_the_end(void **state)
{
	(void)state;
	open_spool();
	for (int i = 0; i < 4; i++)
		commit_one((uint8_t)('a' + i));
	crash();
	damage(FIRST, BATCH_AT(3) + 100, 4000);
	open_spool();
	assert_int_equal(world.arrived, 3);
	assert_int_equal(world.degraded, 0);
	assert_int_equal(count_entries("quarantine"), 0);
	/* And it stays the end, although later generations prove their own batches durable. */
	commit_one('x');
	commit_one('y');
	crash();
	open_spool();
	assert_int_equal(world.arrived, 5);
	assert_int_equal(world.degraded, 0);
}

static void
one_damaged_header_of_a_segment_costs_nothing(void **state)
{
	(void)state;
	open_spool();
	commit_one('a');
	commit_one('b');
	crash();
	damage(FIRST, 0, 512);
	open_spool();
	assert_int_equal(world.arrived, 2);
	assert_int_equal(world.degraded, 0);
}

static void
a_segment_without_a_header_goes_into_quarantine(void **state)
{
	(void)state;
	open_spool();
	commit_one('a');
	commit_one('b');
	crash();
	damage(FIRST, 0, 512);
	damage(FIRST, 4096, 512);
	open_spool();
	assert_int_equal(world.degraded, 1);
	assert_int_equal(count_entries("quarantine"), 1);
	commit_one('c');
	assert_int_equal(world.committed, 1);
}

/* A mail that is batches from end to end, right but for the salt, which nobody can know. */
static void
forged_batches_in_a_mail_are_never_read(void **state)
{
	uint8_t bytes[3 * BATCH_ALIGNMENT];
	struct envelope_recipient recipient = {.address = slice_of("forged@example.test")};
	struct envelope envelope = {.recipients = &recipient, .recipient_count = 1};
	struct record_message message = {.id = 77};
	struct buffer encoded = {0}, body = {0};

	(void)state;
	assert_true(envelope_encode(&envelope, &encoded));
	message.envelope = buffer_slice(&encoded);
	record_append_message(&body, &message);
	open_spool();
	/* At every offset that can become a boundary. */
	for (unsigned shift = 0; shift < 4; shift++) {
		memset(bytes, 0, sizeof(bytes));
		for (uint64_t at = 0; at + 512 <= sizeof(bytes); at += 512) {
			struct batch_header header = {.salt = shift,
			    .generation = 1,
			    .number = 2 + at / 512,
			    .durable_through = 100,
			    .length = (uint32_t)body.length,
			    .body_checksum = crc32c(0, body.data, body.length)};

			batch_header_encode(&header, bytes + at);
			memcpy(bytes + at + BATCH_HEADER_BYTES, body.data, body.length);
		}
		commit_bytes(bytes, sizeof(bytes));
		spool_dispatch(world.spool);
		spool_dispatch(world.spool);
	}
	assert_int_equal(world.committed, 4);
	crash();
	/* Even where a header is lost and the search begins. */
	damage(FIRST, SEGMENT_DATA, 64);
	open_spool();
	assert_int_equal(world.arrived, 3);
	for (int i = 0; i < world.arrived; i++)
		assert_true(world.messages[i]->id != 77);
	buffer_close(&encoded);
	buffer_close(&body);
}

/* The salt is what tells a use of a segment from the one before: same numbers, same checksums. */
static void
batches_of_an_earlier_use_of_a_segment_are_never_read(void **state)
{
	struct segment_header header = {.sequence = 1, .generation = 1, .size = SEGMENT};
	struct segment *segment;
	struct batch_header old;
	uint8_t bytes[BATCH_HEADER_BYTES];
	size_t size;

	(void)state;
	open_spool();
	for (int i = 0; i < 4; i++)
		commit_one((uint8_t)('a' + i));
	crash();
	/* The same file begins another use under the same sequence. */
	assert_int_equal(segment_begin(STORE, "segment", 1, &header, &segment), 0);
	memcpy(bytes, fake_disk_bytes(FIRST, &size) + SEGMENT_DATA, sizeof(bytes));
	assert_false(batch_header_decode(bytes, segment->header.salt, &old));
	segment_close(&segment);
	open_spool();
	assert_int_equal(world.arrived, 0);
	assert_int_equal(world.degraded, 0);
}

static void
content_damaged_after_its_commit_is_not_given_out(void **state)
{
	uint8_t bytes[BODY];

	(void)state;
	open_spool();
	commit_one('a');
	damage(FIRST, BATCH_AT(0) + 3000, 1);
	assert_int_equal(spool_read(world.spool, world.messages[0], 0, bytes, BODY), -EBADMSG);
	assert_int_equal(spool_read(world.spool, world.messages[0], 10, bytes, 5), -EBADMSG);
	assert_int_equal(spool_read(world.spool, world.messages[0], 10, bytes, BODY), -ERANGE);
}

static void
damage_of_the_very_first_batch_is_named(void **state)
{
	(void)state;
	open_spool();
	for (int i = 0; i < 3; i++)
		commit_one((uint8_t)('a' + i));
	crash();
	damage(FIRST, BATCH_AT(0), 64);
	open_spool();
	assert_int_equal(world.arrived, 2);
	assert_int_equal(world.degraded, 1);
	assert_int_equal(count_entries("quarantine"), 1);
}

/* Two batches were in flight, the first of all is torn, the second is whole. */
static void
a_torn_first_batch_is_the_end_for_every_later_generation(void **state)
{
	struct batch_header header;
	uint8_t *at;
	size_t size;

	(void)state;
	open_spool();
	/* So that there is a spare, and the segment stays. */
	tick(3);
	commit_one('a');
	commit_one('b');
	crash();
	damage(FIRST, BATCH_AT(0) + 100, 1000);
	at = fake_disk_bytes(FIRST, &size) + BATCH_AT(1);
	assert_true(batch_header_decode(at, get_u64(at + 8), &header));
	header.durable_through = 0;
	batch_header_encode(&header, at);
	fake_disk_commit_bytes(FIRST);
	open_spool();
	assert_int_equal(world.arrived, 0);
	for (int i = 0; i < 3; i++)
		commit_one((uint8_t)('x' + i));
	assert_int_equal(world.committed, 3);
	crash();
	open_spool();
	assert_int_equal(world.arrived, 3);
	assert_int_equal(world.degraded, 0);
	assert_int_equal(first_byte_of(0), 'x');
}

static void
a_sector_that_cannot_be_read_costs_no_more_than_a_wrong_one(void **state)
{
	static uint8_t bytes[12000];

	(void)state;
	open_spool();
	for (int i = 0; i < 5; i++) {
		memset(bytes, 'a' + i, sizeof(bytes));
		commit_bytes(bytes, sizeof(bytes));
	}
	for (int i = 0; i < 3; i++)
		spool_dispatch(world.spool);
	commit_one('x');
	crash();
	/* In the content of the third message of the batch. */
	fake_disk_bad_sector(FIRST, SEGMENT_DATA + 30000);
	open_spool();
	assert_int_equal(world.arrived, 5);
	assert_int_equal(world.degraded, 1);
	assert_null(strstr(world.reason, "cannot be put aside"));
	assert_int_equal(count_entries("quarantine"), 1);
	assert_int_equal(first_byte_of(2), 'd');
}

static void
an_unreadable_header_of_a_segment_costs_nothing(void **state)
{
	(void)state;
	for (uint64_t at = 0; at < SEGMENT_DATA; at += 4096) {
		world_begin(NULL);
		open_spool();
		commit_one('a');
		commit_one('b');
		crash();
		fake_disk_bad_sector(FIRST, at);
		open_spool();
		assert_int_equal(world.arrived, 2);
		assert_int_equal(world.degraded, 0);
		crash();
	}
}

static void
a_damaged_generation_file_does_not_keep_the_spool_closed(void **state)
{
	(void)state;
	open_spool();
	commit_one('a');
	crash();
	damage(STORE "/generation", 0, 1);
	open_spool();
	assert_int_equal(world.arrived, 1);
	assert_int_equal(spool_generation(world.spool), 2);
	assert_int_equal(world.degraded, 1);
	assert_non_null(strstr(world.reason, "generation"));
	crash();
	open_spool();
	assert_int_equal(spool_generation(world.spool), 3);
	assert_int_equal(world.degraded, 0);
}

/* The record that names a file is lost: what is in the file is not thrown away. */
static void
content_whose_record_is_damaged_goes_into_quarantine(void **state)
{
	static uint8_t bytes[SEGMENT / 4];

	(void)state;
	open_spool();
	memset(bytes, 'c', sizeof(bytes));
	commit_bytes(bytes, sizeof(bytes));
	for (int i = 0; i < 2; i++)
		spool_dispatch(world.spool);
	commit_one('x');
	assert_int_equal(world.committed, 2);
	crash();
	damage(FIRST, SEGMENT_DATA + BATCH_HEADER_BYTES + 40, 1);
	open_spool();
	assert_int_equal(world.arrived, 1);
	assert_int_equal(count_entries("staging"), 0);
	assert_int_equal(count_entries("quarantine"), 2);
}

static void
a_row_of_the_queue_file_that_makes_no_sense_is_named(void **state)
{
	sqlite3 *db;

	(void)state;
	open_spool();
	tick(1);
	commit_one('a');
	commit_one('b');
	tick(30);
	assert_int_equal(count_entries("deferred"), 2);
	assert_int_equal(spool_close(&world.spool), 0);
	assert_int_equal(
	    sqlite3_open_v2(STORE "/db/queue.db", &db, SQLITE_OPEN_READWRITE, FAKE_DISK_VFS),
	    SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
			     "PRAGMA locking_mode = EXCLUSIVE;"
			     "UPDATE message SET length = length + 70000 "
			     "WHERE id = (SELECT min(id) FROM message)",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	open_spool();
	assert_int_equal(world.arrived, 1);
	assert_int_equal(world.degraded, 1);
	assert_non_null(strstr(world.reason, "queue file"));
	assert_int_equal(first_byte_of(0), 'b');
}

int
main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
	const struct CMUnitTest tests[] = {
	    LAW(a_flipped_bit_costs_one_message_and_is_named),
	    LAW(a_lost_batch_header_costs_that_batch_and_is_named),
	    LAW(of_a_damaged_batch_the_other_records_count),
	    LAW(an_idle_mark_makes_the_last_message_count_as_durable),
	    LAW(a_clean_end_makes_the_last_message_count_as_durable),
	    LAW(a_torn_tail_is_silently_the_end),
	    LAW(one_damaged_header_of_a_segment_costs_nothing),
	    LAW(a_segment_without_a_header_goes_into_quarantine),
	    LAW(forged_batches_in_a_mail_are_never_read),
	    LAW(batches_of_an_earlier_use_of_a_segment_are_never_read),
	    LAW(content_damaged_after_its_commit_is_not_given_out),
	    LAW(damage_of_the_very_first_batch_is_named),
	    LAW(a_torn_first_batch_is_the_end_for_every_later_generation),
	    LAW(a_sector_that_cannot_be_read_costs_no_more_than_a_wrong_one),
	    LAW(an_unreadable_header_of_a_segment_costs_nothing),
	    LAW(a_damaged_generation_file_does_not_keep_the_spool_closed),
	    LAW(content_whose_record_is_damaged_goes_into_quarantine),
	    LAW(a_row_of_the_queue_file_that_makes_no_sense_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
