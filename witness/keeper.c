/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness/keeper.h"

#include "common/disk.h"
#include "witness/row.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct kept {
	char pair[PAIR_NAME_MAX + 1];
	struct register_row row; /* what the disk has for certain */
};

struct keeper {
	char directory[KEEPER_PATH_MAX - PAIR_NAME_MAX - 16];
	bool has_failed;
	size_t count;
	struct kept pairs[KEEPER_PAIRS_MAX];
};

int
keeper_open(const char *directory, struct keeper **keeper_r)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	int result = disk_exists(directory);

	if (!keeper)
		abort();
	if (result == 0)
		result = -ENOENT;
	if (!slice_to_string(slice_of(directory), keeper->directory, sizeof(keeper->directory)))
		result = -ENAMETOOLONG;
	if (result < 0) {
		free(keeper);
		return result;
	}
	*keeper_r = keeper;
	return 0;
}

void
keeper_path(const struct keeper *keeper, const char *pair, char path_r[KEEPER_PATH_MAX])
{
	snprintf(path_r, KEEPER_PATH_MAX, "%s/%s.register", keeper->directory, pair);
}

static int
write_file(struct keeper *keeper, const char *path, const void *bytes, size_t length)
{
	int result, fd = disk_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return fd;
	result = disk_write(fd, bytes, length, 0);
	if (result == 0) {
		result = disk_sync_file(fd);
		keeper->has_failed = result != 0;
	}
	disk_close(fd);
	return result;
}

/* Make row durable. A write that fails has touched only what nobody reads. */
static int
store(struct keeper *keeper, const char *pair, const struct register_row *row)
{
	char path[KEEPER_PATH_MAX], fresh[KEEPER_PATH_MAX];
	uint8_t bytes[ROW_BYTES];
	int result;

	keeper_path(keeper, pair, path);
	snprintf(fresh, sizeof(fresh), "%s/%s.new", keeper->directory, pair);
	row_encode(pair, row, bytes);
	result = write_file(keeper, fresh, bytes, sizeof(bytes));
	if (result)
		return result;
	result = disk_rename(fresh, path);
	if (result == 0)
		result = disk_sync_directory(keeper->directory);
	keeper->has_failed = result != 0;
	return result;
}

/* 1: *row_r is what the file says; 0: there is none; -errno. */
static int
load(const struct keeper *keeper, const char *pair, struct register_row *row_r)
{
	char path[KEEPER_PATH_MAX];
	uint8_t bytes[ROW_BYTES + 1];
	ssize_t got;
	int fd;

	*row_r = (struct register_row){0};
	keeper_path(keeper, pair, path);
	fd = disk_open(path, O_RDONLY, 0);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	got = disk_read(fd, bytes, sizeof(bytes), 0);
	disk_close(fd);
	if (got < 0)
		return (int)got;
	return row_decode(slice_from(bytes, (size_t)got), pair, row_r) ? 1 : -EBADMSG;
}

/* The pair's row, which is durable. */
static int
find(struct keeper *keeper, const char *pair, struct kept **kept_r)
{
	struct register_row row;
	int result;

	for (size_t i = 0; i < keeper->count; i++)
		if (strcmp(keeper->pairs[i].pair, pair) == 0) {
			*kept_r = &keeper->pairs[i];
			return 0;
		}
	if (keeper->count == KEEPER_PAIRS_MAX)
		return -EMFILE;
	result = load(keeper, pair, &row);
	if (result > 0)
		result = store(keeper, pair, &row);
	if (result < 0)
		return result;
	*kept_r = &keeper->pairs[keeper->count++];
	**kept_r = (struct kept){.row = row};
	strcpy((*kept_r)->pair, pair);
	return 0;
}

int
keeper_apply(struct keeper *keeper, const char *pair, const struct register_ask *ask,
    enum register_verdict *verdict_r, struct register_row *row_r)
{
	struct register_ask real = *ask;
	struct register_row row;
	enum register_verdict verdict;
	struct kept *kept = NULL;
	int result;

	assert(asker_is_pair_name(slice_of(pair)));
	*verdict_r = REGISTER_MALFORMED;
	*row_r = (struct register_row){0};
	if (keeper->has_failed)
		return -EIO;
	result = find(keeper, pair, &kept);
	if (result)
		return result;
	if (ask->verb == REGISTER_CREATE &&
	    getrandom(real.uuid.bytes, ID128_BYTES, 0) != ID128_BYTES)
		return -EAGAIN;
	row = kept->row;
	verdict = register_apply(&row, &real);
	if (verdict == REGISTER_CHANGED)
		result = store(keeper, pair, &row);
	if (result)
		return result;
	kept->row = row;
	*verdict_r = verdict;
	*row_r = row;
	return 0;
}

bool
keeper_has_failed(const struct keeper *keeper)
{
	return keeper->has_failed;
}

void
keeper_close(struct keeper **keeper)
{
	free(*keeper);
	*keeper = NULL;
}
