/* SPDX-License-Identifier: BSD-2-Clause */
/* What senders of forged mail try: a second message within the first, relaying, header lines within
 * commands. */
#include "tests/unit/smtp-dialogue.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES(text)                                       \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}
#define OPENING "EHLO client.example\r\n"
#define ENVELOPE "MAIL FROM:<s@else.example>\r\nRCPT TO:<a@example.test>\r\nDATA\r\n"

static void
begin(struct dialogue *d, const struct smtp_settings *settings, size_t piece)
{
	dialogue_open(d, settings, piece);
	smtp_session_greet(d->session, d->now_ms);
	dialogue_say(d, slice_of(""));
	dialogue_say(d, slice_of(OPENING));
}

static const struct slice false_ends[] = {
    BYTES("\n.\n"),
    BYTES("\n.\r\n"),
    BYTES("\r\n.\n"),
    BYTES("\r.\r"),
    BYTES("\r.\n"),
    BYTES("\r.\r\n"),
    BYTES("\n.\r"),
    BYTES("\r\n.\rx"),
    BYTES("\r\n\0.\r\n"),
    BYTES("\r\n.\0\r\n"),
    BYTES("\0\r\n.\r\n"),
    BYTES("\r\0\n.\r\n"),
    BYTES("\r\r\n.\r\n"),
    BYTES("\r\n.\r\r\n"),
    BYTES("\r\n.\r\0\n"),
    BYTES("\n\n.\n\n"),
    BYTES("\n"),
    BYTES("\rx"),
    BYTES("\0"),
};

static void
no_false_end_of_content_smuggles_a_message(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct slice second = slice_of(ENVELOPE "Subject: forged\r\n\r\n.\r\nQUIT\r\n");

	(void)state;
	for (size_t i = 0; i < COUNT(false_ends); i++) {
		for (size_t piece = 0; piece < 4; piece++) {
			struct dialogue d;
			char heard[256];

			begin(&d, &settings, piece);
			dialogue_say(&d, slice_of(ENVELOPE));
			dialogue_say(&d, slice_of("Subject: x\r\n\r\nHello."));
			dialogue_say(&d, false_ends[i]);
			dialogue_say(&d, second);
			assert_string_equal(dialogue_codes(&d, heard, sizeof(heard)),
			    "220 250 250/2.1.0 250/2.1.5 354 521/5.5.2");
			assert_int_equal(d.commits, 0);
			assert_true(dialogue_is_over(&d));
			dialogue_close(&d);
		}
	}
}

static void
commands_end_with_crlf_only(void **state)
{
	static const struct slice lines[] = {
	    BYTES("NOOP\n"),
	    BYTES("NOOP\rNOOP\r\n"),
	    BYTES("NO\0OP\r\n"),
	    BYTES("NOOP\r\r\n"),
	    BYTES("\n"),
	    BYTES("NOOP\n\r\n"),
	    BYTES("\rNOOP\r\n"),
	    BYTES("MAIL FROM:<a\r@b>\r\n"),
	    BYTES("RCPT TO:<\"a\nRCPT TO:<b\"@example.test>\r\n"),
	    BYTES("EHLO a\nb\r\n"),
	    BYTES("NOOP\0"),
	};
	struct smtp_settings settings = dialogue_settings();

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		for (size_t piece = 0; piece < 4; piece++) {
			struct dialogue d;
			char heard[256];

			begin(&d, &settings, piece);
			dialogue_say(&d, lines[i]);
			assert_string_equal(
			    dialogue_codes(&d, heard, sizeof(heard)), "220 250 521/5.5.2");
			assert_true(dialogue_is_over(&d));
			dialogue_close(&d);
		}
	}
}

/* What the core is asked about, or NULL if the session refuses by itself. */
static const struct {
	const char *path;
	const char *asked;
} relays[] = {
    {"<u@else.example>", "u@else.example"},
    {"<u%else.example@example.test>", "u%else.example@example.test"},
    {"<else.example!u@example.test>", "else.example!u@example.test"},
    {"<else.example!u>", NULL},
    {"<u%else.example>", NULL},
    {"<u>", NULL},
    {"<@example.test:u@else.example>", "u@else.example"},
    {"<@example.test,@b.example:u@else.example>", "u@else.example"},
    {"<@else.example:a@example.test>", "a@example.test"},
    {"<@example.test:u>", NULL},
    {"<@example.test,u@else.example>", NULL},
    {"<u@else.example@example.test>", NULL},
    {"<\"u@else.example\"@example.test>", "\"u@else.example\"@example.test"},
    {"<\"u@else.example\">", NULL},
    {"<\"u%else.example\"@example.test>", "u%else.example@example.test"},
    {"<\"else.example!u\"@example.test>", "else.example!u@example.test"},
    {"<u@[127.0.0.1]>", "u@[127.0.0.1]"},
    {"<u@[IPv6:::1]>", "u@[IPv6:::1]"},
    {"<u@127.0.0.1>", "u@127.0.0.1"},
    {"<u@localhost>", "u@localhost"},
    {"<u@else.example.>", NULL},
    {"<u@example.test:else.example>", NULL},
    {"<u@else.example,a@example.test>", NULL},
    {"<u@else.example> <a@example.test>", NULL},
    {"<a@example.test", NULL},
    {"u@else.example", NULL},
    {"<>", NULL},
    {"<@>", NULL},
    {"<u@>", NULL},
    {"<@else.example>", NULL},
    {"<|cmd@example.test>", "|cmd@example.test"},
    {"<;touch x;>", NULL},
    {"<../../etc/passwd@example.test>", NULL},
    {"<:include:/etc/passwd@example.test>", NULL},
    {"<\"a\" @example.test>", NULL},
};

static void
the_core_decides_on_the_whole_address_and_its_true_domain(void **state)
{
	struct smtp_settings settings = dialogue_settings();

	(void)state;
	settings.errors_max = 1000;
	for (size_t i = 0; i < COUNT(relays); i++) {
		struct dialogue d;
		char command[300], asked[300] = "";
		bool is_asked;

		begin(&d, &settings, 0);
		dialogue_say(&d, slice_of("MAIL FROM:<>\r\n"));
		d.is_paused = true;
		snprintf(command, sizeof(command), "RCPT TO:%s\r\n", relays[i].path);
		dialogue_say(&d, slice_of(command));
		is_asked = smtp_session_duty(d.session) == SMTP_WANT_RECIPIENT;
		if (is_asked)
			slice_to_string(smtp_session_address(d.session), asked, sizeof(asked));
		assert_string_equal(asked, relays[i].asked ? relays[i].asked : "");
		assert_int_equal(is_asked, relays[i].asked != NULL);
		dialogue_close(&d);
	}
}

static void
nothing_in_a_command_becomes_a_header_line(void **state)
{
	static const struct {
		const char *command;
		const char *code;
	} rows[] = {
	    {"EHLO a\tb\r\n", "501"},
	    {"EHLO a<b\r\n", "501"},
	    {"EHLO a(b)\r\n", "501"},
	    {"EHLO a;b\r\n", "501"},
	    {"EHLO \xc2\x85\r\n", "501"},
	    {"EHLO \xe2\x80\xa8\r\n", "501"},
	    {"MAIL FROM:<a\tb@c.example>\r\n", "501"},
	    {"MAIL FROM:<\"a\tb\"@c.example>\r\n", "501"},
	    {"MAIL FROM:<\"a\\\x01\"@c.example>\r\n", "501"},
	    {"MAIL FROM:<a\xc2\x85@c.example> SMTPUTF8\r\n", "501"},
	    {"MAIL FROM:<a\xe2\x80\xa8@c.example> SMTPUTF8\r\n", "501"},
	    {"MAIL FROM:<\"\xe2\x80\xa9\"@c.example> SMTPUTF8\r\n", "501"},
	    {"MAIL FROM:<a\xc0\x8a@c.example> SMTPUTF8\r\n", "501"},
	    {"MAIL FROM:<a\xff@c.example> SMTPUTF8\r\n", "501"},
	    {"MAIL FROM:<a\xed\xa0\x80@c.example> SMTPUTF8\r\n", "501"},
	    {"MAIL FROM:<> ENVID=\x7f\r\n", "501"},
	    {"MAIL FROM:<> ENVID=+00\r\n", "501"},
	    {"MAIL FROM:<> ENVID=+0a\r\n", "501"},
	    {"MAIL FROM:<> ENVID=+7F\r\n", "501"},
	    {"MAIL FROM:<> ENVID=+4\r\n", "501"},
	};
	struct smtp_settings settings = dialogue_settings();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dialogue d;

		begin(&d, &settings, 0);
		d.heard.length = 0;
		dialogue_say(&d, slice_of(rows[i].command));
		assert_memory_equal(d.heard.data, rows[i].code, 3);
		dialogue_close(&d);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_false_end_of_content_smuggles_a_message),
    cmocka_unit_test(commands_end_with_crlf_only),
    cmocka_unit_test(the_core_decides_on_the_whole_address_and_its_true_domain),
    cmocka_unit_test(nothing_in_a_command_becomes_a_header_line),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
