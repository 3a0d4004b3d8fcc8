/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/own.h"

#include "common/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];

static void
path_of(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", directory, name);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/test-own-XXXXXX");
	if (!mkdtemp(directory))
		abort();
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const files[] = {
	    "boot-id", "floatip-gemel-ip4", "sharedstore-gemel-store.busy", "mailcored.pid"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		path_of(files[i], path);
		unlink(path);
	}
	rmdir(directory);
	return 0;
}

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	path_of(name, path);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct own_holdings
look(const char *store)
{
	struct own_holdings held;

	own_look(directory, store, &held);
	return held;
}

static void
a_node_that_holds_nothing_is_seen_so(void **state)
{
	struct own_holdings held = look(directory);

	(void)state;
	assert_false(held.core || held.store || held.address);
}

static void
a_mounted_store_is_seen_by_any_name(void **state)
{
	char link[128];

	(void)state;
	assert_true(look("/proc").store);
	assert_true(look("/proc/").store);
	path_of("boot-id", link);
	assert_int_equal(symlink("/proc", link), 0);
	assert_true(look(link).store);
}

static void
a_mount_that_hangs_is_a_store(void **state)
{
	struct process busy;
	char path[128];
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		for (;;)
			pause();
	assert_int_equal(process_identify(pid, &busy), 0);
	path_of("sharedstore-gemel-store.busy", path);
	assert_int_equal(process_save(path, &busy), 0);
	assert_true(look(directory).store);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(look(directory).store);
}

static void
a_floating_address_is_seen_by_its_state_file(void **state)
{
	(void)state;
	write_file("floatip-gemel-ip4", "1 2\n");
	assert_true(look(directory).address);
}

static void
a_container_has_a_boot_id_of_its_own(void **state)
{
	struct id128 boot, kernel;
	char text[ID128_TEXT_BYTES];

	(void)state;
	assert_int_equal(own_boot_id(directory, &kernel), 0);
	write_file("boot-id", "01234567-89ab-cdef-0123-456789abcdef\n");
	assert_int_equal(own_boot_id(directory, &boot), 0);
	assert_string_equal(id128_text(&boot, text), "01234567-89ab-cdef-0123-456789abcdef");
	assert_false(id128_is_same(&boot, &kernel));
	write_file("boot-id", "nonsense\n");
	assert_true(own_boot_id(directory, &boot) < 0);
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LAW(a_node_that_holds_nothing_is_seen_so),
	    LAW(a_mounted_store_is_seen_by_any_name),
	    LAW(a_mount_that_hangs_is_a_store),
	    LAW(a_floating_address_is_seen_by_its_state_file),
	    LAW(a_container_has_a_boot_id_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
