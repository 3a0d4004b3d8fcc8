/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "witness/link.h"

struct moment {
	uint64_t at_ms;
	enum link_event event;
	enum link_duty duty;
	enum link_state state;
};

static void
play(const struct moment *moments, size_t count)
{
	struct link link;

	link_open(&link, 0);
	for (size_t i = 0; i < count; i++) {
		const struct moment *m = &moments[i];

		assert_int_equal(link_step(&link, m->event, m->at_ms), m->duty);
		assert_int_equal(link.state, m->state);
	}
}
#define PLAY(moments) play(moments, sizeof(moments) / sizeof((moments)[0]))

static void
a_witness_that_speaks_is_pinged(void **state)
{
	static const struct moment moments[] = {
	    {0, LINK_TICK, LINK_CONNECT, LINK_CONNECTING},
	    {10, LINK_TICK, LINK_NOTHING, LINK_CONNECTING},
	    {20, LINK_HEARD, LINK_NOTHING, LINK_UP},
	    {219, LINK_TICK, LINK_NOTHING, LINK_UP},
	    {220, LINK_TICK, LINK_PING, LINK_UP},
	    {221, LINK_TICK, LINK_NOTHING, LINK_UP},
	    {230, LINK_HEARD, LINK_NOTHING, LINK_UP},
	    {420, LINK_TICK, LINK_PING, LINK_UP},
	};

	(void)state;
	PLAY(moments);
}

static void
silence_ends_a_connection_within_a_second(void **state)
{
	static const struct moment moments[] = {
	    {0, LINK_TICK, LINK_CONNECT, LINK_CONNECTING},
	    {20, LINK_HEARD, LINK_NOTHING, LINK_UP},
	    {220, LINK_TICK, LINK_PING, LINK_UP},
	    {919, LINK_TICK, LINK_PING, LINK_UP},
	    {920, LINK_TICK, LINK_DROP, LINK_RESTING},
	    {921, LINK_HEARD, LINK_NOTHING, LINK_RESTING}, /* too late */
	    {1119, LINK_TICK, LINK_NOTHING, LINK_RESTING},
	    {1120, LINK_TICK, LINK_CONNECT, LINK_CONNECTING},
	    /* Nobody answers at all. */
	    {2019, LINK_TICK, LINK_NOTHING, LINK_CONNECTING},
	    {2020, LINK_TICK, LINK_DROP, LINK_RESTING},
	};

	(void)state;
	PLAY(moments);
}

static void
pauses_grow_to_two_seconds_and_one_word_ends_that(void **state)
{
	static const uint32_t pauses[] = {200, 400, 800, 1600, 2000, 2000};
	struct link link;
	uint64_t now_ms = 0;

	(void)state;
	link_open(&link, now_ms);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		assert_int_equal(link_step(&link, LINK_TICK, now_ms), LINK_CONNECT);
		assert_int_equal(link_step(&link, LINK_LOST, now_ms), LINK_NOTHING);
		assert_int_equal(link_deadline(&link), now_ms + pauses[i]);
		assert_int_equal(link_step(&link, LINK_TICK, now_ms + pauses[i] - 1), LINK_NOTHING);
		now_ms += pauses[i];
	}
	link_step(&link, LINK_TICK, now_ms);
	link_step(&link, LINK_HEARD, now_ms);
	link_step(&link, LINK_LOST, now_ms);
	assert_int_equal(link_deadline(&link), now_ms + LINK_PAUSE_MIN_MS);
}

/* At its deadline there is something to do, and after it another deadline. */
static void
a_deadline_always_has_a_duty(void **state)
{
	struct link link;
	uint64_t now_ms = 0;

	(void)state;
	link_open(&link, now_ms);
	for (int i = 0; i < 1000; i++) {
		assert_true(link_deadline(&link) >= now_ms);
		now_ms = link_deadline(&link);
		assert_int_not_equal(link_step(&link, LINK_TICK, now_ms), LINK_NOTHING);
		if (i % 7 == 0)
			link_step(&link, LINK_HEARD, now_ms);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_witness_that_speaks_is_pinged),
	    cmocka_unit_test(silence_ends_a_connection_within_a_second),
	    cmocka_unit_test(pauses_grow_to_two_seconds_and_one_word_ends_that),
	    cmocka_unit_test(a_deadline_always_has_a_duty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
