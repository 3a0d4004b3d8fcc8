/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/disk-slots.h"

#include "common/bytes.h"
#include "common/crc32c.h"

#include <assert.h>
#include <stdlib.h>

enum {
	AT_MAGIC = 0,
	AT_VERSION = 8,
	AT_KIND = 12,
	AT_NODE = 13,
	AT_PAIR = 16,
	AT_NUMBER = 24,
	AT_PACKET = 32,
	AT_LIFE = 32,
	AT_WALL = 48,
	AT_CHECKSUM = DISK_RECORD_BYTES - 4,
};

static const uint8_t magic[8] = {'G', 'E', 'M', 'L', 'S', 'L', 'O', 'T'};

unsigned
disk_slot_block(const struct disk_slot *slot)
{
	switch (slot->kind) {
	case DISK_HEADER:
		return 0;
	case DISK_BEAT:
		return 1u + slot->node;
	case DISK_POISON:
		return 3u + slot->node;
	}
	abort();
}

void
disk_slot_encode(
    const struct disk_slot *slot, const struct disk_record *record, uint8_t out[DISK_BLOCK_BYTES])
{
	assert(slot->node < BEAT_NODES);
	memset(out, 0, DISK_BLOCK_BYTES);
	memcpy(out + AT_MAGIC, magic, sizeof(magic));
	put_u32(out + AT_VERSION, DISK_SLOTS_VERSION);
	out[AT_KIND] = (uint8_t)slot->kind;
	out[AT_NODE] = slot->node;
	put_u64(out + AT_PAIR, slot->pair);
	put_u64(out + AT_NUMBER, record->number);
	if (slot->kind == DISK_BEAT)
		memcpy(out + AT_PACKET, record->packet, BEAT_BYTES);
	if (slot->kind == DISK_POISON) {
		assert(!id128_is_none(&record->life));
		memcpy(out + AT_LIFE, record->life.bytes, ID128_BYTES);
		put_u64(out + AT_WALL, record->wall_ms);
	}
	put_u32(out + AT_CHECKSUM, crc32c(0, out, AT_CHECKSUM));
}

static bool
is_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

bool
disk_block_is_zero(const uint8_t block[DISK_BLOCK_BYTES])
{
	return is_zero(block, DISK_BLOCK_BYTES);
}

/* Is it a whole record of ours, and this slot's? */
static enum disk_slot_fault
check_form(const struct disk_slot *slot, const uint8_t *block)
{
	if (disk_block_is_zero(block))
		return DISK_SLOT_EMPTY;
	if (memcmp(block + AT_MAGIC, magic, sizeof(magic)) != 0 ||
	    !is_zero(block + DISK_RECORD_BYTES, DISK_BLOCK_BYTES - DISK_RECORD_BYTES))
		return DISK_SLOT_FOREIGN;
	if (get_u32(block + AT_CHECKSUM) != crc32c(0, block, AT_CHECKSUM))
		return DISK_SLOT_TORN;
	if (get_u32(block + AT_VERSION) != DISK_SLOTS_VERSION)
		return DISK_SLOT_OTHER_VERSION;
	if (get_u64(block + AT_PAIR) != slot->pair)
		return DISK_SLOT_OTHER_PAIR;
	if (block[AT_KIND] != slot->kind || block[AT_NODE] != slot->node)
		return DISK_SLOT_MISPLACED;
	return DISK_SLOT_OK;
}

enum disk_slot_fault
disk_slot_decode(const struct disk_slot *slot, const uint8_t block[DISK_BLOCK_BYTES],
    struct disk_record *record_r)
{
	enum disk_slot_fault fault = check_form(slot, block);
	uint8_t again[DISK_BLOCK_BYTES];
	struct disk_record record = {0};

	*record_r = record;
	if (fault != DISK_SLOT_OK)
		return fault;
	record.number = get_u64(block + AT_NUMBER);
	if (slot->kind == DISK_BEAT)
		memcpy(record.packet, block + AT_PACKET, BEAT_BYTES);
	if (slot->kind == DISK_POISON) {
		memcpy(record.life.bytes, block + AT_LIFE, ID128_BYTES);
		if (id128_is_none(&record.life))
			return DISK_SLOT_VALUE;
		record.wall_ms = get_u64(block + AT_WALL);
	}
	/* What nobody uses must be zero: then each record has one form. */
	disk_slot_encode(slot, &record, again);
	if (memcmp(block, again, DISK_RECORD_BYTES) != 0)
		return DISK_SLOT_VALUE;
	*record_r = record;
	return DISK_SLOT_OK;
}

const char *
disk_slot_fault_text(enum disk_slot_fault fault)
{
	static const char *const texts[DISK_SLOT_FAULTS] = {
	    [DISK_SLOT_OK] = "is whole",
	    [DISK_SLOT_EMPTY] = "is empty",
	    [DISK_SLOT_FOREIGN] = "holds something else than Gemel's slots",
	    [DISK_SLOT_OTHER_VERSION] = "is of another version of Gemel",
	    [DISK_SLOT_TORN] = "is damaged or half written",
	    [DISK_SLOT_OTHER_PAIR] = "belongs to another pair",
	    [DISK_SLOT_MISPLACED] = "holds what belongs into another slot",
	    [DISK_SLOT_VALUE] = "has a value that it can't have",
	};

	return fault < DISK_SLOT_FAULTS ? texts[fault] : "is unknown";
}
