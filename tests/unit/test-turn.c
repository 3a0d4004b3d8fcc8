/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/retry.h"
#include "mailcore/store/turn.h"

#include "common/disk.h"
#include "tests/unit/fake-disk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define STORE "/store"
#define TASKS 10
#define CONTENT_BYTES 100000

struct fixture {
	struct maildir *maildir;
	struct turn_settings settings;
	struct envelope_recipient recipient;
	struct message messages[TASKS];
	struct task tasks[TASKS];
	struct turn turn;
};

int
spool_read(
    struct spool *spool, const struct message *message, uint64_t offset, void *out, size_t length)
{
	(void)spool;
	(void)message;
	(void)offset;
	memset(out, 'x', length);
	return 0;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct maildir_settings settings = {STORE, "example.test", (uid_t)-1, (gid_t)-1};
	char error[256];

	fake_disk_reset();
	assert_int_equal(disk_make_directory(STORE, 0700), 0);
	assert_int_equal(maildir_open(&settings, &f->maildir, error), 0);
	f->settings =
	    (struct turn_settings){f->maildir, NULL, "mx.example.test", 4, 1 << 30, UINT32_MAX};
	f->recipient.address = slice_of("ann@example.test");
	for (int i = 0; i < TASKS; i++) {
		f->messages[i] = (struct message){.id = (UINT64_C(1) << 40) + (uint64_t)i + 1,
		    .envelope = {.recipients = &f->recipient, .recipient_count = 1},
		    .content_length = CONTENT_BYTES};
		f->tasks[i] = (struct task){.message = &f->messages[i], .account = 7};
		task_list_push(&f->turn.stage, &f->tasks[i]);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	maildir_close(&f->maildir);
	fake_disk_close();
	free(f);
	return 0;
}

static void
a_turn_stages_no_more_messages_than_a_batch(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(turn_run(&f->settings, &f->turn), 0);
	assert_int_equal(f->turn.staged.count, 4);
	assert_int_equal(f->turn.stage.count, 6);
	assert_ptr_equal(f->turn.stage.first, &f->tasks[4]);
}

static void
a_turn_stops_at_the_bytes_of_a_batch(void **state)
{
	struct fixture *f = *state;

	f->settings.batch_bytes = 2 * CONTENT_BYTES;
	assert_int_equal(turn_run(&f->settings, &f->turn), 0);
	assert_int_equal(f->turn.staged.count, 2);
}

static void
a_turn_out_of_time_still_stages_one(void **state)
{
	struct fixture *f = *state;

	f->settings.batch_ms = 0;
	assert_int_equal(turn_run(&f->settings, &f->turn), 0);
	assert_int_equal(f->turn.staged.count, 1);
}

static void
a_missing_mailbox_is_made_only_if_wanted(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(turn_run(&f->settings, &f->turn), 0);
	task_list_append(&f->turn.publish, &f->turn.staged);
	f->tasks[1].wants_mailbox = true;
	assert_int_equal(turn_run(&f->settings, &f->turn), 0);
	assert_int_equal(f->tasks[0].result, -ENOENT);
	assert_int_equal(f->tasks[1].result, 0);
	assert_int_equal(f->tasks[2].result, 0);
}

static void
without_an_account_only_what_was_renamed_is_done(void **state)
{
	struct fixture *f = *state;
	struct task gone = {.message = &f->messages[9]};

	assert_int_equal(turn_run(&f->settings, &f->turn), 0);
	f->tasks[0].account = 0;
	task_list_push(&f->turn.publish, task_list_pop(&f->turn.staged));
	task_list_push(&f->turn.publish, &gone);
	assert_int_equal(turn_run(&f->settings, &f->turn), 0);
	assert_int_equal(f->tasks[0].result, -ENXIO);
	assert_int_equal(gone.result, 0);
}

static void
a_failed_sync_fails_this_turn_and_all_after_it(void **state)
{
	struct fixture *f = *state;

	f->settings.batch_messages = 1;
	/* Open, access, write, sync. */
	fake_disk_fail_at(4, -EIO);
	assert_int_equal(turn_run(&f->settings, &f->turn), -EIO);
	assert_true(fake_disk_was_reached());
	assert_int_equal(turn_run(&f->settings, &f->turn), -EIO);
}

static void
folders_of_a_store_and_of_a_mailbox_survive_a_power_cut(void **state)
{
	struct fixture *f = *state;

	fake_disk_power_on(1);
	assert_int_equal(disk_exists(STORE "/staging/mail"), 1);
	assert_int_equal(disk_exists(STORE "/mail"), 1);
	assert_int_equal(maildir_create(f->maildir, 7), 0);
	fake_disk_power_on(1);
	assert_int_equal(disk_exists(STORE "/mail/7/Maildir/tmp"), 1);
}

static void
what_is_deferred_comes_back_in_the_order_of_its_time(void **state)
{
	struct retry retry = {0};
	uint64_t last_ms = 0;
	struct task *task;

	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		task = calloc(1, sizeof(*task));
		task->due_ms = 1 + i * 73 % 200;
		retry_push(&retry, task);
	}
	for (int i = 0; i < 150; i++) {
		task = retry_pop(&retry, 150);
		assert_non_null(task);
		assert_int_equal(task->due_ms, last_ms + 1);
		last_ms = task->due_ms;
		free(task);
	}
	assert_null(retry_pop(&retry, 150));
	assert_int_equal(retry.count, 50);
	retry_close(&retry);
}

static void
a_pause_doubles_until_the_longest(void **state)
{
	static const uint64_t pauses[] = {10, 10, 20, 40, 80, 100, 100};

	(void)state;
	for (uint32_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
		assert_int_equal(retry_pause_ms(10, 100, i), pauses[i]);
	assert_int_equal(retry_pause_ms(1, UINT32_MAX, UINT32_MAX), UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_turn_stages_no_more_messages_than_a_batch, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_turn_stops_at_the_bytes_of_a_batch, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_turn_out_of_time_still_stages_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_missing_mailbox_is_made_only_if_wanted, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		without_an_account_only_what_was_renamed_is_done, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_failed_sync_fails_this_turn_and_all_after_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		folders_of_a_store_and_of_a_mailbox_survive_a_power_cut, setup, teardown),
	    cmocka_unit_test(what_is_deferred_comes_back_in_the_order_of_its_time),
	    cmocka_unit_test(a_pause_doubles_until_the_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
