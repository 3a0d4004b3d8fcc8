/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/replay.h"

#include "common/disk.h"
#include "mailcore/spool/batch.h"
#include "mailcore/spool/quarantine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A place in the log while it is searched for the next batch. */
struct cursor {
	const struct replay_files *files;
	size_t index;
	uint64_t offset;
	uint64_t expected; /* number of the next batch; 0: any */
	struct buffer *body;
};

struct found {
	struct segment *segment;
	uint64_t offset;
	struct batch_header header;
};

struct names {
	struct buffer segments, spares, unfinished; /* uint64_t[] */
};

static int
names_note(void *context, const char *name)
{
	struct names *names = context;
	uint64_t number;

	if (segment_name_parse(name, "segment", &number))
		buffer_append(&names->segments, &number, sizeof(number));
	else if (segment_name_parse(name, "spare", &number))
		buffer_append(&names->spares, &number, sizeof(number));
	else if (segment_name_parse(name, "new", &number))
		buffer_append(&names->unfinished, &number, sizeof(number));
	return 0;
}

static int
number_compare(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static int
segment_sync(const char *directory, uint64_t sequence)
{
	char path[SEGMENT_PATH_MAX];
	int fd, result;

	segment_path(directory, "segment", sequence, path);
	fd = disk_open(path, O_RDWR, 0);
	if (fd < 0)
		return fd;
	result = disk_sync_file(fd);
	disk_close(fd);
	return result;
}

/* Directories, then every segment, then all else. */
static int
everything_sync(const char *directory, const uint64_t *sequences, size_t count)
{
	static const char *const folders[] = {"journal", "staging", "deferred", "db", "quarantine"};
	char path[SEGMENT_PATH_MAX];
	int fd, result = 0;

	for (size_t i = 0; result == 0 && i < count; i++)
		result = segment_sync(directory, sequences[i]);
	for (size_t i = 0; result == 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, folders[i]);
		result = disk_sync_directory(path);
	}
	if (result == 0)
		result = disk_sync_directory(directory);
	if (result < 0)
		return result;
	fd = disk_open(directory, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	result = disk_sync_filesystem(fd);
	disk_close(fd);
	return result;
}

/* Between where the log of earlier generations ended and where a new one began nothing counts. */
static void
limits_set(struct replay_files *files)
{
	for (size_t i = 0; i < files->segment_count; i++) {
		const struct position *prior = &files->segments[i]->header.prior;

		for (size_t k = 0; prior->batch && k < i; k++) {
			struct segment *segment = files->segments[k];

			if (segment->header.sequence == prior->segment &&
			    prior->offset < segment->limit)
				segment->limit = prior->offset;
			if (segment->header.sequence > prior->segment)
				segment->limit = SEGMENT_DATA;
		}
	}
}

static int
segments_open(const char *directory, const struct replay_events *events,
    const struct buffer *sequences, struct replay_files *files)
{
	size_t count = sequences->length / sizeof(uint64_t);
	char reason[QUARANTINE_REASON_MAX];

	files->segments = calloc(count + 1, sizeof(struct segment *));
	if (!files->segments)
		abort();
	for (size_t i = 0; i < count; i++) {
		uint64_t sequence = ((const uint64_t *)(const void *)sequences->data)[i];
		struct segment *segment;
		int result = segment_open(directory, sequence, &segment);

		if (result == -EBADMSG)
			result = quarantine_segment(directory, sequence, reason);
		if (result < 0)
			return result;
		files->next_number = sequence + 1;
		if (!segment) {
			events->damaged(events->context, reason);
			continue;
		}
		files->segments[files->segment_count++] = segment;
		if (segment->header.generation > files->generation)
			files->generation = segment->header.generation;
	}
	limits_set(files);
	return 0;
}

static void
unfinished_remove(const char *directory, const struct buffer *numbers)
{
	char path[SEGMENT_PATH_MAX];

	for (size_t i = 0; i < numbers->length / sizeof(uint64_t); i++) {
		segment_path(
		    directory, "new", ((const uint64_t *)(const void *)numbers->data)[i], path);
		disk_unlink(path);
	}
}

static uint64_t
number_above(const struct buffer *numbers, uint64_t least)
{
	for (size_t i = 0; i < numbers->length / sizeof(uint64_t); i++) {
		uint64_t number = ((const uint64_t *)(const void *)numbers->data)[i];

		if (number >= least)
			least = number + 1;
	}
	return least;
}

int
replay_scan(const char *directory, const struct replay_events *events, struct replay_files *files,
    char error[256])
{
	static const char *const folders[] = {"journal", "staging", "deferred", "db", "quarantine"};
	struct names names = {0};
	char path[SEGMENT_PATH_MAX];
	int result = 0;

	*files = (struct replay_files){.next_number = 1};
	for (size_t i = 0; result == 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, folders[i]);
		result = disk_make_directory(path, 0700);
	}
	snprintf(path, sizeof(path), "%s/journal", directory);
	if (result == 0)
		result = disk_list(path, names_note, &names);
	if (names.segments.length)
		qsort(names.segments.data, names.segments.length / sizeof(uint64_t),
		    sizeof(uint64_t), number_compare);
	if (result == 0)
		result =
		    everything_sync(directory, (const uint64_t *)(const void *)names.segments.data,
			names.segments.length / sizeof(uint64_t));
	if (result == 0)
		result = segments_open(directory, events, &names.segments, files);
	if (result == 0)
		unfinished_remove(directory, &names.unfinished);
	files->next_number = number_above(&names.spares, files->next_number);
	files->next_number = number_above(&names.unfinished, files->next_number);
	files->spare_count = names.spares.length / sizeof(uint64_t);
	files->spares = (uint64_t *)(void *)names.spares.data;
	buffer_close(&names.segments);
	buffer_close(&names.unfinished);
	if (result < 0)
		snprintf(error, 256, "spool: cannot read %.150s: %s", path, strerror(-result));
	return result;
}

/* A sector that cannot be read is damage; one that can be the second time is not. */
static bool
read_whole(const struct segment *segment, void *out, size_t length, uint64_t offset)
{
	ssize_t got = disk_read(segment->fds[0], out, length, offset);

	if (got < 0)
		got = disk_read(segment->fds[1], out, length, offset);
	return got == (ssize_t)length;
}

/* Is there a batch at this place that can be next? Its body is in cursor->body after it. */
static bool
cursor_probe(struct cursor *cursor, const struct segment *segment, uint64_t offset,
    struct batch_header *header)
{
	uint8_t head[BATCH_HEADER_BYTES];
	void *body;

	if (offset + BATCH_HEADER_BYTES > segment->limit ||
	    !read_whole(segment, head, sizeof(head), offset) ||
	    !batch_header_decode(head, segment->header.salt, header) ||
	    header->number < cursor->expected ||
	    offset + batch_room(header->length) > segment->limit)
		return false;
	cursor->body->length = 0;
	body = buffer_extend(cursor->body, header->length);
	return read_whole(segment, body, header->length, offset + BATCH_HEADER_BYTES) &&
	       batch_body_is_good(header, buffer_slice(cursor->body));
}

/* How far from offset on a batch may begin in this segment. */
static uint64_t
search_limit(const struct segment *segment, uint64_t offset)
{
	uint32_t stride = segment_stride(segment, offset);
	uint64_t limit;

	if (stride < segment->last_stride)
		stride = segment->last_stride;
	limit = (stride + 1) * (segment->header.size / SEGMENT_STRIDES);
	return limit < segment->limit ? limit : segment->limit;
}

/* Find the next batch from the cursor on and move the cursor behind it. */
static bool
cursor_next(struct cursor *cursor, struct found *found)
{
	for (; cursor->index < cursor->files->segment_count; cursor->index++) {
		struct segment *segment = cursor->files->segments[cursor->index];
		uint64_t limit = search_limit(segment, cursor->offset);

		for (; cursor->offset < limit; cursor->offset += BATCH_ALIGNMENT) {
			if (!cursor_probe(cursor, segment, cursor->offset, &found->header))
				continue;
			found->segment = segment;
			found->offset = cursor->offset;
			cursor->offset += batch_room(found->header.length);
			cursor->expected = found->header.number + 1;
			return true;
		}
		cursor->offset = SEGMENT_DATA;
	}
	return false;
}

/* Does the rest of the log say that this batch was durable? */
static bool
is_proved_durable(struct cursor cursor, const struct found *first, uint64_t number)
{
	struct found found = *first;
	struct buffer body = {0};
	bool proved;

	cursor.body = &body;
	do
		proved = found.header.durable_through >= number;
	while (!proved && cursor_next(&cursor, &found));
	buffer_close(&body);
	return proved;
}

struct reader {
	const char *directory;
	const struct replay_events *events;
	struct cursor cursor;
	struct buffer body;
	struct position end;
};

static void
put_aside(struct reader *reader, const struct segment *segment, uint64_t offset, uint64_t length)
{
	char reason[QUARANTINE_REASON_MAX];

	quarantine_range(reader->directory, segment, offset, length, reason);
	reader->events->damaged(reader->events->context, reason);
}

/* Hand the records of a body on; those that are not good are put aside. */
static void
records_read(
    struct reader *reader, struct segment *segment, const struct position *batch, struct slice body)
{
	uint64_t start = batch->offset + BATCH_HEADER_BYTES;
	struct record record;
	size_t offset = 0;
	enum record_verdict verdict;

	while ((verdict = record_next(body, &offset, &record)) != RECORD_END)
		if (verdict != RECORD_GOOD || !reader->events->record(reader->events->context,
						  &record, batch, segment, start))
			put_aside(reader, segment, start + record.offset, record.length);
}

/* A batch whose header is right and whose body is not: what of it can be saved? False: no header.
 */
static bool
batch_salvage(
    struct reader *reader, struct segment *segment, uint64_t *offset, uint64_t end, uint64_t number)
{
	struct position batch = {segment->header.sequence, *offset, number};
	uint8_t head[BATCH_HEADER_BYTES];
	struct batch_header header;
	struct buffer body = {0};

	if (!read_whole(segment, head, sizeof(head), *offset) ||
	    !batch_header_decode(head, segment->header.salt, &header) || header.number < number ||
	    *offset + batch_room(header.length) > end)
		return false;
	segment_salvage(segment->fds[0], buffer_extend(&body, header.length), header.length,
	    *offset + BATCH_HEADER_BYTES);
	records_read(reader, segment, &batch, buffer_slice(&body));
	*offset += batch_room(header.length);
	buffer_close(&body);
	return true;
}

/* All between two places of one segment is damaged. */
static void
gap_read(
    struct reader *reader, struct segment *segment, uint64_t offset, uint64_t end, uint64_t number)
{
	uint64_t bad = offset;

	while (offset < end) {
		uint64_t start = offset;

		if (batch_salvage(reader, segment, &offset, end, number)) {
			if (bad < start)
				put_aside(reader, segment, bad, start - bad);
			bad = offset;
		} else {
			offset += BATCH_ALIGNMENT;
		}
	}
	if (bad < end)
		put_aside(reader, segment, bad, end - bad);
}

/* From where the log was good to the batch that was found next. */
static void
gaps_read(struct reader *reader, const struct cursor *from, const struct found *found)
{
	uint64_t offset = from->offset;

	for (size_t i = from->index; i < from->files->segment_count; i++) {
		struct segment *segment = from->files->segments[i];
		bool is_last = segment == found->segment;

		gap_read(reader, segment, offset,
		    is_last ? found->offset : search_limit(segment, offset), from->expected);
		if (is_last)
			return;
		offset = SEGMENT_DATA;
	}
}

static void
log_read(struct reader *reader)
{
	struct cursor *cursor = &reader->cursor;

	for (;;) {
		struct cursor before = *cursor;
		struct found found;
		struct position batch;

		if (!cursor_next(cursor, &found))
			return;
		if (before.expected && found.header.number > before.expected) {
			if (!is_proved_durable(*cursor, &found, before.expected))
				return;
			gaps_read(reader, &before, &found);
		}
		batch = (struct position){
		    found.segment->header.sequence, found.offset, found.header.number};
		records_read(reader, found.segment, &batch, buffer_slice(&reader->body));
		reader->end = (struct position){batch.segment, cursor->offset, cursor->expected};
	}
}

void
replay_read(const char *directory, struct replay_files *files, const struct position *mark,
    const struct replay_events *events, struct position *end_r)
{
	struct reader reader = {.directory = directory, .events = events, .end = *mark};
	struct cursor *cursor = &reader.cursor;

	*cursor = (struct cursor){.files = files, .expected = mark->batch, .body = &reader.body};
	/* Before the first checkpoint the number to begin with is in the first header. */
	if (!cursor->expected && files->segment_count)
		reader.end.batch = cursor->expected = files->segments[0]->header.prior.batch;
	while (cursor->index < files->segment_count &&
	       files->segments[cursor->index]->header.sequence < mark->segment)
		cursor->index++;
	cursor->offset = SEGMENT_DATA;
	if (cursor->index < files->segment_count &&
	    files->segments[cursor->index]->header.sequence == mark->segment)
		cursor->offset = mark->offset;
	log_read(&reader);
	if (reader.end.batch == 0)
		reader.end.batch = 1;
	*end_r = reader.end;
	buffer_close(&reader.body);
}

void
replay_files_close(struct replay_files *files)
{
	for (size_t i = 0; i < files->segment_count; i++)
		segment_close(&files->segments[i]);
	free(files->segments);
	free(files->spares);
	*files = (struct replay_files){0};
}
