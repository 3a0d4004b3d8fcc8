/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pb_encode.h>

#include "common/federation.pb.h"
#include "witness/messages.h"

static const struct register_row good_row = {
    .uuid = {{1}}, .epoch = UINT64_MAX - 3, .members = 3, .boots = {{{2}}, {{3}}}};
static const struct register_ask good_ask = {.verb = REGISTER_ADMIT,
    .uuid = {{1}},
    .epoch = 9,
    .node = 1,
    .boot = {{4}},
    .peer_boot = {{5}}};

static void
an_ask_comes_back_as_it_was(void **state)
{
	uint8_t bytes[MESSAGES_MAX];
	char pair[PAIR_NAME_MAX + 1];
	struct register_ask ask;

	(void)state;
	for (int verb = REGISTER_READ; verb <= REGISTER_RENEW; verb++) {
		struct register_ask one = good_ask;
		size_t length;

		one.verb = (enum register_verb)verb;
		length = messages_put_ask("hq", &one, bytes);
		assert_true(messages_take_ask(slice_from(bytes, length), pair, &ask));
		assert_string_equal(pair, "hq");
		assert_int_equal(ask.verb, verb);
		assert_int_equal(ask.node, 1);
		assert_int_equal(ask.epoch, 9);
		assert_true(id128_is_same(&ask.uuid, &one.uuid));
		assert_true(id128_is_same(&ask.boot, &one.boot));
		assert_true(id128_is_same(&ask.peer_boot, &one.peer_boot));
	}
}

static void
an_answer_comes_back_as_it_was(void **state)
{
	uint8_t bytes[MESSAGES_MAX];

	(void)state;
	for (int i = 0; i < REGISTER_VERDICTS; i++) {
		size_t length = messages_put_answer((enum register_verdict)i, &good_row, bytes);
		enum register_verdict verdict;
		struct register_row row;

		assert_true(messages_take_answer(slice_from(bytes, length), &verdict, &row));
		assert_int_equal(verdict, i);
		assert_int_equal(row.epoch, good_row.epoch);
		assert_int_equal(row.members, 3);
		assert_true(id128_is_same(&row.uuid, &good_row.uuid));
		assert_true(id128_is_same(&row.boots[0], &good_row.boots[0]));
		assert_true(id128_is_same(&row.boots[1], &good_row.boots[1]));
	}
}

static void
no_row_is_said_and_heard(void **state)
{
	const struct register_row none = {0};
	uint8_t bytes[MESSAGES_MAX];
	enum register_verdict verdict;
	struct register_row row;
	size_t length = messages_put_answer(REGISTER_ABSENT, &none, bytes);

	(void)state;
	assert_true(messages_take_answer(slice_from(bytes, length), &verdict, &row));
	assert_int_equal(verdict, REGISTER_ABSENT);
	assert_true(id128_is_none(&row.uuid));
}

/* 0 is what is absent on the wire, and "done" here. */
static void
what_was_not_said_is_never_done(void **state)
{
	const struct register_row none = {0};
	uint8_t bytes[MESSAGES_MAX];
	enum register_verdict verdict;
	struct register_row row;
	struct register_ask ask;
	char pair[PAIR_NAME_MAX + 1];
	uint64_t nonce;
	size_t length;

	(void)state;
	assert_false(messages_take_answer(slice_of(""), &verdict, &row));
	assert_int_equal(verdict, REGISTER_MALFORMED);
	assert_false(messages_take_ask(slice_of(""), pair, &ask));
	assert_false(messages_take_echo(slice_of(""), &nonce));
	for (int i = REGISTER_CHANGED; i <= REGISTER_SAME; i++) {
		length = messages_put_answer((enum register_verdict)i, &none, bytes);
		assert_false(messages_take_answer(slice_from(bytes, length), &verdict, &row));
		assert_false(register_is_done(verdict));
	}
}

/* nanopb's own encoder says what ours never would. */
static bool
is_ask_taken(const gemel_RegisterAsk *message)
{
	uint8_t bytes[MESSAGES_MAX];
	pb_ostream_t stream = pb_ostream_from_buffer(bytes, sizeof(bytes));
	char pair[PAIR_NAME_MAX + 1];
	struct register_ask ask;

	assert_true(pb_encode(&stream, gemel_RegisterAsk_fields, message));
	return messages_take_ask(slice_from(bytes, stream.bytes_written), pair, &ask);
}

static void
an_impossible_ask_is_none(void **state)
{
	const gemel_RegisterAsk good = {
	    .pair = "hq", .verb = gemel_RegisterVerb_VERB_GRANT, .node = 1};
	gemel_RegisterAsk wrong = good;

	(void)state;
	assert_true(is_ask_taken(&good));
	wrong.verb = 6;
	assert_false(is_ask_taken(&wrong));
	wrong = good;
	wrong.verb = 0;
	assert_false(is_ask_taken(&wrong));
	wrong = good;
	wrong.node = 2;
	assert_false(is_ask_taken(&wrong));
	wrong.node = 256;
	assert_false(is_ask_taken(&wrong));
	wrong = good;
	strcpy(wrong.pair, "../hq");
	assert_false(is_ask_taken(&wrong));
	wrong.pair[0] = '\0';
	assert_false(is_ask_taken(&wrong));
}

static bool
is_answer_taken(const gemel_RegisterAnswer *message)
{
	uint8_t bytes[MESSAGES_MAX];
	pb_ostream_t stream = pb_ostream_from_buffer(bytes, sizeof(bytes));
	enum register_verdict verdict;
	struct register_row row;

	assert_true(pb_encode(&stream, gemel_RegisterAnswer_fields, message));
	return messages_take_answer(slice_from(bytes, stream.bytes_written), &verdict, &row);
}

static void
an_impossible_row_is_none(void **state)
{
	const gemel_RegisterAnswer good = {.verdict = gemel_RegisterVerdict_VERDICT_CHANGED,
	    .has_row = true,
	    .row = {.uuid = {1}, .epoch = 1, .members = 1, .boot_0 = {1}, .boot_1 = {1}}};
	gemel_RegisterAnswer wrong = good;

	(void)state;
	assert_true(is_answer_taken(&good));
	wrong.row.members = 0;
	assert_false(is_answer_taken(&wrong));
	wrong.row.members = 257;
	assert_false(is_answer_taken(&wrong));
	wrong = good;
	wrong.row.epoch = 0;
	assert_false(is_answer_taken(&wrong));
	wrong = good;
	wrong.verdict = 10;
	assert_false(is_answer_taken(&wrong));
}

/* A message that was cut is none, or says less; it never says something else. */
static void
a_cut_answer_never_says_done_without_its_row(void **state)
{
	uint8_t bytes[MESSAGES_MAX];
	size_t length = messages_put_answer(REGISTER_CHANGED, &good_row, bytes);
	enum register_verdict verdict;
	struct register_row row;

	(void)state;
	for (size_t i = 0; i < length; i++) {
		assert_false(messages_take_answer(slice_from(bytes, i), &verdict, &row));
		assert_false(register_is_done(verdict));
	}
}

static void
an_echo_is_the_nonce(void **state)
{
	uint8_t bytes[MESSAGES_MAX];
	uint64_t nonce;
	size_t length = messages_put_echo(UINT64_C(0x123456789abcdef0), bytes);

	(void)state;
	assert_true(messages_take_echo(slice_from(bytes, length), &nonce));
	assert_true(nonce == UINT64_C(0x123456789abcdef0));
	for (size_t i = 0; i < length; i++)
		assert_false(messages_take_echo(slice_from(bytes, i), &nonce));
}

static void
a_message_that_is_too_long_is_none(void **state)
{
	uint8_t bytes[MESSAGES_MAX + 2] = {0x50, 0}; /* unknown field 10, again and again */
	uint64_t nonce;
	size_t length = messages_put_echo(7, bytes);

	(void)state;
	for (size_t i = length; i + 1 < sizeof(bytes); i += 2)
		bytes[i] = 0x50;
	assert_true(messages_take_echo(slice_from(bytes, length + 2), &nonce));
	assert_false(messages_take_echo(slice_from(bytes, length + 248), &nonce));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_ask_comes_back_as_it_was),
	    cmocka_unit_test(an_answer_comes_back_as_it_was),
	    cmocka_unit_test(no_row_is_said_and_heard),
	    cmocka_unit_test(what_was_not_said_is_never_done),
	    cmocka_unit_test(an_impossible_ask_is_none),
	    cmocka_unit_test(an_impossible_row_is_none),
	    cmocka_unit_test(a_cut_answer_never_says_done_without_its_row),
	    cmocka_unit_test(an_echo_is_the_nonce),
	    cmocka_unit_test(a_message_that_is_too_long_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
