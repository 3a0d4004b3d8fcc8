/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs of a session: one table, one function for each. */
#include "mailcore/smtp/session_private.h"

typedef void command_run(struct smtp_session *s, struct slice argument);

struct command {
	const char *verb;
	command_run *run;
	/* What is said instead, in each state that takes commands; REPLY_NONE: it is legal. */
	enum smtp_reply illegal[STATE_COMMANDS];
	bool is_last;        /* must end a pipelined group (RFC 2920 3.1) */
	uint16_t line_extra; /* what parameters add to COMMAND_LINE_MAX */
};

static void
say_ehlo(struct smtp_session *s)
{
	struct buffer *out = &s->output;

	buffer_append_slice(out, slice_of("250-"));
	buffer_append_slice(out, slice_of(s->settings->hostname));
	buffer_append_slice(out, slice_of("\r\n250-PIPELINING\r\n"));
	buffer_printf(out, "250-SIZE %llu\r\n", (unsigned long long)s->settings->message_max_bytes);
	buffer_append_slice(out, slice_of("250-8BITMIME\r\n"
					  "250-SMTPUTF8\r\n"
					  "250-ENHANCEDSTATUSCODES\r\n"
					  "250 DSN\r\n"));
}

static void
say_helo(struct smtp_session *s)
{
	buffer_append_slice(&s->output, slice_of("250 "));
	buffer_append_slice(&s->output, slice_of(s->settings->hostname));
	buffer_append_slice(&s->output, slice_of("\r\n"));
}

static void
run_hello(struct smtp_session *s, struct slice name, bool is_extended)
{
	if (!smtp_helo_is_valid(name)) {
		session_say(s, REPLY_ARGUMENT);
		return;
	}
	slice_to_string(name, s->helo, sizeof(s->helo));
	s->is_extended = is_extended;
	session_reset(s);
	if (is_extended)
		say_ehlo(s);
	else
		say_helo(s);
}

static void
run_ehlo(struct smtp_session *s, struct slice argument)
{
	run_hello(s, argument, true);
}

static void
run_helo(struct smtp_session *s, struct slice argument)
{
	run_hello(s, argument, false);
}

/* Take "FROM:" or "TO:" and the white space that some clients put behind it. */
static bool
take_prefix(struct slice *argument, const char *prefix)
{
	size_t length = strlen(prefix);

	if (argument->length < length ||
	    !slice_is_equal_nocase(slice_from(argument->data, length), slice_of(prefix)))
		return false;
	while (length < argument->length && argument->data[length] == ' ')
		length++;
	argument->data += length;
	argument->length -= length;
	return true;
}

static enum smtp_reply
parse_parameters(const struct smtp_session *s, struct slice text, enum smtp_parameters_of of,
    struct smtp_parameters *parameters_r)
{
	bool is_utf8 = s->transaction.flags & ENVELOPE_SMTPUTF8;

	if (text.length && !s->is_extended)
		return REPLY_PARAMETER_UNKNOWN;
	switch (smtp_parameters_parse(text, of, is_utf8, parameters_r)) {
	case PARAMETERS_OK:
		return REPLY_NONE;
	case PARAMETERS_UNKNOWN:
		return REPLY_PARAMETER_UNKNOWN;
	case PARAMETERS_INVALID:
		break;
	}
	return REPLY_PARAMETER_INVALID;
}

static enum smtp_reply
parse_mail(struct smtp_session *s, struct slice argument)
{
	uint64_t size_max = s->settings->message_max_bytes;
	enum smtp_path_verdict verdict;
	enum smtp_reply fault;

	if (!take_prefix(&argument, "FROM:"))
		return REPLY_ARGUMENT;
	/* Whether SMTPUTF8 is there is known only behind the path. */
	verdict = smtp_path_parse(argument, PATH_REVERSE, false, &s->path);
	if (verdict == PATH_MALFORMED)
		return REPLY_SENDER_SYNTAX;
	if (verdict == PATH_TOO_LONG)
		return REPLY_PATH_TOO_LONG;
	argument.data += s->path.used;
	argument.length -= s->path.used;
	fault = parse_parameters(s, argument, PARAMETERS_OF_MAIL, &s->parameters);
	if (fault)
		return fault;
	if (verdict == PATH_NEEDS_UTF8 && !s->parameters.is_utf8)
		return REPLY_SENDER_NEEDS_UTF8;
	if (s->parameters.size_bytes > size_max)
		return REPLY_TOO_LARGE;
	return REPLY_SENDER_OK;
}

static void
run_mail(struct smtp_session *s, struct slice argument)
{
	enum smtp_reply reply = parse_mail(s, argument);

	if (reply == REPLY_SENDER_OK) {
		transaction_begin(&s->transaction, &s->path, &s->parameters);
		session_enter(s, STATE_RCPT);
	}
	session_say(s, reply);
}

static enum smtp_reply
parse_rcpt(struct smtp_session *s, struct slice argument)
{
	uint32_t most = s->settings->recipients_max;
	bool is_utf8 = s->transaction.flags & ENVELOPE_SMTPUTF8;
	enum smtp_reply fault;

	if (!take_prefix(&argument, "TO:"))
		return REPLY_ARGUMENT;
	switch (smtp_path_parse(argument, PATH_FORWARD, is_utf8, &s->path)) {
	case PATH_OK:
		break;
	case PATH_MALFORMED:
		return REPLY_RECIPIENT_SYNTAX;
	case PATH_TOO_LONG:
		return REPLY_PATH_TOO_LONG;
	case PATH_NEEDS_UTF8:
		return REPLY_RECIPIENT_NEEDS_UTF8;
	}
	argument.data += s->path.used;
	argument.length -= s->path.used;
	fault = parse_parameters(s, argument, PARAMETERS_OF_RCPT, &s->parameters);
	if (fault)
		return fault;
	if (s->transaction.recipient_count >= most ||
	    s->transaction.recipient_count >= ENVELOPE_RECIPIENTS_MAX)
		return REPLY_TOO_MANY_RECIPIENTS;
	return REPLY_NONE;
}

static void
run_rcpt(struct smtp_session *s, struct slice argument)
{
	enum smtp_reply fault = parse_rcpt(s, argument);
	struct slice *original = &s->parameters.original;

	if (fault) {
		session_say(s, fault);
		return;
	}
	/* The line is the caller's, who may move it before the answer comes. */
	if (original->length)
		memcpy(s->original, original->data, original->length);
	original->data = (const uint8_t *)s->original;
	s->duty = SMTP_WANT_RECIPIENT;
}

static void
run_data(struct smtp_session *s, struct slice argument)
{
	if (argument.length) {
		session_say(s, REPLY_NO_ARGUMENT);
		return;
	}
	smtp_content_open(&s->reader);
	s->content.length = 0;
	s->content_fault = REPLY_NONE;
	session_enter(s, STATE_CONTENT);
	session_say(s, REPLY_GO_AHEAD);
}

static void
run_rset(struct smtp_session *s, struct slice argument)
{
	if (argument.length) {
		session_say(s, REPLY_NO_ARGUMENT);
		return;
	}
	if (s->state != STATE_HELO)
		session_reset(s);
	session_say(s, REPLY_OK);
}

static void
run_noop(struct smtp_session *s, struct slice argument)
{
	(void)argument;
	session_say(s, REPLY_OK);
}

static void
run_quit(struct smtp_session *s, struct slice argument)
{
	s->has_quit = !argument.length;
	session_say(s, s->has_quit ? REPLY_BYE : REPLY_NO_ARGUMENT);
}

static void
run_vrfy(struct smtp_session *s, struct slice argument)
{
	session_say(s, argument.length ? REPLY_VERIFY : REPLY_ARGUMENT);
}

static void
run_help(struct smtp_session *s, struct slice argument)
{
	(void)argument;
	session_say(s, REPLY_HELP);
}

#define ALWAYS                                                 \
	{                                                      \
		REPLY_NONE, REPLY_NONE, REPLY_NONE, REPLY_NONE \
	}
#define NEVER(reply)                       \
	{                                  \
		reply, reply, reply, reply \
	}

static const struct command commands[] = {
    /* verb, function, reply instead in HELO, MAIL, RCPT, DATA, last of a group, longer line */
    {"MAIL", run_mail, {REPLY_HELO_FIRST, REPLY_NONE, REPLY_NESTED_MAIL, REPLY_NESTED_MAIL}, false,
	MAIL_LINE_EXTRA},
    {"RCPT", run_rcpt, {REPLY_HELO_FIRST, REPLY_MAIL_FIRST, REPLY_NONE, REPLY_NONE}, false,
	RCPT_LINE_EXTRA},
    {"DATA", run_data, {REPLY_HELO_FIRST, REPLY_MAIL_FIRST, REPLY_NO_RECIPIENTS, REPLY_NONE}, true,
	0},
    {"EHLO", run_ehlo, ALWAYS, true, 0},
    {"HELO", run_helo, ALWAYS, true, 0},
    {"RSET", run_rset, ALWAYS, false, 0},
    {"NOOP", run_noop, ALWAYS, true, 0},
    {"QUIT", run_quit, ALWAYS, true, 0},
    {"VRFY", run_vrfy, ALWAYS, true, 0},
    {"HELP", run_help, ALWAYS, false, 0},
    {"EXPN", NULL, NEVER(REPLY_NOT_IMPLEMENTED), true, 0},
    {"TURN", NULL, NEVER(REPLY_NOT_IMPLEMENTED), true, 0},
    {"ETRN", NULL, NEVER(REPLY_NOT_IMPLEMENTED), true, 0},
    {"STARTTLS", NULL, NEVER(REPLY_NOT_IMPLEMENTED), true, 0},
    {"AUTH", NULL, NEVER(REPLY_NOT_IMPLEMENTED), true, 0},
    {"BDAT", NULL, NEVER(REPLY_NOT_IMPLEMENTED), true, 0},
    /* Other protocols whose client can be made to speak to us by a third party. */
    {"GET", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
    {"POST", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
    {"PUT", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
    {"HEAD", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
    {"DELETE", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
    {"OPTIONS", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
    {"PATCH", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
    {"PRI", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
    {"CONNECT", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
    {"USER", NULL, NEVER(REPLY_NOT_SMTP), true, 0},
};

static const struct command *
command_find(struct slice verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (slice_is_equal_nocase(verb, slice_of(commands[i].verb)))
			return &commands[i];
	return NULL;
}

/* Split off the verb; the argument loses white space at both ends. */
static struct slice
take_verb(struct slice line, struct slice *argument_r)
{
	const uint8_t *at = line.data, *end = at + line.length;
	struct slice verb;

	while (at < end && *at != ' ')
		at++;
	verb = slice_from(line.data, (size_t)(at - line.data));
	while (at < end && *at == ' ')
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*argument_r = slice_from(at, (size_t)(end - at));
	return verb;
}

void
session_command(struct smtp_session *s, struct slice line)
{
	struct slice argument;
	const struct command *command = command_find(take_verb(line, &argument));
	size_t line_max = COMMAND_LINE_MAX + (command ? command->line_extra : 0);

	if (line.length + 2 > line_max)
		session_say(s, REPLY_LINE_TOO_LONG);
	else if (!command)
		session_say(s, REPLY_UNKNOWN_COMMAND);
	else if (command->illegal[s->state])
		session_say(s, command->illegal[s->state]);
	else
		command->run(s, argument);
	/* Who has not said EHLO was not told that it may pipeline. */
	s->must_wait = (command && command->is_last) || !s->is_extended;
}
