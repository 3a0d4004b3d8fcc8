/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "common/crc32c.h"
#include "heartbeat/disk-slots.h"

#define PAIR 0x1122334455667788u

/* Every slot there is, in the order of the blocks. */
static const struct disk_slot slots[DISK_BLOCKS] = {
    {DISK_HEADER, 0, PAIR},
    {DISK_BEAT, 0, PAIR},
    {DISK_BEAT, 1, PAIR},
    {DISK_POISON, 0, PAIR},
    {DISK_POISON, 1, PAIR},
};

static struct disk_record
full(enum disk_slot_kind kind)
{
	struct disk_record record = {0};

	if (kind == DISK_BEAT) {
		record.number = 9;
		memset(record.packet, 7, BEAT_BYTES);
	}
	if (kind == DISK_POISON) {
		record.life = (struct id128){{1, 2, 3}};
		record.wall_ms = 1700000000000;
	}
	return record;
}

/* Change one byte of a record, and let it be whole again. */
static void
set_byte(uint8_t *block, size_t at, uint8_t value)
{
	block[at] = value;
	put_u32(block + 508, crc32c(0, block, 508));
}

static void
each_slot_gives_back_what_was_put_in(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DISK_BLOCKS; i++) {
		struct disk_record record = full(slots[i].kind), again;
		uint8_t block[DISK_BLOCK_BYTES];

		assert_int_equal(disk_slot_block(&slots[i]), i);
		disk_slot_encode(&slots[i], &record, block);
		assert_int_equal(disk_slot_decode(&slots[i], block, &again), DISK_SLOT_OK);
		assert_memory_equal(&again, &record, sizeof(record));
	}
}

static void
the_layout_is_the_documented_one(void **state)
{
	struct disk_record record = full(DISK_POISON);
	uint8_t block[DISK_BLOCK_BYTES];

	(void)state;
	disk_slot_encode(&slots[4], &record, block);
	assert_memory_equal(block, "GEMLSLOT\1\0\0\0\3\1\0\0\x88\x77\x66\x55\x44\x33\x22\x11", 24);
	assert_memory_equal(block + 32, record.life.bytes, ID128_BYTES);
	assert_int_equal(get_u64(block + 48), record.wall_ms);
	assert_int_equal(get_u32(block + 508), crc32c(0, block, 508));
}

static void
zeros_are_empty_and_nothing_else_is(void **state)
{
	uint8_t block[DISK_BLOCK_BYTES] = {0};
	struct disk_record record;

	(void)state;
	assert_int_equal(disk_slot_decode(&slots[1], block, &record), DISK_SLOT_EMPTY);
	for (size_t at = 0; at < DISK_BLOCK_BYTES; at++) {
		block[at] = 1;
		assert_int_equal(disk_slot_decode(&slots[1], block, &record), DISK_SLOT_FOREIGN);
		block[at] = 0;
	}
}

static void
each_flipped_bit_is_found_out(void **state)
{
	struct disk_record record = full(DISK_POISON), again;
	uint8_t block[DISK_BLOCK_BYTES];

	(void)state;
	disk_slot_encode(&slots[3], &record, block);
	for (size_t bit = 0; bit < DISK_BLOCK_BYTES * 8; bit++) {
		bool is_inside = bit >= 64 && bit < DISK_RECORD_BYTES * 8;

		block[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(disk_slot_decode(&slots[3], block, &again),
		    is_inside ? DISK_SLOT_TORN : DISK_SLOT_FOREIGN);
		assert_true(id128_is_none(&again.life));
		block[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* Half of it is from before. */
static void
a_torn_record_is_never_read(void **state)
{
	struct disk_record old = full(DISK_BEAT), fresh = full(DISK_BEAT), again;
	uint8_t before[DISK_BLOCK_BYTES], after[DISK_BLOCK_BYTES], torn[DISK_BLOCK_BYTES];

	(void)state;
	fresh.number++;
	memset(fresh.packet, 8, BEAT_BYTES);
	disk_slot_encode(&slots[1], &old, before);
	disk_slot_encode(&slots[1], &fresh, after);
	/* The last bytes that differ are the checksum's. */
	for (size_t cut = 25; cut < DISK_RECORD_BYTES - 4; cut++) {
		memcpy(torn, after, cut);
		memcpy(torn + cut, before + cut, DISK_BLOCK_BYTES - cut);
		assert_int_equal(disk_slot_decode(&slots[1], torn, &again), DISK_SLOT_TORN);
	}
	memset(torn, 0, sizeof(torn));
	for (size_t cut = 8; cut < DISK_RECORD_BYTES - 4; cut++) {
		memcpy(torn, after, cut);
		assert_int_equal(disk_slot_decode(&slots[1], torn, &again), DISK_SLOT_TORN);
	}
}

static void
what_is_not_this_slots_is_told_apart(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DISK_BLOCKS; i++) {
		struct disk_record record = full(slots[i].kind), again;
		struct disk_slot other = slots[i];
		uint8_t block[DISK_BLOCK_BYTES];

		disk_slot_encode(&slots[i], &record, block);
		for (unsigned k = 0; k < DISK_BLOCKS; k++)
			assert_int_equal(disk_slot_decode(&slots[k], block, &again),
			    k == i ? DISK_SLOT_OK : DISK_SLOT_MISPLACED);
		other.pair++;
		assert_int_equal(disk_slot_decode(&other, block, &again), DISK_SLOT_OTHER_PAIR);
		set_byte(block, 8, 2);
		assert_int_equal(
		    disk_slot_decode(&slots[i], block, &again), DISK_SLOT_OTHER_VERSION);
	}
}

static void
bytes_that_nobody_uses_are_zero(void **state)
{
	struct disk_record record = full(DISK_POISON), again;
	uint8_t block[DISK_BLOCK_BYTES];

	(void)state;
	for (size_t at = 56; at < 508; at++) {
		disk_slot_encode(&slots[3], &record, block);
		set_byte(block, at, 1);
		assert_int_equal(disk_slot_decode(&slots[3], block, &again), DISK_SLOT_VALUE);
	}
	disk_slot_encode(&slots[3], &record, block);
	set_byte(block, 14, 1);
	assert_int_equal(disk_slot_decode(&slots[3], block, &again), DISK_SLOT_VALUE);
}

static void
a_poison_for_nobody_is_none(void **state)
{
	struct disk_record record = full(DISK_POISON), again;
	uint8_t block[DISK_BLOCK_BYTES];

	(void)state;
	disk_slot_encode(&slots[3], &record, block);
	memset(block + 32, 0, ID128_BYTES);
	set_byte(block, 32, 0);
	assert_int_equal(disk_slot_decode(&slots[3], block, &again), DISK_SLOT_VALUE);
}

static void
each_fault_has_its_words(void **state)
{
	(void)state;
	for (int i = 0; i < DISK_SLOT_FAULTS; i++)
		assert_non_null(disk_slot_fault_text((enum disk_slot_fault)i));
	assert_string_equal(disk_slot_fault_text(DISK_SLOT_FAULTS), "is unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_slot_gives_back_what_was_put_in),
	    cmocka_unit_test(the_layout_is_the_documented_one),
	    cmocka_unit_test(zeros_are_empty_and_nothing_else_is),
	    cmocka_unit_test(each_flipped_bit_is_found_out),
	    cmocka_unit_test(a_torn_record_is_never_read),
	    cmocka_unit_test(what_is_not_this_slots_is_told_apart),
	    cmocka_unit_test(bytes_that_nobody_uses_are_zero),
	    cmocka_unit_test(a_poison_for_nobody_is_none),
	    cmocka_unit_test(each_fault_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
