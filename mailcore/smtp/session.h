/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session -- one SMTP server dialogue, from the greeting to the end.
 *
 * Pure: it knows no socket, clock, log or TLS. It is fed bytes and the time, and
 * says what its caller owes: a question to the core (a duty), bytes to send, the
 * end. RFC 5321 with 1870 (SIZE), 2034 (ENHANCEDSTATUSCODES), 2920 (PIPELINING),
 * 3461 (DSN), 6152 (8BITMIME), 6531 (SMTPUTF8).
 *
 *     GREET --smtp_session_greet()--> HELO --EHLO/HELO--> MAIL --MAIL--> RCPT
 *                                                          ^               | RCPT accepted
 *                                                          |               v
 *                            CLOSED <--QUIT, 421, 5xx--  (all)           DATA
 *                                                          |               | DATA, 354
 *                      committed(), or refused at its end  '--- CONTENT <--'
 *
 * A duty is one open question. While it is open no input is consumed, so that
 * pipelined commands wait with the caller:
 *
 *     WANT_RECIPIENT  may smtp_session_address() be accepted?  smtp_session_recipient()
 *     WANT_STAGE      keep smtp_session_content() elsewhere    smtp_session_staged()
 *     WANT_COMMIT     make envelope and content durable        smtp_session_committed()
 *     WANT_ABANDON    forget what was staged; cannot fail      smtp_session_abandoned()
 *     WANT_CLOSE      send the output, close; not answered     smtp_session_close()
 *
 * Only smtp_session_committed(COMMIT_DURABLE) makes it say 250 to a message.
 *
 * The caller's loop:
 *
 *     accept: smtp_session_open(); read without waiting: if bytes are there already, feed them
 *         (they came too early, it ends with 554); else smtp_session_greet()
 *     readable: repeat { n = smtp_session_feed(bytes); drop n bytes; serve the duty }
 *         until nothing more is consumed, then send smtp_session_output()
 *     after an answer: go on with the bytes that were left, then send
 *     output not fully sent: read no more until it is
 *     smtp_session_deadline() reached: smtp_session_tick()
 *     end of file, reset: smtp_session_hangup()
 *     WANT_CLOSE: send what is left; who has said QUIT sends no more, so close; else
 *         shutdown(SHUT_WR), read and drop for a moment (or the client's kernel may drop our
 *         last reply), close
 *
 * Replies to a pipelined group go out together, because output is sent only when input is used up
 * or a question is open (RFC 2920 3.2).
 *
 * Strictness (SMTP smuggling): a line ends with CR LF and nothing else. A CR or LF of its own or a
 * NUL, in a command or in content, ends the session with 521 5.5.2 and the transaction with it.
 * Bytes that come before the greeting, or while the reply to a command that must be the last of its
 * group (RFC 2920 3.1: HELO, EHLO, DATA, NOOP, VRFY, EXPN; after HELO every command) was not yet
 * taken to be sent, end it with 554 5.5.0.
 *
 * Memory: smtp_session_memory_max() bytes at most, whatever the client sends. Buffers are used
 * again by the next message; a large content buffer is given back after its message.
 * Content lines have no bound of their own: nothing here is kept per line, and real mail has lines
 * longer than 998 that nobody would thank us for refusing. The bound is message_max_bytes.
 */
#ifndef GEMEL_MAILCORE_SMTP_SESSION_H
#define GEMEL_MAILCORE_SMTP_SESSION_H

#include "common/slice.h"
#include "mailcore/smtp/settings.h"
#include "mailcore/smtp/verdict.h"
#include "mailcore/spool/envelope.h"

struct smtp_session;

enum smtp_duty {
	SMTP_WANT_NOTHING = 0,
	SMTP_WANT_RECIPIENT,
	SMTP_WANT_STAGE,
	SMTP_WANT_COMMIT,
	SMTP_WANT_ABANDON,
	SMTP_WANT_CLOSE,
};

/* Begin. Borrows settings for as long as the session lives. client is the peer's address as
 * envelope.h has it ("192.0.2.1", "IPv6:2001:db8::1"), copied. Returns owned. */
struct smtp_session *
smtp_session_open(const struct smtp_settings *settings, struct slice client, uint64_t now_ms);

/* Say 220. Bytes fed before it end the session. */
void smtp_session_greet(struct smtp_session *s, uint64_t now_ms);

/*
 * Use bytes, and return how many of them were used; the rest is to be fed again. Fewer than all
 * means: a duty is open, or there are SMTP_OUTPUT_MAX bytes of output that must be taken first.
 * At WANT_CLOSE everything is used and ignored.
 */
size_t smtp_session_feed(struct smtp_session *s, struct slice bytes, uint64_t now_ms);

/* What the caller owes now; the same until it is answered. */
enum smtp_duty smtp_session_duty(const struct smtp_session *s);

/* Bytes to send, a view until the next call on the session but smtp_session_sent(). */
struct slice smtp_session_output(const struct smtp_session *s);

/* The first length bytes of the output were handed to the kernel (or to TLS). */
void smtp_session_sent(struct smtp_session *s, size_t length);

/* At most so much output is kept; feeding stops before it could be more. */
#define SMTP_OUTPUT_MAX 4096

/* WANT_RECIPIENT: "local@domain" as the client gave it, quoting normalised, or "postmaster".
 * A view until the answer. */
struct slice smtp_session_address(const struct smtp_session *s);

/* WANT_STAGE: the next piece of the content, at most inline_max_bytes. WANT_COMMIT: all of it, or
 * what follows the staged pieces (then perhaps nothing). With CR LF line ends, dot-stuffing undone.
 * A view until the answer. */
struct slice smtp_session_content(const struct smtp_session *s);

/* WANT_COMMIT: accepted_ms is 0, to be set by whoever knows the wall clock. A view until the
 * answer. */
const struct envelope *smtp_session_envelope(const struct smtp_session *s);

/* The peer's address, as it was given to smtp_session_open(). */
struct slice smtp_session_client(const struct smtp_session *s);

/* The last reply since this was asked that refused something (4xx, 5xx), without its line end: a
 * constant; or NULL. For the log. */
const char *smtp_session_refusal(struct smtp_session *s);

/* Pieces of this message were staged (or asked to be) and not abandoned. */
bool smtp_session_has_staged(const struct smtp_session *s);

/* The session ends because the client asked for it (RFC 5321 4.1.1.10). */
bool smtp_session_has_quit(const struct smtp_session *s);

/* A commit takes what was staged, whatever its verdict; after a failed staging the pieces before it
 * are still to be abandoned.
 *
 * The answers; each only while its duty is open. Feed the bytes that are left after them. id_text
 * is shown to the client after COMMIT_DURABLE: "250 2.0.0 queued as 3-1f2a". */
void
smtp_session_recipient(struct smtp_session *s, enum recipient_verdict verdict, uint64_t now_ms);
void smtp_session_staged(struct smtp_session *s, enum commit_verdict verdict, uint64_t now_ms);
void smtp_session_committed(
    struct smtp_session *s, enum commit_verdict verdict, const char *id_text, uint64_t now_ms);
void smtp_session_abandoned(struct smtp_session *s);

/* When smtp_session_tick() is due (421 4.4.2); UINT64_MAX: never, an answer of the caller is
 * awaited or the session is at its end. A command must be complete command_timeout_ms after the
 * reply before it; of content something must arrive every data_timeout_ms. */
uint64_t smtp_session_deadline(const struct smtp_session *s);
void smtp_session_tick(struct smtp_session *s, uint64_t now_ms);

/* We are going away: 421 4.3.2 and the end, now or after the answer to the open question. A commit
 * in flight is answered to the client first. */
void smtp_session_quiesce(struct smtp_session *s);

/* The client is gone. An open question is still to be answered (nothing will be sent), staged
 * pieces are still to be abandoned, then WANT_CLOSE. */
void smtp_session_hangup(struct smtp_session *s);

/* Free; takes NULL and sets the pointer to NULL. Allowed at any time: the caller then drops answers
 * that come later and abandons what smtp_session_has_staged(). */
void smtp_session_close(struct smtp_session **s);

/* Bytes of memory held now, and the most that a session with these settings can hold. */
size_t smtp_session_memory(const struct smtp_session *s);
size_t smtp_session_memory_max(const struct smtp_settings *settings);

#endif
