/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "common/disk.h"
#include "tests/unit/fake-disk.h"
#include "witness/keeper.h"
#include "witness/row.h"

#define HOME "/w"
#define FILE_HQ HOME "/hq.register"

static struct keeper *keeper;
static enum register_verdict verdict;
static struct register_row row;

static void
reopen(void)
{
	keeper_close(&keeper);
	assert_int_equal(keeper_open(HOME, &keeper), 0);
}

static int
setup(void **state)
{
	(void)state;
	keeper_close(&keeper);
	fake_disk_reset();
	if (disk_make_directory(HOME, 0700) != 0 || disk_sync_directory("/") != 0)
		return -1;
	return keeper_open(HOME, &keeper);
}

static int
teardown(void **state)
{
	(void)state;
	keeper_close(&keeper);
	fake_disk_close();
	return 0;
}

static struct register_ask
ask_of(enum register_verb verb, uint8_t node)
{
	return (struct register_ask){.verb = verb,
	    .uuid = row.uuid,
	    .epoch = row.epoch ? row.epoch : 1,
	    .node = node,
	    .boot = {{(uint8_t)(10 + node)}},
	    .peer_boot = {{(uint8_t)(11 - node)}}};
}

static int
apply(const char *pair, enum register_verb verb, uint8_t node)
{
	struct register_ask ask = ask_of(verb, node);

	return keeper_apply(keeper, pair, &ask, &verdict, &row);
}

static void
begin_register(void)
{
	row = (struct register_row){0};
	assert_int_equal(apply("hq", REGISTER_CREATE, 0), 0);
	assert_int_equal(verdict, REGISTER_CHANGED);
}

static void
a_new_register_gets_a_name_of_its_own(void **state)
{
	struct id128 first;

	(void)state;
	begin_register();
	first = row.uuid;
	assert_false(id128_is_none(&first));
	row = (struct register_row){0};
	assert_int_equal(apply("b", REGISTER_CREATE, 0), 0);
	assert_int_equal(verdict, REGISTER_CHANGED);
	assert_false(id128_is_same(&first, &row.uuid));
	/* The same ask again is answered with the same register. */
	row = (struct register_row){0};
	assert_int_equal(apply("hq", REGISTER_CREATE, 0), 0);
	assert_int_equal(verdict, REGISTER_SAME);
	assert_true(id128_is_same(&first, &row.uuid));
}

static void
a_row_outlives_the_keeper(void **state)
{
	(void)state;
	begin_register();
	assert_int_equal(apply("hq", REGISTER_GRANT, 1), 0);
	assert_int_equal(verdict, REGISTER_CHANGED);
	reopen();
	fake_disk_reboot(SURVIVE_NOTHING, 1);
	assert_int_equal(apply("hq", REGISTER_READ, 0), 0);
	assert_int_equal(verdict, REGISTER_SAME);
	assert_int_equal(row.epoch, 2);
	assert_true(register_is_sole(&row, 1));
}

static void
pairs_do_not_know_of_each_other(void **state)
{
	(void)state;
	begin_register();
	assert_int_equal(apply("b", REGISTER_GRANT, 0), 0);
	assert_int_equal(verdict, REGISTER_ABSENT);
	assert_true(id128_is_none(&row.uuid));
}

static void
what_changes_nothing_touches_no_file(void **state)
{
	(void)state;
	begin_register();
	fake_disk_stop_at(1);
	assert_int_equal(apply("hq", REGISTER_READ, 0), 0);
	assert_int_equal(apply("hq", REGISTER_CREATE, 0), 0);
	assert_int_equal(verdict, REGISTER_SAME);
	row.epoch = 7;
	assert_int_equal(apply("hq", REGISTER_GRANT, 0), 0);
	assert_int_equal(verdict, REGISTER_OUTDATED);
	assert_false(fake_disk_was_reached());
}

static void
damage(size_t at)
{
	uint8_t *bytes = fake_disk_bytes(FILE_HQ, &(size_t){0});

	assert_non_null(bytes);
	bytes[at] ^= 0x20;
	fake_disk_commit_bytes(FILE_HQ);
}

static void
a_damaged_row_grants_nothing_until_it_is_removed(void **state)
{
	(void)state;
	for (size_t at = 0; at < ROW_BYTES; at++) {
		setup(NULL);
		begin_register();
		reopen();
		damage(at);
		for (int verb = REGISTER_READ; verb <= REGISTER_RENEW; verb++) {
			assert_int_equal(apply("hq", (enum register_verb)verb, 0), -EBADMSG);
			assert_int_equal(verdict, REGISTER_MALFORMED);
			assert_true(id128_is_none(&row.uuid));
		}
		assert_int_equal(disk_unlink(FILE_HQ), 0);
		begin_register();
		keeper_close(&keeper);
	}
	setup(NULL);
}

static void
a_file_of_another_pair_is_damage(void **state)
{
	(void)state;
	begin_register();
	reopen();
	assert_int_equal(disk_rename(FILE_HQ, HOME "/b.register"), 0);
	assert_int_equal(apply("b", REGISTER_READ, 0), -EBADMSG);
}

static void
a_row_that_cannot_be_read_is_not_absent(void **state)
{
	(void)state;
	begin_register();
	reopen();
	fake_disk_bad_sector(FILE_HQ, 0);
	row = (struct register_row){0};
	assert_int_equal(apply("hq", REGISTER_CREATE, 0), -EIO);
	fake_disk_bad_sector(NULL, 0);
	fake_disk_count_reads();
	fake_disk_fail_at(1, -EMFILE);
	assert_int_equal(apply("hq", REGISTER_CREATE, 0), -EMFILE);
}

static void
a_full_disk_refuses_and_harms_nothing(void **state)
{
	uint64_t epoch;

	(void)state;
	begin_register();
	epoch = row.epoch;
	fake_disk_limit(0);
	assert_int_equal(apply("hq", REGISTER_GRANT, 0), -ENOSPC);
	assert_false(keeper_has_failed(keeper));
	fake_disk_limit(UINT64_MAX);
	row = (struct register_row){0};
	assert_int_equal(apply("hq", REGISTER_READ, 0), 0);
	assert_int_equal(row.epoch, epoch);
	assert_int_equal(row.members, 3);
	assert_int_equal(apply("hq", REGISTER_GRANT, 0), 0);
	assert_int_equal(verdict, REGISTER_CHANGED);
}

/* What a row may be after a cut: what was answered last, or what was asked for and not answered. */
static void
check_after_cut(const struct register_row *answered, int unanswered)
{
	row = *answered;
	reopen();
	assert_int_equal(apply("hq", REGISTER_READ, 0), 0);
	if (id128_is_none(&answered->uuid) && verdict == REGISTER_ABSENT)
		return;
	assert_int_equal(verdict, REGISTER_SAME);
	if (!id128_is_none(&answered->uuid))
		assert_true(id128_is_same(&row.uuid, &answered->uuid));
	assert_in_range(row.epoch, answered->epoch, answered->epoch + (unsigned)unanswered);
	if (row.epoch == answered->epoch)
		assert_int_equal(row.members, answered->members);
}

/* A pair's life, cut off at the n-th call to the disk; false: it was not reached. What was
 * answered before must be there afterwards, and what a reader is told after it must stay, too. */
static bool
live_until(size_t n, bool is_cut, enum fake_survival survival, uint64_t seed)
{
	static const struct {
		enum register_verb verb;
		uint8_t node;
	} life[] = {{REGISTER_CREATE, 0}, {REGISTER_GRANT, 0}, {REGISTER_ADMIT, 0},
	    {REGISTER_GRANT, 1}, {REGISTER_ADMIT, 1}};
	struct register_row answered = {0};
	bool was_reached;

	assert_int_equal(setup(NULL), 0);
	row = answered;
	if (is_cut)
		fake_disk_stop_at(n);
	else
		fake_disk_fail_at(n, -EIO);
	for (size_t i = 0; i < sizeof(life) / sizeof(life[0]); i++) {
		if (apply("hq", life[i].verb, life[i].node) != 0)
			break;
		assert_int_equal(verdict, REGISTER_CHANGED);
		answered = row;
	}
	was_reached = fake_disk_was_reached();
	/* First the process alone, then the power. */
	fake_disk_restart();
	check_after_cut(&answered, 1);
	answered = verdict == REGISTER_SAME ? row : answered;
	fake_disk_reboot(survival, seed);
	check_after_cut(&answered, 0);
	keeper_close(&keeper);
	return was_reached;
}

static void
every_call(bool is_cut)
{
	size_t reached = 0;

	for (int survival = 0; survival < SURVIVE_KINDS; survival++)
		for (uint64_t seed = 1; seed <= 20; seed++)
			for (size_t n = 1; live_until(n, is_cut, survival, seed); n++)
				reached++;
	/* At least 5 calls for each of 5 changes. */
	assert_true(reached >= 20u * SURVIVE_KINDS * 25);
	setup(NULL);
}

static void
a_power_cut_at_any_call_loses_nothing_that_was_answered(void **state)
{
	(void)state;
	every_call(true);
}

static void
an_error_at_any_call_loses_nothing_that_was_answered(void **state)
{
	(void)state;
	every_call(false);
}

static void
a_power_cut_alone_loses_nothing_that_was_answered(void **state)
{
	struct register_row answered;

	(void)state;
	for (int survival = 0; survival < SURVIVE_KINDS; survival++)
		for (size_t n = 1; n < 12; n++) {
			setup(NULL);
			begin_register();
			answered = row;
			fake_disk_stop_at(n);
			if (apply("hq", REGISTER_GRANT, 1) == 0)
				answered = row;
			fake_disk_reboot(survival, n);
			check_after_cut(&answered, 1);
			keeper_close(&keeper);
		}
	setup(NULL);
}

static void
after_a_failed_sync_nothing_is_answered_before_it_is_read_anew(void **state)
{
	(void)state;
	/* open, write, sync, rename, sync of the directory */
	for (size_t n = 3; n <= 5; n++) {
		setup(NULL);
		begin_register();
		fake_disk_fail_at(n, -EIO);
		assert_int_equal(apply("hq", REGISTER_GRANT, 1), -EIO);
		assert_true(fake_disk_was_reached());
		assert_true(keeper_has_failed(keeper));
		assert_int_equal(apply("hq", REGISTER_READ, 1), -EIO);
		assert_int_equal(apply("b", REGISTER_READ, 1), -EIO);
		fake_disk_restart();
		reopen();
		assert_int_equal(apply("hq", REGISTER_READ, 1), 0);
		assert_int_equal(row.members, n < 5 ? 3 : 2);
		keeper_close(&keeper);
	}
	setup(NULL);
}

static void
there_are_only_so_many_pairs(void **state)
{
	char name[16];

	(void)state;
	begin_register();
	for (int i = 1; i < KEEPER_PAIRS_MAX; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		assert_int_equal(apply(name, REGISTER_READ, 0), 0);
	}
	assert_int_equal(apply("late", REGISTER_READ, 0), -EMFILE);
	assert_int_equal(apply("hq", REGISTER_READ, 0), 0);
}

static void
without_its_directory_there_is_no_keeper(void **state)
{
	struct keeper *none = NULL;

	(void)state;
	assert_int_equal(keeper_open("/nothing", &none), -ENOENT);
	assert_null(none);
}

int
main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    LAW(a_new_register_gets_a_name_of_its_own),
	    LAW(a_row_outlives_the_keeper),
	    LAW(pairs_do_not_know_of_each_other),
	    LAW(what_changes_nothing_touches_no_file),
	    LAW(a_damaged_row_grants_nothing_until_it_is_removed),
	    LAW(a_file_of_another_pair_is_damage),
	    LAW(a_row_that_cannot_be_read_is_not_absent),
	    LAW(a_full_disk_refuses_and_harms_nothing),
	    LAW(a_power_cut_at_any_call_loses_nothing_that_was_answered),
	    LAW(an_error_at_any_call_loses_nothing_that_was_answered),
	    LAW(a_power_cut_alone_loses_nothing_that_was_answered),
	    LAW(after_a_failed_sync_nothing_is_answered_before_it_is_read_anew),
	    LAW(there_are_only_so_many_pairs),
	    LAW(without_its_directory_there_is_no_keeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
