/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/quarantine.h"

#include "common/disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE (1024u * 1024u)

static int
range_copy(const struct segment *segment, uint64_t offset, uint64_t length, const char *path)
{
	int fd = disk_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	uint8_t *piece = malloc(PIECE);
	int result = fd < 0 ? fd : 0;

	if (!piece)
		abort();
	for (uint64_t at = 0; result == 0 && at < length; at += PIECE) {
		size_t part = length - at < PIECE ? (size_t)(length - at) : PIECE;

		/* What cannot be read leaves a hole. */
		segment_salvage(segment->fds[0], piece, part, offset + at);
		result = disk_write(fd, piece, part, at);
	}
	if (result == 0)
		result = disk_sync_file(fd);
	if (fd >= 0)
		disk_close(fd);
	free(piece);
	return result;
}

void
quarantine_range(const char *directory, const struct segment *segment, uint64_t offset,
    uint64_t length, char reason[QUARANTINE_REASON_MAX])
{
	char name[80], path[SEGMENT_PATH_MAX];
	uint64_t sequence = segment->header.sequence;
	int result;

	snprintf(name, sizeof(name), "segment-%016" PRIx64 "-%" PRIu64 "-%" PRIu64, sequence,
	    offset, length);
	snprintf(path, sizeof(path), "%s/quarantine", directory);
	result = disk_make_directory(path, 0700);
	snprintf(path, sizeof(path), "%s/quarantine/%s", directory, name);
	if (result == 0)
		result = range_copy(segment, offset, length, path);
	snprintf(path, sizeof(path), "%s/quarantine", directory);
	if (result == 0)
		result = disk_sync_directory(path);
	snprintf(reason, QUARANTINE_REASON_MAX,
	    "spool: damaged mail data in journal segment %" PRIx64 ", offset %" PRIu64
	    ", length %" PRIu64 "%s%s; what was accepted there may be lost",
	    sequence, offset, length,
	    result == 0 ? ": put aside as quarantine/" : ": cannot be put aside: ",
	    result == 0 ? name : strerror(-result));
}

int
quarantine_segment(const char *directory, uint64_t sequence, char reason[QUARANTINE_REASON_MAX])
{
	char from[SEGMENT_PATH_MAX], to[SEGMENT_PATH_MAX], folder[SEGMENT_PATH_MAX];
	int result;

	snprintf(folder, sizeof(folder), "%s/quarantine", directory);
	segment_path(directory, "segment", sequence, from);
	snprintf(to, sizeof(to), "%.400s/segment-%016" PRIx64, folder, sequence);
	result = disk_rename(from, to);
	if (result == 0)
		result = disk_sync_directory(folder);
	snprintf(reason, QUARANTINE_REASON_MAX,
	    "spool: the header of journal segment %" PRIx64
	    " is damaged: moved to quarantine/segment-%016" PRIx64
	    "; what was accepted there may be lost",
	    sequence, sequence);
	return result;
}
