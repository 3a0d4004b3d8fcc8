/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stage -- large content on its way to a file.
 *
 * Bytes go to staging/content-ID at once; what stays in memory is a checksum
 * for each block. The content that comes with the commit is appended too, so
 * that a message is either all in its record or all in its file.
 */
#ifndef GEMEL_MAILCORE_SPOOL_STAGE_H
#define GEMEL_MAILCORE_SPOOL_STAGE_H

#include "mailcore/spool/content.h"

/* Behind struct spool_stage of spool.h. */
struct spool_stage {
	char *path;
	message_id id;
	int fd;
	uint64_t length;
	uint32_t running;     /* checksum of the block that is not full yet */
	struct buffer checks; /* little endian */
};

int stage_open(const char *directory, message_id id, struct spool_stage **stage_r);
int stage_append(struct spool_stage *stage, struct slice bytes);

/* The checksums of all of it; no append after this. */
const uint8_t *stage_checks(struct spool_stage *stage);

/* Free, but leave the file; the descriptor is the caller's now. */
int stage_release(struct spool_stage **stage);

/* Free and remove the file. */
void stage_drop(struct spool_stage **stage);

#endif
