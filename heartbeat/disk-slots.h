/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk-slots -- how a small partition of a shared disk is laid out, on which the nodes of a pair
 * leave each other beats and poison.
 *
 * Pure: bytes and meaning. Reading and writing is disk-partition.h.
 *
 * Blocks of DISK_BLOCK_BYTES, one writer each, so that no write meets another one's:
 *
 *     0  header, written once by disk_partition_format()
 *     1  beat of node 0, written by node 0         3  poison for node 0, written by node 1
 *     2  beat of node 1, written by node 1         4  poison for node 1, written by node 0
 *
 * A block holds a record of DISK_RECORD_BYTES, and zeros behind it: 512 bytes are what every disk
 * writes as a whole, so a power cut tears no record. Little endian:
 *
 *     0  magic "GEMLSLOT"   16  pair u64             header: nothing more
 *     8  version u32        24  write number u64     beat:   32 packet of BEAT_BYTES
 *    12  kind u8            32  what kind says       poison: 32 boot id, 48 time of day u64 (ms)
 *    13  node u8           508  CRC-32C of all before
 *    14  zero u16
 *
 * Bytes that nobody uses are zero. A block of zeros is empty. A poison names one life of a node:
 * for a later one it means nothing, so nobody has to wipe it away.
 *
 * The checksum is against damage. Beats are signed besides; a poison is not: who can write to the
 * disk needs none to do harm.
 */
#ifndef GEMEL_HEARTBEAT_DISK_SLOTS_H
#define GEMEL_HEARTBEAT_DISK_SLOTS_H

#include "heartbeat/beat.h"

#define DISK_BLOCK_BYTES 4096
#define DISK_RECORD_BYTES 512
#define DISK_SLOTS_VERSION 1
/* Blocks in use; a partition must have them all. */
#define DISK_BLOCKS 5

enum disk_slot_kind {
	DISK_HEADER = 1,
	DISK_BEAT,
	DISK_POISON,
};

/* Which block, and for the pair that it belongs to. node is 0 for the header. */
struct disk_slot {
	enum disk_slot_kind kind;
	uint8_t node;
	uint64_t pair;
};

/* What is in a slot. A header has the number only. */
struct disk_record {
	uint64_t number; /* goes up with each write of a beat; else 0 */
	uint8_t packet[BEAT_BYTES];
	struct id128 life; /* the one that is poisoned */
	uint64_t wall_ms;  /* when it was poisoned, for people */
};

enum disk_slot_fault {
	DISK_SLOT_OK,
	DISK_SLOT_EMPTY,
	DISK_SLOT_FOREIGN, /* something else than a record of ours */
	DISK_SLOT_OTHER_VERSION,
	DISK_SLOT_TORN, /* a record of ours, damaged or half written */
	DISK_SLOT_OTHER_PAIR,
	DISK_SLOT_MISPLACED, /* another block's record */
	DISK_SLOT_VALUE,     /* whole, and a field has a value that it can't have */
	DISK_SLOT_FAULTS,
};

/* Number of the block that is this slot. */
unsigned disk_slot_block(const struct disk_slot *slot);

/* Write the whole block. A poison must name a life. */
void disk_slot_encode(
    const struct disk_slot *slot, const struct disk_record *record, uint8_t out[DISK_BLOCK_BYTES]);

/* Read it. Unless DISK_SLOT_OK comes back *record_r is empty. */
enum disk_slot_fault disk_slot_decode(const struct disk_slot *slot,
    const uint8_t block[DISK_BLOCK_BYTES], struct disk_record *record_r);

/* What the block is, for a sentence that begins with its name: "is empty". */
const char *disk_slot_fault_text(enum disk_slot_fault fault);

/* All bytes are zero. */
bool disk_block_is_zero(const uint8_t block[DISK_BLOCK_BYTES]);

#endif
