/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply -- every fixed sentence that a session can say, in one table.
 *
 * Codes are RFC 5321 4.2, enhanced codes RFC 3463 and its registry. A client's
 * text is never part of a reply.
 */
#ifndef GEMEL_MAILCORE_SMTP_REPLY_H
#define GEMEL_MAILCORE_SMTP_REPLY_H

#include "common/slice.h"

enum smtp_reply {
	REPLY_NONE = 0,
	REPLY_OK,
	REPLY_SENDER_OK,
	REPLY_RECIPIENT_OK,
	REPLY_VERIFY,
	REPLY_HELP,
	REPLY_BYE,
	REPLY_GO_AHEAD,
	REPLY_LINE_ENDING,
	REPLY_LINE_TOO_LONG,
	REPLY_TOO_EARLY,
	REPLY_UNKNOWN_COMMAND,
	REPLY_NOT_IMPLEMENTED,
	REPLY_NOT_SMTP,
	REPLY_ARGUMENT,
	REPLY_NO_ARGUMENT,
	REPLY_HELO_FIRST,
	REPLY_MAIL_FIRST,
	REPLY_NESTED_MAIL,
	REPLY_NO_RECIPIENTS,
	REPLY_PARAMETER_UNKNOWN,
	REPLY_PARAMETER_INVALID,
	REPLY_SENDER_SYNTAX,
	REPLY_RECIPIENT_SYNTAX,
	REPLY_PATH_TOO_LONG,
	REPLY_SENDER_NEEDS_UTF8,
	REPLY_RECIPIENT_NEEDS_UTF8,
	REPLY_TOO_MANY_RECIPIENTS,
	REPLY_RECIPIENT_UNKNOWN,
	REPLY_NO_RELAY,
	REPLY_DISABLED,
	REPLY_MAILBOX_FULL,
	REPLY_SYSTEM_FULL,
	REPLY_TRY_LATER,
	REPLY_TOO_LARGE,
	REPLY_LOOP,
	REPLY_MALFORMED,
	REPLY_TOO_MANY_ERRORS,
	REPLY_TIMEOUT,
	REPLY_GOING_DOWN,
	REPLY_COUNT,
};

struct smtp_reply_row {
	const char *text; /* without CR LF */
	bool closes;      /* the session ends with it */
};

/* The row of reply. REPLY_NONE has none. */
const struct smtp_reply_row *smtp_reply_row(enum smtp_reply reply);

/* 5xx: counts against errors_max. */
bool smtp_reply_is_refusal(enum smtp_reply reply);

/* Append the reply and CR LF. A 421 names us before its text (RFC 5321 4.2.3). */
void smtp_reply_append(enum smtp_reply reply, const char *hostname, struct buffer *out);

#endif
