/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char path[] = "/tmp/gemel-test-config-XXXXXX";
static struct config config;
static char error[CONFIG_ERROR_MAX];

static int
begin(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
end(void **state)
{
	(void)state;
	return unlink(path);
}

static int
read_text(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return config_read(path, &config, error);
}

/* The error must be one sentence that begins with the file and says this. */
static void
assert_refused(const char *text, const char *said)
{
	assert_int_equal(read_text(text), -EINVAL);
	assert_null(config.domain);
	if (strncmp(error, path, strlen(path)) != 0 || !strstr(error, said) || strchr(error, '\n'))
		fail_msg("\"%s\": says \"%s\", and not \"%s\"", text, error, said);
}

static void
all_but_the_domain_has_a_default(void **state)
{
	char name[256];

	(void)state;
	assert_int_equal(read_text("domain = \"example.test\"\n"), 0);
	assert_string_equal(error, "");
	assert_string_equal(config.domain, "example.test");
	assert_int_equal(gethostname(name, sizeof(name)), 0);
	assert_string_equal(config.hostname, name);
	assert_string_equal(config.run_directory, "/run/gemel");
	assert_false(config.standalone);
	assert_string_equal(config.log_file, "/var/log/gemel/mailcored.log");
	assert_string_equal(config.user, "gemel");
	assert_string_equal(config.smtp_user, "gemel-smtp");
	assert_string_equal(config.mail_user, "vmail");
	assert_string_equal(config.store_directory, "/srv/gemel");
	assert_true(config.require_mount);
	assert_int_equal(config.segment_mib, 64);
	assert_int_equal(config.listen.count, 1);
	assert_string_equal(config.listen.items[0], "*:25");
	assert_int_equal(config.recipients_max, 1000);
	assert_string_equal(config.postmaster, "");
	assert_int_equal(config.witness_listen.count, 1);
	assert_string_equal(config.witness_listen.items[0], "*:4573");
	assert_string_equal(config.witness_directory, "/var/lib/gemel/witness");
	assert_string_equal(config.witness_certificate, "/etc/gemel/tls/witness.pem");
	assert_string_equal(config.witness_key, "/etc/gemel/tls/witness.key");
	assert_string_equal(config.witness_ca, "/etc/gemel/tls/ca.pem");
	assert_string_equal(config.witness_log_file, "/var/log/gemel/witnessd.log");
	assert_int_equal(config.snmp_targets.count, 0);
	assert_string_equal(config.snmp_version, "2c");
	assert_string_equal(config.snmp_secrets, "/etc/gemel/snmp.secrets");
	assert_false(config.snmp_informs || config.snmp_pacemaker_mib);
	config_close(&config);
	assert_null(config.domain);
}

static void
every_type_is_taken_from_the_file(void **state)
{
	(void)state;
	assert_int_equal(read_text("# a comment\n"
				   "domain = example.test\n"
				   "hostname = 'mx.example.test'\n"
				   "standalone = yes\n"
				   "store {\n"
				   "	directory = \"/mnt\"  # behind a value\n"
				   "	require_mount = false\n"
				   "	segment_mib = 1024\n"
				   "}\n"
				   "smtp {\n"
				   "	listen = {\"192.0.2.10:25\", \"[2001:db8::10]:25\"}\n"
				   "	workers = 64\n"
				   "}\n"),
	    0);
	assert_string_equal(config.domain, "example.test");
	assert_string_equal(config.hostname, "mx.example.test");
	assert_string_equal(config.store_directory, "/mnt");
	assert_false(config.require_mount);
	assert_true(config.standalone);
	assert_int_equal(config.segment_mib, 1024);
	assert_int_equal(config.listen.count, 2);
	assert_string_equal(config.listen.items[1], "[2001:db8::10]:25");
	assert_int_equal(config.workers, 64);
	config_close(&config);
}

static void
a_domain_must_be_given_and_be_one(void **state)
{
	char text[400] = "domain = ";

	(void)state;
	assert_refused("", "\"domain\" must be given");
	assert_refused("domain = \"\"\n", "\"domain\" must be given");
	assert_refused("domain = \"a@example.test\"\n", "which is no domain");
	memset(text + strlen(text), 'x', 256);
	assert_refused(text, "which is no domain");
}

static void
a_number_keeps_to_its_bounds(void **state)
{
	static const struct {
		const char *value;
		bool good;
	} rows[] = {{"0", true}, {"1", true}, {"64", true}, {"65", false}, {"-1", false}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[128];

		snprintf(text, sizeof(text), "domain = x\nsmtp { workers = %s }\n", rows[i].value);
		if (!rows[i].good) {
			assert_refused(text, "\"workers\" in \"smtp\" is");
			assert_non_null(strstr(error, "must be 0 to 64"));
			continue;
		}
		assert_int_equal(read_text(text), 0);
		config_close(&config);
	}
}

static void
what_is_not_understood_is_named_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
	    {"domain = x\nnonsense = 1\n", ":2: no such option 'nonsense'"},
	    {"domain = x\nsmtp {\n\tnonsense = 1\n}\n", ":3: no such option 'nonsense'"},
	    {"domain = x\nnonsense {\n}\n", ":2: no such option 'nonsense'"},
	    {"domain = x\nsmtp {\n\tworkers = many\n}\n", ":3: invalid integer value"},
	    {"domain = x\nsmtp {\n\tworkers = 2x\n}\n", ":3: invalid integer value"},
	    {"domain = x\nsmtp {\n\tworkers = 99999999999999999999\n}\n", ":3: integer value"},
	    {"domain = x\nstore {\n\trequire_mount = maybe\n}\n", ":3: invalid boolean value"},
	    {"domain = x\nworkers = 2\n", ":2: no such option 'workers'"},
	    {"domain x\n", ":1: "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_refused(rows[i].text, rows[i].said);
}

/* The last one would win in silence, and what the first one said would be the default again. */
static void
what_is_said_twice_is_named_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
	    {"domain = x\nsmtp {\n\tworkers = 3\n}\nsmtp {\n\terrors_max = 3\n}\n",
		":6: section \"smtp\" was given before"},
	    {"domain = x\nstore {\n}\nusers {\n}\nstore {\n}\n",
		":7: section \"store\" was given before"},
	    {"domain = x\nsmtp {}\nsmtp { listen = {\"*:25\"} }\n",
		":3: section \"smtp\" was given before"},
	    {"domain = x\nhostname = y\ndomain = z\n", ":3: key \"domain\" was given before"},
	    {"domain = x\nsmtp {\n\tworkers = 3\n\tworkers = 3\n}\n",
		":4: key \"workers\" was given before"},
	    {"domain = x\nsmtp {\n\tlisten = {\"*:25\"}\n\tlisten = {\"*:26\"}\n}\n",
		":4: key \"listen\" was given before"},
	    {"domain = x\nsmtp {\n\tlisten = {\"*:25\", \"*:26\"}\n\tlisten = {\"*:27\"}\n}\n",
		":4: key \"listen\" was given before"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_refused(rows[i].text, rows[i].said);
}

/* A file that was cut off, by a full disk or a copy that ended early, must not pass for a whole. */
static void
a_file_that_ends_too_early_is_refused(void **state)
{
	(void)state;
	assert_refused("domain = x\nsmtp {\n\tworkers = 3\n", "a section is not closed");
	assert_refused("domain = x\nsmtp {", "a section is not closed");
	assert_refused("domain = x\nsmtp {\n\tlisten = {\"*:25\"", ":");
	assert_refused("domain = \"x", ":");
	assert_refused("domain =", ":");
}

static void
what_is_no_file_of_text_is_an_error(void **state)
{
	FILE *file = fopen(path, "w");

	(void)state;
	assert_int_equal(config_read("/nonexistent/gemel.conf", &config, error), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/gemel.conf: cannot be read"));
	assert_int_equal(config_read("/", &config, error), -EISDIR);
	assert_int_equal(config_read("/dev/null", &config, error), -EINVAL);
	assert_non_null(file);
	fwrite("domain = x\n\0smtp {", 1, 18, file);
	fclose(file);
	assert_int_equal(config_read(path, &config, error), -EILSEQ);
	file = fopen(path, "w");
	for (unsigned i = 0; i <= 1024 * 1024 / 16; i++)
		fputs("# a long comment\n", file);
	fclose(file);
	assert_int_equal(config_read(path, &config, error), -EFBIG);
}

/* Uncomment every key of the sample: what it shows as defaults are the defaults. */
static void
the_sample_says_what_the_defaults_are(void **state)
{
	char *sample = NULL, *text;
	size_t length = 0, kept = 0;
	FILE *out = open_memstream(&sample, &length);
	struct config from_sample;

	(void)state;
	config_print_sample(out);
	fclose(out);
	assert_int_equal(read_text(sample), 0);
	config_close(&config);
	text = malloc(length + 1);
	for (size_t i = 0; i < length; i++)
		if (sample[i] != '#' || sample[i + 1] == ' ')
			text[kept++] = sample[i];
	text[kept] = '\0';
	assert_non_null(strstr(text, "\tworkers = 0"));
	assert_int_equal(read_text(text), 0);
	from_sample = config;
	assert_int_equal(read_text("domain = example.org"), 0);
	assert_string_equal(from_sample.domain, config.domain);
	assert_string_equal(from_sample.hostname, config.hostname);
	assert_string_equal(from_sample.log_file, config.log_file);
	assert_string_equal(from_sample.listen.items[0], config.listen.items[0]);
	assert_int_equal(from_sample.listen.count, config.listen.count);
	assert_int_equal(from_sample.require_mount, config.require_mount);
	/* From here on only numbers, and one text at the end. */
	assert_memory_equal(&from_sample.segment_mib, &config.segment_mib,
	    offsetof(struct config, listen) - offsetof(struct config, segment_mib));
	assert_memory_equal(&from_sample.workers, &config.workers,
	    offsetof(struct config, postmaster) - offsetof(struct config, workers));
	config_close(&from_sample);
	config_close(&config);
	free(sample);
	free(text);
}

static void
closing_what_was_never_read_is_harmless(void **state)
{
	struct config none = {0};

	(void)state;
	config_close(&none);
	config_close(&none);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_but_the_domain_has_a_default),
    cmocka_unit_test(every_type_is_taken_from_the_file),
    cmocka_unit_test(a_domain_must_be_given_and_be_one),
    cmocka_unit_test(a_number_keeps_to_its_bounds),
    cmocka_unit_test(what_is_not_understood_is_named_with_file_and_line),
    cmocka_unit_test(what_is_said_twice_is_named_with_file_and_line),
    cmocka_unit_test(a_file_that_ends_too_early_is_refused),
    cmocka_unit_test(what_is_no_file_of_text_is_an_error),
    cmocka_unit_test(the_sample_says_what_the_defaults_are),
    cmocka_unit_test(closing_what_was_never_read_is_harmless),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, begin, end);
}
