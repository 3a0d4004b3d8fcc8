/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/envelope.h"

#include <stdlib.h>

#define ENVELOPE_VERSION 1
#define ITEM_HEADER 3

#define ENVELOPE_FLAGS                                                           \
	(ENVELOPE_8BITMIME | ENVELOPE_SMTPUTF8 | ENVELOPE_ESMTP | ENVELOPE_TLS | \
	    ENVELOPE_AUTHENTICATED)
#define NOTIFY_ALL (NOTIFY_NEVER | NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY)

/* The values are on disks; add at the end and raise the version. */
enum envelope_tag {
	TAG_FLAGS = 1,
	TAG_RETURNS,
	TAG_REVERSE_PATH,
	TAG_CLIENT,
	TAG_HELO,
	TAG_ENVELOPE_ID,
	TAG_ACCEPTED_MS,
	TAG_RECIPIENT,
	TAG_ORIGINAL,
	TAG_NOTIFY,
	TAG_COUNT,
};

struct item {
	uint8_t tag;
	struct slice value;
};

static void
put_little(struct buffer *out, uint8_t tag, uint64_t value, size_t width)
{
	uint8_t *p = buffer_extend(out, ITEM_HEADER + width);

	p[0] = tag;
	p[1] = (uint8_t)width;
	p[2] = 0;
	for (size_t i = 0; i < width; i++)
		p[ITEM_HEADER + i] = (uint8_t)(value >> (8 * i));
}

static bool
put_text(struct buffer *out, uint8_t tag, struct slice value)
{
	uint8_t *p;

	if (value.length > UINT16_MAX)
		return false;
	p = buffer_extend(out, ITEM_HEADER + value.length);
	p[0] = tag;
	p[1] = (uint8_t)value.length;
	p[2] = (uint8_t)(value.length >> 8);
	if (value.length)
		memcpy(p + ITEM_HEADER, value.data, value.length);
	return true;
}

static bool
put_recipient(struct buffer *out, const struct envelope_recipient *r)
{
	if (r->address.length == 0 || !put_text(out, TAG_RECIPIENT, r->address))
		return false;
	if (r->original.length && !put_text(out, TAG_ORIGINAL, r->original))
		return false;
	if (r->notify)
		put_little(out, TAG_NOTIFY, r->notify, 1);
	return true;
}

bool
envelope_encode(const struct envelope *e, struct buffer *out)
{
	size_t start = out->length;
	bool ok = e->recipient_count > 0 && e->recipient_count <= ENVELOPE_RECIPIENTS_MAX;

	if (ok) {
		*(uint8_t *)buffer_extend(out, 1) = ENVELOPE_VERSION;
		put_little(out, TAG_FLAGS, e->flags, 4);
		put_little(out, TAG_RETURNS, e->returns, 1);
		put_little(out, TAG_ACCEPTED_MS, e->accepted_ms, 8);
		ok = put_text(out, TAG_REVERSE_PATH, e->reverse_path) &&
		     put_text(out, TAG_CLIENT, e->client) && put_text(out, TAG_HELO, e->helo) &&
		     put_text(out, TAG_ENVELOPE_ID, e->envelope_id);
	}
	/* A single text is at most 64 KiB, so the buffer is bounded although it is checked after.
	 */
	for (size_t i = 0; ok && i < e->recipient_count; i++)
		ok = put_recipient(out, &e->recipients[i]) &&
		     out->length - start <= ENVELOPE_ENCODED_MAX;
	if (!ok)
		out->length = start;
	return ok;
}

static bool
item_next(struct slice *rest, struct item *item_r)
{
	size_t length;

	if (rest->length < ITEM_HEADER)
		return false;
	length = rest->data[1] | (size_t)rest->data[2] << 8;
	if (rest->length - ITEM_HEADER < length)
		return false;
	item_r->tag = rest->data[0];
	item_r->value = slice_from(rest->data + ITEM_HEADER, length);
	rest->data += ITEM_HEADER + length;
	rest->length -= ITEM_HEADER + length;
	return true;
}

/* These texts become header lines and commands to other servers, and their author may be a worker
 * that a stranger has taken over. */
static bool
get_text(struct slice value, struct slice *text_r)
{
	for (size_t i = 0; i < value.length; i++)
		if (value.data[i] < ' ' || value.data[i] == 127)
			return false;
	*text_r = value;
	return true;
}

static bool
get_little(struct slice value, size_t width, uint64_t *number_r)
{
	if (value.length != width)
		return false;
	*number_r = 0;
	for (size_t i = 0; i < width; i++)
		*number_r |= (uint64_t)value.data[i] << (8 * i);
	return true;
}

static bool
get_flags(struct slice value, struct envelope *e)
{
	uint64_t number;

	if (!get_little(value, 4, &number) || (number & ~(uint64_t)ENVELOPE_FLAGS))
		return false;
	e->flags = (uint32_t)number;
	return true;
}

static bool
get_returns(struct slice value, struct envelope *e)
{
	uint64_t number;

	if (!get_little(value, 1, &number) || number > RETURN_HEADERS)
		return false;
	e->returns = (uint8_t)number;
	return true;
}

static bool
get_notify(struct slice value, struct envelope_recipient *r)
{
	uint64_t number;

	if (r->notify || !get_little(value, 1, &number) || number == 0 || number & ~NOTIFY_ALL)
		return false;
	if (number & NOTIFY_NEVER && number != NOTIFY_NEVER)
		return false;
	r->notify = (uint8_t)number;
	return true;
}

static bool
get_scalar(const struct item *item, struct envelope *e)
{
	switch ((enum envelope_tag)item->tag) {
	case TAG_FLAGS:
		return get_flags(item->value, e);
	case TAG_RETURNS:
		return get_returns(item->value, e);
	case TAG_REVERSE_PATH:
		return get_text(item->value, &e->reverse_path);
	case TAG_CLIENT:
		return get_text(item->value, &e->client);
	case TAG_HELO:
		return get_text(item->value, &e->helo);
	case TAG_ENVELOPE_ID:
		return get_text(item->value, &e->envelope_id);
	case TAG_ACCEPTED_MS:
		return get_little(item->value, 8, &e->accepted_ms);
	case TAG_RECIPIENT:
	case TAG_ORIGINAL:
	case TAG_NOTIFY:
	case TAG_COUNT:
		break;
	}
	return false;
}

static bool
get_item(const struct item *item, struct envelope *e, uint32_t *seen)
{
	struct envelope_recipient *last =
	    e->recipient_count ? &e->recipients[e->recipient_count - 1] : NULL;

	if (item->tag == TAG_RECIPIENT) {
		struct envelope_recipient *next = &e->recipients[e->recipient_count++];

		return item->value.length > 0 && get_text(item->value, &next->address);
	}
	if (item->tag == TAG_ORIGINAL)
		return last && last->original.length == 0 && item->value.length > 0 &&
		       get_text(item->value, &last->original);
	if (item->tag == TAG_NOTIFY)
		return last && get_notify(item->value, last);
	if (item->tag >= TAG_COUNT || *seen & UINT32_C(1) << item->tag)
		return false;
	*seen |= UINT32_C(1) << item->tag;
	return get_scalar(item, e);
}

/* 0 when the items do not fill the bytes exactly or there are too many recipients. */
static size_t
count_recipients(struct slice rest)
{
	size_t count = 0;
	struct item item;

	while (rest.length) {
		if (!item_next(&rest, &item))
			return 0;
		count += item.tag == TAG_RECIPIENT;
	}
	return count <= ENVELOPE_RECIPIENTS_MAX ? count : 0;
}

bool
envelope_decode(struct slice encoded, struct envelope *e)
{
	struct slice rest;
	struct item item;
	uint32_t seen = 0;
	size_t count;

	*e = (struct envelope){0};
	if (encoded.length < 1 || encoded.length > ENVELOPE_ENCODED_MAX ||
	    encoded.data[0] != ENVELOPE_VERSION)
		return false;
	rest = slice_from(encoded.data + 1, encoded.length - 1);
	count = count_recipients(rest);
	if (count == 0)
		return false;
	e->recipients = calloc(count, sizeof(*e->recipients));
	if (!e->recipients)
		abort();
	while (rest.length && item_next(&rest, &item)) {
		if (!get_item(&item, e, &seen)) {
			envelope_close(e);
			return false;
		}
	}
	return true;
}

void
envelope_close(struct envelope *e)
{
	if (!e)
		return;
	free(e->recipients);
	*e = (struct envelope){0};
}
