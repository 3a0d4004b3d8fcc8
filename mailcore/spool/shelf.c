/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/shelf.h"

#include "common/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARES_MAX 4u
#define FILL_SLICE (4u * 1024u * 1024u)

/* Makes a segment ready: out of a spare, or out of a file that it makes. */
struct prepare {
	struct task task;
	struct shelf *shelf;
	bool is_running;
	bool from_spare;
	uint64_t number;
	struct position prior;
	struct segment_header header;
	struct segment *segment;
	int result;
};

/* Makes a spare, one slice at a time. */
struct fill {
	struct task task;
	struct shelf *shelf;
	bool is_running;
	bool is_begun;
	uint64_t number;
	uint64_t offset;
	int result;
};

/* Asks what is free. */
struct survey {
	struct task task;
	struct shelf *shelf;
	bool is_running;
	int64_t free_bytes;
};

struct recycle {
	struct task task;
	struct shelf *shelf;
	uint64_t sequence;
	bool keep;
	int result;
};

struct shelf {
	struct shelf_settings settings;
	struct shelf_events events;
	struct syncer *syncer;
	uint64_t spares[SPARES_MAX];
	unsigned spare_count;
	unsigned spares_coming;
	struct segment *ready;
	int64_t free_bytes; /* that the last survey found, or -errno */
	bool cannot_allocate;
	bool below_reserve;
	struct prepare prepare;
	struct fill fill;
	struct survey survey;
};

static bool
is_full_error(int result)
{
	return result == -ENOSPC || result == -EDQUOT;
}

static void
shelf_fail(struct shelf *shelf, const char *what, int result)
{
	char reason[256];

	snprintf(reason, sizeof(reason), "journal: cannot %s: %s", what, strerror(-result));
	shelf->events.failed(shelf->events.context, reason);
}

static void
survey_run(struct task *task)
{
	struct survey *survey = (struct survey *)task;

	survey->free_bytes = disk_free(survey->shelf->settings.directory);
}

static void
survey_note(struct shelf *shelf)
{
	shelf->free_bytes = shelf->survey.free_bytes;
	shelf->below_reserve =
	    shelf->free_bytes >= 0 && (uint64_t)shelf->free_bytes < shelf->settings.reserve_bytes;
}

static void
survey_done(struct task *task)
{
	struct survey *survey = (struct survey *)task;

	survey->is_running = false;
	survey_note(survey->shelf);
}

struct shelf *
shelf_open(
    const struct shelf_settings *settings, const struct shelf_events *events, struct syncer *syncer)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));

	if (!shelf)
		abort();
	shelf->settings = *settings;
	shelf->events = *events;
	shelf->syncer = syncer;
	shelf->prepare.shelf = shelf->fill.shelf = shelf->survey.shelf = shelf;
	survey_run(&shelf->survey.task);
	survey_note(shelf);
	return shelf;
}

bool
shelf_add_spare(struct shelf *shelf, uint64_t number)
{
	if (shelf->spare_count >= SPARES_MAX)
		return false;
	shelf->spares[shelf->spare_count++] = number;
	return true;
}

static void
prepare_run(struct task *task)
{
	struct prepare *prepare = (struct prepare *)task;
	const struct shelf_settings *settings = &prepare->shelf->settings;

	prepare->result = 0;
	if (!prepare->from_spare)
		prepare->result =
		    segment_file_create(settings->directory, prepare->number, prepare->header.size);
	if (prepare->result == 0)
		prepare->result =
		    segment_begin(settings->directory, prepare->from_spare ? "spare" : "new",
			prepare->number, &prepare->header, &prepare->segment);
}

static void
prepare_choose(struct shelf *shelf, const struct position *prior)
{
	struct prepare *prepare = &shelf->prepare;

	prepare->from_spare = shelf->spare_count > 0;
	prepare->number =
	    prepare->from_spare ? shelf->spares[--shelf->spare_count] : shelf->settings.next_number;
	prepare->segment = NULL;
	prepare->header = (struct segment_header){
	    .sequence = shelf->settings.next_number++,
	    .generation = shelf->settings.generation,
	    .size = shelf->settings.segment_bytes,
	    .prior = *prior,
	};
}

static void
prepare_done(struct task *task)
{
	struct prepare *prepare = (struct prepare *)task;
	struct shelf *shelf = prepare->shelf;

	prepare->is_running = false;
	shelf->cannot_allocate = is_full_error(prepare->result);
	shelf->ready = prepare->segment;
	if (prepare->result == 0)
		shelf->events.ready(shelf->events.context);
	else if (!shelf->cannot_allocate)
		shelf_fail(shelf, "prepare a segment", prepare->result);
}

static void
prepare_start(struct shelf *shelf)
{
	static const struct position nowhere;

	if (shelf->ready || shelf->prepare.is_running)
		return;
	prepare_choose(shelf, &nowhere);
	shelf->prepare.is_running = true;
	shelf->prepare.task.run = prepare_run;
	shelf->prepare.task.done = prepare_done;
	syncer_submit(shelf->syncer, LANE_FILES, &shelf->prepare.task);
}

int
shelf_begin(struct shelf *shelf, const struct position *prior, struct segment **segment_r)
{
	int result;

	prepare_choose(shelf, prior);
	prepare_run(&shelf->prepare.task);
	/* On a full disk a small one will do: outcomes go into it, and they make space. */
	while (is_full_error(shelf->prepare.result) &&
	       shelf->prepare.header.size / 2 >= SEGMENT_BYTES_MIN) {
		shelf->prepare.header.size /= 2;
		prepare_run(&shelf->prepare.task);
	}
	*segment_r = shelf->prepare.segment;
	result = shelf->prepare.result;
	/* From here on a lane writes to it. */
	if (result == 0)
		prepare_start(shelf);
	return result;
}

struct segment *
shelf_take(struct shelf *shelf)
{
	struct segment *segment = shelf->ready;

	shelf->ready = NULL;
	if (!shelf->cannot_allocate)
		prepare_start(shelf);
	return segment;
}

static void
recycle_run(struct task *task)
{
	struct recycle *recycle = (struct recycle *)task;
	const char *directory = recycle->shelf->settings.directory;
	char from[SEGMENT_PATH_MAX], to[SEGMENT_PATH_MAX], journal[SEGMENT_PATH_MAX];

	segment_path(directory, "segment", recycle->sequence, from);
	segment_path(directory, "spare", recycle->sequence, to);
	snprintf(journal, sizeof(journal), "%s/journal", directory);
	recycle->result = recycle->keep ? disk_rename(from, to) : disk_unlink(from);
	/* Only after this may its content change: under the old name it would be a damaged segment.
	 */
	if (recycle->result == 0)
		recycle->result = disk_sync_directory(journal);
}

static void
recycle_done(struct task *task)
{
	struct recycle *recycle = (struct recycle *)task;
	struct shelf *shelf = recycle->shelf;

	if (recycle->keep)
		shelf->spares_coming--;
	if (recycle->result < 0)
		shelf_fail(shelf, "recycle a segment", recycle->result);
	else if (recycle->keep)
		shelf_add_spare(shelf, recycle->sequence);
	free(recycle);
	prepare_start(shelf);
}

static void
recycle_drop(struct task *task)
{
	free(task);
}

void
shelf_return(struct shelf *shelf, struct segment *segment)
{
	struct recycle *recycle = calloc(1, sizeof(*recycle));

	if (!recycle)
		abort();
	recycle->shelf = shelf;
	recycle->sequence = segment->header.sequence;
	recycle->keep = segment->header.size == shelf->settings.segment_bytes &&
			shelf->spare_count + shelf->spares_coming < SPARES_MAX;
	if (recycle->keep)
		shelf->spares_coming++;
	segment_close(&segment);
	recycle->task.run = recycle_run;
	recycle->task.done = recycle_done;
	recycle->task.drop = recycle_drop;
	syncer_submit(shelf->syncer, LANE_FILES, &recycle->task);
}

static int
fill_slice(struct fill *fill, const char *path)
{
	uint64_t size = fill->shelf->settings.segment_bytes;
	uint64_t length = size - fill->offset < FILL_SLICE ? size - fill->offset : FILL_SLICE;
	int fd = disk_open(path, O_RDWR, 0);
	void *zeros = calloc(1, length);
	int result;

	if (!zeros)
		abort();
	result = fd < 0 ? fd : disk_write(fd, zeros, length, fill->offset);
	if (result == 0)
		result = disk_sync_file(fd);
	if (fd >= 0)
		disk_close(fd);
	free(zeros);
	fill->offset += length;
	return result;
}

static void
fill_run(struct task *task)
{
	struct fill *fill = (struct fill *)task;
	const struct shelf_settings *settings = &fill->shelf->settings;
	char path[SEGMENT_PATH_MAX], spare[SEGMENT_PATH_MAX], journal[SEGMENT_PATH_MAX];

	segment_path(settings->directory, "new", fill->number, path);
	if (!fill->is_begun)
		fill->result =
		    segment_file_create(settings->directory, fill->number, settings->segment_bytes);
	if (fill->result == 0)
		fill->result = fill_slice(fill, path);
	fill->is_begun = fill->result == 0;
	if (fill->result < 0)
		disk_unlink(path);
	if (fill->result < 0 || fill->offset < settings->segment_bytes)
		return;
	segment_path(settings->directory, "spare", fill->number, spare);
	snprintf(journal, sizeof(journal), "%s/journal", settings->directory);
	fill->result = disk_rename(path, spare);
	if (fill->result == 0)
		fill->result = disk_sync_directory(journal);
}

static void
fill_done(struct task *task)
{
	struct fill *fill = (struct fill *)task;
	struct shelf *shelf = fill->shelf;

	fill->is_running = false;
	if (fill->result == 0 && fill->offset < shelf->settings.segment_bytes)
		return;
	fill->is_begun = false;
	shelf->spares_coming--;
	if (fill->result == 0)
		shelf_add_spare(shelf, fill->number);
	else if (!is_full_error(fill->result))
		shelf_fail(shelf, "make a spare segment", fill->result);
}

static void
fill_tick(struct shelf *shelf)
{
	struct fill *fill = &shelf->fill;

	if (fill->is_running)
		return;
	if (!fill->is_begun) {
		uint64_t needed = shelf->settings.reserve_bytes + 2 * shelf->settings.segment_bytes;

		if (shelf->spare_count + shelf->spares_coming > 0 || !shelf->ready ||
		    shelf->free_bytes < (int64_t)needed)
			return;
		shelf->spares_coming++;
		fill->number = shelf->settings.next_number++;
		fill->offset = 0;
		fill->result = 0;
		fill->task.run = fill_run;
		fill->task.done = fill_done;
	}
	fill->is_running = true;
	syncer_submit(shelf->syncer, LANE_FILES, &fill->task);
}

void
shelf_tick(struct shelf *shelf)
{
	if (!shelf->survey.is_running) {
		shelf->survey.is_running = true;
		shelf->survey.task.run = survey_run;
		shelf->survey.task.done = survey_done;
		syncer_submit(shelf->syncer, LANE_FILES, &shelf->survey.task);
	}
	prepare_start(shelf);
	fill_tick(shelf);
}

bool
shelf_has_ready(const struct shelf *shelf)
{
	return shelf->ready != NULL;
}

bool
shelf_is_full(const struct shelf *shelf)
{
	return shelf->cannot_allocate || shelf->below_reserve;
}

uint64_t
shelf_free(const struct shelf *shelf)
{
	if (shelf_is_full(shelf))
		return 0;
	/* Unknown: let the writes find out. */
	if (shelf->free_bytes < 0)
		return UINT64_MAX;
	return (uint64_t)shelf->free_bytes - shelf->settings.reserve_bytes;
}

void
shelf_close(struct shelf **shelf_p)
{
	struct shelf *shelf = *shelf_p;

	*shelf_p = NULL;
	if (!shelf)
		return;
	segment_close(&shelf->ready);
	/* Prepared, and nobody was told. */
	if (shelf->prepare.is_running)
		segment_close(&shelf->prepare.segment);
	free(shelf);
}
