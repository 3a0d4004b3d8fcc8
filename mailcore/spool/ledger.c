/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/ledger.h"

#include <stdlib.h>

#define BUCKETS_MIN 1024u

static void
list_push(struct ledger_list *list, struct ledger_entry *entry)
{
	entry->before = list->last;
	entry->after = NULL;
	*(list->last ? &list->last->after : &list->first) = entry;
	list->last = entry;
}

static void
list_take(struct ledger_list *list, struct ledger_entry *entry)
{
	*(entry->before ? &entry->before->after : &list->first) = entry->after;
	*(entry->after ? &entry->after->before : &list->last) = entry->before;
	entry->before = entry->after = NULL;
}

/* The list that an entry stands on now, or NULL. */
static struct ledger_list *
ledger_list_of(struct ledger *ledger, const struct ledger_entry *entry)
{
	switch (entry->owner) {
	case OWNER_JOURNAL:
		return &ledger->journal;
	case OWNER_MOVING:
		return &ledger->moving;
	case OWNER_QUEUE:
		return entry->is_dirty ? &ledger->dirty : NULL;
	}
	return NULL;
}

static size_t
bucket_of(const struct ledger *ledger, message_id id)
{
	return (size_t)((id * 0x9e3779b97f4a7c15u) >> 20) & (ledger->bucket_count - 1);
}

static void
buckets_resize(struct ledger *ledger, size_t count)
{
	struct ledger_entry **old = ledger->buckets;
	size_t old_count = ledger->bucket_count;

	ledger->buckets = calloc(count, sizeof(struct ledger_entry *));
	if (!ledger->buckets)
		abort();
	ledger->bucket_count = count;
	for (size_t i = 0; i < old_count; i++)
		for (struct ledger_entry *entry = old[i], *next; entry; entry = next) {
			struct ledger_entry **bucket =
			    &ledger->buckets[bucket_of(ledger, entry->message.id)];

			next = entry->bucket_next;
			entry->bucket_next = *bucket;
			*bucket = entry;
		}
	free(old);
}

void
ledger_open(struct ledger *ledger)
{
	*ledger = (struct ledger){0};
	buckets_resize(ledger, BUCKETS_MIN);
}

static void
entry_free(struct ledger_entry *entry)
{
	envelope_close(&entry->message.envelope);
	free(entry->message.outcomes);
	free(entry->reason);
	free(entry);
}

void
ledger_close(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->bucket_count; i++)
		for (struct ledger_entry *entry = ledger->buckets[i], *next; entry; entry = next) {
			next = entry->bucket_next;
			entry_free(entry);
		}
	free(ledger->buckets);
	*ledger = (struct ledger){0};
}

/* One allocation for entry, checksums and envelope; the envelope's slices view the copy in it. */
static struct ledger_entry *
entry_new(const struct record_message *record)
{
	size_t checks_length = 4 * (size_t)record_blocks(record->content_length);
	struct ledger_entry *entry =
	    calloc(1, sizeof(*entry) + checks_length + record->envelope.length);
	uint8_t *at = (uint8_t *)(entry + 1);
	struct message *message = &entry->message;

	if (!entry)
		abort();
	if (checks_length)
		memcpy(at, record->checks, checks_length);
	if (record->envelope.length)
		memcpy(at + checks_length, record->envelope.data, record->envelope.length);
	entry->checks = at;
	entry->encoded = slice_from(at + checks_length, record->envelope.length);
	if (!envelope_decode(entry->encoded, &message->envelope)) {
		free(entry);
		return NULL;
	}
	message->outcomes = calloc(message->envelope.recipient_count, 1);
	if (!message->outcomes)
		abort();
	message->id = record->id;
	message->content_length = record->content_length;
	entry->place = record->place;
	entry->pending = (uint32_t)message->envelope.recipient_count;
	return entry;
}

struct ledger_entry *
ledger_add(struct ledger *ledger, const struct record_message *record, enum ledger_owner owner)
{
	struct ledger_entry *entry;
	size_t bucket;

	if (ledger_find(ledger, record->id))
		return NULL;
	entry = entry_new(record);
	if (!entry)
		return NULL;
	if (++ledger->count > ledger->bucket_count)
		buckets_resize(ledger, ledger->bucket_count * 2);
	bucket = bucket_of(ledger, record->id);
	entry->bucket_next = ledger->buckets[bucket];
	ledger->buckets[bucket] = entry;
	entry->owner = owner;
	if (owner == OWNER_JOURNAL)
		list_push(&ledger->journal, entry);
	return entry;
}

struct ledger_entry *
ledger_find(const struct ledger *ledger, message_id id)
{
	struct ledger_entry *entry = ledger->buckets[bucket_of(ledger, id)];

	while (entry && entry->message.id != id)
		entry = entry->bucket_next;
	return entry;
}

bool
outcome_is_settled(uint8_t outcome)
{
	return outcome == OUTCOME_DELIVERED || outcome == OUTCOME_BOUNCED;
}

bool
ledger_note(struct ledger_entry *entry, uint32_t recipient, uint8_t outcome, struct slice reason)
{
	uint8_t *now;

	if (recipient >= entry->message.envelope.recipient_count || outcome > OUTCOME_DEFERRED)
		return false;
	now = &entry->message.outcomes[recipient];
	if (outcome_is_settled(*now))
		return false;
	*now = outcome;
	if (outcome_is_settled(outcome))
		entry->pending--;
	if (outcome == OUTCOME_DEFERRED) {
		size_t length =
		    reason.length < LEDGER_REASON_MAX ? reason.length : LEDGER_REASON_MAX;

		free(entry->reason);
		entry->reason = malloc(length + 1);
		if (!entry->reason)
			abort();
		slice_to_string(reason, entry->reason, length + 1);
	}
	return true;
}

void
ledger_give(struct ledger *ledger, struct ledger_entry *entry, enum ledger_owner owner)
{
	struct ledger_list *from = ledger_list_of(ledger, entry), *to;

	if (from)
		list_take(from, entry);
	entry->owner = owner;
	to = ledger_list_of(ledger, entry);
	if (to)
		list_push(to, entry);
}

void
ledger_mark_dirty(struct ledger *ledger, struct ledger_entry *entry)
{
	if (entry->is_dirty)
		return;
	entry->is_dirty = true;
	/* A moving one joins the list when it has arrived. */
	if (entry->owner == OWNER_QUEUE)
		list_push(&ledger->dirty, entry);
}

void
ledger_mark_clean(struct ledger *ledger, struct ledger_entry *entry)
{
	if (entry->is_dirty && entry->owner == OWNER_QUEUE)
		list_take(&ledger->dirty, entry);
	entry->is_dirty = false;
}

void
ledger_remove(struct ledger *ledger, struct ledger_entry *entry)
{
	struct ledger_list *list = ledger_list_of(ledger, entry);
	struct ledger_entry **at = &ledger->buckets[bucket_of(ledger, entry->message.id)];

	while (*at != entry)
		at = &(*at)->bucket_next;
	*at = entry->bucket_next;
	if (list)
		list_take(list, entry);
	ledger->count--;
	entry_free(entry);
}

struct position
ledger_low_water(const struct ledger *ledger, struct position end)
{
	const struct ledger_entry *first = ledger->journal.first;

	/* One that is not durable yet has no position, and end lies before it. */
	return first && first->position.segment ? first->position : end;
}
