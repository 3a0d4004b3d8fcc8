/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const three[] = {"a@x", "b@x", "c@x"};

static void
assert_output(struct flow_dialogue *d, const char *expected)
{
	buffer_append(&d->output, "", 1);
	assert_string_equal((char *)d->output.data, expected);
	d->output.length = 0;
}

/* Feed a reply whole or byte by byte; the last duty. */
static enum flow_duty
hear(struct flow_dialogue *d, const char *reply, bool whole)
{
	enum flow_duty duty = FLOW_DUTY_NONE;
	size_t length = strlen(reply), step = whole ? length : 1;

	for (size_t at = 0; at < length; at += step) {
		assert_int_equal(duty, FLOW_DUTY_NONE);
		duty = flow_dialogue_input(d, slice_from(reply + at, step));
	}
	return duty;
}

static void
greet(struct flow_dialogue *d, bool pipelining, bool whole)
{
	flow_dialogue_begin(d, "s@y", pipelining);
	assert_int_equal(hear(d, "220 there\r\n", whole), FLOW_DUTY_GREETED);
	assert_output(d, "EHLO flow.client.test\r\n");
	assert_int_equal(
	    hear(d, "250-there\r\n250-PIPELINING\r\n250 8BITMIME\r\n", whole), FLOW_DUTY_READY);
}

static void
give(struct flow_dialogue *d, unsigned copies)
{
	flow_dialogue_message(d, three, copies);
}

/* Up to the reply to the final dot, which is left to be heard. */
static void
send_one(struct flow_dialogue *d, bool whole)
{
	give(d, 1);
	assert_output(d, "MAIL FROM:<s@y> BODY=8BITMIME\r\n");
	assert_int_equal(hear(d, "250 ok\r\n", whole), FLOW_DUTY_NONE);
	assert_output(d, "RCPT TO:<a@x>\r\n");
	assert_int_equal(hear(d, "250 ok\r\n", whole), FLOW_DUTY_NONE);
	assert_output(d, "DATA\r\n");
	assert_int_equal(hear(d, "354 go\r\n", whole), FLOW_DUTY_CONTENT);
	flow_dialogue_content_sent(d);
	assert_output(d, ".\r\n");
}

static void
a_message_is_acknowledged_only_by_the_reply_to_its_dot(void **state)
{
	struct flow_dialogue d;

	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		greet(&d, false, whole);
		send_one(&d, whole);
		assert_int_equal(d.outcomes[0].kind, FLOW_TRY);
		assert_int_equal(hear(&d, "250 2.0.0 queued as 7\r\n", whole), FLOW_DUTY_SETTLED);
		assert_int_equal(d.outcomes[0].kind, FLOW_ACKED);
		assert_int_equal(d.outcomes[0].code, 250);
		assert_string_equal(d.outcomes[0].text, "2.0.0 queued as 7");
		assert_false(flow_dialogue_died(&d, "later"));
		assert_int_equal(d.outcomes[0].kind, FLOW_ACKED);
		flow_dialogue_close(&d);
	}
}

static void
a_negative_reply_to_the_dot_is_a_refusal(void **state)
{
	struct flow_dialogue d;

	(void)state;
	greet(&d, false, true);
	send_one(&d, true);
	assert_int_equal(hear(&d, "452 4.3.1 full\r\n", true), FLOW_DUTY_SETTLED);
	assert_int_equal(d.outcomes[0].kind, FLOW_REFUSED);
	assert_int_equal(d.outcomes[0].code, 452);
	assert_false(d.closing);
	flow_dialogue_close(&d);
}

static void
death_after_the_dot_is_unknown_and_before_it_unsent(void **state)
{
	static const char *const replies[] = {"250 ok\r\n", "250 ok\r\n", "354 go\r\n"};
	struct flow_dialogue d;

	(void)state;
	for (size_t replies_heard = 0; replies_heard <= 4; replies_heard++) {
		greet(&d, false, true);
		give(&d, 1);
		for (size_t i = 0; i < replies_heard && i < 3; i++)
			hear(&d, replies[i], true);
		if (replies_heard == 4)
			flow_dialogue_content_sent(&d);
		assert_true(flow_dialogue_died(&d, "reset"));
		assert_int_equal(
		    d.outcomes[0].kind, replies_heard == 4 ? FLOW_UNKNOWN : FLOW_UNSENT);
		flow_dialogue_close(&d);
	}
}

static void
death_between_messages_leaves_no_outcome(void **state)
{
	struct flow_dialogue d;

	(void)state;
	greet(&d, false, true);
	assert_false(flow_dialogue_died(&d, "reset"));
	flow_dialogue_close(&d);
}

static void
pipelining_says_all_at_once_and_reads_the_answers_in_order(void **state)
{
	struct flow_dialogue d;

	(void)state;
	greet(&d, true, true);
	give(&d, 3);
	assert_output(&d, "MAIL FROM:<s@y> BODY=8BITMIME\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\n"
			  "RCPT TO:<c@x>\r\nDATA\r\n");
	assert_int_equal(
	    hear(&d, "250 ok\r\n250 ok\r\n550 5.1.1 nobody\r\n250 ok\r\n354 go\r\n", true),
	    FLOW_DUTY_CONTENT);
	flow_dialogue_content_sent(&d);
	assert_int_equal(hear(&d, "250 done\r\n", true), FLOW_DUTY_SETTLED);
	assert_int_equal(d.outcomes[0].kind, FLOW_ACKED);
	assert_int_equal(d.outcomes[1].kind, FLOW_REFUSED);
	assert_int_equal(d.outcomes[1].code, 550);
	assert_int_equal(d.outcomes[2].kind, FLOW_ACKED);
	flow_dialogue_close(&d);
}

static void
a_refused_recipient_stays_refused_when_the_connection_dies(void **state)
{
	struct flow_dialogue d;

	(void)state;
	greet(&d, true, true);
	give(&d, 2);
	hear(&d, "250 ok\r\n550 5.1.1 nobody\r\n250 ok\r\n354 go\r\n", true);
	flow_dialogue_content_sent(&d);
	assert_true(flow_dialogue_died(&d, "reset"));
	assert_int_equal(d.outcomes[0].kind, FLOW_REFUSED);
	assert_int_equal(d.outcomes[1].kind, FLOW_UNKNOWN);
	flow_dialogue_close(&d);
}

static void
no_recipient_at_all_sends_no_content(void **state)
{
	struct flow_dialogue d;

	(void)state;
	for (int with_354 = 0; with_354 < 2; with_354++) {
		greet(&d, true, true);
		give(&d, 1);
		d.output.length = 0;
		hear(&d, "250 ok\r\n550 5.1.1 nobody\r\n", true);
		if (with_354) {
			assert_int_equal(hear(&d, "354 go\r\n", true), FLOW_DUTY_NONE);
			assert_output(&d, ".\r\n");
		}
		assert_int_equal(hear(&d, "554 5.5.1 no recipients\r\n", true), FLOW_DUTY_SETTLED);
		assert_int_equal(d.outcomes[0].code, 550);
		flow_dialogue_close(&d);
	}
}

static void
without_pipelining_a_refused_transaction_is_reset(void **state)
{
	struct flow_dialogue d;

	(void)state;
	greet(&d, false, true);
	give(&d, 1);
	hear(&d, "250 ok\r\n", true);
	d.output.length = 0;
	assert_int_equal(hear(&d, "550 5.1.1 nobody\r\n", true), FLOW_DUTY_NONE);
	assert_output(&d, "RSET\r\n");
	assert_int_equal(hear(&d, "250 ok\r\n", true), FLOW_DUTY_SETTLED);
	flow_dialogue_close(&d);
}

static void
a_server_that_says_421_is_left_after_the_outcome(void **state)
{
	struct flow_dialogue d;

	(void)state;
	greet(&d, false, true);
	send_one(&d, true);
	assert_int_equal(hear(&d, "421 4.3.2 going down\r\n", true), FLOW_DUTY_SETTLED);
	assert_int_equal(d.outcomes[0].kind, FLOW_REFUSED);
	assert_true(d.closing);
	flow_dialogue_close(&d);
}

static void
what_is_no_reply_ends_the_session(void **state)
{
	static const char *const nonsense[] = {
	    "hello\r\n", "25\r\n", "250 no carriage return\n", "\r\n", "2x0 ok\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		struct flow_dialogue d;

		greet(&d, false, true);
		send_one(&d, true);
		assert_int_equal(hear(&d, nonsense[i], true), FLOW_DUTY_CLOSE);
		assert_true(flow_dialogue_died(&d, "nonsense"));
		assert_int_equal(d.outcomes[0].kind, FLOW_UNKNOWN);
		flow_dialogue_close(&d);
	}
}

static void
a_reply_without_end_is_bounded(void **state)
{
	enum flow_duty duty = FLOW_DUTY_NONE;
	struct flow_dialogue d;

	(void)state;
	flow_dialogue_begin(&d, "s@y", false);
	for (int i = 0; i < 100000 && duty == FLOW_DUTY_NONE; i++)
		duty = hear(&d, "220-more\r\n", true);
	assert_int_equal(duty, FLOW_DUTY_CLOSE);
	flow_dialogue_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_is_acknowledged_only_by_the_reply_to_its_dot),
	    cmocka_unit_test(a_negative_reply_to_the_dot_is_a_refusal),
	    cmocka_unit_test(death_after_the_dot_is_unknown_and_before_it_unsent),
	    cmocka_unit_test(death_between_messages_leaves_no_outcome),
	    cmocka_unit_test(pipelining_says_all_at_once_and_reads_the_answers_in_order),
	    cmocka_unit_test(a_refused_recipient_stays_refused_when_the_connection_dies),
	    cmocka_unit_test(no_recipient_at_all_sends_no_content),
	    cmocka_unit_test(without_pipelining_a_refused_transaction_is_reset),
	    cmocka_unit_test(a_server_that_says_421_is_left_after_the_outcome),
	    cmocka_unit_test(what_is_no_reply_ends_the_session),
	    cmocka_unit_test(a_reply_without_end_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
