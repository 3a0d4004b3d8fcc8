/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/segment.h"

#include "common/crc32c.h"
#include "common/disk.h"
#include "mailcore/spool/batch.h"
#include "common/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define HEADER_MAGIC 0x3147455344454d47u /* "GMEDSEG1" */
#define MARK_MAGIC 0x314b52414d444d47u   /* "GMDMARK1" */
#define HEADER_BYTES 4096u
#define MARKS_OFFSET (2u * HEADER_BYTES)
#define MARK_BYTES 512u
#define MARK_USED 24u

void
segment_path(const char *directory, const char *kind, uint64_t number, char out[SEGMENT_PATH_MAX])
{
	snprintf(out, SEGMENT_PATH_MAX, "%s/journal/%s-%016" PRIx64, directory, kind, number);
}

bool
segment_name_parse(const char *name, const char *kind, uint64_t *number_r)
{
	size_t length = strlen(kind);
	char *end;

	if (strncmp(name, kind, length) != 0 || name[length] != '-' ||
	    strlen(name + length + 1) != 16 || strspn(name + length + 1, "0123456789abcdef") != 16)
		return false;
	*number_r = strtoull(name + length + 1, &end, 16);
	return true;
}

int
segment_file_create(const char *directory, uint64_t number, uint64_t size)
{
	char path[SEGMENT_PATH_MAX];
	int fd, result;

	segment_path(directory, "new", number, path);
	fd = disk_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return fd;
	result = disk_allocate(fd, size);
	disk_close(fd);
	if (result < 0)
		disk_unlink(path);
	return result;
}

int64_t
segment_file_size(const char *directory, const char *kind, uint64_t number)
{
	char path[SEGMENT_PATH_MAX];
	int64_t size;
	int fd;

	segment_path(directory, kind, number, path);
	fd = disk_open(path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	size = disk_size(fd);
	disk_close(fd);
	return size;
}

static void
header_encode(const struct segment_header *header, uint8_t out[HEADER_BYTES])
{
	memset(out, 0, HEADER_BYTES);
	put_u64(out, HEADER_MAGIC);
	put_u64(out + 8, header->sequence);
	put_u64(out + 16, header->salt);
	put_u64(out + 24, header->generation);
	put_u64(out + 32, header->size);
	put_u64(out + 40, header->prior.segment);
	put_u64(out + 48, header->prior.offset);
	put_u64(out + 56, header->prior.batch);
	put_u32(out + 64, crc32c(0, out, 64));
}

static bool
header_decode(const uint8_t *in, uint64_t sequence, struct segment_header *header)
{
	if (get_u64(in) != HEADER_MAGIC || get_u32(in + 64) != crc32c(0, in, 64) ||
	    get_u64(in + 8) != sequence)
		return false;
	*header = (struct segment_header){
	    .sequence = sequence,
	    .salt = get_u64(in + 16),
	    .generation = get_u64(in + 24),
	    .size = get_u64(in + 32),
	    .prior = {get_u64(in + 40), get_u64(in + 48), get_u64(in + 56)},
	};
	return header->size >= SEGMENT_BYTES_MIN;
}

static void
mark_encode(uint64_t salt, uint32_t stride, uint8_t out[MARK_BYTES])
{
	memset(out, 0, MARK_BYTES);
	put_u64(out, MARK_MAGIC);
	put_u64(out + 8, salt);
	put_u32(out + 16, stride);
	put_u32(out + 20, crc32c(0, out, 20));
}

static bool
mark_is_set(const uint8_t *in, uint64_t salt, uint32_t stride)
{
	uint8_t want[MARK_BYTES];

	mark_encode(salt, stride, want);
	return memcmp(in, want, MARK_USED) == 0;
}

static struct segment *
segment_new(const struct segment_header *header)
{
	struct segment *segment = calloc(1, sizeof(*segment));

	if (!segment)
		abort();
	segment->header = *header;
	segment->limit = header->size;
	segment->fds[0] = segment->fds[1] = -1;
	return segment;
}

static int
segment_open_files(struct segment *segment, const char *path)
{
	for (int i = 0; i < 2; i++) {
		segment->fds[i] = disk_open(path, O_RDWR, 0);
		if (segment->fds[i] < 0)
			return segment->fds[i];
	}
	return 0;
}

/* Both copies go out and are synced under the old name: a file called segment-* has always a
 * header. */
static int
header_write(const char *path, const struct segment_header *header)
{
	uint8_t block[2 * HEADER_BYTES];
	int fd = disk_open(path, O_RDWR, 0);
	int result;

	if (fd < 0)
		return fd;
	header_encode(header, block);
	memcpy(block + HEADER_BYTES, block, HEADER_BYTES);
	result = disk_write(fd, block, sizeof(block), 0);
	if (result == 0)
		result = disk_sync_file(fd);
	disk_close(fd);
	return result;
}

int
segment_begin(const char *directory, const char *kind, uint64_t number,
    const struct segment_header *header, struct segment **segment_r)
{
	char from[SEGMENT_PATH_MAX], to[SEGMENT_PATH_MAX], journal[SEGMENT_PATH_MAX];
	struct segment_header salted = *header;
	struct segment *segment;
	int result;

	*segment_r = NULL;
	if (getrandom(&salted.salt, sizeof(salted.salt), 0) != sizeof(salted.salt))
		return -EIO;
	segment_path(directory, kind, number, from);
	segment_path(directory, "segment", header->sequence, to);
	snprintf(journal, sizeof(journal), "%s/journal", directory);
	result = header_write(from, &salted);
	if (result == 0)
		result = disk_rename(from, to);
	if (result == 0)
		result = disk_sync_directory(journal);
	if (result < 0)
		return result;
	segment = segment_new(&salted);
	result = segment_open_files(segment, to);
	if (result < 0)
		segment_close(&segment);
	*segment_r = segment;
	return result;
}

int
segment_salvage(int fd, void *out, size_t length, uint64_t offset)
{
	uint8_t *at = out;
	int result = 0;

	memset(out, 0, length);
	if (disk_read(fd, out, length, offset) >= 0)
		return 0;
	while (length) {
		size_t page = BATCH_ALIGNMENT - (size_t)(offset % BATCH_ALIGNMENT);
		size_t part = length < page ? length : page;
		ssize_t got = disk_read(fd, at, part, offset);

		if (got < 0) {
			memset(at, 0, part);
			result = (int)got;
		}
		at += part;
		offset += part;
		length -= part;
	}
	return result;
}

/* The head of the file: two headers and the marks. If neither header can be read the disk may be
 * to blame, and another node may have a better one: that is not yet damage. */
static int
segment_read_head(
    const char *path, uint64_t sequence, uint8_t head[SEGMENT_DATA], struct segment_header *header)
{
	int fd = disk_open(path, O_RDONLY, 0);
	int result;

	if (fd < 0)
		return fd;
	result = segment_salvage(fd, head, SEGMENT_DATA, 0);
	disk_close(fd);
	if (header_decode(head, sequence, header) ||
	    header_decode(head + HEADER_BYTES, sequence, header))
		return 0;
	return result < 0 ? result : -EBADMSG;
}

int
segment_open(const char *directory, uint64_t sequence, struct segment **segment_r)
{
	char path[SEGMENT_PATH_MAX];
	struct segment_header header;
	struct segment *segment;
	uint8_t head[SEGMENT_DATA];
	int result;

	*segment_r = NULL;
	segment_path(directory, "segment", sequence, path);
	result = segment_read_head(path, sequence, head, &header);
	if (result < 0)
		return result;
	segment = segment_new(&header);
	for (uint32_t i = 0; i < SEGMENT_STRIDES; i++)
		if (mark_is_set(head + MARKS_OFFSET + i * MARK_BYTES, header.salt, i))
			segment->last_stride = i;
	result = segment_open_files(segment, path);
	if (result < 0)
		segment_close(&segment);
	*segment_r = segment;
	return result;
}

int
segment_write(const struct segment *segment, unsigned lane, uint64_t offset, const void *data,
    size_t length, bool with_mark)
{
	if (with_mark) {
		uint32_t stride = segment_stride(segment, offset);
		uint8_t mark[MARK_BYTES];
		int result;

		mark_encode(segment->header.salt, stride, mark);
		result = disk_write(
		    segment->fds[lane], mark, sizeof(mark), MARKS_OFFSET + stride * MARK_BYTES);
		if (result < 0)
			return result;
	}
	return disk_write(segment->fds[lane], data, length, offset);
}

uint32_t
segment_stride(const struct segment *segment, uint64_t offset)
{
	return (uint32_t)(offset / (segment->header.size / SEGMENT_STRIDES));
}

void
segment_close(struct segment **segment_p)
{
	struct segment *segment = *segment_p;

	*segment_p = NULL;
	if (!segment)
		return;
	for (int i = 0; i < 2; i++)
		if (segment->fds[i] >= 0)
			disk_close(segment->fds[i]);
	free(segment);
}
