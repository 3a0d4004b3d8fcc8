/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define TASKS 500
#define ROUNDS 50

static void
push(struct retry *retry, uint32_t recipient, uint64_t due_ms)
{
	struct task *task = calloc(1, sizeof(*task));

	assert_non_null(task);
	task->recipient = recipient;
	task->due_ms = due_ms;
	retry_push(retry, task);
}

static bool
is_third(const struct task *task, void *context)
{
	(*(size_t *)context)++;
	return task->recipient % 3 == 0;
}

static void
none_is_given_out_before_it_is_due(void **state)
{
	struct retry retry = {0};

	(void)state;
	push(&retry, 0, 10);
	assert_null(retry_pop(&retry, 9));
	free(retry_pop(&retry, 10));
	assert_null(retry_pop(&retry, UINT64_MAX));
	retry_close(&retry);
}

static void
they_come_in_the_order_of_their_times_also_after_a_hurry(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < ROUNDS; round++) {
		struct retry retry = {0};
		uint64_t last_ms = 0;
		size_t seen = 0, count = 0;
		struct task *task;

		for (uint32_t i = 0; i < TASKS; i++)
			push(&retry, i, (uint64_t)random() % 1000);
		retry_hurry(&retry, is_third, &seen, 400);
		while ((task = retry_pop(&retry, UINT64_MAX)) != NULL) {
			assert_true(task->due_ms >= last_ms);
			assert_true(task->recipient % 3 || task->due_ms <= 400);
			last_ms = task->due_ms;
			free(task);
			count++;
		}
		assert_int_equal(count, TASKS);
		retry_close(&retry);
	}
}

static void
pauses_double_up_to_the_longest(void **state)
{
	static const uint64_t expected[] = {10, 10, 20, 40, 80, 100, 100};

	(void)state;
	for (uint32_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(retry_pause_ms(10, 100, i), expected[i]);
	assert_int_equal(retry_pause_ms(10, UINT32_MAX, UINT32_MAX), UINT32_MAX);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(none_is_given_out_before_it_is_due),
    cmocka_unit_test(they_come_in_the_order_of_their_times_also_after_a_hurry),
    cmocka_unit_test(pauses_double_up_to_the_longest),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
