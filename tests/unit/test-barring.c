/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent/sg-status.h"
#include "tests/unit/model-pair.h"

static const struct mishap none = {.at = -1};

static int
empty_array(void **state)
{
	(void)state;
	pair_array = (struct model_array){0};
	pair_boot(0, 10, MODEL_PATHS);
	pair_boot(1, 20, MODEL_PATHS);
	return 0;
}

static int
both_registered(void **state)
{
	(void)state;
	pair_start(MODEL_PATHS);
	return 0;
}

static bool
is_unchanged(const struct model_array *before)
{
	return memcmp(before->keys, pair_array.keys, sizeof(pair_array.keys)) == 0 &&
	       before->generation == pair_array.generation && before->type == pair_array.type &&
	       before->holder_host == pair_array.holder_host &&
	       before->holder_path == pair_array.holder_path;
}

static void
who_registers_is_there_on_every_path_and_the_reservation_is_made(void **state)
{
	(void)state;
	assert_int_equal(pair_run(0, BARRING_REGISTER, 0).end, BARRING_DONE);
	for (int path = 0; path < MODEL_PATHS; path++)
		assert_int_equal(pair_array.keys[0][path], pair_key(0));
	assert_int_equal(pair_array.type, RESERVATION_TYPE);
	assert_false(model_array_can_write(&pair_array, 1));
	assert_int_equal(pair_run(1, BARRING_REGISTER, 0).end, BARRING_DONE);
	assert_true(model_array_can_write(&pair_array, 0));
	assert_true(model_array_can_write(&pair_array, 1));
	assert_int_equal(pair_run(0, BARRING_CHECK, 0).end, BARRING_DONE);
	assert_int_equal(pair_run(1, BARRING_CHECK, 0).end, BARRING_DONE);
}

static void
who_bars_has_barred_the_other_and_nobody_else(void **state)
{
	struct barring b = pair_run(0, BARRING_BAR, 0);

	(void)state;
	assert_int_equal(b.end, BARRING_DONE);
	assert_false(model_array_can_write(&pair_array, 1));
	assert_true(model_array_can_write(&pair_array, 0));
	assert_int_equal(pair_run(0, BARRING_CHECK, 0).end, BARRING_DONE);
	assert_int_equal(pair_run(1, BARRING_CHECK, 0).end, BARRING_GONE);
	/* What it shows. */
	assert_int_equal(b.victim_count, 1);
	assert_int_equal(b.victims[0], pair_key(1));
	assert_true(reservation_has_key(&b.first.keys[1], pair_key(1)));
	assert_false(reservation_has_key(&b.last.keys[1], pair_key(1)));
	assert_int_not_equal(b.first.keys[0].generation, b.last.keys[0].generation);
}

/* The takeover waits for it: a look, one command, a look. */
static void
barring_takes_three_rounds(void **state)
{
	struct mishap mishap = none;

	(void)state;
	pair_run_with(0, BARRING_BAR, 0, &mishap);
	assert_int_equal(mishap.commands, 2 * MODEL_PATHS + 1 + 2 * MODEL_PATHS);
}

static void
who_is_barred_bars_nobody(void **state)
{
	struct model_array before;

	(void)state;
	pair_run(0, BARRING_BAR, 0);
	before = pair_array;
	assert_int_equal(pair_run(1, BARRING_BAR, 0).end, BARRING_GONE);
	assert_true(is_unchanged(&before));
}

/* An array that has lost its keys, or answers with nothing: both nodes would reset themselves. */
static void
without_any_key_nobody_is_gone(void **state)
{
	static const enum barring_kind kinds[] = {BARRING_CHECK, BARRING_BAR};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		memset(pair_array.keys, 0, sizeof(pair_array.keys));
		assert_int_equal(pair_run(0, kinds[i], 0).end, BARRING_UNKNOWN);
	}
	assert_int_equal(pair_run(0, BARRING_REGISTER, pair_key(0)).end, BARRING_UNKNOWN);
}

static void
a_peer_without_key_is_barred_already(void **state)
{
	struct barring b;

	(void)state;
	pair_run(0, BARRING_REGISTER, 0);
	b = pair_run(0, BARRING_BAR, 0);
	assert_int_equal(b.end, BARRING_DONE);
	assert_int_equal(b.victim_count, 0);
}

/* An agent that was restarted must not undo what its peer relies on. */
static void
who_was_barred_does_not_register_again_in_this_life(void **state)
{
	struct model_array before;

	(void)state;
	pair_run(0, BARRING_BAR, 0);
	before = pair_array;
	assert_int_equal(pair_run(1, BARRING_REGISTER, pair_key(1)).end, BARRING_GONE);
	assert_true(is_unchanged(&before));
	assert_false(model_array_can_write(&pair_array, 1));
}

static void
who_is_registered_and_restarts_changes_nothing(void **state)
{
	struct model_array before = pair_array;

	(void)state;
	assert_int_equal(pair_run(1, BARRING_REGISTER, pair_key(1)).end, BARRING_DONE);
	assert_true(is_unchanged(&before));
}

static void
a_new_life_registers_and_the_keys_of_the_old_go(void **state)
{
	uint64_t old = pair_key(1);

	(void)state;
	/* The second path has another initiator's name since then, so its key would stay. */
	pair_array.keys[MODEL_STRANGER][0] = old;
	pair_boot(1, 21, MODEL_PATHS);
	assert_int_equal(pair_run(1, BARRING_REGISTER, old).end, BARRING_DONE);
	assert_false(model_array_has(&pair_array, old));
	assert_true(model_array_has(&pair_array, pair_key(1)));
	assert_true(model_array_has(&pair_array, pair_key(0)));
	assert_int_equal(pair_array.type, RESERVATION_TYPE);
}

static void
a_reservation_of_the_old_life_is_taken_over(void **state)
{
	uint64_t old = pair_key(0);

	(void)state;
	pair_array.keys[MODEL_STRANGER][0] = old;
	pair_array.holder_host = MODEL_STRANGER;
	pair_array.holder_path = 0;
	pair_boot(0, 11, MODEL_PATHS);
	assert_int_equal(pair_run(0, BARRING_REGISTER, 0).end, BARRING_DONE);
	assert_false(model_array_has(&pair_array, old));
	assert_int_equal(pair_array.type, RESERVATION_TYPE);
	assert_int_equal(pair_array.holder_host, 0);
}

static void
all_lives_of_the_peer_are_barred(void **state)
{
	(void)state;
	pair_array.keys[MODEL_STRANGER][0] = pair_key(1);
	pair_boot(1, 21, MODEL_PATHS);
	pair_array.keys[1][0] = pair_key(1);
	assert_int_equal(pair_run(0, BARRING_BAR, 0).end, BARRING_DONE);
	assert_false(model_array_can_write(&pair_array, 1));
	assert_false(model_array_can_write(&pair_array, MODEL_STRANGER));
}

/* It could be the peer's, registered by something else there. */
static void
beside_a_stranger_nothing_is_proved_and_nothing_changed(void **state)
{
	struct model_array before;

	(void)state;
	pair_array.keys[MODEL_STRANGER][1] = 0x123abc;
	before = pair_array;
	for (int kind = BARRING_REGISTER; kind <= BARRING_BAR; kind++) {
		struct barring b = pair_run(0, (enum barring_kind)kind, 0);

		assert_int_equal(b.end, kind == BARRING_CHECK ? BARRING_DONE : BARRING_UNKNOWN);
		assert_true(kind == BARRING_CHECK || strstr(b.sentence, "0000000000123abc"));
		assert_true(is_unchanged(&before));
	}
}

static void
a_reservation_of_another_type_proves_nothing_and_is_left_alone(void **state)
{
	static const unsigned types[] = {1, 3, 6, 7};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct model_array before;

		both_registered(state);
		pair_array.type = types[i];
		before = pair_array;
		assert_int_equal(pair_run(0, BARRING_REGISTER, 0).end, BARRING_UNKNOWN);
		assert_int_equal(pair_run(0, BARRING_BAR, 0).end, BARRING_UNKNOWN);
		assert_true(is_unchanged(&before));
	}
}

static void
without_reservation_it_is_made_before_the_peer_is_barred(void **state)
{
	(void)state;
	pair_array.type = 0;
	assert_int_equal(pair_run(0, BARRING_BAR, 0).end, BARRING_DONE);
	assert_int_equal(pair_array.type, RESERVATION_TYPE);
	assert_false(model_array_can_write(&pair_array, 1));
}

/* Bar, and let the peer register (key) and the pair_array lose ours, between preemption and look.
 */
static struct barring
bar_while(uint64_t key, bool is_lost)
{
	struct mishap mishap = none;
	struct barring b;

	barring_open(&b, BARRING_BAR, &pair_places[0], 0);
	while (b.end == BARRING_UNDER_WAY) {
		int i = barring_next(&b);

		if (b.has_preempted && b.is_looking) {
			pair_array.keys[1][0] = key;
			if (is_lost)
				memset(pair_array.keys[0], 0, sizeof(pair_array.keys[0]));
		}
		pair_step(&b, &pair_array, i, &mishap);
	}
	assert_int_equal(b.end, BARRING_UNKNOWN);
	assert_int_equal(b.looks, 2);
	return b;
}

static void
who_is_barred_while_it_bars_has_proved_nothing(void **state)
{
	(void)state;
	assert_non_null(strstr(bar_while(0, true).sentence, "barred itself"));
}

static void
a_peer_that_registers_meanwhile_is_not_barred(void **state)
{
	(void)state;
	assert_non_null(strstr(bar_while(pair_key(1) + 1, false).sentence, "again"));
	assert_true(model_array_has(&pair_array, pair_key(1) + 1));
}

/* It may have written without being registered, and may do so still. */
static void
without_reservation_and_key_of_the_peer_nothing_is_proved(void **state)
{
	(void)state;
	pair_run(0, BARRING_REGISTER, 0);
	pair_array.type = 0;
	assert_int_equal(pair_run(0, BARRING_BAR, 0).end, BARRING_UNKNOWN);
	assert_int_equal(pair_array.type, 0);
}

static void
a_missing_reservation_is_made_again_by_who_registers(void **state)
{
	(void)state;
	pair_array.type = 0;
	assert_int_equal(pair_run(1, BARRING_REGISTER, pair_key(1)).end, BARRING_DONE);
	assert_int_equal(pair_array.type, RESERVATION_TYPE);
}

static void
two_disks_are_not_one(void **state)
{
	static const char other[] = "  PR generation=0x2, 1 registered reservation key follows:\n"
				    "    0x6704d00a01020304\n";

	(void)state;
	assert_int_equal(pair_key(0), 0x6704d00a01020304);
	for (int kind = BARRING_REGISTER; kind <= BARRING_BAR; kind++) {
		/* The second path's answer. */
		struct mishap mishap = {.at = kind == BARRING_CHECK ? 1 : 2, .text = other};
		struct barring b = pair_run_with(0, (enum barring_kind)kind, 0, &mishap);

		assert_int_equal(b.end, BARRING_UNKNOWN);
		assert_non_null(strstr(b.sentence, "not one disk"));
	}
	assert_true(model_array_can_write(&pair_array, 1));
}

static void
who_has_another_name_in_the_same_life_has_to_reboot(void **state)
{
	struct model_array before = pair_array;
	struct barring b;

	(void)state;
	b = pair_run(0, BARRING_REGISTER, reservation_key(PAIR, 1, &pair_places[0].boot));
	assert_int_equal(b.end, BARRING_UNKNOWN);
	b = pair_run(0, BARRING_REGISTER, reservation_key(PAIR + 1, 0, &pair_places[0].boot));
	assert_int_equal(b.end, BARRING_UNKNOWN);
	assert_true(is_unchanged(&before));
}

static void
a_unit_attention_is_only_asked_again(void **state)
{
	for (int kind = BARRING_REGISTER; kind <= BARRING_BAR; kind++)
		for (int at = 0; at < 3 * MODEL_PATHS; at++) {
			struct mishap mishap = {.at = at, .status = SG_ATTENTION};

			both_registered(state);
			assert_int_equal(pair_run_with(0, (enum barring_kind)kind, 0, &mishap).end,
			    BARRING_DONE);
		}
}

static void
attentions_without_end_are_an_end(void **state)
{
	struct barring b;
	int i, asked = 0;

	(void)state;
	barring_open(&b, BARRING_CHECK, &pair_places[0], 0);
	while ((i = barring_next(&b)) >= 0) {
		asked++;
		barring_ended(&b, (unsigned)i, SG_ATTENTION, slice_of(""));
	}
	assert_int_equal(b.end, BARRING_UNKNOWN);
	assert_int_equal(asked, BARRING_ATTENTIONS_MAX + 1);
}

/* Nobody knows what became of it; at worst it was done. */
static void
a_command_that_fails_anywhere_proves_nothing(void **state)
{
	static const struct mishap mishaps[] = {
	    {.status = -ETIMEDOUT},
	    {.status = -ETIMEDOUT, .is_done = true},
	    {.status = -EINTR, .is_done = true},
	    {.status = -ENOENT},
	    {.status = -EOVERFLOW},
	    {.status = SG_SYNTAX},
	    {.status = SG_NOT_READY},
	    {.status = SG_ILLEGAL},
	    {.status = SG_CONFLICT},
	    {.status = SG_BUSY},
	    {.status = SG_ERRNO + ENXIO},
	    {.status = 99, .is_done = true},
	};

	for (int kind = BARRING_REGISTER; kind <= BARRING_BAR; kind++)
		for (size_t m = 0; m < sizeof(mishaps) / sizeof(*mishaps); m++)
			for (int at = 0;; at++) {
				struct mishap mishap = mishaps[m];
				struct barring b;

				mishap.at = at;
				if (kind == BARRING_REGISTER)
					empty_array(state);
				else
					both_registered(state);
				b = pair_run_with(0, (enum barring_kind)kind, 0, &mishap);
				if (mishap.commands <= at) {
					assert_int_equal(b.end, BARRING_DONE);
					break;
				}
				assert_int_equal(b.end, BARRING_UNKNOWN);
				/* The next time it is well, whatever the pair_array has done. */
				b = pair_run(0, (enum barring_kind)kind, 0);
				assert_int_equal(b.end, BARRING_DONE);
			}
}

/* What a look has seen all the same: one dead path does not hide the disk. */
static void
a_key_is_seen_on_a_path_and_missing_on_none(void **state)
{
	static const char other[] = "  PR generation=0x2, 1 registered reservation key follows:\n"
				    "    0x6704d00a01020304\n";
	struct mishap dead = {.at = 0, .status = SG_NOT_READY}, foreign = {.at = 0, .text = other};
	struct barring b = pair_run_with(1, BARRING_CHECK, 0, &dead);

	(void)state;
	assert_int_equal(b.end, BARRING_UNKNOWN);
	assert_true(barring_saw_key(&b));
	b = pair_run(1, BARRING_CHECK, 0);
	assert_true(barring_saw_key(&b));
	b = pair_run_with(1, BARRING_CHECK, 0, &foreign);
	assert_false(barring_saw_key(&b));
	pair_run(0, BARRING_BAR, 0);
	dead.commands = 0;
	b = pair_run_with(1, BARRING_CHECK, 0, &dead);
	assert_false(barring_saw_key(&b));
	pair_start(1);
	dead.commands = 0;
	b = pair_run_with(1, BARRING_CHECK, 0, &dead);
	assert_false(barring_saw_key(&b));
}

/* On one path: a second one would show that something is wrong. */
static void
an_unclear_answer_anywhere_proves_nothing(void **state)
{
	static const char *const texts[] = {
	    "", "  PR generation=0x1, \n", "Reservation follows:\n"};
	static const int reads[] = {0, 1, 3, 4};

	(void)state;
	for (int kind = BARRING_CHECK; kind <= BARRING_BAR; kind++)
		for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++)
			for (size_t i = 0; i < (kind == BARRING_CHECK ? 1 : 4); i++) {
				struct mishap mishap = {.at = reads[i], .text = texts[t]};
				struct barring b;

				pair_start(1);
				b = pair_run_with(0, (enum barring_kind)kind, 0, &mishap);
				assert_int_equal(b.end, BARRING_UNKNOWN);
				assert_non_null(strstr(b.sentence, "not clear"));
			}
}

/* sg_persist shows an answer without content so. */
static void
an_array_that_answers_with_nothing_proves_nothing(void **state)
{
	static const char nothing[] =
	    "  PR generation=0x0, there are NO registered reservation keys\n";
	static const char free_text[] = "  PR generation=0x0, there is NO reservation held\n";

	for (int at = 5; at < 9; at++) {
		struct mishap mishap = {.at = at, .text = at % 2 ? nothing : free_text};

		both_registered(state);
		assert_int_equal(pair_run_with(0, BARRING_BAR, 0, &mishap).end, BARRING_UNKNOWN);
	}
}

static void
a_round_ends_when_all_of_it_has_ended(void **state)
{
	struct barring b;

	(void)state;
	barring_open(&b, BARRING_BAR, &pair_places[0], 0);
	for (int i = 0; i < 2 * MODEL_PATHS; i++)
		assert_int_equal(barring_next(&b), i);
	assert_int_equal(barring_next(&b), -1);
	barring_ended(&b, 2, -ETIMEDOUT, slice_of(""));
	/* One that has to be asked again, after another has failed, is not. */
	barring_ended(&b, 0, SG_ATTENTION, slice_of(""));
	assert_int_equal(barring_next(&b), -1);
	barring_ended(&b, 1, SG_BUSY, slice_of(""));
	assert_int_equal(b.end, BARRING_UNDER_WAY);
	barring_ended(&b, 3, SG_BUSY, slice_of(""));
	assert_int_equal(b.end, BARRING_UNKNOWN);
	assert_non_null(strstr(b.sentence, "--read-keys on /dev/sdb"));
}

static void
too_many_keys_of_the_peer_are_an_error(void **state)
{
	char text[2048];
	int n = sprintf(text, "  PR generation=0x9, %u registered reservation keys follow:\n",
	    BARRING_VICTIMS_MAX + 2);
	struct mishap mishap = {.at = 0, .text = text};
	struct barring b;

	(void)state;
	pair_boot(0, 10, 1);
	n += sprintf(text + n, "    0x%llx\n", (unsigned long long)pair_key(0));
	for (unsigned i = 0; i <= BARRING_VICTIMS_MAX; i++)
		n += sprintf(text + n, "    0x%llx\n", (unsigned long long)pair_key(1) + i);
	b = pair_run_with(0, BARRING_BAR, 0, &mishap);
	assert_int_equal(b.end, BARRING_UNKNOWN);
	assert_true(model_array_can_write(&pair_array, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		who_registers_is_there_on_every_path_and_the_reservation_is_made, empty_array),
	    cmocka_unit_test_setup(who_bars_has_barred_the_other_and_nobody_else, both_registered),
	    cmocka_unit_test_setup(barring_takes_three_rounds, both_registered),
	    cmocka_unit_test_setup(who_is_barred_bars_nobody, both_registered),
	    cmocka_unit_test_setup(without_any_key_nobody_is_gone, both_registered),
	    cmocka_unit_test_setup(a_peer_without_key_is_barred_already, empty_array),
	    cmocka_unit_test_setup(
		who_was_barred_does_not_register_again_in_this_life, both_registered),
	    cmocka_unit_test_setup(who_is_registered_and_restarts_changes_nothing, both_registered),
	    cmocka_unit_test_setup(
		a_new_life_registers_and_the_keys_of_the_old_go, both_registered),
	    cmocka_unit_test_setup(a_reservation_of_the_old_life_is_taken_over, both_registered),
	    cmocka_unit_test_setup(all_lives_of_the_peer_are_barred, both_registered),
	    cmocka_unit_test_setup(
		beside_a_stranger_nothing_is_proved_and_nothing_changed, both_registered),
	    cmocka_unit_test_setup(
		a_reservation_of_another_type_proves_nothing_and_is_left_alone, both_registered),
	    cmocka_unit_test_setup(
		without_reservation_it_is_made_before_the_peer_is_barred, both_registered),
	    cmocka_unit_test_setup(
		without_reservation_and_key_of_the_peer_nothing_is_proved, empty_array),
	    cmocka_unit_test_setup(who_is_barred_while_it_bars_has_proved_nothing, both_registered),
	    cmocka_unit_test_setup(a_peer_that_registers_meanwhile_is_not_barred, both_registered),
	    cmocka_unit_test_setup(
		a_missing_reservation_is_made_again_by_who_registers, both_registered),
	    cmocka_unit_test_setup(two_disks_are_not_one, both_registered),
	    cmocka_unit_test_setup(
		who_has_another_name_in_the_same_life_has_to_reboot, both_registered),
	    cmocka_unit_test_setup(a_unit_attention_is_only_asked_again, both_registered),
	    cmocka_unit_test_setup(attentions_without_end_are_an_end, both_registered),
	    cmocka_unit_test_setup(a_key_is_seen_on_a_path_and_missing_on_none, both_registered),
	    cmocka_unit_test_setup(a_command_that_fails_anywhere_proves_nothing, empty_array),
	    cmocka_unit_test_setup(an_unclear_answer_anywhere_proves_nothing, both_registered),
	    cmocka_unit_test_setup(
		an_array_that_answers_with_nothing_proves_nothing, both_registered),
	    cmocka_unit_test_setup(a_round_ends_when_all_of_it_has_ended, both_registered),
	    cmocka_unit_test_setup(too_many_keys_of_the_peer_are_an_error, both_registered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
