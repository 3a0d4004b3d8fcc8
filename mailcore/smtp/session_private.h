/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session_private -- what session.c (bytes, duties, the end) and command.c (verbs)
 * share. Nobody else includes it.
 */
#ifndef GEMEL_MAILCORE_SMTP_SESSION_PRIVATE_H
#define GEMEL_MAILCORE_SMTP_SESSION_PRIVATE_H

#include "mailcore/smtp/content.h"
#include "mailcore/smtp/reply.h"
#include "mailcore/smtp/session.h"
#include "mailcore/smtp/transaction.h"

/* RFC 5321 4.5.3.1.4, CR LF included. */
#define COMMAND_LINE_MAX 512
/* " SIZE=" and 20 digits, " BODY=8BITMIME" (RFC 6152 says 17), " SMTPUTF8", " RET=FULL", " ENVID="
 * and 100. */
#define MAIL_LINE_EXTRA (26 + 17 + 10 + 9 + 107)
/* " NOTIFY=SUCCESS,FAILURE,DELAY", " ORCPT=" and 500. */
#define RCPT_LINE_EXTRA (29 + 507)
#define ANY_LINE_MAX (COMMAND_LINE_MAX + RCPT_LINE_EXTRA)

/* The client's address literal: "IPv6:" and 45 characters at most. */
#define CLIENT_MAX 64

enum session_state {
	STATE_HELO, /* from here to STATE_DATA: columns of the verb table */
	STATE_MAIL,
	STATE_RCPT,     /* MAIL was accepted */
	STATE_DATA,     /* and a recipient too */
	STATE_COMMANDS, /* so many states take commands */
	STATE_GREET = STATE_COMMANDS,
	STATE_CONTENT,
	STATE_CLOSED,
};

struct smtp_session {
	const struct smtp_settings *settings;
	enum session_state state;
	enum smtp_duty duty;
	bool is_extended; /* EHLO, not HELO: may pipeline */
	bool must_wait;   /* the client may not speak until the output was taken */
	bool is_quiescing;
	bool is_gone; /* the client hung up */
	bool has_quit;
	bool has_staged;
	uint32_t errors;
	uint64_t since_ms; /* when the wait that deadline() bounds began */
	struct buffer output;

	/* A command line that came in pieces. */
	size_t line_length;
	bool line_has_cr; /* its last byte is a CR */
	bool line_is_too_long;

	/* The recipient that the core was asked about. */
	struct smtp_path path;
	struct smtp_parameters parameters;
	char original[SMTP_ORIGINAL_MAX];

	struct transaction transaction;
	struct smtp_content reader;
	struct buffer content;
	enum smtp_reply
	    content_fault; /* said at the end of the content instead of asking for a commit */

	enum smtp_reply refusal; /* the last one, until somebody asks for it */

	char client[CLIENT_MAX];
	char helo[ADDRESS_DOMAIN_MAX + 1];
	struct envelope envelope;

	/* Last, so that the sanitizers see a write behind it. */
	uint8_t line[ANY_LINE_MAX];
};

/* The only writer of the state. */
void session_enter(struct smtp_session *s, enum session_state state);

/* Say it; counts refusals, and ends the session if the reply does or they are too many. */
void session_say(struct smtp_session *s, enum smtp_reply reply);

/* Drop the open transaction: back to STATE_MAIL. */
void session_reset(struct smtp_session *s);

/* One command line without its CR LF (command.c). */
void session_command(struct smtp_session *s, struct slice line);

#endif
