/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/disk.h"
#include "heartbeat/disk-partition.h"
#include "tests/unit/fake-disk.h"

#include <errno.h>

#define PATH "/slots"
#define PAIR 77
#define SIZE (4u << 20)

static const struct id128 life = {{1, 2, 3}}, other_life = {{4, 5, 6}};
static char why[DISK_PARTITION_WHY_BYTES];

static void
make_partition(uint64_t size)
{
	int fd = disk_open(PATH, O_RDWR | O_CREAT, 0600);

	assert_int_equal(disk_truncate(fd, size), 0);
	assert_int_equal(disk_close(fd), 0);
}

/* An unused partition. */
static int
setup_zeros(void **state)
{
	(void)state;
	fake_disk_reset();
	make_partition(SIZE);
	return 0;
}

static int
setup(void **state)
{
	setup_zeros(state);
	return disk_partition_format(PATH, PAIR, false, why);
}

static int
teardown(void **state)
{
	size_t left = fake_disk_open_count();

	(void)state;
	fake_disk_close();
	return left == 0 ? 0 : -1;
}

static uint8_t *
bytes(void)
{
	size_t length;

	return fake_disk_bytes(PATH, &length);
}

static int
poison(const struct id128 *whose, uint64_t wall_ms)
{
	int result = disk_partition_poison(PATH, PAIR, 1, whose, wall_ms, why);

	assert_int_equal(*why == '\0', result == 0);
	return result;
}

static int
read_poison(uint8_t node, struct disk_record *record_r)
{
	return disk_partition_read_poison(PATH, PAIR, node, record_r, why);
}

static void
a_poison_is_read_where_it_was_put(void **state)
{
	struct disk_record record;

	(void)state;
	assert_int_equal(read_poison(0, &record), 0);
	assert_int_equal(read_poison(1, &record), 0);
	assert_int_equal(poison(&life, 1234), 0);
	assert_int_equal(read_poison(0, &record), 0);
	assert_int_equal(read_poison(1, &record), 1);
	assert_true(id128_is_same(&record.life, &life));
	assert_int_equal(record.wall_ms, 1234);
	assert_int_equal(poison(&other_life, 1235), 0);
	assert_int_equal(read_poison(1, &record), 1);
	assert_true(id128_is_same(&record.life, &other_life));
}

/* sbd 1.5.2 says in this case that the message was delivered. */
static void
a_disk_that_reads_well_and_refuses_writes_poisons_nobody(void **state)
{
	struct disk_record record;

	(void)state;
	fake_disk_set_writes(WRITES_FAIL);
	assert_int_equal(poison(&life, 1), -EIO);
	assert_int_equal(read_poison(1, &record), 0);
}

static void
a_disk_that_loses_writes_poisons_nobody(void **state)
{
	(void)state;
	fake_disk_set_writes(WRITES_ARE_LOST);
	assert_int_equal(poison(&life, 1), -EBADMSG);
	assert_non_null(strstr(why, "node 1"));
}

/* An older poison of the same life must not pass for the one that was lost. */
static void
an_older_poison_proves_no_newer_write(void **state)
{
	(void)state;
	assert_int_equal(poison(&life, 1), 0);
	fake_disk_set_writes(WRITES_ARE_LOST);
	assert_int_equal(poison(&life, 2), -EBADMSG);
}

static void
whatever_call_fails_nobody_is_told_that_it_worked(void **state)
{
	(void)state;
	for (size_t n = 1;; n++) {
		fake_disk_reset();
		make_partition(SIZE);
		assert_int_equal(disk_partition_format(PATH, PAIR, false, why), 0);
		fake_disk_count_reads();
		fake_disk_fail_at(n, -EIO);
		if (poison(&life, 1) == 0) {
			assert_false(fake_disk_was_reached());
			/* Open, header, write, read back. */
			assert_int_equal(n, 5);
			break;
		}
		assert_int_equal(fake_disk_open_count(), 0);
	}
}

static void
a_damaged_poison_slot_is_no_clean_one(void **state)
{
	struct disk_record record;

	(void)state;
	assert_int_equal(poison(&life, 1), 0);
	bytes()[4 * DISK_BLOCK_BYTES + 40] ^= 1;
	assert_int_equal(read_poison(1, &record), -EPROTO);
	assert_non_null(strstr(why, "damaged"));
	/* The peer's next one mends it. */
	assert_int_equal(poison(&life, 2), 0);
	assert_int_equal(read_poison(1, &record), 1);
}

static void
another_pairs_partition_is_left_alone(void **state)
{
	struct disk_record record;

	(void)state;
	assert_int_equal(disk_partition_poison(PATH, PAIR + 1, 1, &life, 1, why), -EPROTO);
	assert_non_null(strstr(why, "another pair"));
	assert_int_equal(disk_partition_read_poison(PATH, PAIR + 1, 1, &record, why), -EPROTO);
	assert_int_equal(read_poison(1, &record), 0);
	assert_int_equal(disk_partition_format(PATH, PAIR + 1, false, why), -EEXIST);
	assert_int_equal(read_poison(1, &record), 0);
}

static void
a_partition_without_header_poisons_nobody(void **state)
{
	(void)state;
	assert_int_equal(poison(&life, 1), -EPROTO);
	assert_non_null(strstr(why, "is empty"));
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(bytes()[i], 0);
}

static void
a_missing_partition_is_said_to_be_missing(void **state)
{
	(void)state;
	assert_int_equal(disk_partition_poison("/no", PAIR, 0, &life, 1, why), -ENOENT);
	assert_int_equal(disk_partition_format("/no", PAIR, true, why), -ENOENT);
	assert_non_null(strstr(why, "/no"));
}

static void
formatting_again_keeps_the_poison(void **state)
{
	struct disk_record record;

	(void)state;
	assert_int_equal(poison(&life, 1), 0);
	assert_int_equal(disk_partition_format(PATH, PAIR, false, why), 0);
	assert_int_equal(read_poison(1, &record), 1);
	assert_int_equal(disk_partition_format(PATH, PAIR, true, why), 0);
	assert_int_equal(read_poison(1, &record), 0);
}

/* Where ext4, LVM, swap, btrfs and a RAID with its block at the end sign. */
static void
what_somebody_may_need_is_not_overwritten(void **state)
{
	static const size_t places[] = {0, 1080, 536, 4086, 65600, SIZE - 65536, SIZE - 1};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		setup_zeros(state);
		bytes()[places[i]] = 'x';
		assert_int_equal(disk_partition_format(PATH, PAIR, false, why), -EEXIST);
		assert_int_equal(bytes()[places[i]], 'x');
		assert_int_equal(disk_partition_format(PATH, PAIR, true, why), 0);
		assert_int_equal(poison(&life, 1), 0);
	}
}

static void
the_least_partition_has_five_blocks(void **state)
{
	(void)state;
	fake_disk_reset();
	make_partition(DISK_BLOCKS * DISK_BLOCK_BYTES - 1);
	assert_int_equal(disk_partition_format(PATH, PAIR, true, why), -ENOSPC);
	make_partition(DISK_BLOCKS * DISK_BLOCK_BYTES);
	assert_int_equal(disk_partition_format(PATH, PAIR, false, why), 0);
	assert_int_equal(poison(&life, 1), 0);
}

static void
a_disk_that_loses_writes_is_not_formatted(void **state)
{
	(void)state;
	fake_disk_set_writes(WRITES_ARE_LOST);
	assert_int_equal(disk_partition_format(PATH, PAIR, false, why), -EBADMSG);
	fake_disk_set_writes(WRITES_FAIL);
	assert_int_equal(disk_partition_format(PATH, PAIR, false, why), -EIO);
	assert_int_equal(poison(&life, 1), -EPROTO);
}

#define TEST(law) cmocka_unit_test_setup_teardown(law, setup, teardown)
#define TEST_ZEROS(law) cmocka_unit_test_setup_teardown(law, setup_zeros, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_poison_is_read_where_it_was_put),
	    TEST(a_disk_that_reads_well_and_refuses_writes_poisons_nobody),
	    TEST(a_disk_that_loses_writes_poisons_nobody),
	    TEST(an_older_poison_proves_no_newer_write),
	    TEST(whatever_call_fails_nobody_is_told_that_it_worked),
	    TEST(a_damaged_poison_slot_is_no_clean_one),
	    TEST(another_pairs_partition_is_left_alone),
	    TEST_ZEROS(a_partition_without_header_poisons_nobody),
	    TEST_ZEROS(a_missing_partition_is_said_to_be_missing),
	    TEST(formatting_again_keeps_the_poison),
	    TEST_ZEROS(what_somebody_may_need_is_not_overwritten),
	    TEST_ZEROS(the_least_partition_has_five_blocks),
	    TEST_ZEROS(a_disk_that_loses_writes_is_not_formatted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
