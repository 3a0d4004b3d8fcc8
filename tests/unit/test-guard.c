/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mailcore/process/guard.h"
#include "mailcore/spool/envelope.h"

#define SESSION(use, slot) ((uint64_t)(use) << 32 | (slot))
#define RING (16u << 20)

static const struct smtp_settings settings = {
    .message_max_bytes = 3000000, .inline_max_bytes = 1000000, .sessions_max = 4};

static int
setup(void **state)
{
	static struct guard g;

	guard_open(&g, &settings, RING);
	*state = &g;
	return 0;
}

static int
teardown(void **state)
{
	guard_close(*state);
	return 0;
}

/* Ask at the place that is next in the ring. */
static enum guard_breach
ask(struct guard *g, enum frame_type type, uint64_t session, uint32_t first, uint32_t second)
{
	struct frame f = {.type = type,
	    .session = session,
	    .first = first,
	    .second = second,
	    .position = g->ring.position};
	enum guard_breach breach = guard_check(g, &f);

	if (!breach)
		ring_take(&g->ring, (uint64_t)first + second);
	return breach;
}

static enum guard_breach
say(struct guard *g, enum frame_type type, uint64_t session, uint32_t first)
{
	return guard_check(g, &(struct frame){.type = type, .session = session, .first = first});
}

static void
a_dialogue_as_it_should_be_passes(void **state)
{
	struct guard *g = *state;
	uint64_t s = SESSION(1, 3);

	assert_int_equal(say(g, FRAME_SESSIONS, 0, 1), GUARD_OK);
	assert_int_equal(ask(g, FRAME_RECIPIENT, s, 20, 0), GUARD_OK);
	assert_true(guard_answer(g, s, FRAME_RECIPIENT_ANSWER));
	assert_int_equal(ask(g, FRAME_STAGE, s, 1000000, 0), GUARD_OK);
	assert_true(guard_answer(g, s, FRAME_STAGE_ANSWER));
	assert_int_equal(ask(g, FRAME_COMMIT, s, 100, 1000000), GUARD_OK);
	assert_int_equal(g->open_bytes, 1000100);
	assert_true(guard_answer(g, s, FRAME_COMMIT_ANSWER));
	assert_int_equal(g->open_bytes, 0);
	assert_int_equal(ask(g, FRAME_COMMIT, SESSION(2, 3), 100, 0), GUARD_OK);
	assert_int_equal(g->sessions, 1);
}

static void
a_session_has_one_question_open(void **state)
{
	struct guard *g = *state;

	assert_int_equal(ask(g, FRAME_RECIPIENT, SESSION(1, 0), 5, 0), GUARD_OK);
	assert_int_equal(ask(g, FRAME_RECIPIENT, SESSION(1, 0), 5, 0), GUARD_BUSY);
	assert_int_equal(ask(g, FRAME_COMMIT, SESSION(2, 0), 5, 0), GUARD_BUSY);
	assert_int_equal(say(g, FRAME_ABANDON, SESSION(1, 0), 0), GUARD_BUSY);
	assert_int_equal(ask(g, FRAME_RECIPIENT, SESSION(1, 1), 5, 0), GUARD_OK);
}

static void
only_the_answer_that_is_waited_for_goes_out(void **state)
{
	struct guard *g = *state;
	uint64_t s = SESSION(1, 0);

	assert_false(guard_answer(g, s, FRAME_COMMIT_ANSWER));
	assert_int_equal(ask(g, FRAME_RECIPIENT, s, 5, 0), GUARD_OK);
	assert_false(guard_answer(g, s, FRAME_COMMIT_ANSWER));
	assert_false(guard_answer(g, SESSION(2, 0), FRAME_RECIPIENT_ANSWER));
	assert_false(guard_answer(g, SESSION(1, 4), FRAME_RECIPIENT_ANSWER));
	assert_true(guard_answer(g, s, FRAME_RECIPIENT_ANSWER));
	assert_false(guard_answer(g, s, FRAME_RECIPIENT_ANSWER));
}

static void
no_session_number_ever_comes_back(void **state)
{
	struct guard *g = *state;

	assert_int_equal(say(g, FRAME_ABANDON, SESSION(5, 1), 0), GUARD_OK);
	assert_int_equal(say(g, FRAME_ABANDON, SESSION(4, 1), 0), GUARD_STALE);
	assert_int_equal(say(g, FRAME_ABANDON, SESSION(6, 1), 0), GUARD_OK);
	assert_int_equal(say(g, FRAME_ABANDON, SESSION(5, 1), 0), GUARD_STALE);
	assert_int_equal(say(g, FRAME_ABANDON, SESSION(0, 1), 0), GUARD_SLOT);
	assert_int_equal(say(g, FRAME_ABANDON, SESSION(1, 4), 0), GUARD_SLOT);
	assert_int_equal(say(g, FRAME_ABANDON, UINT64_MAX, 0), GUARD_SLOT);
}

static void
staged_pieces_are_abandoned_before_the_slot_is_used_anew(void **state)
{
	struct guard *g = *state;

	assert_int_equal(ask(g, FRAME_STAGE, SESSION(1, 2), 10, 0), GUARD_OK);
	assert_true(guard_answer(g, SESSION(1, 2), FRAME_STAGE_ANSWER));
	assert_int_equal(ask(g, FRAME_RECIPIENT, SESSION(2, 2), 10, 0), GUARD_BUSY);
	assert_int_equal(say(g, FRAME_ABANDON, SESSION(1, 2), 0), GUARD_OK);
	assert_int_equal(ask(g, FRAME_RECIPIENT, SESSION(2, 2), 10, 0), GUARD_OK);
}

static void
lengths_are_bounded_and_some_must_not_be_empty(void **state)
{
	struct guard *g = *state;
	uint64_t s = SESSION(1, 0);
	uint32_t piece_max = settings.inline_max_bytes + GUARD_ADDED_MAX;

	assert_int_equal(ask(g, FRAME_RECIPIENT, s, 0, 0), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_RECIPIENT, s, GUARD_ADDRESS_MAX + 1, 0), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_STAGE, s, 0, 0), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_STAGE, s, piece_max + 1, 0), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_COMMIT, s, 0, 10), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_COMMIT, s, ENVELOPE_ENCODED_MAX + 1, 10), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_COMMIT, s, 10, piece_max + 1), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_COMMIT, s, UINT32_MAX, UINT32_MAX), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_COMMIT, s, ENVELOPE_ENCODED_MAX, piece_max), GUARD_OK);
}

static void
a_message_is_bounded_over_all_its_pieces(void **state)
{
	struct guard *g = *state;
	uint64_t s = SESSION(1, 0);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(g, FRAME_STAGE, s, 1000000, 0), GUARD_OK);
		assert_true(guard_answer(g, s, FRAME_STAGE_ANSWER));
	}
	assert_int_equal(ask(g, FRAME_STAGE, s, GUARD_ADDED_MAX + 1, 0), GUARD_MESSAGE);
	assert_int_equal(ask(g, FRAME_COMMIT, s, 10, GUARD_ADDED_MAX + 1), GUARD_MESSAGE);
	assert_int_equal(ask(g, FRAME_COMMIT, s, 10, GUARD_ADDED_MAX), GUARD_OK);
}

static void
only_the_next_bytes_of_the_ring_can_be_named(void **state)
{
	struct guard *g = *state;
	struct frame f = {
	    .type = FRAME_RECIPIENT, .session = SESSION(1, 0), .first = 5, .position = 1};

	assert_int_equal(guard_check(g, &f), GUARD_POSITION);
	f.position = UINT64_MAX;
	assert_int_equal(guard_check(g, &f), GUARD_POSITION);
	f.position = 0;
	assert_int_equal(guard_check(g, &f), GUARD_OK);
}

static void
a_refusal_is_bounded_and_belongs_to_no_session(void **state)
{
	struct guard *g = *state;
	const struct frame elsewhere = {
	    .type = FRAME_REFUSED, .first = 9, .second = 30, .position = 1};

	assert_int_equal(guard_check(g, &elsewhere), GUARD_POSITION);
	assert_int_equal(ask(g, FRAME_REFUSED, 0, 0, 30), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_REFUSED, 0, 9, 0), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_REFUSED, 0, GUARD_CLIENT_MAX + 1, 30), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_REFUSED, 0, 9, GUARD_REFUSAL_MAX + 1), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_REFUSED, 0, UINT32_MAX, UINT32_MAX), GUARD_LENGTH);
	assert_int_equal(ask(g, FRAME_REFUSED, 0, GUARD_CLIENT_MAX, GUARD_REFUSAL_MAX), GUARD_OK);
	assert_int_equal(g->open_bytes, 0);
	assert_int_equal(ask(g, FRAME_RECIPIENT, SESSION(1, 0), 10, 0), GUARD_OK);
	assert_int_equal(ask(g, FRAME_REFUSED, 0, 9, 30), GUARD_OK);
}

static void
sessions_are_counted_up_to_their_bound(void **state)
{
	struct guard *g = *state;

	assert_int_equal(say(g, FRAME_SESSIONS, 0, 4), GUARD_OK);
	assert_int_equal(say(g, FRAME_SESSIONS, 0, 5), GUARD_COUNT);
	assert_int_equal(g->sessions, 4);
	assert_int_equal(say(g, FRAME_QUIET, 0, 1), GUARD_OK);
	assert_int_equal(g->sessions, 0);
}

#define LAW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LAW(a_dialogue_as_it_should_be_passes),
	    LAW(a_session_has_one_question_open),
	    LAW(only_the_answer_that_is_waited_for_goes_out),
	    LAW(no_session_number_ever_comes_back),
	    LAW(staged_pieces_are_abandoned_before_the_slot_is_used_anew),
	    LAW(lengths_are_bounded_and_some_must_not_be_empty),
	    LAW(a_message_is_bounded_over_all_its_pieces),
	    LAW(only_the_next_bytes_of_the_ring_can_be_named),
	    LAW(a_refusal_is_bounded_and_belongs_to_no_session),
	    LAW(sessions_are_counted_up_to_their_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
