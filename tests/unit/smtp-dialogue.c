/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/smtp-dialogue.h"

#include <stdio.h>

struct smtp_settings
dialogue_settings(void)
{
	return (struct smtp_settings){
	    .hostname = "mx.example.test",
	    .message_max_bytes = 65536,
	    .recipients_max = 3,
	    .received_max = 30,
	    .errors_max = 5,
	    .inline_max_bytes = 16384,
	    .command_timeout_ms = 300000,
	    .data_timeout_ms = 180000,
	    .sessions_max = 100,
	};
}

void
dialogue_open(struct dialogue *d, const struct smtp_settings *settings, size_t piece)
{
	*d = (struct dialogue){.settings = *settings, .piece = piece, .now_ms = 1000};
	d->session = smtp_session_open(&d->settings, slice_of("192.0.2.1"), d->now_ms);
}

static enum recipient_verdict
recipient_verdict(struct slice address)
{
	static const struct {
		const char *address;
		enum recipient_verdict verdict;
	} known[] = {
	    {"a@example.test", RECIPIENT_OK},
	    {"b@example.test", RECIPIENT_OK},
	    {"c@example.test", RECIPIENT_OK},
	    {"d@example.test", RECIPIENT_OK},
	    {"\xc3\xa4@example.test", RECIPIENT_OK},
	    {"postmaster", RECIPIENT_OK},
	    {"full@example.test", RECIPIENT_MAILBOX_FULL},
	    {"off@example.test", RECIPIENT_DISABLED},
	    {"later@example.test", RECIPIENT_TRY_LATER},
	    {"nospace@example.test", RECIPIENT_SYSTEM_FULL},
	};
	struct slice domain = slice_of("@example.test");

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_is_equal_nocase(address, slice_of(known[i].address)))
			return known[i].verdict;
	if (address.length > domain.length &&
	    slice_is_equal_nocase(
		domain, slice_from(address.data + address.length - domain.length, domain.length)))
		return RECIPIENT_UNKNOWN;
	return RECIPIENT_NO_RELAY;
}

static void
commit(struct dialogue *d)
{
	d->content.length = d->envelope.length = 0;
	buffer_append_slice(&d->content, buffer_slice(&d->staged));
	buffer_append_slice(&d->content, smtp_session_content(d->session));
	envelope_encode(smtp_session_envelope(d->session), &d->envelope);
	d->staged.length = 0;
	d->commits++;
	smtp_session_committed(d->session, d->commit_verdict, "3-1f", d->now_ms);
}

void
dialogue_serve(struct dialogue *d)
{
	while (!d->is_paused) {
		switch (smtp_session_duty(d->session)) {
		case SMTP_WANT_RECIPIENT:
			smtp_session_recipient(d->session,
			    recipient_verdict(smtp_session_address(d->session)), d->now_ms);
			break;
		case SMTP_WANT_STAGE:
			buffer_append_slice(&d->staged, smtp_session_content(d->session));
			smtp_session_staged(d->session, d->stage_verdict, d->now_ms);
			break;
		case SMTP_WANT_COMMIT:
			commit(d);
			break;
		case SMTP_WANT_ABANDON:
			d->staged.length = 0;
			d->abandons++;
			smtp_session_abandoned(d->session);
			break;
		case SMTP_WANT_NOTHING:
		case SMTP_WANT_CLOSE:
			return;
		}
	}
}

static void
take_output(struct dialogue *d)
{
	struct slice output = smtp_session_output(d->session);

	buffer_append_slice(&d->heard, output);
	smtp_session_sent(d->session, output.length);
}

void
dialogue_say(struct dialogue *d, struct slice bytes)
{
	while (bytes.length) {
		size_t piece = d->piece && d->piece < bytes.length ? d->piece : bytes.length;
		size_t used =
		    smtp_session_feed(d->session, slice_from(bytes.data, piece), d->now_ms);
		size_t memory = smtp_session_memory(d->session);

		if (memory > d->memory)
			d->memory = memory;
		if (used == 0 && smtp_session_duty(d->session) == SMTP_WANT_NOTHING)
			take_output(d);
		bytes.data += used;
		bytes.length -= used;
		dialogue_serve(d);
		if (d->is_paused && smtp_session_duty(d->session) != SMTP_WANT_NOTHING)
			break;
	}
	take_output(d);
}

bool
dialogue_is_over(const struct dialogue *d)
{
	return smtp_session_duty(d->session) == SMTP_WANT_CLOSE;
}

void
dialogue_close(struct dialogue *d)
{
	smtp_session_close(&d->session);
	buffer_close(&d->heard);
	buffer_close(&d->content);
	buffer_close(&d->envelope);
	buffer_close(&d->staged);
}

const char *
dialogue_codes(const struct dialogue *d, char *out, size_t room)
{
	const char *at = (const char *)d->heard.data, *end = at + d->heard.length;
	size_t length = 0;

	out[0] = '\0';
	while (at < end) {
		const char *next = memchr(at, '\n', (size_t)(end - at));

		next = next ? next + 1 : end;
		/* "250 2.1.0 text", "220 name text", "250-..." is not a last line. */
		if (next - at > 4 && at[3] != '-') {
			bool is_enhanced = next - at > 9 && at[5] == '.' && at[7] == '.';
			int n =
			    snprintf(out + length, room - length, "%s%.3s%s%.*s", length ? " " : "",
				at, is_enhanced ? "/" : "", is_enhanced ? 5 : 0, at + 4);

			length += (size_t)n < room - length ? (size_t)n : room - length - 1;
		}
		at = next;
	}
	return out;
}
