/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/smtp/path.h"
#include "mailcore/smtp/utf8.h"

#define LABEL_MAX 63

struct reader {
	const uint8_t *at;
	const uint8_t *end;
	bool is_utf8; /* a character beyond ASCII was met */
};

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* atext of RFC 5322 3.2.3. */
static bool
is_atext(uint8_t c)
{
	return is_alnum(c) || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static int
peek(const struct reader *r)
{
	return r->at < r->end ? *r->at : -1;
}

static bool
take(struct reader *r, uint8_t c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

/* Length of the character beyond ASCII that comes next, or 0. */
static size_t
peek_utf8(struct reader *r)
{
	size_t length = utf8_character(slice_from(r->at, (size_t)(r->end - r->at)));

	if (length)
		r->is_utf8 = true;
	return length;
}

static void
put(struct smtp_path *path, const uint8_t *data, size_t length)
{
	memcpy(path->text + path->length, data, length);
	path->length += length;
}

/* Atoms and single dots between them. */
static bool
is_dot_string(const uint8_t *data, size_t length)
{
	bool after_atom = false;

	for (size_t i = 0; i < length; i++) {
		bool is_dot = data[i] == '.';

		if (is_dot ? !after_atom : !is_atext(data[i]) && data[i] < 0x80)
			return false;
		after_atom = !is_dot;
	}
	return after_atom;
}

static bool
read_dot_string(struct reader *r, struct smtp_path *path)
{
	const uint8_t *start = r->at;

	for (int c = peek(r); c >= 0; c = peek(r)) {
		size_t length = c >= 0x80 ? peek_utf8(r) : (c == '.' || is_atext((uint8_t)c));

		if (length == 0)
			break;
		r->at += length;
	}
	put(path, start, (size_t)(r->at - start));
	return is_dot_string(start, (size_t)(r->at - start));
}

/* Puts the content with only '"' and '\' escaped, then takes the quotes away if that changes
 * nothing. */
static bool
read_quoted_string(struct reader *r, struct smtp_path *path)
{
	size_t start = path->length;

	put(path, r->at++, 1);
	while (r->at < r->end && *r->at != '"') {
		size_t length = *r->at >= 0x80 ? peek_utf8(r) : 1;

		if (*r->at == '\\' && ++r->at == r->end)
			return false;
		if (length == 0 || *r->at < ' ' || *r->at == 127 || (length == 1 && *r->at >= 0x80))
			return false;
		if (*r->at == '"' || *r->at == '\\')
			put(path, (const uint8_t *)"\\", 1);
		put(path, r->at, length);
		r->at += length;
	}
	if (!take(r, '"'))
		return false;
	if (is_dot_string(path->text + start + 1, path->length - start - 1)) {
		memmove(path->text + start, path->text + start + 1, path->length - start - 1);
		path->length--;
		return true;
	}
	put(path, (const uint8_t *)"\"", 1);
	return true;
}

static bool
read_label(struct reader *r, bool *too_long)
{
	const uint8_t *start = r->at;

	for (int c = peek(r); c >= 0; c = peek(r)) {
		size_t length =
		    c >= 0x80 ? peek_utf8(r) : (is_alnum((uint8_t)c) || c == '-' || c == '_');

		if (length == 0)
			break;
		r->at += length;
	}
	if (r->at - start > LABEL_MAX)
		*too_long = true;
	return r->at > start && *start != '-' && r->at[-1] != '-';
}

/* Up to three digits, at most 255, no needless zero. */
static bool
read_octet(struct reader *r)
{
	const uint8_t *start = r->at;
	unsigned value = 0;

	while (r->at < r->end && is_digit(*r->at) && r->at - start < 3)
		value = value * 10 + (*r->at++ - '0');
	return r->at > start && value <= 255 && (*start != '0' || r->at - start == 1);
}

static bool
read_ipv4(struct reader *r)
{
	for (int i = 0; i < 4; i++)
		if ((i && !take(r, '.')) || !read_octet(r))
			return false;
	return true;
}

static bool
is_hex(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Groups, at most one "::", perhaps an IPv4 address as the last two (RFC 4291 2.2). */
static bool
read_ipv6(struct reader *r)
{
	bool has_gap = false;
	int groups = 0;

	if (r->end - r->at >= 2 && r->at[0] == ':' && r->at[1] == ':') {
		has_gap = true;
		r->at += 2;
	}
	while (is_hex(peek(r))) {
		const uint8_t *start = r->at;

		while (is_hex(peek(r)) && r->at - start < 4)
			r->at++;
		if (peek(r) == '.') {
			r->at = start;
			groups += 2;
			if (!read_ipv4(r))
				return false;
			break;
		}
		groups++;
		if (peek(r) != ':')
			break;
		r->at++;
		if (peek(r) == ':') {
			if (has_gap)
				return false;
			has_gap = true;
			r->at++;
		} else if (!is_hex(peek(r))) {
			return false;
		}
	}
	return has_gap ? groups <= 7 : groups == 8;
}

static bool
read_address_literal(struct reader *r)
{
	static const char tag[] = "IPv6:";
	size_t length = sizeof(tag) - 1;
	bool ok;

	r->at++;
	if ((size_t)(r->end - r->at) > length &&
	    slice_is_equal_nocase(slice_from(r->at, length), slice_of(tag))) {
		r->at += length;
		ok = read_ipv6(r);
	} else {
		ok = read_ipv4(r);
	}
	return ok && take(r, ']');
}

static bool
read_domain(struct reader *r, bool *too_long)
{
	const uint8_t *start = r->at;

	if (peek(r) == '[')
		return read_address_literal(r);
	do {
		if (!read_label(r, too_long))
			return false;
	} while (take(r, '.'));
	if (r->at - start > ADDRESS_DOMAIN_MAX)
		*too_long = true;
	return true;
}

/* "@a,@b:" and nothing of it is kept. */
static bool
read_source_route(struct reader *r, bool *too_long)
{
	do {
		if (!take(r, '@') || !read_domain(r, too_long))
			return false;
	} while (take(r, ','));
	return take(r, ':');
}

/* The one recipient that every server has, in one spelling (RFC 5321 4.1.1.3). */
static bool
is_postmaster(struct smtp_path *path)
{
	struct slice name = slice_of("postmaster");

	if (!slice_is_equal_nocase(slice_from(path->text, path->length), name))
		return false;
	memcpy(path->text, name.data, name.length);
	return true;
}

static bool
read_mailbox(struct reader *r, enum smtp_path_kind kind, bool *too_long, struct smtp_path *path)
{
	const uint8_t *domain;
	bool ok = peek(r) == '"' ? read_quoted_string(r, path) : read_dot_string(r, path);

	if (!ok)
		return false;
	if (path->length > ADDRESS_LOCAL_MAX)
		*too_long = true;
	if (kind == PATH_FORWARD && peek(r) == '>')
		return is_postmaster(path);
	domain = r->at;
	if (!take(r, '@') || !read_domain(r, too_long))
		return false;
	put(path, domain, (size_t)(r->at - domain));
	return true;
}

enum smtp_path_verdict
smtp_path_parse(
    struct slice text, enum smtp_path_kind kind, bool utf8_allowed, struct smtp_path *path_r)
{
	/* No more is read than fits, so every put() does; one byte more tells "too long". */
	size_t length = text.length < SMTP_PATH_MAX + 1 ? text.length : SMTP_PATH_MAX + 1;
	struct reader r = {text.data, text.data + length, false};
	bool too_long = false, ok;

	path_r->length = 0;
	path_r->used = 0;
	if (!take(&r, '<'))
		return PATH_MALFORMED;
	ok = (kind == PATH_REVERSE && peek(&r) == '>') ||
	     ((peek(&r) != '@' || read_source_route(&r, &too_long)) &&
		 read_mailbox(&r, kind, &too_long, path_r));
	if (r.at == r.end && text.length > SMTP_PATH_MAX)
		return PATH_TOO_LONG;
	if (!ok || !take(&r, '>'))
		return PATH_MALFORMED;
	path_r->used = (size_t)(r.at - text.data);
	if (too_long || path_r->used > SMTP_PATH_MAX)
		return PATH_TOO_LONG;
	return r.is_utf8 && !utf8_allowed ? PATH_NEEDS_UTF8 : PATH_OK;
}

bool
smtp_helo_is_valid(struct slice name)
{
	if (name.length == 0 || name.length > ADDRESS_DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < name.length; i++) {
		uint8_t c = name.data[i];

		if (!is_alnum(c) && (c == 0 || c >= 0x80 || !strchr(".-_:[]", c)))
			return false;
	}
	return true;
}
