/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What replay makes of damaged, torn, recycled and forged bytes.
 */
#include "mailcore/spool/batch.h"
#include "mailcore/spool/inside.h"
#include "mailcore/spool/record.h"
#include "mailcore/spool/segment.h"

#include "common/crc32c.h"
#include "common/disk.h"
#include "tests/unit/fake-disk-vfs.h"
#include "tests/unit/fake-disk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define STORE "/store"
#define SEGMENT (256u * 1024u)
#define FIRST STORE "/journal/segment-0000000000000001"
#define BODY 5000u

static struct {
	struct spool *spool;
	struct message *messages[256];
	int arrived, committed, full, later, degraded, failed;
	uint64_t now_ms;
	char reason[256];
} world;

static void
on_committed(void *context, void *cookie, message_id id, enum commit_verdict verdict)
{
	(void)context;
	(void)cookie;
	(void)id;
	world.committed += verdict == COMMIT_DURABLE;
	world.full += verdict == COMMIT_SYSTEM_FULL;
	world.later += verdict == COMMIT_TRY_LATER;
}

static void
on_arrived(void *context, struct message *message)
{
	(void)context;
	world.messages[world.arrived++] = message;
}

static void
on_prepared(void *context, void *cookie, bool ok)
{
	(void)context;
	(void)ok;
	*(int *)cookie = 1;
}

static void
on_failed(void *context, const char *reason)
{
	(void)context;
	(void)reason;
	world.failed++;
}

static void
on_degraded(void *context, const char *reason)
{
	(void)context;
	world.degraded++;
	snprintf(world.reason, sizeof(world.reason), "%s", reason);
}

static void
open_spool_with(uint64_t reserve)
{
	static const struct spool_events events = {
	    NULL, on_committed, on_arrived, on_prepared, on_failed, on_degraded};
	struct spool_settings settings = {STORE, SEGMENT, reserve, 1000};
	char error[256];

	memset(&world, 0, sizeof(world));
	if (spool_open_inside(
		&settings, &events, SYNCER_INLINE, FAKE_DISK_VFS, &world.spool, error))
		fail_msg("%s", error);
}

static void
open_spool(void)
{
	open_spool_with(0);
}

static void
tick(int times)
{
	while (times--) {
		world.now_ms += 100;
		spool_tick(world.spool, world.now_ms);
		for (int i = 0; i < 3; i++)
			spool_dispatch(world.spool);
	}
}

static void
commit_bytes(const void *bytes, size_t length)
{
	struct envelope_recipient recipient = {.address = slice_of("user@example.test")};
	struct envelope envelope = {.recipients = &recipient,
	    .recipient_count = 1,
	    .helo = slice_of("client.example"),
	    .client = slice_of("192.0.2.1")};
	struct buffer encoded = {0};

	assert_true(envelope_encode(&envelope, &encoded));
	spool_commit(world.spool, buffer_slice(&encoded), slice_from(bytes, length), NULL, NULL);
	buffer_close(&encoded);
}

/* One message, one batch. */
static void
commit_one(uint8_t fill)
{
	uint8_t bytes[BODY];

	memset(bytes, fill, sizeof(bytes));
	commit_bytes(bytes, sizeof(bytes));
	spool_dispatch(world.spool);
	spool_dispatch(world.spool);
}

/* The power fails, and nothing that is synced is lost. */
static void
crash(void)
{
	fake_disk_stop_at(1);
	spool_close(&world.spool);
	fake_disk_reboot(SURVIVE_NOTHING, 1);
}

static int
begin(void **state)
{
	(void)state;
	fake_disk_vfs_register();
	fake_disk_reset();
	disk_make_directory(STORE, 0700);
	disk_sync_directory("/");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	if (world.spool)
		spool_close(&world.spool);
	fake_disk_close();
	return 0;
}

static void
damage(const char *path, size_t offset, size_t length)
{
	size_t size;
	uint8_t *bytes = fake_disk_bytes(path, &size);

	assert_non_null(bytes);
	assert_true(offset + length <= size);
	for (size_t i = 0; i < length; i++)
		bytes[offset + i] ^= 0x10;
	fake_disk_commit_bytes(path);
}

static int
first_byte_of(int i)
{
	uint8_t byte;

	assert_int_equal(spool_read(world.spool, world.messages[i], 0, &byte, 1), 0);
	return byte;
}

static int
count_entry(void *context, const char *name)
{
	(void)name;
	++*(int *)context;
	return 0;
}

static int
quarantined(void)
{
	int count = 0;

	disk_list(STORE "/quarantine", count_entry, &count);
	return count;
}

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
	assert_int_equal(quarantined(), 1);
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
	assert_int_equal(quarantined(), 1);
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
	assert_int_equal(quarantined(), 0);
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
	assert_int_equal(quarantined(), 1);
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
segments_are_used_again_and_the_journal_stays_small(void **state)
{
	int files = 0;

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
	disk_list(STORE "/journal", count_entry, &files);
	assert_true(files <= 8);
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

int
main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    LAW(a_flipped_bit_costs_one_message_and_is_named),
	    LAW(a_lost_batch_header_costs_that_batch_and_is_named),
	    LAW(of_a_damaged_batch_the_other_records_count),
	    LAW(an_idle_mark_makes_the_last_message_count_as_durable),
	    LAW(a_torn_tail_is_silently_the_end),
	    LAW(one_damaged_header_of_a_segment_costs_nothing),
	    LAW(a_segment_without_a_header_goes_into_quarantine),
	    LAW(forged_batches_in_a_mail_are_never_read),
	    LAW(batches_of_an_earlier_use_of_a_segment_are_never_read),
	    LAW(segments_are_used_again_and_the_journal_stays_small),
	    LAW(a_full_disk_refuses_mail_and_still_takes_outcomes),
	    LAW(below_the_reserve_mail_is_refused_until_there_is_space),
	    LAW(content_damaged_after_its_commit_is_not_given_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
