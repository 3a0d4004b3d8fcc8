/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/smtp/parameters.h"
#include "mailcore/smtp/utf8.h"
#include "mailcore/spool/envelope.h"

/* What the value is read with; utf8_allowed is for ORCPT alone. */
typedef bool value_read(struct slice value, bool utf8_allowed, struct smtp_parameters *p);

struct word {
	const char *text;
	uint8_t value;
};

static const struct word return_words[] = {{"FULL", RETURN_FULL}, {"HDRS", RETURN_HEADERS}, {0}};
static const struct word notify_words[] = {
    {"NEVER", NOTIFY_NEVER},
    {"SUCCESS", NOTIFY_SUCCESS},
    {"FAILURE", NOTIFY_FAILURE},
    {"DELAY", NOTIFY_DELAY},
    {0},
};

static uint8_t
word_value(const struct word *words, struct slice text)
{
	for (; words->text; words++)
		if (slice_is_equal_nocase(text, slice_of(words->text)))
			return words->value;
	return 0;
}

static bool
read_size(struct slice value, bool utf8_allowed, struct smtp_parameters *p)
{
	(void)utf8_allowed;
	if (value.length == 0 || value.length > 20)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		uint8_t digit = value.data[i] - '0';

		if (digit > 9)
			return false;
		if (__builtin_mul_overflow(p->size_bytes, 10, &p->size_bytes) ||
		    __builtin_add_overflow(p->size_bytes, digit, &p->size_bytes))
			p->size_bytes = UINT64_MAX;
	}
	return true;
}

static bool
read_body(struct slice value, bool utf8_allowed, struct smtp_parameters *p)
{
	(void)utf8_allowed;
	p->is_8bit = slice_is_equal_nocase(value, slice_of("8BITMIME"));
	return p->is_8bit || slice_is_equal_nocase(value, slice_of("7BIT"));
}

static bool
read_utf8(struct slice value, bool utf8_allowed, struct smtp_parameters *p)
{
	(void)utf8_allowed;
	p->is_utf8 = true;
	return value.data == NULL;
}

static bool
read_returns(struct slice value, bool utf8_allowed, struct smtp_parameters *p)
{
	(void)utf8_allowed;
	p->returns = word_value(return_words, value);
	return p->returns != RETURN_UNSET;
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_xtext(struct slice text, bool utf8_allowed)
{
	size_t i = 0;

	while (i < text.length) {
		uint8_t c = text.data[i];
		size_t length = 1;

		if (c >= 0x80) {
			length = utf8_character(slice_from(text.data + i, text.length - i));
			if (!utf8_allowed || length == 0)
				return false;
		} else if (c == '+') {
			int high, low;

			if (text.length - i < 3)
				return false;
			high = hex_value(text.data[i + 1]);
			low = hex_value(text.data[i + 2]);
			if (high < 0 || low < 0 || high < 2 || (high == 7 && low == 15))
				return false;
			length = 3;
		} else if (c <= ' ' || c == 127 || c == '=') {
			return false;
		}
		i += length;
	}
	return true;
}

static bool
read_envelope_id(struct slice value, bool utf8_allowed, struct smtp_parameters *p)
{
	(void)utf8_allowed;
	p->envelope_id = value;
	return value.length > 0 && value.length <= SMTP_ENVELOPE_ID_MAX && is_xtext(value, false);
}

static bool
read_notify(struct slice value, bool utf8_allowed, struct smtp_parameters *p)
{
	size_t start = 0;

	(void)utf8_allowed;
	if (value.length == 0)
		return false;
	for (size_t i = 0; i <= value.length; i++) {
		uint8_t one;

		if (i < value.length && value.data[i] != ',')
			continue;
		one = word_value(notify_words, slice_from(value.data + start, i - start));
		if (one == 0 || p->notify & one)
			return false;
		p->notify |= one;
		start = i + 1;
	}
	return !(p->notify & NOTIFY_NEVER) || p->notify == NOTIFY_NEVER;
}

/* address type, semicolon, xtext (RFC 3461 4.2). */
static bool
read_original(struct slice value, bool utf8_allowed, struct smtp_parameters *p)
{
	const uint8_t *semicolon = value.length ? memchr(value.data, ';', value.length) : NULL;
	size_t type = semicolon ? (size_t)(semicolon - value.data) : 0;

	p->original = value;
	if (type == 0 || value.length > SMTP_ORIGINAL_MAX || type + 1 == value.length)
		return false;
	for (size_t i = 0; i < type; i++) {
		uint8_t c = value.data[i], letter = c | 0x20;

		if ((letter < 'a' || letter > 'z') && c != '-' && (c < '0' || c > '9'))
			return false;
	}
	return is_xtext(slice_from(semicolon + 1, value.length - type - 1), utf8_allowed);
}

static const struct {
	const char *keyword;
	enum smtp_parameters_of of;
	value_read *read;
} table[] = {
    {"SIZE", PARAMETERS_OF_MAIL, read_size},         /* RFC 1870 */
    {"BODY", PARAMETERS_OF_MAIL, read_body},         /* RFC 6152 */
    {"SMTPUTF8", PARAMETERS_OF_MAIL, read_utf8},     /* RFC 6531 */
    {"RET", PARAMETERS_OF_MAIL, read_returns},       /* RFC 3461 4.3 */
    {"ENVID", PARAMETERS_OF_MAIL, read_envelope_id}, /* RFC 3461 4.4 */
    {"NOTIFY", PARAMETERS_OF_RCPT, read_notify},     /* RFC 3461 4.1 */
    {"ORCPT", PARAMETERS_OF_RCPT, read_original},    /* RFC 3461 4.2 */
};
#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))

/* The row of a keyword for this command; TABLE_ROWS if there is none. */
static size_t
row_of(struct slice keyword, enum smtp_parameters_of of)
{
	size_t row = 0;

	while (row < TABLE_ROWS && !(table[row].of == of && slice_is_equal_nocase(keyword,
								slice_of(table[row].keyword))))
		row++;
	return row;
}

enum smtp_parameters_verdict
smtp_parameters_parse(struct slice text, enum smtp_parameters_of of, bool utf8_allowed,
    struct smtp_parameters *parameters_r)
{
	const uint8_t *at = text.data, *end = at + text.length;
	uint32_t seen = 0;

	*parameters_r = (struct smtp_parameters){0};
	while (at < end) {
		struct slice keyword, value = {0};
		const uint8_t *stop, *equals;
		size_t row;

		if (*at++ != ' ')
			return PARAMETERS_INVALID;
		while (at < end && *at == ' ')
			at++;
		if (at == end)
			break;
		stop = memchr(at, ' ', (size_t)(end - at));
		stop = stop ? stop : end;
		equals = memchr(at, '=', (size_t)(stop - at));
		keyword = slice_from(at, (size_t)((equals ? equals : stop) - at));
		if (equals)
			value = slice_from(equals + 1, (size_t)(stop - equals - 1));
		row = row_of(keyword, of);
		if (row == TABLE_ROWS)
			return PARAMETERS_UNKNOWN;
		if (seen & UINT32_C(1) << row ||
		    !table[row].read(value, utf8_allowed, parameters_r))
			return PARAMETERS_INVALID;
		seen |= UINT32_C(1) << row;
		at = stop;
	}
	return PARAMETERS_OK;
}
