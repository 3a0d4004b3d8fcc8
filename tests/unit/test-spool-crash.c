/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scripted life of a spool meets a power cut, a SIGKILL or an error at every
 * disk call in turn. Then what replay brings back is compared with what was
 * promised.
 */
#include "mailcore/spool/inside.h"

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
#define MESSAGES_MAX 64
#define SEGMENT (128u * 1024u)
#define RESERVE 1000u

/* What the script knows of a message it submitted. */
struct sent {
	size_t length;
	uint32_t recipients;
	message_id id; /* once acknowledged */
	bool is_acknowledged;
	bool is_refused;         /* the client was told so */
	bool is_prepared;        /* prepared(true) was heard for recipient 0 */
	uint8_t said[4];         /* outcomes given to spool_settle() */
	struct message *message; /* while it is with us */
	int arrivals;            /* in this life of the spool */
};

static struct {
	struct spool *spool;
	struct sent sent[MESSAGES_MAX];
	int count;
	bool has_failed;
	int degraded;
	uint64_t now_ms;
	uint64_t generation; /* the highest seen */
	char last_reason[256];
} world;

static uint8_t
content_byte(int index, size_t at)
{
	return (uint8_t)(index * 31 + at * 7 + (at >> 8) * 13 + (at >> 16));
}

static void
content_make(int index, uint8_t *out, size_t length)
{
	for (size_t i = 0; i < length; i++)
		out[i] = content_byte(index, i);
}

static void
envelope_make(int index, struct buffer *out)
{
	struct envelope_recipient recipients[4] = {0};
	char path[32], names[4][48];
	struct envelope envelope = {.recipients = recipients,
	    .recipient_count = world.sent[index].recipients,
	    .helo = slice_of("client.example"),
	    .client = slice_of("192.0.2.1")};

	snprintf(path, sizeof(path), "%d@example.test", index);
	envelope.reverse_path = slice_of(path);
	for (uint32_t i = 0; i < world.sent[index].recipients; i++) {
		snprintf(names[i], sizeof(names[i]), "user%u-%d@example.test", i, index);
		recipients[i].address = slice_of(names[i]);
	}
	assert_true(envelope_encode(&envelope, out));
}

static int
index_of(const struct message *message)
{
	char path[64];

	assert_true(slice_to_string(message->envelope.reverse_path, path, sizeof(path)));
	return atoi(path);
}

/* -- events -- */

static void
on_committed(void *context, void *cookie, message_id id, enum commit_verdict verdict)
{
	struct sent *sent = cookie;

	(void)context;
	if (verdict != COMMIT_DURABLE) {
		sent->is_refused = verdict != COMMIT_IN_DOUBT;
		return;
	}
	assert_false(world.has_failed);
	for (int i = 0; i < world.count; i++)
		assert_true(!world.sent[i].is_acknowledged || world.sent[i].id != id);
	sent->is_acknowledged = true;
	sent->id = id;
}

/* Bytes and envelope are what was submitted. */
static void
message_check(struct message *message)
{
	int index = index_of(message);
	const struct sent *sent = &world.sent[index];
	uint8_t *bytes = malloc(message->content_length + 1);
	struct buffer envelope = {0}, again = {0};

	assert_true(index < world.count);
	assert_int_equal(message->content_length, sent->length);
	assert_int_equal(spool_read(world.spool, message, 0, bytes, sent->length), 0);
	for (size_t i = 0; i < sent->length; i++)
		if (bytes[i] != content_byte(index, i))
			fail_msg("message %d: byte %zu is wrong", index, i);
	envelope_make(index, &envelope);
	assert_true(envelope_encode(&message->envelope, &again));
	assert_true(slice_is_equal(buffer_slice(&envelope), buffer_slice(&again)));
	buffer_close(&envelope);
	buffer_close(&again);
	free(bytes);
}

static void
on_arrived(void *context, struct message *message)
{
	struct sent *sent = &world.sent[index_of(message)];

	(void)context;
	sent->message = message;
	sent->arrivals++;
}

static void
on_prepared(void *context, void *cookie, bool ok)
{
	(void)context;
	if (ok) {
		assert_false(world.has_failed);
		((struct sent *)cookie)->is_prepared = true;
	}
}

static void
on_failed(void *context, const char *reason)
{
	(void)context;
	(void)reason;
	assert_false(world.has_failed);
	world.has_failed = true;
}

static void
on_degraded(void *context, const char *reason)
{
	(void)context;
	world.degraded++;
	snprintf(world.last_reason, sizeof(world.last_reason), "%s", reason);
}

static const struct spool_events events = {
    NULL, on_committed, on_arrived, on_prepared, on_failed, on_degraded, NULL};

/* -- verbs of the script -- */

static bool
life_begin(enum syncer_kind kind)
{
	struct spool_settings settings = {STORE, SEGMENT, RESERVE, 300};
	char error[256];
	int result;

	world.has_failed = false;
	world.degraded = 0;
	for (int i = 0; i < world.count; i++) {
		world.sent[i].message = NULL;
		world.sent[i].arrivals = 0;
	}
	result = spool_open_inside(&settings, &events, kind, FAKE_DISK_VFS, &world.spool, error);
	if (result < 0) {
		assert_null(world.spool);
		assert_true(error[0] != '\0');
		return false;
	}
	assert_true(spool_generation(world.spool) > world.generation);
	world.generation = spool_generation(world.spool);
	return true;
}

static void
submit(size_t length, uint32_t recipients, size_t staged)
{
	struct sent *sent = &world.sent[world.count];
	uint8_t *bytes = malloc(length + 1);
	struct buffer envelope = {0};
	struct spool_stage *stage = NULL;
	int result = 0;

	assert_true(world.count < MESSAGES_MAX);
	*sent = (struct sent){.length = length, .recipients = recipients};
	world.count++;
	content_make(world.count - 1, bytes, length);
	envelope_make(world.count - 1, &envelope);
	if (staged)
		result = spool_stage_open(world.spool, &stage);
	for (size_t at = 0; result == 0 && at < staged; at += 10000)
		result = spool_stage_append(world.spool, stage,
		    slice_from(bytes + at, staged - at < 10000 ? staged - at : 10000));
	if (result == 0)
		spool_commit(world.spool, buffer_slice(&envelope),
		    slice_from(bytes + staged, length - staged), &stage, sent);
	else
		spool_stage_drop(&stage);
	buffer_close(&envelope);
	free(bytes);
}

static void
turn(int times)
{
	/* The slower order needs more of them. */
	if (times > 1)
		times *= 2;
	while (times--)
		spool_dispatch(world.spool);
}

static void
tick(int times)
{
	while (times--) {
		world.now_ms += 100;
		spool_tick(world.spool, world.now_ms);
		turn(3);
	}
}

static void
prepare(int index)
{
	struct sent *sent = &world.sent[index];
	struct spool_mark mark = {sent->message, 0};

	if (sent->message)
		spool_prepare(world.spool, &mark, 1, sent);
}

static void
settle(int index, uint32_t recipient, enum outcome outcome)
{
	struct sent *sent = &world.sent[index];
	uint32_t settled = 0;

	if (!sent->message || sent->said[recipient] == OUTCOME_DELIVERED)
		return;
	/* As a deliverer does: only what was prepared is delivered. */
	if (recipient == 0 && outcome == OUTCOME_DELIVERED && !sent->is_prepared)
		return;
	sent->said[recipient] = outcome;
	spool_settle(world.spool, sent->message, recipient, outcome,
	    outcome == OUTCOME_DEFERRED ? "mailbox full" : NULL);
	for (uint32_t i = 0; i < sent->recipients; i++)
		settled += sent->said[i] == OUTCOME_DELIVERED || sent->said[i] == OUTCOME_BOUNCED;
	if (settled == sent->recipients)
		sent->message = NULL;
}

/* Everything a spool does: small and large content, outcomes of all kinds, checkpoints, recycling.
 */
static void
script(enum syncer_kind kind)
{
	if (!life_begin(kind))
		return;
	submit(100, 1, 0);
	submit(0, 2, 0);
	turn(1);
	submit(5000, 1, 0);
	turn(1);
	submit(7000, 2, 0);
	turn(2);
	submit(20000, 1, 0); /* too large for a record here */
	turn(4);
	submit(90000, 2, 80000);
	submit(3000, 1, 0);
	turn(4);
	for (int i = 0; i < world.count; i++)
		prepare(i);
	turn(3);
	settle(0, 0, OUTCOME_DELIVERED);
	settle(1, 0, OUTCOME_DELIVERED);
	settle(1, 1, OUTCOME_DEFERRED);
	settle(4, 0, OUTCOME_DELIVERED);
	settle(5, 0, OUTCOME_DELIVERED);
	tick(5); /* what is left moves to the queue file */
	settle(5, 1, OUTCOME_BOUNCED);
	settle(2, 0, OUTCOME_DELIVERED);
	prepare(3);
	turn(3);
	for (int i = 0; i < 12; i++) {
		submit(7900, 1, 0);
		turn(1);
	}
	tick(2);
	for (int i = 7; i < world.count; i++) {
		prepare(i);
		turn(2);
		settle(i, 0, OUTCOME_DELIVERED);
	}
	tick(6);
	submit(4000, 1, 0);
	turn(2);
	submit(4000, 1, 0);
	submit(4100, 1, 0);
	spool_dispatch(world.spool);
}

static void
life_end(void)
{
	if (world.spool)
		spool_close(&world.spool);
}

static bool
is_all_said(const struct sent *sent)
{
	for (uint32_t i = 0; i < sent->recipients; i++)
		if (sent->said[i] != OUTCOME_DELIVERED && sent->said[i] != OUTCOME_BOUNCED)
			return false;
	return true;
}

/* What a new life brings back is what the old one promised. */
static void
laws_check(const char *what, uint64_t n)
{
	for (int i = 0; i < world.count; i++) {
		struct sent *sent = &world.sent[i];

		if (sent->is_acknowledged && !is_all_said(sent) && !sent->message)
			fail_msg("%s at call %ju: acknowledged message %d is lost", what,
			    (uintmax_t)n, i);
		if (sent->arrivals > 1)
			fail_msg("%s at call %ju: message %d arrived twice", what, (uintmax_t)n, i);
		if (sent->arrivals && sent->is_refused)
			fail_msg(
			    "%s at call %ju: refused message %d arrived", what, (uintmax_t)n, i);
		if (!sent->message)
			continue;
		assert_true(sent->message->is_replayed);
		assert_true(!sent->is_acknowledged || sent->id == sent->message->id);
		message_check(sent->message);
		if (sent->is_prepared && sent->message->outcomes[0] == OUTCOME_PENDING)
			fail_msg("%s at call %ju: PREPARED of message %d is lost", what,
			    (uintmax_t)n, i);
		for (uint32_t r = 0; r < sent->recipients; r++) {
			uint8_t outcome = sent->message->outcomes[r];

			if (outcome == OUTCOME_DELIVERED || outcome == OUTCOME_BOUNCED)
				assert_int_equal(outcome, sent->said[r]);
		}
		sent->id = sent->message->id;
		sent->is_acknowledged = true;
	}
	if (world.degraded)
		fail_msg("%s at call %ju: damage is seen where is none: %s", what, (uintmax_t)n,
		    world.last_reason);
}

static int
nothing_left(void *context, const char *name)
{
	(void)context;
	fail_msg("%s is left behind", name);
	return 0;
}

/* A life without faults: it works, everything in it can be settled, and nothing comes back. */
static void
life_of_peace(const char *what, uint64_t n)
{
	assert_true(life_begin(SYNCER_INLINE));
	laws_check(what, n);
	submit(3000, 1, 0);
	turn(4);
	assert_true(world.sent[world.count - 1].is_acknowledged);
	for (int i = 0; i < world.count; i++)
		prepare(i);
	for (int i = 0; i < 10; i++)
		turn(1);
	for (int i = 0; i < world.count; i++) {
		struct sent before = world.sent[i];

		/* Whether it was durable or not: it is said again. */
		memset(world.sent[i].said, OUTCOME_PENDING, sizeof(before.said));
		for (uint32_t r = 0; r < before.recipients; r++)
			settle(i, r,
			    before.said[r] == OUTCOME_BOUNCED ? OUTCOME_BOUNCED
							      : OUTCOME_DELIVERED);
	}
	tick(4);
	for (int i = 0; i < world.count; i++)
		if (world.sent[i].message)
			fail_msg(
			    "%s at call %ju: message %d cannot be settled", what, (uintmax_t)n, i);
	assert_int_equal(spool_queued(world.spool), 0);
	assert_int_equal(spool_close(&world.spool), 0);
	assert_true(life_begin(SYNCER_INLINE));
	for (int i = 0; i < world.count; i++)
		if (world.sent[i].arrivals)
			fail_msg(
			    "%s at call %ju: settled message %d came back", what, (uintmax_t)n, i);
	assert_int_equal(spool_queued(world.spool), 0);
	assert_int_equal(spool_close(&world.spool), 0);
	disk_list(STORE "/staging", nothing_left, NULL);
	disk_list(STORE "/deferred", nothing_left, NULL);
}

static void
world_begin(void)
{
	fake_disk_vfs_register();
	fake_disk_reset();
	memset(&world, 0, sizeof(world));
	assert_int_equal(disk_make_directory(STORE, 0700), 0);
	assert_int_equal(disk_sync_directory("/"), 0);
}

/* -- laws -- */

static void
a_life_without_faults_keeps_every_law(void **state)
{
	(void)state;
	for (int kind = SYNCER_INLINE; kind <= SYNCER_INLINE_BACKWARD; kind++) {
		world_begin();
		script((enum syncer_kind)kind);
		turn(6);
		for (int i = 0; i < world.count; i++)
			assert_true(world.sent[i].is_acknowledged);
		assert_int_equal(spool_close(&world.spool), 0);
		life_of_peace("no fault", 0);
	}
}

static void
cut_everywhere(enum syncer_kind kind, enum fake_survival survival)
{
	for (uint64_t n = 1;; n++) {
		bool was_reached;

		world_begin();
		fake_disk_stop_at(n);
		script(kind);
		was_reached = fake_disk_was_reached();
		life_end();
		fake_disk_reboot(survival, n * 7919);
		/* The power fails again while it comes up. */
		fake_disk_stop_at(1 + n * 31 % 97);
		life_begin(kind);
		life_end();
		fake_disk_reboot(survival, n * 104729);
		/* A short life whose batches have the numbers of those that were in flight. */
		assert_true(life_begin(SYNCER_INLINE));
		for (int i = 0; i < 3; i++) {
			submit(50, 1, 0);
			turn(2);
		}
		fake_disk_stop_at(1);
		life_end();
		fake_disk_reboot(SURVIVE_NOTHING, n);
		life_of_peace("power cut", n);
		if (!was_reached)
			break;
	}
}

static void
a_power_cut_anywhere_loses_nothing_acknowledged(void **state)
{
	(void)state;
	cut_everywhere(SYNCER_INLINE, SURVIVE_NOTHING);
}

static void
a_later_batch_that_is_durable_first_acknowledges_nothing(void **state)
{
	(void)state;
	cut_everywhere(SYNCER_INLINE_BACKWARD, SURVIVE_NOTHING);
	cut_everywhere(SYNCER_INLINE_BACKWARD, SURVIVE_ALL);
}

static void
torn_sectors_after_a_power_cut_are_not_believed(void **state)
{
	(void)state;
	cut_everywhere(SYNCER_INLINE, SURVIVE_SECTORS);
	cut_everywhere(SYNCER_INLINE_BACKWARD, SURVIVE_PAGES);
}

static void
a_kill_anywhere_and_then_a_power_cut_lose_nothing_that_was_seen(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		bool was_reached;

		world_begin();
		fake_disk_stop_at(n);
		script(SYNCER_INLINE);
		was_reached = fake_disk_was_reached();
		life_end();
		fake_disk_restart();
		assert_true(life_begin(SYNCER_INLINE));
		/* Whatever replay showed counts as promised from now on. */
		laws_check("kill", n);
		fake_disk_stop_at(1);
		life_end();
		fake_disk_reboot(SURVIVE_NOTHING, n);
		life_of_peace("kill and power cut", n);
		if (!was_reached)
			break;
	}
}

static void
fail_everywhere(int error, enum fake_survival survival)
{
	for (uint64_t n = 1;; n++) {
		bool was_reached;

		world_begin();
		fake_disk_count_reads();
		fake_disk_fail_at(n, -error);
		script(SYNCER_INLINE);
		was_reached = fake_disk_was_reached();
		fake_disk_fail_at(0, 0);
		/* No farewell: what it said until here must hold. */
		fake_disk_stop_at(1);
		life_end();
		fake_disk_reboot(survival, n);
		life_of_peace(strerror(error), n);
		if (!was_reached)
			break;
	}
}

static void
an_error_of_any_call_acknowledges_nothing_that_is_not_durable(void **state)
{
	(void)state;
	fail_everywhere(EIO, SURVIVE_NOTHING);
	fail_everywhere(ENOSPC, SURVIVE_NOTHING);
}

/* A sync that failed says nothing of what is on the disk. */
static void
what_was_refused_does_not_come_back(void **state)
{
	(void)state;
	fail_everywhere(EIO, SURVIVE_ALL);
	fail_everywhere(ENOSPC, SURVIVE_ALL);
}

static void
a_writeback_that_fails_unseen_is_never_taken_for_a_sync(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		bool was_reached;

		world_begin();
		fake_disk_lose_at(n);
		script(SYNCER_INLINE);
		was_reached = fake_disk_was_reached();
		fake_disk_stop_at(1);
		life_end();
		fake_disk_reboot(SURVIVE_NOTHING, n);
		life_of_peace("lost writeback", n);
		if (!was_reached)
			break;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_life_without_faults_keeps_every_law),
	    cmocka_unit_test(a_power_cut_anywhere_loses_nothing_acknowledged),
	    cmocka_unit_test(a_later_batch_that_is_durable_first_acknowledges_nothing),
	    cmocka_unit_test(torn_sectors_after_a_power_cut_are_not_believed),
	    cmocka_unit_test(a_kill_anywhere_and_then_a_power_cut_lose_nothing_that_was_seen),
	    cmocka_unit_test(a_writeback_that_fails_unseen_is_never_taken_for_a_sync),
	    cmocka_unit_test(an_error_of_any_call_acknowledges_nothing_that_is_not_durable),
	    cmocka_unit_test(what_was_refused_does_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
