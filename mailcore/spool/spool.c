/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/spool.h"

#include "common/crc32c.h"
#include "common/disk.h"
#include "common/log.h"
#include "mailcore/spool/bytes.h"
#include "mailcore/spool/checkpoint.h"
#include "mailcore/spool/content.h"
#include "mailcore/spool/generation.h"
#include "mailcore/spool/inside.h"
#include "mailcore/spool/journal.h"
#include "mailcore/spool/ledger.h"
#include "mailcore/spool/queue.h"
#include "mailcore/spool/replay.h"
#include "mailcore/spool/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Content up to this rides in the record. */
#define INLINE_MAX (256u * 1024u)

/* What a spool_commit() is owed, in the order of the calls. */
struct commit_answer {
	uint64_t batch; /* that must be durable first */
	void *cookie;
	struct ledger_entry *entry; /* NULL: refused */
	enum commit_verdict verdict;
};

/* What a spool_prepare() is owed. */
struct prepare_answer {
	struct prepare_answer *next;
	uint64_t batch, job; /* that must be durable first; 0: none */
	void *cookie;
};

/* A file to be removed when the batch with the last outcome is durable. */
struct removal {
	uint64_t batch;
	message_id id;
};

struct removal_task {
	struct task task;
	struct spool *spool;
	size_t count;
	message_id ids[];
};

struct spool {
	char *directory;
	struct spool_settings settings;
	struct spool_events events;
	struct syncer *syncer;
	struct journal *journal;
	struct queue *queue;
	struct ledger ledger;
	uint64_t generation;
	uint64_t next_number; /* of an id */
	uint64_t now_ms;
	bool has_failed;
	char failure[256];
	bool failure_is_told;
	struct buffer answers; /* struct commit_answer[] */
	size_t answers_given;  /* bytes at its front */
	struct prepare_answer *prepares, **prepares_last;
	struct buffer removals; /* struct removal[] */
	struct buffer encoding; /* scratch */
};

static void
spool_fail(void *context, const char *reason)
{
	struct spool *spool = context;

	if (spool->has_failed)
		return;
	spool->has_failed = true;
	snprintf(spool->failure, sizeof(spool->failure), "%s", reason);
	/* Told by the next dispatch: never from inside a call. */
	syncer_wake(spool->syncer);
}

static void
spool_degrade(void *context, const char *reason)
{
	struct spool *spool = context;

	spool->events.degraded(spool->events.context, reason);
}

static message_id
spool_next_id(struct spool *spool)
{
	return spool->generation << 40 | spool->next_number++;
}

/* -- answers -- */

static struct commit_answer *
answers_first(struct spool *spool)
{
	if (spool->answers_given == spool->answers.length)
		return NULL;
	return (struct commit_answer *)(void *)(spool->answers.data + spool->answers_given);
}

static void
answer_owe(struct spool *spool, void *cookie, struct ledger_entry *entry, uint64_t batch,
    enum commit_verdict verdict)
{
	struct commit_answer answer = {batch, cookie, entry, verdict};

	if (spool->answers_given == spool->answers.length)
		spool->answers_given = spool->answers.length = 0;
	buffer_append(&spool->answers, &answer, sizeof(answer));
	if (!entry)
		syncer_wake(spool->syncer);
}

static void
answers_give(struct spool *spool)
{
	const struct spool_events *events = &spool->events;
	struct commit_answer *first;

	while ((first = answers_first(spool))) {
		struct commit_answer answer = *first;

		if (spool->has_failed) {
			if (answer.entry)
				ledger_remove(&spool->ledger, answer.entry);
			answer.entry = NULL;
			answer.verdict = COMMIT_TRY_LATER;
		} else if (answer.batch > journal_durable(spool->journal)) {
			break;
		}
		spool->answers_given += sizeof(answer);
		events->committed(events->context, answer.cookie,
		    answer.entry ? answer.entry->message.id : 0, answer.verdict);
		if (answer.entry) {
			answer.entry->is_visible = true;
			events->arrived(events->context, &answer.entry->message);
		}
	}
	/* Answers that wait behind given ones move to the front now and then. */
	if (spool->answers_given > spool->answers.length / 2) {
		buffer_consume(&spool->answers, spool->answers_given);
		spool->answers_given = 0;
	}
}

static bool
prepare_is_due(const struct spool *spool, const struct prepare_answer *answer)
{
	return spool->has_failed || (answer->batch <= journal_durable(spool->journal) &&
					answer->job <= queue_done(spool->queue));
}

static void
prepares_give(struct spool *spool)
{
	struct prepare_answer *due = NULL, **due_last = &due, **at = &spool->prepares;

	while (*at) {
		struct prepare_answer *answer = *at;

		if (!prepare_is_due(spool, answer)) {
			at = &answer->next;
			continue;
		}
		*at = answer->next;
		answer->next = NULL;
		*due_last = answer;
		due_last = &answer->next;
	}
	spool->prepares_last = at;
	while (due) {
		struct prepare_answer *answer = due;

		due = answer->next;
		spool->events.prepared(spool->events.context, answer->cookie, !spool->has_failed);
		free(answer);
	}
}

/* -- files of messages that ended -- */

static void
removal_run(struct task *task)
{
	struct removal_task *removal = (struct removal_task *)task;
	char path[SEGMENT_PATH_MAX];

	/* What cannot be removed now is swept at the next replay. */
	for (size_t i = 0; i < removal->count; i++) {
		content_staging_path(removal->spool->directory, removal->ids[i], path);
		disk_unlink(path);
	}
}

static void
removal_done(struct task *task)
{
	free(task);
}

static void
removals_start(struct spool *spool)
{
	const struct removal *removals = (const void *)spool->removals.data;
	size_t count = 0, most = spool->removals.length / sizeof(struct removal);
	struct removal_task *task;

	while (count < most && removals[count].batch <= journal_durable(spool->journal))
		count++;
	if (!count)
		return;
	task = calloc(1, sizeof(*task) + count * sizeof(task->ids[0]));
	if (!task)
		abort();
	task->spool = spool;
	task->count = count;
	for (size_t i = 0; i < count; i++)
		task->ids[i] = removals[i].id;
	buffer_consume(&spool->removals, count * sizeof(struct removal));
	task->task.run = removal_run;
	task->task.done = task->task.drop = removal_done;
	syncer_submit(spool->syncer, LANE_FILES, &task->task);
}

/* -- events of the parts -- */

static void
spool_durable(void *context, uint64_t batch, struct segment *segment, uint64_t offset)
{
	struct spool *spool = context;
	struct position position = {segment->header.sequence, offset, batch};

	for (size_t at = spool->answers_given; at < spool->answers.length;
	     at += sizeof(struct commit_answer)) {
		struct commit_answer *answer = (void *)(spool->answers.data + at);

		if (answer->batch > batch)
			break;
		if (!answer->entry || answer->entry->position.segment)
			continue;
		answer->entry->position = position;
		answer->entry->arrived_ms = spool->now_ms;
		if (answer->entry->place == RECORD_INLINE) {
			answer->entry->segment = segment;
			answer->entry->content_offset += offset;
		}
	}
	answers_give(spool);
}

static void
spool_loaded(void *context, struct ledger_entry *entry)
{
	struct spool *spool = context;

	entry->is_visible = true;
	spool->events.arrived(spool->events.context, &entry->message);
}

static void
spool_job_done(void *context)
{
	prepares_give(context);
}

/* -- replay -- */

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

static int
sweep_note(void *context, const char *name)
{
	message_id id;

	if (content_name_parse(name, &id))
		buffer_append(context, &id, sizeof(id));
	return 0;
}

/* Drop the files in staging/ that no message names. */
static int
staging_sweep(struct spool *spool, struct checkpoint *checkpoint)
{
	struct buffer ids = {0};
	char path[SEGMENT_PATH_MAX];
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
		if (has == 0) {
			content_staging_path(spool->directory, id, path);
			has = disk_unlink(path);
		}
		result = has < 0 ? has : 0;
	}
	buffer_close(&ids);
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

static int
spool_begin(
    struct spool *spool, struct replay_files *files, const struct position *end, char error[256])
{
	struct journal_settings settings = {
	    .directory = spool->directory,
	    .segment_bytes = spool->settings.segment_bytes,
	    .reserve_bytes = spool->settings.reserve_bytes,
	    .generation = spool->generation,
	    .prior = *end,
	    .next_sequence = files->next_sequence,
	    .next_number = files->next_number,
	};
	struct journal_events events = {spool, spool_durable, spool_fail};
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

static int
spool_replay(struct spool *spool, const char *vfs, char error[256])
{
	struct replay_events events = {spool, replay_record, spool_degrade};
	struct queue_events queue_events = {
	    spool, spool_loaded, spool_job_done, spool_fail, spool_degrade};
	struct checkpoint *checkpoint = NULL;
	struct replay_files files;
	struct position mark, end;
	int result = replay_scan(spool->directory, &events, &files, error);

	if (result == 0) {
		result = generation_raise(spool->directory, files.generation, &spool->generation);
		if (result < 0)
			snprintf(error, 256, "spool: cannot raise the generation in %.150s: %s",
			    spool->directory, strerror(-result));
	}
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
		result = spool_begin(spool, &files, &end, error);
	replay_files_close(&files);
	if (result < 0) {
		checkpoint_close(&checkpoint);
		return result;
	}
	spool->queue = queue_open(spool->directory, spool->settings.checkpoint_after_ms, checkpoint,
	    &spool->ledger, spool->journal, spool->syncer, &queue_events);
	return 0;
}

static void
spool_free(struct spool **spool_p)
{
	struct spool *spool = *spool_p;

	*spool_p = NULL;
	syncer_close(&spool->syncer);
	if (spool->queue)
		queue_close(&spool->queue);
	journal_close(&spool->journal);
	ledger_close(&spool->ledger);
	while (spool->prepares) {
		struct prepare_answer *answer = spool->prepares;

		spool->prepares = answer->next;
		free(answer);
	}
	buffer_close(&spool->answers);
	buffer_close(&spool->removals);
	buffer_close(&spool->encoding);
	free(spool->directory);
	free(spool);
}

/* Tell of every message that replay found; the callback may settle it at once. */
static void
spool_announce(struct spool *spool)
{
	struct ledger_entry *entry, *last = spool->ledger.journal.last;
	bool more = last != NULL;

	while (more && (entry = spool->ledger.journal.first)) {
		struct ledger_entry *next = entry;

		while (next && next->is_visible)
			next = next->after;
		if (!next)
			return;
		more = next != last;
		next->is_visible = true;
		spool->events.arrived(spool->events.context, &next->message);
	}
}

int
spool_open_inside(const struct spool_settings *settings, const struct spool_events *events,
    enum syncer_kind kind, const char *vfs, struct spool **spool_r, char error[256])
{
	struct spool *spool = calloc(1, sizeof(*spool));
	int result;

	if (!spool || !(spool->directory = strdup(settings->directory)))
		abort();
	error[0] = '\0';
	spool->settings = *settings;
	spool->settings.directory = spool->directory;
	spool->events = *events;
	spool->next_number = 1;
	spool->prepares_last = &spool->prepares;
	ledger_open(&spool->ledger);
	result = syncer_open(kind, &spool->syncer);
	if (result < 0)
		snprintf(error, 256, "spool: cannot start threads: %s", strerror(-result));
	if (result == 0)
		result = spool_replay(spool, vfs, error);
	if (result < 0) {
		spool_free(&spool);
		*spool_r = NULL;
		return result;
	}
	*spool_r = spool;
	spool_announce(spool);
	result = queue_load_first(spool->queue);
	if (result < 0) {
		snprintf(error, 256, "spool: cannot read the queue file in %.150s: %s",
		    spool->directory, strerror(-result));
		spool_free(spool_r);
	}
	return result;
}

int
spool_open(const struct spool_settings *settings, const struct spool_events *events,
    struct spool **spool_r, char error[256])
{
	return spool_open_inside(settings, events, SYNCER_THREADS, NULL, spool_r, error);
}

/* -- running -- */

uint64_t
spool_generation(const struct spool *spool)
{
	return spool->generation;
}

uint64_t
spool_queued(const struct spool *spool)
{
	return spool->ledger.count + queue_unloaded(spool->queue) - queue_ending(spool->queue);
}

uint64_t
spool_commit_us(const struct spool *spool)
{
	return journal_commit_us(spool->journal);
}

int
spool_descriptor(const struct spool *spool)
{
	return syncer_descriptor(spool->syncer);
}

/* All that is owed after something has happened. */
static void
spool_settle_debts(struct spool *spool)
{
	if (spool->has_failed && !spool->failure_is_told) {
		spool->failure_is_told = true;
		spool->events.failed(spool->events.context, spool->failure);
	}
	answers_give(spool);
	prepares_give(spool);
	if (spool->has_failed)
		return;
	for (const struct prepare_answer *answer = spool->prepares; answer; answer = answer->next)
		if (answer->job > queue_done(spool->queue)) {
			queue_hurry(spool->queue);
			break;
		}
	removals_start(spool);
}

void
spool_dispatch(struct spool *spool)
{
	syncer_dispatch(spool->syncer);
	spool_settle_debts(spool);
	if (!spool->has_failed)
		journal_flush(spool->journal);
}

void
spool_tick(struct spool *spool, uint64_t now_ms)
{
	spool->now_ms = now_ms;
	if (spool->has_failed)
		return;
	journal_tick(spool->journal);
	queue_tick(spool->queue, now_ms, journal_room(spool->journal, 0) == ROOM_FULL);
}

/* Write all that was said. */
static void
spool_drain(struct spool *spool)
{
	while (!spool->has_failed && !(journal_is_idle(spool->journal) && !answers_first(spool))) {
		journal_hurry(spool->journal);
		spool_dispatch(spool);
		if (spool->has_failed || journal_is_stuck(spool->journal))
			return;
		if (!journal_is_idle(spool->journal))
			syncer_wait(spool->syncer);
	}
	while (!spool->has_failed && (queue_is_busy(spool->queue) || queue_finish(spool->queue))) {
		syncer_wait(spool->syncer);
		spool_dispatch(spool);
		if (!queue_is_busy(spool->queue) && queue_result(spool->queue) < 0)
			return;
	}
}

int
spool_close(struct spool **spool_p)
{
	struct spool *spool = *spool_p;
	int result;

	if (!spool)
		return 0;
	spool_drain(spool);
	/* Answers that are left, if it failed. */
	spool_settle_debts(spool);
	result = queue_result(spool->queue);
	if (spool->has_failed)
		result = -EIO;
	else if (!journal_is_idle(spool->journal))
		result = -ENOSPC;
	spool_free(spool_p);
	return result;
}

/* -- commit -- */

static void
spool_refuse(struct spool *spool, void *cookie, enum commit_verdict verdict)
{
	answer_owe(spool, cookie, NULL, 0, verdict);
}

static uint64_t
inline_max(const struct spool *spool)
{
	uint64_t most = spool->settings.segment_bytes / 16;

	return most < INLINE_MAX ? most : INLINE_MAX;
}

/* May it be taken? COMMIT_DURABLE: yes. */
static enum commit_verdict
commit_judge(struct spool *spool, size_t record_length)
{
	static const enum commit_verdict verdicts[] = {
	    [ROOM_YES] = COMMIT_DURABLE,
	    [ROOM_LATER] = COMMIT_TRY_LATER,
	    [ROOM_FULL] = COMMIT_SYSTEM_FULL,
	};

	if (spool->has_failed)
		return COMMIT_TRY_LATER;
	if (record_length > journal_record_max(spool->journal))
		return COMMIT_REFUSED;
	return verdicts[journal_room(spool->journal, record_length)];
}

static const uint8_t *
content_checks(struct spool *spool, struct slice content)
{
	spool->encoding.length = 0;
	for (size_t at = 0; at < content.length; at += RECORD_BLOCK) {
		size_t left = content.length - at;

		put_u32(buffer_extend(&spool->encoding, 4),
		    crc32c(0, content.data + at, left < RECORD_BLOCK ? left : RECORD_BLOCK));
	}
	return spool->encoding.data;
}

/* What does not ride in the record goes to its file. */
static int
commit_stage(struct spool *spool, struct slice content, struct spool_stage **stage)
{
	int result = 0;

	if (!*stage && content.length > inline_max(spool))
		result = stage_open(spool->directory, spool_next_id(spool), stage);
	if (result == 0 && *stage && content.length)
		result = stage_append(*stage, content);
	return result;
}

void
spool_commit(struct spool *spool, struct slice envelope, struct slice content,
    struct spool_stage **staged, void *cookie)
{
	struct spool_stage *stage = staged ? *staged : NULL;
	struct record_message message = {.envelope = envelope};
	struct ledger_entry *entry = NULL;
	enum commit_verdict verdict;
	int result;

	if (staged)
		*staged = NULL;
	result = commit_stage(spool, content, &stage);
	if (stage) {
		message.id = stage->id;
		message.place = RECORD_FILE;
		message.content_length = stage->length;
		message.checks = stage_checks(stage);
	} else {
		message.id = spool_next_id(spool);
		message.content_length = content.length;
		message.content = content;
		message.checks = content_checks(spool, content);
	}
	verdict = commit_judge(spool, record_message_room(&message));
	if (result < 0)
		verdict =
		    result == -ENOSPC || result == -EDQUOT ? COMMIT_SYSTEM_FULL : COMMIT_TRY_LATER;
	if (verdict == COMMIT_DURABLE) {
		entry = ledger_add(&spool->ledger, &message, OWNER_JOURNAL);
		if (!entry)
			verdict = COMMIT_REFUSED;
	}
	if (!entry) {
		stage_drop(&stage);
		spool_refuse(spool, cookie, verdict);
		return;
	}
	entry->content_offset = record_append_message(journal_body(spool->journal), &message);
	if (stage)
		journal_sync_before(spool->journal, stage_release(&stage));
	answer_owe(spool, cookie, entry, journal_appended(spool->journal, true), COMMIT_DURABLE);
}

int
spool_stage_open(struct spool *spool, struct spool_stage **stage_r)
{
	enum commit_verdict verdict = commit_judge(spool, 0);

	*stage_r = NULL;
	if (verdict != COMMIT_DURABLE)
		return verdict == COMMIT_SYSTEM_FULL ? -ENOSPC : -EAGAIN;
	return stage_open(spool->directory, spool_next_id(spool), stage_r);
}

int
spool_stage_append(struct spool_stage *stage, struct slice bytes)
{
	return stage_append(stage, bytes);
}

void
spool_stage_drop(struct spool_stage **stage)
{
	stage_drop(stage);
}

/* -- delivery -- */

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
	struct prepare_answer *answer = calloc(1, sizeof(*answer));
	uint64_t *ids = calloc(count + 1, sizeof(*ids));
	uint32_t *recipients = calloc(count + 1, sizeof(*recipients));
	size_t journaled = 0;

	if (!answer || !ids || !recipients)
		abort();
	answer->cookie = cookie;
	for (size_t i = 0; i < count; i++) {
		struct ledger_entry *entry = ledger_entry_of(marks[i].message);

		if (!ledger_note(entry, marks[i].recipient, OUTCOME_PREPARED, (struct slice){0}))
			continue;
		if (entry->owner == OWNER_JOURNAL) {
			ids[journaled] = entry->message.id;
			recipients[journaled++] = marks[i].recipient;
		} else {
			answer->job = queue_said(spool->queue, entry);
		}
	}
	if (journaled && !spool->has_failed) {
		record_append_prepared(journal_body(spool->journal), ids, recipients, journaled);
		answer->batch = journal_appended(spool->journal, true);
	}
	*spool->prepares_last = answer;
	spool->prepares_last = &answer->next;
	free(ids);
	free(recipients);
	syncer_wake(spool->syncer);
}

void
spool_settle(struct spool *spool, struct message *message, uint32_t recipient, enum outcome outcome,
    const char *reason)
{
	struct ledger_entry *entry = ledger_entry_of(message);
	struct record_outcome record = {message->id, recipient, (uint8_t)outcome, slice_of(reason)};
	struct removal removal = {.id = message->id};

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
		removal.batch = journal_appended(spool->journal, false);
	}
	if (entry->pending)
		return;
	if (entry->place == RECORD_FILE && !spool->has_failed)
		buffer_append(&spool->removals, &removal, sizeof(removal));
	ledger_remove(&spool->ledger, entry);
}
