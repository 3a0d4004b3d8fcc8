/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/smtp/reply.h"

#include <assert.h>

#define ENHANCED_LENGTH (sizeof("421 4.4.2 ") - 1)

static const struct smtp_reply_row rows[REPLY_COUNT] = {
    [REPLY_OK] = {"250 2.0.0 OK", false},
    [REPLY_SENDER_OK] = {"250 2.1.0 Sender OK", false},
    [REPLY_RECIPIENT_OK] = {"250 2.1.5 Recipient OK", false},
    [REPLY_VERIFY] = {"252 2.0.0 Not verified; send mail to it and see", false},
    [REPLY_HELP] = {"214 2.0.0 RFC 5321 says what can be said here", false},
    [REPLY_BYE] = {"221 2.0.0 Bye", true},
    [REPLY_GO_AHEAD] = {"354 End with a dot on a line of its own", false},
    [REPLY_LINE_ENDING] = {"521 5.5.2 Lines must end with CR LF; CR, LF or NUL alone are refused",
	true},
    [REPLY_LINE_TOO_LONG] = {"500 5.5.2 Line too long", false},
    [REPLY_TOO_EARLY] = {"554 5.5.0 You spoke before it was your turn", true},
    [REPLY_UNKNOWN_COMMAND] = {"500 5.5.2 Command not recognized", false},
    [REPLY_NOT_IMPLEMENTED] = {"502 5.5.1 Command not implemented", false},
    [REPLY_NOT_SMTP] = {"521 5.5.1 This is a mail server", true},
    [REPLY_ARGUMENT] = {"501 5.5.4 Argument missing or malformed", false},
    [REPLY_NO_ARGUMENT] = {"501 5.5.4 This command takes no argument", false},
    [REPLY_HELO_FIRST] = {"503 5.5.1 Say EHLO first", false},
    [REPLY_MAIL_FIRST] = {"503 5.5.1 Say MAIL first", false},
    [REPLY_NESTED_MAIL] = {"503 5.5.1 A transaction is open already", false},
    [REPLY_NO_RECIPIENTS] = {"554 5.5.1 No valid recipients", false},
    [REPLY_PARAMETER_UNKNOWN] = {"555 5.5.4 Parameter not recognized", false},
    [REPLY_PARAMETER_INVALID] = {"501 5.5.4 Parameter malformed or given twice", false},
    [REPLY_SENDER_SYNTAX] = {"501 5.1.7 Sender address is malformed", false},
    [REPLY_RECIPIENT_SYNTAX] = {"501 5.1.3 Recipient address is malformed", false},
    [REPLY_PATH_TOO_LONG] = {"501 5.5.4 Address too long", false},
    [REPLY_SENDER_NEEDS_UTF8] = {"550 5.6.7 Such a sender address needs SMTPUTF8", false},
    [REPLY_RECIPIENT_NEEDS_UTF8] = {"553 5.6.7 Such a recipient address needs SMTPUTF8", false},
    [REPLY_TOO_MANY_RECIPIENTS] = {"452 4.5.3 Too many recipients; send the rest separately",
	false},
    [REPLY_RECIPIENT_UNKNOWN] = {"550 5.1.1 No such mailbox here", false},
    [REPLY_NO_RELAY] = {"550 5.7.1 Not a domain of ours; relaying denied", false},
    [REPLY_DISABLED] = {"550 5.2.1 Mailbox disabled", false},
    [REPLY_MAILBOX_FULL] = {"452 4.2.2 Mailbox full", false},
    [REPLY_SYSTEM_FULL] = {"452 4.3.1 No room for mail; try again later", false},
    [REPLY_TRY_LATER] = {"451 4.3.0 Cannot do it now; try again later", false},
    [REPLY_TOO_LARGE] = {"552 5.3.4 Message too large", false},
    [REPLY_LOOP] = {"554 5.4.6 Too many Received lines; mail is going in circles", false},
    [REPLY_MALFORMED] = {"554 5.6.0 Message malformed", false},
    [REPLY_TOO_MANY_ERRORS] = {"421 4.7.0 Too many errors", true},
    [REPLY_TIMEOUT] = {"421 4.4.2 Timed out", true},
    [REPLY_GOING_DOWN] = {"421 4.3.2 Going down; try again", true},
};

const struct smtp_reply_row *
smtp_reply_row(enum smtp_reply reply)
{
	assert(reply > REPLY_NONE && reply < REPLY_COUNT);
	return &rows[reply];
}

bool
smtp_reply_is_refusal(enum smtp_reply reply)
{
	return smtp_reply_row(reply)->text[0] == '5';
}

void
smtp_reply_append(enum smtp_reply reply, const char *hostname, struct buffer *out)
{
	const char *text = smtp_reply_row(reply)->text;

	if (strncmp(text, "421 ", 4) == 0) {
		buffer_append(out, text, ENHANCED_LENGTH);
		buffer_append_slice(out, slice_of(hostname));
		buffer_append(out, " ", 1);
		text += ENHANCED_LENGTH;
	}
	buffer_append_slice(out, slice_of(text));
	buffer_append(out, "\r\n", 2);
}
