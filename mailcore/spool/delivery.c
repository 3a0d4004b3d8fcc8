/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/state.h"

#include "mailcore/spool/content.h"

#include <stdlib.h>

int
spool_read(
    struct spool *spool, const struct message *message, uint64_t offset, void *out, size_t length)
{
	const struct ledger_entry *entry = ledger_entry_of(message);
	struct content content = {
	    .directory = spool->directory,
	    .id = message->id,
	    .length = message->content_length,
	    .checks = entry->checks,
	};
	struct segment *segment;
	int result;

	/* A checkpoint may take the message over meanwhile: hold the segment until we are done. */
	queue_lock(spool->queue);
	segment = entry->segment;
	content.segment = segment;
	content.offset = entry->content_offset;
	if (segment)
		atomic_fetch_add(&segment->readers, 1);
	queue_unlock(spool->queue);
	result = content_read(&content, offset, out, length);
	if (segment)
		atomic_fetch_sub(&segment->readers, 1);
	return result;
}

void
spool_prepare(struct spool *spool, const struct spool_mark *marks, size_t count, void *cookie)
{
	uint64_t *ids = calloc(count + 1, sizeof(*ids));
	uint32_t *recipients = calloc(count + 1, sizeof(*recipients));
	uint64_t batch = 0, job = 0;
	size_t journaled = 0;

	if (!ids || !recipients)
		abort();
	for (size_t i = 0; i < count; i++) {
		struct ledger_entry *entry = ledger_entry_of(marks[i].message);

		if (!ledger_note(entry, marks[i].recipient, OUTCOME_PREPARED, (struct slice){0}))
			continue;
		if (entry->owner == OWNER_JOURNAL) {
			ids[journaled] = entry->message.id;
			recipients[journaled++] = marks[i].recipient;
		} else {
			job = queue_said(spool->queue, entry);
		}
	}
	if (journaled && !spool->has_failed) {
		record_append_prepared(journal_body(spool->journal), ids, recipients, journaled);
		batch = journal_appended(spool->journal, true);
	}
	answers_owe_prepare(spool, cookie, batch, job);
	free(ids);
	free(recipients);
}

void
spool_settle(struct spool *spool, struct message *message, uint32_t recipient, enum outcome outcome,
    const char *reason)
{
	struct ledger_entry *entry = ledger_entry_of(message);
	struct record_outcome record = {message->id, recipient, (uint8_t)outcome, slice_of(reason)};
	uint64_t batch = 0;

	if (record.reason.length > LEDGER_REASON_MAX)
		record.reason.length = LEDGER_REASON_MAX;
	if (!ledger_note(entry, recipient, (uint8_t)outcome, record.reason))
		return;
	if (entry->owner != OWNER_JOURNAL) {
		queue_said(spool->queue, entry);
		return;
	}
	if (!spool->has_failed) {
		record_append_outcome(journal_body(spool->journal), &record);
		batch = journal_appended(spool->journal, false);
	}
	if (entry->pending)
		return;
	if (entry->place == RECORD_FILE && !spool->has_failed)
		removal_add(spool, batch, entry->message.id);
	ledger_remove(&spool->ledger, entry);
}
