/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/state.h"

#include "common/disk.h"
#include "mailcore/spool/checkpoint.h"
#include "mailcore/spool/content.h"
#include "mailcore/spool/generation.h"
#include "mailcore/spool/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* -- what the log says -- */

static bool
replay_message(struct spool *spool, const struct record *record, const struct position *batch,
    struct segment *segment, uint64_t body_offset)
{
	struct record_message message;
	struct ledger_entry *entry;

	if (!record_decode_message(record->body, &message))
		return false;
	entry = ledger_add(&spool->ledger, &message, OWNER_JOURNAL);
	if (!entry)
		return false;
	entry->message.is_replayed = true;
	entry->position = *batch;
	if (message.place == RECORD_INLINE) {
		entry->segment = segment;
		entry->content_offset = body_offset + record->offset + RECORD_HEADER_BYTES +
					(uint64_t)(message.content.data - record->body.data);
	}
	return true;
}

/* What is said of messages that are not there was said before the mark moved past them. */
static bool
replay_prepared(struct spool *spool, const struct record *record)
{
	for (size_t i = 0; i < record_mark_count(record->body); i++) {
		struct ledger_entry *entry;
		message_id id;
		uint32_t recipient;

		record_decode_mark(record->body, i, &id, &recipient);
		entry = ledger_find(&spool->ledger, id);
		if (entry)
			ledger_note(entry, recipient, OUTCOME_PREPARED, (struct slice){0});
	}
	return record->body.length % RECORD_MARK_BYTES == 0;
}

static bool
replay_outcome(struct spool *spool, const struct record *record)
{
	struct record_outcome outcome;
	struct ledger_entry *entry;

	if (!record_decode_outcome(record->body, &outcome))
		return false;
	entry = ledger_find(&spool->ledger, outcome.id);
	if (!entry)
		return true;
	if (!ledger_note(entry, outcome.recipient, outcome.outcome, outcome.reason))
		return false;
	if (!entry->pending)
		ledger_remove(&spool->ledger, entry);
	return true;
}

static bool
replay_record(void *context, const struct record *record, const struct position *batch,
    struct segment *segment, uint64_t body_offset)
{
	struct spool *spool = context;

	switch (record->type) {
	case RECORD_MESSAGE:
		return replay_message(spool, record, batch, segment, body_offset);
	case RECORD_PREPARED:
		return replay_prepared(spool, record);
	case RECORD_OUTCOME:
		return replay_outcome(spool, record);
	}
	return false;
}

/* -- what lies beside the log -- */

static int
sweep_note(void *context, const char *name)
{
	message_id id;

	if (content_name_parse(name, &id))
		buffer_append(context, &id, sizeof(id));
	return 0;
}

/* Nothing names this file. That is what a message leaves that was never acknowledged; but where
 * damage was found it may be the content of a record that is lost. */
static int
orphan_put_away(struct spool *spool, message_id id, size_t *kept)
{
	char from[SEGMENT_PATH_MAX], to[SEGMENT_PATH_MAX];

	content_staging_path(spool->directory, id, from);
	if (!spool->is_degraded)
		return disk_unlink(from);
	content_quarantine_path(spool->directory, id, to);
	++*kept;
	return disk_rename(from, to);
}

static void
orphans_report(struct spool *spool, size_t kept)
{
	char path[SEGMENT_PATH_MAX], reason[256];
	int result;

	if (!kept)
		return;
	snprintf(path, sizeof(path), "%s/quarantine", spool->directory);
	result = disk_sync_directory(path);
	snprintf(reason, sizeof(reason),
	    "spool: %zu files that no record names were put aside as quarantine/content-*%s%s; "
	    "damaged records may have named them",
	    kept, result < 0 ? ", which cannot be synced: " : "",
	    result < 0 ? strerror(-result) : "");
	spool_degrade(spool, reason);
}

/* Put away the files in staging/ that no message names. */
static int
staging_sweep(struct spool *spool, struct checkpoint *checkpoint)
{
	struct buffer ids = {0};
	char path[SEGMENT_PATH_MAX];
	size_t kept = 0;
	int result;

	snprintf(path, sizeof(path), "%s/staging", spool->directory);
	result = disk_list(path, sweep_note, &ids);
	for (size_t at = 0; result == 0 && at < ids.length; at += sizeof(message_id)) {
		const struct ledger_entry *entry;
		message_id id;
		int has;

		memcpy(&id, ids.data + at, sizeof(id));
		entry = ledger_find(&spool->ledger, id);
		if (entry && entry->place == RECORD_FILE)
			continue;
		has = checkpoint_has(checkpoint, id);
		if (has == 0)
			has = orphan_put_away(spool, id, &kept);
		result = has < 0 ? has : 0;
	}
	buffer_close(&ids);
	orphans_report(spool, kept);
	return result;
}

/* A message whose file is gone cannot be delivered: say so and forget it. */
static void
files_check(struct spool *spool)
{
	struct ledger_entry *entry, *next;
	char reason[128], text[MESSAGE_ID_TEXT];

	for (entry = spool->ledger.journal.first; entry; entry = next) {
		int fd;

		next = entry->after;
		if (entry->place != RECORD_FILE)
			continue;
		fd = content_file_open(spool->directory, entry->message.id);
		if (fd >= 0)
			disk_close(fd);
		if (fd != -ENOENT)
			continue;
		snprintf(reason, sizeof(reason),
		    "spool: the content of message %s is gone from staging/",
		    message_id_text(entry->message.id, text));
		spool_degrade(spool, reason);
		ledger_remove(&spool->ledger, entry);
	}
}

/* Without a spare: what lies outside of the log, between the mark and its end, becomes one. */
static int
spares_find(const struct spool *spool, struct replay_files *files, const struct position *mark,
    const struct position *end)
{
	char from[SEGMENT_PATH_MAX], to[SEGMENT_PATH_MAX];
	int result = 0;

	if (files->spare_count || !files->segment_count)
		return 0;
	free(files->spares);
	files->spares = calloc(files->segment_count, sizeof(*files->spares));
	if (!files->spares)
		abort();
	for (size_t i = 0; result == 0 && i < files->segment_count; i++) {
		uint64_t sequence = files->segments[i]->header.sequence;

		if ((sequence >= mark->segment && sequence <= end->segment) ||
		    files->segments[i]->header.size != spool->settings.segment_bytes)
			continue;
		segment_path(spool->directory, "segment", sequence, from);
		segment_path(spool->directory, "spare", sequence, to);
		segment_close(&files->segments[i]);
		result = disk_rename(from, to);
		files->spares[files->spare_count++] = sequence;
	}
	snprintf(from, sizeof(from), "%.400s/journal", spool->directory);
	return result == 0 && files->spare_count ? disk_sync_directory(from) : result;
}

/* -- the new life -- */

static void
promote_loaded(void *context, struct ledger_entry *entry)
{
	struct spool *spool = context;

	entry->is_visible = true;
	spool->events.arrived(spool->events.context, &entry->message);
}

static void
promote_job_done(void *context)
{
	answers_give_prepared(context);
}

static int
promote_begin(
    struct spool *spool, struct replay_files *files, const struct position *end, char error[256])
{
	struct journal_settings settings = {
	    .directory = spool->directory,
	    .segment_bytes = spool->settings.segment_bytes,
	    .reserve_bytes = spool->settings.reserve_bytes,
	    .generation = spool->generation,
	    .prior = *end,
	    .next_number = files->next_number,
	};
	struct journal_events events = {spool, answers_durable, spool_fail};
	int result = journal_open(
	    &settings, &events, spool->syncer, files->spares, files->spare_count, &spool->journal);

	if (result < 0) {
		snprintf(error, 256, "spool: cannot begin a journal segment in %.150s: %s",
		    spool->directory, strerror(-result));
		return result;
	}
	for (size_t i = 0; i < files->segment_count; i++) {
		if (!files->segments[i])
			continue;
		journal_keep(spool->journal, files->segments[i]);
		files->segments[i] = NULL;
	}
	return 0;
}

/* Every segment says in its header of which generation it is; the file may be damaged. */
static int
promote_raise(struct spool *spool, uint64_t at_least, char error[256])
{
	int result = generation_raise(spool->directory, at_least, &spool->generation);

	if (result < 0)
		snprintf(error, 256, "spool: cannot raise the generation in %.150s: %s",
		    spool->directory, strerror(-result));
	if (result == 1)
		spool_degrade(spool,
		    "spool: the file generation held no number: counted on from the journal");
	if (result >= 0 && spool->events.raised)
		spool->events.raised(spool->events.context, spool->generation);
	return result < 0 ? result : 0;
}

int
promote_run(struct spool *spool, const char *vfs, char error[256])
{
	struct replay_events events = {spool, replay_record, spool_degrade};
	struct queue_events queue_events = {
	    spool, promote_loaded, promote_job_done, spool_fail, spool_degrade};
	struct checkpoint *checkpoint = NULL;
	struct replay_files files;
	struct position mark, end;
	int result = replay_scan(spool->directory, &events, &files, error);

	if (result == 0)
		result = promote_raise(spool, files.generation, error);
	if (result == 0)
		result = checkpoint_open(spool->directory, vfs, &checkpoint, error);
	if (result == 0) {
		mark = checkpoint_mark(checkpoint);
		replay_read(spool->directory, &files, &mark, &events, &end);
		files_check(spool);
		result = staging_sweep(spool, checkpoint);
		if (result < 0)
			snprintf(error, 256, "spool: cannot sweep %.150s/staging: %s",
			    spool->directory, strerror(-result));
	}
	if (result == 0) {
		result = spares_find(spool, &files, &mark, &end);
		if (result < 0)
			snprintf(error, 256, "spool: cannot recycle segments in %.150s: %s",
			    spool->directory, strerror(-result));
	}
	if (result == 0)
		result = promote_begin(spool, &files, &end, error);
	replay_files_close(&files);
	if (result < 0) {
		checkpoint_close(&checkpoint);
		return result;
	}
	spool->queue = queue_open(spool->directory, spool->settings.checkpoint_after_ms, checkpoint,
	    &spool->ledger, spool->journal, spool->syncer, &queue_events);
	return 0;
}

void
promote_announce(struct spool *spool)
{
	struct ledger_entry *last = spool->ledger.journal.last;
	struct ledger_entry *entry = spool->ledger.journal.first, *next;

	for (; entry; entry = next) {
		/* Nobody knows of it yet, so it stays whatever the callback does. */
		next = entry == last ? NULL : entry->after;
		entry->is_visible = true;
		spool->events.arrived(spool->events.context, &entry->message);
	}
}
