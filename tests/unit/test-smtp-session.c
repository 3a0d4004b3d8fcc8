/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/smtp-dialogue.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define EHLO "EHLO client.example\r\n"
#define MAIL "MAIL FROM:<s@else.example>\r\n"
#define RCPT "RCPT TO:<a@example.test>\r\n"
#define DATA "DATA\r\n"
#define TEXT "Subject: x\r\n\r\nHello.\r\n"
#define END ".\r\n"
#define OPENED "220 250 250/2.1.0 250/2.1.5 354"
#define NAME_64 "0123456789012345678901234567890123456789012345678901234567890123"
#define NAME_62 "01234567890123456789012345678901234567890123456789012345678901"

/* Each string arrives at once, and the client reads what is said before it goes on. */
struct row {
	const char *name;
	const char *says[10];
	const char *hears; /* codes after the greeting */
	unsigned commits;
	bool ends;
};

static const struct row dialogues[] = {
    {"one command at a time", {EHLO, MAIL, RCPT, DATA, TEXT END, "QUIT\r\n"},
	"250 250/2.1.0 250/2.1.5 354 250/2.0.0 221/2.0.0", 1, true},
    {"pipelined as RFC 2920 allows", {EHLO, MAIL RCPT DATA, TEXT END "QUIT\r\n"},
	"250 250/2.1.0 250/2.1.5 354 250/2.0.0 221/2.0.0", 1, true},
    {"two messages in a group", {EHLO, MAIL RCPT DATA, TEXT END MAIL RCPT DATA, TEXT END},
	"250 250/2.1.0 250/2.1.5 354 250/2.0.0 250/2.1.0 250/2.1.5 354 250/2.0.0", 2, false},
    {"HELO", {"HELO client\r\n", MAIL, RCPT, DATA, TEXT END},
	"250 250/2.1.0 250/2.1.5 354 250/2.0.0", 1, false},
    {"verbs in any case",
	{"ehlo x\r\n", "mail from:<>\r\n", "rCpT To:<Postmaster>\r\n", "data\r\n", END},
	"250 250/2.1.0 250/2.1.5 354 250/2.0.0", 1, false},
    {"white space that clients put in",
	{EHLO, "MAIL FROM: <s@e.example> \r\n", "RCPT TO:  <a@example.test>\r\n"},
	"250 250/2.1.0 250/2.1.5", 0, false},
    {"order: nothing before EHLO", {MAIL, RCPT, DATA}, "503/5.5.1 503/5.5.1 503/5.5.1", 0, false},
    {"order: no RCPT before MAIL", {EHLO, RCPT, DATA}, "250 503/5.5.1 503/5.5.1", 0, false},
    {"order: no MAIL in MAIL", {EHLO, MAIL, MAIL}, "250 250/2.1.0 503/5.5.1", 0, false},
    {"order: no DATA without a recipient", {EHLO, MAIL, "RCPT TO:<x@example.test>\r\n", DATA},
	"250 250/2.1.0 550/5.1.1 554/5.5.1", 0, false},
    {"RSET forgets", {EHLO, MAIL, RCPT, "RSET\r\n", DATA},
	"250 250/2.1.0 250/2.1.5 250/2.0.0 503/5.5.1", 0, false},
    {"RSET before EHLO", {"RSET\r\n", MAIL}, "250/2.0.0 503/5.5.1", 0, false},
    {"EHLO forgets", {EHLO, MAIL, RCPT, EHLO, DATA}, "250 250/2.1.0 250/2.1.5 250 503/5.5.1", 0,
	false},
    {"small verbs",
	{"NOOP\r\n", "NOOP x y\r\n", "HELP\r\n", "VRFY a\r\n", "VRFY\r\n", "EXPN l\r\n"},
	"250/2.0.0 250/2.0.0 214/2.0.0 252/2.0.0 501/5.5.4 502/5.5.1", 0, false},
    {"not offered", {EHLO, "STARTTLS\r\n", "AUTH PLAIN x\r\n", "BDAT 3 LAST\r\n"},
	"250 502/5.5.1 502/5.5.1 502/5.5.1", 0, false},
    {"unknown", {"WHAT\r\n", "\r\n", " \r\n", "MAILFROM:<>\r\n"},
	"500/5.5.2 500/5.5.2 500/5.5.2 500/5.5.2", 0, false},
    {"arguments", {"EHLO\r\n", "EHLO a b\r\n", "HELO a<b\r\n", EHLO, "DATA x\r\n", "QUIT x\r\n"},
	"501/5.5.4 501/5.5.4 501/5.5.4 250 503/5.5.1 501/5.5.4", 0, false},
    {"too many errors", {"A\r\n", "A\r\n", "A\r\n", "A\r\n", "A\r\n", "A\r\n"},
	"500/5.5.2 500/5.5.2 500/5.5.2 500/5.5.2 500/5.5.2 421/4.7.0", 0, true},
    {"HTTP", {"GET / HTTP/1.1\r\nHost: mx\r\n"}, "521/5.5.1", 0, true},
    {"HTTP POST", {"POST / HTTP/1.1\r\n\r\nEHLO x\r\n" MAIL}, "521/5.5.1", 0, true},
    {"HTTP proxy", {"CONNECT mx:25 HTTP/1.0\r\n"}, "521/5.5.1", 0, true},
    {"recipients",
	{EHLO, MAIL, "RCPT TO:<x@else.example>\r\n", "RCPT TO:<full@example.test>\r\n",
	    "RCPT TO:<off@example.test>\r\n", "RCPT TO:<later@example.test>\r\n",
	    "RCPT TO:<nospace@example.test>\r\n"},
	"250 250/2.1.0 550/5.7.1 452/4.2.2 550/5.2.1 451/4.3.0 452/4.3.1", 0, false},
    {"too many recipients",
	{EHLO,
	    MAIL RCPT "RCPT TO:<b@example.test>\r\nRCPT TO:<c@example.test>\r\n"
		      "RCPT TO:<d@example.test>\r\n" DATA,
	    TEXT END},
	"250 250/2.1.0 250/2.1.5 250/2.1.5 250/2.1.5 452/4.5.3 354 250/2.0.0", 1, false},
    {"SIZE that is too large",
	{EHLO, "MAIL FROM:<> SIZE=65537\r\n", "MAIL FROM:<> SIZE=99999999999999999999\r\n",
	    "MAIL FROM:<> SIZE=65536\r\n"},
	"250 552/5.3.4 552/5.3.4 250/2.1.0", 0, false},
    {"parameters of MAIL", {EHLO, "MAIL FROM:<> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb\r\n"},
	"250 250/2.1.0", 0, false},
    {"parameters that are wrong",
	{EHLO, "MAIL FROM:<> SIZE=\r\n", "MAIL FROM:<> BODY=9BIT\r\n", "MAIL FROM:<> X=1\r\n",
	    "MAIL FROM:<>SIZE=1\r\n", "MAIL FROM:<> SIZE=1 SIZE=1\r\n"},
	"250 501/5.5.4 501/5.5.4 555/5.5.4 501/5.5.4 501/5.5.4", 0, false},
    {"parameters hide no line end",
	{EHLO, "MAIL FROM:<> ENVID=a+0D+0Ab\r\n", "MAIL FROM:<> ENVID=a=b\r\n", MAIL,
	    "RCPT TO:<a@example.test> ORCPT=rfc822;a+0A\r\n",
	    "RCPT TO:<a@example.test> ORCPT=a\x11;b\r\n"},
	"250 501/5.5.4 501/5.5.4 250/2.1.0 501/5.5.4 501/5.5.4", 0, false},
    {"parameters of RCPT",
	{EHLO, MAIL, "RCPT TO:<a@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@b\r\n",
	    "RCPT TO:<b@example.test> NOTIFY=NEVER,DELAY\r\n",
	    "RCPT TO:<b@example.test> NOTIFY=\r\n", "RCPT TO:<b@example.test> ORCPT=x\r\n",
	    "RCPT TO:<b@example.test> RET=FULL\r\n"},
	"250 250/2.1.0 250/2.1.5 501/5.5.4 501/5.5.4 501/5.5.4 555/5.5.4", 0, false},
    {"parameters need EHLO", {"HELO x\r\n", "MAIL FROM:<> SIZE=1\r\n"}, "250 555/5.5.4", 0, false},
    {"SMTPUTF8 must be asked for",
	{EHLO, "MAIL FROM:<\xc3\xa4@e.example>\r\n", MAIL, "RCPT TO:<\xc3\xa4@example.test>\r\n",
	    "RSET\r\n", "MAIL FROM:<\xc3\xa4@e.example> SMTPUTF8\r\n",
	    "RCPT TO:<\xc3\xa4@example.test>\r\n"},
	"250 550/5.6.7 250/2.1.0 553/5.6.7 250/2.0.0 250/2.1.0 250/2.1.5", 0, false},
    {"the local part is 64 long at most",
	{EHLO, "MAIL FROM:<" NAME_64 "@e.example>\r\n", "RSET\r\n",
	    "MAIL FROM:<x" NAME_64 "@e.example>\r\n"},
	"250 250/2.1.0 250/2.0.0 501/5.5.4", 0, false},
    {"the path is 256 long at most",
	{EHLO, "MAIL FROM:<aa@" NAME_62 "." NAME_62 "." NAME_62 "." NAME_62 ">\r\n", "RSET\r\n",
	    "MAIL FROM:<aaa@" NAME_62 "." NAME_62 "." NAME_62 "." NAME_62 ">\r\n"},
	"250 250/2.1.0 250/2.0.0 501/5.5.4", 0, false},
};

static void
say_all(struct dialogue *d, const char *const *says, size_t count)
{
	smtp_session_greet(d->session, d->now_ms);
	dialogue_say(d, slice_of(""));
	for (size_t i = 0; i < count && says[i]; i++)
		dialogue_say(d, slice_of(says[i]));
}

static void
check_row(const struct row *row, size_t piece)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;
	char heard[512], expected[512];

	dialogue_open(&d, &settings, piece);
	say_all(&d, row->says, COUNT(row->says));
	snprintf(expected, sizeof(expected), "%s: 220 %s", row->name, row->hears);
	snprintf(heard, sizeof(heard), "%s: ", row->name);
	dialogue_codes(&d, heard + strlen(heard), sizeof(heard) - strlen(heard));
	assert_string_equal(heard, expected);
	assert_int_equal(d.commits, row->commits);
	assert_int_equal(dialogue_is_over(&d), row->ends);
	dialogue_close(&d);
}

static void
a_dialogue_goes_by_the_table_however_its_bytes_arrive(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(dialogues); i++)
		for (size_t piece = 0; piece < 4; piece++)
			check_row(&dialogues[i], piece);
}

static const struct row too_early[] = {
    {"bytes behind EHLO", {EHLO MAIL}, "250 554/5.5.0", 0, true},
    {"bytes behind DATA", {EHLO, MAIL RCPT DATA TEXT END}, "250 250/2.1.0 250/2.1.5 354 554/5.5.0",
	0, true},
    {"bytes behind NOOP", {EHLO, "NOOP\r\nNOOP\r\n"}, "250 250/2.0.0 554/5.5.0", 0, true},
    {"pipelining before EHLO", {"RSET\r\nRSET\r\n"}, "250/2.0.0 554/5.5.0", 0, true},
    {"pipelining after HELO", {"HELO x\r\n", MAIL RCPT}, "250 250/2.1.0 554/5.5.0", 0, true},
    {"behind content after HELO", {"HELO x\r\n", MAIL, RCPT, DATA, TEXT END "QUIT\r\n"},
	"250 250/2.1.0 250/2.1.5 354 250/2.0.0 554/5.5.0", 1, true},
    {"behind refused DATA", {EHLO, MAIL DATA TEXT END}, "250 250/2.1.0 554/5.5.1 554/5.5.0", 0,
	true},
};

static void
who_speaks_out_of_turn_is_cut_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(too_early); i++)
		for (size_t piece = 0; piece < 4; piece++)
			check_row(&too_early[i], piece);
}

static void
who_speaks_before_the_greeting_is_cut_off(void **state)
{
	struct smtp_settings settings = dialogue_settings();
	struct dialogue d;
	char heard[64];

	(void)state;
	dialogue_open(&d, &settings, 0);
	dialogue_say(&d, slice_of(EHLO));
	assert_string_equal(dialogue_codes(&d, heard, sizeof(heard)), "554/5.5.0");
	assert_true(dialogue_is_over(&d));
	smtp_session_greet(d.session, 0);
	assert_int_equal(smtp_session_output(d.session).length, 0);
	dialogue_close(&d);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_dialogue_goes_by_the_table_however_its_bytes_arrive),
    cmocka_unit_test(who_speaks_out_of_turn_is_cut_off),
    cmocka_unit_test(who_speaks_before_the_greeting_is_cut_off),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
