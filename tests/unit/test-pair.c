/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/pair.h"

#include "common/role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START_MS 100000u
#define LEASE_MS 1000u

static const struct id128 ours = {{1}}, life_a = {{2}}, life_b = {{3}};

/* Node 0, and what its peer would say to it. */
struct world {
	struct pair pair, peer;
	struct pair_self self;
	uint64_t now_ms, nonce;
};

static struct pair_settings
settings_of(uint8_t node, const struct id128 *boot)
{
	return (struct pair_settings){
	    .pair = 1,
	    .node = node,
	    .boot = *boot,
	    .lines = 1,
	    .silence_ms = 400,
	    .lease_ms = LEASE_MS,
	};
}

static void
boot_peer(struct world *w, const struct id128 *life)
{
	const struct pair_settings settings = settings_of(1, life);

	pair_open(&w->peer, &settings);
}

static int
set_up(void **state)
{
	static struct world world;
	const struct pair_settings settings = settings_of(0, &ours);

	world = (struct world){.now_ms = START_MS, .nonce = 1};
	pair_open(&world.pair, &settings);
	boot_peer(&world, &life_a);
	*state = &world;
	return 0;
}

static void
pass(struct world *w, struct pair *from, struct pair *to)
{
	struct beat beat;

	pair_say(from, 0, w->nonce++, w->now_ms, &w->self, &beat);
	pair_take(to, 0, &beat, w->now_ms);
}

static void
greet(struct world *w)
{
	for (int i = 0; i < 3; i++) {
		pass(w, &w->pair, &w->peer);
		pass(w, &w->peer, &w->pair);
	}
}

/* Until both believe each other. */
static void
meet(struct world *w)
{
	greet(w);
	assert_true(w->pair.peer.is_heard);
}

static enum fencing_end
step(struct world *w)
{
	return pair_step(&w->pair, &w->self, w->now_ms).answer;
}

static void
seek(struct world *w)
{
	assert_true(pair_fence(&w->pair, FENCING_REBOOT, w->now_ms, w->now_ms + 20000));
	assert_int_equal(step(w), FENCING_NO_END);
}

static void
a_life_that_booted_after_the_request_proves_the_end_of_the_one_before(void **state)
{
	struct world *w = *state;

	meet(w);
	w->now_ms += PAIR_REBOOT_MS - 1;
	seek(w);
	boot_peer(w, &life_b);
	meet(w);
	assert_int_equal(step(w), FENCING_PROVED);
	assert_int_equal(w->pair.fencing.proof, FENCING_NEWER_LIFE);
}

/* It may have booted, and have taken the store, long before the request. */
static void
a_life_that_may_have_run_at_the_request_proves_nothing(void **state)
{
	struct world *w = *state;

	meet(w);
	w->now_ms += PAIR_REBOOT_MS;
	seek(w);
	boot_peer(w, &life_b);
	meet(w);
	assert_int_equal(step(w), FENCING_NO_END);
}

/* So that it is told, should it go on. */
static void
a_life_that_was_barred_has_ended_also_if_it_was_long_silent(void **state)
{
	struct world *w = *state;
	struct pair_settings settings = settings_of(0, &ours);

	settings.can_bar = true;
	pair_open(&w->pair, &settings);
	meet(w);
	w->now_ms += 10 * PAIR_REBOOT_MS;
	assert_true(pair_fence(&w->pair, FENCING_REBOOT, w->now_ms, w->now_ms + 20000));
	assert_true(pair_step(&w->pair, &w->self, w->now_ms).bar);
	pair_barred(&w->pair, true, NULL, w->now_ms);
	assert_int_equal(step(w), FENCING_PROVED);
	assert_true(peer_has_stopped(&w->pair.peer));
	for (int i = 0; i < 3; i++) {
		pass(w, &w->peer, &w->pair);
		pass(w, &w->pair, &w->peer);
	}
	assert_true(w->peer.is_excluded);
}

static void
after_a_fencing_by_power_it_serves_alone_until_it_is_answered(void **state)
{
	struct world *w = *state;

	assert_int_equal(pair_lease(&w->pair, w->now_ms), 0);
	pair_fenced(&w->pair, w->now_ms);
	assert_int_equal(pair_lease(&w->pair, w->now_ms), w->now_ms + LEASE_MS);
	w->now_ms += 100;
	meet(w);
	assert_int_equal(pair_lease(&w->pair, w->now_ms + 5000), w->now_ms + LEASE_MS);
	/* Told again, late. */
	pair_fenced(&w->pair, w->now_ms - 1);
	assert_int_equal(pair_lease(&w->pair, w->now_ms + 5000), w->now_ms + LEASE_MS);
}

/* Meanwhile a later life may have come, and have been let in. */
static void
a_proof_that_was_not_told_in_time_is_told_no_more(void **state)
{
	struct world *w = *state;
	struct pair_settings settings = settings_of(0, &ours);

	settings.can_bar = true;
	pair_open(&w->pair, &settings);
	assert_true(pair_fence(&w->pair, FENCING_REBOOT, w->now_ms, w->now_ms + 20000));
	assert_true(pair_step(&w->pair, &w->self, w->now_ms).bar);
	pair_barred(&w->pair, true, NULL, w->now_ms);
	assert_int_equal(pair_step(&w->pair, &w->self, w->now_ms).answer, FENCING_PROVED);
	assert_true(pair_proof_holds(&w->pair, w->now_ms + PAIR_REBOOT_MS - 1));
	assert_false(pair_proof_holds(&w->pair, w->now_ms + PAIR_REBOOT_MS));
}

static void
what_was_proved_outlives_the_process(void **state)
{
	struct world *w = *state;
	struct pair_settings settings = settings_of(0, &ours);

	settings.is_alone = true;
	settings.ended = life_a;
	pair_open(&w->pair, &settings);
	assert_int_equal(pair_lease(&w->pair, w->now_ms), w->now_ms + LEASE_MS);
	/* The life that has ended may still speak: it is told so. */
	greet(w);
	assert_false(w->pair.peer.is_heard);
	assert_true(w->peer.is_excluded);
	assert_int_equal(pair_lease(&w->pair, w->now_ms + 5000), w->now_ms + 5000 + LEASE_MS);
}

static void
the_promise_to_stay_off_outlives_the_process(void **state)
{
	struct world *w = *state;
	struct pair_settings settings = settings_of(0, &ours);

	settings.goes_off = true;
	pair_open(&w->pair, &settings);
	w->self.is_wrong = true;
	assert_true(pair_step(&w->pair, &w->self, w->now_ms).end_self);
	assert_true(w->pair.fencing.goes_off);
}

static void
on_an_array_the_lease_needs_the_key(void **state)
{
	struct world *w = *state;
	struct pair_settings settings = settings_of(0, &ours);

	settings.can_bar = true;
	pair_open(&w->pair, &settings);
	meet(w);
	assert_int_equal(pair_lease(&w->pair, w->now_ms), 0);
	assert_true(pair_needs_look(&w->pair, w->now_ms));
	pair_has_key(&w->pair, w->now_ms);
	assert_int_equal(pair_lease(&w->pair, w->now_ms), w->now_ms + LEASE_MS);
	assert_false(pair_needs_look(&w->pair, w->now_ms));
}

/* A pair on an array: the key was seen, and the peer is about to be barred. */
static void
bar(struct world *w)
{
	struct pair_settings settings = settings_of(0, &ours);

	settings.can_bar = true;
	pair_open(&w->pair, &settings);
	meet(w);
	pair_has_key(&w->pair, w->now_ms);
	w->now_ms += 500;
	assert_true(pair_fence(&w->pair, FENCING_REBOOT, w->now_ms, w->now_ms + 20000));
	assert_true(pair_step(&w->pair, &w->self, w->now_ms).bar);
}

/* It may be about to register. */
static void
a_member_without_a_key_is_not_barred(void **state)
{
	struct world *w = *state;

	bar(w);
	pair_member(&w->pair, true);
	pair_barred(&w->pair, false, NULL, w->now_ms);
	assert_int_equal(step(w), FENCING_NO_END);
	w->now_ms += FENCING_RETRY_MS;
	pair_member(&w->pair, false);
	assert_true(pair_step(&w->pair, &w->self, w->now_ms).bar);
	pair_barred(&w->pair, false, NULL, w->now_ms);
	assert_int_equal(step(w), FENCING_PROVED);
}

static void
a_life_that_had_no_key_yet_is_not_told_that_it_has_ended(void **state)
{
	struct world *w = *state;

	bar(w);
	pair_barred(&w->pair, false, NULL, w->now_ms);
	assert_int_equal(step(w), FENCING_PROVED);
	assert_int_equal(pair_lease(&w->pair, w->now_ms), w->now_ms + LEASE_MS);
	meet(w);
	assert_false(w->peer.is_excluded);
	/* But the one that was taken its key, though barred once more without one. */
	set_up(state);
	bar(w);
	pair_barred(&w->pair, true, NULL, w->now_ms);
	assert_int_equal(step(w), FENCING_PROVED);
	assert_true(pair_fence(&w->pair, FENCING_REBOOT, w->now_ms, w->now_ms + 20000));
	assert_true(pair_step(&w->pair, &w->self, w->now_ms).bar);
	pair_barred(&w->pair, false, NULL, w->now_ms);
	assert_int_equal(step(w), FENCING_PROVED);
	assert_true(id128_is_same(&w->pair.ended, &life_a));
	greet(w);
	assert_true(w->peer.is_excluded);
}

static void
who_does_not_know_whether_it_was_barred_tells_nobody_that_he_is(void **state)
{
	struct world *w = *state;

	bar(w);
	pair_barred(&w->pair, true, NULL, w->now_ms);
	assert_int_equal(step(w), FENCING_PROVED);
	/* It stands still. */
	w->now_ms += LEASE_MS;
	greet(w);
	assert_false(w->peer.is_excluded);
	pair_has_key(&w->pair, w->now_ms);
	greet(w);
	assert_true(w->peer.is_excluded);
}

/* Whoever barred this life without having heard it cannot say so. */
static void
who_hears_the_peer_in_its_place_looks_for_its_key(void **state)
{
	static const struct {
		uint8_t role;
		uint64_t generation;
		bool is_doubted;
	} cases[] = {
	    {CORE_ACTIVE, 8, true},
	    {CORE_PROMOTING, 7, true},
	    {CORE_ACTIVE, 7, false},
	    {CORE_STANDBY, 8, false},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up(state);
		bar(w);
		w->self =
		    (struct pair_self){.role = cases[i].role, .generation = cases[i].generation};
		meet(w);
		w->self = (struct pair_self){.role = CORE_ACTIVE, .generation = 7};
		step(w);
		assert_int_equal(pair_lease(&w->pair, w->now_ms) == 0, cases[i].is_doubted);
		assert_int_equal(pair_needs_look(&w->pair, w->now_ms), cases[i].is_doubted);
	}
}

static void
a_restarted_agent_is_heard_at_once(void **state)
{
	struct world *w = *state;
	const uint64_t hour_ms = 3600 * 1000;

	/* It has beaten for an hour, and begins anew in the same life. */
	meet(w);
	for (uint64_t i = 0; i < hour_ms / 100; i++) {
		w->now_ms += 100;
		meet(w);
	}
	boot_peer(w, &life_a);
	w->now_ms += 100;
	meet(w);
	assert_true(pair_hears(&w->pair, 0, w->now_ms));
	assert_int_equal(w->pair.asked_ms, w->now_ms);
}

#define LAW(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LAW(a_life_that_booted_after_the_request_proves_the_end_of_the_one_before),
	    LAW(a_life_that_may_have_run_at_the_request_proves_nothing),
	    LAW(a_life_that_was_barred_has_ended_also_if_it_was_long_silent),
	    LAW(after_a_fencing_by_power_it_serves_alone_until_it_is_answered),
	    LAW(a_proof_that_was_not_told_in_time_is_told_no_more),
	    LAW(what_was_proved_outlives_the_process),
	    LAW(the_promise_to_stay_off_outlives_the_process),
	    LAW(on_an_array_the_lease_needs_the_key),
	    LAW(a_member_without_a_key_is_not_barred),
	    LAW(a_life_that_had_no_key_yet_is_not_told_that_it_has_ended),
	    LAW(who_does_not_know_whether_it_was_barred_tells_nobody_that_he_is),
	    LAW(who_hears_the_peer_in_its_place_looks_for_its_key),
	    LAW(a_restarted_agent_is_heard_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
