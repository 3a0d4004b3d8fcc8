/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/model-pair.h"

/* Both nodes at once, in every order of their commands. */

struct scene {
	struct model_array array;
	struct barring machines[RESERVATION_NODES];
};

struct walk {
	bool is_in_order; /* of the commands of one round */
	bool has_mishaps; /* any command may get no answer, done or not */
	void (*check)(const struct scene *scene);
	unsigned ends, done[RESERVATION_NODES];
};

static void explore(const struct scene *scene, struct walk *walk);

static void
explore_command(const struct scene *scene, struct walk *walk, int node, int i)
{
	static const struct mishap mishaps[] = {{.at = -1}, {.at = 0, .status = -ETIMEDOUT},
	    {.at = 0, .status = -ETIMEDOUT, .is_done = true}};

	for (int m = 0; m < (walk->has_mishaps ? 3 : 1); m++) {
		struct scene next = *scene;
		struct mishap mishap = mishaps[m];

		pair_step(&next.machines[node], &next.array, i, &mishap);
		explore(&next, walk);
	}
}

static void
explore(const struct scene *scene, struct walk *walk)
{
	struct scene now = *scene;
	bool is_over = true;

	walk->check(&now);
	for (int node = 0; node < 2; node++) {
		struct barring *b = &now.machines[node];

		while (barring_next(b) >= 0)
			continue;
		for (unsigned i = 0; b->end == BARRING_UNDER_WAY && i < b->count; i++) {
			if (b->commands[i].is_ended || !b->commands[i].is_started)
				continue;
			is_over = false;
			explore_command(&now, walk, node, (int)i);
			if (walk->is_in_order)
				break;
		}
	}
	if (!is_over)
		return;
	walk->ends++;
	for (int node = 0; node < 2; node++)
		walk->done[node] += now.machines[node].end == BARRING_DONE;
}

static void
explore_from(struct walk *walk, enum barring_kind first, enum barring_kind second, uint64_t marked)
{
	struct scene scene = {.array = pair_array};

	barring_open(&scene.machines[0], first, &pair_places[0], 0);
	barring_open(&scene.machines[1], second, &pair_places[1], marked);
	explore(&scene, walk);
}

/* At every moment: who has a proof is right, so both never have one. */
static void
check_proofs(const struct scene *scene)
{
	for (int node = 0; node < 2; node++) {
		if (scene->machines[node].end != BARRING_DONE)
			continue;
		assert_false(model_array_can_write(&scene->array, !node));
		assert_true(model_array_can_write(&scene->array, node));
		assert_int_not_equal(scene->machines[!node].end, BARRING_DONE);
	}
}

static void
of_two_that_bar_each_other_exactly_one_does(void **state)
{
	(void)state;
	for (unsigned paths = 1; paths <= MODEL_PATHS; paths++) {
		struct walk walk = {.is_in_order = paths > 1, .check = check_proofs};

		pair_start(paths);
		explore_from(&walk, BARRING_BAR, BARRING_BAR, 0);
		assert_true(walk.ends > 1000);
		assert_true(walk.done[0] > 0 && walk.done[1] > 0);
		assert_int_equal(walk.done[0] + walk.done[1], walk.ends);
	}
}

static void
nor_do_both_when_answers_get_lost(void **state)
{
	struct walk walk = {.has_mishaps = true, .check = check_proofs};

	(void)state;
	pair_start(1);
	explore_from(&walk, BARRING_BAR, BARRING_BAR, 0);
	assert_true(walk.done[0] > 0 && walk.done[1] > 0);
	assert_true(walk.done[0] + walk.done[1] < walk.ends);
}

static void
nor_when_the_reservation_is_missing(void **state)
{
	struct walk walk = {.is_in_order = true, .check = check_proofs};

	(void)state;
	pair_start(1);
	pair_array.type = 0;
	explore_from(&walk, BARRING_BAR, BARRING_BAR, 0);
	assert_true(walk.done[0] > 0 && walk.done[1] > 0);
}

static void
check_bar(const struct scene *scene)
{
	if (scene->machines[0].end == BARRING_DONE)
		assert_false(model_array_can_write(&scene->array, 1));
}

static void
a_restarted_agent_never_undoes_it(void **state)
{
	struct walk walk = {.has_mishaps = true, .check = check_bar};

	(void)state;
	pair_start(1);
	explore_from(&walk, BARRING_BAR, BARRING_REGISTER, pair_key(1));
	assert_true(walk.done[0] > 0 && walk.done[1] > 0);
}

static uint64_t old_life;

static void
check_old_life(const struct scene *scene)
{
	if (scene->machines[0].end == BARRING_DONE)
		assert_false(model_array_has(&scene->array, old_life));
	if (scene->machines[1].end == BARRING_DONE)
		assert_int_equal(scene->array.type, RESERVATION_TYPE);
}

/* The peer comes back while it is barred. */
static void
a_life_that_was_barred_stays_so_while_the_next_registers(void **state)
{
	struct walk walk = {.has_mishaps = true, .is_in_order = true, .check = check_old_life};

	(void)state;
	pair_start(1);
	old_life = pair_key(1);
	pair_boot(1, 21, 1);
	explore_from(&walk, BARRING_BAR, BARRING_REGISTER, 0);
	assert_true(walk.done[0] > 0 && walk.done[1] > 0);
}

static void
check_registered(const struct scene *scene)
{
	for (int node = 0; node < 2; node++) {
		if (scene->machines[node].end != BARRING_DONE)
			continue;
		assert_true(model_array_has(&scene->array, pair_key(node)));
		assert_int_equal(scene->array.type, RESERVATION_TYPE);
	}
}

static void
two_that_register_at_once_both_do(void **state)
{
	struct walk walk = {.check = check_registered};

	(void)state;
	pair_array = (struct model_array){0};
	pair_boot(0, 10, 1);
	pair_boot(1, 20, 1);
	explore_from(&walk, BARRING_REGISTER, BARRING_REGISTER, 0);
	assert_int_equal(walk.done[0], walk.ends);
	assert_int_equal(walk.done[1], walk.ends);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_two_that_bar_each_other_exactly_one_does),
	    cmocka_unit_test(nor_do_both_when_answers_get_lost),
	    cmocka_unit_test(nor_when_the_reservation_is_missing),
	    cmocka_unit_test(a_restarted_agent_never_undoes_it),
	    cmocka_unit_test(a_life_that_was_barred_stays_so_while_the_next_registers),
	    cmocka_unit_test(two_that_register_at_once_both_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
