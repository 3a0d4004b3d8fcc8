/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maildir -- how fast accepted messages reach Maildirs, and how long an account's look-up takes.
 *
 * usage: maildir [--quick] [FOLDER]
 *
 * Ours is the delivery with a spool in memory; a journal file takes one write
 * and one fdatasync for each prepared batch. The peer does what most servers
 * do: write tmp/, fsync, rename into new/, fsync the folder, for each message.
 * Both write 4 KiB messages to 100 mailboxes with one thread, on the file
 * system of FOLDER (/tmp). The look-up's peer is the 10 microseconds that RCPT
 * can spare. Prints lines of JSON.
 */
#include "common/clock.h"
#include "common/disk.h"
#include "mailcore/store/accounts.h"
#include "mailcore/store/delivery.h"
#include "tests/unit/fake-spool.h"

#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MAILBOXES 100
#define CONTENT_BYTES 4096
#define JOURNAL_BYTES (1 << 20)
#define LOOKUP_BUDGET_US 10.0

struct bench {
	char directory[256];
	struct spool *spool;
	struct delivery *delivery;
	struct accounts *writer;
	struct accounts *reader;
	struct router router;
	char content[CONTENT_BYTES];
	int journal;
	char error[256];
};

static const char *const domains[] = {"example.test"};

static void
require(bool is_fine, const char *what)
{
	if (is_fine)
		return;
	fprintf(stderr, "maildir: %s\n", what);
	exit(1);
}

static void
print_result(const char *what, double ours, double peer, const char *unit, int n)
{
	struct utsname host;

	uname(&host);
	printf("{\"bench\":\"maildir\",\"what\":\"%s\",\"ours\":%.1f,\"peer\":%.1f,\"ratio\":%.2f,"
	       "\"unit\":\"%s\",\"n\":%d,\"host\":\"%s\"}\n",
	    what, ours, peer, ours / peer, unit, n, host.nodename);
	fflush(stdout);
}

static void
on_arrived(void *context, struct message *message)
{
	delivery_add(((struct bench *)context)->delivery, message);
}

static void
on_prepared(void *context, void *cookie, bool ok)
{
	delivery_prepared(((struct bench *)context)->delivery, cookie, ok);
}

static void
on_failed(void *context, const char *reason)
{
	(void)context;
	require(false, reason);
}

static void
fill_content(struct bench *b)
{
	static const char line[] =
	    "Content of seventy bytes or so, as a line of a usual message has it.\r\n";

	for (size_t i = 0; i < sizeof(b->content); i++)
		b->content[i] = line[i % (sizeof(line) - 1)];
}

static void
open_accounts(struct bench *b)
{
	struct maildir_settings settings = {b->directory, "example.test", (uid_t)-1, (gid_t)-1};

	require(accounts_open_writer(&settings, &b->writer, b->error) == 0, b->error);
	for (int i = 0; i < MAILBOXES; i++) {
		char address[64];
		uint64_t id;

		snprintf(address, sizeof(address), "user%d@example.test", i);
		require(accounts_add(b->writer, slice_of(address), NULL, &id) == 0,
		    "cannot add an account");
	}
	require(accounts_open_reader(b->directory, &b->reader, b->error) == 0, b->error);
}

static void
bench_lookup(struct bench *b, int n)
{
	uint64_t start_us = clock_boot_us();
	struct router_account account;

	for (int i = 0; i < n; i++) {
		char address[64];

		snprintf(address, sizeof(address), "user%d@example.test", i % MAILBOXES);
		require(
		    accounts_lookup(b->reader, address, &account) == 0, "an account is missing");
	}
	print_result(
	    "account look-up", (double)(clock_boot_us() - start_us) / n, LOOKUP_BUDGET_US, "us", n);
}

static double
deliver_ours(struct bench *b, int n)
{
	struct delivery_settings settings = {
	    .maildir = {b->directory, "example.test", (uid_t)-1, (gid_t)-1},
	    .hostname = "mx.example.test",
	    .batch_messages = 256,
	    .batch_bytes = 4 << 20,
	    .batch_ms = 10,
	    .retry_first_ms = 10000,
	    .retry_last_ms = 10000,
	};
	struct delivery_events events = {.context = b, .failed = on_failed};
	struct spool_events spool_events = {
	    .context = b, .arrived = on_arrived, .prepared = on_prepared};
	struct pollfd descriptor = {.events = POLLIN};
	size_t prepares = 0;
	uint64_t start_us;

	b->router = (struct router){domains, 1, NULL, accounts_lookup, b->reader};
	require(
	    delivery_open(&settings, &events, &b->router, &b->delivery, b->error) == 0, b->error);
	b->spool = fake_spool_open(&spool_events);
	for (int i = 0; i < n; i++) {
		char address[64];
		const char *recipient = address;

		snprintf(address, sizeof(address), "user%d@example.test", i % MAILBOXES);
		fake_spool_accept(b->spool, &recipient, 1, slice_from(b->content, CONTENT_BYTES));
	}
	descriptor.fd = delivery_descriptor(b->delivery);
	start_us = clock_boot_us();
	require(delivery_start(b->delivery, b->spool, b->error) == 0, b->error);
	while (delivery_waiting(b->delivery) > 0) {
		require(poll(&descriptor, 1, 60000) == 1, "nothing was delivered for a minute");
		delivery_dispatch(b->delivery);
		if (fake_spool_prepares(b->spool) == prepares)
			continue;
		prepares = fake_spool_prepares(b->spool);
		require(disk_write(b->journal, b->content, CONTENT_BYTES,
			    prepares * CONTENT_BYTES % JOURNAL_BYTES) == 0 &&
			    disk_sync_data(b->journal) == 0,
		    "cannot write the journal");
		fake_spool_sync(b->spool);
	}
	start_us = clock_boot_us() - start_us;
	delivery_close(&b->delivery);
	fake_spool_close(&b->spool);
	return n * 1e6 / (double)start_us;
}

static double
deliver_peer(struct bench *b, int n)
{
	uint64_t start_us = clock_boot_us();

	for (int i = 0; i < n; i++) {
		char folder[512];
		char from[600];
		char to[600];
		int fd;

		snprintf(folder, sizeof(folder), "%s/mail/%d/Maildir/new", b->directory,
		    i % MAILBOXES + 1);
		snprintf(from, sizeof(from), "%s/../tmp/%d.peer", folder, i);
		snprintf(to, sizeof(to), "%s/%d.peer", folder, i);
		fd = disk_open(from, O_WRONLY | O_CREAT | O_EXCL, 0660);
		require(fd >= 0 && disk_write(fd, b->content, CONTENT_BYTES, 0) == 0 &&
			    disk_sync_file(fd) == 0 && disk_close(fd) == 0 &&
			    disk_rename(from, to) == 0 && disk_sync_directory(folder) == 0,
		    "the peer cannot write");
	}
	return n * 1e6 / (double)(clock_boot_us() - start_us);
}

static void
open_journal(struct bench *b)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/journal", b->directory);
	b->journal = disk_open(path, O_RDWR | O_CREAT, 0600);
	require(b->journal >= 0, "cannot make the journal");
	for (uint64_t at = 0; at < JOURNAL_BYTES; at += CONTENT_BYTES)
		disk_write(b->journal, b->content, CONTENT_BYTES, at);
	require(disk_sync_file(b->journal) == 0, "cannot sync the journal");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

int
main(int argc, char **argv)
{
	struct bench b = {0};
	int n = 20000;
	const char *folder = "/tmp";
	double ours;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--quick") == 0)
			n = 4000;
		else
			folder = argv[i];
	snprintf(b.directory, sizeof(b.directory), "%s/bench-maildir-XXXXXX", folder);
	require(mkdtemp(b.directory) != NULL, "cannot make a folder");
	fill_content(&b);
	open_accounts(&b);
	bench_lookup(&b, n * 5);
	open_journal(&b);
	ours = deliver_ours(&b, n);
	print_result(
	    "deliver 4 KiB, 100 mailboxes", ours, deliver_peer(&b, n / 10), "messages/s", n);
	disk_close(b.journal);
	accounts_close(&b.reader);
	accounts_close(&b.writer);
	return nftw(b.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
