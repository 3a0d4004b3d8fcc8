/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/stage.h"

#include "common/crc32c.h"
#include "common/disk.h"
#include "common/bytes.h"

#include <stdlib.h>

int
stage_open(const char *directory, message_id id, struct spool_stage **stage_r)
{
	char path[SEGMENT_PATH_MAX];
	struct spool_stage *stage;
	int fd;

	*stage_r = NULL;
	content_staging_path(directory, id, path);
	fd = disk_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return fd;
	stage = calloc(1, sizeof(*stage));
	if (!stage)
		abort();
	stage->path = strdup(path);
	if (!stage->path)
		abort();
	stage->id = id;
	stage->fd = fd;
	*stage_r = stage;
	return 0;
}

static void
stage_end_block(struct spool_stage *stage)
{
	put_u32(buffer_extend(&stage->checks, 4), stage->running);
	stage->running = 0;
}

int
stage_append(struct spool_stage *stage, struct slice bytes)
{
	int result = disk_write(stage->fd, bytes.data, bytes.length, stage->length);

	if (result < 0)
		return result;
	while (bytes.length) {
		size_t room = RECORD_BLOCK - (size_t)(stage->length % RECORD_BLOCK);
		size_t part = bytes.length < room ? bytes.length : room;

		stage->running = crc32c(stage->running, bytes.data, part);
		stage->length += part;
		bytes = slice_from(bytes.data + part, bytes.length - part);
		if (part == room)
			stage_end_block(stage);
	}
	return 0;
}

const uint8_t *
stage_checks(struct spool_stage *stage)
{
	if (stage->length % RECORD_BLOCK)
		stage_end_block(stage);
	return stage->checks.data;
}

int
stage_release(struct spool_stage **stage_p)
{
	struct spool_stage *stage = *stage_p;
	int fd = stage->fd;

	*stage_p = NULL;
	buffer_close(&stage->checks);
	free(stage->path);
	free(stage);
	return fd;
}

void
stage_drop(struct spool_stage **stage_p)
{
	struct spool_stage *stage = *stage_p;

	if (!stage)
		return;
	disk_unlink(stage->path);
	disk_close(stage_release(stage_p));
}
