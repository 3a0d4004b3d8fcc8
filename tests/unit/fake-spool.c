/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/fake-spool.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define GENERATION (UINT64_C(3) << 40)
#define ACCEPTED_MS UINT64_C(1795438888123)

struct entry {
	message_id id;
	struct buffer encoded;
	struct slice content;
	size_t recipients;
	uint8_t *outcomes; /* as journalled */
	uint8_t *durable;  /* as it is on the disk */
	char (*reasons)[256];
	struct held *held; /* NULL: settled, or not replayed */
};

/* What arrived() shows. Leads to the entry without the array, which may move while the deliverer's
 * thread reads. */
struct held {
	struct message message;
	struct entry *entry;
};

struct record {
	struct entry *entry;
	uint32_t recipient;
	enum outcome outcome;
};

struct promise {
	void *cookie;
};

struct spool {
	struct spool_events events;
	struct entry **entries;
	size_t entry_count;
	struct record *records; /* not durable */
	size_t record_count;
	struct promise *promises; /* not answered */
	size_t promise_count;
	size_t prepares;
};

static void *
grow(void *array, size_t count, size_t size)
{
	array = realloc(array, (count + 1) * size);
	assert(array);
	return array;
}

struct spool *
fake_spool_open(const struct spool_events *events)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	assert(spool);
	spool->events = *events;
	return spool;
}

static void
forget(struct entry *entry)
{
	if (!entry->held)
		return;
	envelope_close(&entry->held->message.envelope);
	free(entry->held);
	entry->held = NULL;
}

void
fake_spool_close(struct spool **spool)
{
	for (size_t i = 0; i < (*spool)->entry_count; i++) {
		struct entry *entry = (*spool)->entries[i];

		forget(entry);
		buffer_close(&entry->encoded);
		free(entry->outcomes);
		free(entry->durable);
		free(entry->reasons);
		free(entry);
	}
	free((*spool)->entries);
	free((*spool)->records);
	free((*spool)->promises);
	free(*spool);
	*spool = NULL;
}

static void
appear(struct spool *spool, struct entry *entry, bool is_replayed)
{
	struct held *held = calloc(1, sizeof(*held));
	struct message *message = &held->message;

	assert(held);
	held->entry = entry;
	message->id = entry->id;
	message->outcomes = entry->outcomes;
	message->content_length = entry->content.length;
	message->is_replayed = is_replayed;
	if (!envelope_decode(buffer_slice(&entry->encoded), &message->envelope))
		abort();
	entry->held = held;
	spool->events.arrived(spool->events.context, message);
}

message_id
fake_spool_accept(
    struct spool *spool, const char *const *addresses, size_t count, struct slice content)
{
	struct envelope_recipient *recipients = calloc(count, sizeof(*recipients));
	struct envelope envelope = {
	    .flags = ENVELOPE_ESMTP,
	    .reverse_path = slice_of("sender@elsewhere.test"),
	    .client = slice_of("192.0.2.1"),
	    .helo = slice_of("client.elsewhere.test"),
	    .accepted_ms = ACCEPTED_MS,
	    .recipients = recipients,
	    .recipient_count = count,
	};
	struct entry *entry;

	assert(recipients);
	for (size_t i = 0; i < count; i++)
		recipients[i].address = slice_of(addresses[i]);
	spool->entries = grow(spool->entries, spool->entry_count, sizeof(entry));
	entry = calloc(1, sizeof(*entry));
	assert(entry);
	spool->entries[spool->entry_count++] = entry;
	*entry = (struct entry){.id = GENERATION | spool->entry_count,
	    .content = content,
	    .recipients = count,
	    .outcomes = calloc(count, 1),
	    .durable = calloc(count, 1),
	    .reasons = calloc(count, sizeof(*entry->reasons))};
	if (!envelope_encode(&envelope, &entry->encoded))
		abort();
	free(recipients);
	appear(spool, entry, false);
	return entry->id;
}

static struct entry *
entry_of(const struct spool *spool, message_id id)
{
	assert((id & ~GENERATION) <= spool->entry_count);
	return spool->entries[(id & ~GENERATION) - 1];
}

static void
journal(struct spool *spool, struct entry *entry, uint32_t recipient, enum outcome outcome)
{
	/* A settled recipient is settled: the deliverer must not touch it again. */
	assert(entry->outcomes[recipient] != OUTCOME_DELIVERED);
	entry->outcomes[recipient] = (uint8_t)outcome;
	spool->records = grow(spool->records, spool->record_count, sizeof(*spool->records));
	spool->records[spool->record_count++] = (struct record){entry, recipient, outcome};
}

static void
persist(struct spool *spool, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct record *record = &spool->records[i];

		record->entry->durable[record->recipient] = (uint8_t)record->outcome;
	}
	spool->record_count = 0;
}

void
fake_spool_sync(struct spool *spool)
{
	struct promise *promises = spool->promises;
	size_t count = spool->promise_count;

	persist(spool, spool->record_count);
	spool->promises = NULL;
	spool->promise_count = 0;
	for (size_t i = 0; i < count; i++)
		spool->events.prepared(spool->events.context, promises[i].cookie, true);
	free(promises);
}

size_t
fake_spool_unsynced(const struct spool *spool)
{
	return spool->record_count;
}

void
fake_spool_crash(struct spool *spool, size_t survivors)
{
	persist(spool, survivors < spool->record_count ? survivors : spool->record_count);
	spool->promise_count = 0;
	for (size_t i = 0; i < spool->entry_count; i++) {
		struct entry *entry = spool->entries[i];

		forget(entry);
		memcpy(entry->outcomes, entry->durable, entry->recipients);
	}
}

static bool
is_settled(const struct entry *entry)
{
	for (size_t i = 0; i < entry->recipients; i++)
		if (entry->outcomes[i] != OUTCOME_DELIVERED &&
		    entry->outcomes[i] != OUTCOME_BOUNCED)
			return false;
	return true;
}

void
fake_spool_replay(struct spool *spool, const struct spool_events *events)
{
	spool->events = *events;
	for (size_t i = 0; i < spool->entry_count; i++)
		if (!is_settled(spool->entries[i]))
			appear(spool, spool->entries[i], true);
}

enum outcome
fake_spool_outcome(
    const struct spool *spool, message_id id, uint32_t recipient, const char **reason_r)
{
	struct entry *entry = entry_of(spool, id);

	if (reason_r)
		*reason_r = entry->reasons[recipient];
	return (enum outcome)entry->outcomes[recipient];
}

size_t
fake_spool_prepares(const struct spool *spool)
{
	return spool->prepares;
}

/* ---- spool.h, as far as a deliverer calls it ---- */

int
spool_has(struct spool *spool, message_id id)
{
	for (size_t i = 0; i < spool->entry_count; i++)
		if (spool->entries[i]->id == id)
			return !is_settled(spool->entries[i]);
	return 0;
}

int
spool_read(
    struct spool *spool, const struct message *message, uint64_t offset, void *out, size_t length)
{
	const struct entry *entry = ((const struct held *)message)->entry;

	(void)spool;
	assert(offset + length <= entry->content.length);
	if (!entry->content.data)
		return -EBADMSG;
	memcpy(out, entry->content.data + offset, length);
	return 0;
}

void
spool_prepare(struct spool *spool, const struct spool_mark *marks, size_t count, void *cookie)
{
	assert(count > 0);
	for (size_t i = 0; i < count; i++)
		journal(spool, entry_of(spool, marks[i].message->id), marks[i].recipient,
		    OUTCOME_PREPARED);
	spool->promises = grow(spool->promises, spool->promise_count, sizeof(*spool->promises));
	spool->promises[spool->promise_count++] = (struct promise){cookie};
	spool->prepares++;
}

void
spool_settle(struct spool *spool, struct message *message, uint32_t recipient, enum outcome outcome,
    const char *reason)
{
	struct entry *entry = entry_of(spool, message->id);

	assert(&entry->held->message == message);
	assert(outcome != OUTCOME_DEFERRED || reason);
	if (reason)
		snprintf(
		    entry->reasons[recipient], sizeof(entry->reasons[recipient]), "%s", reason);
	journal(spool, entry, recipient, outcome);
	if (is_settled(entry))
		forget(entry);
}
