/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/watch.h"

#include "common/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STUCK_MS 1000
#define BEGIN_MS 50000

/* One core under watch; time goes on by WATCH_LOOK_MS with each look. */
struct world {
	struct watch watch;
	struct watch_sight core;
	uint64_t now_ms;
	unsigned reports[WATCH_FAULTS];
};

static int
set_up(void **state)
{
	static struct world world;

	world = (struct world){.now_ms = BEGIN_MS};
	world.core = (struct watch_sight){
	    .life = 7, .is_alive = true, .role = CORE_ACTIVE, .tick_ms = BEGIN_MS, .workers = 1};
	watch_open(&world.watch, STUCK_MS);
	watch_look(&world.watch, &world.core, world.now_ms);
	*state = &world;
	return 0;
}

static enum watch_fault
look(struct world *w)
{
	enum watch_fault fault;

	w->now_ms += WATCH_LOOK_MS;
	fault = watch_look(&w->watch, &w->core, w->now_ms);
	w->reports[fault]++;
	return fault;
}

static void
look_for(struct world *w, uint64_t ms)
{
	for (uint64_t end_ms = w->now_ms + ms; w->now_ms < end_ms;)
		look(w);
}

static void
tick_and_look_for(struct world *w, uint64_t ms)
{
	for (uint64_t end_ms = w->now_ms + ms; w->now_ms < end_ms;) {
		w->core.tick_ms = w->now_ms;
		look(w);
	}
}

static unsigned
all_reports(const struct world *w)
{
	unsigned sum = 0;

	for (int fault = WATCH_NO_FAULT + 1; fault < WATCH_FAULTS; fault++)
		sum += w->reports[fault];
	return sum;
}

static void
a_death_is_reported_at_the_first_look(void **state)
{
	struct world *w = *state;

	w->core.is_alive = false;
	assert_int_equal(look(w), WATCH_DIED);
}

static void
a_death_before_any_word_of_it_is_reported(void **state)
{
	struct world *w = *state;

	w->core.is_alive = false;
	w->core.role = 0;
	assert_int_equal(look(w), WATCH_DIED);
}

static void
an_orderly_end_is_not_reported(void **state)
{
	struct world *w = *state;

	w->core.role = CORE_ENDED;
	look_for(w, 3 * STUCK_MS);
	w->core.is_alive = false;
	look_for(w, 3 * STUCK_MS);
	assert_int_equal(all_reports(w), 0);
}

static void
a_stopped_core_is_reported_soon(void **state)
{
	struct world *w = *state;

	w->core.is_stopped = true;
	look_for(w, PROGRESS_STOPPED_MS);
	assert_int_equal(all_reports(w), 0);
	look_for(w, WATCH_LOOKS * WATCH_LOOK_MS);
	assert_int_equal(w->reports[WATCH_STOPPED], 1);
}

static void
a_core_that_runs_gets_its_full_time(void **state)
{
	struct world *w = *state;

	look_for(w, STUCK_MS);
	assert_int_equal(all_reports(w), 0);
	look_for(w, WATCH_LOOKS * WATCH_LOOK_MS);
	assert_int_equal(w->reports[WATCH_STUCK], 1);
}

static void
one_look_is_no_proof(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 100; i++) {
		/* A tick comes between the looks that show the fault. */
		w->core.tick_ms = w->now_ms - STUCK_MS - 1;
		for (unsigned k = 1; k < WATCH_LOOKS; k++)
			look(w);
		w->core.tick_ms = w->now_ms;
		look(w);
	}
	assert_int_equal(all_reports(w), 0);
}

static void
looks_that_come_late_prove_nothing(void **state)
{
	struct world *w = *state;

	/* The whole machine stood still, again and again: core and agent alike. */
	for (int i = 0; i < 20; i++) {
		w->now_ms += STUCK_MS + WATCH_LATE_MS;
		look(w);
		for (unsigned k = 2; k < WATCH_LOOKS; k++)
			look(w);
		w->core.tick_ms = w->now_ms;
		look(w);
	}
	assert_int_equal(all_reports(w), 0);
}

static void
a_core_that_gave_up_or_went_deaf_is_reported(void **state)
{
	struct world *w = *state;

	w->core.role = CORE_FAILED;
	tick_and_look_for(w, WATCH_LOOKS * WATCH_LOOK_MS);
	assert_int_equal(w->reports[WATCH_GAVE_UP], 1);

	set_up(state);
	w->core.workers = 0;
	w->core.deaf_since_ms = w->now_ms;
	tick_and_look_for(w, PROGRESS_DEAF_MS);
	assert_int_equal(all_reports(w), 0);
	tick_and_look_for(w, 2 * WATCH_LOOKS * WATCH_LOOK_MS);
	assert_int_equal(w->reports[WATCH_DEAF], 1);
}

static void
only_an_active_core_is_deaf(void **state)
{
	struct world *w = *state;

	w->core.role = CORE_STANDBY;
	w->core.workers = 0;
	w->core.deaf_since_ms = w->now_ms;
	tick_and_look_for(w, 2 * PROGRESS_DEAF_MS);
	assert_int_equal(all_reports(w), 0);
}

static void
one_life_is_reported_once(void **state)
{
	struct world *w = *state;

	w->core.is_alive = false;
	look_for(w, 10 * WATCH_PAUSE_MS);
	assert_int_equal(all_reports(w), 1);
	/* The same life shows another fault. */
	set_up(state);
	look_for(w, 2 * STUCK_MS);
	w->core.is_alive = false;
	look_for(w, 10 * WATCH_PAUSE_MS);
	assert_int_equal(all_reports(w), 1);
}

static void
lives_that_end_fast_are_reported_one_in_a_while(void **state)
{
	struct world *w = *state;
	const uint64_t end_ms = w->now_ms + 3 * WATCH_PAUSE_MS;

	while (w->now_ms < end_ms) {
		w->core.life++;
		w->core.is_alive = true;
		tick_and_look_for(w, 200);
		w->core.is_alive = false;
		look_for(w, 200);
	}
	assert_in_range(all_reports(w), 3, 4);
}

static void
what_an_action_does_is_not_reported(void **state)
{
	struct world *w = *state;

	/* A stop that had to kill. */
	w->core.is_acting = true;
	look_for(w, 100);
	w->core.is_alive = false;
	look_for(w, 100);
	w->core.is_acting = false;
	look_for(w, 2 * WATCH_PAUSE_MS);
	assert_int_equal(all_reports(w), 0);
}

static void
what_an_action_leaves_stuck_is_reported_after_it(void **state)
{
	struct world *w = *state;

	w->core.is_acting = true;
	look_for(w, 10 * STUCK_MS);
	assert_int_equal(all_reports(w), 0);
	w->core.is_acting = false;
	look_for(w, WATCH_LOOKS * WATCH_LOOK_MS);
	assert_int_equal(w->reports[WATCH_STUCK], 1);
}

static void
a_starting_core_may_take_its_time(void **state)
{
	struct world *w = *state;

	w->core.role = CORE_STARTING;
	look_for(w, 10 * STUCK_MS);
	w->core.role = 0;
	look_for(w, 10 * STUCK_MS);
	assert_int_equal(all_reports(w), 0);
}

static void
a_report_that_failed_is_tried_again_later(void **state)
{
	struct world *w = *state;

	w->core.is_alive = false;
	assert_int_equal(look(w), WATCH_DIED);
	watch_forget_report(&w->watch);
	look_for(w, WATCH_PAUSE_MS - WATCH_LOOK_MS);
	assert_int_equal(all_reports(w), 1);
	look_for(w, WATCH_LOOK_MS);
	assert_int_equal(all_reports(w), 2);
}

static void
no_core_is_no_fault(void **state)
{
	struct world *w = *state;

	w->core = (struct watch_sight){0};
	look_for(w, 10 * STUCK_MS);
	assert_int_equal(all_reports(w), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_death_is_reported_at_the_first_look, set_up),
	    cmocka_unit_test_setup(a_death_before_any_word_of_it_is_reported, set_up),
	    cmocka_unit_test_setup(an_orderly_end_is_not_reported, set_up),
	    cmocka_unit_test_setup(a_stopped_core_is_reported_soon, set_up),
	    cmocka_unit_test_setup(a_core_that_runs_gets_its_full_time, set_up),
	    cmocka_unit_test_setup(one_look_is_no_proof, set_up),
	    cmocka_unit_test_setup(looks_that_come_late_prove_nothing, set_up),
	    cmocka_unit_test_setup(a_core_that_gave_up_or_went_deaf_is_reported, set_up),
	    cmocka_unit_test_setup(only_an_active_core_is_deaf, set_up),
	    cmocka_unit_test_setup(one_life_is_reported_once, set_up),
	    cmocka_unit_test_setup(lives_that_end_fast_are_reported_one_in_a_while, set_up),
	    cmocka_unit_test_setup(what_an_action_does_is_not_reported, set_up),
	    cmocka_unit_test_setup(what_an_action_leaves_stuck_is_reported_after_it, set_up),
	    cmocka_unit_test_setup(a_starting_core_may_take_its_time, set_up),
	    cmocka_unit_test_setup(a_report_that_failed_is_tried_again_later, set_up),
	    cmocka_unit_test_setup(no_core_is_no_fault, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
