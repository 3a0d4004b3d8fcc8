/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/trace.h"

/* RFC 5322 2.1.1, without CR LF. */
#define LINE_WISHED 78
/* No address or name is longer (RFC 5321 4.5.3.1); a worker that was taken over may have sent one.
 */
#define WORD_MAX 512

/* A header line that is folded as it grows. */
struct line {
	struct buffer *out;
	size_t column;
};

/* Text from outside, without what would end or garble the line. A decoded envelope has none; this
 * makes sure. */
static void
line_put(struct line *line, struct slice text)
{
	size_t length = text.length < WORD_MAX ? text.length : WORD_MAX;
	uint8_t *to = buffer_extend(line->out, length);

	for (size_t i = 0; i < length; i++)
		to[i] = text.data[i] < ' ' || text.data[i] == 127 ? '?' : text.data[i];
	line->column += length;
}

/* A word with what stands right before and after it, on a new line if it does not fit on this one.
 */
static void
line_word(struct line *line, const char *before, struct slice text, const char *after)
{
	size_t length = strlen(before) + text.length + strlen(after);
	bool is_folded = line->column + 1 + length > LINE_WISHED;

	buffer_append_slice(line->out, slice_of(is_folded ? "\r\n\t" : " "));
	line->column = is_folded ? 8 : line->column + 1;
	line_put(line, slice_of(before));
	line_put(line, text);
	line_put(line, slice_of(after));
}

static void
line_begin(struct line *line, const char *name)
{
	line->column = 0;
	line_put(line, slice_of(name));
}

static void
line_end(struct line *line)
{
	buffer_append_slice(line->out, slice_of("\r\n"));
}

/* RFC 3848 and RFC 6531 4.3, by flags: TLS is 1, authenticated 2. */
static const char *
protocol(uint32_t flags)
{
	static const char *const extended[] = {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"};
	static const char *const utf8[] = {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"};
	size_t row = (flags & ENVELOPE_TLS ? 1 : 0) + (flags & ENVELOPE_AUTHENTICATED ? 2 : 0);

	if (flags & ENVELOPE_SMTPUTF8)
		return utf8[row];
	return flags & ENVELOPE_ESMTP ? extended[row] : "SMTP";
}

static void
put_received(const struct trace *trace, struct line *line)
{
	const struct envelope *e = trace->envelope;
	char date[TRACE_DATE];

	line_begin(line, "Received:");
	line_word(line, "from ", e->helo.length ? e->helo : slice_of("unknown"), "");
	line_word(line, "([", e->client, "])");
	line_word(line, "by ", trace->hostname, "");
	line_word(line, "with ", slice_of(protocol(e->flags)), "");
	line_word(line, "id ", slice_of(trace->id_text), e->recipient_count == 1 ? "" : ";");
	if (e->recipient_count == 1)
		line_word(line, "for <", e->recipients[0].address, ">;");
	line_word(line, "", slice_of(trace_date(e->accepted_ms, date)), "");
	line_end(line);
}

void
trace_deliver(const struct trace *trace, size_t recipient, struct buffer *out)
{
	struct line line = {.out = out};

	line_begin(&line, "Return-Path:");
	line_word(&line, "<", trace->envelope->reverse_path, ">");
	line_end(&line);
	line_begin(&line, "Delivered-To:");
	line_word(&line, "", trace->envelope->recipients[recipient].address, "");
	line_end(&line);
	put_received(trace, &line);
}

void
trace_relay(const struct trace *trace, struct buffer *out)
{
	struct line line = {.out = out};

	put_received(trace, &line);
}

static bool
is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Two digits, or four. */
static void
put_digits(char *to, unsigned value, size_t width)
{
	while (width--) {
		to[width] = (char)('0' + value % 10);
		value /= 10;
	}
}

const char *
trace_date(uint64_t wall_ms, char out[TRACE_DATE])
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	uint64_t seconds = wall_ms / 1000;
	unsigned second = (unsigned)(seconds % 86400), year = 1970, month = 0;
	/* 9999-12-31 is day 2,932,896: a clock beyond it is broken, and the line must still fit. */
	unsigned day = seconds / 86400 < 2932896 ? (unsigned)(seconds / 86400) : 2932896;
	unsigned weekday = day % 7, length;

	memcpy(out, "Day, 00 Mon 0000 00:00:00 +0000", TRACE_DATE);
	while (day >= (length = is_leap(year) ? 366 : 365)) {
		day -= length;
		year++;
	}
	while (day >= (length = lengths[month] + (month == 1 && is_leap(year)))) {
		day -= length;
		month++;
	}
	memcpy(out, days + (size_t)3 * weekday, 3);
	put_digits(out + 5, day + 1, 2);
	memcpy(out + 8, months + (size_t)3 * month, 3);
	put_digits(out + 12, year, 4);
	put_digits(out + 17, second / 3600, 2);
	put_digits(out + 20, second / 60 % 60, 2);
	put_digits(out + 23, second % 60, 2);
	return out;
}
