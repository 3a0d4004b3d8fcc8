/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much room a spool takes, and what it does when there is little.
 */
#include "mailcore/spool/segment.h"

#include "common/disk.h"
#include "tests/unit/fake-disk.h"
#include "tests/unit/spool-world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
segments_are_used_again_and_the_journal_stays_small(void **state)
{
	(void)state;
	open_spool();
	for (int i = 0; i < 200; i++) {
		commit_one((uint8_t)i);
		if (world.arrived) {
			spool_settle(world.spool, world.messages[0], 0, OUTCOME_DELIVERED, NULL);
			world.arrived = 0;
		}
		tick(1);
	}
	assert_int_equal(world.committed, 200);
	assert_true(count_entries("journal") <= 8);
	crash();
	open_spool();
	assert_true(world.arrived <= 1);
	assert_int_equal(world.degraded, 0);
}

static void
a_full_disk_refuses_mail_and_still_takes_outcomes(void **state)
{
	int accepted, prepared = 0;

	(void)state;
	open_spool_with(SEGMENT);
	tick(12);
	fake_disk_limit(8 * SEGMENT);
	for (int i = 0; i < 250 && !world.full; i++) {
		commit_one((uint8_t)i);
		if (i % 8 == 0)
			tick(1);
	}
	assert_true(world.full > 0);
	assert_int_equal(world.failed, 0);
	accepted = world.committed;
	assert_int_equal(world.arrived, accepted);
	assert_true(accepted > 20);
	for (int i = 0; i < accepted; i++) {
		struct spool_mark mark = {world.messages[i], 0};

		spool_prepare(world.spool, &mark, 1, &prepared);
	}
	tick(3);
	assert_int_equal(prepared, 1);
	/* Somebody else takes what is left but for a little. */
	fake_disk_limit(0);
	tick(2);
	crash();
	fake_disk_limit(8 * SEGMENT);
	open_spool_with(SEGMENT);
	assert_int_equal(world.arrived, accepted);
	for (int i = 0; i < accepted; i++)
		assert_int_equal(world.messages[i]->outcomes[0], OUTCOME_PREPARED);
}

static void
below_the_reserve_mail_is_refused_until_there_is_space(void **state)
{
	(void)state;
	open_spool_with(1 << 20);
	tick(12);
	commit_one('a');
	fake_disk_limit(1 << 20);
	tick(2);
	commit_one('b');
	assert_int_equal(world.committed, 1);
	assert_int_equal(world.full, 1);
	fake_disk_limit(UINT64_MAX);
	tick(2);
	commit_one('c');
	assert_int_equal(world.committed, 2);
}

/* Sessions that began to send when there was room must not use the reserve up. */
static void
below_the_reserve_large_mail_on_its_way_is_refused_too(void **state)
{
	struct spool_stage *stage;

	(void)state;
	open_spool_with(1 << 20);
	tick(12);
	assert_int_equal(spool_stage_open(world.spool, &stage), 0);
	assert_int_equal(spool_stage_append(world.spool, stage, slice_of("a")), 0);
	fake_disk_limit(1 << 20);
	tick(2);
	assert_int_equal(spool_stage_append(world.spool, stage, slice_of("b")), -ENOSPC);
	spool_stage_drop(&stage);
	fake_disk_limit(UINT64_MAX);
}

/* Fill a segment and more, and settle all but what is held. */
static void
commit_and_settle(int count, int held)
{
	for (int i = 0; i < count; i++)
		commit_one((uint8_t)i);
	for (int i = held; i < world.arrived; i++)
		spool_settle(world.spool, world.messages[i], 0, OUTCOME_DELIVERED, NULL);
	world.arrived = held;
}

/* Segments that are held for a while and then recycled all at once, in all sorts of order with the
 * making of spares: no two files may ever have one number. */
static void
spares_and_segments_never_meet(void **state)
{
	unsigned seed = 7;

	(void)state;
	open_spool();
	for (int round = 0; round < 300; round++) {
		seed = seed * 1103515245 + 12345;
		if (world.arrived == 0 && seed >> 16 & 1) {
			commit_one('h');
			assert_int_equal(world.arrived, 1);
		} else if (world.arrived && (seed >> 17 & 3) == 0) {
			spool_settle(world.spool, world.messages[0], 0, OUTCOME_DELIVERED, NULL);
			world.arrived = 0;
		}
		commit_and_settle((int)(seed >> 20 & 63), world.arrived ? 1 : 0);
		tick((int)(seed >> 26 & 15));
		assert_int_equal(world.failed, 0);
	}
}

/* Bytes of the files in journal/. */
static uint64_t journal_bytes;

static int
journal_add(void *context, const char *name)
{
	char path[128];
	size_t length;

	(void)context;
	snprintf(path, sizeof(path), STORE "/journal/%s", name);
	if (fake_disk_bytes(path, &length))
		journal_bytes += length;
	return 0;
}

static void
on_a_disk_too_full_for_a_segment_the_spool_opens_and_takes_outcomes(void **state)
{
	(void)state;
	open_spool();
	tick(1);
	commit_one('a');
	commit_one('b');
	crash();
	journal_bytes = 0;
	assert_int_equal(disk_list(STORE "/journal", journal_add, NULL), 0);
	/* Room for half a segment, and for what the queue file needs. */
	fake_disk_limit(journal_bytes + SEGMENT / 2 + 100000);
	assert_int_equal(try_open_spool(0, SEGMENT, CHECKPOINT_MS), 0);
	assert_int_equal(world.arrived, 2);
	tick(1);
	commit_one('c');
	assert_int_equal(world.full, 1);
	spool_settle(world.spool, world.messages[0], 0, OUTCOME_DELIVERED, NULL);
	tick(2);
	crash();
	fake_disk_limit(UINT64_MAX);
	open_spool();
	assert_int_equal(world.arrived, 1);
	assert_int_equal(world.failed, 0);
}

static void
on_a_disk_without_any_space_the_spool_opens_again_and_again(void **state)
{
	(void)state;
	open_spool_with(SEGMENT);
	tick(12);
	commit_one('a');
	tick(2);
	fake_disk_limit(0);
	for (uint64_t generation = 2; generation < 6; generation++) {
		crash();
		assert_int_equal(try_open_spool(SEGMENT, SEGMENT, CHECKPOINT_MS), 0);
		assert_int_equal(spool_generation(world.spool), generation);
		assert_int_equal(world.arrived, 1);
		commit_one('b');
		assert_int_equal(world.full, 1);
		world.full = 0;
		tick(2);
	}
	assert_int_equal(world.failed, 0);
}

static void
bodies_that_leave_the_journal_do_not_use_up_the_reserve(void **state)
{
	const uint64_t reserve = 2 * SEGMENT;
	uint8_t bytes[15000] = "";

	(void)state;
	open_spool_with(reserve);
	tick(3);
	for (int i = 0; i < 10; i++) {
		commit_bytes(bytes, sizeof(bytes));
		tick(1);
	}
	assert_int_equal(world.committed, 10);
	/* Room for a few of them above the reserve. */
	fake_disk_limit(UINT64_MAX - 1);
	fake_disk_limit(UINT64_MAX - 1 - (uint64_t)disk_free(STORE) + reserve + 100000);
	tick(20);
	assert_true(count_entries("deferred") > 0);
	assert_true((uint64_t)disk_free(STORE) >= reserve);
	assert_int_equal(world.failed, 0);
}

static void
a_batch_never_outgrows_its_segment(void **state)
{
	uint8_t bytes[BODY] = "";
	int count = 0;

	(void)state;
	open_spool();
	tick(12);
	/* All of it waits at the same time. */
	for (; count < 64 && !world.later; count++)
		commit_bytes(bytes, sizeof(bytes));
	for (int i = 0; i < 20; i++)
		spool_dispatch(world.spool);
	tick(1);
	assert_int_equal(world.committed + world.later, count);
	assert_true(world.committed * BODY > SEGMENT);
	count = world.committed;
	crash();
	open_spool();
	assert_int_equal(world.arrived, count);
	assert_int_equal(world.degraded, 0);
}

static void
a_segment_of_another_size_than_is_set_is_not_used_again(void **state)
{
	size_t length;

	(void)state;
	open_spool();
	tick(3);
	crash();
	assert_int_equal(try_open_spool(0, 2 * SEGMENT, CHECKPOINT_MS), 0);
	assert_non_null(fake_disk_bytes(STORE "/journal/segment-0000000000000004", &length));
	assert_int_equal(length, 2 * SEGMENT);
}

static int
segments_add(void *context, const char *name)
{
	uint64_t sequence;

	*(int *)context += segment_name_parse(name, "segment", &sequence);
	return 0;
}

static int
count_segments(void)
{
	int count = 0;

	disk_list(STORE "/journal", segments_add, &count);
	return count;
}

static void
a_message_keeps_a_segment_no_longer_than_its_time(void **state)
{
	uint8_t bytes[100] = "";

	(void)state;
	open_spool();
	tick(1);
	for (int i = 0; i < 4000; i++) {
		commit_bytes(bytes, sizeof(bytes));
		if (i % 500 == 499)
			tick(1);
	}
	assert_int_equal(world.committed, 4000);
	assert_true(count_segments() > 3);
	/* The settings give a message a second, and a job takes a thousand. */
	tick(10 + 8);
	/* The one in use, and the one that is ready to follow. */
	assert_int_equal(count_segments(), 2);
	assert_true(count_entries("deferred") > 3000);
}

/* Five megabytes, each message settled before the next one comes. */
static void
fill_and_settle(void)
{
	for (int i = 0; i < 100; i++) {
		static uint8_t bytes[50000];

		commit_bytes(bytes, sizeof(bytes));
		spool_dispatch(world.spool);
		spool_dispatch(world.spool);
		assert_int_equal(world.arrived, i + 1);
		spool_settle(world.spool, world.messages[i], 0, OUTCOME_DELIVERED, NULL);
		spool_dispatch(world.spool);
		spool_dispatch(world.spool);
	}
}

/* An hour before the time of the checkpoint. */
static void
a_segment_whose_messages_are_all_settled_is_not_read_again(void **state)
{
	(void)state;
	assert_int_equal(try_open_spool(0, 8 * SEGMENT, 3600 * 1000), 0);
	tick(1);
	fill_and_settle();
	assert_true(count_segments() > 3);
	/* A second, and what the job takes. */
	tick(10 + 2);
	assert_int_equal(count_segments(), 2);
	crash();
	assert_int_equal(try_open_spool(0, 8 * SEGMENT, 3600 * 1000), 0);
	assert_int_equal(world.arrived, 0);
	assert_int_equal(world.degraded, 0);
}

/* Else a takeover would have up to a whole segment to read. What is damaged there shows whether it
 * was read. */
static void
the_settled_part_of_a_segment_is_not_read_again(void **state)
{
	(void)state;
	assert_int_equal(try_open_spool(0, 64 * SEGMENT, 3600 * 1000), 0);
	/* The first job of a new store names the segment. */
	tick(10 + 2);
	fill_and_settle();
	tick(10 + 2);
	crash();
	damage(FIRST, SEGMENT_DATA, 4 * SEGMENT);
	assert_int_equal(try_open_spool(0, 64 * SEGMENT, 3600 * 1000), 0);
	assert_int_equal(world.arrived, 0);
	assert_int_equal(world.degraded, 0);
}

int
main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
	const struct CMUnitTest tests[] = {
	    LAW(segments_are_used_again_and_the_journal_stays_small),
	    LAW(a_full_disk_refuses_mail_and_still_takes_outcomes),
	    LAW(below_the_reserve_mail_is_refused_until_there_is_space),
	    LAW(below_the_reserve_large_mail_on_its_way_is_refused_too),
	    LAW(spares_and_segments_never_meet),
	    LAW(on_a_disk_too_full_for_a_segment_the_spool_opens_and_takes_outcomes),
	    LAW(on_a_disk_without_any_space_the_spool_opens_again_and_again),
	    LAW(bodies_that_leave_the_journal_do_not_use_up_the_reserve),
	    LAW(a_batch_never_outgrows_its_segment),
	    LAW(a_segment_of_another_size_than_is_set_is_not_used_again),
	    LAW(a_message_keeps_a_segment_no_longer_than_its_time),
	    LAW(a_segment_whose_messages_are_all_settled_is_not_read_again),
	    LAW(the_settled_part_of_a_segment_is_not_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
