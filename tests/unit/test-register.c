/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "witness/register.h"

#define A 0
#define B 1
#define BOTH 3
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct id128
id(uint8_t n)
{
	return (struct id128){{n}};
}

#define UUID id(0xee)
/* The boot id of a node's n-th life. */
#define LIFE(node, n) id((uint8_t)((node)*16 + (n)))

static struct register_ask
ask(enum register_verb verb, uint8_t node, uint64_t epoch)
{
	return (struct register_ask){.verb = verb,
	    .uuid = UUID,
	    .epoch = epoch,
	    .node = node,
	    .boot = LIFE(node, 1),
	    .peer_boot = LIFE(!node, 1)};
}

static struct register_row
row(uint64_t epoch, uint8_t members)
{
	return (struct register_row){
	    .uuid = UUID, .epoch = epoch, .members = members, .boots = {LIFE(A, 1), LIFE(B, 1)}};
}

static enum register_verdict
apply(struct register_row *r, enum register_verb verb, uint8_t node, uint64_t epoch)
{
	struct register_ask question = ask(verb, node, epoch);

	return register_apply(r, &question);
}

/* A pair's life, moment by moment. */
static void
a_pair_parts_and_comes_together_again(void **state)
{
	static const struct {
		enum register_verb verb;
		uint8_t node;
		uint64_t epoch;
		enum register_verdict verdict;
		uint64_t epoch_after;
		uint8_t members_after;
	} moments[] = {
	    {REGISTER_GRANT, A, 1, REGISTER_ABSENT, 0, 0},
	    {REGISTER_CREATE, A, 1, REGISTER_CHANGED, 1, BOTH},
	    {REGISTER_CREATE, B, 1, REGISTER_SAME, 1, BOTH},
	    {REGISTER_ADMIT, A, 1, REGISTER_EXCLUDED, 1, BOTH},
	    {REGISTER_GRANT, B, 1, REGISTER_CHANGED, 2, 1 << B},
	    {REGISTER_GRANT, B, 1, REGISTER_SAME, 2, 1 << B},
	    {REGISTER_GRANT, A, 1, REGISTER_OUTDATED, 2, 1 << B},
	    {REGISTER_GRANT, A, 2, REGISTER_EXCLUDED, 2, 1 << B},
	    {REGISTER_ADMIT, A, 2, REGISTER_EXCLUDED, 2, 1 << B},
	    {REGISTER_RENEW, A, 2, REGISTER_EXCLUDED, 2, 1 << B},
	    {REGISTER_ADMIT, B, 2, REGISTER_CHANGED, 3, BOTH},
	    {REGISTER_ADMIT, B, 2, REGISTER_SAME, 3, BOTH},
	    {REGISTER_GRANT, B, 1, REGISTER_OUTDATED, 3, BOTH},
	    {REGISTER_GRANT, A, 3, REGISTER_CHANGED, 4, 1 << A},
	    {REGISTER_GRANT, A, 4, REGISTER_CHANGED, 5, 1 << A},
	    {REGISTER_READ, B, 1, REGISTER_SAME, 5, 1 << A},
	};
	struct register_row r = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(moments); i++) {
		assert_int_equal(apply(&r, moments[i].verb, moments[i].node, moments[i].epoch),
		    moments[i].verdict);
		assert_int_equal(r.epoch, moments[i].epoch_after);
		assert_int_equal(r.members, moments[i].members_after);
	}
	assert_true(register_is_sole(&r, A));
	assert_false(register_is_sole(&r, B));
}

static void
another_uuid_is_granted_nothing(void **state)
{
	struct register_row r = row(7, BOTH);
	struct register_row before = r;

	(void)state;
	for (int verb = REGISTER_GRANT; verb <= REGISTER_RENEW; verb++) {
		struct register_ask question = ask((enum register_verb)verb, A, 7);

		question.uuid = id(0xdd);
		assert_int_equal(register_apply(&r, &question), REGISTER_UNKNOWN);
		assert_memory_equal(&r, &before, sizeof(r));
	}
}

static void
an_older_life_gets_nothing_until_it_is_renewed(void **state)
{
	struct register_row r = row(7, BOTH);
	struct register_ask question = ask(REGISTER_GRANT, A, 7);

	(void)state;
	question.boot = LIFE(A, 2);
	assert_int_equal(register_apply(&r, &question), REGISTER_OTHER_LIFE);
	question.verb = REGISTER_RENEW;
	assert_int_equal(register_apply(&r, &question), REGISTER_CHANGED);
	assert_int_equal(register_apply(&r, &question), REGISTER_SAME);
	assert_int_equal(r.epoch, 7);
	question.verb = REGISTER_GRANT;
	assert_int_equal(register_apply(&r, &question), REGISTER_CHANGED);
	assert_int_equal(r.epoch, 8);
	/* The grant was to that life; a later one renews first. */
	question.boot = LIFE(A, 3);
	assert_int_equal(register_apply(&r, &question), REGISTER_OTHER_LIFE);
}

static void
who_is_admitted_is_a_member_in_that_life_only(void **state)
{
	struct register_row r = row(7, 1 << A);
	struct register_ask question = ask(REGISTER_ADMIT, A, 7);

	(void)state;
	question.peer_boot = LIFE(B, 2);
	assert_int_equal(register_apply(&r, &question), REGISTER_CHANGED);
	assert_int_equal(apply(&r, REGISTER_GRANT, B, 8), REGISTER_OTHER_LIFE);
	question = ask(REGISTER_GRANT, B, 8);
	question.boot = LIFE(B, 2);
	assert_int_equal(register_apply(&r, &question), REGISTER_CHANGED);
}

static void
a_row_that_is_there_is_not_created_over(void **state)
{
	struct register_row r = row(7, BOTH);
	struct register_row before = r;
	struct register_ask question = ask(REGISTER_CREATE, A, 1);

	(void)state;
	assert_int_equal(register_apply(&r, &question), REGISTER_EXISTS);
	question.epoch = 7;
	question.boot = LIFE(A, 2);
	assert_int_equal(register_apply(&r, &question), REGISTER_EXISTS);
	r.members = before.members = 1 << B;
	question.boot = LIFE(A, 1);
	assert_int_equal(register_apply(&r, &question), REGISTER_EXISTS);
	assert_memory_equal(&r, &before, sizeof(r));
}

static void
what_makes_no_sense_is_refused(void **state)
{
	struct register_row r = row(7, BOTH);
	struct register_row before = r;
	struct register_ask questions[7];

	(void)state;
	for (size_t i = 0; i < COUNT(questions); i++)
		questions[i] = ask(REGISTER_ADMIT, A, 7);
	questions[0].verb = (enum register_verb)0;
	questions[1].verb = (enum register_verb)(REGISTER_RENEW + 1);
	questions[2].node = REGISTER_NODES;
	questions[3].boot = id(0);
	questions[4].peer_boot = id(0);
	questions[5].epoch = 0;
	questions[6].epoch = UINT64_MAX;
	for (size_t i = 0; i < COUNT(questions); i++)
		assert_int_equal(register_apply(&r, &questions[i]), REGISTER_MALFORMED);
	assert_memory_equal(&r, &before, sizeof(r));
}

static void
check_step(const struct register_row *from, const struct register_ask *question,
    enum register_verdict verdict, const struct register_row *to)
{
	uint8_t node = question->node;

	if (verdict != REGISTER_CHANGED) {
		assert_memory_equal(from, to, sizeof(*from));
		return;
	}
	assert_true(memcmp(from, to, sizeof(*from)) != 0);
	assert_true(to->epoch == from->epoch || to->epoch == from->epoch + 1);
	assert_true(to->members >= 1 && to->members <= BOTH);
	/* Whoever changes it was a member, in this life or a later one of a member. */
	assert_true(from->members >> node & 1);
	assert_true(to->members >> node & 1);
	if (to->epoch == from->epoch)
		assert_int_equal(to->members, from->members);
	/* The other comes in only by the one that was alone. */
	if (to->members == BOTH && from->members != BOTH)
		assert_true(register_is_sole(from, node));
	/* The other's life is not changed but by an admission. */
	if (question->verb != REGISTER_ADMIT)
		assert_memory_equal(&from->boots[!node], &to->boots[!node], sizeof(struct id128));
}

/* Every question of two nodes in two lives each, at every row that can be reached. */
static void
no_question_at_any_row_breaks_a_law(void **state)
{
	struct register_row *rows = calloc(20000, sizeof(*rows));
	size_t count = 1, changes = 0;

	(void)state;
	assert_non_null(rows);
	rows[0] = row(1, BOTH);
	for (size_t i = 0; i < count; i++)
		for (int code = 0; code < 4 * 2 * 2 * 2 * 6; code++) {
			struct register_row to = rows[i];
			uint8_t node = (uint8_t)(code >> 2 & 1);
			struct register_ask question = {
			    .verb = (enum register_verb)(
				(code & 3) == 0 ? REGISTER_READ : REGISTER_CREATE + (code & 3)),
			    .uuid = UUID,
			    .node = node,
			    .boot = LIFE(node, 1 + (code >> 3 & 1)),
			    .peer_boot = LIFE(!node, 1 + (code >> 4 & 1)),
			    .epoch = 1 + (uint64_t)(code >> 5),
			};
			enum register_verdict verdict = register_apply(&to, &question);
			bool is_new = verdict == REGISTER_CHANGED;

			check_step(&rows[i], &question, verdict, &to);
			changes += is_new;
			for (size_t j = 0; is_new && j < count; j++)
				is_new = memcmp(&rows[j], &to, sizeof(to)) != 0;
			if (is_new) {
				assert_true(count < 20000);
				rows[count++] = to;
			}
		}
	assert_true(count > 50 && changes > count);
	free(rows);
}

static void
every_verdict_has_a_sentence(void **state)
{
	(void)state;
	for (int v = 0; v < REGISTER_VERDICTS; v++)
		assert_non_null(register_verdict_text((enum register_verdict)v));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_pair_parts_and_comes_together_again),
	    cmocka_unit_test(another_uuid_is_granted_nothing),
	    cmocka_unit_test(an_older_life_gets_nothing_until_it_is_renewed),
	    cmocka_unit_test(who_is_admitted_is_a_member_in_that_life_only),
	    cmocka_unit_test(a_row_that_is_there_is_not_created_over),
	    cmocka_unit_test(what_makes_no_sense_is_refused),
	    cmocka_unit_test(no_question_at_any_row_breaks_a_law),
	    cmocka_unit_test(every_verdict_has_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
