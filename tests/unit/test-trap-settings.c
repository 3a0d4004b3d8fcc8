/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/trap-settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char path[64];
static char *targets[TRAP_TARGETS_MAX + 1];
static struct config config;
static struct trap_settings settings;
static char error[CONFIG_ERROR_MAX];

static void
put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int
begin(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/gemel-test-secrets-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	put("community hunter2\nv3user u auth sha256 authauth priv aes privpriv\n");
	targets[0] = (char *)(uintptr_t) "192.0.2.9:162";
	config = (struct config){
	    .snmp_targets = {targets, 1},
	    .snmp_version = (char *)(uintptr_t) "2c",
	    .snmp_secrets = path,
	};
	return 0;
}

static int
end(void **state)
{
	(void)state;
	return unlink(path);
}

static int
read_settings(void)
{
	error[0] = '\0';
	return trap_settings_read(&config, geteuid(), &settings, error);
}

static void
assert_refused(int result, const char *said)
{
	assert_int_equal(read_settings(), result);
	if (!strstr(error, said) || strchr(error, '\n') || strstr(error, "hunter2"))
		fail_msg("says \"%s\", and not \"%s\"", error, said);
	assert_int_equal(settings.secrets.community[0], '\0');
	assert_int_equal(settings.secrets.auth[0], '\0');
}

static void
what_is_right_is_taken(void **state)
{
	(void)state;
	config.snmp_informs = true;
	assert_int_equal(read_settings(), 0);
	assert_string_equal(error, "");
	assert_int_equal(settings.target_count, 1);
	assert_string_equal(settings.targets[0], "192.0.2.9:162");
	assert_false(settings.is_v3);
	assert_true(settings.informs);
	assert_false(settings.pacemaker_mib);
	assert_string_equal(settings.secrets.community, "hunter2");
	config.snmp_version = (char *)(uintptr_t) "3";
	config.snmp_pacemaker_mib = true;
	assert_int_equal(read_settings(), 0);
	assert_true(settings.is_v3);
	assert_true(settings.pacemaker_mib);
	assert_string_equal(settings.secrets.priv, "privpriv");
}

static void
without_targets_no_secrets_are_needed(void **state)
{
	(void)state;
	config.snmp_targets.count = 0;
	config.snmp_secrets = (char *)(uintptr_t) "/nonexistent";
	assert_int_equal(read_settings(), 0);
	assert_int_equal(settings.target_count, 0);
}

/* A name would have to be resolved. */
static void
only_numeric_addresses_with_a_port_are_targets(void **state)
{
	static const char *const good[] = {
	    "127.0.0.1:1", "[::1]:65535", "[2001:db8::9]:162", "255.255.255.255:00162"};
	static const char *const bad[] = {"", ":", "162", "manager:162", "192.0.2.9",
	    "192.0.2.9:", "192.0.2.9:0", "192.0.2.9:65536", "192.0.2.9:-1", "192.0.2.9:+1",
	    "192.0.2.9: 1", "192.0.2.9:162 ", "192.0.2:162", "2001:db8::9:162", "[2001:db8::9]",
	    "[2001:db8::9:162", "[192.0.2.9]:162", "[]:162", "[:162", "[fe80::1%eth0]:162",
	    "udp:192.0.2.9:162", "192.0.2.9:000000000000162",
	    "[1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111]:162"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		targets[0] = (char *)(uintptr_t)good[i];
		assert_int_equal(read_settings(), 0);
		assert_string_equal(settings.targets[0], good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		targets[0] = (char *)(uintptr_t)bad[i];
		assert_refused(-EINVAL, "is no numeric address with a port");
	}
}

static void
there_are_at_most_eight_targets(void **state)
{
	(void)state;
	for (int i = 0; i <= TRAP_TARGETS_MAX; i++)
		targets[i] = targets[0];
	config.snmp_targets.count = TRAP_TARGETS_MAX;
	assert_int_equal(read_settings(), 0);
	assert_int_equal(settings.target_count, TRAP_TARGETS_MAX);
	config.snmp_targets.count++;
	assert_refused(-EINVAL, "has 9 entries");
}

static void
another_version_is_refused(void **state)
{
	(void)state;
	config.snmp_version = (char *)(uintptr_t) "1";
	assert_refused(-EINVAL, "\"version\" in \"snmp\" is \"1\", but must be \"2c\" or \"3\"");
}

static void
secrets_that_others_can_use_are_refused(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0660, 0601, 0610};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		assert_refused(-EPERM, "others can use the secrets in it; run \"chmod 600 ");
	}
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(read_settings(), 0);
}

static void
secrets_of_another_user_are_refused(void **state)
{
	(void)state;
	assert_int_equal(trap_settings_read(&config, geteuid() + 1, &settings, error), -EPERM);
	assert_non_null(strstr(error, "the secrets in it are not safe; change its owner"));
}

static void
what_is_no_file_is_refused(void **state)
{
	char link[80];

	(void)state;
	snprintf(link, sizeof(link), "%s-link", path);
	assert_int_equal(symlink(path, link), 0);
	config.snmp_secrets = link;
	assert_refused(-ELOOP, "cannot be opened");
	assert_int_equal(unlink(link), 0);
	/* Nobody will ever write into it. */
	assert_int_equal(mkfifo(link, 0600), 0);
	assert_refused(-EINVAL, "is no regular file");
	assert_int_equal(unlink(link), 0);
	assert_refused(-ENOENT, "traps need the secrets in it");
}

static void
a_wrong_line_is_named_without_what_is_in_it(void **state)
{
	char large[SNMP_SECRETS_FILE_MAX + 2];

	(void)state;
	put("community a\nv3user hunter2\n");
	assert_refused(-EINVAL, ":2: this line is not \"v3user NAME ");
	memset(large, '#', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	put(large);
	assert_refused(-EFBIG, "is larger than 4096 bytes");
	large[SNMP_SECRETS_FILE_MAX] = '\0';
	put(large);
	assert_refused(-EINVAL, "has no community, but SNMP version 2c needs it");
}

static void
a_version_without_its_secret_is_refused(void **state)
{
	(void)state;
	put("community hunter2\n");
	config.snmp_version = (char *)(uintptr_t) "3";
	assert_refused(-EINVAL, "has no v3user, but SNMP version 3 needs it; add the line");
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LAW(what_is_right_is_taken),
	    LAW(without_targets_no_secrets_are_needed),
	    LAW(only_numeric_addresses_with_a_port_are_targets),
	    LAW(there_are_at_most_eight_targets),
	    LAW(another_version_is_refused),
	    LAW(secrets_that_others_can_use_are_refused),
	    LAW(secrets_of_another_user_are_refused),
	    LAW(what_is_no_file_is_refused),
	    LAW(a_wrong_line_is_named_without_what_is_in_it),
	    LAW(a_version_without_its_secret_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
