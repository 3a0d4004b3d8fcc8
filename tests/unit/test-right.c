/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/right.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEASE_MS 1000u
#define NOW_MS 50000u

static const struct id128 none, life_a = {{1}}, life_b = {{2}};

static struct right
opened(bool needs_key)
{
	struct right right;

	right_open(&right, LEASE_MS, needs_key);
	return right;
}

static void
without_evidence_there_is_no_right(void **state)
{
	struct right r = opened(false);

	(void)state;
	assert_int_equal(right_until(&r, NOW_MS), 0);
}

static void
it_counts_from_the_question_and_not_from_the_answer(void **state)
{
	struct right r = opened(false);

	(void)state;
	right_answered(&r, &life_a, NOW_MS - 300);
	assert_int_equal(right_until(&r, NOW_MS), NOW_MS - 300 + LEASE_MS);
	/* An older question, answered later, takes nothing away. */
	right_answered(&r, &life_a, NOW_MS - 500);
	assert_int_equal(right_until(&r, NOW_MS), NOW_MS - 300 + LEASE_MS);
}

static void
who_is_alone_by_a_proof_needs_no_answer(void **state)
{
	struct right r = opened(false);

	(void)state;
	right_alone(&r, &life_a);
	assert_int_equal(right_until(&r, NOW_MS), NOW_MS + LEASE_MS);
	/* What the ended life still says changes nothing. */
	right_answered(&r, &life_a, NOW_MS);
	assert_int_equal(right_until(&r, 2 * NOW_MS), 2 * NOW_MS + LEASE_MS);
}

static void
a_later_life_ends_that_one_is_alone(void **state)
{
	struct right r = opened(false);

	(void)state;
	right_alone(&r, &life_a);
	right_answered(&r, &life_b, NOW_MS);
	assert_int_equal(right_until(&r, 2 * NOW_MS), NOW_MS + LEASE_MS);

	/* If it was not known which life has ended, any that answers is a later one. */
	right_alone(&r, &none);
	right_answered(&r, &life_a, NOW_MS + 1);
	assert_int_equal(right_until(&r, 2 * NOW_MS), NOW_MS + 1 + LEASE_MS);
}

/* On an array, with evidence and the key. */
static struct right
held(void)
{
	struct right r = opened(true);

	right_tick(&r, NOW_MS);
	right_answered(&r, &life_a, NOW_MS);
	right_has_key(&r, NOW_MS);
	return r;
}

static void
on_an_array_it_begins_with_a_look_at_the_key(void **state)
{
	struct right r = opened(true);

	(void)state;
	right_tick(&r, NOW_MS);
	right_answered(&r, &life_a, NOW_MS);
	assert_int_equal(right_until(&r, NOW_MS), 0);
	right_has_key(&r, NOW_MS - 1);
	assert_int_equal(right_until(&r, NOW_MS), 0);
	right_has_key(&r, NOW_MS);
	assert_int_equal(right_until(&r, NOW_MS), NOW_MS + LEASE_MS);
}

static void
what_lasts_needs_no_more_looks(void **state)
{
	struct right r = held();

	(void)state;
	for (uint64_t now_ms = NOW_MS; now_ms < NOW_MS + 10 * LEASE_MS; now_ms += 100) {
		right_tick(&r, now_ms);
		right_answered(&r, &life_a, now_ms);
		assert_int_equal(right_until(&r, now_ms), now_ms + LEASE_MS);
	}
}

static void
what_has_lapsed_begins_again_only_with_a_later_look(void **state)
{
	struct right r = held();
	const uint64_t late_ms = NOW_MS + LEASE_MS;

	(void)state;
	for (uint64_t now_ms = NOW_MS; now_ms <= late_ms; now_ms += 100)
		right_tick(&r, now_ms);
	right_answered(&r, &life_b, late_ms);
	assert_int_equal(right_until(&r, late_ms), 0);
	right_has_key(&r, late_ms - 1);
	assert_int_equal(right_until(&r, late_ms), 0);
	right_has_key(&r, late_ms);
	assert_int_equal(right_until(&r, late_ms), late_ms + LEASE_MS);
}

static void
who_stood_still_has_lost_it_though_alone(void **state)
{
	struct right r = held();
	const uint64_t late_ms = NOW_MS + LEASE_MS;

	(void)state;
	right_alone(&r, &life_a);
	right_tick(&r, late_ms - 1);
	assert_int_not_equal(right_until(&r, late_ms - 1), 0);
	/* Before time is looked at, too. */
	assert_int_equal(right_until(&r, late_ms - 1 + LEASE_MS), 0);
	right_tick(&r, late_ms - 1 + LEASE_MS);
	assert_int_equal(right_until(&r, late_ms - 1 + LEASE_MS), 0);
}

static void
who_is_alone_on_an_array_is_so_by_its_key(void **state)
{
	struct right r = held();
	uint64_t now_ms = NOW_MS;

	(void)state;
	right_alone(&r, &life_a);
	assert_false(right_needs_look(&r, now_ms));
	for (; now_ms < NOW_MS + 900; now_ms += 100)
		right_tick(&r, now_ms);
	assert_true(right_needs_look(&r, now_ms));
	assert_int_equal(right_until(&r, now_ms), NOW_MS + LEASE_MS);
	right_has_key(&r, now_ms - 50);
	assert_false(right_needs_look(&r, now_ms));
	assert_int_equal(right_until(&r, now_ms), now_ms - 50 + LEASE_MS);
	for (uint64_t end_ms = now_ms + LEASE_MS; now_ms <= end_ms; now_ms += 100)
		right_tick(&r, now_ms);
	assert_int_equal(right_until(&r, now_ms), 0);
	/* An answer is none from before the key was seen again. */
	right_answered(&r, &life_b, now_ms);
	assert_int_equal(right_until(&r, now_ms), 0);
}

/* There is no gap between the last answer and the first look. */
static void
who_was_answered_a_moment_ago_had_its_key(void **state)
{
	struct right r = held();
	uint64_t now_ms = NOW_MS;

	(void)state;
	for (; now_ms < NOW_MS + 5 * LEASE_MS; now_ms += 100) {
		right_tick(&r, now_ms);
		right_answered(&r, &life_a, now_ms);
	}
	right_alone(&r, &life_a);
	assert_int_equal(right_until(&r, now_ms), now_ms - 100 + LEASE_MS);
}

static void
without_an_array_a_pause_ends_it_by_itself(void **state)
{
	struct right r = opened(false);

	(void)state;
	right_tick(&r, NOW_MS);
	right_answered(&r, &life_a, NOW_MS);
	right_tick(&r, NOW_MS + LEASE_MS);
	assert_int_equal(right_until(&r, NOW_MS + LEASE_MS), NOW_MS + LEASE_MS);
	right_answered(&r, &life_a, NOW_MS + LEASE_MS);
	assert_int_equal(right_until(&r, NOW_MS + LEASE_MS), NOW_MS + 2 * LEASE_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_evidence_there_is_no_right),
	    cmocka_unit_test(it_counts_from_the_question_and_not_from_the_answer),
	    cmocka_unit_test(who_is_alone_by_a_proof_needs_no_answer),
	    cmocka_unit_test(a_later_life_ends_that_one_is_alone),
	    cmocka_unit_test(on_an_array_it_begins_with_a_look_at_the_key),
	    cmocka_unit_test(what_lasts_needs_no_more_looks),
	    cmocka_unit_test(what_has_lapsed_begins_again_only_with_a_later_look),
	    cmocka_unit_test(who_stood_still_has_lost_it_though_alone),
	    cmocka_unit_test(who_is_alone_on_an_array_is_so_by_its_key),
	    cmocka_unit_test(who_was_answered_a_moment_ago_had_its_key),
	    cmocka_unit_test(without_an_array_a_pause_ends_it_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
