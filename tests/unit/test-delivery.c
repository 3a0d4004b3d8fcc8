/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/delivery.h"

#include "common/clock.h"
#include "tests/unit/fake-spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 10000
#define LAG 64
#define LATER_MS 1000000

struct fixture {
	char directory[64];
	struct delivery *delivery;
	struct spool *spool;
	struct router router;
	char error[256];
	int failures;
	int lookup_result; /* what lookups fail with, or 0 */
	bool has_bob;
	char told[512]; /* outcomes, as told for the log */
	uint32_t pause_ms;
};

static const char *const ann = "ann@example.test";
static const char *const bob = "bob@example.test";
static const char *const domains[] = {"example.test"};

/* ann has account 1, bob account 2 if he has one. */
static int
lookup(void *context, const char *address, struct router_account *account_r)
{
	struct fixture *f = context;

	if (f->lookup_result != 0)
		return f->lookup_result;
	if (strcmp(address, ann) == 0)
		*account_r = (struct router_account){1, true};
	else if (strcmp(address, bob) == 0 && f->has_bob)
		*account_r = (struct router_account){2, true};
	else
		return -ENOENT;
	return 0;
}

static void
on_arrived(void *context, struct message *message)
{
	delivery_add(((struct fixture *)context)->delivery, message);
}

static void
on_prepared(void *context, void *cookie, bool ok)
{
	delivery_prepared(((struct fixture *)context)->delivery, cookie, ok);
}

static void
on_failed(void *context, const char *reason)
{
	(void)reason;
	((struct fixture *)context)->failures++;
}

static void
on_outcome(void *context, const struct message *message, uint32_t recipient, uint64_t account,
    const char *reason)
{
	struct fixture *f = context;
	size_t length = strlen(f->told);
	struct slice address = message->envelope.recipients[recipient].address;

	snprintf(f->told + length, sizeof(f->told) - length, "%.3s %u %s;", (char *)address.data,
	    (unsigned)account, reason ? reason : "delivered");
}

static struct delivery_settings
settings_of(const struct fixture *f)
{
	return (struct delivery_settings){
	    .maildir = {f->directory, "example.test", (uid_t)-1, (gid_t)-1},
	    .hostname = "mx.example.test",
	    .batch_messages = 8,
	    .batch_bytes = 1 << 20,
	    .batch_ms = 1000,
	    .pace = {.pause_ms = f->pause_ms, .lag_messages = LAG},
	    .retry_first_ms = 100,
	    .retry_last_ms = 350,
	};
}

static void
open_delivery(struct fixture *f)
{
	struct delivery_settings settings = settings_of(f);
	struct delivery_events events = {.context = f, .failed = on_failed, .outcome = on_outcome};

	f->router = (struct router){domains, 1, NULL, lookup, f};
	if (delivery_open(&settings, &events, &f->router, &f->delivery, f->error) != 0)
		fail_msg("%s", f->error);
}

static void
start(struct fixture *f)
{
	if (delivery_start(f->delivery, f->spool, f->error) != 0)
		fail_msg("%s", f->error);
}

static struct spool_events
spool_events_of(struct fixture *f)
{
	return (struct spool_events){.context = f, .arrived = on_arrived, .prepared = on_prepared};
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct spool_events events = spool_events_of(f);

	strcpy(f->directory, "/tmp/test-delivery-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	f->has_bob = true;
	open_delivery(f);
	f->spool = fake_spool_open(&events);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	delivery_close(&f->delivery);
	fake_spool_close(&f->spool);
	snprintf(command, sizeof(command), "rm -r %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* The core is gone and comes back; of the spool's records that are not durable some survive. */
static void
live_again(struct fixture *f, size_t survivors)
{
	struct spool_events events = spool_events_of(f);

	delivery_close(&f->delivery);
	fake_spool_crash(f->spool, survivors);
	open_delivery(f);
	fake_spool_replay(f->spool, &events);
	start(f);
}

static void
wait_for_a_turn(struct fixture *f)
{
	struct pollfd descriptor = {.fd = delivery_descriptor(f->delivery), .events = POLLIN};

	assert_int_equal(poll(&descriptor, 1, PATIENCE_MS), 1);
	delivery_dispatch(f->delivery);
}

/* Until left recipients are still on their way. The last outcomes are journalled and not durable.
 */
static void
work_until(struct fixture *f, uint64_t left)
{
	while (delivery_waiting(f->delivery) > left) {
		fake_spool_sync(f->spool);
		wait_for_a_turn(f);
	}
	assert_int_equal(delivery_waiting(f->delivery), left);
}

static void
work_until_prepared(struct fixture *f, size_t prepares)
{
	while (fake_spool_prepares(f->spool) < prepares)
		wait_for_a_turn(f);
}

static const char *
path_of(struct fixture *f, const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/%s", f->directory, name);
	return path;
}

/* Files in a folder; the name of one of them in name (256 bytes, may be NULL). */
static size_t
count_files(struct fixture *f, const char *folder, char *name)
{
	DIR *directory = opendir(path_of(f, folder));
	struct dirent *entry;
	size_t count = 0;

	if (!directory)
		return 0;
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (name)
			snprintf(name, 256, "%s", entry->d_name);
	}
	closedir(directory);
	return count;
}

static message_id
accept_for(struct fixture *f, const char *address)
{
	return fake_spool_accept(f->spool, &address, 1, slice_of("Subject: x\r\n\r\ntext\r\n"));
}

static void
assert_outcome(struct fixture *f, message_id id, uint32_t recipient, enum outcome outcome)
{
	assert_int_equal(fake_spool_outcome(f->spool, id, recipient, NULL), outcome);
}

/* A turn holds up the journal, and clients wait for that. */
static void
in_a_rush_turns_take_a_sixth_of_the_time(void **state)
{
	const struct carrier_pace pace = {.pause_ms = 25, .lag_messages = LAG};
	static const struct {
		uint64_t took_ms;
		bool is_rush;
		uint64_t pause_ms;
	} rows[] = {
	    {0, false, 25},
	    {0, true, 25},
	    {4, true, 21},
	    {5, true, 25},
	    {15, true, 75},
	    {15, false, 10},
	    {25, false, 0},
	    {100, false, 0},
	    {50, true, 250},
	    {100, true, 250},
	    {1000, true, 250},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    carrier_pause_ms(&pace, rows[i].took_ms, rows[i].is_rush), rows[i].pause_ms);
}

/* A sync holds up the journal's, so one serves many; but a whole batch has all it waits for. */
static void
the_next_turn_waits_for_a_pause_or_a_whole_batch(void **state)
{
	struct fixture *f = *state;
	struct pollfd descriptor;

	delivery_close(&f->delivery);
	f->pause_ms = 2 * PATIENCE_MS;
	open_delivery(f);
	descriptor = (struct pollfd){.fd = delivery_descriptor(f->delivery), .events = POLLIN};
	start(f);
	accept_for(f, ann);
	work_until_prepared(f, 1);
	assert_int_equal(count_files(f, "staging/mail", NULL), 1);
	for (int i = 0; i < 7; i++)
		accept_for(f, ann);
	assert_int_equal(poll(&descriptor, 1, 50), 0);
	assert_int_equal(count_files(f, "staging/mail", NULL), 1);
	accept_for(f, ann);
	work_until_prepared(f, 2);
	assert_int_equal(count_files(f, "staging/mail", NULL), 9);
}

static void
each_recipient_gets_one_file_and_is_settled(void **state)
{
	const char *both[] = {ann, bob};
	struct fixture *f = *state;
	char name[256];
	char path[512];
	char file[1024] = "";
	struct stat st;
	message_id id;
	int fd;

	start(f);
	id = fake_spool_accept(f->spool, both, 2, slice_of("Subject: x\r\n\r\ntext\r\n"));
	work_until(f, 0);
	assert_outcome(f, id, 0, OUTCOME_DELIVERED);
	assert_outcome(f, id, 1, OUTCOME_DELIVERED);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 1);
	assert_int_equal(count_files(f, "mail/2/Maildir/new", name), 1);
	assert_int_equal(count_files(f, "staging/mail", NULL), 0);
	assert_int_equal(delivery_delivered(f->delivery), 2);

	snprintf(path, sizeof(path), "%s/mail/2/Maildir/new/%s", f->directory, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_true(read(fd, file, sizeof(file) - 1) > 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	assert_memory_equal(file, "Return-Path: <sender@elsewhere.test>\n", 37);
	assert_non_null(strstr(file, "\nReceived: from client.elsewhere.test"));
	assert_non_null(strstr(file, "\nSubject: x\n\ntext\n"));
	assert_null(strchr(file, '\r'));
	snprintf(path, sizeof(path), "1795438888.Q3-1R1.example.test,S=%d,W=", (int)st.st_size);
	assert_memory_equal(name, path, strlen(path));
}

static void
nothing_is_renamed_before_it_is_prepared(void **state)
{
	struct fixture *f = *state;
	message_id id;

	start(f);
	id = accept_for(f, ann);
	work_until_prepared(f, 1);
	assert_outcome(f, id, 0, OUTCOME_PREPARED);
	assert_int_equal(count_files(f, "staging/mail", NULL), 1);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 0);
	work_until(f, 0);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 1);
}

static void
all_of_many_batches_is_delivered(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 30; i++)
		accept_for(f, i % 2 ? ann : bob);
	start(f);
	work_until(f, 0);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 15);
	assert_int_equal(count_files(f, "mail/2/Maildir/new", NULL), 15);
}

static void
without_an_account_mail_waits_until_there_is_one(void **state)
{
	const char *both[] = {ann, bob};
	struct fixture *f = *state;
	uint64_t now_ms = clock_boot_ms();
	const char *reason;
	message_id id;

	f->has_bob = false;
	delivery_tick(f->delivery, now_ms);
	start(f);
	id = fake_spool_accept(f->spool, both, 2, slice_of("text\r\n"));
	work_until(f, 1);
	assert_int_equal(fake_spool_outcome(f->spool, id, 1, &reason), OUTCOME_DEFERRED);
	assert_non_null(strstr(reason, "nobody has this address"));
	assert_non_null(strstr(f->told, "bob 0 nobody has this address"));
	assert_non_null(strstr(f->told, "ann 1 delivered;"));
	f->has_bob = true;
	delivery_tick(f->delivery, now_ms + 99);
	assert_outcome(f, id, 1, OUTCOME_DEFERRED);
	delivery_tick(f->delivery, now_ms + 100);
	work_until(f, 0);
	assert_outcome(f, id, 1, OUTCOME_DELIVERED);
	assert_int_equal(count_files(f, "mail/2/Maildir/new", NULL), 1);
	assert_non_null(strstr(f->told, "bob 2 delivered;"));
}

static void
a_new_account_gets_at_once_what_waited_for_it(void **state)
{
	const char *three[] = {"Bob@Example.test", "eve@example.test", bob};
	struct fixture *f = *state;
	uint64_t now_ms = clock_boot_ms();
	message_id id;

	f->has_bob = false;
	delivery_tick(f->delivery, now_ms);
	start(f);
	id = fake_spool_accept(f->spool, three, 3, slice_of("text\r\n"));
	assert_outcome(f, id, 2, OUTCOME_DEFERRED);
	f->has_bob = true;
	f->told[0] = '\0';
	delivery_hurry(f->delivery, slice_of(bob));
	delivery_tick(f->delivery, now_ms);
	work_until(f, 1);
	assert_outcome(f, id, 0, OUTCOME_DELIVERED);
	assert_outcome(f, id, 2, OUTCOME_DELIVERED);
	assert_null(strstr(f->told, "eve"));
	delivery_tick(f->delivery, now_ms + 99);
	assert_null(strstr(f->told, "eve"));
	delivery_tick(f->delivery, now_ms + 100);
	assert_non_null(strstr(f->told, "eve"));
}

static void
pauses_grow_up_to_the_longest(void **state)
{
	static const uint64_t pauses[] = {100, 200, 350, 350};
	struct fixture *f = *state;
	uint64_t now_ms = clock_boot_ms();

	f->lookup_result = -EIO;
	delivery_tick(f->delivery, now_ms);
	start(f);
	accept_for(f, ann);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		size_t before = fake_spool_unsynced(f->spool);

		delivery_tick(f->delivery, now_ms + pauses[i] - 1);
		assert_int_equal(fake_spool_unsynced(f->spool), before);
		now_ms += pauses[i];
		delivery_tick(f->delivery, now_ms);
		assert_int_equal(fake_spool_unsynced(f->spool), before + 1);
	}
	f->lookup_result = 0;
	delivery_tick(f->delivery, now_ms + 350);
	work_until(f, 0);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 1);
}

/* The loop has a heartbeat to keep, whatever a long queue asks for. */
static void
a_long_queue_that_is_due_is_tried_bit_by_bit(void **state)
{
	const size_t many = 2500;
	struct fixture *f = *state;
	uint64_t now_ms = clock_boot_ms();
	size_t tried = 0;

	f->has_bob = false;
	delivery_tick(f->delivery, now_ms);
	start(f);
	for (size_t i = 0; i < many; i++)
		accept_for(f, bob);
	for (int ticks = 0; ticks < 3; ticks++) {
		size_t before = fake_spool_unsynced(f->spool);

		delivery_tick(f->delivery, now_ms + 100);
		assert_in_range(fake_spool_unsynced(f->spool) - before, 1, 1000);
		tried += fake_spool_unsynced(f->spool) - before;
	}
	assert_int_equal(tried, many);
}

static void
what_was_promised_is_not_written_again(void **state)
{
	struct fixture *f = *state;
	struct stat before;
	struct stat after;
	const char *reason;
	char name[256];
	char path[512];
	message_id id;

	/* A file where the mailboxes should be: neither rename nor mkdir can work. */
	assert_int_equal(close(open(path_of(f, "mail/1"), O_CREAT | O_WRONLY, 0600)), 0);
	start(f);
	id = accept_for(f, ann);
	while (fake_spool_outcome(f->spool, id, 0, &reason) != OUTCOME_DEFERRED) {
		wait_for_a_turn(f);
		fake_spool_sync(f->spool);
	}
	assert_non_null(strstr(reason, "mailbox 1:"));
	assert_int_equal(stat(path_of(f, "staging/mail/Q3-1R0"), &before), 0);
	assert_int_equal(unlink(path_of(f, "mail/1")), 0);
	delivery_tick(f->delivery, clock_boot_ms() + LATER_MS);
	assert_outcome(f, id, 0, OUTCOME_PREPARED);
	fake_spool_sync(f->spool);
	work_until(f, 0);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", name), 1);
	snprintf(path, sizeof(path), "mail/1/Maildir/new/%s", name);
	assert_int_equal(stat(path_of(f, path), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

static void
damaged_content_holds_up_nobody_else(void **state)
{
	struct fixture *f = *state;
	const char *reason;
	message_id id = fake_spool_accept(f->spool, &ann, 1, slice_from(NULL, 100));

	start(f);
	accept_for(f, ann);
	work_until(f, 1);
	while (fake_spool_outcome(f->spool, id, 0, &reason) != OUTCOME_DEFERRED)
		wait_for_a_turn(f);
	assert_non_null(strstr(reason, "damaged"));
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 1);
}

static void
after_a_crash_a_promise_is_kept_by_renaming(void **state)
{
	struct fixture *f = *state;
	struct stat before;
	struct stat after;
	char name[256];
	char path[512];
	message_id id;

	start(f);
	id = accept_for(f, ann);
	work_until_prepared(f, 1);
	assert_int_equal(stat(path_of(f, "staging/mail/Q3-1R0"), &before), 0);
	live_again(f, 1);
	work_until(f, 0);
	assert_outcome(f, id, 0, OUTCOME_DELIVERED);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", name), 1);
	snprintf(path, sizeof(path), "mail/1/Maildir/new/%s", name);
	assert_int_equal(stat(path_of(f, path), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_non_null(strstr(name, ",W="));
}

static void
after_a_crash_what_was_renamed_does_not_come_back(void **state)
{
	struct fixture *f = *state;
	char name[256];
	char path[512];
	message_id id;

	start(f);
	id = accept_for(f, ann);
	work_until(f, 0);
	/* DELIVERED was not durable, and the user has deleted the message. */
	assert_int_equal(count_files(f, "mail/1/Maildir/new", name), 1);
	snprintf(path, sizeof(path), "mail/1/Maildir/new/%s", name);
	assert_int_equal(unlink(path_of(f, path)), 0);
	fake_spool_crash(f->spool, 0);
	assert_outcome(f, id, 0, OUTCOME_PREPARED);
	live_again(f, 0);
	work_until(f, 0);
	assert_outcome(f, id, 0, OUTCOME_DELIVERED);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 0);
}

static void
after_a_crash_what_was_renamed_is_settled_without_its_account(void **state)
{
	struct fixture *f = *state;
	message_id id;

	start(f);
	id = accept_for(f, bob);
	work_until(f, 0);
	fake_spool_crash(f->spool, 0);
	assert_outcome(f, id, 0, OUTCOME_PREPARED);
	f->has_bob = false;
	live_again(f, 0);
	work_until(f, 0);
	assert_outcome(f, id, 0, OUTCOME_DELIVERED);
}

static void
after_a_crash_what_was_not_promised_is_written_anew(void **state)
{
	struct fixture *f = *state;
	message_id id;

	start(f);
	id = accept_for(f, ann);
	work_until_prepared(f, 1);
	assert_int_equal(truncate(path_of(f, "staging/mail/Q3-1R0"), 3), 0);
	live_again(f, 0);
	work_until(f, 0);
	assert_outcome(f, id, 0, OUTCOME_DELIVERED);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 1);
}

static void
the_start_removes_what_no_message_wants(void **state)
{
	struct fixture *f = *state;

	accept_for(f, ann);
	assert_int_equal(
	    close(open(path_of(f, "staging/mail/Q2-99R0"), O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(
	    close(open(path_of(f, "staging/mail/Q3-1R0"), O_CREAT | O_WRONLY, 0600)), 0);
	start(f);
	assert_int_equal(access(path_of(f, "staging/mail/Q2-99R0"), F_OK), -1);
	work_until(f, 0);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 1);
}

/* A long queue is loaded bit by bit: its messages arrive after the start. */
static void
what_arrives_late_finds_what_was_staged_for_it(void **state)
{
	struct spool_events events = spool_events_of(*state);
	struct fixture *f = *state;
	message_id id;

	start(f);
	id = accept_for(f, ann);
	work_until_prepared(f, 1);
	delivery_close(&f->delivery);
	fake_spool_crash(f->spool, SIZE_MAX);
	open_delivery(f);
	start(f);
	assert_int_equal(count_files(f, "staging/mail", NULL), 1);
	fake_spool_replay(f->spool, &events);
	work_until(f, 0);
	assert_outcome(f, id, 0, OUTCOME_DELIVERED);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 1);
}

/* It was delivered; to defer it would have a later life deliver it again. */
static void
what_arrives_late_and_was_renamed_is_settled_without_its_account(void **state)
{
	struct spool_events events = spool_events_of(*state);
	struct fixture *f = *state;
	message_id id;

	start(f);
	id = accept_for(f, bob);
	work_until(f, 0);
	delivery_close(&f->delivery);
	fake_spool_crash(f->spool, 0);
	assert_outcome(f, id, 0, OUTCOME_PREPARED);
	f->has_bob = false;
	open_delivery(f);
	start(f);
	fake_spool_replay(f->spool, &events);
	work_until(f, 0);
	assert_outcome(f, id, 0, OUTCOME_DELIVERED);
	assert_null(strstr(f->told, "nobody"));
}

static void
closing_in_the_middle_loses_nothing(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (int i = 0; i < 40; i++)
		accept_for(f, ann);
	work_until_prepared(f, 2);
	fake_spool_sync(f->spool);
	live_again(f, SIZE_MAX);
	work_until(f, 0);
	assert_int_equal(count_files(f, "mail/1/Maildir/new", NULL), 40);
	assert_int_equal(f->failures, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		each_recipient_gets_one_file_and_is_settled, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_next_turn_waits_for_a_pause_or_a_whole_batch, setup, teardown),
	    cmocka_unit_test(in_a_rush_turns_take_a_sixth_of_the_time),
	    cmocka_unit_test_setup_teardown(
		nothing_is_renamed_before_it_is_prepared, setup, teardown),
	    cmocka_unit_test_setup_teardown(all_of_many_batches_is_delivered, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		without_an_account_mail_waits_until_there_is_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_new_account_gets_at_once_what_waited_for_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_long_queue_that_is_due_is_tried_bit_by_bit, setup, teardown),
	    cmocka_unit_test_setup_teardown(pauses_grow_up_to_the_longest, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_was_promised_is_not_written_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(damaged_content_holds_up_nobody_else, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		after_a_crash_a_promise_is_kept_by_renaming, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		after_a_crash_what_was_renamed_does_not_come_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		after_a_crash_what_was_renamed_is_settled_without_its_account, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		after_a_crash_what_was_not_promised_is_written_anew, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_arrives_late_finds_what_was_staged_for_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_arrives_late_and_was_renamed_is_settled_without_its_account, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_start_removes_what_no_message_wants, setup, teardown),
	    cmocka_unit_test_setup_teardown(closing_in_the_middle_loses_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
