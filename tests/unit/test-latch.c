/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/latch.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];

static int
set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/test-latch-XXXXXX");
	if (!mkdtemp(directory))
		abort();
	return 0;
}

static int
tear_down(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/" LATCH_FILE, directory);
	unlink(path);
	rmdir(directory);
	return 0;
}

/* An action in a process of its own, which has entered or was refused (*error_r). 0 ends it. */
static pid_t
act(bool takes, int *error_r)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		int error = latch_enter(directory, takes);

		if (write(ends[1], &error, sizeof(error)) != sizeof(error))
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], error_r, sizeof(*error_r)), sizeof(*error_r));
	close(ends[0]);
	return pid;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
actions_do_not_hold_each_other_up(void **state)
{
	int one, other;
	pid_t first = act(true, &one), second = act(false, &other);

	(void)state;
	assert_int_equal(one, 0);
	assert_int_equal(other, 0);
	assert_true(latch_is_acting(directory));
	end(first);
	assert_true(latch_is_acting(directory));
	end(second);
	assert_false(latch_is_acting(directory));
	assert_false(latch_is_set(directory));
}

static void
a_latched_node_takes_nothing_and_lets_go(void **state)
{
	int error;

	(void)state;
	assert_int_equal(latch_set(directory, false), 0);
	assert_true(latch_is_set(directory));
	end(act(true, &error));
	assert_int_equal(error, -EPERM);
	end(act(false, &error));
	assert_int_equal(error, 0);
	assert_int_equal(latch_set(directory, false), 0);
}

static void
a_node_is_latched_only_when_the_last_action_has_ended(void **state)
{
	int error;
	pid_t first = act(true, &error), second;

	(void)state;
	assert_int_equal(latch_set(directory, false), -EAGAIN);
	/* No other one begins meanwhile. */
	second = act(true, &error);
	assert_int_equal(error, -EPERM);
	end(second);
	assert_int_equal(latch_set(directory, false), -EAGAIN);
	end(first);
	assert_int_equal(latch_set(directory, false), 0);
}

static void
a_promise_to_stay_off_is_remembered(void **state)
{
	(void)state;
	assert_false(latch_is_off(directory));
	assert_int_equal(latch_set(directory, true), 0);
	assert_true(latch_is_off(directory));
	/* The first promise stands. */
	assert_int_equal(latch_set(directory, false), 0);
	assert_true(latch_is_off(directory));
	tear_down(state);
	set_up(state);
	assert_int_equal(latch_set(directory, false), 0);
	assert_false(latch_is_off(directory));
}

static void
without_the_directory_nothing_is_promised(void **state)
{
	(void)state;
	assert_int_equal(latch_set("/nonexistent/gemel", false), -ENOENT);
	assert_int_equal(latch_enter("/nonexistent/gemel", true), -ENOENT);
	assert_false(latch_is_set("/nonexistent/gemel"));
	assert_false(latch_is_acting("/nonexistent/gemel"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(actions_do_not_hold_each_other_up, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_latched_node_takes_nothing_and_lets_go, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_node_is_latched_only_when_the_last_action_has_ended, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_promise_to_stay_off_is_remembered, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		without_the_directory_nothing_is_promised, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
