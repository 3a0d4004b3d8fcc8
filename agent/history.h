/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history -- the record of proofs: on what grounds this node said that its peer had stopped.
 *
 * One JSON object a line, in the file "fence-history" of a directory that only root may read. A
 * record is durable when history_append() has returned 0. The other way round does not hold: after
 * an error, or a crash in between, a record may be there whose success nobody was told.
 *
 * What a crash or a failed write leaves is a line that is no object: it is skipped. Each record
 * brings a line end before it too, so nothing that stands there can spoil it. From
 * HISTORY_FILE_MAX on a new file is begun; of the old ones the last is kept, with ".1" behind its
 * name.
 *
 * Both calls wait for the disk. They keep no state, so they may run on any thread, one append at
 * a time.
 */
#ifndef GEMEL_AGENT_HISTORY_H
#define GEMEL_AGENT_HISTORY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_DIRECTORY "/var/lib/gemel"

/* In bytes: of a file, of one record, and of what is read at once (it fits into an answer of
 * control.h). */
#define HISTORY_FILE_MAX (1024u * 1024)
#define HISTORY_RECORD_MAX (16u * 1024)
#define HISTORY_READ_MAX (48u * 1024)

/* What a record says; the names of its fields are in gemel(1). Borrowed but for evidence. */
struct history_entry {
	uint64_t at_ms, asked_at_ms; /* when it was proved, and asked for: since 1970 */
	uint32_t took_ms;
	const char *target; /* the node that was fenced */
	const char *life;   /* of it, that has ended; empty: not known */
	const char *action; /* "off", "reboot" */
	const char *proof;  /* as fence_gemel knows it */
	const char *by;     /* this node */
	json_t *evidence;   /* an object, taken; NULL: none */
};

/* The record, owned by the caller. */
json_t *history_record(const struct history_entry *entry);

/* Write it durably; the directory is made if there is none. 0; -EMSGSIZE: larger than
 * HISTORY_RECORD_MAX; -EINVAL: it is no object that can be written; -errno. */
int history_append(const char *directory, const json_t *record);

/* The newest records, at most max and HISTORY_READ_MAX bytes of them, newest first, as an array
 * owned by the caller. 0, also when there are none; -errno: *records_r is NULL. */
int history_read(const char *directory, size_t max, json_t **records_r);

#endif
