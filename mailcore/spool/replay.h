/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay -- read the log from the mark to its end.
 *
 * First everything is synced: after a SIGKILL the page cache shows bytes that
 * no disk has. Then batches are read in the order of their numbers. Where one
 * is missing, the rest of the log decides: if a later batch says that it was
 * durable, it is damaged and goes into quarantine/ (records in it whose own
 * checksums hold still count); if none does, the log ends there.
 *
 * replay_scan() finds and opens the files; replay_read() reads.
 */
#ifndef GEMEL_MAILCORE_SPOOL_REPLAY_H
#define GEMEL_MAILCORE_SPOOL_REPLAY_H

#include "common/slice.h"
#include "mailcore/spool/record.h"
#include "mailcore/spool/segment.h"

/* What is in journal/. */
struct replay_files {
	struct segment **segments; /* by sequence */
	size_t segment_count;
	uint64_t *spares;
	size_t spare_count;
	uint64_t next_number; /* above all files */
	uint64_t generation;  /* the highest in a header */
};

struct replay_events {
	void *context;
	/* A record that is good, in the order of the log. The batch's body begins at body_offset in
	 * segment. False: it makes no sense; it goes into quarantine. */
	bool (*record)(void *context, const struct record *record, const struct position *batch,
	    struct segment *segment, uint64_t body_offset);
	/* Bytes were put aside, or could not even be. */
	void (*damaged)(void *context, const char *reason);
};

/*
 * Make the directories that are missing, sync all that is there, remove unfinished files, open the
 * segments. A segment whose header is lost is moved to quarantine/. Returns 0, or -errno with a
 * sentence.
 */
int replay_scan(const char *directory, const struct replay_events *events,
    struct replay_files *files, char error[256]);

/* Read from mark on. *end_r: where the log ends; batch in it is the number of the next one. */
void replay_read(const char *directory, struct replay_files *files, const struct position *mark,
    const struct replay_events *events, struct position *end_r);

/* Closes the segments that were not taken out (set to NULL). */
void replay_files_close(struct replay_files *files);

#endif
