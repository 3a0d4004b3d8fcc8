/* SPDX-License-Identifier: BSD-2-Clause */
/* The record of proofs on a disk whose power is cut at every call. */
#include "agent/history.h"

#include "common/disk.h"
#include "tests/unit/fake-disk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DIRECTORY "/lib/gemel"
#define PATH DIRECTORY "/fence-history"
#define SEEDS 40
#define MANY 1000000

static int
begin(void **state)
{
	(void)state;
	fake_disk_reset();
	return disk_make_directory("/lib", 0755) != 0 || disk_sync_directory("/") != 0;
}

static int
end(void **state)
{
	(void)state;
	fake_disk_close();
	return 0;
}

/* Append record number with so many bytes of evidence. */
static int
append(int number, size_t bytes)
{
	char *text = calloc(1, bytes + 1);
	struct history_entry entry = {
	    .at_ms = 1795514400000 + (uint64_t)number,
	    .asked_at_ms = 1795514400000,
	    .took_ms = (uint32_t)number,
	    .target = "hq-2",
	    .life = "01234567-89ab-cdef-0123-456789abcdef",
	    .action = "off",
	    .proof = "released",
	    .by = "hq-1",
	};
	json_t *record;
	int result;

	memset(text, 'x', bytes);
	entry.evidence = json_pack("{s:s}", "packet", text);
	record = history_record(&entry);
	result = history_append(DIRECTORY, record);
	json_decref(record);
	free(text);
	return result;
}

static json_t *
read_all(void)
{
	json_t *records;

	assert_int_equal(history_read(DIRECTORY, MANY, &records), 0);
	return records;
}

static int
number_of(const json_t *records, size_t i)
{
	return (int)json_integer_value(json_object_get(json_array_get(records, i), "ms"));
}

/* Exactly these, newest first, ends with -1. */
static void
assert_numbers(const int *numbers)
{
	json_t *records = read_all();
	size_t i;

	for (i = 0; numbers[i] >= 0; i++)
		assert_int_equal(number_of(records, i), numbers[i]);
	assert_int_equal(json_array_size(records), i);
	json_decref(records);
}

static bool
has_record(int number)
{
	json_t *records = read_all();
	bool is_there = false;

	for (size_t i = 0; i < json_array_size(records); i++)
		is_there = is_there || number_of(records, i) == number;
	json_decref(records);
	return is_there;
}

static void
where_nothing_was_proved_nothing_is_read(void **state)
{
	(void)state;
	assert_numbers((int[]){-1});
}

static void
a_record_says_what_who_when_and_why(void **state)
{
	static const char expected[] =
	    "{\"at\":\"2026-11-24T10:00:00.007Z\",\"at_ms\":1795514400007,\"target\":\"hq-2\","
	    "\"life\":\"01234567-89ab-cdef-0123-456789abcdef\",\"action\":\"off\","
	    "\"proof\":\"released\",\"asked_at\":\"2026-11-24T10:00:00.000Z\",\"ms\":7,"
	    "\"by\":\"hq-1\",\"evidence\":{\"packet\":\"xx\"}}\n";
	const uint8_t *bytes;
	size_t length;

	(void)state;
	assert_int_equal(append(7, 2), 0);
	bytes = fake_disk_bytes(PATH, &length);
	assert_int_equal(length, sizeof(expected) - 1);
	assert_memory_equal(bytes, expected, length);
}

static void
the_newest_comes_first_and_no_more_than_asked(void **state)
{
	json_t *records;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(append(i, 10), 0);
	assert_numbers((int[]){4, 3, 2, 1, 0, -1});
	assert_int_equal(history_read(DIRECTORY, 2, &records), 0);
	assert_int_equal(json_array_size(records), 2);
	assert_int_equal(number_of(records, 0), 4);
	json_decref(records);
	assert_int_equal(history_read(DIRECTORY, 0, &records), 0);
	assert_int_equal(json_array_size(records), 0);
	json_decref(records);
}

static void
a_record_that_was_told_survives_a_power_cut(void **state)
{
	(void)state;
	for (int kind = 0; kind < SURVIVE_KINDS; kind++) {
		assert_int_equal(begin(NULL), 0);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(append(i, 700), 0);
			fake_disk_reboot((enum fake_survival)kind, 1);
			assert_true(has_record(i));
		}
		assert_numbers((int[]){2, 1, 0, -1});
	}
}

/* Fill the file so that the record after it begins another. */
static void
fill(void)
{
	int64_t size = 0;
	int fd;

	for (int i = 0; size + 9000 <= (int64_t)HISTORY_FILE_MAX; i++) {
		assert_int_equal(append(1000 + i, 8500), 0);
		fd = disk_open(PATH, O_RDONLY, 0);
		size = disk_size(fd);
		disk_close(fd);
	}
}

/* A power cut at each call of the second of three appends; the others are told. */
static void
cut_everywhere(bool is_full, bool is_killed)
{
	bool was_reached = true;

	for (size_t n = 1; was_reached; n++)
		for (uint64_t seed = 0; seed < (is_full ? 3 : SEEDS); seed++) {
			int result;

			assert_int_equal(begin(NULL), 0);
			assert_int_equal(append(1, 900), 0);
			if (is_full)
				fill();
			fake_disk_stop_at(n);
			result = append(2, 9000);
			was_reached = fake_disk_was_reached();
			assert_int_equal(result, was_reached ? -EIO : 0);
			if (is_killed)
				fake_disk_restart();
			else
				fake_disk_power_on(seed);
			assert_true(result != 0 || has_record(2));
			assert_int_equal(append(3, 900), 0);
			fake_disk_reboot(SURVIVE_NOTHING, 0);
			assert_true(has_record(3));
			assert_true(is_full || has_record(1));
		}
}

static void
a_power_cut_anywhere_loses_nothing_that_was_told(void **state)
{
	(void)state;
	cut_everywhere(false, false);
	cut_everywhere(true, false);
}

static void
a_kill_anywhere_loses_nothing_that_was_told(void **state)
{
	(void)state;
	cut_everywhere(false, true);
	cut_everywhere(true, true);
}

/* What a failed sync lost can still be read until the power is cut: the next record must not lean
 * on it. */
static void
fail_everywhere(bool is_full, int error)
{
	bool was_reached = true;

	for (size_t n = 1; was_reached; n++) {
		int result;

		assert_int_equal(begin(NULL), 0);
		assert_int_equal(append(1, 900), 0);
		if (is_full)
			fill();
		fake_disk_fail_at(n, error);
		result = append(2, 9000);
		was_reached = fake_disk_was_reached();
		assert_int_equal(result, was_reached ? error : 0);
		fake_disk_fail_at(0, 0);
		assert_int_equal(append(3, 900), 0);
		assert_true(has_record(3));
		fake_disk_reboot(SURVIVE_NOTHING, 0);
		assert_true(has_record(3));
		assert_true(is_full || has_record(1));
	}
}

static void
an_error_anywhere_is_told_and_spoils_nothing_after_it(void **state)
{
	(void)state;
	fail_everywhere(false, -EIO);
	fail_everywhere(false, -ENOSPC);
	fail_everywhere(true, -EIO);
}

static void
a_line_that_is_torn_anywhere_is_skipped(void **state)
{
	size_t whole, first;

	(void)state;
	assert_int_equal(append(1, 10), 0);
	fake_disk_bytes(PATH, &first);
	assert_int_equal(append(2, 10), 0);
	fake_disk_bytes(PATH, &whole);
	for (size_t length = first; length < whole; length++) {
		int fd;

		assert_int_equal(begin(NULL), 0);
		assert_int_equal(append(1, 10), 0);
		assert_int_equal(append(2, 10), 0);
		fd = disk_open(PATH, O_RDWR, 0);
		assert_int_equal(disk_truncate(fd, length), 0);
		disk_close(fd);
		assert_int_equal(append(3, 10), 0);
		/* Only its last byte, the line end, may be missed. */
		if (length == whole - 1)
			assert_numbers((int[]){3, 2, 1, -1});
		else
			assert_numbers((int[]){3, 1, -1});
	}
}

static void
what_is_no_record_is_skipped(void **state)
{
	static const char garbage[] = "\0\0\0\0{\"ms\":5}\n[]\n7\n\n{\"ms\":\n{\"ms\":6} x\nnull";
	int fd;

	(void)state;
	assert_int_equal(append(1, 10), 0);
	fd = disk_open(PATH, O_RDWR, 0);
	assert_int_equal(disk_write(fd, garbage, sizeof(garbage) - 1, (uint64_t)disk_size(fd)), 0);
	disk_close(fd);
	assert_int_equal(append(2, 10), 0);
	assert_numbers((int[]){2, 1, -1});
}

static void
the_files_are_bounded_and_the_last_old_one_is_kept(void **state)
{
	int number = 0;

	(void)state;
	for (int round = 0; round < 3; round++) {
		do
			assert_int_equal(append(number++, 15000), 0);
		while (number % 100 != 0);
		for (int i = 0; i < 2; i++) {
			int fd = disk_open(i ? PATH ".1" : PATH, O_RDONLY, 0);

			assert_true(fd >= 0 || (i && round == 0));
			if (fd >= 0) {
				assert_in_range(disk_size(fd), 1, HISTORY_FILE_MAX);
				disk_close(fd);
			}
		}
		assert_true(has_record(number - 1));
	}
}

static void
records_are_read_on_in_the_old_file(void **state)
{
	json_t *records;

	(void)state;
	assert_int_equal(append(1, 10), 0);
	assert_int_equal(append(2, 10), 0);
	assert_int_equal(disk_rename(PATH, PATH ".1"), 0);
	assert_numbers((int[]){2, 1, -1});
	assert_int_equal(append(3, 10), 0);
	assert_numbers((int[]){3, 2, 1, -1});
	assert_int_equal(history_read(DIRECTORY, 2, &records), 0);
	assert_int_equal(json_array_size(records), 2);
	assert_int_equal(number_of(records, 1), 2);
	json_decref(records);
}

static void
what_is_read_fits_into_one_answer(void **state)
{
	json_t *records;
	char *text;

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(append(i, 15000), 0);
	records = read_all();
	assert_int_equal(json_array_size(records), 3);
	assert_int_equal(number_of(records, 0), 7);
	text = json_dumps(records, JSON_COMPACT);
	assert_true(strlen(text) <= HISTORY_READ_MAX + 10);
	free(text);
	json_decref(records);
}

static void
what_is_too_large_or_no_object_is_not_written(void **state)
{
	json_t *array = json_array();

	(void)state;
	assert_int_equal(append(1, HISTORY_RECORD_MAX), -EMSGSIZE);
	assert_int_equal(history_append(DIRECTORY, array), -EINVAL);
	assert_int_equal(history_append("gemel", NULL), -EINVAL);
	assert_numbers((int[]){-1});
	json_decref(array);
}

static void
a_disk_that_cannot_be_read_is_told(void **state)
{
	json_t *records;

	(void)state;
	assert_int_equal(append(1, 10), 0);
	fake_disk_bad_sector(PATH, 0);
	assert_int_equal(history_read(DIRECTORY, 1, &records), -EIO);
	assert_null(records);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(where_nothing_was_proved_nothing_is_read, begin),
    cmocka_unit_test_setup(a_record_says_what_who_when_and_why, begin),
    cmocka_unit_test_setup(the_newest_comes_first_and_no_more_than_asked, begin),
    cmocka_unit_test(a_record_that_was_told_survives_a_power_cut),
    cmocka_unit_test(a_power_cut_anywhere_loses_nothing_that_was_told),
    cmocka_unit_test(a_kill_anywhere_loses_nothing_that_was_told),
    cmocka_unit_test(an_error_anywhere_is_told_and_spoils_nothing_after_it),
    cmocka_unit_test_setup(a_line_that_is_torn_anywhere_is_skipped, begin),
    cmocka_unit_test_setup(what_is_no_record_is_skipped, begin),
    cmocka_unit_test_setup(the_files_are_bounded_and_the_last_old_one_is_kept, begin),
    cmocka_unit_test_setup(records_are_read_on_in_the_old_file, begin),
    cmocka_unit_test_setup(what_is_read_fits_into_one_answer, begin),
    cmocka_unit_test_setup(what_is_too_large_or_no_object_is_not_written, begin),
    cmocka_unit_test_setup(a_disk_that_cannot_be_read_is_told, begin),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, end);
}
