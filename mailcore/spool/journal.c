/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/journal.h"

#include "common/clock.h"
#include "common/crc32c.h"
#include "common/disk.h"
#include "mailcore/spool/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LANES 2u
/* What may wait in memory for the disk. */
#define WAITING_MAX (32u * 1024u * 1024u)
/* A buffer that grew beyond this is not kept. */
#define BUFFER_KEEP (2u * BATCH_FULL_BYTES)

struct batch {
	struct task task;
	struct journal *journal;
	struct buffer bytes; /* header and body */
	struct buffer files; /* int fd[]: to be synced before */
	struct batch *next;
	struct segment *segment;
	uint64_t number;
	uint64_t offset;
	uint64_t durable_through;
	bool with_mark;
	bool has_run;
	int result;
	uint64_t took_us;
};

struct journal {
	struct journal_settings settings;
	struct journal_events events;
	struct syncer *syncer;
	struct shelf *shelf;
	struct batch *waiting, *open; /* first and last that were not handed over */
	struct batch *flight[LANES];  /* by number modulo LANES */
	struct batch *unused;
	uint64_t waiting_bytes;
	bool is_urgent;
	bool has_failed;
	bool was_busy;           /* since the last tick */
	struct segment *current; /* that the next batch goes to */
	uint64_t offset;
	struct segment *kept, *kept_last; /* older ones, in order */
	unsigned kept_count;
	uint32_t strides_marked;
	uint64_t next_number;
	uint64_t durable;      /* number of the last durable batch */
	uint64_t last_filled;  /* number of the last batch with records that was handed over */
	uint64_t said_through; /* durable_through of the last batch handed over */
	struct position end;
	uint64_t commit_us;
};

static struct batch *
batch_get(struct journal *journal)
{
	struct batch *batch = journal->unused;

	if (batch) {
		journal->unused = batch->next;
	} else {
		batch = calloc(1, sizeof(*batch));
		if (!batch)
			abort();
	}
	batch->journal = journal;
	batch->next = NULL;
	batch->has_run = false;
	batch->files.length = 0;
	batch->bytes.length = 0;
	memset(buffer_extend(&batch->bytes, BATCH_HEADER_BYTES), 0, BATCH_HEADER_BYTES);
	batch->number = journal->next_number++;
	return batch;
}

static void
batch_put(struct journal *journal, struct batch *batch)
{
	if (batch->bytes.capacity > BUFFER_KEEP)
		buffer_close(&batch->bytes);
	batch->next = journal->unused;
	journal->unused = batch;
}

static void
batch_close_files(struct batch *batch)
{
	int fd;

	for (size_t i = 0; i < batch->files.length; i += sizeof(fd)) {
		memcpy(&fd, batch->files.data + i, sizeof(fd));
		disk_close(fd);
	}
	batch->files.length = 0;
}

static void
batch_free(struct batch *batch)
{
	while (batch) {
		struct batch *next = batch->next;

		batch_close_files(batch);
		buffer_close(&batch->bytes);
		buffer_close(&batch->files);
		free(batch);
		batch = next;
	}
}

static void
journal_fail(void *context, const char *reason)
{
	struct journal *journal = context;

	if (journal->has_failed)
		return;
	journal->has_failed = true;
	journal->events.failed(journal->events.context, reason);
}

static void
journal_ready(void *context)
{
	struct journal *journal = context;

	syncer_wake(journal->syncer);
}

/* A spare that was found. Another segment size was set when it was made: its blocks would end in
 * the middle of a segment, and a batch behind them could meet a full disk. */
static void
spare_offer(struct journal *journal, uint64_t number)
{
	const struct journal_settings *settings = &journal->settings;
	int64_t size = segment_file_size(settings->directory, "spare", number);
	char path[SEGMENT_PATH_MAX];

	if (size == (int64_t)settings->segment_bytes && shelf_add_spare(journal->shelf, number))
		return;
	segment_path(settings->directory, "spare", number, path);
	disk_unlink(path);
}

int
journal_open(const struct journal_settings *settings, const struct journal_events *events,
    struct syncer *syncer, const uint64_t *spares, size_t spare_count, struct journal **journal_r)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	struct shelf_settings shelf_settings = {
	    .directory = settings->directory,
	    .segment_bytes = settings->segment_bytes,
	    .reserve_bytes = settings->reserve_bytes,
	    .generation = settings->generation,
	    .next_number = settings->next_number,
	};
	struct shelf_events shelf_events = {journal, journal_ready, journal_fail};
	int result;

	if (!journal)
		abort();
	journal->settings = *settings;
	journal->events = *events;
	journal->syncer = syncer;
	journal->next_number = settings->prior.batch;
	journal->durable = journal->said_through = journal->last_filled = settings->prior.batch - 1;
	journal->shelf = shelf_open(&shelf_settings, &shelf_events, syncer);
	for (size_t i = 0; i < spare_count; i++)
		spare_offer(journal, spares[i]);
	result = shelf_begin(journal->shelf, &settings->prior, &journal->current);
	if (result < 0) {
		journal_close(&journal);
		*journal_r = NULL;
		return result;
	}
	journal->offset = SEGMENT_DATA;
	journal->end = (struct position){
	    journal->current->header.sequence, SEGMENT_DATA, settings->prior.batch};
	*journal_r = journal;
	return 0;
}

void
journal_keep(struct journal *journal, struct segment *segment)
{
	segment->next = NULL;
	*(journal->kept_last ? &journal->kept_last->next : &journal->kept) = segment;
	journal->kept_last = segment;
	journal->kept_count++;
}

/* What a segment of this size holds in one batch. */
static uint64_t
segment_room(uint64_t size)
{
	return size - SEGMENT_DATA - BATCH_ALIGNMENT;
}

/* A batch that has this much takes no further record. With the largest record it still fits into a
 * segment, and without it also into the small one that a full disk began with. */
static uint64_t
batch_full(const struct journal *journal)
{
	uint64_t room = segment_room(journal->current->header.size);

	return room / 2 < BATCH_FULL_BYTES ? room / 2 : BATCH_FULL_BYTES;
}

struct buffer *
journal_body(struct journal *journal)
{
	struct batch *open = journal->open;

	if (!open || open->bytes.length >= batch_full(journal)) {
		open = batch_get(journal);
		*(journal->open ? &journal->open->next : &journal->waiting) = open;
		journal->open = open;
		journal->waiting_bytes += open->bytes.length;
	}
	journal->waiting_bytes -= open->bytes.length;
	return &open->bytes;
}

uint64_t
journal_appended(struct journal *journal, bool urgent)
{
	struct batch *open = journal->open;

	journal->waiting_bytes += open->bytes.length;
	if ((urgent || open->bytes.length >= batch_full(journal) / 2) && !journal->is_urgent) {
		journal->is_urgent = true;
		syncer_wake(journal->syncer);
	}
	return open->number;
}

void
journal_sync_before(struct journal *journal, int fd)
{
	buffer_append(&journal->open->files, &fd, sizeof(fd));
}

uint64_t
journal_record_max(const struct journal *journal)
{
	uint64_t room = segment_room(journal->settings.segment_bytes);
	uint64_t most = BATCH_BODY_MAX - BATCH_FULL_BYTES;

	return room / 2 < most ? room / 2 : most;
}

/* A quarter of a segment is kept back for outcomes: they are what makes room again. */
enum journal_room
journal_room(const struct journal *journal, uint64_t record_length)
{
	uint64_t size = journal->settings.segment_bytes;
	uint64_t room = journal->current->header.size - journal->offset;
	uint64_t need = journal->waiting_bytes + batch_room(record_length) + size / 4;

	if (shelf_is_full(journal->shelf))
		return ROOM_FULL;
	if (shelf_has_ready(journal->shelf))
		room += size - SEGMENT_DATA;
	return need <= room && journal->waiting_bytes <= WAITING_MAX ? ROOM_YES : ROOM_LATER;
}

uint64_t
journal_free(const struct journal *journal)
{
	return shelf_free(journal->shelf);
}

static int
batch_sync_files(struct batch *batch)
{
	char staging[SEGMENT_PATH_MAX];
	int result = 0, fd;

	if (!batch->files.length)
		return 0;
	for (size_t i = 0; result == 0 && i < batch->files.length; i += sizeof(fd)) {
		memcpy(&fd, batch->files.data + i, sizeof(fd));
		result = disk_sync_file(fd);
	}
	batch_close_files(batch);
	snprintf(staging, sizeof(staging), "%s/staging", batch->journal->settings.directory);
	return result == 0 ? disk_sync_directory(staging) : result;
}

static void
batch_run(struct task *task)
{
	struct batch *batch = (struct batch *)task;
	size_t length = batch->bytes.length;
	struct slice body =
	    slice_from(batch->bytes.data + BATCH_HEADER_BYTES, length - BATCH_HEADER_BYTES);
	size_t padded = batch_room(body.length);
	struct batch_header header = {
	    .salt = batch->segment->header.salt,
	    .generation = batch->segment->header.generation,
	    .number = batch->number,
	    .durable_through = batch->durable_through,
	    .length = (uint32_t)body.length,
	    .body_checksum = crc32c(0, body.data, body.length),
	};
	unsigned lane = batch->number % LANES;
	uint64_t began = clock_boot_us();

	/* To the end of the page: to write a part of one, the kernel would have to read it. */
	memset(buffer_extend(&batch->bytes, padded - length), 0, padded - length);
	batch->bytes.length = length;
	batch_header_encode(&header, batch->bytes.data);
	batch->result = batch_sync_files(batch);
	if (batch->result == 0)
		batch->result = segment_write(batch->segment, lane, batch->offset,
		    batch->bytes.data, padded, batch->with_mark);
	if (batch->result == 0)
		batch->result = disk_sync_data(batch->segment->fds[lane]);
	batch->took_us = clock_boot_us() - began;
}

/* In the order of their numbers, whichever ran first. */
static void
journal_acknowledge(struct journal *journal)
{
	while (!journal->has_failed) {
		struct batch *batch = journal->flight[(journal->durable + 1) % LANES];

		if (!batch || !batch->has_run)
			return;
		journal->flight[batch->number % LANES] = NULL;
		journal->durable = batch->number;
		journal->commit_us = batch->took_us;
		journal->end = (struct position){batch->segment->header.sequence,
		    batch->offset + batch_room(batch->bytes.length - BATCH_HEADER_BYTES),
		    batch->number + 1};
		journal->events.durable(
		    journal->events.context, batch->number, batch->segment, batch->offset);
		batch_put(journal, batch);
	}
}

static void
batch_done(struct task *task)
{
	struct batch *batch = (struct batch *)task;
	struct journal *journal = batch->journal;

	batch->has_run = true;
	if (batch->result < 0) {
		char reason[256];

		snprintf(reason, sizeof(reason), "journal: cannot make a batch durable: %s",
		    strerror(-batch->result));
		journal_fail(journal, reason);
	}
	journal_acknowledge(journal);
}

/* The place for a batch of this length. False: there is no segment for it yet. */
static bool
journal_place(struct journal *journal, struct batch *batch)
{
	uint64_t room = batch_room(batch->bytes.length - BATCH_HEADER_BYTES);
	uint32_t stride;

	if (journal->offset + room > journal->current->header.size) {
		struct segment *next = shelf_take(journal->shelf);

		if (!next)
			return false;
		journal_keep(journal, journal->current);
		journal->current = next;
		journal->offset = SEGMENT_DATA;
		journal->strides_marked = 0;
	}
	batch->segment = journal->current;
	batch->offset = journal->offset;
	stride = segment_stride(batch->segment, batch->offset);
	batch->with_mark = stride >= journal->strides_marked;
	if (batch->with_mark)
		journal->strides_marked = stride + 1;
	journal->offset += room;
	return true;
}

/* Hand over the first batch that waits. False: it has to wait longer. */
static bool
journal_submit(struct journal *journal)
{
	struct batch *batch = journal->waiting;
	unsigned lane;

	if (!batch || journal->has_failed)
		return false;
	lane = batch->number % LANES;
	if (journal->flight[lane] || !journal_place(journal, batch))
		return false;
	journal->waiting = batch->next;
	if (journal->open == batch)
		journal->open = NULL;
	batch->next = NULL;
	journal->waiting_bytes -= batch->bytes.length;
	batch->durable_through = journal->said_through = journal->durable;
	if (batch->bytes.length > BATCH_HEADER_BYTES)
		journal->last_filled = batch->number;
	journal->flight[lane] = batch;
	journal->was_busy = true;
	batch->task.run = batch_run;
	batch->task.done = batch_done;
	syncer_submit(journal->syncer, lane == 0 ? LANE_BATCH_EVEN : LANE_BATCH_ODD, &batch->task);
	return true;
}

void
journal_flush(struct journal *journal)
{
	while (journal->is_urgent && journal_submit(journal))
		;
	if (!journal->waiting)
		journal->is_urgent = false;
}

void
journal_hurry(struct journal *journal)
{
	journal->is_urgent = journal->waiting != NULL;
}

bool
journal_seal(struct journal *journal)
{
	if (!journal_is_idle(journal) || journal->said_through >= journal->last_filled)
		return false;
	journal_body(journal);
	journal_appended(journal, true);
	return true;
}

void
journal_tick(struct journal *journal)
{
	shelf_tick(journal->shelf);
	journal_hurry(journal);
	if (!journal->was_busy)
		journal_seal(journal);
	journal->was_busy = false;
	journal_flush(journal);
}

bool
journal_is_idle(const struct journal *journal)
{
	return !journal->waiting && !journal->flight[0] && !journal->flight[1];
}

bool
journal_is_stuck(const struct journal *journal)
{
	return journal->waiting && !journal->flight[0] && !journal->flight[1] &&
	       !shelf_has_ready(journal->shelf) && shelf_is_full(journal->shelf);
}

struct position
journal_end(const struct journal *journal)
{
	return journal->end;
}

uint64_t
journal_durable(const struct journal *journal)
{
	return journal->durable;
}

void
journal_recycle(struct journal *journal, const struct position *mark)
{
	while (journal->kept && journal->kept->header.sequence < mark->segment) {
		struct segment *segment = journal->kept;

		/* Someone copies out of it: later. */
		if (atomic_load(&segment->readers))
			return;
		journal->kept = segment->next;
		if (!journal->kept)
			journal->kept_last = NULL;
		journal->kept_count--;
		shelf_return(journal->shelf, segment);
	}
}

unsigned
journal_segments(const struct journal *journal)
{
	return journal->kept_count + 1;
}

uint64_t
journal_commit_us(const struct journal *journal)
{
	return journal->commit_us;
}

void
journal_close(struct journal **journal_p)
{
	struct journal *journal = *journal_p;

	*journal_p = NULL;
	if (!journal)
		return;
	for (unsigned i = 0; i < LANES; i++)
		batch_free(journal->flight[i]);
	batch_free(journal->waiting);
	batch_free(journal->unused);
	while (journal->kept) {
		struct segment *segment = journal->kept;

		journal->kept = segment->next;
		segment_close(&segment);
	}
	segment_close(&journal->current);
	shelf_close(&journal->shelf);
	free(journal);
}
