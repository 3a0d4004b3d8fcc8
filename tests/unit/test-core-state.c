/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/core-state.h"
#include "common/process.h"
#include "resource-agents/smtp-dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW 100000

static enum core_state
seen(uint32_t role, uint64_t tick_age_ms)
{
	struct progress progress = {.role = role, .tick_ms = NOW - tick_age_ms};

	return core_state_of(CORE_LIFE_RUNS, &progress, NOW);
}

static void
a_living_core_is_what_its_role_says(void **state)
{
	(void)state;
	assert_int_equal(seen(CORE_STARTING, 0), CORE_STATE_IDLE);
	assert_int_equal(seen(CORE_STANDBY, 0), CORE_STATE_IDLE);
	assert_int_equal(seen(CORE_PROMOTING, 0), CORE_STATE_OWNER);
	assert_int_equal(seen(CORE_ACTIVE, 0), CORE_STATE_OWNER);
	assert_int_equal(seen(CORE_DEMOTING, 0), CORE_STATE_OWNER);
	assert_int_equal(seen(CORE_FAILED, 0), CORE_STATE_GAVE_UP);
	assert_int_equal(seen(CORE_ENDED, 0), CORE_STATE_IDLE);
	assert_int_equal(core_state_of(CORE_LIFE_RUNS, NULL, NOW), CORE_STATE_IDLE);
}

static void
an_unknown_role_is_taken_for_an_owner(void **state)
{
	(void)state;
	assert_int_equal(seen(99, 0), CORE_STATE_OWNER);
}

static void
a_core_whose_loop_stands_still_is_stuck(void **state)
{
	struct progress ahead = {.role = CORE_ACTIVE, .tick_ms = NOW + 1};

	(void)state;
	assert_int_equal(seen(CORE_ACTIVE, PROGRESS_STUCK_MS), CORE_STATE_OWNER);
	assert_int_equal(seen(CORE_ACTIVE, PROGRESS_STUCK_MS + 1), CORE_STATE_STUCK_OWNER);
	assert_int_equal(seen(CORE_DEMOTING, PROGRESS_STUCK_MS + 1), CORE_STATE_STUCK_OWNER);
	assert_int_equal(seen(CORE_STANDBY, PROGRESS_STUCK_MS + 1), CORE_STATE_STUCK);
	assert_int_equal(core_state_of(CORE_LIFE_RUNS, &ahead, NOW), CORE_STATE_OWNER);
}

static void
a_core_that_a_signal_stopped_is_stuck_sooner(void **state)
{
	struct progress progress = {.role = CORE_ACTIVE, .tick_ms = NOW - PROGRESS_STOPPED_MS};

	(void)state;
	assert_int_equal(core_state_of(CORE_LIFE_STOPPED, &progress, NOW), CORE_STATE_OWNER);
	progress.tick_ms--;
	assert_int_equal(core_state_of(CORE_LIFE_STOPPED, &progress, NOW), CORE_STATE_STUCK_OWNER);
	assert_int_equal(core_state_of(CORE_LIFE_RUNS, &progress, NOW), CORE_STATE_OWNER);
}

/* An active core, none of whose workers has lived for so long. */
static enum core_state
seen_deaf(uint32_t role, uint32_t workers, uint64_t deaf_ms)
{
	struct progress progress = {
	    .role = role, .tick_ms = NOW, .workers = workers, .deaf_since_ms = NOW - deaf_ms};

	return core_state_of(CORE_LIFE_RUNS, &progress, NOW);
}

static void
an_active_core_that_has_had_no_worker_for_long_is_deaf(void **state)
{
	(void)state;
	assert_int_equal(seen_deaf(CORE_ACTIVE, 0, PROGRESS_DEAF_MS), CORE_STATE_OWNER);
	assert_int_equal(seen_deaf(CORE_ACTIVE, 0, PROGRESS_DEAF_MS + 1), CORE_STATE_DEAF);
	/* A reader may find one field new and the other old. */
	assert_int_equal(seen_deaf(CORE_ACTIVE, 1, PROGRESS_DEAF_MS + 1), CORE_STATE_OWNER);
	assert_int_equal(seen_deaf(CORE_ACTIVE, 0, NOW), CORE_STATE_OWNER);
	assert_int_equal(seen_deaf(CORE_ACTIVE, 0, (uint64_t)-1), CORE_STATE_OWNER);
}

static void
only_an_active_core_is_deaf(void **state)
{
	(void)state;
	assert_int_equal(seen_deaf(CORE_STANDBY, 0, PROGRESS_DEAF_MS + 1), CORE_STATE_IDLE);
	assert_int_equal(seen_deaf(CORE_PROMOTING, 0, PROGRESS_DEAF_MS + 1), CORE_STATE_OWNER);
	assert_int_equal(seen_deaf(CORE_DEMOTING, 0, PROGRESS_DEAF_MS + 1), CORE_STATE_OWNER);
	assert_int_equal(seen_deaf(CORE_FAILED, 0, PROGRESS_DEAF_MS + 1), CORE_STATE_GAVE_UP);
}

static void
a_core_that_is_stuck_and_deaf_is_stuck(void **state)
{
	struct progress progress = {.role = CORE_ACTIVE, .tick_ms = 1, .deaf_since_ms = 1};

	(void)state;
	assert_int_equal(core_state_of(CORE_LIFE_RUNS, &progress, NOW), CORE_STATE_STUCK_OWNER);
}

static void
a_dead_core_is_absent_only_when_nothing_of_it_is_left(void **state)
{
	struct progress progress = {.role = CORE_ACTIVE, .tick_ms = NOW};

	(void)state;
	assert_int_equal(core_state_of(CORE_LIFE_NONE, &progress, NOW), CORE_STATE_ABSENT);
	assert_int_equal(core_state_of(CORE_LIFE_LEFTOVERS, &progress, NOW), CORE_STATE_LEFTOVER);
}

static void
what_died_while_promoted_has_failed_and_was_not_stopped(void **state)
{
	(void)state;
	assert_int_equal(
	    core_state_exit(CORE_STATE_ABSENT, OCF_ROLE_PROMOTED, false), OCF_FAILED_PROMOTED);
	assert_int_equal(
	    core_state_exit(CORE_STATE_ABSENT, OCF_ROLE_UNPROMOTED, false), OCF_NOT_RUNNING);
	assert_int_equal(core_state_exit(CORE_STATE_ABSENT, OCF_ROLE_NONE, false), OCF_NOT_RUNNING);
	assert_int_equal(
	    core_state_exit(CORE_STATE_LEFTOVER, OCF_ROLE_NONE, false), OCF_ERR_GENERIC);
}

static void
a_core_that_may_own_the_store_is_never_reported_as_stopped_or_unpromoted(void **state)
{
	(void)state;
	for (int role = OCF_ROLE_NONE; role <= OCF_ROLE_PROMOTED; role++) {
		assert_int_equal(core_state_exit(CORE_STATE_OWNER, (enum ocf_role)role, false),
		    OCF_RUNNING_PROMOTED);
		assert_int_equal(
		    core_state_exit(CORE_STATE_STUCK_OWNER, (enum ocf_role)role, false),
		    OCF_FAILED_PROMOTED);
		assert_int_equal(core_state_exit(CORE_STATE_DEAF, (enum ocf_role)role, false),
		    OCF_FAILED_PROMOTED);
	}
}

static void
degraded_shows_only_on_what_works(void **state)
{
	(void)state;
	assert_int_equal(core_state_exit(CORE_STATE_IDLE, OCF_ROLE_NONE, true), OCF_DEGRADED);
	assert_int_equal(
	    core_state_exit(CORE_STATE_OWNER, OCF_ROLE_PROMOTED, true), OCF_DEGRADED_PROMOTED);
	assert_int_equal(
	    core_state_exit(CORE_STATE_STUCK, OCF_ROLE_UNPROMOTED, true), OCF_ERR_GENERIC);
}

static void
a_process_name_may_hold_anything(void **state)
{
	struct process_sight sight;

	(void)state;
	assert_true(
	    process_parse_stat("42 (a) Z 1 (b) S 1 40 41 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 "
			       "98765 1000 2",
		&sight));
	assert_int_equal(sight.life.pid, 42);
	assert_int_equal(sight.session, 41);
	assert_false(sight.is_gone);
	assert_int_equal(sight.life.started, 98765);
	assert_false(process_parse_stat("42 (a", &sight));
	assert_false(process_parse_stat("42 (a) S 1 40", &sight));
	assert_false(process_parse_stat("", &sight));
}

static void
a_zombie_is_gone_only_with_its_last_thread(void **state)
{
	static const struct {
		char letter;
		int threads;
		bool is_gone, is_stopped;
	} rows[] = {{'Z', 1, true, false}, {'Z', 0, true, false}, {'X', 0, true, false},
	    {'Z', 2, false, false}, {'X', 2, false, false}, {'D', 1, false, false},
	    {'R', 9, false, false}, {'T', 1, false, true}, {'t', 1, false, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct process_sight sight;
		char stat[128];

		snprintf(stat, sizeof(stat),
		    "42 (a) %c 1 40 41 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 %d 0 98765 1000 2",
		    rows[i].letter, rows[i].threads);
		assert_true(process_parse_stat(stat, &sight));
		assert_int_equal(sight.is_gone, rows[i].is_gone);
		assert_int_equal(sight.is_stopped, rows[i].is_stopped);
		assert_int_equal(sight.life.started, 98765);
	}
}

static void *
stay(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

static bool
is_zombie(pid_t pid)
{
	char path[32], stat[512] = "";
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	n = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	return n > 0 && strstr(stat, ") Z ");
}

static void
a_process_whose_leader_alone_is_dead_is_waited_for(void **state)
{
	struct process p;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_t other;

		/* An assertion that fails would leave it behind. */
		alarm(10);
		if (pthread_create(&other, NULL, stay, NULL))
			_exit(1);
		syscall(SYS_exit, 0);
	}
	while (!is_zombie(pid))
		sched_yield();
	assert_int_equal(process_identify(pid, &p), 0);
	assert_true(process_is_alive(&p));
	assert_int_equal(process_wait(&p, 0), -ETIMEDOUT);
	kill(pid, SIGKILL);
	assert_int_equal(process_wait(&p, UINT64_MAX), 0);
	assert_false(process_is_alive(&p));
	waitpid(pid, NULL, 0);
}

static void
an_smtp_reply_ends_with_its_line_without_a_hyphen(void **state)
{
	static const struct {
		const char *text;
		int code;
	} rows[] = {{"220 hello\r\n", 220}, {"250-a\r\n250-b\r\n250 c\r\n", 250}, {"250-a\r\n", 0},
	    {"250 a", 0}, {"", 0}, {"hello there\r\n", -1}, {"250 a\n", -1}, {"\r\n", -1},
	    {"250\r\n", 250}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(smtp_reply_code(slice_of(rows[i].text)), rows[i].code);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_living_core_is_what_its_role_says),
	    cmocka_unit_test(an_unknown_role_is_taken_for_an_owner),
	    cmocka_unit_test(a_core_whose_loop_stands_still_is_stuck),
	    cmocka_unit_test(a_core_that_a_signal_stopped_is_stuck_sooner),
	    cmocka_unit_test(an_active_core_that_has_had_no_worker_for_long_is_deaf),
	    cmocka_unit_test(only_an_active_core_is_deaf),
	    cmocka_unit_test(a_core_that_is_stuck_and_deaf_is_stuck),
	    cmocka_unit_test(a_dead_core_is_absent_only_when_nothing_of_it_is_left),
	    cmocka_unit_test(what_died_while_promoted_has_failed_and_was_not_stopped),
	    cmocka_unit_test(
		a_core_that_may_own_the_store_is_never_reported_as_stopped_or_unpromoted),
	    cmocka_unit_test(degraded_shows_only_on_what_works),
	    cmocka_unit_test(a_process_name_may_hold_anything),
	    cmocka_unit_test(a_zombie_is_gone_only_with_its_last_thread),
	    cmocka_unit_test(a_process_whose_leader_alone_is_dead_is_waited_for),
	    cmocka_unit_test(an_smtp_reply_ends_with_its_line_without_a_hyphen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
