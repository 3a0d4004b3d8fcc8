/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/accounts.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char directory[64];
	struct maildir_settings settings;
	struct accounts *writer;
	struct accounts *reader;
	char error[256];
};

static void
fixture_open(struct fixture *f)
{
	if (accounts_open_writer(&f->settings, &f->writer, f->error) != 0 ||
	    accounts_open_reader(f->directory, &f->reader, f->error) != 0)
		fail_msg("%s", f->error);
}

static void
fixture_close(struct fixture *f)
{
	accounts_close(&f->reader);
	accounts_close(&f->writer);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->directory, "/tmp/test-accounts-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	f->settings = (struct maildir_settings){f->directory, "example.test", (uid_t)-1, (gid_t)-1};
	fixture_open(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	fixture_close(f);
	snprintf(command, sizeof(command), "rm -r %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static uint64_t
add(struct fixture *f, const char *address)
{
	uint64_t id = 0;

	assert_int_equal(accounts_add(f->writer, slice_of(address), NULL, &id), 0);
	return id;
}

static bool
is_there(struct fixture *f, const char *format, uint64_t id)
{
	char name[128];
	char path[256];
	struct stat st;

	snprintf(name, sizeof(name), format, (unsigned long long)id);
	snprintf(path, sizeof(path), "%s/mail/%s", f->directory, name);
	return stat(path, &st) == 0;
}

static void
execute(struct fixture *f, const char *sql)
{
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/db/accounts.db", f->directory);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
a_reader_sees_an_account_once_add_has_returned(void **state)
{
	struct fixture *f = *state;
	struct account account;
	uint64_t id = 0;

	assert_int_equal(accounts_find(f->reader, "ann@example.test", &account), -ENOENT);
	assert_int_equal(accounts_add(f->writer, slice_of("Ann@Example.Test"), "$y$hash", &id), 0);
	assert_int_equal(accounts_find(f->reader, "ann@example.test", &account), 0);
	assert_int_equal(account.id, id);
	assert_int_equal(account.state, ACCOUNT_ENABLED);
	assert_string_equal(account.address, "ann@example.test");
	assert_string_equal(account.password, "$y$hash");
}

/* A promote must succeed on a full disk. */
static void
opening_makes_no_file_but_the_database_and_its_log(void **state)
{
	struct fixture *f = *state;
	char path[128];

	add(f, "ann@example.test");
	snprintf(path, sizeof(path), "%s/db/accounts.db-wal", f->directory);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/db/accounts.db-shm", f->directory);
	assert_int_equal(access(path, F_OK), -1);
}

static void
an_address_exists_once_in_any_case(void **state)
{
	struct fixture *f = *state;
	struct account account;
	uint64_t first = add(f, "ann@example.test");
	uint64_t id = 0;

	assert_int_equal(accounts_add(f->writer, slice_of("ANN@example.TEST"), "x", &id), -EEXIST);
	assert_int_equal(accounts_find(f->reader, "ann@example.test", &account), 0);
	assert_int_equal(account.id, first);
	assert_string_equal(account.password, "");
	assert_int_equal(accounts_add(f->writer, slice_of("no address"), NULL, &id), -EINVAL);
}

static void
an_id_is_never_used_again(void **state)
{
	struct fixture *f = *state;
	uint64_t first = add(f, "ann@example.test");
	uint64_t deleted = 0;

	assert_int_equal(accounts_delete(f->writer, slice_of("ann@example.test"), &deleted), 0);
	assert_int_equal(deleted, first);
	assert_true(add(f, "ann@example.test") > first);
	fixture_close(f);
	fixture_open(f);
	assert_true(add(f, "bob@example.test") > first + 1);
}

static void
a_new_account_has_a_mailbox_for_both_users(void **state)
{
	static const char *const parts[] = {
	    "%llu", "%llu/Maildir", "%llu/Maildir/new", "%llu/Maildir/cur", "%llu/Maildir/tmp"};
	struct fixture *f = *state;
	mode_t umask_before = umask(077);
	uint64_t id = add(f, "ann@example.test");

	umask(umask_before);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char name[64];
		char path[256];
		struct stat st;

		snprintf(name, sizeof(name), parts[i], (unsigned long long)id);
		snprintf(path, sizeof(path), "%s/mail/%s", f->directory, name);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 02770);
	}
}

static void
a_refused_add_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct account account;
	char path[128];
	uint64_t id;
	FILE *blocker;

	/* The next mailbox cannot be made: a file has its name. */
	snprintf(path, sizeof(path), "%s/mail/1", f->directory);
	blocker = fopen(path, "w");
	assert_non_null(blocker);
	fclose(blocker);
	assert_int_equal(
	    accounts_add(f->writer, slice_of("ann@example.test"), NULL, &id), -ENOTDIR);
	assert_int_equal(accounts_find(f->reader, "ann@example.test", &account), -ENOENT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(add(f, "ann@example.test"), 1);
}

static void
deleted_mail_is_put_aside_and_kept(void **state)
{
	struct fixture *f = *state;
	struct account account;
	uint64_t id = add(f, "ann@example.test");

	assert_int_equal(accounts_delete(f->writer, slice_of("Ann@example.test"), NULL), 0);
	assert_int_equal(accounts_find(f->reader, "ann@example.test", &account), -ENOENT);
	assert_false(is_there(f, "%llu", id));
	assert_true(is_there(f, ".deleted-%llu/Maildir/new", id));
	assert_int_equal(accounts_delete(f->writer, slice_of("ann@example.test"), NULL), -ENOENT);
}

static void
the_next_writer_finishes_a_deletion_that_a_crash_cut_short(void **state)
{
	struct fixture *f = *state;
	uint64_t id = add(f, "ann@example.test");

	fixture_close(f);
	execute(f, "INSERT INTO deleted SELECT id, address, 0 FROM account; DELETE FROM account");
	assert_true(is_there(f, "%llu", id));
	fixture_open(f);
	assert_false(is_there(f, "%llu", id));
	assert_true(is_there(f, ".deleted-%llu/Maildir/new", id));
}

static void
passwords_and_states_change_for_readers_too(void **state)
{
	struct fixture *f = *state;
	struct router_account routed;
	struct account account;

	add(f, "ann@example.test");
	assert_int_equal(
	    accounts_set_password(f->writer, slice_of("ANN@example.test"), "$y$new"), 0);
	assert_int_equal(accounts_lookup(f->reader, "ann@example.test", &routed), 0);
	assert_true(routed.is_enabled);
	assert_int_equal(
	    accounts_set_state(f->writer, slice_of("ann@example.test"), ACCOUNT_DISABLED), 0);
	assert_int_equal(accounts_find(f->reader, "ann@example.test", &account), 0);
	assert_string_equal(account.password, "$y$new");
	assert_int_equal(account.state, ACCOUNT_DISABLED);
	assert_int_equal(accounts_lookup(f->reader, "ann@example.test", &routed), 0);
	assert_false(routed.is_enabled);
	assert_int_equal(accounts_set_password(f->writer, slice_of("ann@example.test"), NULL), 0);
	assert_int_equal(accounts_find(f->reader, "ann@example.test", &account), 0);
	assert_string_equal(account.password, "");
	assert_int_equal(
	    accounts_set_password(f->writer, slice_of("bob@example.test"), "x"), -ENOENT);
	assert_int_equal(accounts_set_state(f->writer, slice_of("bob"), ACCOUNT_ENABLED), -EINVAL);
}

static void
pages_of_the_list_give_every_account_once(void **state)
{
	struct fixture *f = *state;
	struct account page[3];
	char after[ADDRESS_MAX + 1] = "";
	size_t seen = 0;
	ssize_t count;

	for (int i = 0; i < 8; i++) {
		char address[32];

		snprintf(address, sizeof(address), "user%d@example.test", (i * 5) % 8);
		add(f, address);
	}
	do {
		count = accounts_list(f->reader, after, page, 3);
		assert_true(count >= 0);
		for (ssize_t i = 0; i < count; i++) {
			assert_true(strcmp(page[i].address, after) > 0);
			strcpy(after, page[i].address);
			seen++;
		}
	} while (count == 3);
	assert_int_equal(seen, 8);
}

static void
no_text_is_taken_for_sql(void **state)
{
	struct fixture *f = *state;
	struct account account;

	add(f, "ann@example.test");
	assert_int_equal(accounts_find(f->reader, "x' OR '1'='1@example.test", &account), -ENOENT);
	add(f, "o'hara@example.test");
	assert_int_equal(accounts_find(f->reader, "o'hara@example.test", &account), 0);
	assert_int_equal(accounts_find(f->reader, "%@example.test", &account), -ENOENT);
}

static void
a_file_of_another_version_is_refused_with_a_sentence(void **state)
{
	static const char *const changes[] = {
	    "PRAGMA user_version = 2", "PRAGMA user_version = 1; UPDATE form SET version = 99"};
	struct fixture *f = *state;

	fixture_close(f);
	for (size_t i = 0; i < 2; i++) {
		execute(f, changes[i]);
		assert_int_equal(accounts_open_writer(&f->settings, &f->writer, f->error), -EPROTO);
		assert_int_equal(accounts_open_reader(f->directory, &f->reader, f->error), -EPROTO);
		assert_non_null(strstr(f->error, "accounts.db was made by another version"));
	}
}

static void
a_reader_does_not_make_the_file(void **state)
{
	struct fixture *f = *state;
	struct accounts *reader = NULL;

	assert_int_equal(accounts_open_reader("/tmp", &reader, f->error), -ENOENT);
	assert_null(reader);
}

struct import {
	struct fixture *fixture;
	atomic_bool is_done;
};

static void *
import_run(void *argument)
{
	struct import *import = argument;

	for (int i = 0; i < 100; i++) {
		char address[32];

		snprintf(address, sizeof(address), "user%d@example.test", i);
		add(import->fixture, address);
	}
	atomic_store(&import->is_done, true);
	return NULL;
}

static void
lookups_never_fail_while_another_thread_writes(void **state)
{
	struct fixture *f = *state;
	struct import import = {.fixture = f};
	struct account account;
	pthread_t thread;

	add(f, "ann@example.test");
	assert_int_equal(pthread_create(&thread, NULL, import_run, &import), 0);
	while (!atomic_load(&import.is_done)) {
		assert_int_equal(accounts_find(f->reader, "ann@example.test", &account), 0);
		assert_int_equal(accounts_find(f->reader, "bob@example.test", &account), -ENOENT);
	}
	pthread_join(thread, NULL);
	assert_int_equal(accounts_find(f->reader, "user99@example.test", &account), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_reader_sees_an_account_once_add_has_returned, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		opening_makes_no_file_but_the_database_and_its_log, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_address_exists_once_in_any_case, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_id_is_never_used_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_new_account_has_a_mailbox_for_both_users, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_refused_add_changes_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(deleted_mail_is_put_aside_and_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_next_writer_finishes_a_deletion_that_a_crash_cut_short, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		passwords_and_states_change_for_readers_too, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		pages_of_the_list_give_every_account_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_text_is_taken_for_sql, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_file_of_another_version_is_refused_with_a_sentence, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_reader_does_not_make_the_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		lookups_never_fail_while_another_thread_writes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
