/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/record.h"

#include "common/crc32c.h"
#include "common/bytes.h"

enum {
	AT_LENGTH = 0,
	AT_TYPE = 4,
	AT_BODY_CHECKSUM = 8,
	AT_CHECKSUM = 12,
};

uint64_t
record_blocks(uint64_t content_length)
{
	return (content_length + RECORD_BLOCK - 1) / RECORD_BLOCK;
}

/* Make room for a record and return its body; record_finish() completes the header. */
static uint8_t *
record_begin(struct buffer *body, enum record_type type, size_t length)
{
	uint8_t *header = buffer_extend(body, RECORD_HEADER_BYTES + length);

	memset(header, 0, RECORD_HEADER_BYTES);
	put_u32(header + AT_LENGTH, (uint32_t)length);
	header[AT_TYPE] = (uint8_t)type;
	return header + RECORD_HEADER_BYTES;
}

static void
record_finish(uint8_t *record_body)
{
	uint8_t *header = record_body - RECORD_HEADER_BYTES;

	put_u32(header + AT_BODY_CHECKSUM, crc32c(0, record_body, get_u32(header + AT_LENGTH)));
	put_u32(header + AT_CHECKSUM, crc32c(0, header, AT_CHECKSUM));
}

static void *
put_slice(uint8_t *at, struct slice s)
{
	if (s.length)
		memcpy(at, s.data, s.length);
	return at + s.length;
}

size_t
record_message_room(const struct record_message *message)
{
	return RECORD_HEADER_BYTES + RECORD_MESSAGE_BYTES +
	       4 * (size_t)record_blocks(message->content_length) + message->envelope.length +
	       message->content.length;
}

size_t
record_append_message(struct buffer *body, const struct record_message *message)
{
	size_t checks_length = 4 * (size_t)record_blocks(message->content_length);
	uint8_t *start =
	    record_begin(body, RECORD_MESSAGE, record_message_room(message) - RECORD_HEADER_BYTES);
	uint8_t *at = start;

	put_u64(at, message->id);
	put_u64(at + 8, message->content_length);
	put_u32(at + 16, (uint32_t)message->envelope.length);
	put_u32(at + 20, message->place);
	at = put_slice(at + RECORD_MESSAGE_BYTES, slice_from(message->checks, checks_length));
	at = put_slice(at, message->envelope);
	put_slice(at, message->content);
	record_finish(start);
	return (size_t)(at - body->data);
}

void
record_append_prepared(
    struct buffer *body, const uint64_t *ids, const uint32_t *recipients, size_t count)
{
	uint8_t *start = record_begin(body, RECORD_PREPARED, count * RECORD_MARK_BYTES);

	for (size_t i = 0; i < count; i++) {
		put_u64(start + i * RECORD_MARK_BYTES, ids[i]);
		put_u32(start + i * RECORD_MARK_BYTES + 8, recipients[i]);
	}
	record_finish(start);
}

void
record_append_outcome(struct buffer *body, const struct record_outcome *outcome)
{
	uint8_t *start =
	    record_begin(body, RECORD_OUTCOME, RECORD_OUTCOME_BYTES + outcome->reason.length);

	put_u64(start, outcome->id);
	put_u32(start + 8, outcome->recipient);
	start[12] = outcome->outcome;
	put_slice(start + RECORD_OUTCOME_BYTES, outcome->reason);
	record_finish(start);
}

enum record_verdict
record_next(struct slice batch_body, size_t *offset, struct record *record)
{
	size_t left = batch_body.length - *offset;
	const uint8_t *header = batch_body.data + *offset;

	*record = (struct record){.offset = *offset, .length = left};
	if (left == 0)
		return RECORD_END;
	*offset = batch_body.length;
	if (left < RECORD_HEADER_BYTES ||
	    get_u32(header + AT_CHECKSUM) != crc32c(0, header, AT_CHECKSUM) ||
	    get_u32(header + AT_LENGTH) > left - RECORD_HEADER_BYTES)
		return RECORD_LOST;
	record->type = header[AT_TYPE];
	record->body = slice_from(header + RECORD_HEADER_BYTES, get_u32(header + AT_LENGTH));
	record->length = RECORD_HEADER_BYTES + record->body.length;
	*offset = record->offset + record->length;
	return crc32c(0, record->body.data, record->body.length) ==
		       get_u32(header + AT_BODY_CHECKSUM)
		   ? RECORD_GOOD
		   : RECORD_DAMAGED;
}

bool
record_decode_message(struct slice body, struct record_message *message)
{
	uint64_t blocks, left, envelope_length;
	uint32_t place;

	if (body.length < RECORD_MESSAGE_BYTES)
		return false;
	left = body.length - RECORD_MESSAGE_BYTES;
	place = get_u32(body.data + 20);
	envelope_length = get_u32(body.data + 16);
	message->id = get_u64(body.data);
	message->content_length = get_u64(body.data + 8);
	message->place = place;
	if (place > RECORD_FILE || message->content_length > (uint64_t)1 << 40)
		return false;
	blocks = record_blocks(message->content_length);
	if (blocks * 4 > left || envelope_length > left - blocks * 4)
		return false;
	left -= blocks * 4 + envelope_length;
	if (left != (place == RECORD_INLINE ? message->content_length : 0))
		return false;
	message->checks = body.data + RECORD_MESSAGE_BYTES;
	message->envelope = slice_from(message->checks + blocks * 4, envelope_length);
	message->content = slice_from(message->envelope.data + envelope_length, left);
	return true;
}

bool
record_decode_outcome(struct slice body, struct record_outcome *outcome)
{
	if (body.length < RECORD_OUTCOME_BYTES)
		return false;
	*outcome = (struct record_outcome){
	    .id = get_u64(body.data),
	    .recipient = get_u32(body.data + 8),
	    .outcome = body.data[12],
	    .reason =
		slice_from(body.data + RECORD_OUTCOME_BYTES, body.length - RECORD_OUTCOME_BYTES),
	};
	return true;
}

size_t
record_mark_count(struct slice body)
{
	return body.length / RECORD_MARK_BYTES;
}

void
record_decode_mark(struct slice body, size_t index, uint64_t *id_r, uint32_t *recipient_r)
{
	*id_r = get_u64(body.data + index * RECORD_MARK_BYTES);
	*recipient_r = get_u32(body.data + index * RECORD_MARK_BYTES + 8);
}
