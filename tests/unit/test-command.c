/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/command.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TIMEOUT_MS 20000

struct outcome {
	qb_loop_t *loop;
	int calls, status;
	size_t length;
	char text[64];
};

static void
on_done(void *context, int status, struct slice output)
{
	struct outcome *outcome = context;

	outcome->calls++;
	outcome->status = status;
	outcome->length = output.length;
	snprintf(outcome->text, sizeof(outcome->text), "%.*s",
	    (int)(output.length < 60 ? output.length : 60), (const char *)output.data);
	qb_loop_stop(outcome->loop);
}

static struct outcome
run(const char *script, uint32_t timeout_ms)
{
	char *argv[] = {"bash", "-c", (char *)script, NULL};
	struct outcome outcome = {.loop = qb_loop_create()};
	struct command *command;

	assert_int_equal(
	    command_start(outcome.loop, argv, timeout_ms, on_done, &outcome, &command), 0);
	qb_loop_run(outcome.loop);
	qb_loop_destroy(outcome.loop);
	assert_int_equal(outcome.calls, 1);
	/* Nobody is left to wait for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return outcome;
}

static void
output_and_status_come_back(void **state)
{
	struct outcome outcome = run("echo one; echo two; exit 3", TIMEOUT_MS);

	(void)state;
	assert_int_equal(outcome.status, 3);
	assert_string_equal(outcome.text, "one\ntwo\n");
	outcome = run("exec >&-; exec sleep 0.1", TIMEOUT_MS);
	assert_int_equal(outcome.status, 0);
	assert_int_equal(outcome.length, 0);
}

static void
what_a_signal_ends_did_not_succeed(void **state)
{
	(void)state;
	assert_int_equal(run("kill -9 $$", TIMEOUT_MS).status, -EINTR);
}

static void
what_is_late_is_killed(void **state)
{
	(void)state;
	assert_int_equal(run("echo begun; exec sleep 1000", 200).status, -ETIMEDOUT);
}

static void
a_child_left_behind_is_not_waited_for(void **state)
{
	struct outcome outcome = run("sleep 5 & echo parent", TIMEOUT_MS);

	(void)state;
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.text, "parent\n");
}

static void
who_says_too_much_is_ended(void **state)
{
	struct outcome outcome = run("exec cat /dev/zero", TIMEOUT_MS);

	(void)state;
	assert_int_equal(outcome.status, -EOVERFLOW);
	assert_int_equal(outcome.length, COMMAND_OUTPUT_MAX);
}

static void
a_program_that_is_not_there_is_an_error(void **state)
{
	char *argv[] = {"no-such-program-of-ours", NULL};
	struct outcome outcome = {.loop = qb_loop_create()};
	struct command *command;

	(void)state;
	assert_int_equal(
	    command_start(outcome.loop, argv, TIMEOUT_MS, on_done, &outcome, &command), -ENOENT);
	qb_loop_destroy(outcome.loop);
}

static void
a_dropped_command_is_dead_and_calls_nobody(void **state)
{
	char *argv[] = {"sleep", "1000", NULL};
	struct outcome outcome = {.loop = qb_loop_create()};
	struct command *command;

	(void)state;
	assert_int_equal(
	    command_start(outcome.loop, argv, TIMEOUT_MS, on_done, &outcome, &command), 0);
	command_drop(&command);
	assert_null(command);
	command_drop(&command);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(outcome.calls, 0);
	qb_loop_destroy(outcome.loop);
}

static void
on_dropped(void *context, int status, struct slice output)
{
	(void)context;
	(void)status;
	(void)output;
	fail_msg("a dropped command has called");
}

static bool
has_child(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void
stop_without_child(void *data)
{
	qb_loop_t *loop = data;
	qb_loop_timer_handle timer;

	if (!has_child())
		qb_loop_stop(loop);
	else
		qb_loop_timer_add(loop, QB_LOOP_LOW, 1000000, loop, stop_without_child, &timer);
}

/* The first process of a PID namespace does not end, killed or not, before those in it have been
 * reaped; so their parent out here plays the device that does not answer. */
static void
what_cannot_be_killed_is_not_waited_for(void **state)
{
	char *argv[] = {"sleep", "1000", NULL};
	struct outcome outcome = {.loop = qb_loop_create()};
	int home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	struct command *command;

	(void)state;
	for (int is_dropped = 0; is_dropped < 2; is_dropped++) {
		pid_t member;

		assert_int_equal(unshare(CLONE_NEWPID), 0);
		assert_int_equal(command_start(outcome.loop, argv, is_dropped ? TIMEOUT_MS : 100,
				     is_dropped ? on_dropped : on_done, &outcome, &command),
		    0);
		member = fork();
		if (member == 0)
			for (;;)
				pause();
		assert_true(member > 0);
		assert_int_equal(setns(home, CLONE_NEWPID), 0);
		if (is_dropped)
			command_drop(&command);
		else
			qb_loop_run(outcome.loop);
		assert_int_equal(waitpid(member, NULL, 0), member);
		assert_true(has_child());
		stop_without_child(outcome.loop);
		qb_loop_run(outcome.loop);
	}
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.status, -ETIMEDOUT);
	close(home);
	qb_loop_destroy(outcome.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(output_and_status_come_back),
	    cmocka_unit_test(what_a_signal_ends_did_not_succeed),
	    cmocka_unit_test(what_is_late_is_killed),
	    cmocka_unit_test(a_child_left_behind_is_not_waited_for),
	    cmocka_unit_test(who_says_too_much_is_ended),
	    cmocka_unit_test(a_program_that_is_not_there_is_an_error),
	    cmocka_unit_test(a_dropped_command_is_dead_and_calls_nobody),
	    cmocka_unit_test(what_cannot_be_killed_is_not_waited_for),
	};

	/* The last one makes a namespace of processes. */
	const size_t count = sizeof(tests) / sizeof(tests[0]) - (geteuid() == 0 ? 0 : 1);

	if (geteuid() != 0)
		printf("# SKIP %s: needs root\n", tests[count].name);
	return _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
}
