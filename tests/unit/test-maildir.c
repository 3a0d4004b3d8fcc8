/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ID ((UINT64_C(3) << 40) | 0x1f2a)
#define NEW "mail/12/Maildir/new/1795438888.Q3-1f2aR7.example.test"

struct fixture {
	char directory[64];
	struct maildir *maildir;
	char error[256];
};

static const struct maildir_item item = {ID, 7, 1795438888};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct maildir_settings settings = {f->directory, "example.test", (uid_t)-1, (gid_t)-1};

	strcpy(f->directory, "/tmp/test-maildir-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	if (maildir_open(&settings, &f->maildir, f->error) != 0)
		fail_msg("%s", f->error);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	maildir_close(&f->maildir);
	snprintf(command, sizeof(command), "rm -r %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static const char *
path_of(struct fixture *f, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->directory, name);
	return path;
}

static bool
is_there(struct fixture *f, const char *name)
{
	return access(path_of(f, name), F_OK) == 0;
}

static size_t
read_file(struct fixture *f, const char *name, char *out, size_t room)
{
	FILE *file = fopen(path_of(f, name), "r");
	size_t length;

	assert_non_null(file);
	length = fread(out, 1, room, file);
	fclose(file);
	return length;
}

static void
write_file(struct fixture *f, const char *name)
{
	FILE *file = fopen(path_of(f, name), "w");

	assert_non_null(file);
	fclose(file);
}

static int
read_slice(void *context, uint64_t offset, void *out, size_t length)
{
	const struct slice *content = context;

	assert_true(offset + length <= content->length);
	memcpy(out, content->data + offset, length);
	return 0;
}

static int
stage(struct fixture *f, const char *headers, struct slice text, struct maildir_size *size)
{
	struct maildir_content content = {slice_of(headers), text.length, read_slice, &text};

	return maildir_stage(f->maildir, &item, &content, size);
}

static void
a_file_is_stored_with_lf_and_its_sizes_tell_both(void **state)
{
	static const struct {
		const char *content;
		const char *stored;
		uint64_t wire;
	} rows[] = {
	    {"", "H: 1\n", 6},
	    {"a\r\nb\r\n", "H: 1\na\nb\n", 12},
	    {"a\r\nb", "H: 1\na\nb", 10},
	    {"\r\n\r\n", "H: 1\n\n\n", 10},
	    {"bare\ncr\rx\r", "H: 1\nbare\ncr\rx\r", 17},
	    {"\r\r\n", "H: 1\n\r\n", 8},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct maildir_size measured;
		struct maildir_size size;
		char file[128];
		size_t length;

		assert_int_equal(stage(f, "H: 1\r\n", slice_of(rows[i].content), &size), 0);
		length = read_file(f, "staging/mail/Q3-1f2aR7", file, sizeof(file));
		assert_int_equal(length, strlen(rows[i].stored));
		assert_memory_equal(file, rows[i].stored, length);
		assert_int_equal(size.stored, length);
		assert_int_equal(size.wire, rows[i].wire);
		assert_int_equal(maildir_measure(f->maildir, &item, &measured), 0);
		assert_int_equal(measured.stored, size.stored);
		assert_int_equal(measured.wire, size.wire);
	}
}

/* Content of several pieces, with a line end across each border of a piece somewhere. */
static void
large_content_is_the_same_in_pieces(void **state)
{
	struct fixture *f = *state;
	size_t length = 700001;
	char *content = malloc(length);
	char *file = malloc(length);
	size_t expected = 0;
	struct maildir_size measured;
	struct maildir_size size;

	for (size_t i = 0; i < length; i++)
		content[i] = "ab\r\n\r\nxyz\r"[i % 10];
	assert_int_equal(stage(f, "", slice_from(content, length), &size), 0);
	assert_int_equal(read_file(f, "staging/mail/Q3-1f2aR7", file, length), size.stored);
	for (size_t i = 0; i < length; i++) {
		if (content[i] == '\r' && i + 1 < length && content[i + 1] == '\n')
			continue;
		assert_int_equal(file[expected], content[i]);
		expected++;
	}
	assert_int_equal(size.stored, expected);
	assert_int_equal(size.wire, length);
	assert_int_equal(maildir_measure(f->maildir, &item, &measured), 0);
	assert_int_equal(measured.wire, size.wire);
	free(content);
	free(file);
}

static void
staging_again_leaves_nothing_of_the_first_time(void **state)
{
	struct fixture *f = *state;
	struct maildir_size size;
	char file[64];

	assert_int_equal(stage(f, "", slice_of("a long first text\r\n"), &size), 0);
	assert_int_equal(stage(f, "", slice_of("short\r\n"), &size), 0);
	assert_int_equal(read_file(f, "staging/mail/Q3-1f2aR7", file, sizeof(file)), 6);
	assert_int_equal(size.stored, 6);
}

static int
read_fails(void *context, uint64_t offset, void *out, size_t length)
{
	(void)context;
	(void)out;
	(void)length;
	return offset > 0 ? -EBADMSG : 0;
}

static void
content_that_cannot_be_read_leaves_no_file(void **state)
{
	struct fixture *f = *state;
	struct maildir_content content = {.length = 1000000, .read = read_fails};
	struct maildir_size size;

	assert_int_equal(maildir_stage(f->maildir, &item, &content, &size), -EBADMSG);
	assert_false(is_there(f, "staging/mail/Q3-1f2aR7"));
}

static void
publishing_twice_is_publishing_once(void **state)
{
	struct fixture *f = *state;
	struct maildir_size size;
	struct stat st;

	assert_int_equal(maildir_create(f->maildir, 12), 0);
	assert_int_equal(stage(f, "", slice_of("text\r\n"), &size), 0);
	assert_int_equal(maildir_publish(f->maildir, &item, 12, &size), 0);
	assert_true(is_there(f, NEW ",S=5,W=6"));
	assert_false(is_there(f, "staging/mail/Q3-1f2aR7"));
	assert_int_equal(stat(path_of(f, NEW ",S=5,W=6"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(unlink(path_of(f, NEW ",S=5,W=6")), 0);
	assert_int_equal(maildir_publish(f->maildir, &item, 12, &size), 0);
	assert_false(is_there(f, NEW ",S=5,W=6"));
}

static void
a_missing_mailbox_is_told_and_keeps_the_staging_file(void **state)
{
	struct fixture *f = *state;
	struct maildir_size size;

	assert_int_equal(stage(f, "", slice_of("text\r\n"), &size), 0);
	assert_int_equal(maildir_publish(f->maildir, &item, 12, &size), -ENOENT);
	assert_true(is_there(f, "staging/mail/Q3-1f2aR7"));
	assert_int_equal(maildir_create(f->maildir, 12), 0);
	assert_int_equal(maildir_publish(f->maildir, &item, 12, &size), 0);
	assert_true(is_there(f, NEW ",S=5,W=6"));
}

/* A group that we may give files to and that is not ours by default, if there is one. */
static gid_t
another_group(void)
{
	gid_t groups[64];
	int count = getgroups(64, groups);

	if (geteuid() == 0)
		return 65534;
	return count > 0 ? groups[count - 1] : getegid();
}

static void
the_given_group_may_work_in_mailboxes_and_on_files(void **state)
{
	struct fixture *f = *state;
	struct maildir_settings settings = {
	    f->directory, "example.test", (uid_t)-1, another_group()};
	mode_t umask_before = umask(077);
	struct maildir_size size;
	struct stat st;

	maildir_close(&f->maildir);
	if (maildir_open(&settings, &f->maildir, f->error) != 0)
		fail_msg("%s", f->error);
	assert_int_equal(maildir_create(f->maildir, 12), 0);
	assert_int_equal(stage(f, "", slice_of("text\r\n"), &size), 0);
	assert_int_equal(maildir_publish(f->maildir, &item, 12, &size), 0);
	umask(umask_before);
	assert_int_equal(stat(path_of(f, "mail"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(st.st_gid, settings.group);
	assert_int_equal(stat(path_of(f, "mail/12/Maildir/new"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 02770);
	assert_int_equal(st.st_gid, settings.group);
	assert_int_equal(stat(path_of(f, NEW ",S=5,W=6"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, settings.group);
}

static void
a_mailbox_is_mended_and_its_mail_kept(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(maildir_create(f->maildir, 12), 0);
	write_file(f, "mail/12/Maildir/new/kept");
	assert_int_equal(rmdir(path_of(f, "mail/12/Maildir/cur")), 0);
	assert_int_equal(maildir_create(f->maildir, 12), 0);
	assert_true(is_there(f, "mail/12/Maildir/cur"));
	assert_true(is_there(f, "mail/12/Maildir/new/kept"));
}

static void
mail_put_aside_never_covers_what_was_put_aside_before(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(maildir_set_aside(f->maildir, 12), 0);
	assert_int_equal(maildir_create(f->maildir, 12), 0);
	assert_int_equal(maildir_set_aside(f->maildir, 12), 0);
	assert_int_equal(maildir_create(f->maildir, 12), 0);
	assert_int_equal(maildir_set_aside(f->maildir, 12), 0);
	assert_false(is_there(f, "mail/12"));
	assert_true(is_there(f, "mail/.deleted-12/Maildir/new"));
	assert_true(is_there(f, "mail/.deleted-12-1/Maildir/new"));
}

static bool
is_seven_wanted(void *context, message_id id, uint32_t recipient)
{
	(void)context;
	return id == ID && recipient == 7;
}

static void
the_sweep_takes_exactly_what_nobody_wants(void **state)
{
	static const char *const orphans[] = {
	    "Q3-1f2aR8", "Q3-1f2bR7", "Q03-1f2aR7", "Q3-1f2aR7x", "core", "Q3-1f2aR07"};
	struct fixture *f = *state;
	struct maildir_size size;
	char name[64];

	assert_int_equal(stage(f, "", slice_of("text\r\n"), &size), 0);
	for (size_t i = 0; i < sizeof(orphans) / sizeof(orphans[0]); i++) {
		snprintf(name, sizeof(name), "staging/mail/%s", orphans[i]);
		write_file(f, name);
	}
	assert_int_equal(maildir_sweep(f->maildir, is_seven_wanted, NULL), 6);
	assert_true(is_there(f, "staging/mail/Q3-1f2aR7"));
	assert_int_equal(maildir_sweep(f->maildir, is_seven_wanted, NULL), 0);
}

static void
a_host_that_would_spoil_a_name_is_refused(void **state)
{
	static const char *const hosts[] = {"", "a/b", "a:2", "a,S=1"};
	struct fixture *f = *state;
	struct maildir *maildir = NULL;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct maildir_settings settings = {f->directory, hosts[i], (uid_t)-1, (gid_t)-1};

		assert_int_equal(maildir_open(&settings, &maildir, f->error), -EINVAL);
		assert_null(maildir);
	}
}

static void
a_store_that_cannot_be_made_is_told_in_a_sentence(void **state)
{
	struct fixture *f = *state;
	struct maildir_settings settings = {"/nonexistent", "h", (uid_t)-1, (gid_t)-1};
	struct maildir *maildir = NULL;

	assert_int_equal(maildir_open(&settings, &maildir, f->error), -ENOENT);
	assert_non_null(strstr(f->error, "/nonexistent"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_file_is_stored_with_lf_and_its_sizes_tell_both, setup, teardown),
	    cmocka_unit_test_setup_teardown(large_content_is_the_same_in_pieces, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		staging_again_leaves_nothing_of_the_first_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		content_that_cannot_be_read_leaves_no_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(publishing_twice_is_publishing_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_missing_mailbox_is_told_and_keeps_the_staging_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_given_group_may_work_in_mailboxes_and_on_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_mailbox_is_mended_and_its_mail_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		mail_put_aside_never_covers_what_was_put_aside_before, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_sweep_takes_exactly_what_nobody_wants, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_host_that_would_spoil_a_name_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_store_that_cannot_be_made_is_told_in_a_sentence, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
