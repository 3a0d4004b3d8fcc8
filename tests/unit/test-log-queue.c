/* SPDX-License-Identifier: BSD-2-Clause */
/* The file is a writer that waits until the test lets it go on. */
#include "common/log-queue.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_MS 20000

static sem_t entered, may_go_on;
static struct buffer written;
static uint64_t told;
static struct log_queue *queue;

/* Says that it was called, and writes when it may. */
static void
slow_write(void *context, struct slice lines, uint64_t dropped)
{
	(void)context;
	sem_post(&entered);
	sem_wait(&may_go_on);
	buffer_append_slice(&written, lines);
	told += dropped;
}

static int
begin(void **state)
{
	(void)state;
	alarm(60);
	told = 0;
	written.length = 0;
	return sem_init(&entered, 0, 0) || sem_init(&may_go_on, 0, 0) ||
	       log_queue_open(8, slow_write, NULL, &queue);
}

static int
end(void **state)
{
	(void)state;
	buffer_close(&written);
	return 0;
}

static void
let_all_go_on(void)
{
	for (int i = 0; i < 100; i++)
		sem_post(&may_go_on);
}

static void
assert_written(const char *text)
{
	assert_int_equal(written.length, strlen(text));
	assert_memory_equal(written.data, text, written.length);
}

static void
lines_are_written_in_order(void **state)
{
	(void)state;
	let_all_go_on();
	assert_true(log_queue_put(queue, slice_of("a\n")));
	assert_true(log_queue_put(queue, slice_of("b\n")));
	sem_wait(&entered);
	assert_true(log_queue_put(queue, slice_of("c\n")));
	assert_true(log_queue_close(&queue, PATIENCE_MS));
	assert_null(queue);
	assert_written("a\nb\nc\n");
	assert_int_equal(told, 0);
}

static void
a_slow_disk_makes_nobody_wait_and_what_it_misses_is_counted(void **state)
{
	(void)state;
	assert_true(log_queue_put(queue, slice_of("first\n")));
	sem_wait(&entered);
	/* It writes the first now, for ever; there is room for 8 bytes. */
	assert_true(log_queue_put(queue, slice_of("123\n")));
	assert_true(log_queue_put(queue, slice_of("456\n")));
	assert_false(log_queue_put(queue, slice_of("\n")));
	assert_false(log_queue_put(queue, slice_of("lost\n")));
	let_all_go_on();
	assert_true(log_queue_close(&queue, PATIENCE_MS));
	assert_written("first\n123\n456\n");
	assert_int_equal(told, 2);
}

static void
a_line_larger_than_the_room_is_dropped(void **state)
{
	(void)state;
	let_all_go_on();
	assert_false(log_queue_put(queue, slice_of("12345678\n")));
	assert_true(log_queue_put(queue, slice_of("ok\n")));
	assert_true(log_queue_close(&queue, PATIENCE_MS));
	assert_written("ok\n");
	assert_int_equal(told, 1);
}

static void
a_disk_that_hangs_does_not_hold_the_end_up(void **state)
{
	(void)state;
	assert_true(log_queue_put(queue, slice_of("a\n")));
	sem_wait(&entered);
	assert_false(log_queue_close(&queue, 10));
	assert_null(queue);
}

static void
closing_nothing_is_harmless(void **state)
{
	struct log_queue *none = NULL;

	(void)state;
	assert_true(log_queue_close(&none, 0));
	let_all_go_on();
	assert_true(log_queue_close(&queue, PATIENCE_MS));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(lines_are_written_in_order, begin),
    cmocka_unit_test_setup(a_slow_disk_makes_nobody_wait_and_what_it_misses_is_counted, begin),
    cmocka_unit_test_setup(a_line_larger_than_the_room_is_dropped, begin),
    cmocka_unit_test_setup(closing_nothing_is_harmless, begin),
    /* Comes last: its thread stays. */
    cmocka_unit_test_setup(a_disk_that_hangs_does_not_hold_the_end_up, begin),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, end);
}
