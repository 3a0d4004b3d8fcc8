/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "mailcore/process/wheel.h"

#define START 1000000ull

static struct wheel wheel;

static void
an_item_comes_out_at_its_time_and_not_much_later(void **state)
{
	(void)state;
	srand(3);
	for (int round = 0; round < 200; round++) {
		struct wheel_item item = {0};
		uint64_t due_ms = START + (uint64_t)rand() % (WHEEL_STEP_MS * (WHEEL_BUCKETS - 2));
		uint64_t now_ms = START;

		wheel_open(&wheel, START);
		wheel_put(&wheel, &item, due_ms);
		while (!wheel_pop(&wheel, now_ms))
			now_ms += 100;
		assert_true(now_ms >= due_ms);
		assert_true(now_ms <= due_ms + 2 * WHEEL_STEP_MS + 100);
		assert_int_equal(wheel.count, 0);
	}
}

static void
what_is_removed_does_not_come_out(void **state)
{
	struct wheel_item a = {0}, b = {0};

	(void)state;
	wheel_open(&wheel, START);
	wheel_put(&wheel, &a, START + 1000);
	wheel_put(&wheel, &b, START + 1000);
	wheel_remove(&wheel, &a);
	wheel_remove(&wheel, &a);
	assert_ptr_equal(wheel_pop(&wheel, START + 5000), &b);
	assert_null(wheel_pop(&wheel, START + 5000));
}

static void
a_later_time_leaves_it_and_an_earlier_one_moves_it(void **state)
{
	struct wheel_item item = {0};

	(void)state;
	wheel_open(&wheel, START);
	wheel_put(&wheel, &item, START + 10000);
	wheel_put(&wheel, &item, START + 90000);
	assert_int_equal(item.due_ms, START + 10000);
	wheel_put(&wheel, &item, START + 2000);
	assert_int_equal(wheel.count, 1);
	assert_null(wheel_pop(&wheel, START + 1999));
	assert_ptr_equal(wheel_pop(&wheel, START + 2500), &item);
}

static void
a_far_time_comes_out_early_and_never_is_lost(void **state)
{
	struct wheel_item item = {0};
	uint64_t far_ms = START + 10ull * WHEEL_STEP_MS * WHEEL_BUCKETS, now_ms = START;
	int early = 0;

	(void)state;
	wheel_open(&wheel, START);
	wheel_put(&wheel, &item, far_ms);
	for (; now_ms < far_ms + 1000; now_ms += WHEEL_STEP_MS)
		if (wheel_pop(&wheel, now_ms)) {
			if (now_ms >= far_ms)
				break;
			early++;
			wheel_put(&wheel, &item, far_ms);
		}
	assert_true(now_ms >= far_ms && now_ms <= far_ms + 2 * WHEEL_STEP_MS);
	assert_true(early >= 9 && early <= 11);
}

static void
after_a_long_pause_all_that_is_due_comes_out(void **state)
{
	struct wheel_item items[100] = {0};
	int out = 0;

	(void)state;
	wheel_open(&wheel, START);
	for (int i = 0; i < 100; i++)
		wheel_put(&wheel, &items[i], START + (uint64_t)i * 5000);
	while (wheel_pop(&wheel, START + 100000000))
		out++;
	assert_int_equal(out, 100);
	wheel_put(&wheel, &items[0], START);
	assert_ptr_equal(wheel_pop(&wheel, START + 100000000 + 2 * WHEEL_STEP_MS), &items[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_item_comes_out_at_its_time_and_not_much_later),
	    cmocka_unit_test(what_is_removed_does_not_come_out),
	    cmocka_unit_test(a_later_time_leaves_it_and_an_earlier_one_moves_it),
	    cmocka_unit_test(a_far_time_comes_out_early_and_never_is_lost),
	    cmocka_unit_test(after_a_long_pause_all_that_is_due_comes_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
