/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segment -- the files that batches are written to.
 *
 * A file of the directory journal/ is, by its name,
 *   segment-SEQUENCE  in use, its header valid and synced before it got this name
 *   spare-NUMBER      allocated and ready for use; what it holds has no meaning
 *   new-NUMBER        on its way to be a spare; left by a crash it is removed
 *
 * Layout of a segment:
 *   0       header
 *   4096    the same header again: one bad sector must not cost 64 MiB of mail
 *   8192    64 stride marks of one sector each
 *   40960   batches
 *
 * A stride is a 64th of the segment. With the first batch that begins in a
 * stride its mark is written, made durable by the same sync. So after a crash
 * the marks say how far batches may reach, and the search for a batch behind an
 * unreadable place reads one stride more and not the whole file.
 *
 * The salt is in the header, in each mark and in each batch, and new for every
 * use. The first segment of a generation says in its header where the log of
 * the generations before ended (prior_*): what lies between there and here was
 * never acknowledged and is not read again.
 */
#ifndef GEMEL_MAILCORE_SPOOL_SEGMENT_H
#define GEMEL_MAILCORE_SPOOL_SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_STRIDES 64u
#define SEGMENT_DATA 40960u
/* Less would not hold a useful batch. */
#define SEGMENT_BYTES_MIN (128u * 1024u)
#define SEGMENT_PATH_MAX 512

/* Where something is in the log: the batch that begins here has this number. */
struct position {
	uint64_t segment; /* sequence; 0: nowhere */
	uint64_t offset;
	uint64_t batch;
};

struct segment_header {
	uint64_t sequence;
	uint64_t salt;
	uint64_t generation;
	uint64_t size;
	/* Where the log ended before this generation, if this is its first segment; else batch is
	 * 0. */
	struct position prior;
};

struct segment {
	struct segment_header header;
	int fds[2];           /* two descriptions: each reports a write error for itself */
	uint64_t limit;       /* batches before this offset are part of the log */
	uint32_t last_stride; /* the highest that is marked */
	atomic_uint readers;  /* threads that are copying from it */
	struct segment *next;
};

/* journal/KIND-NUMBER under directory. */
void
segment_path(const char *directory, const char *kind, uint64_t number, char out[SEGMENT_PATH_MAX]);

/* Parse the name of an entry of journal/. False: it is not of this kind. */
bool segment_name_parse(const char *name, const char *kind, uint64_t *number_r);

/* Make new-NUMBER of size bytes with its blocks reserved. */
int segment_file_create(const char *directory, uint64_t number, uint64_t size);

/* Length of such a file, or -errno. */
int64_t segment_file_size(const char *directory, const char *kind, uint64_t number);

/*
 * Turn a file of the given kind into the segment that header describes: header with a fresh salt,
 * sync, rename, sync of the directory, in this order. Returns 0 with *segment_r owned.
 */
int segment_begin(const char *directory, const char *kind, uint64_t number,
    const struct segment_header *header, struct segment **segment_r);

/* Open a segment that is there. -EBADMSG: neither copy of the header is right. */
int segment_open(const char *directory, uint64_t sequence, struct segment **segment_r);

/* Write a batch, through the description of lane (0 or 1), and the stride's mark before it when
 * with_mark. */
int segment_write(const struct segment *segment, unsigned lane, uint64_t offset, const void *data,
    size_t length, bool with_mark);

/* Read all that can be read of a place that is damaged: a page that cannot is zeros. Returns 0 or
 * the last error. */
int segment_salvage(int fd, void *out, size_t length, uint64_t offset);

uint32_t segment_stride(const struct segment *segment, uint64_t offset);

/* Closes its files. Takes NULL. */
void segment_close(struct segment **segment);

#endif
