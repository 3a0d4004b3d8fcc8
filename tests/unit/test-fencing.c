/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/fencing.h"

#include "heartbeat/beat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN_MS 100000u
#define DEADLINE_MS (BEGIN_MS + 20000u)

static const struct id128 life_a = {{1}}, life_b = {{2}};

/* Node 0 with a peer that is heard, in life a, and owns nothing. */
struct world {
	struct fencing fencing;
	struct fencing_facts facts;
	struct fencing_duty duty;
};

static int
set_up(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	fencing_open(&world.fencing, 0, true);
	world.facts.now_ms = BEGIN_MS;
	world.facts.is_heard = true;
	world.facts.peer_life = life_a;
	*state = &world;
	return 0;
}

static struct fencing_duty *
step(struct world *w)
{
	w->duty = fencing_step(&w->fencing, &w->facts);
	return &w->duty;
}

static struct fencing_duty *
step_after(struct world *w, uint64_t ms)
{
	w->facts.now_ms += ms;
	return step(w);
}

static void
seek(struct world *w, enum fencing_action action)
{
	assert_true(
	    fencing_seek(&w->fencing, action, &w->facts.peer_life, w->facts.now_ms, DEADLINE_MS));
}

static void
fall_silent(struct world *w)
{
	w->facts.is_heard = false;
	w->facts.peer_released = w->facts.owns_peer = w->facts.peer_asks = false;
}

/* ---- the peer's end ---- */

static void
silence_is_no_proof(void **state)
{
	struct world *w = *state;

	w->fencing.can_bar = false;
	fall_silent(w);
	seek(w, FENCING_REBOOT);
	while (step(w)->answer == FENCING_NO_END)
		w->facts.now_ms += 10;
	assert_int_equal(w->duty.answer, FENCING_GAVE_UP);
	assert_non_null(w->fencing.reason);
	assert_in_range(
	    w->facts.now_ms, BEGIN_MS + FENCING_WORD_MS, BEGIN_MS + FENCING_WORD_MS + 10);
}

static void
its_word_is_a_proof(void **state)
{
	struct world *w = *state;

	seek(w, FENCING_REBOOT);
	assert_int_equal(step(w)->answer, FENCING_NO_END);
	assert_int_equal(fencing_flags(&w->fencing), BEAT_ASKS_RESET);
	w->facts.peer_released = true;
	assert_int_equal(step(w)->answer, FENCING_PROVED);
	assert_int_equal(w->fencing.proof, FENCING_RELEASED);
	assert_int_equal(fencing_flags(&w->fencing), 0);
	/* One answer for one request. */
	assert_int_equal(step(w)->answer, FENCING_NO_END);
}

static void
a_word_of_before_the_silence_is_no_proof(void **state)
{
	struct world *w = *state;

	w->fencing.can_bar = false;
	seek(w, FENCING_REBOOT);
	w->facts.is_heard = false;
	w->facts.peer_released = true;
	assert_int_equal(step(w)->answer, FENCING_NO_END);
}

static void
a_newer_life_is_a_proof(void **state)
{
	struct world *w = *state;

	seek(w, FENCING_REBOOT);
	step(w);
	w->facts.peer_life = life_b;
	assert_int_equal(step(w)->answer, FENCING_PROVED);
	assert_int_equal(w->fencing.proof, FENCING_NEWER_LIFE);
	assert_true(id128_is_same(&w->fencing.target, &life_a));
}

static void
the_first_life_that_is_heard_is_not_newer_than_an_unknown_one(void **state)
{
	struct world *w = *state;

	fall_silent(w);
	memset(&w->facts.peer_life, 0, sizeof(w->facts.peer_life));
	seek(w, FENCING_REBOOT);
	step(w);
	w->facts.is_heard = true;
	w->facts.peer_life = life_a;
	assert_int_equal(step(w)->answer, FENCING_NO_END);
}

/* The later life may be the one that the second request means. */
static void
who_joins_a_request_does_not_get_the_proof_of_the_first(void **state)
{
	struct world *w = *state;
	const struct id128 unknown = {{0}};

	seek(w, FENCING_REBOOT);
	step(w);
	assert_true(
	    fencing_seek(&w->fencing, FENCING_REBOOT, &unknown, w->facts.now_ms, DEADLINE_MS));
	w->facts.peer_life = life_b;
	assert_int_equal(step(w)->answer, FENCING_NO_END);
}

static void
a_silent_peer_is_barred_at_once(void **state)
{
	struct world *w = *state;

	fall_silent(w);
	seek(w, FENCING_REBOOT);
	assert_true(step(w)->bar);
	/* Once. */
	assert_false(step(w)->bar);
	assert_int_equal(w->duty.answer, FENCING_NO_END);
	fencing_barred(&w->fencing, NULL, w->facts.now_ms);
	assert_int_equal(step(w)->answer, FENCING_PROVED);
	assert_int_equal(w->fencing.proof, FENCING_BARRED);
}

static void
a_bar_that_failed_is_no_proof_and_is_tried_again(void **state)
{
	struct world *w = *state;

	fall_silent(w);
	seek(w, FENCING_REBOOT);
	assert_true(step(w)->bar);
	fencing_barred(&w->fencing, "the array does not answer", w->facts.now_ms);
	assert_int_equal(step(w)->answer, FENCING_NO_END);
	assert_false(w->duty.bar);
	assert_false(step_after(w, FENCING_RETRY_MS - 1)->bar);
	assert_true(step_after(w, 1)->bar);
	fencing_barred(&w->fencing, "the array does not answer", w->facts.now_ms);
	w->facts.now_ms = DEADLINE_MS;
	assert_int_equal(step(w)->answer, FENCING_GAVE_UP);
	assert_string_equal(w->fencing.reason, "the array does not answer");
}

static void
a_bar_of_an_earlier_request_proves_nothing_for_a_later_one(void **state)
{
	struct world *w = *state;

	fall_silent(w);
	seek(w, FENCING_REBOOT);
	assert_true(step(w)->bar);
	w->facts.now_ms = DEADLINE_MS;
	assert_int_equal(step(w)->answer, FENCING_GAVE_UP);
	/* It ends only now, when nobody asks. */
	fencing_barred(&w->fencing, NULL, w->facts.now_ms);
	assert_true(fencing_seek(
	    &w->fencing, FENCING_REBOOT, &life_a, w->facts.now_ms, w->facts.now_ms + 1000));
	assert_int_equal(step(w)->answer, FENCING_NO_END);
	assert_true(w->duty.bar);
}

static void
a_peer_that_is_heard_may_give_its_word_first(void **state)
{
	struct world *w = *state;

	seek(w, FENCING_REBOOT);
	assert_false(step(w)->bar);
	assert_false(step_after(w, FENCING_PATIENCE_MS - 1)->bar);
	assert_true(step_after(w, 1)->bar);
}

static void
a_peer_that_serves_is_not_barred_while_it_is_heard(void **state)
{
	struct world *w = *state;

	w->facts.owns_peer = true;
	seek(w, FENCING_REBOOT);
	for (w->facts.now_ms = BEGIN_MS; w->facts.now_ms < DEADLINE_MS; w->facts.now_ms += 100) {
		assert_false(step(w)->bar);
		assert_int_equal(w->duty.answer, FENCING_NO_END);
	}
	assert_int_equal(step(w)->answer, FENCING_GAVE_UP);
}

static void
off_is_proved_only_by_the_word_that_it_stays_off(void **state)
{
	struct world *w = *state;

	seek(w, FENCING_OFF);
	assert_int_equal(fencing_flags(&w->fencing), BEAT_ASKS_OFF);
	w->facts.peer_released = true;
	assert_int_equal(step(w)->answer, FENCING_NO_END);
	w->facts.peer_life = life_b;
	assert_int_equal(step(w)->answer, FENCING_NO_END);
	w->facts.peer_goes_off = true;
	assert_int_equal(step(w)->answer, FENCING_PROVED);

	set_up(state);
	fall_silent(w);
	seek(w, FENCING_OFF);
	assert_false(step(w)->bar);
	assert_int_equal(step_after(w, FENCING_WORD_MS)->answer, FENCING_GAVE_UP);
}

static void
off_outweighs_a_reboot_that_is_on_its_way(void **state)
{
	struct world *w = *state;

	seek(w, FENCING_REBOOT);
	step(w);
	seek(w, FENCING_OFF);
	w->facts.peer_released = true;
	assert_int_equal(step(w)->answer, FENCING_NO_END);
}

/* ---- this node's own end ---- */

static void
ask(struct world *w)
{
	w->facts.peer_asks = true;
}

static void
a_healthy_owner_never_yields(void **state)
{
	struct world *w = *state;

	ask(w);
	w->facts.owns = true;
	for (int i = 0; i < 1000; i++) {
		step_after(w, 10);
		assert_false(w->duty.latch || w->duty.end_self);
	}
	assert_int_equal(fencing_flags(&w->fencing), 0);
}

static void
who_owns_nothing_lets_go_says_so_and_ends(void **state)
{
	struct world *w = *state;

	ask(w);
	assert_true(step(w)->latch);
	assert_int_equal(fencing_flags(&w->fencing), 0);
	w->facts.is_latched = true;
	assert_true(step(w)->latch);
	assert_int_equal(fencing_flags(&w->fencing), 0);
	w->facts.is_clean = true;
	step(w);
	assert_int_equal(fencing_flags(&w->fencing), BEAT_RELEASED);
	assert_false(w->duty.end_self);
	w->facts.peer_knows = true;
	assert_true(step(w)->end_self);
}

static void
the_word_is_given_only_when_it_is_true(void **state)
{
	struct world *w = *state;

	ask(w);
	step(w);
	w->facts.is_clean = true; /* but an action may still take something */
	for (w->facts.now_ms = BEGIN_MS; w->facts.now_ms < BEGIN_MS + FENCING_RELEASE_MS;
	     w->facts.now_ms += 10) {
		assert_false(step(w)->end_self);
		assert_int_equal(fencing_flags(&w->fencing), 0);
	}
	assert_true(step(w)->end_self);
	assert_int_equal(fencing_flags(&w->fencing), BEAT_ENDS);
}

static void
what_was_promised_is_kept(void **state)
{
	struct world *w = *state;

	ask(w);
	step(w);
	/* The peer does not ask any more, and this node would like to go on. */
	w->facts.peer_asks = false;
	w->facts.owns = true;
	assert_true(step(w)->latch);
	w->facts.is_latched = w->facts.is_clean = true;
	step(w);
	assert_false(
	    fencing_seek(&w->fencing, FENCING_REBOOT, &life_a, w->facts.now_ms, DEADLINE_MS));
	assert_true(step_after(w, FENCING_RELEASE_MS)->end_self);
}

static void
who_yields_proves_nothing_any_more(void **state)
{
	struct world *w = *state;

	seek(w, FENCING_REBOOT);
	step(w);
	ask(w);
	w->facts.owns_peer = true;
	w->facts.peer_released = true;
	assert_int_equal(step(w)->answer, FENCING_NO_END);
	assert_true(w->duty.latch);
	/* Nor does it give up: Pacemaker would cut the power of the peer. */
	w->facts.now_ms = DEADLINE_MS;
	assert_int_equal(step(w)->answer, FENCING_NO_END);
}

static void
if_both_ask_and_neither_owns_node_1_yields(void **state)
{
	struct world *w = *state;

	seek(w, FENCING_REBOOT);
	ask(w);
	assert_false(step(w)->latch);

	set_up(state);
	fencing_open(&w->fencing, 1, true);
	seek(w, FENCING_REBOOT);
	ask(w);
	assert_true(step(w)->latch);
	assert_int_equal(w->duty.answer, FENCING_NO_END);
}

static void
who_is_in_the_wrong_ends_at_once(void **state)
{
	struct world *w = *state;

	w->facts.owns = true;
	w->facts.is_wrong = true;
	assert_true(step(w)->end_self);
	assert_int_equal(fencing_flags(&w->fencing), BEAT_ENDS);
}

static void
who_was_asked_to_stay_off_says_that_too(void **state)
{
	struct world *w = *state;

	ask(w);
	w->facts.peer_asks_off = true;
	w->facts.is_latched = w->facts.is_clean = true;
	step(w);
	step(w);
	assert_int_equal(fencing_flags(&w->fencing), BEAT_RELEASED | BEAT_GOES_OFF);
}

static void
who_cannot_let_go_ends_at_once_and_says_so(void **state)
{
	struct world *w = *state;

	ask(w);
	step(w);
	w->facts.is_latched = w->facts.is_bound = true;
	assert_true(step(w)->end_self);
	assert_int_equal(fencing_flags(&w->fencing), BEAT_ENDS);
}

static void
a_peer_that_ends_without_its_word_is_barred_at_once(void **state)
{
	struct world *w = *state;

	w->facts.owns_peer = true;
	seek(w, FENCING_REBOOT);
	assert_false(step(w)->bar);
	w->facts.peer_ends = true;
	assert_true(step(w)->bar);
	assert_int_equal(w->duty.answer, FENCING_NO_END);
}

static void
who_is_barring_does_not_yield_meanwhile(void **state)
{
	struct world *w = *state;

	fall_silent(w);
	seek(w, FENCING_REBOOT);
	assert_true(step(w)->bar);
	w->facts.is_heard = true;
	w->facts.owns_peer = true;
	ask(w);
	assert_false(step(w)->latch);
	fencing_barred(&w->fencing, "the array does not answer", w->facts.now_ms);
	assert_true(step(w)->latch);
}

static void
an_owner_in_doubt_seeks_a_proof_unasked(void **state)
{
	struct world *w = *state;

	fall_silent(w);
	w->facts.is_in_doubt = true;
	assert_false(step(w)->bar);
	w->facts.owns = true;
	assert_true(step(w)->bar);
	fencing_barred(&w->fencing, NULL, w->facts.now_ms);
	assert_int_equal(step(w)->answer, FENCING_PROVED);

	set_up(state);
	fall_silent(w);
	w->fencing.can_bar = false;
	w->facts.is_in_doubt = w->facts.owns = true;
	step(w);
	assert_false(w->fencing.is_seeking);
}

#define LAW(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LAW(silence_is_no_proof),
	    LAW(its_word_is_a_proof),
	    LAW(a_word_of_before_the_silence_is_no_proof),
	    LAW(a_newer_life_is_a_proof),
	    LAW(the_first_life_that_is_heard_is_not_newer_than_an_unknown_one),
	    LAW(who_joins_a_request_does_not_get_the_proof_of_the_first),
	    LAW(a_silent_peer_is_barred_at_once),
	    LAW(a_bar_that_failed_is_no_proof_and_is_tried_again),
	    LAW(a_bar_of_an_earlier_request_proves_nothing_for_a_later_one),
	    LAW(a_peer_that_is_heard_may_give_its_word_first),
	    LAW(a_peer_that_serves_is_not_barred_while_it_is_heard),
	    LAW(off_is_proved_only_by_the_word_that_it_stays_off),
	    LAW(off_outweighs_a_reboot_that_is_on_its_way),
	    LAW(a_healthy_owner_never_yields),
	    LAW(who_owns_nothing_lets_go_says_so_and_ends),
	    LAW(the_word_is_given_only_when_it_is_true),
	    LAW(what_was_promised_is_kept),
	    LAW(who_yields_proves_nothing_any_more),
	    LAW(if_both_ask_and_neither_owns_node_1_yields),
	    LAW(who_is_in_the_wrong_ends_at_once),
	    LAW(who_was_asked_to_stay_off_says_that_too),
	    LAW(who_cannot_let_go_ends_at_once_and_says_so),
	    LAW(a_peer_that_ends_without_its_word_is_barred_at_once),
	    LAW(who_is_barring_does_not_yield_meanwhile),
	    LAW(an_owner_in_doubt_seeks_a_proof_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
