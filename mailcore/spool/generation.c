/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/generation.h"

#include "common/disk.h"
#include "mailcore/spool/segment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
generation_read(const char *path, uint64_t *generation_r)
{
	char text[32] = "";
	int fd = disk_open(path, O_RDONLY, 0);
	ssize_t got;
	char *end;

	*generation_r = 0;
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	got = disk_read(fd, text, sizeof(text) - 1, 0);
	disk_close(fd);
	if (got < 0)
		return (int)got;
	*generation_r = strtoull(text, &end, 10);
	return end != text && strcmp(end, "\n") == 0 ? 0 : -EBADMSG;
}

/* What the file had is written over: its block is there even when the disk is full. */
static int
number_write(const char *path, uint64_t number)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%" PRIu64 "\n", number);
	int fd = disk_open(path, O_WRONLY | O_CREAT, 0644), result;

	if (fd < 0)
		return fd;
	result = disk_write(fd, text, (size_t)length, 0);
	if (result == 0)
		result = disk_truncate(fd, (uint64_t)length);
	if (result == 0)
		result = disk_sync_file(fd);
	disk_close(fd);
	return result;
}

/* Two files that change places, since a new one would need space. */
static int
generation_write(const char *directory, const char *path, uint64_t generation)
{
	char other[SEGMENT_PATH_MAX];
	int result;

	snprintf(other, sizeof(other), "%s/generation.new", directory);
	result = number_write(other, generation);
	if (result == 0)
		result = disk_exchange(other, path);
	if (result == -ENOENT || result == -EINVAL) {
		/* The first of all, or the file system cannot do it. */
		result = disk_rename(other, path);
		if (result == 0)
			result = number_write(other, generation);
	}
	return result == 0 ? disk_sync_directory(directory) : result;
}

int
generation_raise(const char *directory, uint64_t at_least, uint64_t *generation_r)
{
	char path[SEGMENT_PATH_MAX];
	uint64_t generation;
	bool is_damaged;
	int result;

	snprintf(path, sizeof(path), "%s/generation", directory);
	result = generation_read(path, &generation);
	is_damaged = result == -EBADMSG && at_least > 0;
	if (is_damaged)
		generation = 0;
	else if (result < 0)
		return result;
	generation = (generation > at_least ? generation : at_least) + 1;
	if (generation > GENERATION_MAX)
		return -ERANGE;
	*generation_r = generation;
	result = generation_write(directory, path, generation);
	return result < 0 ? result : is_damaged;
}
