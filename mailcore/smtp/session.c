/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/smtp/session_private.h"

#include <assert.h>
#include <stdlib.h>

/* Room for the longest reply to one command, EHLO's, with two host names of 255. */
#define REPLY_ROOM 1024
/* A content buffer up to here is kept from one message to the next. */
#define CONTENT_KEPT 16384
/* smtp_content_read() may give out one byte more than it used. */
#define CONTENT_SLACK 1
#define ID_TEXT_MAX 64

struct smtp_session *
smtp_session_open(const struct smtp_settings *settings, struct slice client, uint64_t now_ms)
{
	struct smtp_session *s;

	assert(settings->inline_max_bytes > CONTENT_SLACK);
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->settings = settings;
	s->since_ms = now_ms;
	s->state = STATE_GREET;
	slice_to_string(client, s->client, sizeof(s->client));
	return s;
}

void
session_enter(struct smtp_session *s, enum session_state state)
{
	s->state = state;
}

void
session_reset(struct smtp_session *s)
{
	transaction_reset(&s->transaction);
	if (s->content.capacity > CONTENT_KEPT)
		buffer_close(&s->content);
	s->content.length = 0;
	session_enter(s, STATE_MAIL);
}

static void
session_end(struct smtp_session *s)
{
	session_reset(s);
	session_enter(s, STATE_CLOSED);
	s->duty = s->has_staged ? SMTP_WANT_ABANDON : SMTP_WANT_CLOSE;
}

void
session_say(struct smtp_session *s, enum smtp_reply reply)
{
	if (smtp_reply_is_refusal(reply) && ++s->errors > s->settings->errors_max &&
	    !smtp_reply_row(reply)->closes)
		reply = REPLY_TOO_MANY_ERRORS;
	if (smtp_reply_row(reply)->text[0] >= '4')
		s->refusal = reply;
	if (!s->is_gone)
		smtp_reply_append(reply, s->settings->hostname, &s->output);
	if (smtp_reply_row(reply)->closes)
		session_end(s);
}

void
smtp_session_greet(struct smtp_session *s, uint64_t now_ms)
{
	if (s->state != STATE_GREET)
		return;
	buffer_append_slice(&s->output, slice_of("220 "));
	buffer_append_slice(&s->output, slice_of(s->settings->hostname));
	buffer_append_slice(&s->output, slice_of(" ESMTP\r\n"));
	s->since_ms = now_ms;
	s->must_wait = true;
	session_enter(s, STATE_HELO);
}

/* Is every CR of this piece of a command line followed by LF, every LF preceded by CR, and no NUL
 * in it? A CR at the very end may still be. */
static bool
piece_is_clean(const struct smtp_session *s, struct slice piece, bool has_lf)
{
	const uint8_t *end = piece.data + piece.length;
	const uint8_t *cr = memchr(piece.data, '\r', piece.length);

	if (memchr(piece.data, 0, piece.length))
		return false;
	if (s->line_has_cr)
		return has_lf && piece.length == 1;
	if (has_lf)
		return piece.length >= 2 && cr == end - 2;
	return !cr || cr == end - 1;
}

/* The whole line is there: in the caller's bytes, or in s->line when it came in pieces. */
static void
line_complete(struct smtp_session *s, struct slice piece)
{
	struct slice line = piece;

	if (s->line_length)
		line = slice_from(s->line, s->line_length);
	s->line_length = 0;
	s->line_has_cr = false;
	if (s->line_is_too_long) {
		s->line_is_too_long = false;
		session_say(s, REPLY_LINE_TOO_LONG);
		s->must_wait = !s->is_extended;
		return;
	}
	line.length -= 2;
	session_command(s, line);
}

static size_t
feed_command(struct smtp_session *s, struct slice bytes, uint64_t now_ms)
{
	const uint8_t *lf = memchr(bytes.data, '\n', bytes.length);
	struct slice piece =
	    slice_from(bytes.data, lf ? (size_t)(lf + 1 - bytes.data) : bytes.length);

	if (!piece_is_clean(s, piece, lf)) {
		session_say(s, REPLY_LINE_ENDING);
		return piece.length;
	}
	if (s->line_length + piece.length > ANY_LINE_MAX) {
		s->line_is_too_long = true;
	} else if (!lf || s->line_length) {
		memcpy(s->line + s->line_length, piece.data, piece.length);
		s->line_length += piece.length;
	}
	s->line_has_cr = !lf && piece.data[piece.length - 1] == '\r';
	if (lf) {
		line_complete(s, piece);
		s->since_ms = now_ms;
	}
	return piece.length;
}

/* The message cannot be taken; what follows of it is read and not kept. */
static void
content_refuse(struct smtp_session *s, enum smtp_reply fault)
{
	if (s->content_fault)
		return;
	s->content_fault = fault;
	s->content.length = 0;
	if (s->has_staged)
		s->duty = SMTP_WANT_ABANDON;
}

/* What is wrong with all of the content so far; of two faults the same one, however it was cut. */
static enum smtp_reply
content_limit(const struct smtp_session *s)
{
	if (s->reader.received >= s->settings->received_max)
		return REPLY_LOOP;
	if (s->reader.length > s->settings->message_max_bytes)
		return REPLY_TOO_LARGE;
	return REPLY_NONE;
}

static void
content_end(struct smtp_session *s)
{
	enum smtp_reply limit = content_limit(s);
	enum smtp_reply fault = limit ? limit : s->content_fault;

	/* The content may have been followed by the next commands in one group (RFC 2920 3.1). */
	s->must_wait = !s->is_extended;
	if (fault) {
		session_reset(s);
		session_say(s, fault);
		return;
	}
	s->envelope = (struct envelope){
	    .flags = s->is_extended ? ENVELOPE_ESMTP : 0,
	    .client = slice_of(s->client),
	    .helo = slice_of(s->helo),
	};
	transaction_envelope(&s->transaction, &s->envelope);
	s->duty = SMTP_WANT_COMMIT;
}

static void
content_piece(struct smtp_session *s, struct slice piece)
{
	enum smtp_reply limit = content_limit(s);

	if (limit)
		content_refuse(s, limit);
	if (!s->content_fault)
		buffer_append_slice(&s->content, piece);
}

static size_t
feed_content(struct smtp_session *s, struct slice bytes, uint64_t now_ms)
{
	size_t room = s->settings->inline_max_bytes - s->content.length, used;
	struct slice piece;

	s->since_ms = now_ms;
	if (room <= CONTENT_SLACK) {
		s->duty = SMTP_WANT_STAGE;
		s->has_staged = true;
		return 0;
	}
	if (!s->content_fault && bytes.length > room - CONTENT_SLACK)
		bytes.length = room - CONTENT_SLACK;
	switch (smtp_content_read(&s->reader, bytes, &used, &piece)) {
	case CONTENT_MORE:
		break;
	case CONTENT_PIECE:
		content_piece(s, piece);
		break;
	case CONTENT_END:
		content_end(s);
		break;
	case CONTENT_BARE_CR:
	case CONTENT_BARE_LF:
	case CONTENT_NUL:
		session_say(s, REPLY_LINE_ENDING);
		break;
	}
	return used;
}

size_t
smtp_session_feed(struct smtp_session *s, struct slice bytes, uint64_t now_ms)
{
	size_t used = 0;

	while (used < bytes.length && s->duty == SMTP_WANT_NOTHING) {
		struct slice rest = slice_from(bytes.data + used, bytes.length - used);

		if (s->state == STATE_GREET || (s->must_wait && s->output.length))
			session_say(s, REPLY_TOO_EARLY);
		else if (s->output.length > SMTP_OUTPUT_MAX - REPLY_ROOM)
			break;
		else if (s->state == STATE_CONTENT)
			used += feed_content(s, rest, now_ms);
		else
			used += feed_command(s, rest, now_ms);
	}
	return s->duty == SMTP_WANT_CLOSE ? bytes.length : used;
}

enum smtp_duty
smtp_session_duty(const struct smtp_session *s)
{
	return s->duty;
}

struct slice
smtp_session_output(const struct smtp_session *s)
{
	return buffer_slice(&s->output);
}

void
smtp_session_sent(struct smtp_session *s, size_t length)
{
	buffer_consume(&s->output, length);
}

struct slice
smtp_session_address(const struct smtp_session *s)
{
	return slice_from(s->path.text, s->path.length);
}

struct slice
smtp_session_content(const struct smtp_session *s)
{
	return buffer_slice(&s->content);
}

const struct envelope *
smtp_session_envelope(const struct smtp_session *s)
{
	return &s->envelope;
}

struct slice
smtp_session_client(const struct smtp_session *s)
{
	return slice_of(s->client);
}

const char *
smtp_session_refusal(struct smtp_session *s)
{
	enum smtp_reply refusal = s->refusal;

	s->refusal = REPLY_NONE;
	return refusal ? smtp_reply_row(refusal)->text : NULL;
}

bool
smtp_session_has_staged(const struct smtp_session *s)
{
	return s->has_staged;
}

/* After each answer: what waited for it. */
static void
answered(struct smtp_session *s)
{
	if (s->state == STATE_CLOSED || s->duty != SMTP_WANT_NOTHING)
		return;
	if (s->is_gone)
		session_end(s);
	else if (s->is_quiescing)
		session_say(s, REPLY_GOING_DOWN);
}

static enum smtp_reply
recipient_reply(enum recipient_verdict verdict)
{
	switch (verdict) {
	case RECIPIENT_OK:
		return REPLY_RECIPIENT_OK;
	case RECIPIENT_UNKNOWN:
		return REPLY_RECIPIENT_UNKNOWN;
	case RECIPIENT_NO_RELAY:
		return REPLY_NO_RELAY;
	case RECIPIENT_DISABLED:
		return REPLY_DISABLED;
	case RECIPIENT_MAILBOX_FULL:
		return REPLY_MAILBOX_FULL;
	case RECIPIENT_SYSTEM_FULL:
		return REPLY_SYSTEM_FULL;
	case RECIPIENT_TRY_LATER:
		break;
	}
	return REPLY_TRY_LATER;
}

void
smtp_session_recipient(struct smtp_session *s, enum recipient_verdict verdict, uint64_t now_ms)
{
	assert(s->duty == SMTP_WANT_RECIPIENT);
	s->duty = SMTP_WANT_NOTHING;
	s->since_ms = now_ms;
	if (verdict == RECIPIENT_OK) {
		transaction_add(&s->transaction, smtp_session_address(s), &s->parameters);
		session_enter(s, STATE_DATA);
	}
	/* To a client that is told to go there is one answer only. */
	if (!s->is_quiescing)
		session_say(s, recipient_reply(verdict));
	answered(s);
}

static enum smtp_reply
commit_reply(enum commit_verdict verdict)
{
	switch (verdict) {
	case COMMIT_DURABLE:
		return REPLY_OK;
	case COMMIT_SYSTEM_FULL:
		return REPLY_SYSTEM_FULL;
	case COMMIT_REFUSED:
		return REPLY_MALFORMED;
	case COMMIT_TRY_LATER:
	case COMMIT_IN_DOUBT:
		break;
	}
	return REPLY_TRY_LATER;
}

void
smtp_session_staged(struct smtp_session *s, enum commit_verdict verdict, uint64_t now_ms)
{
	assert(s->duty == SMTP_WANT_STAGE);
	s->duty = SMTP_WANT_NOTHING;
	s->since_ms = now_ms;
	s->content.length = 0;
	if (verdict != COMMIT_DURABLE)
		content_refuse(s, commit_reply(verdict));
	answered(s);
}

static void
say_queued(struct smtp_session *s, const char *id_text)
{
	struct slice id = slice_from(id_text, strnlen(id_text, ID_TEXT_MAX));

	if (s->is_gone)
		return;
	buffer_append_slice(&s->output, slice_of("250 2.0.0 queued as "));
	buffer_append_slice(&s->output, id);
	buffer_append_slice(&s->output, slice_of("\r\n"));
}

void
smtp_session_committed(
    struct smtp_session *s, enum commit_verdict verdict, const char *id_text, uint64_t now_ms)
{
	assert(s->duty == SMTP_WANT_COMMIT);
	s->duty = SMTP_WANT_NOTHING;
	s->since_ms = now_ms;
	s->has_staged = false;
	session_reset(s);
	if (verdict == COMMIT_DURABLE) {
		s->errors = 0;
		say_queued(s, id_text);
	} else if (verdict == COMMIT_IN_DOUBT) {
		session_end(s);
	} else {
		session_say(s, commit_reply(verdict));
	}
	answered(s);
}

void
smtp_session_abandoned(struct smtp_session *s)
{
	assert(s->duty == SMTP_WANT_ABANDON);
	s->has_staged = false;
	s->duty = s->state == STATE_CLOSED ? SMTP_WANT_CLOSE : SMTP_WANT_NOTHING;
	answered(s);
}

bool
smtp_session_has_quit(const struct smtp_session *s)
{
	return s->has_quit;
}

uint64_t
smtp_session_deadline(const struct smtp_session *s)
{
	if (s->duty != SMTP_WANT_NOTHING)
		return UINT64_MAX;
	return s->since_ms + (s->state == STATE_CONTENT ? s->settings->data_timeout_ms
							: s->settings->command_timeout_ms);
}

void
smtp_session_tick(struct smtp_session *s, uint64_t now_ms)
{
	if (now_ms >= smtp_session_deadline(s))
		session_say(s, REPLY_TIMEOUT);
}

void
smtp_session_quiesce(struct smtp_session *s)
{
	s->is_quiescing = true;
	answered(s);
}

void
smtp_session_hangup(struct smtp_session *s)
{
	s->is_gone = true;
	s->output.length = 0;
	answered(s);
}

void
smtp_session_close(struct smtp_session **s)
{
	if (!*s)
		return;
	transaction_close(&(*s)->transaction);
	buffer_close(&(*s)->output);
	buffer_close(&(*s)->content);
	free(*s);
	*s = NULL;
}

size_t
smtp_session_memory(const struct smtp_session *s)
{
	return sizeof(*s) + s->output.capacity + s->content.capacity +
	       transaction_memory(&s->transaction);
}

size_t
smtp_session_memory_max(const struct smtp_settings *settings)
{
	size_t content = CONTENT_KEPT;

	while (content < settings->inline_max_bytes)
		content *= 2;
	return sizeof(struct smtp_session) + SMTP_OUTPUT_MAX + content +
	       transaction_memory_max(settings->recipients_max < ENVELOPE_RECIPIENTS_MAX
					  ? settings->recipients_max
					  : ENVELOPE_RECIPIENTS_MAX);
}
