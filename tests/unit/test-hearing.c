/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heartbeat/hearing.h"

#define SILENCE_MS 500
#define PAIR 77
#define LINE 3

/* Two ends of a line; end 1 may be given another life. */
struct fixture {
	struct hearing ends[2];
	uint64_t nonce;
	uint64_t now_ms;
};

static struct beat
identity(uint8_t node, uint8_t life)
{
	return (struct beat){.pair = PAIR, .node = node, .line = LINE, .boot = {{life}}};
}

static int
setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.nonce = 1000, .now_ms = 1};
	for (uint8_t i = 0; i < 2; i++) {
		struct beat ours = identity(i, (uint8_t)(10 + i));

		hearing_open(&f.ends[i], &ours, SILENCE_MS);
	}
	*state = &f;
	return 0;
}

static void
reboot(struct fixture *f, uint8_t life)
{
	struct beat ours = identity(1, life);

	hearing_open(&f->ends[1], &ours, SILENCE_MS);
}

static struct beat
say(struct fixture *f, int end)
{
	struct beat beat = {0};

	hearing_say(&f->ends[end], f->nonce++, f->now_ms, &beat);
	return beat;
}

static enum hearing_verdict
take(struct fixture *f, int end, const struct beat *beat)
{
	uint64_t evidence_ms;

	return hearing_take(&f->ends[end], beat, f->now_ms, &evidence_ms);
}

/* A beat from the other end to this one. */
static enum hearing_verdict
pass(struct fixture *f, int to)
{
	struct beat beat = say(f, !to);

	return take(f, to, &beat);
}

static void
meet(struct fixture *f)
{
	pass(f, 0);
	pass(f, 1);
	assert_int_equal(pass(f, 0), HEARD_FRESH);
	assert_int_equal(pass(f, 1), HEARD_FRESH);
}

static void
who_echoes_is_believed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pass(f, 0), HEARD_UNPROVED);
	assert_false(hearing_is_up(&f->ends[0], f->now_ms));
	assert_int_equal(pass(f, 1), HEARD_FRESH);
	assert_true(hearing_is_up(&f->ends[1], f->now_ms));
	assert_int_equal(pass(f, 0), HEARD_FRESH);
	assert_true(hearing_is_up(&f->ends[0], f->now_ms));
}

static void
the_evidence_is_as_old_as_what_is_echoed(void **state)
{
	struct fixture *f = *state;
	uint64_t evidence_ms;
	struct beat beat;

	meet(f);
	f->now_ms = 1000;
	beat = say(f, 0);
	assert_int_equal(take(f, 1, &beat), HEARD_FRESH);
	f->now_ms = 1040;
	say(f, 0);
	beat = say(f, 1);
	f->now_ms = 1080;
	assert_int_equal(hearing_take(&f->ends[0], &beat, f->now_ms, &evidence_ms), HEARD_FRESH);
	assert_int_equal(evidence_ms, 1000);
}

static void
a_line_is_down_after_silence_and_up_with_the_next_beat(void **state)
{
	struct fixture *f = *state;

	meet(f);
	assert_int_equal(hearing_deadline(&f->ends[0], f->now_ms), 1 + SILENCE_MS);
	f->now_ms = SILENCE_MS;
	assert_true(hearing_is_up(&f->ends[0], f->now_ms));
	f->now_ms++;
	assert_false(hearing_is_up(&f->ends[0], f->now_ms));
	assert_int_equal(hearing_deadline(&f->ends[0], f->now_ms), UINT64_MAX);
	assert_int_equal(pass(f, 0), HEARD_FRESH);
	assert_true(hearing_is_up(&f->ends[0], f->now_ms));
}

static void
what_is_sent_again_is_not_believed_again(void **state)
{
	struct fixture *f = *state;
	struct beat first, second;

	meet(f);
	first = say(f, 1);
	second = say(f, 1);
	assert_int_equal(take(f, 0, &second), HEARD_FRESH);
	assert_int_equal(take(f, 0, &second), HEARD_REPLAYED);
	/* Overtaken. */
	assert_int_equal(take(f, 0, &first), HEARD_REPLAYED);
}

/* Recorded long ago and held back: signed, of the living life, with a high sequence. */
static void
an_echo_of_long_ago_proves_nothing(void **state)
{
	struct fixture *f = *state;
	struct beat held;

	meet(f);
	held = say(f, 1);
	for (int i = 0; i < HEARING_NONCES; i++)
		say(f, 0);
	f->now_ms += SILENCE_MS;
	assert_int_equal(take(f, 0, &held), HEARD_UNPROVED);
	assert_false(hearing_is_up(&f->ends[0], f->now_ms));
}

static void
the_last_of_the_nonces_still_counts(void **state)
{
	struct fixture *f = *state;
	struct beat held;

	meet(f);
	held = say(f, 1);
	for (int i = 0; i < HEARING_NONCES - 1; i++)
		say(f, 0);
	assert_int_equal(take(f, 0, &held), HEARD_FRESH);
}

static void
a_later_life_is_seen_and_the_one_before_never_comes_back(void **state)
{
	struct fixture *f = *state;
	struct beat late;

	meet(f);
	late = say(f, 1);
	late.sequence = 1000;
	reboot(f, 99);
	assert_int_equal(pass(f, 0), HEARD_UNPROVED);
	/* It has heard our nonce now, and says so. */
	assert_int_equal(pass(f, 1), HEARD_UNPROVED);
	assert_int_equal(pass(f, 0), HEARD_NEW_LIFE);
	assert_int_equal(pass(f, 0), HEARD_FRESH);
	assert_int_equal(pass(f, 1), HEARD_FRESH);
	/* Signed, in time, with an echo that was good: but that life is over. */
	assert_int_equal(take(f, 0, &late), HEARD_REPLAYED);
	assert_true(hearing_is_up(&f->ends[0], f->now_ms));
}

/* Else who sends old beats again could take the peer's echo away, and make it deaf. */
static void
a_stranger_is_echoed_only_when_the_known_life_is_silent(void **state)
{
	struct fixture *f = *state;
	struct beat stranger = {0};

	meet(f);
	stranger = say(f, 1);
	stranger.boot = (struct id128){{200}};
	stranger.heard_nonce = 1;
	assert_int_equal(take(f, 0, &stranger), HEARD_UNPROVED);
	assert_int_equal(pass(f, 1), HEARD_FRESH);
	f->now_ms += SILENCE_MS;
	assert_int_equal(take(f, 0, &stranger), HEARD_UNPROVED);
	assert_int_equal(pass(f, 1), HEARD_UNPROVED);
}

static void
a_new_life_of_ours_believes_no_echo_of_the_old(void **state)
{
	struct fixture *f = *state;
	struct beat held;

	meet(f);
	held = say(f, 0);
	reboot(f, 99);
	assert_int_equal(take(f, 1, &held), HEARD_UNPROVED);
}

static void
what_is_not_for_us_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct beat beat;

	meet(f);
	for (int i = 0; i < 3; i++) {
		beat = say(f, 1);
		beat.pair += i == 0;
		beat.line = (uint8_t)(beat.line + (i == 1));
		beat.node = (uint8_t)(i == 2 ? 0 : beat.node);
		assert_int_equal(take(f, 0, &beat), HEARD_NOT_OURS);
	}
	/* A mirror in the line. */
	beat = say(f, 0);
	assert_int_equal(take(f, 0, &beat), HEARD_NOT_OURS);
}

/* Who was stopped finds the answer to its last beat still waiting. */
static void
an_echo_that_waited_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct beat beat;

	meet(f);
	pass(f, 1);
	beat = say(f, 1);
	f->now_ms += HEARING_ECHO_MS;
	assert_int_equal(take(f, 0, &beat), HEARD_UNPROVED);
	assert_false(hearing_is_up(&f->ends[0], f->now_ms));

	meet(f);
	pass(f, 1);
	beat = say(f, 1);
	f->now_ms += HEARING_ECHO_MS - 1;
	assert_int_equal(take(f, 0, &beat), HEARD_FRESH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(who_echoes_is_believed, setup),
	    cmocka_unit_test_setup(the_evidence_is_as_old_as_what_is_echoed, setup),
	    cmocka_unit_test_setup(a_line_is_down_after_silence_and_up_with_the_next_beat, setup),
	    cmocka_unit_test_setup(what_is_sent_again_is_not_believed_again, setup),
	    cmocka_unit_test_setup(an_echo_of_long_ago_proves_nothing, setup),
	    cmocka_unit_test_setup(the_last_of_the_nonces_still_counts, setup),
	    cmocka_unit_test_setup(a_later_life_is_seen_and_the_one_before_never_comes_back, setup),
	    cmocka_unit_test_setup(a_stranger_is_echoed_only_when_the_known_life_is_silent, setup),
	    cmocka_unit_test_setup(a_new_life_of_ours_believes_no_echo_of_the_old, setup),
	    cmocka_unit_test_setup(an_echo_that_waited_is_not_believed, setup),
	    cmocka_unit_test_setup(what_is_not_for_us_is_left_alone, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
