/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue that is longer than a page and than a transaction.
 */
#include "tests/unit/spool-world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MANY 1300
#define LAST (MANY - 1)

/* Messages that have moved from the journal to the queue file. */
static void
fill_queue(void)
{
	open_spool();
	for (int i = 0; i < MANY; i++) {
		commit_bytes("text", 4);
		spool_dispatch(world.spool);
	}
	tick(100);
	assert_int_equal(world.arrived, MANY);
}

static struct message *
find(message_id id)
{
	for (int i = 0; i < world.arrived; i++)
		if (world.messages[i]->id == id)
			return world.messages[i];
	return NULL;
}

/* Prepared is renamed; what is renamed and not known to be prepared is delivered again. */
static void
prepared_is_durable_however_much_was_said_before(void **state)
{
	struct spool_mark mark;
	int is_prepared = 0;
	message_id id;

	(void)state;
	fill_queue();
	mark = (struct spool_mark){world.messages[LAST], 0};
	id = mark.message->id;
	for (int i = 0; i < LAST; i++)
		spool_settle(world.spool, world.messages[i], 0, OUTCOME_DEFERRED, "later");
	spool_prepare(world.spool, &mark, 1, &is_prepared);
	for (int i = 0; i < 100 && !is_prepared; i++)
		spool_dispatch(world.spool);
	assert_int_equal(is_prepared, 1);
	crash();
	open_spool();
	tick(10);
	assert_int_equal(world.arrived, MANY);
	assert_non_null(find(id));
	assert_int_equal(find(id)->outcomes[0], OUTCOME_PREPARED);
}

static void
what_is_not_loaded_yet_is_known(void **state)
{
	message_id id;

	(void)state;
	fill_queue();
	id = world.messages[LAST]->id;
	crash();
	open_spool();
	assert_true(world.arrived < MANY);
	assert_null(find(id));
	assert_int_equal(spool_has(world.spool, id), 1);
	assert_int_equal(spool_has(world.spool, world.messages[0]->id), 1);
	assert_int_equal(spool_has(world.spool, id + 1), 0);
}

/* The lease is given for it, and a long replay must not hold that up. */
static void
the_generation_is_told_before_the_replay(void **state)
{
	(void)state;
	open_spool();
	assert_int_equal(world.raised, spool_generation(world.spool));
	commit_one('x');
	crash();
	open_spool();
	assert_int_equal(world.arrived, 1);
	assert_int_equal(world.raised, spool_generation(world.spool));
	assert_int_equal(world.arrived_before, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		prepared_is_durable_however_much_was_said_before, world_begin, world_end),
	    cmocka_unit_test_setup_teardown(
		what_is_not_loaded_yet_is_known, world_begin, world_end),
	    cmocka_unit_test_setup_teardown(
		the_generation_is_told_before_the_replay, world_begin, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
