/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The delivery against a disk that stops, loses power or fails at its n-th
 * call, for every n: each accepted recipient is there exactly once and whole.
 *
 * While the core is down the user reads: all mail is moved from new/ to cur/, so
 * that a second delivery under the same name shows.
 */
#include "common/clock.h"
#include "common/disk.h"
#include "mailcore/store/delivery.h"
#include "tests/unit/fake-disk.h"
#include "tests/unit/fake-spool.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PATIENCE_MS 10000
#define STORE "/store"
#define MESSAGES 6
#define MAILBOXES 2
#define SEEDS 6
#define LATER_MS 1000000
#define TURNS_MAX 100

struct fixture {
	struct delivery *delivery;
	struct spool *spool;
	struct router router;
	char error[256];
	bool has_failed;
};

static const char *const recipients[MAILBOXES] = {"ann@example.test", "bob@example.test"};
static const char *const domains[] = {"example.test"};
static char content[3000];

static int
lookup(void *context, const char *address, struct router_account *account_r)
{
	(void)context;
	for (uint64_t i = 0; i < MAILBOXES; i++)
		if (strcmp(address, recipients[i]) == 0) {
			*account_r = (struct router_account){i + 1, true};
			return 0;
		}
	return -ENOENT;
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
	((struct fixture *)context)->has_failed = true;
}

/* -errno as from delivery_open(). */
static int
open_delivery(struct fixture *f)
{
	struct delivery_settings settings = {
	    .maildir = {STORE, "example.test", (uid_t)-1, (gid_t)-1},
	    .hostname = "mx.example.test",
	    .batch_messages = 3,
	    .batch_bytes = 1 << 20,
	    .batch_ms = 1000,
	    .retry_first_ms = 1,
	    .retry_last_ms = 1,
	};
	struct delivery_events events = {.context = f, .failed = on_failed};

	f->has_failed = false;
	f->router = (struct router){domains, 1, NULL, lookup, f};
	return delivery_open(&settings, &events, &f->router, &f->delivery, f->error);
}

/* Work until all is delivered or the disk has failed; retry what was deferred. A core that gets
 * nowhere is ended from outside. */
static void
work(struct fixture *f)
{
	struct pollfd descriptor = {.fd = delivery_descriptor(f->delivery), .events = POLLIN};

	for (int turns = 0; turns < TURNS_MAX; turns++) {
		if (delivery_waiting(f->delivery) == 0 || f->has_failed)
			return;
		fake_spool_sync(f->spool);
		assert_int_equal(poll(&descriptor, 1, PATIENCE_MS), 1);
		delivery_dispatch(f->delivery);
		delivery_tick(f->delivery, clock_boot_ms() + (uint64_t)(turns + 1) * LATER_MS);
	}
}

static struct fixture *
begin(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct spool_events events = {.context = f, .arrived = on_arrived, .prepared = on_prepared};
	struct maildir_settings settings = {STORE, "example.test", (uid_t)-1, (gid_t)-1};
	struct maildir *maildir;

	fake_disk_reset();
	assert_int_equal(disk_make_directory(STORE, 0700), 0);
	assert_int_equal(maildir_open(&settings, &maildir, f->error), 0);
	for (uint64_t i = 1; i <= MAILBOXES; i++)
		assert_int_equal(maildir_create(maildir, i), 0);
	maildir_close(&maildir);
	assert_int_equal(open_delivery(f), 0);
	f->spool = fake_spool_open(&events);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)('a' + i % 26);
	/* The third message is for both. */
	for (size_t i = 0; i < MESSAGES; i++)
		fake_spool_accept(f->spool, &recipients[i == 2 ? 0 : i % MAILBOXES], i == 2 ? 2 : 1,
		    slice_from(content, sizeof(content)));
	return f;
}

static void
end(struct fixture *f)
{
	delivery_close(&f->delivery);
	fake_spool_close(&f->spool);
	fake_disk_close();
	free(f);
}

struct folder {
	char path[128];
	char names[16][128];
	size_t count;
};

static int
collect(void *context, const char *name)
{
	struct folder *folder = context;

	assert_true(folder->count < 16);
	snprintf(folder->names[folder->count++], 128, "%s", name);
	return 0;
}

static void
list(struct folder *folder, int mailbox, const char *part)
{
	folder->count = 0;
	snprintf(
	    folder->path, sizeof(folder->path), STORE "/mail/%d/Maildir/%s", mailbox + 1, part);
	assert_int_equal(disk_list(folder->path, collect, folder), 0);
}

static void
user_reads(void)
{
	for (int mailbox = 0; mailbox < MAILBOXES; mailbox++) {
		struct folder folder;

		list(&folder, mailbox, "new");
		for (size_t i = 0; i < folder.count; i++) {
			char from[300];
			char to[300];
			static unsigned number;

			/* A number, so that two deliveries of one name are two files. */
			snprintf(from, sizeof(from), "%s/%s", folder.path, folder.names[i]);
			snprintf(to, sizeof(to), STORE "/mail/%d/Maildir/cur/%s:2,S%u", mailbox + 1,
			    folder.names[i], number++);
			assert_int_equal(disk_rename(from, to), 0);
		}
	}
}

/* As many bytes as the name says, ending as the content does. */
static void
assert_whole(const struct folder *folder, const char *name)
{
	char path[300];
	char bytes[8192];
	int size;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	fd = disk_open(path, O_RDONLY, 0);
	assert_true(fd >= 0);
	size = (int)disk_read(fd, bytes, sizeof(bytes), 0);
	disk_close(fd);
	assert_int_equal(size, atoi(strstr(name, ",S=") + 3));
	assert_memory_equal(bytes + size - sizeof(content), content, sizeof(content));
	assert_memory_equal(bytes, "Return-Path:", 12);
}

static size_t
count_copies(int mailbox, const char *part, const char *pattern)
{
	struct folder folder;
	size_t copies = 0;

	list(&folder, mailbox, part);
	for (size_t i = 0; i < folder.count; i++)
		if (strstr(folder.names[i], pattern)) {
			assert_whole(&folder, folder.names[i]);
			copies++;
		}
	return copies;
}

static void
assert_copies(int message, int recipient, int mailbox, size_t n, uint64_t seed)
{
	char pattern[64];
	size_t copies;

	snprintf(pattern, sizeof(pattern), ".Q3-%xR%d.", message + 1, recipient);
	copies = count_copies(mailbox, "new", pattern) + count_copies(mailbox, "cur", pattern);
	if (copies != 1)
		fail_msg("call %zu, seed %" PRIu64 ": %zu copies of message %d for %s", n, seed,
		    copies, message, recipients[mailbox]);
}

static void
assert_each_once(size_t n, uint64_t seed)
{
	for (int i = 0; i < MESSAGES; i++) {
		assert_copies(i, 0, i == 2 ? 0 : i % MAILBOXES, n, seed);
		if (i == 2)
			assert_copies(i, 1, 1, n, seed);
	}
}

/* The core dies and lives again, with the spool's records as far as the seed lets them survive. */
static void
live_again(struct fixture *f, bool has_power, uint64_t seed, size_t stop_at)
{
	struct spool_events events = {.context = f, .arrived = on_arrived, .prepared = on_prepared};

	delivery_close(&f->delivery);
	fake_spool_crash(f->spool, seed % (fake_spool_unsynced(f->spool) + 1));
	if (has_power)
		fake_disk_restart();
	else
		fake_disk_power_on(seed);
	user_reads();
	fake_disk_stop_at(stop_at);
	if (open_delivery(f) != 0)
		return;
	fake_spool_replay(f->spool, &events);
	if (delivery_start(f->delivery, f->spool, f->error) == 0)
		work(f);
}

/* True while there are calls beyond the n-th. */
static bool
crash_at(size_t n, uint64_t seed, bool has_power)
{
	struct fixture *f = begin();
	bool was_reached;

	fake_disk_stop_at(n);
	if (delivery_start(f->delivery, f->spool, f->error) == 0)
		work(f);
	was_reached = fake_disk_was_reached();
	/* The next life dies as well, somewhere. */
	live_again(f, has_power, seed, 1 + (n + seed * 7) % 40);
	live_again(f, !has_power, seed + 1, 0);
	assert_int_equal(delivery_waiting(f->delivery), 0);
	/* What was settled must be on the disk. */
	delivery_close(&f->delivery);
	fake_spool_sync(f->spool);
	fake_disk_power_on(seed);
	assert_each_once(n, seed);
	end(f);
	return was_reached;
}

static void
a_power_cut_at_any_call_loses_and_doubles_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		for (size_t n = 1; crash_at(n, seed, false); n++)
			;
}

static void
a_kill_at_any_call_loses_and_doubles_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		for (size_t n = 1; crash_at(n, seed, true); n++)
			;
}

static void
without_a_fault_one_life_delivers_all(void **state)
{
	struct fixture *f = begin();

	(void)state;
	assert_int_equal(delivery_start(f->delivery, f->spool, f->error), 0);
	work(f);
	assert_int_equal(delivery_delivered(f->delivery), MESSAGES + 1);
	assert_each_once(0, 0);
	end(f);
}

/* True while there are calls beyond the n-th. */
static bool
fail_at(size_t n, int error)
{
	struct fixture *f = begin();
	bool was_reached;

	fake_disk_fail_at(n, error);
	if (delivery_start(f->delivery, f->spool, f->error) == 0)
		work(f);
	was_reached = fake_disk_was_reached();
	if (f->has_failed || delivery_waiting(f->delivery) > 0)
		live_again(f, false, n, 0);
	assert_each_once(n, 0);
	end(f);
	return was_reached;
}

static void
a_full_disk_at_any_call_delays_and_loses_nothing(void **state)
{
	(void)state;
	for (size_t n = 1; fail_at(n, -ENOSPC); n++)
		;
}

static void
an_io_error_at_any_call_loses_and_doubles_nothing(void **state)
{
	(void)state;
	for (size_t n = 1; fail_at(n, -EIO); n++)
		;
}

static void
a_disk_that_turned_readonly_ends_the_delivery(void **state)
{
	struct fixture *f = begin();

	(void)state;
	fake_disk_fail_at(2, -EROFS);
	assert_int_equal(delivery_start(f->delivery, f->spool, f->error), 0);
	work(f);
	assert_true(f->has_failed);
	assert_int_equal(delivery_delivered(f->delivery), 0);
	live_again(f, true, 0, 0);
	assert_each_once(0, 0);
	end(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_a_fault_one_life_delivers_all),
	    cmocka_unit_test(a_power_cut_at_any_call_loses_and_doubles_nothing),
	    cmocka_unit_test(a_kill_at_any_call_loses_and_doubles_nothing),
	    cmocka_unit_test(a_full_disk_at_any_call_delays_and_loses_nothing),
	    cmocka_unit_test(an_io_error_at_any_call_loses_and_doubles_nothing),
	    cmocka_unit_test(a_disk_that_turned_readonly_ends_the_delivery),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
