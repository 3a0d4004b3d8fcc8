/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/content.h"

#include "common/crc32c.h"
#include "common/disk.h"
#include "common/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STAGING_PREFIX "content-"

void
content_staging_path(const char *directory, message_id id, char out[SEGMENT_PATH_MAX])
{
	char text[MESSAGE_ID_TEXT];

	snprintf(out, SEGMENT_PATH_MAX, "%s/staging/" STAGING_PREFIX "%s", directory,
	    message_id_text(id, text));
}

void
content_quarantine_path(const char *directory, message_id id, char out[SEGMENT_PATH_MAX])
{
	char text[MESSAGE_ID_TEXT];

	snprintf(out, SEGMENT_PATH_MAX, "%s/quarantine/" STAGING_PREFIX "%s", directory,
	    message_id_text(id, text));
}

void
content_deferred_path(const char *directory, message_id id, char out[SEGMENT_PATH_MAX])
{
	char text[MESSAGE_ID_TEXT];

	snprintf(out, SEGMENT_PATH_MAX, "%s/deferred/%s", directory, message_id_text(id, text));
}

bool
content_name_parse(const char *name, message_id *id_r)
{
	char text[MESSAGE_ID_TEXT];
	uint64_t generation, number;

	if (strncmp(name, STAGING_PREFIX, strlen(STAGING_PREFIX)) != 0)
		return false;
	name += strlen(STAGING_PREFIX);
	if (sscanf(name, "%" SCNx64 "-%" SCNx64, &generation, &number) != 2)
		return false;
	*id_r = generation << 40 | number;
	return strcmp(message_id_text(*id_r, text), name) == 0;
}

int
content_file_open(const char *directory, message_id id)
{
	char staging[SEGMENT_PATH_MAX], deferred[SEGMENT_PATH_MAX];
	int fd;

	content_staging_path(directory, id, staging);
	content_deferred_path(directory, id, deferred);
	fd = disk_open(staging, O_RDONLY, 0);
	if (fd == -ENOENT)
		fd = disk_open(deferred, O_RDONLY, 0);
	/* It may have been renamed between the two looks, in either direction. */
	if (fd == -ENOENT)
		fd = disk_open(staging, O_RDONLY, 0);
	return fd;
}

static int
block_read(const struct content *content, int fd, uint64_t block, uint8_t *out)
{
	uint64_t start = block * RECORD_BLOCK;
	uint64_t left = content->length - start;
	size_t length = left < RECORD_BLOCK ? (size_t)left : RECORD_BLOCK;
	ssize_t got = disk_read(fd, out, length, (content->segment ? content->offset : 0) + start);

	if (got < 0)
		return (int)got;
	if ((size_t)got != length || crc32c(0, out, length) != get_u32(content->checks + 4 * block))
		return -EBADMSG;
	return 0;
}

static int
blocks_read(const struct content *content, int fd, uint64_t offset, uint8_t *out, size_t length)
{
	uint8_t *scratch = NULL;
	int result = 0;

	while (result == 0 && length) {
		uint64_t block = offset / RECORD_BLOCK;
		uint64_t left = content->length - block * RECORD_BLOCK;
		size_t whole = left < RECORD_BLOCK ? (size_t)left : RECORD_BLOCK;
		size_t skip = (size_t)(offset % RECORD_BLOCK);
		size_t part = whole - skip < length ? whole - skip : length;

		if (part == whole) {
			result = block_read(content, fd, block, out);
		} else {
			if (!scratch && !(scratch = malloc(RECORD_BLOCK)))
				abort();
			result = block_read(content, fd, block, scratch);
			if (result == 0)
				memcpy(out, scratch + skip, part);
		}
		offset += part;
		out += part;
		length -= part;
	}
	free(scratch);
	return result;
}

int
content_read(const struct content *content, uint64_t offset, void *out, size_t length)
{
	int fd, result;

	if (offset > content->length || length > content->length - offset)
		return -ERANGE;
	if (content->segment)
		return blocks_read(content, content->segment->fds[0], offset, out, length);
	fd = content_file_open(content->directory, content->id);
	if (fd < 0)
		return fd;
	result = blocks_read(content, fd, offset, out, length);
	disk_close(fd);
	return result;
}

int
content_copy(const struct content *content)
{
	char path[SEGMENT_PATH_MAX];
	uint8_t *block;
	int fd, result = 0;

	content_staging_path(content->directory, content->id, path);
	fd = disk_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return fd;
	block = calloc(1, RECORD_BLOCK);
	if (!block)
		abort();
	for (uint64_t at = 0; result == 0 && at < content->length; at += RECORD_BLOCK) {
		uint64_t left = content->length - at;

		result = block_read(content, content->segment->fds[0], at / RECORD_BLOCK, block);
		if (result == -EBADMSG)
			result = 0;
		if (result == 0)
			result = disk_write(
			    fd, block, left < RECORD_BLOCK ? (size_t)left : RECORD_BLOCK, at);
	}
	free(block);
	disk_close(fd);
	return result;
}
