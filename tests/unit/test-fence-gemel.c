/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fence_gemel and gemel fence-history themselves, run as Pacemaker and people run them, against an
 * agent that is played: it answers what it was told to, dies or keeps silent. In a network
 * namespace of its own, since the agent's socket has one name there.
 */
#include "common/control.h"

#include <errno.h>
#include <fcntl.h>
#include <qb/qbipcs.h>
#include <qb/qbloop.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PROGRAM "./fence_gemel"
#define TEXT_MAX 8192
#define NOBODY 65534

/* What the agent does when it is asked: say this, or one of these. */
#define DIES "(dies)"
#define IS_SILENT "(is silent)"

static pid_t agent_pid;
static const char *agent_says;
static int asked[2] = {-1, -1}; /* a pipe: what the agent was asked */
static qb_loop_t *loop;

/* ---- the agent ---- */

static int32_t
add(enum qb_loop_priority p, int32_t fd, int32_t events, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_add(loop, p, fd, events, data, fn);
}

static int32_t
modify(enum qb_loop_priority p, int32_t fd, int32_t events, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_mod(loop, p, fd, events, data, fn);
}

static int32_t delete (int32_t fd)
{
	return qb_loop_poll_del(loop, fd);
}

static int32_t
add_job(enum qb_loop_priority p, void *data, qb_loop_job_dispatch_fn fn)
{
	return qb_loop_job_add(loop, p, data, fn);
}

static int32_t
accept_any(qb_ipcs_connection_t *connection, uid_t uid, gid_t gid)
{
	(void)connection;
	(void)uid;
	(void)gid;
	return 0;
}

static int32_t
process(qb_ipcs_connection_t *connection, void *data, size_t size)
{
	const struct control_message *message = data;
	size_t length = size - sizeof(*message);
	_Alignas(struct control_reply) char room[sizeof(struct control_reply) + TEXT_MAX] = {0};
	struct control_reply *answer = (struct control_reply *)room;

	if (write(asked[1], message->json, length) != (ssize_t)length)
		_exit(1);
	if (strcmp(agent_says, DIES) == 0)
		raise(SIGKILL);
	if (strcmp(agent_says, IS_SILENT) == 0)
		return 0;
	length = strlen(agent_says);
	memcpy(answer->json, agent_says, length);
	answer->header.id = CONTROL_MESSAGE_ID;
	answer->header.size = (int32_t)(sizeof(*answer) + length);
	qb_ipcs_response_send(connection, answer, (size_t)answer->header.size);
	return 0;
}

static void
serve(int ready)
{
	struct qb_ipcs_service_handlers handlers = {
	    .connection_accept = accept_any, .msg_process = process};
	struct qb_ipcs_poll_handlers poll_handlers = {.job_add = add_job,
	    .dispatch_add = add,
	    .dispatch_mod = modify,
	    .dispatch_del = delete};
	qb_ipcs_service_t *service = qb_ipcs_create(CONTROL_AGENT, 0, QB_IPC_NATIVE, &handlers);

	alarm(60);
	loop = qb_loop_create();
	qb_ipcs_poll_handlers_set(service, &poll_handlers);
	qb_ipcs_enforce_buffer_size(service, CONTROL_MESSAGE_MAX);
	if (qb_ipcs_run(service) != 0 || write(ready, "", 1) != 1)
		_exit(1);
	qb_loop_run(loop);
	_exit(0);
}

static void
agent_start(const char *says, uid_t user)
{
	int ready[2];
	char byte;

	agent_says = says;
	assert_int_equal(pipe2(asked, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe(ready), 0);
	agent_pid = fork();
	assert_true(agent_pid >= 0);
	if (agent_pid == 0) {
		if (user && setresuid(user, user, user) != 0)
			_exit(1);
		serve(ready[1]);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

/* libqb's shared memory stays when either end is killed. */
static void
agent_end(void)
{
	char command[64];

	kill(agent_pid, SIGKILL);
	assert_int_equal(waitpid(agent_pid, NULL, 0), agent_pid);
	snprintf(command, sizeof(command), "rm -rf /dev/shm/qb-%d-*", (int)agent_pid);
	assert_int_equal(system(command), 0);
	agent_pid = 0;
	close(asked[0]);
	close(asked[1]);
	asked[0] = asked[1] = -1;
}

/* After a test that has failed. */
static int
leave_nothing(void **state)
{
	(void)state;
	if (agent_pid > 0)
		agent_end();
	return 0;
}

/* ---- fence_gemel ---- */

static struct {
	int status;
	char out[TEXT_MAX], error[TEXT_MAX];
	unsigned ms;
} run;

static void
read_back(int fd, char text[TEXT_MAX])
{
	ssize_t n = pread(fd, text, TEXT_MAX - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
}

static unsigned
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* Run a program with these arguments (NULL: fence_gemel without any) and this standard input. */
static void
fence(char *const arguments[], const char *input)
{
	char *const bare[] = {PROGRAM, NULL};
	int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC),
	    error = memfd_create("error", MFD_CLOEXEC), status;
	unsigned begun_ms = now_ms();
	pid_t pid;

	if (!arguments)
		arguments = bare;

	assert_int_equal(pwrite(in, input, strlen(input), 0), strlen(input));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(error, STDERR_FILENO);
		alarm(60);
		execv(arguments[0], arguments);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	run.ms = now_ms() - begun_ms;
	assert_true(WIFEXITED(status));
	run.status = WEXITSTATUS(status);
	close(in);
	read_back(out, run.out);
	read_back(error, run.error);
}

/* It exits with status, and says this, or nothing if it is empty. */
static void
assert_end(int status, const char *error)
{
	if (run.status != status || (*error == '\0') != (*run.error == '\0') ||
	    !strstr(run.error, error))
		fail_msg("exit status %d, says: %s%s", run.status, run.out, run.error);
}

static void
assert_asked(const char *request)
{
	char text[TEXT_MAX];
	ssize_t n = read(asked[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, request);
}

#define OFF "# from Pacemaker\naction=off\nnodename=hq-2\nplug=hq-2\ntimeout=9\n"

static void
a_proof_is_success(void **state)
{
	static const char *const proofs[] = {
	    "released", "barred", "newer-life", "granted", "poisoned"};
	char answer[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(proofs); i++) {
		snprintf(answer, sizeof(answer),
		    "{\"ok\":true,\"proof\":\"%s\","
		    "\"life\":\"01234567-89ab-cdef-0123-456789abcdef\",\"ms\":3}",
		    proofs[i]);
		agent_start(answer, 0);
		fence(NULL, OFF);
		assert_end(0, "");
		assert_non_null(strstr(run.out, proofs[i]));
		assert_asked("{\"verb\":\"fence\",\"node\":\"hq-2\",\"action\":\"off\","
			     "\"timeout_ms\":9000}");
		agent_end();
	}
}

static void
without_a_proof_nothing_is_success(void **state)
{
	static const char *const answers[] = {
	    "{\"ok\":true}",
	    "{\"ok\":true,\"ms\":3,\"life\":\"01234567-89ab-cdef-0123-456789abcdef\"}",
	    "{\"ok\":true,\"proof\":null}",
	    "{\"ok\":true,\"proof\":true}",
	    "{\"ok\":true,\"proof\":0}",
	    "{\"ok\":true,\"proof\":\"\"}",
	    "{\"ok\":true,\"proof\":\"silence\"}",
	    "{\"ok\":true,\"proof\":\"Released\"}",
	    "{\"ok\":true,\"proof\":\"released\\u0000\"}",
	    "{\"ok\":true,\"proof\":[\"released\"]}",
	    "{\"ok\":true,\"proof\":{\"released\":true}}",
	    "{\"ok\":\"true\",\"proof\":\"released\"}",
	    "{\"ok\":1,\"proof\":\"released\"}",
	    "{\"ok\":false,\"proof\":\"released\"}",
	    "{\"ok\":null,\"proof\":\"released\"}",
	    "{\"proof\":\"released\"}",
	    "{}",
	    "{\"ok\":true,\"proof\":\"released\"",
	    "{\"ok\":true,\"proof\":\"rel",
	    "[true,\"released\"]",
	    "\"released\"",
	    "released",
	    "\xff\xfe",
	    "",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		agent_start(answers[i], 0);
		fence(NULL, OFF);
		if (run.status != 1 || !*run.error)
			fail_msg("%s: exit status %d, %s", answers[i], run.status, run.error);
		agent_end();
	}
}

static void
a_refusal_is_told_in_the_agents_words(void **state)
{
	(void)state;
	agent_start("{\"ok\":false,\"code\":3,\"error\":\"hq-2 is silent; see its power\"}", 0);
	fence(NULL, OFF);
	assert_end(1, "fence_gemel: hq-2 is silent; see its power\n");
	agent_end();
}

static void
an_agent_that_dies_is_no_success(void **state)
{
	(void)state;
	agent_start(DIES, 0);
	fence(NULL, OFF);
	assert_end(1, "ended before it answered");
	assert_true(run.ms < 5000);
	agent_end();
}

/* And it waits for as long as the agent may need, or a proof would be missed. */
static void
an_agent_that_is_silent_is_no_success(void **state)
{
	(void)state;
	agent_start(IS_SILENT, 0);
	fence(NULL, "action=off\nplug=hq-2\ntimeout=1\n");
	assert_end(1, "did not answer in time");
	assert_in_range(run.ms, 2900, 9000);
	agent_end();
}

static void
an_agent_that_is_stopped_is_no_success(void **state)
{
	(void)state;
	agent_start("{\"ok\":true,\"proof\":\"released\"}", 0);
	assert_int_equal(kill(agent_pid, SIGSTOP), 0);
	fence(NULL, "action=off\nplug=hq-2\ntimeout=1\n");
	assert_end(1, "did not answer in time");
	agent_end();
}

static void
no_agent_is_no_success(void **state)
{
	(void)state;
	fence(NULL, OFF);
	assert_end(1, "no gemel-agentd runs on this node");
	fence(NULL, "action=monitor\n");
	assert_end(1, "no gemel-agentd runs on this node");
	fence(NULL, "action=list\n");
	assert_end(1, "no gemel-agentd runs on this node");
	fence(NULL, "action=status\nplug=hq-2\n");
	assert_end(1, "no gemel-agentd runs on this node");
}

/* While the agent does not run, anybody on the node may take the name of its socket. */
static void
an_impostor_is_not_asked(void **state)
{
	(void)state;
	agent_start("{\"ok\":true,\"proof\":\"released\"}", NOBODY);
	fence(NULL, OFF);
	assert_end(1, "what answers is not root's");
	assert_asked("");
	agent_end();
}

static void
people_use_options(void **state)
{
	static char *const reboot[] = {PROGRAM, "-n", "hq-2", "--timeout=7", NULL};
	static char *const off[] = {
	    PROGRAM, "-o", "off", "--plug", "hq-2", "--nodename", "hq-2", NULL};

	(void)state;
	agent_start("{\"ok\":true,\"proof\":\"barred\"}", 0);
	fence(reboot, "action=off\nplug=hq-1\n");
	assert_end(0, "");
	assert_asked("{\"verb\":\"fence\",\"node\":\"hq-2\",\"action\":\"reboot\","
		     "\"timeout_ms\":7000}");
	fence(off, "");
	assert_end(0, "");
	assert_asked(
	    "{\"verb\":\"fence\",\"node\":\"hq-2\",\"action\":\"off\",\"timeout_ms\":20000}");
	agent_end();
}

static void
a_wrong_question_is_not_asked(void **state)
{
	static char *const wrong[][6] = {
	    {PROGRAM, "-n", "hq-2", "reboot", NULL},
	    {PROGRAM, "-o", "dance", "-n", "hq-2", NULL},
	    {PROGRAM, "-o", "on", "-n", "hq-2", NULL},
	    {PROGRAM, "-o", "off", NULL},
	    {PROGRAM, "-n", "hq-2;", NULL},
	    {PROGRAM, "--dance", NULL},
	    {PROGRAM, "-n", NULL},
	    {PROGRAM, "-o", "status", "-n", ".", NULL},
	};

	(void)state;
	agent_start("{\"ok\":true,\"proof\":\"released\",\"state\":\"stopped\"}", 0);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		fence(wrong[i], "action=off\nplug=hq-2\n");
		assert_end(1, "fence_gemel: ");
		assert_asked("");
	}
	fence(NULL, "plug=hq-1\nnodename=hq-2\n");
	assert_end(1, "is not the node");
	fence(NULL, "");
	assert_end(1, "which node?");
	assert_asked("");
	agent_end();
}

static void
input_without_end_is_refused_and_not_cut(void **state)
{
	size_t length = 70000;
	char *input = malloc(length + 1);

	(void)state;
	memset(input, '\n', length);
	input[length] = '\0';
	memcpy(input, OFF, sizeof(OFF) - 1);
	agent_start("{\"ok\":true,\"proof\":\"released\"}", 0);
	fence(NULL, input);
	assert_end(1, "standard input is too long");
	input[64 * 1024 + 1] = '\0';
	fence(NULL, input);
	assert_end(1, "standard input is too long");
	input[64 * 1024] = '\0';
	assert_asked("");
	fence(NULL, input);
	assert_end(0, "");
	agent_end();
	free(input);
}

static void
status_says_on_off_or_not_known(void **state)
{
	static const struct {
		const char *answer;
		int status;
		const char *error;
	} rows[] = {
	    {"{\"ok\":true,\"state\":\"alive\"}", 0, ""},
	    {"{\"ok\":true,\"state\":\"unheard\"}", 0, ""},
	    {"{\"ok\":true,\"state\":\"cut off\"}", 0, ""},
	    {"{\"ok\":true,\"state\":\"stopped\"}", 2, ""},
	    {"{\"ok\":true,\"state\":\"silent\"}", 1, "node hq-2 is silent"},
	    {"{\"ok\":true,\"state\":\"unknown\"}", 1, "node hq-2 is unknown"},
	    {"{\"ok\":true,\"state\":2}", 1, "node hq-2 is in no state"},
	    {"{\"ok\":true}", 1, "node hq-2 is in no state"},
	    {"{\"ok\":false,\"state\":\"stopped\",\"error\":\"no such node; see gemel.conf\"}", 1,
		"no such node"},
	    {"[]", 1, "gave no answer that can be read"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		agent_start(rows[i].answer, 0);
		fence(NULL, "action=status\nplug=hq-2\nnodename=hq-2\n");
		assert_end(rows[i].status, rows[i].error);
		assert_asked("{\"verb\":\"peer\",\"node\":\"hq-2\"}");
		agent_end();
	}
}

static void
monitor_and_list_ask_for_the_agents_status(void **state)
{
	static const struct {
		const char *answer;
		int monitor, list;
		const char *out;
	} rows[] = {
	    {"{\"ok\":true,\"node\":\"hq-1\",\"pair\":{\"nodes\":[\"hq-1\",\"hq-2\"]}}", 0, 0,
		"hq-1\nhq-2\n"},
	    {"{\"ok\":true,\"node\":\"hq-1\"}", 0, 1, ""},
	    {"{\"ok\":true,\"pair\":{\"nodes\":[]}}", 0, 1, ""},
	    {"{\"ok\":true,\"pair\":7}", 0, 1, ""},
	    {"{\"ok\":false,\"error\":\"not yet; wait\"}", 1, 1, ""},
	    {"{}", 1, 1, ""},
	    {"nonsense", 1, 1, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		agent_start(rows[i].answer, 0);
		fence(NULL, "action=monitor\n");
		assert_int_equal(run.status, rows[i].monitor);
		assert_string_equal(run.out, "");
		assert_asked("{\"verb\":\"status\"}");
		fence(NULL, "action=list\n");
		assert_int_equal(run.status, rows[i].list);
		assert_string_equal(run.out, rows[i].out);
		agent_end();
	}
}

static void
what_needs_no_agent_asks_none(void **state)
{
	static char *const help[] = {PROGRAM, "--help", NULL}, *const version[] = {
								   PROGRAM, "-V", NULL};

	(void)state;
	fence(NULL, "action=metadata\n");
	assert_end(0, "");
	assert_non_null(strstr(run.out, "<resource-agent name=\"fence_gemel\""));
	fence(NULL, "action=validate-all\ntimeout=30\n");
	assert_end(0, "");
	fence(NULL, "action=validate-all\ntimeout=never\n");
	assert_end(1, "timeout \"never\"");
	fence(help, "");
	assert_end(0, "");
	assert_non_null(strstr(run.out, "-n, --plug NODE"));
	fence(version, "");
	assert_end(0, "");
	assert_non_null(strstr(run.out, "fence_gemel "));
}

static void
the_record_of_proofs_is_a_table(void **state)
{
	static char *const history[] = {"./gemel", "fence-history", NULL}, *const json[] = {
									       "./gemel", "--json",
									       "fence-history",
									       NULL};

	(void)state;
	agent_start("{\"ok\":true,\"records\":[{\"at\":\"2026-11-24T10:00:00.007Z\",\"at_ms\":7,"
		    "\"target\":\"hq-2\",\"life\":\"\",\"action\":\"off\",\"proof\":\"released\","
		    "\"asked_at\":\"2026-11-24T10:00:00.000Z\",\"ms\":7,\"by\":\"hq-1\","
		    "\"evidence\":{}},{}]}",
	    0);
	fence(history, "");
	assert_end(0, "");
	assert_asked("{\"verb\":\"fence-history\"}");
	assert_ptr_equal(strstr(run.out, "AT  "), run.out);
	assert_non_null(
	    strstr(run.out, "\n2026-11-24T10:00:00.007Z  hq-2          off     released         7  "
			    "hq-1          -\n"));
	fence(json, "");
	assert_end(0, "");
	assert_non_null(strstr(run.out, "\"proof\": \"released\""));
	agent_end();
	agent_start("{\"ok\":true,\"records\":[]}", 0);
	fence(history, "");
	assert_end(0, "");
	assert_string_equal(run.out, "");
	agent_end();
}

#define LAW(name) cmocka_unit_test_teardown(name, leave_nothing)

static const struct CMUnitTest tests[] = {
    LAW(a_proof_is_success),
    LAW(without_a_proof_nothing_is_success),
    LAW(a_refusal_is_told_in_the_agents_words),
    LAW(an_agent_that_dies_is_no_success),
    LAW(an_agent_that_is_silent_is_no_success),
    LAW(an_agent_that_is_stopped_is_no_success),
    LAW(no_agent_is_no_success),
    LAW(an_impostor_is_not_asked),
    LAW(people_use_options),
    LAW(a_wrong_question_is_not_asked),
    LAW(input_without_end_is_refused_and_not_cut),
    LAW(status_says_on_off_or_not_known),
    LAW(monitor_and_list_ask_for_the_agents_status),
    LAW(what_needs_no_agent_asks_none),
    LAW(the_record_of_proofs_is_a_table),
};

int
main(void)
{
	alarm(180);
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		printf("1..0 # SKIP needs root, and a network namespace of its own\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
