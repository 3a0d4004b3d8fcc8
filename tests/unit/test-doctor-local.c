/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/digest.h"
#include "common/doctor/checks.h"
#include "common/doctor/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char folder[64];
	char gemel[96], corosync[96], keys[96], drbd[96];
	struct local_paths paths;
	struct facts facts;
	struct findings found;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/test-doctor.XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->gemel, sizeof(f->gemel), "%s/gemel.conf", f->folder);
	snprintf(f->corosync, sizeof(f->corosync), "%s/corosync.conf", f->folder);
	snprintf(f->keys, sizeof(f->keys), "%s/heartbeat.keys", f->folder);
	snprintf(f->drbd, sizeof(f->drbd), "%s/mail.res", f->folder);
	f->paths = (struct local_paths){f->gemel, f->corosync, f->keys, f->folder};
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->gemel);
	unlink(f->corosync);
	unlink(f->keys);
	unlink(f->drbd);
	rmdir(f->folder);
	findings_close(&f->found);
	free(f);
	return 0;
}

static void
put(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static bool
has(const struct fixture *f, enum finding_id id)
{
	for (size_t i = 0; i < f->found.count; i++)
		if (f->found.items[i].id == id)
			return true;
	return false;
}

static void
the_files_become_facts(void **state)
{
	struct fixture *f = *state;

	put(f->gemel, "domain = \"example.test\"\nstore {\nrequire_mount = false\n}\n", 0644);
	put(f->corosync, "totem {\ntoken: 500\n}\n", 0644);
	put(f->drbd, "resource mail { net { fencing resource-and-stonith; } }\n", 0644);
	local_read(&f->paths, &f->facts, &f->found);
	assert_int_equal(f->found.count, 0);
	assert_true(f->facts.gemel.is_known);
	assert_int_equal(fact_or(f->facts.gemel.require_mount, -1), 0);
	assert_int_equal(f->facts.corosync.token_ms.value, 500);
	assert_int_equal(f->facts.drbd.resource_count, 1);
	assert_true(f->facts.own_node[0] != '\0');
	assert_int_equal(f->facts.file_count, DIGEST_FILES);
	assert_string_equal(f->facts.files[0].name, "gemel.conf");
	assert_int_equal(strlen(f->facts.files[0].hex), 64);
	assert_string_equal(f->facts.files[2].hex, "");
}

/* With this node as the number'th of the pair. */
static void
put_pair(struct fixture *f, unsigned number, const char *lines, const char *more)
{
	char text[2048], own[256];

	assert_int_equal(gethostname(own, sizeof(own)), 0);
	snprintf(text, sizeof(text),
	    "domain = \"example.test\"\npair {\nnodes = {\"%s\", \"%s\"}\nlines = {%s}\n%s}\n",
	    number == 0 ? own : "its-peer", number == 1 ? own : "its-peer", lines, more);
	put(f->gemel, text, 0644);
	local_read(&f->paths, &f->facts, &f->found);
}

static void
the_lines_are_this_nodes(void **state)
{
	static const char lines[] =
	    "\"udp 10.0.2.1:4572 10.0.2.2\", \"udp fd00:0::1 [fd00::2]:1\", "
	    "\"serial /dev/ttyS0\"";
	static const char *const addresses[2][2] = {
	    {"10.0.2.1", "fd00::1"}, {"10.0.2.2", "fd00::2"}};
	struct fixture *f = *state;
	const struct gemel_facts *gemel = &f->facts.gemel;

	for (unsigned i = 0; i < 2; i++) {
		f->facts = (struct facts){0};
		put_pair(f, i, lines, "");
		assert_true(gemel->lines_are_known);
		assert_int_equal(gemel->line_count, 3);
		assert_string_equal(gemel->lines[0], addresses[i][0]);
		assert_string_equal(gemel->lines[1], addresses[i][1]);
		assert_string_equal(gemel->lines[2], "");
	}
	f->facts = (struct facts){0};
	put_pair(f, 2, lines, "");
	assert_false(gemel->lines_are_known);
	assert_false(has(f, FINDING_GEMEL_WRONG));
	f->facts = (struct facts){0};
	put_pair(f, 0, "\"udp 10.0.2.1\"", "");
	assert_false(gemel->lines_are_known);
	assert_true(has(f, FINDING_GEMEL_WRONG));
}

static void
the_agents_settings_count_where_it_has_a_peer(void **state)
{
	struct fixture *f = *state;
	const struct gemel_facts *gemel = &f->facts.gemel;
	char more[256];

	put(f->gemel, "domain = \"example.test\"\nstandalone = true\n", 0644);
	local_read(&f->paths, &f->facts, &f->found);
	assert_int_equal(fact_or(gemel->standalone, -1), 1);
	assert_int_equal(fact_or(gemel->is_paired, -1), 0);
	assert_false(gemel->lease_ms.is_known || gemel->beat_ms.is_known);
	assert_false(gemel->lines_are_known || gemel->has_reservations.is_known);
	f->facts = (struct facts){0};
	put_pair(f, 0, "", "");
	assert_int_equal(fact_or(gemel->standalone, -1), 0);
	assert_int_equal(fact_or(gemel->is_paired, -1), 1);
	assert_int_equal(fact_or(gemel->beat_ms, -1), 100);
	assert_int_equal(fact_or(gemel->lease_ms, -1), 1000);
	assert_int_equal(fact_or(gemel->has_reservations, -1), 0);
	assert_false(gemel->watchdog_timeout_ms.is_known || gemel->has_witness.is_known);
	assert_true(gemel->lines_are_known && gemel->line_count == 0);
	f->facts = (struct facts){0};
	snprintf(more, sizeof(more),
	    "reservations = {\"/dev/sdb\"}\n}\nagent {\nwatchdog = \"/dev/watchdog\"\n"
	    "watchdog_timeout_s = 7\n");
	put_pair(f, 0, "", more);
	assert_int_equal(fact_or(gemel->has_reservations, -1), 1);
	assert_int_equal(fact_or(gemel->watchdog_timeout_ms, -1), 7000);
}

/* pair { keys } may name another file than the usual one. */
static void
the_key_file_is_the_configured_one(void **state)
{
	struct fixture *f = *state;
	char more[128], hex[DIGEST_HEX_MAX];

	put(f->keys, "1 00\n", 0600);
	assert_int_equal(digest_file(f->keys, hex), 0);
	snprintf(more, sizeof(more), "keys = \"%s\"\n", f->keys);
	f->paths.keys = NULL;
	put_pair(f, 0, "", more);
	assert_int_equal(f->facts.gemel.key_file, geteuid() == 0 ? KEY_FILE_GOOD : KEY_FILE_OPEN);
	assert_string_equal(f->facts.files[2].hex, hex);
}

static void
what_is_wrong_or_missing_is_found(void **state)
{
	struct fixture *f = *state;

	put(f->gemel, "nonsense = 1\n", 0644);
	local_read(&f->paths, &f->facts, &f->found);
	assert_true(has(f, FINDING_GEMEL_WRONG));
	assert_true(has(f, FINDING_COROSYNC_UNKNOWN));
	assert_false(f->facts.gemel.is_known);
	put(f->corosync, "totem {\ntoken: x\n}\n", 0644);
	f->facts = (struct facts){0};
	local_read(&f->paths, &f->facts, &f->found);
	assert_true(has(f, FINDING_COROSYNC_WRONG));
	assert_non_null(strstr(f->found.items[f->found.count - 1].text, "corosync.conf:2: "));
}

static enum key_file
key_file(struct fixture *f)
{
	f->facts = (struct facts){0};
	local_read(&f->paths, &f->facts, &f->found);
	return f->facts.gemel.key_file;
}

static void
a_key_file_is_roots_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(key_file(f), KEY_FILE_ABSENT);
	put(f->keys, "1 00\n", 0600);
	assert_int_equal(key_file(f), geteuid() == 0 ? KEY_FILE_GOOD : KEY_FILE_OPEN);
	put(f->keys, "1 00\n", 0640);
	assert_int_equal(key_file(f), KEY_FILE_OPEN);
	put(f->keys, "1 00\n", 0604);
	assert_int_equal(key_file(f), KEY_FILE_OPEN);
	if (geteuid() == 0) {
		put(f->keys, "1 00\n", 0600);
		assert_int_equal(chown(f->keys, 1, 0), 0);
		assert_int_equal(key_file(f), KEY_FILE_OPEN);
	}
	unlink(f->keys);
	assert_int_equal(symlink(f->gemel, f->keys), 0);
	assert_int_equal(key_file(f), KEY_FILE_OPEN);
}

/* FIPS 180-4's example. */
static void
a_digest_is_sha_256(void **state)
{
	struct fixture *f = *state;
	char hex[DIGEST_HEX_MAX];

	put(f->gemel, "abc", 0644);
	assert_int_equal(digest_file(f->gemel, hex), 0);
	assert_string_equal(
	    hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
what_is_no_short_file_has_no_digest(void **state)
{
	struct fixture *f = *state;
	char hex[DIGEST_HEX_MAX] = "x";
	int fd;

	assert_int_equal(digest_file(f->gemel, hex), -ENOENT);
	assert_string_equal(hex, "");
	assert_int_equal(digest_file(f->folder, hex), -EINVAL);
	assert_int_equal(mkfifo(f->gemel, 0600), 0);
	assert_int_equal(digest_file(f->gemel, hex), -EINVAL);
	unlink(f->gemel);
	fd = open(f->gemel, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, 1024 * 1024), 0);
	assert_int_equal(digest_file(f->gemel, hex), 0);
	assert_int_equal(ftruncate(fd, 1024 * 1024 + 1), 0);
	close(fd);
	assert_int_equal(digest_file(f->gemel, hex), -EFBIG);
	assert_string_equal(hex, "");
}

static void
loading_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct buffer text = {0};

	put(f->gemel, "12345", 0644);
	assert_int_equal(local_load(f->gemel, 5, &text), 0);
	assert_int_equal(text.length, 5);
	assert_int_equal(local_load(f->gemel, 4, &text), -EFBIG);
	assert_int_equal(local_load(f->folder, 4, &text), -EINVAL);
	assert_int_equal(local_load(f->keys, 4, &text), -ENOENT);
	buffer_close(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_files_become_facts, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_lines_are_this_nodes, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_agents_settings_count_where_it_has_a_peer, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_key_file_is_the_configured_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_wrong_or_missing_is_found, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_key_file_is_roots_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_digest_is_sha_256, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_no_short_file_has_no_digest, setup, teardown),
	    cmocka_unit_test_setup_teardown(loading_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
