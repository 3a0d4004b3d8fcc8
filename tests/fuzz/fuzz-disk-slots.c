/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a block of the slots partition can hold. A fault leaves nothing in the record; what is
 * read encodes to the same block. The fuzzer guesses no checksum, so each input is tried with the
 * right one as well.
 */
#include <assert.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crc32c.h"
#include "heartbeat/disk-slots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void
check(const uint8_t block[DISK_BLOCK_BYTES])
{
	static const struct disk_record nothing;
	uint8_t again[DISK_BLOCK_BYTES];
	struct disk_record record;

	for (unsigned i = 0; i < 6; i++) {
		struct disk_slot slot = {(enum disk_slot_kind)(1 + i / 2), i % 2, 0x31};

		if (disk_slot_decode(&slot, block, &record) != DISK_SLOT_OK) {
			assert(memcmp(&record, &nothing, sizeof(record)) == 0);
			continue;
		}
		disk_slot_encode(&slot, &record, again);
		assert(memcmp(block, again, DISK_BLOCK_BYTES) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	uint8_t block[DISK_BLOCK_BYTES] = {0};

	memcpy(block, data, length < sizeof(block) ? length : sizeof(block));
	check(block);
	put_u32(block + DISK_RECORD_BYTES - 4, crc32c(0, block, DISK_RECORD_BYTES - 4));
	check(block);
	return 0;
}
