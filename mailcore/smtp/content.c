/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/smtp/content.h"

static const char received[] = "received";
#define RECEIVED_LENGTH (sizeof(received) - 1)
/* This line is something else, or was counted. */
#define MATCHED_NOT UINT8_MAX

void
smtp_content_open(struct smtp_content *c)
{
	*c = (struct smtp_content){.state = CONTENT_LINE_START, .is_header = true};
}

/* Bytes of a line of the header section, without its end. A folded line begins with white space,
 * which no name does. Obsolete syntax allows white space before the colon (RFC 5322 4.5). */
static void
header_bytes(struct smtp_content *c, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length && c->matched != MATCHED_NOT; i++) {
		uint8_t b = data[i];

		if (c->matched < RECEIVED_LENGTH) {
			bool is_next = (b | 0x20) == (uint8_t)received[c->matched];

			c->matched = is_next ? c->matched + 1 : MATCHED_NOT;
		} else if (b == ':') {
			c->received++;
			c->matched = MATCHED_NOT;
		} else if (b != ' ' && b != '\t') {
			c->matched = MATCHED_NOT;
		}
	}
}

static void
line_end(struct smtp_content *c)
{
	/* Any byte would have matched or not: nothing matched and nothing failed is an empty line.
	 */
	if (c->matched == 0)
		c->is_header = false;
	c->matched = 0;
	c->state = CONTENT_LINE_START;
}

struct run {
	const uint8_t *stop; /* behind the last byte to give out */
	const uint8_t *next; /* where to read on */
	enum smtp_content_event event;
};

/*
 * Whole lines from data (which is in a line, or begins one that needs no unstuffing) up to a line
 * that begins with a dot, the end, or a fault. Two memchr per line are what this server spends most
 * of its parsing time in.
 */
static struct run
run_lines(struct smtp_content *c, const uint8_t *data, const uint8_t *end)
{
	const uint8_t *at = data;

	do {
		const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
		const uint8_t *limit = lf ? lf : end;
		const uint8_t *cr = memchr(at, '\r', (size_t)(limit - at));
		const uint8_t *text_end = cr ? cr : limit;

		if (cr && cr + 1 != limit)
			return (struct run){at, cr + 1, CONTENT_BARE_CR};
		if (lf && !cr)
			return (struct run){at, lf + 1, CONTENT_BARE_LF};
		if (c->is_header)
			header_bytes(c, at, (size_t)(text_end - at));
		if (!lf) {
			c->state = cr ? CONTENT_CR : CONTENT_TEXT;
			return (struct run){text_end, end, CONTENT_PIECE};
		}
		line_end(c);
		at = lf + 1;
	} while (at < end && *at != '.');
	return (struct run){at, at, CONTENT_PIECE};
}

/* The same, seeing NUL too. A message without one, which is nearly every message, is searched once.
 */
static struct run
run_checked(struct smtp_content *c, const uint8_t *data, const uint8_t *end)
{
	struct smtp_content before = *c;
	struct run run = run_lines(c, data, end);
	const uint8_t *nul = memchr(data, 0, (size_t)(run.next - data));

	if (!nul)
		return run;
	*c = before;
	if (nul == data)
		return (struct run){data, data + 1, CONTENT_NUL};
	return run_lines(c, data, nul);
}

enum smtp_content_event
smtp_content_read(struct smtp_content *c, struct slice input, size_t *used_r, struct slice *piece_r)
{
	const uint8_t *at = input.data, *end = at + input.length;

	*piece_r = slice_from(NULL, 0);
	*used_r = input.length;
	while (at < end) {
		const uint8_t *begin = at;
		struct run run;

		switch (c->state) {
		case CONTENT_CR:
		case CONTENT_DOT_CR:
			*used_r = (size_t)(at + 1 - input.data);
			if (*at != '\n')
				return CONTENT_BARE_CR;
			if (c->state == CONTENT_DOT_CR)
				return CONTENT_END;
			line_end(c);
			*piece_r = slice_from("\r\n", 2);
			c->length += 2;
			return CONTENT_PIECE;
		case CONTENT_DOT:
			if (*at == '\r') {
				c->state = CONTENT_DOT_CR;
				at++;
				continue;
			}
			break;
		case CONTENT_LINE_START:
			if (*at == '.') {
				c->state = CONTENT_DOT;
				at++;
				continue;
			}
			break;
		case CONTENT_TEXT:
			break;
		}
		run = run_checked(c, at, end);
		at = run.next;
		if (run.event == CONTENT_PIECE && run.stop == begin)
			continue;
		*used_r = (size_t)(at - input.data);
		if (run.event == CONTENT_PIECE) {
			*piece_r = slice_from(begin, (size_t)(run.stop - begin));
			c->length += piece_r->length;
		}
		return run.event;
	}
	return CONTENT_MORE;
}
