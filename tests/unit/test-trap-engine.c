/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/trap-engine.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char above[] = "/tmp/gemel-test-engine-XXXXXX";
static char directory[64], file[80];
static struct trap_engine engine;
static char error[TRAP_ENGINE_ERROR_MAX];

static int
begin(void **state)
{
	(void)state;
	strcpy(above, "/tmp/gemel-test-engine-XXXXXX");
	if (!mkdtemp(above))
		return -1;
	snprintf(directory, sizeof(directory), "%s/gemel/snmp", above);
	snprintf(file, sizeof(file), "%s/engine", directory);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	unlink(file);
	rmdir(file);
	snprintf(file, sizeof(file), "%s/engine.new", directory);
	unlink(file);
	rmdir(directory);
	*strrchr(directory, '/') = '\0';
	rmdir(directory);
	return rmdir(above);
}

static int
start(void)
{
	error[0] = '\0';
	return trap_engine_start(directory, &engine, error);
}

static void
put(const char *text)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void
each_start_counts_and_the_id_stays(void **state)
{
	char id[TRAP_ENGINE_ID_BYTES];
	struct stat stat_of;

	(void)state;
	assert_int_equal(start(), 0);
	assert_int_equal(engine.boots, 1);
	assert_int_equal(strlen(engine.id), TRAP_ENGINE_ID_BYTES - 2);
	strcpy(id, engine.id);
	for (uint32_t boots = 2; boots < 5; boots++) {
		assert_int_equal(start(), 0);
		assert_int_equal(engine.boots, boots);
		assert_string_equal(engine.id, id);
	}
	assert_int_equal(stat(directory, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 07777, 0700);
	assert_int_equal(stat(file, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 07777, 0600);
}

static void
two_engines_have_two_ids(void **state)
{
	char id[TRAP_ENGINE_ID_BYTES];

	(void)state;
	assert_int_equal(start(), 0);
	strcpy(id, engine.id);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(start(), 0);
	assert_string_not_equal(engine.id, id);
}

/* Half a number would be a number that goes back, and the manager would believe nothing more. */
static void
a_damaged_file_is_refused_and_left(void **state)
{
	static const char *const rows[] = {"", "x", "gemel-0123456789abcdef", "\n",
	    "gemel-0123456789abcdef 7", "gemel-0123456789abcdef \n", "gemel-0123456789abcdef -7\n",
	    "gemel-0123456789abcdef 7\n8", "gemel-0123456789abcde 7\n",
	    "gemel-0123456789abcdeg 7\n", "gemel-0123456789abcdef 12345678901\n"};

	(void)state;
	assert_int_equal(start(), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(rows[i]);
		assert_int_equal(start(), -EINVAL);
		assert_non_null(strstr(error, "engine: is damaged; remove it"));
	}
	put("gemel-0123456789abcdef 7\n");
	assert_int_equal(start(), 0);
	assert_int_equal(engine.boots, 8);
}

static void
boots_never_wrap(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	put("gemel-0123456789abcdef 2147483646\n");
	assert_int_equal(start(), 0);
	assert_int_equal(engine.boots, 2147483647);
	assert_int_equal(start(), -ERANGE);
	assert_non_null(strstr(error, "remove it"));
}

static void
what_cannot_be_kept_is_not_started(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_int_not_equal(start(), 0);
	assert_non_null(strstr(error, file));
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(trap_engine_start("/dev/null/gemel/snmp", &engine, error), -ENOTDIR);
	assert_non_null(strstr(error, "/dev/null/gemel/snmp: cannot be made"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_start_counts_and_the_id_stays, begin, end),
	    cmocka_unit_test_setup_teardown(two_engines_have_two_ids, begin, end),
	    cmocka_unit_test_setup_teardown(a_damaged_file_is_refused_and_left, begin, end),
	    cmocka_unit_test_setup_teardown(boots_never_wrap, begin, end),
	    cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_not_started, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
