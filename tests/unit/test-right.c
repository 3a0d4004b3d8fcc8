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

static void
on_an_array_it_ends_with_the_key(void **state)
{
	struct right r = opened(true);

	(void)state;
	right_answered(&r, &life_a, NOW_MS);
	assert_int_equal(right_until(&r, NOW_MS), 0);
	right_has_key(&r, NOW_MS - 400);
	assert_int_equal(right_until(&r, NOW_MS), NOW_MS - 400 + LEASE_MS);
	right_alone(&r, &life_a);
	assert_int_equal(right_until(&r, 2 * NOW_MS), NOW_MS - 400 + LEASE_MS);
	/* A look that was overtaken takes nothing away; a key alone gives nothing. */
	right_has_key(&r, NOW_MS - 600);
	assert_int_equal(right_until(&r, 2 * NOW_MS), NOW_MS - 400 + LEASE_MS);
	r = opened(true);
	right_has_key(&r, NOW_MS);
	assert_int_equal(right_until(&r, NOW_MS), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_evidence_there_is_no_right),
	    cmocka_unit_test(it_counts_from_the_question_and_not_from_the_answer),
	    cmocka_unit_test(who_is_alone_by_a_proof_needs_no_answer),
	    cmocka_unit_test(a_later_life_ends_that_one_is_alone),
	    cmocka_unit_test(on_an_array_it_ends_with_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
