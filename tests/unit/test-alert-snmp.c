/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program that Pacemaker runs, with an agent of the test's own. Both are in a network
 * namespace of their own, as the agent's socket has only one name.
 */
#include "common/control.h"

#include "agent/alert.h"
#include "common/control-server.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define PROGRAM "./alert-snmp"

static pid_t agent_pid;
static bool is_enclosed;
static char said[1024]; /* by the program, on standard error */

/* Takes an alert of a node that is lost, refuses each other. */
static void
run_alert(void *context, struct control_request *request, const json_t *arguments)
{
	struct event event;

	(void)context;
	if (alert_to_event(arguments, 1, &event) == ALERT_EVENT &&
	    strcmp(event.node, "hq-2") == 0 && strcmp(event.value, "lost") == 0)
		control_answer(request, NULL);
	else
		control_refuse(request, CONTROL_REFUSED, "this is no alert");
}

static void
agent_main(int ready)
{
	static const struct control_verb verbs[] = {
	    {ALERT_VERB, run_alert, true}, {NULL, NULL, false}};
	qb_loop_t *loop = qb_loop_create();
	struct control_server *server;

	alarm(60);
	if (control_server_open(CONTROL_AGENT, verbs, NULL, loop, &server) != 0 ||
	    write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	qb_loop_run(loop);
	_exit(0);
}

static int
begin(void **state)
{
	(void)state;
	alarm(60);
	agent_pid = 0;
	/* libqb gives its files to users, which a user namespace of our own does not have. */
	if (!is_enclosed && geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
		is_enclosed = true;
	return 0;
}

static void
start_agent(void)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	agent_pid = fork();
	assert_true(agent_pid >= 0);
	if (agent_pid == 0) {
		close(ready[0]);
		agent_main(ready[1]);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static int
end(void **state)
{
	(void)state;
	if (agent_pid > 0) {
		kill(agent_pid, SIGKILL);
		waitpid(agent_pid, NULL, 0);
	}
	return 0;
}

/* Run the program with this environment; whatever happens, its status must be 0. */
static void
run(char *const environment[])
{
	char *const arguments[] = {(char *)(uintptr_t)PROGRAM, NULL};
	size_t length = 0;
	int errors[2], status;
	ssize_t count;
	pid_t pid;

	assert_int_equal(pipe(errors), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(errors[1], STDERR_FILENO);
		close(errors[0]);
		close(errors[1]);
		execve(PROGRAM, arguments, environment);
		_exit(127);
	}
	close(errors[1]);
	while ((count = read(errors[0], said + length, sizeof(said) - 1 - length)) > 0)
		length += (size_t)count;
	said[length] = '\0';
	close(errors[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define RUN(...) run((char *[]){__VA_ARGS__, NULL})
#define LOST "CRM_alert_kind=node", "CRM_alert_node=hq-2", "CRM_alert_desc=lost"

static void
the_agent_is_told(void **state)
{
	(void)state;
	if (!is_enclosed)
		skip();
	start_agent();
	RUN(LOST);
	assert_string_equal(said, "");
}

static void
a_refusal_is_one_line(void **state)
{
	(void)state;
	if (!is_enclosed)
		skip();
	start_agent();
	RUN("CRM_alert_kind=weather");
	assert_string_equal(said, "alert-snmp: gemel-agentd refuses: this is no alert\n");
}

static void
an_agent_that_is_not_there_is_one_line(void **state)
{
	(void)state;
	if (!is_enclosed)
		skip();
	RUN(LOST);
	assert_string_equal(
	    said, "alert-snmp: gemel-agentd was not told: nobody answers; see whether it runs\n");
}

static void
an_agent_that_hangs_is_not_waited_for_long(void **state)
{
	(void)state;
	if (!is_enclosed)
		skip();
	start_agent();
	assert_int_equal(kill(agent_pid, SIGSTOP), 0);
	RUN(LOST);
	assert_non_null(strstr(said, "gemel-agentd was not told: Connection timed out"));
}

static void
without_pacemaker_it_says_so(void **state)
{
	(void)state;
	RUN("PATH=/bin");
	assert_non_null(strstr(said, "CRM_alert_kind is not set"));
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LAW(the_agent_is_told),
	    LAW(a_refusal_is_one_line),
	    LAW(an_agent_that_is_not_there_is_one_line),
	    LAW(an_agent_that_hangs_is_not_waited_for_long),
	    LAW(without_pacemaker_it_says_so),
	};

	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root, and a network namespace of its own\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
