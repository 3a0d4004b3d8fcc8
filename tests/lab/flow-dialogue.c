/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-dialogue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_MAX (16 * 1024)

void
flow_dialogue_begin(struct flow_dialogue *d, const char *from, bool pipelining)
{
	memset(d, 0, sizeof(*d));
	d->from = from;
	d->pipelining_wanted = pipelining;
}

void
flow_dialogue_close(struct flow_dialogue *d)
{
	buffer_close(&d->input);
	buffer_close(&d->output);
}

static void
settle(struct flow_dialogue *d, enum flow_kind kind, unsigned code, const char *text)
{
	for (unsigned i = 0; i < d->copies; i++)
		if (d->outcomes[i].kind == FLOW_TRY) {
			d->outcomes[i].kind = kind;
			d->outcomes[i].code = code;
			snprintf(d->outcomes[i].text, sizeof(d->outcomes[i].text), "%s", text);
		}
}

static void
say_recipient(struct flow_dialogue *d, unsigned i)
{
	buffer_printf(&d->output, "RCPT TO:<%s>\r\n", d->recipients[i]);
}

void
flow_dialogue_message(struct flow_dialogue *d, const char *const *recipients, unsigned copies)
{
	assert(d->state == FLOW_IN_IDLE);
	assert(copies >= 1 && copies <= FLOW_COPIES_MAX);

	d->copies = copies;
	d->turn = d->taken = 0;
	memset(d->outcomes, 0, sizeof(d->outcomes));
	for (unsigned i = 0; i < copies; i++) {
		d->recipients[i] = recipients[i];
		d->outcomes[i].kind = FLOW_TRY;
	}
	buffer_printf(
	    &d->output, "MAIL FROM:<%s>%s\r\n", d->from, d->eight_bit ? " BODY=8BITMIME" : "");
	if (d->pipelining) {
		for (unsigned i = 0; i < copies; i++)
			say_recipient(d, i);
		buffer_printf(&d->output, "DATA\r\n");
	}
	d->state = FLOW_IN_MAIL;
}

void
flow_dialogue_content_sent(struct flow_dialogue *d)
{
	assert(d->state == FLOW_IN_CONTENT);
	buffer_printf(&d->output, ".\r\n");
	d->state = FLOW_IN_FINAL;
}

void
flow_dialogue_quit(struct flow_dialogue *d)
{
	buffer_printf(&d->output, "QUIT\r\n");
	d->state = FLOW_IN_QUIT;
}

bool
flow_dialogue_died(struct flow_dialogue *d, const char *reason)
{
	enum flow_dialogue_state state = d->state;

	d->state = FLOW_IN_QUIT;
	if (state < FLOW_IN_MAIL || state > FLOW_IN_FINAL)
		return false;
	settle(d, state == FLOW_IN_FINAL ? FLOW_UNKNOWN : FLOW_UNSENT, 0, reason);
	return true;
}

static enum flow_duty
settled(struct flow_dialogue *d)
{
	d->state = FLOW_IN_IDLE;
	return FLOW_DUTY_SETTLED;
}

static enum flow_duty
on_hello(struct flow_dialogue *d, unsigned code, const char *reply)
{
	if (code != 250)
		return FLOW_DUTY_CLOSE;
	d->pipelining = d->pipelining_wanted && strstr(reply, "PIPELINING") != NULL;
	d->eight_bit = strstr(reply, "8BITMIME") != NULL;
	d->state = FLOW_IN_IDLE;
	return FLOW_DUTY_READY;
}

static enum flow_duty
on_mail(struct flow_dialogue *d, unsigned code, const char *text)
{
	if (code / 100 != 2)
		settle(d, FLOW_REFUSED, code, text);
	/* What was pipelined behind a refused MAIL gets its own refusals. */
	if (code / 100 != 2 && !d->pipelining)
		return settled(d);
	d->state = FLOW_IN_RCPT;
	if (!d->pipelining)
		say_recipient(d, 0);
	return FLOW_DUTY_NONE;
}

static enum flow_duty
on_rcpt(struct flow_dialogue *d, unsigned code, const char *text)
{
	struct flow_outcome *outcome = &d->outcomes[d->turn++];

	if (code / 100 == 2) {
		d->taken++;
	} else if (outcome->kind == FLOW_TRY) {
		outcome->kind = FLOW_REFUSED;
		outcome->code = code;
		snprintf(outcome->text, sizeof(outcome->text), "%s", text);
	}
	if (d->turn < d->copies) {
		if (!d->pipelining)
			say_recipient(d, d->turn);
		return FLOW_DUTY_NONE;
	}
	d->state = FLOW_IN_DATA;
	if (d->taken == 0 && !d->pipelining) {
		buffer_printf(&d->output, "RSET\r\n");
		d->state = FLOW_IN_RESET;
	} else if (!d->pipelining) {
		buffer_printf(&d->output, "DATA\r\n");
	}
	return FLOW_DUTY_NONE;
}

static enum flow_duty
on_data(struct flow_dialogue *d, unsigned code, const char *text)
{
	if (code != 354) {
		settle(d, FLOW_REFUSED, code, text);
		return settled(d);
	}
	d->state = FLOW_IN_CONTENT;
	if (d->taken > 0)
		return FLOW_DUTY_CONTENT;
	/* RFC 2920 3.1: no recipient stood, so end the transaction with the dot alone. */
	flow_dialogue_content_sent(d);
	return FLOW_DUTY_NONE;
}

static enum flow_duty
on_reply(struct flow_dialogue *d, unsigned code, const char *text, const char *reply)
{
	d->closing |= code == 421;
	switch (d->state) {
	case FLOW_IN_GREETING:
		if (code != 220)
			return FLOW_DUTY_CLOSE;
		buffer_printf(&d->output, "EHLO flow.client.test\r\n");
		d->state = FLOW_IN_HELLO;
		return FLOW_DUTY_GREETED;
	case FLOW_IN_HELLO:
		return on_hello(d, code, reply);
	case FLOW_IN_MAIL:
		return on_mail(d, code, text);
	case FLOW_IN_RCPT:
		return on_rcpt(d, code, text);
	case FLOW_IN_DATA:
		return on_data(d, code, text);
	case FLOW_IN_FINAL:
		settle(d, code / 100 == 2 ? FLOW_ACKED : FLOW_REFUSED, code, text);
		return settled(d);
	case FLOW_IN_RESET:
		return settled(d);
	case FLOW_IN_IDLE:
	case FLOW_IN_CONTENT:
	case FLOW_IN_QUIT:
		break;
	}
	/* 221, or a word that nobody asked for. */
	return FLOW_DUTY_CLOSE;
}

/* The length of the first whole reply, 0 if it is not there yet, -1 if it is none. text_r gets
 * where its last line's text begins. */
static long
reply_length(struct slice in, size_t *text_r)
{
	for (size_t at = 0;;) {
		const uint8_t *line = in.data + at;
		const uint8_t *end = at < in.length ? memchr(line, '\n', in.length - at) : NULL;

		if (end == NULL)
			return in.length > REPLY_MAX ? -1 : 0;
		if (end - line < 4 || end[-1] != '\r')
			return -1;
		for (int i = 0; i < 3; i++)
			if (line[i] < '0' || line[i] > '9')
				return -1;
		at = (size_t)(end - in.data) + 1;
		if (line[3] != '-') {
			*text_r = (size_t)(line - in.data) + (line[3] == ' ' ? 4 : 3);
			return (long)at;
		}
	}
}

enum flow_duty
flow_dialogue_input(struct flow_dialogue *d, struct slice bytes)
{
	enum flow_duty duty = FLOW_DUTY_NONE;
	size_t text;
	long length;

	buffer_append_slice(&d->input, bytes);
	while (duty == FLOW_DUTY_NONE &&
	       (length = reply_length(buffer_slice(&d->input), &text)) != 0) {
		if (length < 0)
			return FLOW_DUTY_CLOSE;
		char *reply = strndup((const char *)d->input.data, (size_t)length - 2);
		unsigned code = (unsigned)strtoul(reply, NULL, 10);

		duty = on_reply(d, code, text < strlen(reply) ? reply + text : "", reply);
		buffer_consume(&d->input, (size_t)length);
		free(reply);
	}
	return duty;
}
