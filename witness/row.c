/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness/row.h"

#include "common/bytes.h"
#include "common/crc32c.h"

#include <assert.h>

#define ROW_MAGIC 0x524c4d47u /* "GMLR" */
#define ROW_VERSION 1

enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_PAIR = 8,
	AT_UUID = AT_PAIR + PAIR_NAME_MAX + 1,
	AT_EPOCH = AT_UUID + ID128_BYTES,
	AT_MEMBERS = AT_EPOCH + 8,
	AT_BOOTS = AT_MEMBERS + 8,
	AT_CHECKSUM = ROW_BYTES - 4,
};

_Static_assert(AT_BOOTS + REGISTER_NODES * ID128_BYTES + 4 == AT_CHECKSUM, "it adds up");

void
row_encode(const char *pair, const struct register_row *row, uint8_t out[ROW_BYTES])
{
	assert(asker_is_pair_name(slice_of(pair)) && register_is_legal(row));
	memset(out, 0, ROW_BYTES);
	put_u32(out + AT_MAGIC, ROW_MAGIC);
	put_u32(out + AT_VERSION, ROW_VERSION);
	memcpy(out + AT_PAIR, pair, strlen(pair));
	memcpy(out + AT_UUID, row->uuid.bytes, ID128_BYTES);
	put_u64(out + AT_EPOCH, row->epoch);
	put_u32(out + AT_MEMBERS, row->members);
	for (unsigned i = 0; i < REGISTER_NODES; i++)
		memcpy(out + AT_BOOTS + i * ID128_BYTES, row->boots[i].bytes, ID128_BYTES);
	put_u32(out + AT_CHECKSUM, crc32c(0, out, AT_CHECKSUM));
}

bool
row_decode(struct slice bytes, const char *pair, struct register_row *row_r)
{
	struct register_row row;
	uint8_t again[ROW_BYTES];

	*row_r = (struct register_row){0};
	if (bytes.length != ROW_BYTES)
		return false;
	memcpy(row.uuid.bytes, bytes.data + AT_UUID, ID128_BYTES);
	row.epoch = get_u64(bytes.data + AT_EPOCH);
	row.members = bytes.data[AT_MEMBERS];
	for (unsigned i = 0; i < REGISTER_NODES; i++)
		memcpy(row.boots[i].bytes, bytes.data + AT_BOOTS + i * ID128_BYTES, ID128_BYTES);
	if (!register_is_legal(&row))
		return false;
	/* Name, version, checksum, and what is zero. */
	row_encode(pair, &row, again);
	if (memcmp(again, bytes.data, ROW_BYTES) != 0)
		return false;
	*row_r = row;
	return true;
}
