/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quarantine -- where damaged mail data is put aside for people to look at.
 */
#ifndef GEMEL_MAILCORE_SPOOL_QUARANTINE_H
#define GEMEL_MAILCORE_SPOOL_QUARANTINE_H

#include "mailcore/spool/segment.h"

#define QUARANTINE_REASON_MAX 256

/* Copy bytes of a segment to quarantine/segment-S-OFFSET-LENGTH and say so in one sentence, which
 * also tells when it could not be done. */
void quarantine_range(const char *directory, const struct segment *segment, uint64_t offset,
    uint64_t length, char reason[QUARANTINE_REASON_MAX]);

/* Move a whole segment there whose header cannot be read. Returns 0 or -errno. */
int
quarantine_segment(const char *directory, uint64_t sequence, char reason[QUARANTINE_REASON_MAX]);

#endif
