/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal -- how many messages the spool makes durable in a second.
 *
 * journal [--quick] [DIRECTORY]: 20 writers of 4 KiB, each of which waits for its
 * answer. The peer, in the same run: write and fdatasync for each message, one
 * after the other, into a file that is there already.
 */
#include "mailcore/spool/spool.h"

#include "common/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#define WRITERS 20u
#define BODY 4096u

static struct spool *spool;
static unsigned answered, refused;

static void
on_committed(void *context, void *cookie, message_id id, enum commit_verdict verdict)
{
	(void)context;
	(void)cookie;
	(void)id;
	answered++;
	refused += verdict != COMMIT_DURABLE;
}

static void
on_arrived(void *context, struct message *message)
{
	(void)context;
	spool_settle(spool, message, 0, OUTCOME_DELIVERED, NULL);
}

static void
on_prepared(void *context, void *cookie, bool ok)
{
	(void)context;
	(void)cookie;
	(void)ok;
}

static void
on_reason(void *context, const char *reason)
{
	(void)context;
	fprintf(stderr, "%s\n", reason);
	exit(1);
}

static double
ours(const char *directory, unsigned count)
{
	static const struct spool_events events = {
	    NULL, on_committed, on_arrived, on_prepared, on_reason, on_reason, NULL};
	struct spool_settings settings = {directory, 64 << 20, 0, 5000};
	struct envelope_recipient recipient = {.address = slice_of("user@example.test")};
	struct envelope envelope = {.recipients = &recipient, .recipient_count = 1};
	struct buffer encoded = {0};
	static uint8_t body[BODY];
	unsigned submitted = 0;
	uint64_t began;
	char error[256];

	if (spool_open(&settings, &events, &spool, error)) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	envelope_encode(&envelope, &encoded);
	began = clock_boot_us();
	while (answered < count) {
		struct pollfd poll_for = {.fd = spool_descriptor(spool), .events = POLLIN};

		for (; submitted < count && submitted - answered < WRITERS; submitted++)
			spool_commit(
			    spool, buffer_slice(&encoded), slice_from(body, BODY), NULL, NULL);
		poll(&poll_for, 1, 100);
		spool_dispatch(spool);
	}
	began = clock_boot_us() - began;
	buffer_close(&encoded);
	spool_close(&spool);
	return (count - refused) * 1e6 / (double)began;
}

static double
peer(const char *directory, unsigned count)
{
	static uint8_t body[BODY];
	char path[512];
	uint64_t began;
	int fd;

	snprintf(path, sizeof(path), "%s/peer", directory);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		perror(path);
		exit(1);
	}
	for (unsigned i = 0; i < count; i++)
		if (pwrite(fd, body, BODY, (off_t)i * BODY) != BODY)
			exit(1);
	fsync(fd);
	began = clock_boot_us();
	for (unsigned i = 0; i < count; i++)
		if (pwrite(fd, body, BODY, (off_t)i * BODY) != BODY || fdatasync(fd) != 0)
			exit(1);
	began = clock_boot_us() - began;
	close(fd);
	unlink(path);
	return count * 1e6 / (double)began;
}

int
main(int argc, char **argv)
{
	bool is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	char own[] = "/tmp/gemel-bench-XXXXXX", command[64];
	const char *directory = argc > 1 + is_quick ? argv[1 + is_quick] : mkdtemp(own);
	unsigned count = is_quick ? 5000 : 50000;
	struct utsname host;
	double a, b;

	if (!directory)
		return 1;
	a = ours(directory, count);
	b = peer(directory, is_quick ? 500 : 5000);
	uname(&host);
	printf("{\"bench\":\"journal\",\"what\":\"durable commits of 4 KiB, 20 "
	       "writers\",\"ours\":%.0f,"
	       "\"peer\":%.0f,\"ratio\":%.2f,\"unit\":\"1/s\",\"n\":%u,\"host\":\"%s\"}\n",
	    a, b, a / b, count, host.nodename);
	if (directory == own) {
		snprintf(command, sizeof(command), "rm -rf %s", own);
		return system(command) != 0;
	}
	return 0;
}
