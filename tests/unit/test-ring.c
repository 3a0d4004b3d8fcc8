/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "mailcore/process/ring.h"

#define SIZE 4096

static void
a_ring_is_large_enough_for_its_longest_entry(void **state)
{
	(void)state;
	assert_int_equal(ring_size_for(1, 0), 4096);
	assert_int_equal(ring_size_for(1024, 0), 4096);
	assert_int_equal(ring_size_for(1025, 0), 8192);
	assert_int_equal(ring_size_for(1, 16 << 20), 16 << 20);
}

static void
entries_lie_in_a_row_without_gaps(void **state)
{
	struct ring_writer w = {.size = SIZE};
	uint64_t position;

	(void)state;
	assert_true(ring_reserve(&w, 10, &position));
	assert_int_equal(position, 0);
	assert_true(ring_reserve(&w, 0, &position));
	assert_int_equal(position, 10);
	assert_true(ring_reserve(&w, 1024, &position));
	assert_int_equal(position, 10);
	assert_int_equal(w.head, 1034);
}

static void
a_full_ring_takes_nothing_until_something_is_consumed(void **state)
{
	struct ring_writer w = {.size = SIZE, .head = 1 << 20, .tail = 1 << 20};
	uint64_t position;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(ring_reserve(&w, 1024, &position));
	assert_false(ring_reserve(&w, 1, &position));
	assert_true(ring_release(&w, (1 << 20) + 1));
	assert_true(ring_reserve(&w, 1, &position));
	assert_int_equal(position, (1 << 20) + 4096);
	assert_false(ring_reserve(&w, 1, &position));
}

static void
nothing_is_released_twice_or_before_it_was_written(void **state)
{
	struct ring_writer w = {.size = SIZE};
	uint64_t position;

	(void)state;
	assert_true(ring_reserve(&w, 100, &position));
	assert_false(ring_release(&w, 101));
	assert_true(ring_release(&w, 100));
	assert_false(ring_release(&w, 99));
	assert_int_equal(w.tail, 100);
}

static void
the_reader_takes_the_next_entry_and_no_other(void **state)
{
	struct ring_reader r = {.size = SIZE, .position = 500, .told = 500};

	(void)state;
	assert_true(ring_can_take(&r, 500, 1024));
	assert_false(ring_can_take(&r, 500, 1025));
	assert_false(ring_can_take(&r, 499, 1));
	assert_false(ring_can_take(&r, 501, 1));
	assert_false(ring_can_take(&r, 500 + SIZE, 1));
	assert_false(ring_can_take(&r, 500, UINT64_MAX));
}

/* Whatever the sizes, a writer that waits is let in by what the reader tells on its own. */
static void
a_writer_that_waits_always_gets_its_turn(void **state)
{
	struct ring_writer w = {.size = SIZE};
	struct ring_reader r = {.size = SIZE};
	uint64_t queue[SIZE + 1];
	size_t first = 0, last = 0;

	(void)state;
	srand(7);
	for (int i = 0; i < 100000; i++) {
		uint64_t length = 1 + (uint64_t)rand() % ring_entry_max(SIZE), position;
		bool has_room = ring_reserve(&w, length, &position);

		while (!has_room) {
			uint64_t taken;

			assert_true(first != last);
			taken = queue[first++ % (SIZE + 1)];
			assert_true(ring_can_take(&r, r.position, taken));
			if (ring_take(&r, taken)) {
				assert_true(ring_release(&w, r.position));
				has_room = ring_reserve(&w, length, &position);
			}
		}
		queue[last++ % (SIZE + 1)] = length;
		assert_true(w.head - w.tail <= SIZE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_ring_is_large_enough_for_its_longest_entry),
	    cmocka_unit_test(entries_lie_in_a_row_without_gaps),
	    cmocka_unit_test(a_full_ring_takes_nothing_until_something_is_consumed),
	    cmocka_unit_test(nothing_is_released_twice_or_before_it_was_written),
	    cmocka_unit_test(the_reader_takes_the_next_entry_and_no_other),
	    cmocka_unit_test(a_writer_that_waits_always_gets_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
