/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes, memory, time, the core's answers, and endings. */
#include "tests/unit/smtp-dialogue.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#define OPENING "EHLO client.example\r\n"
#define ENVELOPE "MAIL FROM:<s@else.example>\r\nRCPT TO:<a@example.test>\r\nDATA\r\n"
#define OPENED "220 250 250/2.1.0 250/2.1.5 354"

static void
begin(struct dialogue *d, const struct smtp_settings *settings, const char *opening)
{
	dialogue_open(d, settings, 0);
	smtp_session_greet(d->session, d->now_ms);
	dialogue_say(d, slice_of(""));
	dialogue_say(d, slice_of(OPENING));
	dialogue_say(d, slice_of(opening));
}

static void
say_lines(struct dialogue *d, size_t count, const char *line)
{
	for (size_t i = 0; i < count; i++)
		dialogue_say(d, slice_of(line));
}

static void
assert_codes(const struct dialogue *d, const char *expected)
{
	char heard[512];

	assert_string_equal(dialogue_codes(d, heard, sizeof(heard)), expected);
}

static void
only_the_answer_that_it_is_durable_makes_it_say_250(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;
	size_t before;

	(void)state;
	begin(&d, &settings, ENVELOPE);
	before = d.heard.length;
	d.is_paused = true;
	dialogue_say(&d, slice_of("Subject: x\r\n\r\n.\r\nNOOP\r\n"));
	assert_int_equal(smtp_session_duty(d.session), SMTP_WANT_COMMIT);
	assert_int_equal(d.heard.length, before);
	assert_int_equal(smtp_session_feed(d.session, slice_of("NOOP\r\n"), d.now_ms), 0);
	smtp_session_tick(d.session, UINT64_MAX - 1);
	assert_int_equal(smtp_session_output(d.session).length, 0);
	smtp_session_committed(d.session, COMMIT_DURABLE, "3-1f", d.now_ms);
	assert_true(slice_is_equal(
	    smtp_session_output(d.session), slice_of("250 2.0.0 queued as 3-1f\r\n")));
	dialogue_close(&d);
}

static void
any_other_answer_refuses_and_the_session_goes_on(void **state)
{
	static const struct {
		enum commit_verdict verdict;
		const char *codes;
	} rows[] = {
	    {COMMIT_SYSTEM_FULL, OPENED " 452/4.3.1 250/2.0.0"},
	    {COMMIT_TRY_LATER, OPENED " 451/4.3.0 250/2.0.0"},
	    {COMMIT_REFUSED, OPENED " 554/5.6.0 250/2.0.0"},
	    {(enum commit_verdict)99, OPENED " 451/4.3.0 250/2.0.0"},
	};
	struct smtp_settings settings = dialogue_settings();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dialogue d;

		begin(&d, &settings, ENVELOPE);
		d.commit_verdict = rows[i].verdict;
		dialogue_say(&d, slice_of(".\r\n"));
		dialogue_say(&d, slice_of("RSET\r\n"));
		assert_codes(&d, rows[i].codes);
		dialogue_close(&d);
	}
}

static void
what_is_in_doubt_is_neither_accepted_nor_refused(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, ENVELOPE);
	d.commit_verdict = COMMIT_IN_DOUBT;
	dialogue_say(&d, slice_of(".\r\nRSET\r\n"));
	assert_codes(&d, OPENED);
	assert_int_equal(smtp_session_duty(d.session), SMTP_WANT_CLOSE);
	dialogue_close(&d);
}

static void
the_envelope_holds_what_the_client_said(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct envelope e;
	struct dialogue d;

	(void)state;
	begin(&d, &settings,
	    "MAIL FROM:<\"s\"@else.example> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=q+2B1\r\n"
	    "RCPT TO:<a@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+40y\r\n"
	    "RCPT TO:<x@example.test> NOTIFY=NEVER ORCPT=rfc822;refused\r\n"
	    "RCPT TO:<Postmaster>\r\nRCPT TO:<A@EXAMPLE.test>\r\nDATA\r\n");
	dialogue_say(&d, slice_of("..\r\n.\r\n"));
	assert_true(envelope_decode(buffer_slice(&d.envelope), &e));
	assert_int_equal(e.flags, ENVELOPE_ESMTP | ENVELOPE_8BITMIME | ENVELOPE_SMTPUTF8);
	assert_int_equal(e.returns, RETURN_HEADERS);
	assert_true(slice_is_equal(e.reverse_path, slice_of("s@else.example")));
	assert_true(slice_is_equal(e.client, slice_of("192.0.2.1")));
	assert_true(slice_is_equal(e.helo, slice_of("client.example")));
	assert_true(slice_is_equal(e.envelope_id, slice_of("q+2B1")));
	assert_int_equal(e.recipient_count, 2);
	assert_true(slice_is_equal(e.recipients[0].address, slice_of("a@example.test")));
	assert_true(slice_is_equal(e.recipients[0].original, slice_of("rfc822;x+40y")));
	assert_int_equal(e.recipients[0].notify, NOTIFY_SUCCESS | NOTIFY_FAILURE);
	assert_true(slice_is_equal(e.recipients[1].address, slice_of("postmaster")));
	assert_int_equal(e.recipients[1].original.length, 0);
	assert_int_equal(e.recipients[1].notify, 0);
	assert_true(slice_is_equal(buffer_slice(&d.content), slice_of(".\r\n")));
	envelope_close(&e);
	dialogue_close(&d);
}

static void
the_callers_bytes_may_change_while_a_question_is_open(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	char command[] = "RCPT TO:<a@example.test> ORCPT=rfc822;x\r\n";
	struct envelope e;
	struct dialogue d;

	(void)state;
	begin(&d, &settings, "MAIL FROM:<>\r\n");
	d.is_paused = true;
	dialogue_say(&d, slice_of(command));
	memset(command, 'Z', sizeof(command));
	d.is_paused = false;
	dialogue_serve(&d);
	dialogue_say(&d, slice_of("DATA\r\n"));
	dialogue_say(&d, slice_of(".\r\n"));
	assert_true(envelope_decode(buffer_slice(&d.envelope), &e));
	assert_true(slice_is_equal(e.recipients[0].address, slice_of("a@example.test")));
	assert_true(slice_is_equal(e.recipients[0].original, slice_of("rfc822;x")));
	envelope_close(&e);
	dialogue_close(&d);
}

static void
an_accepted_message_forgives_earlier_errors(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, "");
	for (int i = 0; i < 4; i++) {
		say_lines(&d, 5, "WHAT\r\n");
		assert_false(dialogue_is_over(&d));
		dialogue_say(&d, slice_of(ENVELOPE));
		dialogue_say(&d, slice_of(".\r\n"));
	}
	assert_int_equal(d.commits, 4);
	say_lines(&d, 6, "WHAT\r\n");
	assert_true(dialogue_is_over(&d));
	dialogue_close(&d);
}

static void
of_two_faults_the_loop_is_named(void **state)
{
	struct smtp_settings settings = dialogue_settings();

	(void)state;
	settings.message_max_bytes = 400;
	for (size_t piece = 0; piece < 2; piece++) {
		struct dialogue d;

		begin(&d, &settings, ENVELOPE);
		d.piece = piece;
		say_lines(&d, 40, "Received: from a by b\r\n");
		dialogue_say(&d, slice_of(".\r\n"));
		assert_codes(&d, OPENED " 554/5.4.6");
		dialogue_close(&d);
	}
}

static void
large_content_is_staged_and_comes_together_again(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	char line[101];
	struct dialogue d;

	(void)state;
	memset(line, 'x', 98);
	memcpy(line + 98, "\r\n", 3);
	begin(&d, &settings, ENVELOPE);
	say_lines(&d, 600, line);
	assert_true(smtp_session_has_staged(d.session));
	dialogue_say(&d, slice_of(".\r\n"));
	assert_codes(&d, OPENED " 250/2.0.0");
	assert_int_equal(d.content.length, 60000);
	for (size_t i = 0; i < 600; i++)
		assert_memory_equal(d.content.data + 100 * i, line, 100);
	assert_false(smtp_session_has_staged(d.session));
	assert_int_equal(d.abandons, 0);
	dialogue_close(&d);
}

static void
a_piece_that_cannot_be_staged_refuses_the_message_at_its_end(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, ENVELOPE);
	d.stage_verdict = COMMIT_SYSTEM_FULL;
	say_lines(&d, 3000, "0123456789abcdef\r\n");
	assert_int_equal(d.abandons, 1);
	dialogue_say(&d, slice_of(".\r\n"));
	assert_codes(&d, OPENED " 452/4.3.1");
	assert_int_equal(d.commits, 0);
	dialogue_close(&d);
}

static void
content_above_the_limit_is_read_to_its_end_and_refused(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	settings.message_max_bytes = 36;
	begin(&d, &settings, ENVELOPE);
	say_lines(&d, 2, "0123456789abcdef\r\n");
	dialogue_say(&d, slice_of(".\r\n"));
	dialogue_say(&d, slice_of(ENVELOPE));
	say_lines(&d, 10000, "0123456789abcdef\r\n");
	dialogue_say(&d, slice_of(".\r\nRSET\r\n"));
	assert_codes(&d, OPENED " 250/2.0.0 250/2.1.0 250/2.1.5 354 552/5.3.4 250/2.0.0");
	assert_int_equal(d.commits, 1);
	dialogue_close(&d);
}

static void
too_many_received_lines_are_a_loop(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, ENVELOPE);
	say_lines(&d, 29, "Received: from a by b\r\n");
	dialogue_say(&d, slice_of("\r\nReceived: not in the header\r\n.\r\n" ENVELOPE));
	say_lines(&d, 30, "Received: from a by b\r\n");
	dialogue_say(&d, slice_of(".\r\n"));
	assert_codes(&d, OPENED " 250/2.0.0 250/2.1.0 250/2.1.5 354 554/5.4.6");
	assert_int_equal(d.commits, 1);
	dialogue_close(&d);
}

static void
a_command_line_has_the_length_that_its_parameters_allow(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	char line[2048];
	struct dialogue d;

	(void)state;
	for (size_t piece = 0; piece < 2; piece++) {
		begin(&d, &settings, "");
		d.piece = piece;
		/* 512 with CR LF is right for NOOP, 513 is not; RCPT may have 1,048. */
		snprintf(line, sizeof(line), "NOOP %0505d\r\n", 0);
		dialogue_say(&d, slice_of(line));
		snprintf(line, sizeof(line), "NOOP %0506d\r\n", 0);
		dialogue_say(&d, slice_of(line));
		snprintf(line, sizeof(line), "NOOP %01500d\r\n", 0);
		dialogue_say(&d, slice_of(line));
		dialogue_say(&d, slice_of("MAIL FROM:<>\r\n"));
		snprintf(line, sizeof(line), "RCPT TO:<a@example.test> ORCPT=rfc822;%0493d\r\n", 0);
		dialogue_say(&d, slice_of(line));
		snprintf(line, sizeof(line), "RCPT TO:<b@example.test> ORCPT=rfc822;%0494d\r\n", 0);
		dialogue_say(&d, slice_of(line));
		assert_codes(
		    &d, "220 250 250/2.0.0 500/5.5.2 500/5.5.2 250/2.1.0 250/2.1.5 501/5.5.4");
		dialogue_close(&d);
	}
}

static void
an_endless_line_costs_no_memory(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, "");
	say_lines(&d, 50000, "0123456789abcdef");
	assert_true(d.memory <= smtp_session_memory_max(&settings));
	assert_true(d.memory < 8192);
	dialogue_say(&d, slice_of("\r\n"));
	assert_codes(&d, "220 250 500/5.5.2");
	dialogue_close(&d);
}

static void
no_client_makes_it_hold_more_than_it_says(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	char line[1200];
	struct dialogue d;

	(void)state;
	settings.recipients_max = 1000;
	settings.errors_max = 100000;
	settings.inline_max_bytes = 65000;
	begin(&d, &settings, "MAIL FROM:<>\r\n");
	d.is_paused = true;
	for (int i = 0; i < 1200; i++) {
		snprintf(line, sizeof(line),
		    "RCPT TO:<%064d@%050d.%050d.%050d.example.test> NOTIFY=DELAY "
		    "ORCPT=rfc822;%0493d\r\n",
		    i, 0, 0, 0, 0);
		dialogue_say(&d, slice_of(line));
		if (smtp_session_duty(d.session) == SMTP_WANT_RECIPIENT)
			smtp_session_recipient(d.session, RECIPIENT_OK, 0);
		smtp_session_sent(d.session, SIZE_MAX);
	}
	d.is_paused = false;
	dialogue_say(&d, slice_of("DATA\r\n"));
	say_lines(&d, 3000, "0123456789abcdef\r\n");
	dialogue_say(&d, slice_of(".\r\n"));
	assert_true(d.memory > 700000);
	assert_true(d.memory <= smtp_session_memory_max(&settings));
	/* And gives the most of it back. */
	assert_true(smtp_session_memory(d.session) < 32768);
	assert_true(d.envelope.length > 700000 && d.envelope.length <= ENVELOPE_ENCODED_MAX);
	dialogue_close(&d);
}

static void
a_client_that_does_not_listen_is_not_listened_to(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;
	struct slice group = slice_of("RSET\r\n");
	size_t used = 0, fed = 0;

	(void)state;
	begin(&d, &settings, "");
	do {
		used = smtp_session_feed(d.session, group, d.now_ms);
		fed += used;
	} while (used && fed < 1000000);
	assert_int_equal(used, 0);
	assert_true(smtp_session_output(d.session).length <= SMTP_OUTPUT_MAX);
	smtp_session_sent(d.session, SMTP_OUTPUT_MAX);
	assert_int_equal(smtp_session_feed(d.session, group, d.now_ms), group.length);
	dialogue_close(&d);
}

static void
random_bytes_end_in_a_refusal_and_bounded_memory(void **state)
{
	static const char *const words[] = {"MAIL FROM:<", "RCPT TO:<a@example.test>", "DATA\r\n",
	    "\r\n", ".\r\n", "EHLO a\r\n", "\"", "@", ">", " SIZE=", " ORCPT=rfc822;", "\r",
	    "Received: x\r\n", "RSET\r\n", "<>", "\xc3\xa4"};
	struct smtp_settings settings = dialogue_settings();
	uint32_t seed = 7;

	(void)state;
	settings.errors_max = 1000;
	settings.inline_max_bytes = 64;
	for (int round = 0; round < 300; round++) {
		struct dialogue d;

		begin(&d, &settings, "");
		for (int i = 0; i < 200 && !dialogue_is_over(&d); i++) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 28 == 0)
				dialogue_say(&d, slice_from(&seed, 4));
			else
				dialogue_say(&d, slice_of(words[seed >> 20 & 15]));
		}
		assert_true(d.memory <= smtp_session_memory_max(&settings));
		dialogue_close(&d);
	}
}

static void
silence_ends_it_with_421(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, "");
	assert_int_equal(smtp_session_deadline(d.session), 301000);
	/* Pieces of a command do not win time, a command does. */
	d.now_ms = 200000;
	dialogue_say(&d, slice_of("RS"));
	assert_int_equal(smtp_session_deadline(d.session), 301000);
	dialogue_say(&d, slice_of("ET\r\n"));
	assert_int_equal(smtp_session_deadline(d.session), 500000);
	dialogue_say(&d, slice_of(ENVELOPE));
	assert_int_equal(smtp_session_deadline(d.session), 380000);
	d.now_ms = 300000;
	dialogue_say(&d, slice_of("a"));
	assert_int_equal(smtp_session_deadline(d.session), 480000);
	smtp_session_tick(d.session, 479999);
	assert_int_equal(smtp_session_output(d.session).length, 0);
	smtp_session_tick(d.session, 480000);
	assert_true(dialogue_is_over(&d));
	assert_int_equal(smtp_session_deadline(d.session), UINT64_MAX);
	dialogue_say(&d, slice_of(".\r\n"));
	assert_codes(&d, "220 250 250/2.0.0 250/2.1.0 250/2.1.5 354 421/4.4.2");
	dialogue_close(&d);
}

static void
going_down_answers_the_commit_in_flight_first(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, ENVELOPE);
	d.is_paused = true;
	dialogue_say(&d, slice_of(".\r\n"));
	smtp_session_quiesce(d.session);
	assert_int_equal(smtp_session_duty(d.session), SMTP_WANT_COMMIT);
	assert_int_equal(smtp_session_output(d.session).length, 0);
	smtp_session_committed(d.session, COMMIT_DURABLE, "3-1f", d.now_ms);
	dialogue_say(&d, slice_of("QUIT\r\n"));
	assert_codes(&d, OPENED " 250/2.0.0 421/4.3.2");
	assert_true(dialogue_is_over(&d));
	dialogue_close(&d);
}

static void
going_down_ends_every_other_session_at_once(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, ENVELOPE);
	say_lines(&d, 1000, "0123456789abcdef\r\n");
	d.is_paused = true;
	smtp_session_quiesce(d.session);
	assert_int_equal(smtp_session_duty(d.session), SMTP_WANT_ABANDON);
	smtp_session_abandoned(d.session);
	assert_true(dialogue_is_over(&d));
	dialogue_say(&d, slice_of(""));
	assert_codes(&d, OPENED " 421/4.3.2");
	dialogue_close(&d);

	dialogue_open(&d, &settings, 0);
	smtp_session_quiesce(d.session);
	assert_true(dialogue_is_over(&d));
	dialogue_say(&d, slice_of(""));
	assert_codes(&d, "421/4.3.2");
	dialogue_close(&d);
}

static void
a_recipient_asked_for_while_going_down_gets_421_alone(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, "MAIL FROM:<>\r\n");
	d.is_paused = true;
	dialogue_say(&d, slice_of("RCPT TO:<a@example.test>\r\n"));
	smtp_session_quiesce(d.session);
	assert_int_equal(smtp_session_duty(d.session), SMTP_WANT_RECIPIENT);
	smtp_session_recipient(d.session, RECIPIENT_OK, d.now_ms);
	dialogue_say(&d, slice_of(""));
	assert_codes(&d, "220 250 250/2.1.0 421/4.3.2");
	dialogue_close(&d);
}

static void
a_client_that_left_still_has_its_questions_answered(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;

	(void)state;
	begin(&d, &settings, ENVELOPE);
	say_lines(&d, 1000, "0123456789abcdef\r\n");
	smtp_session_hangup(d.session);
	assert_int_equal(smtp_session_duty(d.session), SMTP_WANT_ABANDON);
	dialogue_serve(&d);
	assert_true(dialogue_is_over(&d));
	dialogue_close(&d);

	begin(&d, &settings, ENVELOPE);
	d.is_paused = true;
	dialogue_say(&d, slice_of(".\r\n"));
	smtp_session_hangup(d.session);
	assert_int_equal(smtp_session_duty(d.session), SMTP_WANT_COMMIT);
	smtp_session_committed(d.session, COMMIT_DURABLE, "3-1f", d.now_ms);
	assert_true(dialogue_is_over(&d));
	assert_int_equal(smtp_session_output(d.session).length, 0);
	dialogue_close(&d);

	begin(&d, &settings, "MAIL FROM:<>\r\n");
	d.is_paused = true;
	dialogue_say(&d, slice_of("RCPT TO:<a@example.test>\r\n"));
	smtp_session_hangup(d.session);
	smtp_session_recipient(d.session, RECIPIENT_OK, d.now_ms);
	assert_true(dialogue_is_over(&d));
	assert_int_equal(smtp_session_output(d.session).length, 0);
	dialogue_close(&d);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_the_answer_that_it_is_durable_makes_it_say_250),
    cmocka_unit_test(any_other_answer_refuses_and_the_session_goes_on),
    cmocka_unit_test(what_is_in_doubt_is_neither_accepted_nor_refused),
    cmocka_unit_test(the_envelope_holds_what_the_client_said),
    cmocka_unit_test(the_callers_bytes_may_change_while_a_question_is_open),
    cmocka_unit_test(an_accepted_message_forgives_earlier_errors),
    cmocka_unit_test(of_two_faults_the_loop_is_named),
    cmocka_unit_test(large_content_is_staged_and_comes_together_again),
    cmocka_unit_test(a_piece_that_cannot_be_staged_refuses_the_message_at_its_end),
    cmocka_unit_test(content_above_the_limit_is_read_to_its_end_and_refused),
    cmocka_unit_test(too_many_received_lines_are_a_loop),
    cmocka_unit_test(a_command_line_has_the_length_that_its_parameters_allow),
    cmocka_unit_test(an_endless_line_costs_no_memory),
    cmocka_unit_test(no_client_makes_it_hold_more_than_it_says),
    cmocka_unit_test(a_client_that_does_not_listen_is_not_listened_to),
    cmocka_unit_test(random_bytes_end_in_a_refusal_and_bounded_memory),
    cmocka_unit_test(silence_ends_it_with_421),
    cmocka_unit_test(going_down_answers_the_commit_in_flight_first),
    cmocka_unit_test(going_down_ends_every_other_session_at_once),
    cmocka_unit_test(a_recipient_asked_for_while_going_down_gets_421_alone),
    cmocka_unit_test(a_client_that_left_still_has_its_questions_answered),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
