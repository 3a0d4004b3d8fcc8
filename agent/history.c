/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/history.h"

#include "common/disk.h"
#include "common/slice.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILE_NAME "fence-history"
#define ISO_BYTES 32

struct paths {
	char file[PATH_MAX], old[PATH_MAX];
};

static int
make_paths(const char *directory, struct paths *paths)
{
	if (*directory != '/' || strlen(directory) + sizeof(FILE_NAME) + 4 > PATH_MAX)
		return -EINVAL;
	snprintf(paths->file, PATH_MAX, "%s/" FILE_NAME, directory);
	snprintf(paths->old, PATH_MAX, "%s/" FILE_NAME ".1", directory);
	return 0;
}

/* "2026-11-24T10:11:12.345Z" */
static const char *
iso_time(uint64_t ms, char out[ISO_BYTES])
{
	time_t seconds = (time_t)(ms / 1000);
	size_t length;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return "";
	length = strftime(out, ISO_BYTES - 8, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + length, ISO_BYTES - length, ".%03uZ", (unsigned)(ms % 1000));
	return out;
}

json_t *
history_record(const struct history_entry *entry)
{
	char at[ISO_BYTES], asked_at[ISO_BYTES];
	json_t *record = json_pack("{s:s,s:I,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:o}", "at",
	    iso_time(entry->at_ms, at), "at_ms", (json_int_t)entry->at_ms, "target", entry->target,
	    "life", entry->life, "action", entry->action, "proof", entry->proof, "asked_at",
	    iso_time(entry->asked_at_ms, asked_at), "ms", (json_int_t)entry->took_ms, "by",
	    entry->by, "evidence", entry->evidence ? entry->evidence : json_object());

	if (!record)
		abort();
	return record;
}

static int
make_line(const json_t *record, struct buffer *line)
{
	char *text = json_is_object(record) ? json_dumps(record, JSON_COMPACT) : NULL;

	if (!text)
		return -EINVAL;
	buffer_append(line, "\n", 1);
	buffer_append_slice(line, slice_of(text));
	buffer_append(line, "\n", 1);
	free(text);
	return line->length > HISTORY_RECORD_MAX ? -EMSGSIZE : 0;
}

static int
open_file(const struct paths *paths, int64_t *size_r)
{
	int fd = disk_open(paths->file, O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		return fd;
	*size_r = disk_size(fd);
	if (*size_r >= 0)
		return fd;
	disk_close(fd);
	return (int)*size_r;
}

/* Open what has room for length bytes more. */
static int
open_with_room(const struct paths *paths, size_t length, int64_t *size_r)
{
	int fd = open_file(paths, size_r), result;

	if (fd < 0 || *size_r == 0 || *size_r + (int64_t)length <= (int64_t)HISTORY_FILE_MAX)
		return fd;
	disk_close(fd);
	result = disk_rename(paths->file, paths->old);
	return result ? result : open_file(paths, size_r);
}

static int
append_line(const char *directory, const struct paths *paths, struct slice line)
{
	int64_t size = 0;
	int fd = open_with_room(paths, line.length, &size);
	int result;

	if (fd < 0)
		return fd;
	if (size == 0) {
		line.data++;
		line.length--;
	}
	result = disk_write(fd, line.data, line.length, (uint64_t)size);
	if (result == 0)
		result = disk_sync_file(fd);
	if (result == 0)
		result = disk_sync_directory(directory);
	disk_close(fd);
	return result;
}

int
history_append(const char *directory, const json_t *record)
{
	struct buffer line = {0};
	struct paths paths;
	int result = make_paths(directory, &paths);

	if (result == 0)
		result = make_line(record, &line);
	/* A journal makes it durable with what is made in it later. */
	if (result == 0)
		result = disk_make_directory(directory, 0700);
	if (result == 0)
		result = append_line(directory, &paths, buffer_slice(&line));
	buffer_close(&line);
	return result;
}

/* The end of the file, at most HISTORY_FILE_MAX bytes. */
static int
read_file(const char *path, struct buffer *text)
{
	int fd = disk_open(path, O_RDONLY, 0);
	int64_t size, begin;
	ssize_t n;

	if (fd < 0)
		return fd;
	size = disk_size(fd);
	if (size < 0) {
		disk_close(fd);
		return (int)size;
	}
	begin = size > (int64_t)HISTORY_FILE_MAX ? size - (int64_t)HISTORY_FILE_MAX : 0;
	n = disk_read(fd, buffer_extend(text, (size_t)(size - begin)), (size_t)(size - begin),
	    (uint64_t)begin);
	disk_close(fd);
	if (n < 0)
		return (int)n;
	text->length = (size_t)n;
	return 0;
}

/* Take the last line off. */
static struct slice
last_line(struct slice *text)
{
	const uint8_t *end = memrchr(text->data, '\n', text->length);
	size_t begin = end ? (size_t)(end - text->data) + 1 : 0;
	struct slice line = slice_from(text->data + begin, text->length - begin);

	text->length = end ? begin - 1 : 0;
	return line;
}

/* Append the records of text to records, the last first. False: there is room for no more. */
static bool
take_records(struct slice text, size_t max, size_t *left, json_t *records)
{
	while (text.length && json_array_size(records) < max) {
		struct slice line = last_line(&text);
		json_t *record;

		if (!line.length)
			continue;
		record = json_loadb((const char *)line.data, line.length, 0, NULL);
		if (!json_is_object(record)) {
			json_decref(record);
			continue;
		}
		if (line.length > *left) {
			json_decref(record);
			return false;
		}
		*left -= line.length;
		json_array_append_new(records, record);
	}
	return json_array_size(records) < max;
}

int
history_read(const char *directory, size_t max, json_t **records_r)
{
	size_t left = HISTORY_READ_MAX;
	json_t *records = json_array();
	bool has_room = true;
	struct paths paths;
	int result = make_paths(directory, &paths);
	const char *const files[] = {paths.file, paths.old};

	for (size_t i = 0; result == 0 && has_room && i < 2; i++) {
		struct buffer text = {0};

		result = read_file(files[i], &text);
		if (result == 0)
			has_room = take_records(buffer_slice(&text), max, &left, records);
		if (result == -ENOENT)
			result = 0;
		buffer_close(&text);
	}
	if (result) {
		json_decref(records);
		records = NULL;
	}
	*records_r = records;
	return result;
}
