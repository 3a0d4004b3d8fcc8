/* SPDX-License-Identifier: BSD-2-Clause */
/* Both ends of the control socket: a server in a process of its own, asked as gemel asks. */
#include "common/control.h"

#include "common/control-server.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PATIENCE_MS 10000

static char service[32];
static pid_t server_pid;
static struct control_request *held;

/* ---- the server ---- */

static void
run_echo(void *context, struct control_request *request, const json_t *arguments)
{
	(void)context;
	control_answer(request, json_pack("{s:O}", "said", json_object_get(arguments, "say")));
}

static void
run_hold(void *context, struct control_request *request, const json_t *arguments)
{
	(void)context;
	(void)arguments;
	if (held)
		control_answer(held, NULL);
	held = request;
}

/* Answers the one that is held, and is answered first. */
static void
run_release(void *context, struct control_request *request, const json_t *arguments)
{
	(void)context;
	(void)arguments;
	control_answer(request, NULL);
	if (held)
		control_answer(held, json_pack("{s:i}", "waited", 1));
	held = NULL;
}

static void
run_large(void *context, struct control_request *request, const json_t *arguments)
{
	char *text = malloc(CONTROL_MESSAGE_MAX + 1);

	(void)context;
	(void)arguments;
	memset(text, 'x', CONTROL_MESSAGE_MAX);
	text[CONTROL_MESSAGE_MAX] = '\0';
	control_answer(request, json_pack("{s:s}", "text", text));
	free(text);
}

static void
run_refuse(void *context, struct control_request *request, const json_t *arguments)
{
	(void)context;
	control_refuse(request, CONTROL_REFUSED, "%.4s is refused; leave it",
	    json_string_value(json_object_get(arguments, "say")));
}

static void
run_die(void *context, struct control_request *request, const json_t *arguments)
{
	(void)context;
	(void)request;
	raise((int)json_integer_value(json_object_get(arguments, "signal")));
}

static void
run_end(void *context, struct control_request *request, const json_t *arguments)
{
	(void)arguments;
	control_answer(request, NULL);
	qb_loop_stop(context);
}

static const struct control_verb verbs[] = {
    {"echo", run_echo, false},
    {"hold", run_hold, false},
    {"release", run_release, false},
    {"large", run_large, false},
    {"refuse", run_refuse, false},
    {"end", run_end, false},
    {"die", run_die, false},
    {NULL, NULL, false},
};

static void
serve(int ready)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	qb_loop_t *loop = qb_loop_create();
	struct control_server *server;

	/* A crash here is no failed test of cmocka's, it is the end of the server. */
	for (size_t i = 0; i < COUNT(faults); i++)
		signal(faults[i], SIG_DFL);
	alarm(60);

	if (control_server_open(service, verbs, loop, loop, &server) != 0 ||
	    write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	qb_loop_run(loop);
	control_server_close(&server);
	qb_loop_destroy(loop);
	exit(0);
}

static int
begin(void **state)
{
	int ready[2];
	char byte;

	(void)state;
	alarm(60);
	snprintf(service, sizeof(service), "gemel-test-%d", (int)getpid());
	if (pipe(ready) != 0)
		return -1;
	server_pid = fork();
	if (server_pid == 0) {
		close(ready[0]);
		serve(ready[1]);
	}
	close(ready[1]);
	if (server_pid < 0 || read(ready[0], &byte, 1) != 1)
		return -1;
	close(ready[0]);
	return 0;
}

/* ---- the client ---- */

/* Ask; the answer is owned by the caller. */
static json_t *
ask(const char *verb, const char *say)
{
	json_t *request = json_pack("{s:s,s:s}", "verb", verb, "say", say), *reply = NULL;

	assert_non_null(request);
	assert_int_equal(control_call(service, request, PATIENCE_MS, &reply), 0);
	json_decref(request);
	return reply;
}

static void
assert_lives(void)
{
	json_t *reply = ask("echo", "hello");

	assert_true(json_is_true(json_object_get(reply, "ok")));
	assert_string_equal(json_string_value(json_object_get(reply, "said")), "hello");
	json_decref(reply);
}

static void
assert_refusal(json_t *reply, enum control_code code, const char *sentence)
{
	const char *error = json_string_value(json_object_get(reply, "error"));

	assert_true(json_is_false(json_object_get(reply, "ok")));
	assert_int_equal(json_integer_value(json_object_get(reply, "code")), code);
	assert_non_null(error);
	if (!strstr(error, sentence))
		fail_msg("says \"%s\", and not \"%s\"", error, sentence);
	json_decref(reply);
}

static void
a_verb_is_answered_with_what_it_says(void **state)
{
	(void)state;
	assert_lives();
}

static void
a_refusal_has_a_code_and_a_sentence(void **state)
{
	(void)state;
	assert_refusal(ask("refuse", "this"), CONTROL_REFUSED, "this is refused; leave it");
}

static void
a_sentence_that_is_cut_inside_a_letter_is_still_told(void **state)
{
	(void)state;
	assert_refusal(ask("refuse", "abc\xc3\xa4"), CONTROL_REFUSED, " is refused; leave it");
}

static void
an_unknown_verb_is_refused(void **state)
{
	(void)state;
	assert_refusal(ask("dance", ""), CONTROL_FAILED, "\"dance\" is unknown here");
}

static void
an_answer_that_is_too_large_is_said_to_be(void **state)
{
	(void)state;
	assert_refusal(ask("large", ""), CONTROL_FAILED, "does not fit");
	assert_lives();
}

static void
a_request_that_is_too_large_is_not_sent(void **state)
{
	json_t *request = json_object(), *reply = NULL;
	char *text = calloc(1, CONTROL_MESSAGE_MAX + 1);

	(void)state;
	memset(text, 'x', CONTROL_MESSAGE_MAX);
	json_object_set_new(request, "verb", json_string(text));
	assert_int_equal(control_call(service, request, PATIENCE_MS, &reply), -EMSGSIZE);
	json_decref(request);
	free(text);
}

static qb_ipcc_connection_t *
connect_raw(void)
{
	qb_ipcc_connection_t *connection = qb_ipcc_connect(service, CONTROL_MESSAGE_MAX);

	assert_non_null(connection);
	return connection;
}

/* Send length bytes of text behind a header. */
static void
send_raw(qb_ipcc_connection_t *connection, const char *text, size_t length)
{
	struct control_message *message = calloc(1, sizeof(*message) + length + 1);

	message->header.id = CONTROL_MESSAGE_ID;
	message->header.size = (int32_t)(sizeof(*message) + length);
	memcpy(message->json, text, length);
	assert_int_equal(
	    qb_ipcc_send(connection, message, (size_t)message->header.size), message->header.size);
	free(message);
}

static void
garbage_is_refused_and_harms_nothing(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} rows[] = {
	    {"", 0},
	    {"\0", 1},
	    {"no JSON", 7},
	    {"{", 1},
	    {"[]", 2},
	    {"{}", 2},
	    {"null", 4},
	    {"\"echo\"", 6},
	    {"{\"verb\":7}", 10},
	    {"{\"verb\":null}", 13},
	    {"{\"verb\":[\"echo\"]}", 17},
	    {"{\"verb\":\"\"}", 11},
	    {"{\"verb\":\"echo\",\"verb\":\"end\"}", 28},
	    {"{\"verb\":\"echo\xff\"}", 16},
	    {"{\"verb\":\"ec\0ho\"}", 16},
	};
	char room[4096];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		qb_ipcc_connection_t *connection = connect_raw();
		const struct control_reply *reply = (const struct control_reply *)room;

		send_raw(connection, rows[i].text, rows[i].length);
		assert_true(qb_ipcc_recv(connection, room, sizeof(room), PATIENCE_MS) >
			    (ssize_t)sizeof(*reply));
		assert_non_null(strstr(reply->json, "\"ok\":false"));
		qb_ipcc_disconnect(connection);
	}
	assert_lives();
}

static void
deep_nesting_is_refused_and_harms_nothing(void **state)
{
	const size_t length = CONTROL_MESSAGE_MAX / 2;
	qb_ipcc_connection_t *connection = connect_raw();
	char *text = malloc(length), room[4096];

	(void)state;
	memset(text, '[', length);
	send_raw(connection, text, length);
	assert_true(qb_ipcc_recv(connection, room, sizeof(room), PATIENCE_MS) > 0);
	qb_ipcc_disconnect(connection);
	free(text);
	assert_lives();
}

static void
an_answer_may_come_later(void **state)
{
	static const char hold[] = "{\"verb\":\"hold\"}";
	qb_ipcc_connection_t *connection = connect_raw();
	const struct control_reply *reply;
	char room[4096];

	(void)state;
	send_raw(connection, hold, sizeof(hold) - 1);
	/* Requests of one connection are taken in order, those of two are not: ask until it is
	 * held. */
	for (ssize_t n = -EAGAIN; n < 0; n = qb_ipcc_recv(connection, room, sizeof(room), 10))
		json_decref(ask("release", ""));
	reply = (const struct control_reply *)room;
	assert_non_null(strstr(reply->json, "\"waited\":1"));
	qb_ipcc_disconnect(connection);
}

static void
who_waits_too_long_is_told_so(void **state)
{
	json_t *request = json_pack("{s:s}", "verb", "hold"), *reply = NULL;

	(void)state;
	assert_int_equal(control_call(service, request, 20, &reply), -ETIMEDOUT);
	json_decref(request);
	assert_lives();
	/* It has gone meanwhile; its answer goes nowhere. */
	json_decref(ask("release", ""));
	assert_lives();
}

static void
a_second_server_of_the_same_name_is_refused(void **state)
{
	qb_loop_t *loop = qb_loop_create();
	struct control_server *server = NULL;

	(void)state;
	assert_true(control_server_open(service, verbs, loop, loop, &server) < 0);
	control_server_close(&server);
	qb_loop_destroy(loop);
	assert_lives();
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* libqb's, of a server that was killed: nobody else does it. */
static void
remove_shared_memory(void)
{
	char command[128];

	snprintf(
	    command, sizeof(command), "rm -rf /dev/shm/qb-%d-%d-*", (int)server_pid, (int)getpid());
	assert_int_equal(system(command), 0);
}

static void
who_asks_a_server_that_dies_is_told_at_once(void **state)
{
	static const int signals[] = {SIGKILL, SIGTERM};

	(void)state;
	for (size_t i = 0; i < COUNT(signals); i++) {
		json_t *request = json_pack("{s:s,s:i}", "verb", "die", "signal", signals[i]),
		       *reply = NULL;
		uint64_t began_ms = now_ms();

		assert_int_equal(control_call(service, request, PATIENCE_MS, &reply), -ECONNRESET);
		assert_true(now_ms() - began_ms < PATIENCE_MS / 4);
		assert_null(reply);
		json_decref(request);
		assert_int_equal(waitpid(server_pid, NULL, 0), server_pid);
		remove_shared_memory();
		assert_int_equal(begin(NULL), 0);
	}
}

static int
lowest_descriptor(void)
{
	int fd = dup(0);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static void
who_asks_a_server_that_is_stopped_waits_no_longer_than_it_said(void **state)
{
	json_t *request = json_pack("{s:s}", "verb", "echo"), *reply = NULL;
	int lowest;

	(void)state;
	assert_int_equal(kill(server_pid, SIGSTOP), 0);
	assert_int_equal(waitpid(server_pid, NULL, WUNTRACED), server_pid);
	lowest = lowest_descriptor();
	assert_int_equal(control_call(service, request, 20, &reply), -ETIMEDOUT);
	assert_int_equal(lowest_descriptor(), lowest);
	assert_int_equal(kill(server_pid, SIGCONT), 0);
	json_decref(request);
	assert_lives();
}

/* Comes last: it ends the server. */
static void
when_nobody_listens_nothing_is_there(void **state)
{
	json_t *request = json_pack("{s:s}", "verb", "echo"), *reply = NULL;
	int status;

	(void)state;
	json_decref(ask("end", ""));
	assert_int_equal(waitpid(server_pid, &status, 0), server_pid);
	assert_int_equal(status, 0);
	assert_int_equal(control_call(service, request, PATIENCE_MS, &reply), -ENOENT);
	json_decref(request);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_verb_is_answered_with_what_it_says),
    cmocka_unit_test(a_refusal_has_a_code_and_a_sentence),
    cmocka_unit_test(a_sentence_that_is_cut_inside_a_letter_is_still_told),
    cmocka_unit_test(an_unknown_verb_is_refused),
    cmocka_unit_test(an_answer_that_is_too_large_is_said_to_be),
    cmocka_unit_test(a_request_that_is_too_large_is_not_sent),
    cmocka_unit_test(garbage_is_refused_and_harms_nothing),
    cmocka_unit_test(deep_nesting_is_refused_and_harms_nothing),
    cmocka_unit_test(an_answer_may_come_later),
    cmocka_unit_test(who_waits_too_long_is_told_so),
    cmocka_unit_test(a_second_server_of_the_same_name_is_refused),
    cmocka_unit_test(who_asks_a_server_that_dies_is_told_at_once),
    cmocka_unit_test(who_asks_a_server_that_is_stopped_waits_no_longer_than_it_said),
    cmocka_unit_test(when_nobody_listens_nothing_is_there),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, begin, NULL);
}
