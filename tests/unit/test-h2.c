/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/h2.h"

#define MESSAGE_MAX 1000
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
/* Frame types and flags, RFC 9113 6. */
enum {
	DATA = 0,
	HEADERS = 1,
	PRIORITY = 2,
	RST_STREAM = 3,
	SETTINGS = 4,
	PING = 6,
	END_STREAM = 1,
	END_HEADERS = 4,
};

struct heard {
	int count;
	uint64_t tag;
	int status;
	char text[MESSAGE_MAX + 1];
	char reason[GRPC_REASON_MAX];
};

static struct h2 *client, *server;
static struct heard answers, requests;
static int32_t calls[H2_CALLS_MAX * 2];
static uint64_t pong, now_ms;

static void
hear(struct heard *heard, struct slice message)
{
	heard->count++;
	assert_true(slice_to_string(message, heard->text, sizeof(heard->text)));
}

static void
on_request(void *context, int32_t call, const char *path, struct slice message)
{
	(void)context;
	calls[requests.count] = call;
	hear(&requests, message);
	snprintf(requests.reason, sizeof(requests.reason), "%s", path);
}

static void
on_answer(void *context, uint64_t tag, int status, struct slice message, const char *reason)
{
	(void)context;
	hear(&answers, message);
	answers.tag = tag;
	answers.status = status;
	snprintf(answers.reason, sizeof(answers.reason), "%s", reason);
}

static void
on_pong(void *context, uint64_t nonce)
{
	(void)context;
	pong = nonce;
}

static int
setup(void **state)
{
	const struct h2_events events = {
	    .on_request = on_request, .on_answer = on_answer, .on_pong = on_pong};

	(void)state;
	answers = requests = (struct heard){0};
	pong = 0;
	now_ms = 1000000;
	client = h2_open_client(&events, MESSAGE_MAX);
	server = h2_open_server(&events, MESSAGE_MAX);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	h2_close(&client);
	h2_close(&server);
	return 0;
}

/* Carry bytes, at most step at a time, until both are silent. Returns the server's verdict. */
static int
settle(size_t step)
{
	uint8_t bytes[4096];
	size_t forth, back;
	int result = 0;

	do {
		forth = h2_take(client, bytes, step);
		if (forth)
			result = h2_feed(server, slice_from(bytes, forth), now_ms);
		back = h2_take(server, bytes, step);
		if (back)
			h2_feed(client, slice_from(bytes, back), now_ms);
	} while (forth || back);
	return result;
}

static void
a_call_brings_its_answer(void **state)
{
	(void)state;
	assert_false(h2_is_proved(client));
	assert_int_equal(h2_ask(client, 7, "/a/b", slice_of("question")), 0);
	settle(4096);
	assert_true(h2_is_proved(client));
	assert_int_equal(requests.count, 1);
	assert_string_equal(requests.text, "question");
	assert_string_equal(requests.reason, "/a/b");
	assert_int_equal(answers.count, 0);
	h2_answer(server, calls[0], GRPC_OK, slice_of("answer"), "");
	settle(4096);
	assert_int_equal(answers.count, 1);
	assert_int_equal(answers.tag, 7);
	assert_int_equal(answers.status, GRPC_OK);
	assert_string_equal(answers.text, "answer");
}

static void
byte_by_byte_is_the_same(void **state)
{
	(void)state;
	h2_ask(client, 7, "/a", slice_of("question"));
	settle(1);
	h2_answer(server, calls[0], GRPC_OK, slice_of("answer"), "");
	settle(1);
	assert_int_equal(answers.count, 1);
	assert_string_equal(answers.text, "answer");
}

static void
a_refusal_brings_its_reason(void **state)
{
	(void)state;
	h2_ask(client, 7, "/a", slice_of("question"));
	settle(4096);
	h2_answer(server, calls[0], GRPC_DATA_LOSS, slice_of("not this"), "it is\r\nbroken");
	settle(4096);
	assert_int_equal(answers.count, 1);
	assert_int_equal(answers.status, GRPC_DATA_LOSS);
	assert_string_equal(answers.text, "");
	assert_string_equal(answers.reason, "it is??broken");
}

static void
many_calls_are_answered_in_any_order(void **state)
{
	char text[16];

	(void)state;
	for (uint64_t i = 0; i < H2_CALLS_MAX; i++)
		assert_int_equal(h2_ask(client, i, "/a", slice_of("q")), 0);
	assert_int_equal(h2_ask(client, 99, "/a", slice_of("q")), -EAGAIN);
	settle(4096);
	assert_int_equal(requests.count, H2_CALLS_MAX);
	for (int i = H2_CALLS_MAX; i-- > 0;) {
		snprintf(text, sizeof(text), "%d", calls[i]);
		h2_answer(server, calls[i], GRPC_OK, slice_of(text), "");
		settle(4096);
		assert_int_equal(answers.tag, i);
		assert_string_equal(answers.text, text);
	}
	assert_int_equal(answers.count, H2_CALLS_MAX);
	assert_int_equal(h2_ask(client, 99, "/a", slice_of("q")), 0);
}

static void
what_was_cancelled_is_not_answered(void **state)
{
	(void)state;
	h2_ask(client, 7, "/a", slice_of("question"));
	settle(4096);
	h2_cancel(client, 7);
	h2_answer(server, calls[0], GRPC_OK, slice_of("answer"), "");
	settle(4096);
	assert_int_equal(answers.count, 0);
	/* The server has heard of it, and an answer now is no error. */
	h2_answer(server, calls[0], GRPC_OK, slice_of("answer"), "");
	assert_int_equal(settle(4096), 0);
	h2_ask(client, 8, "/a", slice_of("another"));
	settle(4096);
	assert_int_equal(requests.count, 2);
}

static void
a_message_may_have_its_most_and_no_more(void **state)
{
	static char text[MESSAGE_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	h2_ask(client, 1, "/a", slice_from(text, MESSAGE_MAX));
	settle(4096);
	assert_int_equal(requests.count, 1);
	h2_ask(client, 2, "/a", slice_from(text, MESSAGE_MAX + 1));
	assert_int_equal(settle(4096), 0);
	assert_int_equal(requests.count, 1);
	assert_int_equal(answers.count, 1);
	assert_int_equal(answers.status, -ECONNRESET);
	/* And so in the other direction. */
	h2_answer(server, calls[0], GRPC_OK, slice_from(text, MESSAGE_MAX + 1), "");
	settle(4096);
	assert_int_equal(answers.count, 2);
	assert_int_equal(answers.tag, 1);
	assert_int_equal(answers.status, -EPROTO);
}

static void
headers_without_end_are_reset(void **state)
{
	static char path[H2_HEADERS_MAX + 1];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	h2_ask(client, 1, path, slice_of("question"));
	settle(4096);
	assert_int_equal(requests.count, 0);
	assert_int_equal(answers.status, -ECONNRESET);
}

static void
a_ping_comes_back(void **state)
{
	(void)state;
	h2_ping(client, 4711);
	settle(4096);
	assert_int_equal(pong, 4711);
}

static void
after_good_bye_nothing_new_begins_and_the_rest_is_finished(void **state)
{
	(void)state;
	h2_ask(client, 1, "/a", slice_of("question"));
	settle(4096);
	h2_end(server);
	settle(4096);
	assert_int_equal(h2_ask(client, 2, "/a", slice_of("late")), -ENOTCONN);
	assert_false(h2_has_ended(server));
	h2_answer(server, calls[0], GRPC_OK, slice_of("answer"), "");
	assert_int_equal(settle(4096), 0);
	assert_int_equal(answers.count, 1);
	assert_string_equal(answers.text, "answer");
	assert_true(h2_has_ended(server));
	assert_true(h2_has_ended(client));
}

/* -- hostile peers, frame by frame -- */

static int
feed(const void *bytes, size_t length)
{
	return h2_feed(server, slice_from(bytes, length), now_ms);
}

static int
feed_frame(uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t length)
{
	uint8_t head[9] = {(uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length, type,
	    flags, (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8),
	    (uint8_t)stream};
	int result = feed(head, sizeof(head));

	return length && result == 0 ? feed(payload, length) : result;
}

static void
begin_by_hand(void)
{
	assert_int_equal(feed(PREFACE, strlen(PREFACE)), 0);
	assert_int_equal(feed_frame(SETTINGS, 0, 0, "", 0), 0);
}

/* The server's output is thrown away, so that only the count of frames can end it. */
static void
drain_server(void)
{
	uint8_t bytes[4096];

	while (h2_take(server, bytes, sizeof(bytes)))
		;
}

static void
assert_flood_ends(uint8_t type, const void *payload, size_t length, uint32_t stream)
{
	int sent = 0;

	teardown(NULL);
	setup(NULL);
	begin_by_hand();
	while (feed_frame(type, 0, stream, payload, length) == 0) {
		drain_server();
		assert_in_range(++sent, 0, H2_IDLE_BURST);
	}
	assert_in_range(sent, H2_IDLE_BURST / 2, H2_IDLE_BURST);
	/* It is told so, and that is the end. */
	drain_server();
	assert_true(h2_has_ended(server));
	assert_int_equal(feed_frame(PING, 0, 0, "12345678", 8), -EPROTO);
}

static void
floods_end_the_connection(void **state)
{
	(void)state;
	assert_flood_ends(PING, "12345678", 8, 0);
	assert_flood_ends(SETTINGS, "", 0, 0);
	assert_flood_ends(PRIORITY, "\0\0\0\0\1", 5, 3);
}

/* ":method: POST", ":scheme: https", ":path: /", ":authority: a" (RFC 7541). */
static const uint8_t headers[] = {0x83, 0x87, 0x84, 0x01, 1, 'a'};

static void
rapid_resets_end_the_connection(void **state)
{
	uint32_t stream = 1;

	(void)state;
	begin_by_hand();
	while (feed_frame(HEADERS, END_HEADERS, stream, headers, sizeof(headers)) == 0 &&
	       feed_frame(RST_STREAM, 0, stream, "\0\0\0\10", 4) == 0) {
		drain_server();
		stream += 2;
		assert_in_range(stream, 0, 2 * H2_IDLE_BURST + 2);
	}
}

static void
empty_data_without_end_ends_the_connection(void **state)
{
	int sent = 0;

	(void)state;
	begin_by_hand();
	assert_int_equal(feed_frame(HEADERS, END_HEADERS, 1, headers, sizeof(headers)), 0);
	while (feed_frame(DATA, 0, 1, "", 0) == 0)
		assert_in_range(++sent, 0, H2_IDLE_BURST);
}

static void
a_peer_that_takes_nothing_makes_us_hold_little(void **state)
{
	uint32_t stream = 1;

	(void)state;
	begin_by_hand();
	/* Each gets a frame in answer, which nobody takes: it was not acknowledged how many may be
	 * open. */
	while (
	    feed_frame(HEADERS, END_HEADERS | END_STREAM, stream, headers, sizeof(headers)) == 0) {
		stream += 2;
		assert_in_range(stream, 0, 4000);
	}
}

static void
pings_at_a_good_pace_go_on_for_ever(void **state)
{
	(void)state;
	begin_by_hand();
	for (int i = 0; i < 5000; i++) {
		now_ms += 1000 / H2_IDLE_PER_S;
		assert_int_equal(feed_frame(PING, 0, 0, "12345678", 8), 0);
		drain_server();
	}
}

static void
another_protocol_is_no_http2(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

	(void)state;
	assert_int_equal(feed(text, strlen(text)), -EPROTO);
}

static void
a_broken_rule_ends_the_connection(void **state)
{
	(void)state;
	begin_by_hand();
	/* DATA on a stream that nobody opened. */
	feed_frame(DATA, END_STREAM, 1, "x", 1);
	assert_false(h2_has_ended(server));
	drain_server();
	assert_true(h2_is_broken(server));
	assert_true(h2_has_ended(server));
	assert_int_equal(feed_frame(PING, 0, 0, "12345678", 8), -EPROTO);
}

static void
only_a_post_of_the_right_type_is_a_call(void **state)
{
	/* ":method: GET"; "content-type: a" */
	static const uint8_t get[] = {0x82, 0x87, 0x84, 0x01, 1, 'a'};
	static const uint8_t other_type[] = {0x83, 0x87, 0x84, 0x01, 1, 'a', 0x0f, 0x10, 1, 'a'};
	static const uint8_t nothing[] = {0, 0, 0, 0, 0};

	(void)state;
	begin_by_hand();
	feed_frame(HEADERS, END_HEADERS, 1, get, sizeof(get));
	feed_frame(DATA, END_STREAM, 1, nothing, sizeof(nothing));
	feed_frame(HEADERS, END_HEADERS, 3, other_type, sizeof(other_type));
	feed_frame(DATA, END_STREAM, 3, nothing, sizeof(nothing));
	feed_frame(HEADERS, END_HEADERS | END_STREAM, 5, headers, sizeof(headers));
	assert_int_equal(requests.count, 0);
	feed_frame(HEADERS, END_HEADERS, 7, headers, sizeof(headers));
	feed_frame(DATA, END_STREAM, 7, nothing, sizeof(nothing));
	assert_int_equal(requests.count, 1);
}

int
main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    LAW(a_call_brings_its_answer),
	    LAW(byte_by_byte_is_the_same),
	    LAW(a_refusal_brings_its_reason),
	    LAW(many_calls_are_answered_in_any_order),
	    LAW(what_was_cancelled_is_not_answered),
	    LAW(a_message_may_have_its_most_and_no_more),
	    LAW(headers_without_end_are_reset),
	    LAW(a_ping_comes_back),
	    LAW(after_good_bye_nothing_new_begins_and_the_rest_is_finished),
	    LAW(floods_end_the_connection),
	    LAW(rapid_resets_end_the_connection),
	    LAW(empty_data_without_end_ends_the_connection),
	    LAW(a_peer_that_takes_nothing_makes_us_hold_little),
	    LAW(pings_at_a_good_pace_go_on_for_ever),
	    LAW(another_protocol_is_no_http2),
	    LAW(a_broken_rule_ends_the_connection),
	    LAW(only_a_post_of_the_right_type_is_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
