/* SPDX-License-Identifier: BSD-2-Clause */
/* Spool and delivery together, on a real disk: from spool_commit() into Maildirs. */
#include "common/clock.h"
#include "mailcore/spool/spool.h"
#include "mailcore/store/delivery.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 10000
#define MESSAGES 50
#define LARGE_BYTES 600000

struct fixture {
	char directory[64];
	struct spool *spool;
	struct delivery *delivery;
	struct router router;
	char error[256];
	int committed;
	int arrived;
	bool has_account;
};

static const char *const domains[] = {"example.test"};

static int
lookup(void *context, const char *address, struct router_account *account_r)
{
	const struct fixture *f = context;

	if (!f->has_account || strcmp(address, "ann@example.test") != 0)
		return -ENOENT;
	*account_r = (struct router_account){1, true};
	return 0;
}

static void
on_committed(void *context, void *cookie, message_id id, enum commit_verdict verdict)
{
	struct fixture *f = context;

	(void)cookie;
	(void)id;
	assert_int_equal(verdict, COMMIT_DURABLE);
	f->committed++;
}

static void
on_arrived(void *context, struct message *message)
{
	struct fixture *f = context;

	f->arrived++;
	delivery_add(f->delivery, message);
}

static void
on_prepared(void *context, void *cookie, bool ok)
{
	struct fixture *f = context;

	/* spool_close() answers what is still open. */
	if (f->delivery)
		delivery_prepared(f->delivery, cookie, ok);
}

static void
on_trouble(void *context, const char *reason)
{
	(void)context;
	fail_msg("%s", reason);
}

static void
live(struct fixture *f)
{
	struct delivery_settings delivery_settings = {
	    .maildir = {f->directory, "example.test", (uid_t)-1, (gid_t)-1},
	    .hostname = "mx.example.test",
	    .batch_messages = 16,
	    .batch_bytes = 4 << 20,
	    .batch_ms = 10,
	    .retry_first_ms = 50,
	    .retry_last_ms = 50,
	};
	struct delivery_events delivery_events = {.context = f, .failed = on_trouble};
	struct spool_settings spool_settings = {f->directory, 1 << 20, 0, 1000};
	struct spool_events spool_events = {
	    .context = f,
	    .committed = on_committed,
	    .arrived = on_arrived,
	    .prepared = on_prepared,
	    .failed = on_trouble,
	    .degraded = on_trouble,
	};

	f->arrived = 0;
	f->router = (struct router){domains, 1, NULL, lookup, f};
	if (delivery_open(
		&delivery_settings, &delivery_events, &f->router, &f->delivery, f->error) != 0 ||
	    spool_open(&spool_settings, &spool_events, &f->spool, f->error) != 0 ||
	    delivery_start(f->delivery, f->spool, f->error) != 0)
		fail_msg("%s", f->error);
}

static void
die(struct fixture *f)
{
	delivery_close(&f->delivery);
	assert_int_equal(spool_close(&f->spool), 0);
}

static void
turn_once(struct fixture *f)
{
	struct pollfd descriptors[] = {
	    {.fd = delivery_descriptor(f->delivery), .events = POLLIN},
	    {.fd = spool_descriptor(f->spool), .events = POLLIN},
	};

	assert_true(poll(descriptors, 2, PATIENCE_MS) > 0);
	if (descriptors[0].revents)
		delivery_dispatch(f->delivery);
	if (descriptors[1].revents)
		spool_dispatch(f->spool);
}

static void
commit(struct fixture *f, struct slice content)
{
	struct envelope_recipient recipient = {.address = slice_of("ann@example.test")};
	struct envelope envelope = {
	    .reverse_path = slice_of("sender@elsewhere.test"),
	    .client = slice_of("192.0.2.1"),
	    .helo = slice_of("client.elsewhere.test"),
	    .accepted_ms = clock_wall_ms(),
	    .recipients = &recipient,
	    .recipient_count = 1,
	};
	struct buffer encoded = {0};
	struct spool_stage *staged = NULL;

	assert_true(envelope_encode(&envelope, &encoded));
	if (content.length >= LARGE_BYTES) {
		assert_int_equal(spool_stage_open(f->spool, &staged), 0);
		assert_int_equal(spool_stage_append(f->spool, staged, content), 0);
		content.length = 0;
	}
	spool_commit(f->spool, buffer_slice(&encoded), content, &staged, NULL);
	buffer_close(&encoded);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->directory, "/tmp/test-delivery-spool-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	f->has_account = true;
	live(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	die(f);
	snprintf(command, sizeof(command), "rm -r %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static size_t
count_mail(struct fixture *f)
{
	char path[128];
	DIR *directory;
	size_t count = 0;

	snprintf(path, sizeof(path), "%s/mail/1/Maildir/new", f->directory);
	directory = opendir(path);
	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2;
}

static void
what_is_committed_is_delivered_once(void **state)
{
	struct fixture *f = *state;
	char *large = malloc(LARGE_BYTES);

	memset(large, 'x', LARGE_BYTES);
	for (int i = 0; i < MESSAGES; i++)
		commit(f, slice_of("Subject: x\r\n\r\ntext\r\n"));
	commit(f, slice_from(large, LARGE_BYTES));
	while (f->committed <= MESSAGES || delivery_waiting(f->delivery) > 0)
		turn_once(f);
	assert_int_equal(count_mail(f), MESSAGES + 1);
	die(f);
	live(f);
	assert_int_equal(f->arrived, 0);
	assert_int_equal(count_mail(f), MESSAGES + 1);
	free(large);
}

static void
lives_that_end_in_the_middle_deliver_once_together(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < MESSAGES; i++)
		commit(f, slice_of("Subject: x\r\n\r\ntext\r\n"));
	while (f->committed < MESSAGES)
		turn_once(f);
	for (int turns = 0; spool_queued(f->spool) > 0; turns++) {
		for (int i = 0; i < turns && delivery_waiting(f->delivery) > 0; i++)
			turn_once(f);
		die(f);
		live(f);
	}
	assert_int_equal(count_mail(f), MESSAGES);
}

static void
mail_of_a_missing_account_waits_in_the_queue(void **state)
{
	struct fixture *f = *state;

	f->has_account = false;
	commit(f, slice_of("Subject: x\r\n\r\ntext\r\n"));
	while (f->committed < 1)
		turn_once(f);
	die(f);
	live(f);
	assert_int_equal(f->arrived, 1);
	assert_int_equal(spool_queued(f->spool), 1);
	f->has_account = true;
	delivery_tick(f->delivery, clock_boot_ms() + 1000000);
	while (delivery_waiting(f->delivery) > 0)
		turn_once(f);
	assert_int_equal(count_mail(f), 1);
	assert_int_equal(spool_queued(f->spool), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_committed_is_delivered_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		lives_that_end_in_the_middle_deliver_once_together, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		mail_of_a_missing_account_waits_in_the_queue, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
