/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/batch.h"

#include "common/crc32c.h"
#include "common/bytes.h"

#define BATCH_MAGIC 0x31424d47u /* "GMB1" */

enum {
	AT_MAGIC = 0,
	AT_CHECKSUM = 4,
	AT_SALT = 8,
	AT_GENERATION = 16,
	AT_NUMBER = 24,
	AT_DURABLE_THROUGH = 32,
	AT_LENGTH = 40,
	AT_BODY_CHECKSUM = 44,
};

static uint32_t
header_checksum(const uint8_t *header)
{
	return crc32c(0, header + AT_SALT, BATCH_HEADER_BYTES - AT_SALT);
}

void
batch_header_encode(const struct batch_header *header, uint8_t out[BATCH_HEADER_BYTES])
{
	memset(out, 0, BATCH_HEADER_BYTES);
	put_u32(out + AT_MAGIC, BATCH_MAGIC);
	put_u64(out + AT_SALT, header->salt);
	put_u64(out + AT_GENERATION, header->generation);
	put_u64(out + AT_NUMBER, header->number);
	put_u64(out + AT_DURABLE_THROUGH, header->durable_through);
	put_u32(out + AT_LENGTH, header->length);
	put_u32(out + AT_BODY_CHECKSUM, header->body_checksum);
	put_u32(out + AT_CHECKSUM, header_checksum(out));
}

bool
batch_header_decode(
    const uint8_t in[BATCH_HEADER_BYTES], uint64_t salt, struct batch_header *header)
{
	if (get_u32(in + AT_MAGIC) != BATCH_MAGIC || get_u64(in + AT_SALT) != salt ||
	    get_u32(in + AT_CHECKSUM) != header_checksum(in))
		return false;
	*header = (struct batch_header){
	    .salt = salt,
	    .generation = get_u64(in + AT_GENERATION),
	    .number = get_u64(in + AT_NUMBER),
	    .durable_through = get_u64(in + AT_DURABLE_THROUGH),
	    .length = get_u32(in + AT_LENGTH),
	    .body_checksum = get_u32(in + AT_BODY_CHECKSUM),
	};
	return header->length <= BATCH_BODY_MAX;
}

bool
batch_body_is_good(const struct batch_header *header, struct slice body)
{
	return body.length == header->length &&
	       crc32c(0, body.data, body.length) == header->body_checksum;
}

uint64_t
batch_room(uint64_t body_length)
{
	uint64_t length = BATCH_HEADER_BYTES + body_length;

	return (length + BATCH_ALIGNMENT - 1) / BATCH_ALIGNMENT * BATCH_ALIGNMENT;
}
