/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/disk-partition.h"

#include "common/disk.h"

#include <errno.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

/* Explain, and hand the error on. */
__attribute__((format(printf, 3, 4))) static int
fail(char why[DISK_PARTITION_WHY_BYTES], int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, DISK_PARTITION_WHY_BYTES, format, args);
	va_end(args);
	return error;
}

static int
read_block(int fd, uint64_t offset, uint8_t block[DISK_BLOCK_BYTES])
{
	ssize_t got = disk_read(fd, block, DISK_BLOCK_BYTES, offset);

	if (got < 0)
		return (int)got;
	return got == DISK_BLOCK_BYTES ? 0 : -ENXIO;
}

static int
write_block(int fd, uint64_t offset, const uint8_t block[DISK_BLOCK_BYTES])
{
	alignas(DISK_BLOCK_BYTES) uint8_t again[DISK_BLOCK_BYTES];
	int result = disk_write(fd, block, DISK_BLOCK_BYTES, offset);

	if (result == 0)
		result = read_block(fd, offset, again);
	if (result == 0 && memcmp(block, again, DISK_BLOCK_BYTES) != 0)
		result = -EBADMSG;
	return result;
}

static uint64_t
slot_offset(const struct disk_slot *slot)
{
	return (uint64_t)disk_slot_block(slot) * DISK_BLOCK_BYTES;
}

int
disk_partition_write_slot(int fd, const struct disk_slot *slot, const struct disk_record *record)
{
	alignas(DISK_BLOCK_BYTES) uint8_t block[DISK_BLOCK_BYTES];

	disk_slot_encode(slot, record, block);
	return write_block(fd, slot_offset(slot), block);
}

int
disk_partition_read_slot(int fd, const struct disk_slot *slot, struct disk_record *record_r,
    enum disk_slot_fault *fault_r)
{
	alignas(DISK_BLOCK_BYTES) uint8_t block[DISK_BLOCK_BYTES];
	int result = read_block(fd, slot_offset(slot), block);

	*record_r = (struct disk_record){0};
	if (result == 0)
		*fault_r = disk_slot_decode(slot, block, record_r);
	return result;
}

static int
check_header(int fd, const char *path, uint64_t pair, char *why)
{
	const struct disk_slot header = {DISK_HEADER, 0, pair};
	struct disk_record record;
	enum disk_slot_fault fault;
	int result = disk_partition_read_slot(fd, &header, &record, &fault);

	if (result < 0)
		return fail(why, result, "The slots partition %s can't be read: %s.", path,
		    strerror(-result));
	if (fault != DISK_SLOT_OK)
		return fail(why, -EPROTO,
		    "The slots partition %s %s; name the right one, or format it for this pair.",
		    path, disk_slot_fault_text(fault));
	return 0;
}

int
disk_partition_open(const char *path, int flags, uint64_t pair, char why[DISK_PARTITION_WHY_BYTES])
{
	int fd = disk_open(path, flags | O_DIRECT, 0), result;

	*why = '\0';
	if (fd < 0)
		return fail(
		    why, fd, "The slots partition %s can't be opened: %s.", path, strerror(-fd));
	result = check_header(fd, path, pair, why);
	if (result == 0)
		return fd;
	disk_close(fd);
	return result;
}

int
disk_partition_poison(const char *path, uint64_t pair, uint8_t node, const struct id128 *life,
    uint64_t wall_ms, char why[DISK_PARTITION_WHY_BYTES])
{
	const struct disk_slot slot = {DISK_POISON, node, pair};
	const struct disk_record record = {.life = *life, .wall_ms = wall_ms};
	int fd = disk_partition_open(path, O_RDWR | O_DSYNC, pair, why), result;

	if (fd < 0)
		return fd;
	result = disk_partition_write_slot(fd, &slot, &record);
	disk_close(fd);
	if (result == -EBADMSG)
		return fail(why, result,
		    "The poison for node %u was written to %s, and something else was read back.",
		    node, path);
	if (result < 0)
		return fail(why, result,
		    "The poison for node %u can't be written to %s and read back: %s.", node, path,
		    strerror(-result));
	return 0;
}

int
disk_partition_read_poison(const char *path, uint64_t pair, uint8_t node,
    struct disk_record *record_r, char why[DISK_PARTITION_WHY_BYTES])
{
	const struct disk_slot slot = {DISK_POISON, node, pair};
	int fd = disk_partition_open(path, O_RDONLY, pair, why), result;
	enum disk_slot_fault fault;

	*record_r = (struct disk_record){0};
	if (fd < 0)
		return fd;
	result = disk_partition_read_slot(fd, &slot, record_r, &fault);
	disk_close(fd);
	if (result < 0)
		return fail(why, result, "The poison slot of node %u on %s can't be read: %s.",
		    node, path, strerror(-result));
	if (fault == DISK_SLOT_EMPTY || fault == DISK_SLOT_OK)
		return fault == DISK_SLOT_OK;
	return fail(why, -EPROTO, "The poison slot of node %u on %s %s.", node, path,
	    disk_slot_fault_text(fault));
}

/* -- formatting -- */

/* 0: only zeros in the blocks from offset up to end; -EEXIST: something else; -errno. */
static int
check_zero(int fd, uint64_t offset, uint64_t end)
{
	alignas(DISK_BLOCK_BYTES) uint8_t block[DISK_BLOCK_BYTES];

	for (; offset + DISK_BLOCK_BYTES <= end; offset += DISK_BLOCK_BYTES) {
		int result = read_block(fd, offset, block);

		if (result < 0)
			return result;
		if (!disk_block_is_zero(block))
			return -EEXIST;
	}
	return 0;
}

static int
check_unused(int fd, uint64_t size)
{
	uint64_t end = size / DISK_BLOCK_BYTES * DISK_BLOCK_BYTES;
	uint64_t head = end < DISK_PARTITION_ENDS_BYTES ? end : DISK_PARTITION_ENDS_BYTES;
	uint64_t tail =
	    end - head < DISK_PARTITION_ENDS_BYTES ? head : end - DISK_PARTITION_ENDS_BYTES;
	int result = check_zero(fd, 0, head);

	return result ? result : check_zero(fd, tail, end);
}

/* The header comes last: without it the partition is nobody's. */
static int
write_layout(int fd, uint64_t pair)
{
	static const alignas(DISK_BLOCK_BYTES) uint8_t zeros[DISK_BLOCK_BYTES];
	const struct disk_slot header = {DISK_HEADER, 0, pair};
	const struct disk_record nothing = {0};
	int result = 0;

	for (uint64_t i = 0; i < DISK_BLOCKS && result == 0; i++)
		result = write_block(fd, i * DISK_BLOCK_BYTES, zeros);
	return result ? result : disk_partition_write_slot(fd, &header, &nothing);
}

static int
format_open(int fd, uint64_t pair, bool is_forced)
{
	const struct disk_slot header = {DISK_HEADER, 0, pair};
	int64_t size = disk_size(fd);
	struct disk_record record;
	enum disk_slot_fault fault;
	int result;

	if (size < 0)
		return (int)size;
	if (size < DISK_BLOCKS * DISK_BLOCK_BYTES)
		return -ENOSPC;
	if (!is_forced) {
		result = disk_partition_read_slot(fd, &header, &record, &fault);
		if (result < 0 || fault == DISK_SLOT_OK)
			return result;
		result = check_unused(fd, (uint64_t)size);
		if (result < 0)
			return result;
	}
	return write_layout(fd, pair);
}

static int
format_fail(const char *path, int error, char *why)
{
	if (error == -EEXIST)
		return fail(why, error,
		    "%s holds something that is not this pair's slots; name an unused partition, "
		    "or force it if nothing there is needed.",
		    path);
	if (error == -EBUSY)
		return fail(why, error,
		    "%s is in use, mounted or part of a volume; name an unused partition.", path);
	if (error == -ENOSPC)
		return fail(why, error, "%s is too small for slots; %d KiB are needed.", path,
		    DISK_BLOCKS * DISK_BLOCK_BYTES / 1024);
	if (error == -EBADMSG)
		return fail(why, error,
		    "%s reads something else than was written to it; its disk can't hold slots.",
		    path);
	return fail(why, error, "%s can't be formatted for slots: %s.", path, strerror(-error));
}

int
disk_partition_format(
    const char *path, uint64_t pair, bool is_forced, char why[DISK_PARTITION_WHY_BYTES])
{
	/* Without O_CREAT, O_EXCL means for a block device that nobody else has it. */
	int fd = disk_open(path, O_RDWR | O_DIRECT | O_DSYNC | O_EXCL, 0), result = fd;

	*why = '\0';
	if (fd >= 0) {
		result = format_open(fd, pair, is_forced);
		disk_close(fd);
	}
	return result < 0 ? format_fail(path, result, why) : 0;
}
