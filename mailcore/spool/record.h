/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record -- what a batch is made of: messages, and what became of them.
 *
 * Pure. Each record has checksums of its own, over its header and over its
 * body, so that of a damaged batch only the records that are hit are lost.
 *
 * Header, little endian: length of the body u32, type u8, zeros, checksum of
 * the body u32, checksum of the 12 bytes before u32.
 *
 * Bodies:
 *   MESSAGE   id u64, content length u64, envelope length u32, place u8, zeros;
 *             one checksum u32 for each RECORD_BLOCK of the content; envelope;
 *             the content, if its place is the record
 *   PREPARED  {id u64, recipient u32} for each mark
 *   OUTCOME   id u64, recipient u32, outcome u8; the rest is the reason
 */
#ifndef GEMEL_MAILCORE_SPOOL_RECORD_H
#define GEMEL_MAILCORE_SPOOL_RECORD_H

#include "common/slice.h"

/* The values are in the journal; add at the end. */
enum record_type {
	RECORD_MESSAGE = 1,
	RECORD_PREPARED,
	RECORD_OUTCOME,
};

#define RECORD_HEADER_BYTES 16u
#define RECORD_MESSAGE_BYTES 24u
#define RECORD_MARK_BYTES 12u
#define RECORD_OUTCOME_BYTES 13u

/* Content is checked in blocks of this size, so that a part of it can be read and checked. */
#define RECORD_BLOCK 65536u

enum record_place {
	RECORD_INLINE = 0, /* the content follows in the record */
	RECORD_FILE,       /* it is in a file named after the id */
};

struct record_message {
	uint64_t id;
	uint64_t content_length;
	enum record_place place;
	const uint8_t *checks; /* little endian, one for each block; any address */
	struct slice envelope;
	struct slice content; /* empty when it is in a file */
};

struct record_outcome {
	uint64_t id;
	uint32_t recipient;
	uint8_t outcome;
	struct slice reason;
};

/* How many checksums a content of this length has. */
uint64_t record_blocks(uint64_t content_length);

/* The bytes that record_append_message() will append. */
size_t record_message_room(const struct record_message *message);

/* Append to body. Returns where in body the content begins. */
size_t record_append_message(struct buffer *body, const struct record_message *message);

/* One record for all marks: they are durable together. */
void record_append_prepared(
    struct buffer *body, const uint64_t *ids, const uint32_t *recipients, size_t count);
void record_append_outcome(struct buffer *body, const struct record_outcome *outcome);

enum record_verdict {
	RECORD_GOOD,
	RECORD_DAMAGED, /* this one's body; the next can be read */
	RECORD_LOST,    /* its header: nothing after it can be found */
	RECORD_END,
};

struct record {
	enum record_type type;
	size_t offset; /* of its header in the batch's body */
	size_t length; /* with its header */
	struct slice body;
};

/* Read the record at *offset and move it on. offset and length are set unless at the end. */
enum record_verdict record_next(struct slice batch_body, size_t *offset, struct record *record);

/* Decode. False: not such a body. All slices view the record. */
bool record_decode_message(struct slice body, struct record_message *message);
bool record_decode_outcome(struct slice body, struct record_outcome *outcome);
size_t record_mark_count(struct slice body);
void record_decode_mark(struct slice body, size_t index, uint64_t *id_r, uint32_t *recipient_r);

#endif
