// SPDX-License-Identifier: BSD-2-Clause
/* The lab array's reservations: the rules, and what its disks share of them. */
#include "tests/lab/persist.h"
#include "tests/lab/side.h"

#include <pthread.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define A 0
#define B 1
#define KEY_A 0xa
#define KEY_B 0xb
#define BIT(n) (UINT32_C(1) << (n))

static enum persist_status
out(struct persist *p, uint32_t who, enum persist_action action, uint64_t key, uint64_t service_key)
{
	return persist_out(p, who,
	    &(struct persist_order){
		.action = action, .key = key, .service_key = service_key, .type = PERSIST_TYPE});
}

/* Both are registered, A holds the reservation. */
static struct persist
pair(void)
{
	struct persist p = {0};

	assert_int_equal(out(&p, A, PERSIST_REGISTER, 0, KEY_A), PERSIST_GOOD);
	assert_int_equal(out(&p, B, PERSIST_REGISTER_IGNORE, 0, KEY_B), PERSIST_GOOD);
	assert_int_equal(out(&p, A, PERSIST_RESERVE, KEY_A, 0), PERSIST_GOOD);
	return p;
}

static void
without_a_reservation_everybody_writes(void **state)
{
	struct persist p = {0};

	(void)state;
	assert_int_equal(persist_barred(&p), 0);
	out(&p, A, PERSIST_REGISTER, 0, KEY_A);
	assert_int_equal(persist_barred(&p), 0);
	out(&p, A, PERSIST_RESERVE, KEY_A, 0);
	assert_false(persist_barred(&p) & BIT(A));
	assert_true(persist_barred(&p) & BIT(B));
	out(&p, B, PERSIST_REGISTER, 0, KEY_B);
	assert_false(persist_barred(&p) & BIT(B));
}

static void
a_preempt_of_the_holder_takes_the_reservation(void **state)
{
	struct persist p = pair();

	(void)state;
	assert_int_equal(out(&p, B, PERSIST_PREEMPT_ABORT, KEY_B, KEY_A), PERSIST_GOOD);
	assert_int_equal(p.holder, B + 1);
	assert_int_equal(p.key[A], 0);
	assert_true(persist_barred(&p) & BIT(A));
	assert_false(persist_barred(&p) & BIT(B));
}

static void
a_preempt_by_the_holder_keeps_the_reservation(void **state)
{
	struct persist p = pair();

	(void)state;
	assert_int_equal(out(&p, A, PERSIST_PREEMPT, KEY_A, KEY_B), PERSIST_GOOD);
	assert_int_equal(p.holder, A + 1);
	assert_true(persist_barred(&p) & BIT(B));
}

static void
a_preempt_without_a_reservation_bars_nobody(void **state)
{
	struct persist p = pair();

	(void)state;
	assert_int_equal(out(&p, A, PERSIST_RELEASE, KEY_A, 0), PERSIST_GOOD);
	assert_int_equal(out(&p, A, PERSIST_PREEMPT, KEY_A, KEY_B), PERSIST_GOOD);
	assert_int_equal(p.key[B], 0);
	assert_int_equal(persist_barred(&p), 0);
}

static void
a_wrong_key_is_a_conflict_and_changes_nothing(void **state)
{
	static const enum persist_action actions[] = {PERSIST_REGISTER, PERSIST_RESERVE,
	    PERSIST_RELEASE, PERSIST_CLEAR, PERSIST_PREEMPT, PERSIST_PREEMPT_ABORT};
	struct persist before = pair();

	(void)state;
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		struct persist p = before;

		assert_int_equal(out(&p, B, actions[i], KEY_A, KEY_A), PERSIST_CONFLICT);
		assert_int_equal(out(&p, 2, actions[i], KEY_A, KEY_A), PERSIST_CONFLICT);
		if (actions[i] != PERSIST_REGISTER)
			assert_int_equal(out(&p, 2, actions[i], 0, KEY_A), PERSIST_CONFLICT);
		assert_memory_equal(&p, &before, sizeof(p));
	}
}

static void
a_reservation_has_one_holder(void **state)
{
	struct persist p = pair();

	(void)state;
	assert_int_equal(out(&p, B, PERSIST_RESERVE, KEY_B, 0), PERSIST_CONFLICT);
	assert_int_equal(out(&p, A, PERSIST_RESERVE, KEY_A, 0), PERSIST_GOOD);
	assert_int_equal(out(&p, B, PERSIST_RELEASE, KEY_B, 0), PERSIST_GOOD);
	assert_int_equal(p.holder, A + 1);
	assert_int_equal(out(&p, B, PERSIST_PREEMPT, KEY_B, 0xdead), PERSIST_CONFLICT);
	assert_int_equal(out(&p, B, PERSIST_PREEMPT, KEY_B, 0), PERSIST_ILLEGAL);
	assert_int_equal(
	    persist_out(
		&p, A, &(struct persist_order){.action = PERSIST_RESERVE, .key = KEY_A, .type = 1}),
	    PERSIST_ILLEGAL);
}

static void
a_holder_that_unregisters_releases(void **state)
{
	struct persist p = pair();

	(void)state;
	assert_int_equal(out(&p, A, PERSIST_REGISTER, KEY_A, 0), PERSIST_GOOD);
	assert_int_equal(p.holder, 0);
	assert_int_equal(persist_barred(&p), 0);
	p = pair();
	assert_int_equal(out(&p, B, PERSIST_CLEAR, KEY_B, 0), PERSIST_GOOD);
	assert_int_equal(p.holder, 0);
	assert_int_equal(p.key[A] | p.key[B], 0);
}

static void
the_generation_counts_what_changes_registrations(void **state)
{
	struct persist p = pair();

	(void)state;
	assert_int_equal(p.generation, 2);
	out(&p, A, PERSIST_RELEASE, KEY_A, 0);
	out(&p, A, PERSIST_RESERVE, KEY_A, 0);
	assert_int_equal(p.generation, 2);
	out(&p, A, PERSIST_PREEMPT, KEY_A, KEY_B);
	assert_int_equal(p.generation, 3);
	out(&p, A, PERSIST_CLEAR, KEY_A, 0);
	assert_int_equal(p.generation, 4);
}

/* ---- shared ---- */

static char path[64];
static struct side *sides[8];
static size_t n_sides;

static struct side *
join(uint32_t who)
{
	struct side *s = side_open(path, who);

	assert_non_null(s);
	sides[n_sides++] = s;
	return s;
}

static int
setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test-persist-%d", (int)getpid());
	unlink(path);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	while (n_sides > 0)
		side_close(&sides[--n_sides]);
	return unlink(path);
}

static enum persist_status
side_do(struct side *s, enum persist_action action, uint64_t key, uint64_t service_key)
{
	return side_out(
	    s, &(struct persist_order){
		   .action = action, .key = key, .service_key = service_key, .type = PERSIST_TYPE});
}

static void
who_was_barred_for_a_moment_finds_out(void **state)
{
	struct side *a = join(A);
	struct side *b = join(B);

	(void)state;
	side_do(a, PERSIST_REGISTER, 0, KEY_A);
	side_do(b, PERSIST_REGISTER, 0, KEY_B);
	side_do(a, PERSIST_RESERVE, KEY_A, 0);
	assert_false(side_was_expelled(b));
	assert_false(side_is_barred(b));
	side_do(a, PERSIST_PREEMPT_ABORT, KEY_A, KEY_B);
	assert_true(side_is_barred(b));
	assert_false(side_is_barred(a));
	side_do(b, PERSIST_REGISTER, 0, KEY_B);
	assert_false(side_is_barred(b));
	assert_true(side_was_expelled(b));
	assert_false(side_was_expelled(b));
	assert_false(side_was_expelled(a));
}

static void
who_joins_later_finds_the_same(void **state)
{
	struct side *b;
	struct persist p;

	(void)state;
	side_do(join(A), PERSIST_REGISTER, 0, KEY_A);
	side_do(join(A), PERSIST_RESERVE, KEY_A, 0);
	b = join(B);
	assert_true(side_is_barred(b));
	assert_false(side_was_expelled(b));
	side_read(b, &p);
	assert_int_equal(p.key[A], KEY_A);
	assert_int_equal(p.holder, A + 1);
}

static _Atomic bool is_preempted;

static void *
preempt(void *side)
{
	side_do(side, PERSIST_PREEMPT_ABORT, KEY_A, KEY_B);
	is_preempted = true;
	return NULL;
}

static void
a_preempt_waits_for_who_is_writing(void **state)
{
	struct side *a = join(A);
	struct side *b = join(B);
	pthread_t thread;

	(void)state;
	side_do(a, PERSIST_REGISTER, 0, KEY_A);
	side_do(b, PERSIST_REGISTER, 0, KEY_B);
	side_do(a, PERSIST_RESERVE, KEY_A, 0);
	side_hold(b);
	is_preempted = false;
	assert_int_equal(pthread_create(&thread, NULL, preempt, a), 0);
	for (int i = 0; i < 20; i++) { /* give it every chance to be wrong */
		usleep(1000);
		assert_false(is_preempted);
		assert_false(side_is_barred(b));
	}
	side_let_go(b);
	pthread_join(thread, NULL);
	assert_true(side_is_barred(b));
}

/* Its process is killed while it holds, as by a power cut. */
static void
a_dead_holder_holds_nobody_up(void **state)
{
	struct side *a = join(A);
	pid_t child;
	int ready[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		struct side *b = side_open(path, B);

		side_hold(b);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(side_do(a, PERSIST_REGISTER, 0, KEY_A), PERSIST_GOOD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_a_reservation_everybody_writes),
	    cmocka_unit_test(a_preempt_of_the_holder_takes_the_reservation),
	    cmocka_unit_test(a_preempt_by_the_holder_keeps_the_reservation),
	    cmocka_unit_test(a_preempt_without_a_reservation_bars_nobody),
	    cmocka_unit_test(a_wrong_key_is_a_conflict_and_changes_nothing),
	    cmocka_unit_test(a_reservation_has_one_holder),
	    cmocka_unit_test(a_holder_that_unregisters_releases),
	    cmocka_unit_test(the_generation_counts_what_changes_registrations),
	    cmocka_unit_test_setup_teardown(who_was_barred_for_a_moment_finds_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_joins_later_finds_the_same, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_preempt_waits_for_who_is_writing, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_dead_holder_holds_nobody_up, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
