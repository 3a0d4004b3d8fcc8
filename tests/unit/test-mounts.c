/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/mounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <cmocka.h>

static void
a_mount_table_is_read_line_by_line(void **state)
{
	const char *cursor = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
			     "nonsense\n"
			     "36 22 7:0 / /srv/my\\040store rw,noatime shared:2 master:1 - ext4 "
			     "/dev/loop0 rw,errors=x\n"
			     "37 22 7:0 /sub /mnt rw - ext4 /dev/loop0 ro,seclabel";
	struct mount_entry e;

	(void)state;
	assert_true(mounts_next(&cursor, &e));
	assert_string_equal(e.directory, "/");
	assert_true(e.device == makedev(8, 1));
	assert_true(mounts_next(&cursor, &e));
	assert_string_equal(e.directory, "/srv/my store");
	assert_string_equal(e.source, "/dev/loop0");
	assert_true(e.is_whole);
	assert_false(e.is_readonly);
	assert_true(mounts_next(&cursor, &e));
	assert_false(e.is_whole);
	assert_true(e.is_readonly);
	assert_false(mounts_next(&cursor, &e));
}

static void
a_file_system_that_stopped_after_an_error_is_read_only(void **state)
{
	static const struct {
		const char *line;
		bool is_readonly;
	} rows[] = {
	    {"1 1 7:0 / /a ro,noatime - ext4 /dev/l rw", true},
	    {"1 1 7:0 / /a rw - ext4 /dev/l rw,emergency_ro,errors=remount-ro", true},
	    {"1 1 7:0 / /a rw - ext4 /dev/l rw,shutdown", true},
	    {"1 1 7:0 / /a rw - ext4 /dev/l rw,errors=remount-ro", false},
	};
	struct mount_entry e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *cursor = rows[i].line;

		assert_true(mounts_next(&cursor, &e));
		assert_int_equal(e.is_readonly, rows[i].is_readonly);
	}
}

static void
options_become_flags_and_the_rest_goes_to_the_file_system(void **state)
{
	char data[MOUNT_DATA_MAX];
	unsigned long flags;

	(void)state;
	assert_null(
	    mount_options_parse("noatime,nodev,data=ordered,,noexec,errors=panic", &flags, data));
	assert_int_equal(flags, MS_NOATIME | MS_NODEV | MS_NOEXEC);
	assert_string_equal(data, "data=ordered,errors=panic");
	assert_null(mount_options_parse("noatime,relatime", &flags, data));
	assert_int_equal(flags, MS_RELATIME);
	assert_null(mount_options_parse("", &flags, data));
	assert_int_equal(flags, 0);
	assert_string_equal(data, "");
}

static void
read_only_and_words_of_the_mount_program_are_refused(void **state)
{
	char data[MOUNT_DATA_MAX], longer[MOUNT_DATA_MAX + 10];
	unsigned long flags;

	(void)state;
	assert_non_null(mount_options_parse("noatime,ro", &flags, data));
	assert_non_null(mount_options_parse("_netdev", &flags, data));
	assert_non_null(mount_options_parse("loop", &flags, data));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_non_null(mount_options_parse(longer, &flags, data));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_mount_table_is_read_line_by_line),
	    cmocka_unit_test(a_file_system_that_stopped_after_an_error_is_read_only),
	    cmocka_unit_test(options_become_flags_and_the_rest_goes_to_the_file_system),
	    cmocka_unit_test(read_only_and_words_of_the_mount_program_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
