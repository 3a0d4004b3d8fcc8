/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/smtp/transaction.h"

#include <stdlib.h>

/* What is kept from one transaction to the next. */
#define TEXTS_KEPT 4096
#define RECIPIENTS_KEPT 16
#define RECIPIENT_BYTES (sizeof(struct transaction_recipient) + sizeof(struct envelope_recipient))

static struct transaction_text
text_add(struct transaction *t, struct slice text)
{
	struct transaction_text place = {(uint32_t)t->texts.length, (uint32_t)text.length};

	buffer_append_slice(&t->texts, text);
	return place;
}

static struct slice
text_view(const struct transaction *t, struct transaction_text place)
{
	return slice_from(place.length ? t->texts.data + place.offset : NULL, place.length);
}

void
transaction_begin(struct transaction *t, const struct smtp_path *reverse_path,
    const struct smtp_parameters *parameters)
{
	transaction_reset(t);
	t->reverse_path = text_add(t, slice_from(reverse_path->text, reverse_path->length));
	t->envelope_id = text_add(t, parameters->envelope_id);
	t->returns = parameters->returns;
	t->flags = (parameters->is_8bit ? ENVELOPE_8BITMIME : 0) |
		   (parameters->is_utf8 ? ENVELOPE_SMTPUTF8 : 0);
}

static void
recipients_resize(struct transaction *t, size_t room)
{
	t->recipients = realloc(t->recipients, room * sizeof(*t->recipients));
	t->views = realloc(t->views, room * sizeof(*t->views));
	if (!t->recipients || !t->views)
		abort();
	t->recipient_room = room;
}

void
transaction_add(
    struct transaction *t, struct slice address, const struct smtp_parameters *parameters)
{
	for (size_t i = 0; i < t->recipient_count; i++)
		if (slice_is_equal_nocase(address, text_view(t, t->recipients[i].address)))
			return;
	if (t->recipient_count == t->recipient_room)
		recipients_resize(t, t->recipient_room ? t->recipient_room * 2 : RECIPIENTS_KEPT);
	t->recipients[t->recipient_count++] = (struct transaction_recipient){
	    .address = text_add(t, address),
	    .original = text_add(t, parameters->original),
	    .notify = parameters->notify,
	};
}

void
transaction_envelope(struct transaction *t, struct envelope *e)
{
	for (size_t i = 0; i < t->recipient_count; i++)
		t->views[i] = (struct envelope_recipient){
		    .address = text_view(t, t->recipients[i].address),
		    .original = text_view(t, t->recipients[i].original),
		    .notify = t->recipients[i].notify,
		};
	e->flags |= t->flags;
	e->returns = t->returns;
	e->reverse_path = text_view(t, t->reverse_path);
	e->envelope_id = text_view(t, t->envelope_id);
	e->recipients = t->views;
	e->recipient_count = t->recipient_count;
}

void
transaction_reset(struct transaction *t)
{
	if (t->texts.capacity > TEXTS_KEPT)
		buffer_close(&t->texts);
	if (t->recipient_room > RECIPIENTS_KEPT)
		recipients_resize(t, RECIPIENTS_KEPT);
	t->texts.length = 0;
	t->recipient_count = 0;
	t->flags = 0;
	t->returns = RETURN_UNSET;
	t->reverse_path = t->envelope_id = (struct transaction_text){0};
}

void
transaction_close(struct transaction *t)
{
	buffer_close(&t->texts);
	free(t->recipients);
	free(t->views);
	*t = (struct transaction){0};
}

size_t
transaction_memory(const struct transaction *t)
{
	return t->texts.capacity + t->recipient_room * RECIPIENT_BYTES;
}

size_t
transaction_memory_max(size_t recipients_max)
{
	size_t room = RECIPIENTS_KEPT, texts, capacity = TEXTS_KEPT;

	while (room < recipients_max)
		room *= 2;
	texts = SMTP_PATH_MAX + SMTP_ENVELOPE_ID_MAX +
		recipients_max * (SMTP_PATH_MAX + SMTP_ORIGINAL_MAX);
	while (capacity < texts)
		capacity *= 2;
	return capacity + room * RECIPIENT_BYTES;
}
