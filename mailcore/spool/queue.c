/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Bound what one transaction takes over, and what one tick brings in. */
#define JOB_ENTRIES_MAX 1000u
#define PAGE_ROWS 1000u
#define BODY_BLOCK 4096u
/* More segments than this: messages are taken over without waiting for their time. */
#define SEGMENTS_PRESSED 16u
/* A replay reads from the mark on, and a takeover waits for it: the mark follows what is settled
 * at this distance, or at once when a whole segment is, but no more often than this. */
#define MARK_BEHIND_BYTES (4u * 1024u * 1024u)
#define MARK_PAUSE_MS 1000u

/* What a job may take over. */
struct allowance {
	uint64_t before_ms; /* what arrived until then */
	uint64_t bytes;     /* that its bodies may use */
};

struct job {
	struct task task;
	struct queue *queue;
	struct checkpoint_job work;
	struct ledger_entry **entries; /* of work.entries */
	struct buffer bytes;           /* copies of what the loop may change meanwhile */
	bool is_running;
	int result;
};

/* A row that a page brought, with its bytes behind it. */
struct row_copy {
	struct row_copy *next;
	struct checkpoint_row row;
};

struct page {
	struct task task;
	struct queue *queue;
	message_id after;
	struct row_copy *first, **last;
	bool is_running;
	bool is_finished;
	int result;
};

struct queue {
	const char *directory;
	uint32_t after_ms;
	struct checkpoint *checkpoint;
	struct ledger *ledger;
	struct journal *journal;
	struct syncer *syncer;
	struct queue_events events;
	struct job job;
	struct page page;
	struct position mark; /* of the last job */
	uint64_t started, done;
	uint64_t unloaded, ending;
	uint64_t begun_ms, last_ms, now_ms; /* the first tick, the last job, the last tick */
	pthread_mutex_t lock;
};

struct queue *
queue_open(const char *directory, uint32_t after_ms, struct checkpoint *checkpoint,
    struct ledger *ledger, struct journal *journal, struct syncer *syncer,
    const struct queue_events *events)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		abort();
	queue->directory = directory;
	queue->after_ms = after_ms;
	queue->checkpoint = checkpoint;
	queue->ledger = ledger;
	queue->journal = journal;
	queue->syncer = syncer;
	queue->events = *events;
	queue->mark = checkpoint_mark(checkpoint);
	queue->unloaded = checkpoint_count(checkpoint);
	queue->job.queue = queue->page.queue = queue;
	pthread_mutex_init(&queue->lock, NULL);
	return queue;
}

static void *
copy_slice(void *at, struct slice *s)
{
	if (s->length)
		memcpy(at, s->data, s->length);
	s->data = s->data ? at : NULL;
	return (uint8_t *)at + s->length;
}

static void
page_note_row(void *context, const struct checkpoint_row *row)
{
	struct page *page = context;
	struct slice checks = {row->message.checks, 4 * record_blocks(row->message.content_length)};
	struct row_copy *copy =
	    malloc(sizeof(*copy) + checks.length + row->message.envelope.length +
		   row->outcomes.length + row->reason.length);
	void *at = copy + 1;

	if (!copy)
		abort();
	copy->next = NULL;
	copy->row = *row;
	at = copy_slice(at, &checks);
	copy->row.message.checks = checks.data;
	at = copy_slice(at, &copy->row.message.envelope);
	at = copy_slice(at, &copy->row.outcomes);
	copy_slice(at, &copy->row.reason);
	*page->last = copy;
	page->last = &copy->next;
}

static void
page_run(struct task *task)
{
	struct page *page = (struct page *)task;

	page->last = &page->first;
	page->result =
	    checkpoint_load(page->queue->checkpoint, page->after, PAGE_ROWS, page_note_row, page);
}

static void
row_load(struct queue *queue, const struct checkpoint_row *row)
{
	struct ledger_entry *entry =
	    row->is_whole ? ledger_add(queue->ledger, &row->message, OWNER_QUEUE) : NULL;
	char reason[128], text[MESSAGE_ID_TEXT];

	if (!entry || row->outcomes.length != entry->message.envelope.recipient_count) {
		snprintf(reason, sizeof(reason), "spool: message %s in the queue file is damaged",
		    message_id_text(row->message.id, text));
		if (entry)
			ledger_remove(queue->ledger, entry);
		queue->events.degraded(queue->events.context, reason);
		return;
	}
	for (uint32_t i = 0; i < row->outcomes.length; i++)
		ledger_note(entry, i, row->outcomes.data[i], row->reason);
	entry->message.is_replayed = true;
	queue->events.loaded(queue->events.context, entry);
}

static void
page_done(struct task *task)
{
	struct page *page = (struct page *)task;
	struct queue *queue = page->queue;

	page->is_running = false;
	while (page->first) {
		struct row_copy *copy = page->first;

		page->first = copy->next;
		page->after = copy->row.message.id;
		if (queue->unloaded)
			queue->unloaded--;
		row_load(queue, &copy->row);
		free(copy);
	}
	page->is_finished = page->result >= 0 && page->result < (int)PAGE_ROWS;
	if (page->is_finished)
		queue->unloaded = 0;
	if (page->result < 0) {
		char reason[128];

		snprintf(reason, sizeof(reason), "spool: cannot read the queue file: %s",
		    strerror(-page->result));
		queue->events.failed(queue->events.context, reason);
	}
}

int
queue_load_first(struct queue *queue)
{
	page_run(&queue->page.task);
	if (queue->page.result < 0)
		return queue->page.result;
	page_done(&queue->page.task);
	return 0;
}

static void
page_start(struct queue *queue)
{
	struct page *page = &queue->page;

	if (page->is_running || page->is_finished)
		return;
	page->is_running = true;
	page->task.run = page_run;
	page->task.done = page_done;
	syncer_submit(queue->syncer, LANE_QUEUE, &page->task);
}

static void
job_run(struct task *task)
{
	struct job *job = (struct job *)task;

	job->result = checkpoint_run(job->queue->checkpoint, &job->work);
}

static void
job_clear(struct job *job)
{
	free(job->work.entries);
	free(job->entries);
	job->work.entries = NULL;
	job->entries = NULL;
	job->work.count = 0;
	job->bytes.length = 0;
}

static void
job_finish_entry(struct queue *queue, struct ledger_entry *entry, enum checkpoint_change change)
{
	switch (change) {
	case CHANGE_TAKE:
		queue_lock(queue);
		entry->segment = NULL;
		entry->place = RECORD_FILE;
		queue_unlock(queue);
		ledger_give(queue->ledger, entry, OWNER_QUEUE);
		break;
	case CHANGE_NOTE:
		break;
	case CHANGE_REMOVE:
		queue->ending--;
		ledger_remove(queue->ledger, entry);
		break;
	}
}

static void
job_done(struct task *task)
{
	struct job *job = (struct job *)task;
	struct queue *queue = job->queue;

	job->is_running = false;
	/* No space: it is tried again as it is. */
	if (job->result == -ENOSPC)
		return;
	if (job->result < 0) {
		char reason[128];

		snprintf(reason, sizeof(reason), "spool: cannot write the queue file: %s",
		    strerror(-job->result));
		queue->events.failed(queue->events.context, reason);
		return;
	}
	for (size_t i = 0; i < job->work.count; i++)
		job_finish_entry(queue, job->entries[i], job->work.entries[i].change);
	queue->mark = job->work.mark;
	queue->done = queue->started;
	job_clear(job);
	journal_recycle(queue->journal, &queue->mark);
	queue->events.done(queue->events.context);
}

static struct slice
job_copy(struct job *job, struct slice s)
{
	size_t at = job->bytes.length;

	buffer_append_slice(&job->bytes, s);
	/* An offset until all is copied; data may move. */
	return (struct slice){s.data ? (const uint8_t *)(at + 1) : NULL, s.length};
}

static struct slice
job_resolve(const struct job *job, struct slice s)
{
	if (s.data)
		s.data = job->bytes.data + ((uintptr_t)s.data - 1);
	return s;
}

static void
job_add(struct job *job, struct ledger_entry *entry, enum checkpoint_change change)
{
	struct checkpoint_entry *work = &job->work.entries[job->work.count];
	const struct message *message = &entry->message;

	job->entries[job->work.count++] = entry;
	*work = (struct checkpoint_entry){
	    .change = change,
	    .id = message->id,
	    .move.content =
		{
		    .directory = job->queue->directory,
		    .id = message->id,
		    .segment = entry->segment,
		    .offset = entry->content_offset,
		    .length = message->content_length,
		    .checks = entry->checks,
		},
	    .move.envelope = entry->encoded,
	    .outcomes =
		job_copy(job, slice_from(message->outcomes, message->envelope.recipient_count)),
	    .reason = job_copy(job, slice_of(entry->reason)),
	};
}

static void
job_grow(struct job *job)
{
	size_t more = job->work.count + JOB_ENTRIES_MAX;

	job->work.entries = realloc(job->work.entries, more * sizeof(*job->work.entries));
	job->entries = realloc(job->entries, more * sizeof(*job->entries));
	if (!job->work.entries || !job->entries)
		abort();
}

/* What the bodies of a batch will use, with a block for each file's name and inode. */
static uint64_t
batch_body_bytes(const struct ledger_entry *first)
{
	uint64_t bytes = 0;

	for (const struct ledger_entry *entry = first;
	     entry && entry->position.batch == first->position.batch; entry = entry->after)
		if (entry->segment)
			bytes += (entry->message.content_length / BODY_BLOCK + 2) * BODY_BLOCK;
	return bytes;
}

/* From the oldest on, and whole batches, so that the mark separates what is taken from what stays.
 * A job that met a full disk would be in the way of those that make room. */
static void
job_take(struct job *job, const struct allowance *allowance)
{
	struct ledger *ledger = job->queue->ledger;
	uint64_t left = allowance->bytes;
	struct ledger_entry *entry;
	uint64_t batch = 0;

	while ((entry = ledger->journal.first) && entry->is_visible) {
		if (entry->position.batch != batch) {
			uint64_t bytes = batch_body_bytes(entry);

			if (entry->arrived_ms > allowance->before_ms || bytes > left ||
			    job->work.count >= JOB_ENTRIES_MAX)
				return;
			left -= bytes;
			batch = entry->position.batch;
		}
		if (job->work.count % JOB_ENTRIES_MAX == 0 && job->work.count)
			job_grow(job);
		ledger_give(ledger, entry, OWNER_MOVING);
		job_add(job, entry, CHANGE_TAKE);
	}
}

static void
job_note(struct job *job)
{
	struct ledger *ledger = job->queue->ledger;
	struct ledger_entry *entry;

	/* All: who waits for what he said was told that the next job has it. */
	while ((entry = ledger->dirty.first)) {
		if (job->work.count % JOB_ENTRIES_MAX == 0 && job->work.count)
			job_grow(job);
		ledger_mark_clean(ledger, entry);
		job_add(job, entry, entry->pending ? CHANGE_NOTE : CHANGE_REMOVE);
	}
}

/* Begin a job. allowance NULL: it takes nothing over. False: there is nothing to do. */
static bool
job_start(struct queue *queue, const struct allowance *allowance)
{
	struct job *job = &queue->job;

	if (job->is_running)
		return true;
	if (job->result != -ENOSPC) {
		job->work.entries = calloc(JOB_ENTRIES_MAX, sizeof(*job->work.entries));
		job->entries = calloc(JOB_ENTRIES_MAX, sizeof(struct ledger_entry *));
		if (!job->work.entries || !job->entries)
			abort();
		job_note(job);
		if (allowance && queue->page.is_finished)
			job_take(job, allowance);
		for (size_t i = 0; i < job->work.count; i++) {
			struct checkpoint_entry *work = &job->work.entries[i];

			work->outcomes = job_resolve(job, work->outcomes);
			work->reason = job_resolve(job, work->reason);
		}
		job->work.mark = ledger_low_water(queue->ledger, journal_end(queue->journal));
		if (!job->work.count &&
		    memcmp(&job->work.mark, &queue->mark, sizeof(queue->mark)) == 0) {
			job_clear(job);
			return false;
		}
		queue->started++;
	}
	queue->last_ms = queue->now_ms;
	job->is_running = true;
	job->task.run = job_run;
	job->task.done = job_done;
	syncer_submit(queue->syncer, LANE_QUEUE, &job->task);
	return true;
}

uint64_t
queue_said(struct queue *queue, struct ledger_entry *entry)
{
	if (!entry->pending)
		queue->ending++;
	ledger_mark_dirty(queue->ledger, entry);
	return queue->started + 1;
}

uint64_t
queue_done(const struct queue *queue)
{
	return queue->done;
}

int
queue_has(struct queue *queue, message_id id)
{
	/* The file is its lane's, but the lane has done nothing yet. */
	assert(!queue->begun_ms && !queue_is_busy(queue));
	return checkpoint_has(queue->checkpoint, id);
}

uint64_t
queue_unloaded(const struct queue *queue)
{
	return queue->unloaded;
}

uint64_t
queue_ending(const struct queue *queue)
{
	return queue->ending;
}

void
queue_hurry(struct queue *queue)
{
	if (queue->job.result != -ENOSPC)
		job_start(queue, NULL);
}

/* Does a message keep a segment from recycling that arrived before this? */
static bool
is_held_up(const struct queue *queue, uint64_t before_ms)
{
	const struct ledger_entry *first = queue->ledger->journal.first;

	return journal_segments(queue->journal) > 1 && first && first->is_visible &&
	       first->arrived_ms <= before_ms && queue->begun_ms <= before_ms;
}

/* Would a replay read much that is settled? */
static bool
is_behind(const struct queue *queue)
{
	struct position low = ledger_low_water(queue->ledger, journal_end(queue->journal));

	return low.segment != queue->mark.segment ||
	       low.offset - queue->mark.offset >= MARK_BEHIND_BYTES;
}

void
queue_tick(struct queue *queue, uint64_t now_ms, uint64_t free_bytes)
{
	bool is_pressed = journal_segments(queue->journal) > SEGMENTS_PRESSED;
	struct allowance allowance = {
	    .before_ms = is_pressed || now_ms < queue->after_ms ? now_ms : now_ms - queue->after_ms,
	    .bytes = free_bytes,
	};

	/* What replay brought gets its time to be delivered too. */
	if (!queue->begun_ms)
		queue->begun_ms = queue->last_ms = now_ms;
	queue->now_ms = now_ms;
	page_start(queue);
	if (is_pressed || is_held_up(queue, allowance.before_ms) ||
	    now_ms - queue->last_ms >= queue->after_ms)
		job_start(queue, &allowance);
	else if (queue->ledger->dirty.first ||
		 (now_ms - queue->last_ms >= MARK_PAUSE_MS && is_behind(queue)))
		job_start(queue, NULL);
	journal_recycle(queue->journal, &queue->mark);
}

bool
queue_finish(struct queue *queue)
{
	return job_start(queue, NULL);
}

bool
queue_is_busy(const struct queue *queue)
{
	return queue->job.is_running || queue->page.is_running;
}

int
queue_result(const struct queue *queue)
{
	return queue->job.result;
}

void
queue_lock(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
}

void
queue_unlock(struct queue *queue)
{
	pthread_mutex_unlock(&queue->lock);
}

void
queue_close(struct queue **queue_p)
{
	struct queue *queue = *queue_p;

	*queue_p = NULL;
	if (!queue)
		return;
	while (queue->page.first) {
		struct row_copy *copy = queue->page.first;

		queue->page.first = copy->next;
		free(copy);
	}
	job_clear(&queue->job);
	buffer_close(&queue->job.bytes);
	checkpoint_close(&queue->checkpoint);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}
