/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/line-world.h"

#include "common/clock.h"
#include "common/disk.h"
#include "heartbeat/disk-partition.h"
#include "heartbeat/slot-thread.h"
#include "tests/unit/fake-disk.h"

#define PATH "/slots"
#define PAIR 77 /* as line-world.c has it */
#define SIZE (DISK_BLOCKS * DISK_BLOCK_BYTES)

static const struct id128 our_life = {{1}}, other_life = {{9}};
static char why[DISK_PARTITION_WHY_BYTES];

static void
make_partition(uint64_t pair)
{
	int fd = disk_open(PATH, O_RDWR | O_CREAT, 0600);

	assert_int_equal(disk_truncate(fd, SIZE), 0);
	assert_int_equal(disk_close(fd), 0);
	assert_int_equal(disk_partition_format(PATH, pair, false, why), 0);
}

static int
setup_empty(void **state)
{
	struct line_world *world = test_malloc(sizeof(*world));

	fake_disk_reset();
	world_open(world);
	*state = world;
	return 0;
}

static int
setup(void **state)
{
	setup_empty(state);
	make_partition(PAIR);
	return 0;
}

static bool
are_threads_gone(struct line_world *world, uint64_t value)
{
	(void)world;
	(void)value;
	return fake_disk_open_count() == 0;
}

static int
teardown(void **state)
{
	struct line_world *world = *state;

	fake_disk_release();
	for (int i = 0; i < WORLD_LINES; i++)
		line_close(&world->lines[i]);
	world_wait(world, are_threads_gone, 0);
	world_close(world);
	fake_disk_close();
	test_free(world);
	return 0;
}

/* -- conditions -- */

static bool
has_heard_from_0(struct line_world *world, uint64_t byte)
{
	return world->heard[1] > 0 && world->last[1][0] == byte;
}

static bool
is_verified_after(struct line_world *world, uint64_t ms)
{
	return world_health(world, 0).verified_ms > ms;
}

static bool
is_clean_after(struct line_world *world, uint64_t ms)
{
	return world_health(world, 0).clean_ms > ms;
}

static bool
is_poison(struct line_world *world, uint64_t value)
{
	return world_health(world, 0).poison == value;
}

static bool
is_hanging(struct line_world *world, uint64_t value)
{
	(void)world;
	return fake_disk_hanging() >= value;
}

static bool
is_open_now(struct line_world *world, uint64_t value)
{
	return world_health(world, 0).is_open == (value != 0);
}

static bool
is_in_trouble(struct line_world *world, uint64_t value)
{
	return (world_health(world, 0).trouble[0] != '\0') == (value != 0);
}

/* -- tests -- */

static void
beats_go_both_ways(void **state)
{
	struct line_world *world = *state;
	struct line_health health;

	world_line(world, 0, "disk " PATH);
	world_line(world, 1, "disk " PATH);
	world_send(world, 1, 5);
	world_wait(world, world_has_heard, 1);
	assert_int_equal(world->last[0][0], 5);
	assert_int_equal(world->last_length[0], BEAT_BYTES);
	world_send(world, 0, 6);
	world_wait(world, has_heard_from_0, 6);
	world_wait(world, is_verified_after, 0);
	health = world_health(world, 0);
	assert_true(health.is_open);
	assert_int_equal(health.sent, 1);
	assert_int_equal(health.received, 1);
	assert_int_equal(health.dropped + health.errors, 0);
	assert_string_equal(health.trouble, "");
}

/* The slot is written in each turn, so that it is known whether writing works; a packet is handed
 * out once. */
static void
a_beat_is_heard_once_however_often_it_is_read(void **state)
{
	struct line_world *world = *state;

	world_line(world, 0, "disk " PATH);
	world_line(world, 1, "disk " PATH);
	world_send(world, 0, 1);
	world_send(world, 1, 5);
	world_wait(world, world_has_heard, 1);
	for (int i = 0; i < 5; i++)
		world_wait(world, is_verified_after, world_health(world, 0).verified_ms);
	assert_int_equal(world->heard[0], 1);
	assert_int_equal(world_health(world, 0).sent, 1);
	world_send(world, 1, 6);
	world_wait(world, world_has_heard, 2);
}

static void
a_disk_that_hangs_blocks_nothing(void **state)
{
	struct line_world *world = *state;
	struct line_health health;

	world_line(world, 0, "disk " PATH);
	world_wait(world, is_clean_after, 0);
	fake_disk_hang();
	world_wait(world, is_hanging, 1);
	for (int i = 0; i < 10; i++)
		world_send(world, 0, 1);
	health = world_health(world, 0);
	assert_int_equal(health.sent, 0);
	assert_int_equal(health.dropped, 9);
	line_health(world->lines[0], clock_boot_ms() + 60000, &health);
	assert_true(health.io_ms >= 60000);
	assert_non_null(strstr(health.trouble, "waiting for " PATH));
	/* It comes back. */
	fake_disk_release();
	world_wait(world, is_verified_after, 0);
	assert_true(world_health(world, 0).io_ms < 60000);
	assert_int_equal(world_health(world, 0).sent, 1);
	world_wait(world, is_in_trouble, false);
}

static void
a_line_whose_disk_hangs_can_be_closed_and_opened_again(void **state)
{
	struct line_world *world = *state;

	for (uint64_t i = 1; i <= 3; i++) {
		world_line(world, 0, "disk " PATH);
		world_send(world, 0, 1);
		if (i == 1)
			world_wait(world, is_clean_after, 0);
		fake_disk_hang();
		world_wait(world, is_hanging, i);
		line_close(&world->lines[0]);
		assert_int_equal(fake_disk_hanging(), i);
	}
	fake_disk_release();
	world_wait(world, are_threads_gone, 0);
	world_line(world, 0, "disk " PATH);
	world_send(world, 0, 1);
	world_wait(world, is_verified_after, 0);
}

static void
a_disk_that_reads_well_and_refuses_writes_is_found_out(void **state)
{
	struct line_world *world = *state;
	uint64_t now_ms;

	world_line(world, 1, "disk " PATH);
	world_send(world, 1, 5);
	world_line(world, 0, "disk " PATH);
	world_wait(world, world_has_heard, 1);
	fake_disk_set_writes(WRITES_FAIL);
	world_send(world, 0, 1);
	world_wait(world, is_in_trouble, true);
	assert_non_null(strstr(world_health(world, 0).trouble, "can't write to " PATH));
	/* And poison is still looked for. */
	now_ms = clock_boot_ms();
	world_wait(world, is_clean_after, now_ms);
	assert_true(world_health(world, 0).is_open);
	assert_int_equal(world_health(world, 0).verified_ms, 0);
	assert_int_equal(world_health(world, 0).sent, 0);
	assert_int_equal(world_health(world, 0).dropped, 1);
	fake_disk_set_writes(WRITES_WORK);
	world_wait(world, is_verified_after, now_ms);
	world_wait(world, is_in_trouble, false);
}

static void
a_disk_that_loses_writes_is_found_out(void **state)
{
	struct line_world *world = *state;

	world_line(world, 0, "disk " PATH);
	world_send(world, 0, 1);
	world_wait(world, is_verified_after, 0);
	/* Though no other beat is to be written. */
	fake_disk_set_writes(WRITES_ARE_LOST);
	world_wait(world, is_in_trouble, true);
	assert_non_null(strstr(world_health(world, 0).trouble, "something else came back"));
}

/* Put a packet into the slot of node 1, as that node would; damaged on its way, if wanted. */
static void
put_beat(uint8_t byte, bool is_damaged)
{
	const struct disk_slot slot = {DISK_BEAT, 1, PAIR};
	struct disk_record record = {.number = byte};
	uint8_t block[DISK_BLOCK_BYTES];
	int fd = disk_open(PATH, O_RDWR, 0);

	memset(record.packet, byte, BEAT_BYTES);
	disk_slot_encode(&slot, &record, block);
	block[50] ^= is_damaged;
	assert_int_equal(disk_write(fd, block, sizeof(block), 2 * DISK_BLOCK_BYTES), 0);
	disk_close(fd);
}

static void
a_torn_slot_is_not_heard_and_the_next_one_is(void **state)
{
	struct line_world *world = *state;

	world_line(world, 0, "disk " PATH);
	put_beat(8, true);
	world_wait(world, is_in_trouble, true);
	assert_non_null(strstr(world_health(world, 0).trouble, "half written"));
	assert_int_equal(world->heard[0], 0);
	put_beat(9, false);
	world_wait(world, world_has_heard, 1);
	assert_int_equal(world->last[0][0], 9);
	world_wait(world, is_in_trouble, false);
}

static void
another_pairs_slots_are_left_alone(void **state)
{
	struct line_world *world = *state;
	size_t length;
	uint8_t *bytes;

	make_partition(PAIR + 1);
	world_line(world, 0, "disk " PATH);
	world_send(world, 0, 1);
	world_wait(world, is_in_trouble, true);
	assert_non_null(strstr(world_health(world, 0).trouble, "another pair"));
	assert_false(world_health(world, 0).is_open);
	assert_int_equal(world_health(world, 0).poison, LINE_POISON_UNKNOWN);
	bytes = fake_disk_bytes(PATH, &length);
	for (size_t i = DISK_BLOCK_BYTES; i < length; i++)
		assert_int_equal(bytes[i], 0);
}

static void
a_partition_that_comes_late_is_taken(void **state)
{
	struct line_world *world = *state;

	world_line(world, 0, "disk " PATH);
	world_wait(world, is_in_trouble, true);
	assert_non_null(strstr(world_health(world, 0).trouble, "can't be opened"));
	make_partition(PAIR);
	world_wait(world, is_open_now, true);
	world_wait(world, is_in_trouble, false);
}

/* The old one stays open and can't be read; another one gets its name. */
static void
a_partition_that_was_pulled_is_opened_again(void **state)
{
	struct line_world *world = *state;
	uint64_t clean_ms;
	int fd;

	world_line(world, 0, "disk " PATH);
	world_wait(world, is_open_now, true);
	fd = disk_open(PATH, O_RDWR, 0);
	assert_int_equal(disk_truncate(fd, 0), 0);
	assert_int_equal(disk_close(fd), 0);
	assert_int_equal(disk_unlink(PATH), 0);
	world_wait(world, is_open_now, false);
	assert_int_equal(world_health(world, 0).poison, LINE_POISON_UNKNOWN);
	clean_ms = world_health(world, 0).clean_ms;
	make_partition(PAIR);
	world_wait(world, is_clean_after, clean_ms);
	assert_true(world_health(world, 0).is_open);
	world_send(world, 0, 1);
	world_wait(world, is_verified_after, clean_ms);
}

static void
poison_for_this_life_is_seen_and_never_forgotten(void **state)
{
	struct line_world *world = *state;
	uint64_t clean_ms;

	world_line(world, 0, "disk " PATH);
	world_wait(world, is_poison, LINE_POISON_CLEAN);
	assert_int_equal(disk_partition_poison(PATH, PAIR, 0, &our_life, 1, why), 0);
	world_wait(world, is_poison, LINE_POISONED);
	clean_ms = world_health(world, 0).clean_ms;
	/* Somebody tries to take it back. */
	assert_int_equal(disk_partition_format(PATH, PAIR, true, why), 0);
	world_send(world, 0, 1);
	for (int i = 0; i < 5; i++)
		world_wait(world, is_verified_after, world_health(world, 0).verified_ms);
	assert_int_equal(world_health(world, 0).poison, LINE_POISONED);
	assert_int_equal(world_health(world, 0).clean_ms, clean_ms);
}

static void
poison_for_another_life_or_node_is_none(void **state)
{
	struct line_world *world = *state;

	assert_int_equal(disk_partition_poison(PATH, PAIR, 0, &other_life, 1, why), 0);
	assert_int_equal(disk_partition_poison(PATH, PAIR, 1, &our_life, 1, why), 0);
	world_line(world, 0, "disk " PATH);
	world_wait(world, is_clean_after, clock_boot_ms());
	assert_int_equal(world_health(world, 0).poison, LINE_POISON_CLEAN);
}

static void
a_poison_slot_that_cannot_be_read_is_not_clean(void **state)
{
	struct line_world *world = *state;
	uint64_t clean_ms;

	world_line(world, 0, "disk " PATH);
	world_wait(world, is_poison, LINE_POISON_CLEAN);
	fake_disk_bad_sector(PATH, 3 * DISK_BLOCK_BYTES);
	world_wait(world, is_poison, LINE_POISON_UNKNOWN);
	clean_ms = world_health(world, 0).clean_ms;
	world_send(world, 0, 1);
	for (int i = 0; i < 5; i++)
		world_wait(world, is_verified_after, world_health(world, 0).verified_ms);
	assert_int_equal(world_health(world, 0).clean_ms, clean_ms);
	assert_non_null(strstr(world_health(world, 0).trouble, "can't read"));
	fake_disk_bad_sector(NULL, 0);
	world_wait(world, is_clean_after, clean_ms);
}

#define TEST(law) cmocka_unit_test_setup_teardown(law, setup, teardown)
#define TEST_EMPTY(law) cmocka_unit_test_setup_teardown(law, setup_empty, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(beats_go_both_ways),
	    TEST(a_beat_is_heard_once_however_often_it_is_read),
	    TEST(a_disk_that_hangs_blocks_nothing),
	    TEST(a_line_whose_disk_hangs_can_be_closed_and_opened_again),
	    TEST(a_disk_that_reads_well_and_refuses_writes_is_found_out),
	    TEST(a_disk_that_loses_writes_is_found_out),
	    TEST(a_torn_slot_is_not_heard_and_the_next_one_is),
	    TEST_EMPTY(another_pairs_slots_are_left_alone),
	    TEST_EMPTY(a_partition_that_comes_late_is_taken),
	    TEST(a_partition_that_was_pulled_is_opened_again),
	    TEST(poison_for_this_life_is_seen_and_never_forgotten),
	    TEST(poison_for_another_life_or_node_is_none),
	    TEST(a_poison_slot_that_cannot_be_read_is_not_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
