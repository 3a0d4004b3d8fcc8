/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * content -- the bytes of a message: in a batch, or in a file of its own.
 *
 * The file of message ID is staging/content-ID; once the queue file owns the
 * message it is deferred/ID. A crash may fall between the COMMIT and the rename,
 * so whoever looks tries both, and staging/ is swept at replay: of the names
 * content-* those that nothing knows are dropped, or, if damage was found, moved to
 * quarantine/ under the same name. Other names there are not ours.
 */
#ifndef GEMEL_MAILCORE_SPOOL_CONTENT_H
#define GEMEL_MAILCORE_SPOOL_CONTENT_H

#include "mailcore/spool/record.h"
#include "mailcore/spool/segment.h"
#include "mailcore/spool/spool.h"

struct content {
	const char *directory; /* the store's */
	message_id id;
	const struct segment *segment; /* NULL: it is in a file */
	uint64_t offset;               /* in the segment */
	uint64_t length;
	const uint8_t *checks; /* see record.h */
};

void content_staging_path(const char *directory, message_id id, char out[SEGMENT_PATH_MAX]);
void content_quarantine_path(const char *directory, message_id id, char out[SEGMENT_PATH_MAX]);
void content_deferred_path(const char *directory, message_id id, char out[SEGMENT_PATH_MAX]);

/* Parse the name of an entry of staging/. False: it is not ours. */
bool content_name_parse(const char *name, message_id *id_r);

/* Open the file of a message for reading, wherever it is. -ENOENT: nowhere. */
int content_file_open(const char *directory, message_id id);

/* Copy length bytes at offset and check each block that they touch. -EBADMSG: damaged;
 * -ERANGE: beyond the end. */
int content_read(const struct content *content, uint64_t offset, void *out, size_t length);

/* Copy a content from its segment to staging/content-ID. Not synced. What is damaged is copied as
 * it is: the checksums go on to tell. */
int content_copy(const struct content *content);

#endif
