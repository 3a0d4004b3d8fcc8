/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real threads on a real directory: a child commits and is killed by SIGKILL at
 * any moment; the parent replays and compares with what the child was told.
 */
#include "mailcore/spool/spool.h"

#include "common/clock.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS 8
#define MESSAGES 20000u
#define IN_FLIGHT 20u
#define BODY 3000u

/* Shared by parent and child: what was acknowledged, what was said to be delivered. */
struct shared {
	unsigned char acknowledged[MESSAGES], delivered[MESSAGES];
	unsigned submitted, answered;
};

static struct shared *shared;
static struct spool *spool;
static char directory[] = "/tmp/gemel-spool-XXXXXX";
static unsigned char arrived[MESSAGES];
static unsigned arrivals;
static bool is_child;

static unsigned
number_of(const struct message *message)
{
	char path[32];

	slice_to_string(message->envelope.reverse_path, path, sizeof(path));
	return (unsigned)atoi(path);
}

static void
on_committed(void *context, void *cookie, message_id id, enum commit_verdict verdict)
{
	(void)context;
	(void)id;
	shared->answered++;
	if (verdict == COMMIT_DURABLE)
		shared->acknowledged[(size_t)cookie] = 1;
}

static void
on_arrived(void *context, struct message *message)
{
	unsigned number = number_of(message);

	(void)context;
	if (is_child) {
		/* Every third is delivered at once. */
		if (number % 3 == 0) {
			shared->delivered[number] = 1;
			spool_settle(spool, message, 0, OUTCOME_DELIVERED, NULL);
		}
		return;
	}
	arrived[number]++;
	arrivals++;
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
	fail_msg("%s", reason);
}

static void
open_spool(void)
{
	static const struct spool_events events = {
	    NULL, on_committed, on_arrived, on_prepared, on_reason, on_reason, NULL};
	struct spool_settings settings = {directory, 1 << 20, 0, 20};
	char error[256];

	if (spool_open(&settings, &events, &spool, error))
		fail_msg("%s", error);
}

static void
turn(void)
{
	struct pollfd poll_for = {.fd = spool_descriptor(spool), .events = POLLIN};

	poll(&poll_for, 1, 5);
	spool_dispatch(spool);
	spool_tick(spool, clock_boot_ms());
}

static void
submit(unsigned number)
{
	struct envelope_recipient recipient = {.address = slice_of("user@example.test")};
	struct envelope envelope = {.recipients = &recipient, .recipient_count = 1};
	struct buffer encoded = {0};
	char path[32];
	uint8_t body[BODY];

	snprintf(path, sizeof(path), "%u", number);
	envelope.reverse_path = slice_of(path);
	memset(body, (int)(number & 0xff), sizeof(body));
	envelope_encode(&envelope, &encoded);
	spool_commit(spool, buffer_slice(&encoded), slice_from(body, sizeof(body)), NULL,
	    (void *)(size_t)number);
	buffer_close(&encoded);
}

static void
child_run(void)
{
	unsigned lost = shared->submitted - shared->answered;

	is_child = true;
	open_spool();
	while (shared->submitted < MESSAGES) {
		while (shared->submitted < MESSAGES &&
		       shared->submitted - shared->answered - lost < IN_FLIGHT)
			submit(shared->submitted++);
		turn();
	}
	_exit(0);
}

static void
a_killed_core_loses_nothing_acknowledged(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned goal = shared->answered + 150 + round * 37;
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (child == 0)
			child_run();
		/* Not a moment of the clock: after so many answers. */
		while (*(volatile unsigned *)&shared->answered < goal &&
		       waitpid(child, &status, WNOHANG) == 0)
			poll(NULL, 0, 1);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		memset(arrived, 0, sizeof(arrived));
		arrivals = 0;
		is_child = false;
		open_spool();
		/* What the queue file holds beyond a page arrives with later turns. */
		while (arrivals < spool_queued(spool))
			turn();
		for (unsigned i = 0; i < MESSAGES; i++) {
			assert_true(arrived[i] <= 1);
			if (shared->acknowledged[i] && !shared->delivered[i])
				assert_int_equal(arrived[i], 1);
			if (i >= shared->submitted)
				assert_int_equal(arrived[i], 0);
		}
		assert_int_equal(spool_close(&spool), 0);
	}
}

static int
begin(void **state)
{
	(void)state;
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED || !mkdtemp(directory) ? -1 : 0;
}

static int
end(void **state)
{
	char command[128];

	(void)state;
	munmap(shared, sizeof(*shared));
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_killed_core_loses_nothing_acknowledged),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
