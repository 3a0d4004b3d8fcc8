/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-gaps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct event {
	uint64_t at;
	enum flow_kind kind;
};

static void
feed(struct flow_moments *moments, const struct event *events, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct flow_record record = {.kind = events[i].kind,
		    .mono_ns = events[i].at,
		    .wall_ns = events[i].at + 1000};

		flow_moments_record(moments, &record);
	}
	flow_moments_log_ends(moments);
}

#define FEED(moments, ...)                                 \
	feed(moments, (const struct event[]){__VA_ARGS__}, \
	    sizeof((const struct event[]){__VA_ARGS__}) / sizeof(struct event))

static void
add_gap(void *context, const struct flow_gap *gap)
{
	uint64_t *sum = context;

	assert_int_equal(gap->start_wall_ns, gap->start_mono_ns + 1000);
	sum[0]++;
	sum[1] += gap->start_mono_ns;
}

static void
a_gap_lies_between_two_answers(void **state)
{
	struct flow_moments *m = flow_moments_open();
	uint64_t sum[2] = {0};

	(void)state;
	FEED(m, {10, FLOW_START}, {12, FLOW_ACKED}, {50, FLOW_ACKED}, {51, FLOW_STOP});
	assert_int_equal(flow_moments_gaps(m, 20, add_gap, sum), 38);
	assert_int_equal(sum[0], 1);
	assert_int_equal(sum[1], 12);
	flow_moments_close(&m);
}

static void
silence_after_the_start_and_before_the_stop_counts(void **state)
{
	struct flow_moments *m = flow_moments_open();

	(void)state;
	FEED(m, {10, FLOW_START}, {40, FLOW_ACKED}, {90, FLOW_STOP}, {91, FLOW_END});
	assert_int_equal(flow_moments_gaps(m, 0, NULL, NULL), 50);
	flow_moments_close(&m);
	m = flow_moments_open();
	FEED(m, {10, FLOW_START}, {60, FLOW_STOP});
	assert_int_equal(flow_moments_gaps(m, 0, NULL, NULL), 50);
	flow_moments_close(&m);
}

static void
what_is_not_a_250_does_not_end_a_gap(void **state)
{
	struct flow_moments *m = flow_moments_open();

	(void)state;
	FEED(m, {0, FLOW_START}, {10, FLOW_REFUSED}, {20, FLOW_UNKNOWN}, {30, FLOW_UNSENT},
	    {40, FLOW_BACK}, {50, FLOW_ACKED}, {50, FLOW_STOP});
	assert_int_equal(flow_moments_gaps(m, 0, NULL, NULL), 50);
	flow_moments_close(&m);
}

static void
time_without_any_load_is_no_gap(void **state)
{
	struct flow_moments *m = flow_moments_open();

	(void)state;
	FEED(m, {0, FLOW_START}, {5, FLOW_ACKED}, {6, FLOW_STOP});
	FEED(m, {1000, FLOW_START}, {1005, FLOW_ACKED}, {1006, FLOW_STOP});
	assert_int_equal(flow_moments_gaps(m, 0, NULL, NULL), 5);
	flow_moments_close(&m);
}

static void
another_load_that_starts_or_stops_does_not_end_a_gap(void **state)
{
	struct flow_moments *m = flow_moments_open();

	(void)state;
	FEED(m, {0, FLOW_START}, {5, FLOW_ACKED}, {105, FLOW_ACKED}, {106, FLOW_STOP});
	FEED(m, {50, FLOW_START}, {60, FLOW_STOP});
	assert_int_equal(flow_moments_gaps(m, 0, NULL, NULL), 100);
	flow_moments_close(&m);
}

static void
a_log_that_was_cut_ends_its_load_with_its_last_record(void **state)
{
	struct flow_moments *m = flow_moments_open();

	(void)state;
	FEED(m, {0, FLOW_START}, {5, FLOW_ACKED}, {50, FLOW_TRY});
	assert_int_equal(flow_moments_gaps(m, 0, NULL, NULL), 45);
	flow_moments_close(&m);
}

static void
nothing_read_has_no_gap(void **state)
{
	struct flow_moments *m = flow_moments_open();

	(void)state;
	assert_int_equal(flow_moments_gaps(m, 0, NULL, NULL), 0);
	flow_moments_close(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_gap_lies_between_two_answers),
	    cmocka_unit_test(silence_after_the_start_and_before_the_stop_counts),
	    cmocka_unit_test(what_is_not_a_250_does_not_end_a_gap),
	    cmocka_unit_test(time_without_any_load_is_no_gap),
	    cmocka_unit_test(another_load_that_starts_or_stops_does_not_end_a_gap),
	    cmocka_unit_test(a_log_that_was_cut_ends_its_load_with_its_last_record),
	    cmocka_unit_test(nothing_read_has_no_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
