/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * batch -- the frame round the records that become durable together.
 *
 * Pure. A batch begins on a 4 KiB boundary of a segment and is a header and a
 * body of records; what follows up to the next boundary is padding. It is only
 * believed when magic, salt and both checksums are right: the salt is new for
 * each use of a segment, so neither what an earlier use left there nor a mail
 * that is made to look like batches can be taken for one.
 *
 * Header, little endian: magic u32, checksum of the rest of the header u32,
 * salt u64, generation u64, number u64, durable_through u64, length of the body
 * u32, checksum of the body u32, zeros up to BATCH_HEADER_BYTES.
 */
#ifndef GEMEL_MAILCORE_SPOOL_BATCH_H
#define GEMEL_MAILCORE_SPOOL_BATCH_H

#include "common/slice.h"

#define BATCH_ALIGNMENT 4096u
#define BATCH_HEADER_BYTES 64u

/* A batch that has this much takes no further record; in small segments it is less. */
#define BATCH_FULL_BYTES (1024u * 1024u)
/* More than a full batch and the largest record: anything longer is not a batch. */
#define BATCH_BODY_MAX (4u * 1024u * 1024u)

struct batch_header {
	uint64_t salt;
	uint64_t generation;
	uint64_t number; /* counts up by one, across segments and generations */
	uint64_t
	    durable_through; /* every batch up to this one was durable when this one was written */
	uint32_t length;     /* of the body */
	uint32_t body_checksum;
};

void batch_header_encode(const struct batch_header *header, uint8_t out[BATCH_HEADER_BYTES]);

/* False: these bytes do not begin a batch of the use of a segment that has this salt. */
bool batch_header_decode(
    const uint8_t in[BATCH_HEADER_BYTES], uint64_t salt, struct batch_header *header);

/* Is body what was written under this header? */
bool batch_body_is_good(const struct batch_header *header, struct slice body);

/* The room that a batch with a body of this length takes in a segment. */
uint64_t batch_room(uint64_t body_length);

#endif
