/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The managers are sockets of the test: one that is read, one that nobody reads, a port that is
 * closed. What the traps say is shown with a real manager, by test-snmptrapd.sh.
 * Version 3 has the library keep its users for ever, so it is spoken in children.
 */
#include "agent/trap-sender.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_MS 20000
#define PACKET_MAX 2048
#define SKIPPED 77

/* In a packet of version 2c: between the community and the rest. */
#define TAG_INFORM 0xa6
#define TAG_RESPONSE 0xa2
#define TAG_AT 13 /* 30 LL 02 01 01 04 06 "public"; LL may be two bytes */

static struct trap_settings settings;
static struct trap_sender *sender;
static char directory[64];

struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t length;
	struct sockaddr_in from;
};

/* A manager on a port of its own, and the next target. */
static int
add_manager(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	snprintf(settings.targets[settings.target_count++], TRAP_TARGET_BYTES, "127.0.0.1:%u",
	    ntohs(address.sin_port));
	return fd;
}

static int
begin(void **state)
{
	(void)state;
	alarm(60);
	strcpy(directory, "/tmp/gemel-test-traps-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	settings = (struct trap_settings){0};
	strcpy(settings.secrets.community, "public");
	strcpy(settings.secrets.user, "gemel");
	strcpy(settings.secrets.auth, "authauth");
	strcpy(settings.secrets.priv, "privpriv");
	return 0;
}

static int
end(void **state)
{
	char file[80];

	(void)state;
	snprintf(file, sizeof(file), "%s/engine", directory);
	unlink(file);
	/* A child may have ended in the middle. */
	snprintf(file, sizeof(file), "%s/engine.new", directory);
	unlink(file);
	return rmdir(directory);
}

static void
open_sender(void)
{
	assert_int_equal(trap_sender_open(&settings, "hq-1", directory, &sender), 0);
	assert_non_null(sender);
}

static void
send_kind(enum event_kind kind)
{
	struct event event;

	event_begin(&event, kind, "hq-2", 1000);
	trap_sender_send(sender, &event);
}

static void
receive(int fd, struct packet *packet)
{
	socklen_t length = sizeof(packet->from);
	ssize_t count;

	count =
	    recvfrom(fd, packet->bytes, PACKET_MAX, 0, (struct sockaddr *)&packet->from, &length);
	assert_true(count > 0);
	packet->length = (size_t)count;
}

static bool
is_silent(int fd)
{
	struct pollfd poll_fd = {fd, POLLIN, 0};

	return poll(&poll_fd, 1, 0) == 0;
}

static const uint8_t *
find(const struct packet *packet, const void *bytes, size_t length)
{
	return memmem(packet->bytes, packet->length, bytes, length);
}

/* ... 8072 9999 9999 4570 0 KIND, in BER. */
static void
assert_is_kind(const struct packet *packet, enum event_kind kind)
{
	const uint8_t oid[] = {0xbf, 0x08, 0xce, 0x0f, 0xce, 0x0f, 0xa3, 0x5a, 0, (uint8_t)kind};

	assert_non_null(find(packet, oid, sizeof(oid)));
}

/* Wait for the next sentence. */
static void
assert_news(const char *said)
{
	uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
	char text[TRAP_NEWS_BYTES] = "";

	while (!trap_sender_news(sender, text)) {
		assert_true(clock_boot_ms() < deadline_ms);
		poll(NULL, 0, 5);
	}
	if (!strstr(text, said) || strstr(text, "public") || strstr(text, "authauth"))
		fail_msg("says \"%s\", and not \"%s\"", text, said);
}

static void
close_sender(void)
{
	assert_true(trap_sender_close(&sender, PATIENCE_MS));
	assert_null(sender);
}

static void
each_event_reaches_each_manager_once_and_in_order(void **state)
{
	int fds[] = {add_manager(), add_manager()};
	struct packet packet;
	char text[TRAP_NEWS_BYTES];

	(void)state;
	open_sender();
	for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++)
		send_kind(kind);
	for (int i = 0; i < 2; i++) {
		for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++) {
			receive(fds[i], &packet);
			assert_is_kind(&packet, kind);
			assert_non_null(find(&packet, "hq-1", 4));
			assert_non_null(find(&packet, "public", 6));
		}
	}
	assert_false(trap_sender_news(sender, text));
	close_sender();
	for (int i = 0; i < 2; i++) {
		assert_true(is_silent(fds[i]));
		close(fds[i]);
	}
}

static void
what_is_queued_is_sent_before_the_end(void **state)
{
	int fd = add_manager();
	struct packet packet;

	(void)state;
	open_sender();
	for (int i = 0; i < 50; i++)
		send_kind(EVENT_NODE_LOST);
	close_sender();
	for (int i = 0; i < 50; i++) {
		assert_false(is_silent(fd));
		receive(fd, &packet);
	}
	close(fd);
}

static void
a_cluster_event_is_pacemaker_s_trap_too_if_asked_for(void **state)
{
	const uint8_t pacemaker[] = {0x81, 0xff, 0x53, 2, 1}; /* 32723 2 1 */
	int fd = add_manager();
	struct packet packet;

	(void)state;
	settings.pacemaker_mib = true;
	open_sender();
	send_kind(EVENT_CLUSTER_NODE);
	send_kind(EVENT_NODE_BACK);
	receive(fd, &packet);
	assert_is_kind(&packet, EVENT_CLUSTER_NODE);
	receive(fd, &packet);
	assert_non_null(find(&packet, pacemaker, sizeof(pacemaker)));
	receive(fd, &packet);
	assert_is_kind(&packet, EVENT_NODE_BACK);
	close_sender();
	assert_true(is_silent(fd));
	close(fd);
}

static void
without_a_target_there_is_nothing(void **state)
{
	char text[TRAP_NEWS_BYTES];

	(void)state;
	assert_int_equal(trap_sender_open(&settings, "hq-1", directory, &sender), 0);
	assert_null(sender);
	send_kind(EVENT_NODE_LOST);
	assert_false(trap_sender_news(sender, text));
	assert_true(trap_sender_close(&sender, 0));
}

/* The sum, since any single call may lose the processor to somebody else; a call that waits for a
 * manager would wait for a second. */
static void
send_a_thousand(void)
{
	uint64_t began_us = clock_boot_us();

	for (int i = 0; i < 1000; i++)
		send_kind(EVENT_NODE_LOST);
	assert_true(clock_boot_us() - began_us < 1000 * 1000);
}

static void
a_closed_port_costs_the_caller_nothing(void **state)
{
	(void)state;
	close(add_manager());
	settings.informs = true;
	open_sender();
	send_a_thousand();
	assert_true(trap_sender_close(&sender, 0));
}

static void
a_manager_that_reads_nothing_costs_the_caller_nothing(void **state)
{
	int fd = add_manager();

	(void)state;
	open_sender();
	for (int i = 0; i < 10; i++)
		send_a_thousand();
	close_sender();
	close(fd);
}

static void
answer(int fd, struct packet *packet)
{
	/* All of it is under 256 bytes, so the length has one byte or two. */
	int at = packet->bytes[TAG_AT] == TAG_INFORM ? TAG_AT : TAG_AT + 1;

	assert_int_equal(packet->bytes[at], TAG_INFORM);
	packet->bytes[at] = TAG_RESPONSE;
	assert_int_equal(sendto(fd, packet->bytes, packet->length, 0,
			     (struct sockaddr *)&packet->from, sizeof(packet->from)),
	    packet->length);
}

static void
an_inform_is_sent_again_until_it_is_answered(void **state)
{
	struct packet first, again;
	int fd = add_manager();

	(void)state;
	settings.informs = true;
	open_sender();
	send_kind(EVENT_NODE_LOST);
	receive(fd, &first);
	receive(fd, &again);
	assert_int_equal(first.length, again.length);
	assert_memory_equal(first.bytes, again.bytes, first.length);
	answer(fd, &again);
	/* With the answer there is nothing left to wait for. */
	close_sender();
	assert_true(is_silent(fd));
	close(fd);
}

/* When the fourth is there, the answer to the first has been taken. */
static void
an_inform_that_is_answered_is_not_lost(void **state)
{
	char text[TRAP_NEWS_BYTES];
	struct packet packet;
	int fd = add_manager();

	(void)state;
	settings.informs = true;
	open_sender();
	for (int i = 0; i < 4; i++) {
		send_kind(EVENT_NODE_LOST);
		receive(fd, &packet);
		answer(fd, &packet);
	}
	assert_false(trap_sender_news(sender, text));
	close_sender();
	close(fd);
}

static void
the_end_waits_for_answers_as_long_as_it_may(void **state)
{
	struct packet packet;
	int fd = add_manager();

	(void)state;
	settings.informs = true;
	open_sender();
	send_kind(EVENT_NODE_LOST);
	assert_true(trap_sender_close(&sender, 1500));
	for (int i = 0; i < 2; i++) {
		assert_false(is_silent(fd));
		receive(fd, &packet);
	}
	assert_true(is_silent(fd));
	close(fd);
}

static void
an_inform_that_nobody_answers_is_told_as_lost(void **state)
{
	int fd = add_manager();
	char said[128];

	(void)state;
	settings.informs = true;
	open_sender();
	send_kind(EVENT_NODE_LOST);
	snprintf(said, sizeof(said), "snmp: 1 informs to %s were lost", settings.targets[0]);
	assert_news(said);
	close_sender();
	close(fd);
}

/* One after the other, so that the queue holds them all. */
static void
what_a_silent_manager_gets_too_much_is_told_as_lost(void **state)
{
	int fd = add_manager();
	struct packet packet;

	(void)state;
	settings.informs = true;
	open_sender();
	for (int i = 0; i < 256; i++) {
		send_kind(EVENT_NODE_LOST);
		receive(fd, &packet);
	}
	send_kind(EVENT_NODE_LOST);
	assert_news("informs to 127.0.0.1:");
	assert_true(trap_sender_close(&sender, 0));
	close(fd);
}

static void
a_dead_manager_does_not_delay_the_living(void **state)
{
	int dead = add_manager(), living = add_manager();
	struct packet packet;
	uint64_t began_ms;

	(void)state;
	settings.informs = true;
	open_sender();
	began_ms = clock_boot_ms();
	for (int i = 0; i < 20; i++) {
		send_kind(EVENT_NODE_LOST);
		receive(living, &packet);
	}
	/* 20 informs that time out one after the other would take 100 s. */
	assert_true(clock_boot_ms() - began_ms < 10000);
	assert_true(trap_sender_close(&sender, 0));
	close(dead);
	close(living);
}

/* Run in a child: it ends with what body returns, and may leave threads. */
static void
run_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
send_one(void)
{
	if (trap_sender_open(&settings, "hq-1", directory, &sender) != 0)
		return 1;
	send_kind(EVENT_NODE_LOST);
	return !trap_sender_close(&sender, PATIENCE_MS);
}

/* RFC 3414, 2.2: id, then boots as INTEGER. */
static void
version_3_keeps_its_engine_and_counts_its_starts(void **state)
{
	const uint8_t enterprise[] = {0x80, 0, 0x1f, 0x88, 4};
	char id[2][TRAP_TARGET_BYTES] = {"", ""};
	int fd = add_manager();
	struct packet packet;

	(void)state;
	settings.is_v3 = true;
	for (int i = 0; i < 2; i++) {
		const uint8_t *at;

		run_child(send_one);
		receive(fd, &packet);
		at = find(&packet, enterprise, sizeof(enterprise));
		assert_non_null(at);
		memcpy(id[i], at + 5, 22);
		assert_memory_equal(id[i], "gemel-", 6);
		assert_memory_equal(at + 5 + 22, ((uint8_t[]){2, 1, (uint8_t)(i + 1)}), 3);
		/* Encrypted, and the passphrases stay here. */
		assert_null(find(&packet, "hq-2", 4));
		assert_null(find(&packet, "authauth", 8));
		assert_null(find(&packet, "privpriv", 8));
	}
	assert_string_equal(id[0], id[1]);
	close(fd);
}

static int
overflow(void)
{
	uint64_t began_us = clock_boot_us(), deadline_ms = clock_boot_ms() + PATIENCE_MS;
	char text[TRAP_NEWS_BYTES];

	if (trap_sender_open(&settings, "hq-1", directory, &sender) != 0)
		return 1;
	for (int i = 0; i < 1000; i++)
		send_kind(EVENT_NODE_LOST);
	if (clock_boot_us() - began_us >= 1000 * 1000)
		return 2;
	while (!trap_sender_news(sender, text)) {
		if (clock_boot_ms() > deadline_ms)
			return 3;
		poll(NULL, 0, 5);
	}
	/* It takes one at a time, and asks for the manager's engine for a second. */
	if (strncmp(text, "snmp: 74", 8) != 0 || !strstr(text, " events were dropped unsent"))
		return 4;
	return 0;
}

static void
what_is_too_much_is_dropped_and_told(void **state)
{
	int fd = add_manager();

	(void)state;
	settings.is_v3 = true;
	settings.informs = true;
	run_child(overflow);
	close(fd);
}

/* In a network of its own that has nothing but itself. */
static int
send_to_nowhere(void)
{
	uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
	char text[TRAP_NEWS_BYTES];

	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return SKIPPED;
	if (trap_sender_open(&settings, "hq-1", directory, &sender) != 0)
		return 1;
	send_kind(EVENT_NODE_LOST);
	while (!trap_sender_news(sender, text)) {
		if (clock_boot_ms() > deadline_ms)
			return 2;
		poll(NULL, 0, 5);
	}
	if (!strstr(text, "1 traps to 192.0.2.9:162 were lost; see whether it is there"))
		return 3;
	return !trap_sender_close(&sender, PATIENCE_MS);
}

static void
a_network_without_a_way_is_told(void **state)
{
	(void)state;
	strcpy(settings.targets[settings.target_count++], "192.0.2.9:162");
	run_child(send_to_nowhere);
}

static int
send_three(void)
{
	if (trap_sender_open(&settings, "hq-1", directory, &sender) != 0)
		return 1;
	for (int i = 0; i < 3; i++)
		send_kind(EVENT_NODE_LOST);
	return !trap_sender_close(&sender, PATIENCE_MS);
}

/* Each time costs a second, in which no other manager is told. */
static void
a_manager_without_an_engine_is_asked_for_it_only_now_and_then(void **state)
{
	int fd = add_manager();
	struct packet packet;

	(void)state;
	settings.is_v3 = true;
	settings.informs = true;
	run_child(send_three);
	receive(fd, &packet);
	assert_true(is_silent(fd));
	close(fd);
}

static int
hang_and_close(void)
{
	uint64_t began_ms = clock_boot_ms();

	if (trap_sender_open(&settings, "hq-1", directory, &sender) != 0)
		return 1;
	send_kind(EVENT_NODE_LOST);
	if (trap_sender_close(&sender, 50) || sender)
		return 2;
	return clock_boot_ms() - began_ms < 900 ? 0 : 3;
}

static void
a_hanging_manager_does_not_keep_the_process(void **state)
{
	int fd = add_manager();

	(void)state;
	settings.is_v3 = true;
	settings.informs = true;
	run_child(hang_and_close);
	close(fd);
}

static void
without_its_engine_version_3_says_why(void **state)
{
	int fd = add_manager();

	(void)state;
	settings.is_v3 = true;
	assert_int_equal(trap_sender_open(&settings, "hq-1", "/dev/null/a/b", &sender), 0);
	send_kind(EVENT_NODE_LOST);
	assert_news("/dev/null/a/b: cannot be made or opened: Not a directory");
	close_sender();
	assert_true(is_silent(fd));
	close(fd);
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LAW(each_event_reaches_each_manager_once_and_in_order),
	    LAW(what_is_queued_is_sent_before_the_end),
	    LAW(a_cluster_event_is_pacemaker_s_trap_too_if_asked_for),
	    LAW(without_a_target_there_is_nothing),
	    LAW(a_closed_port_costs_the_caller_nothing),
	    LAW(a_manager_that_reads_nothing_costs_the_caller_nothing),
	    LAW(what_a_silent_manager_gets_too_much_is_told_as_lost),
	    LAW(a_dead_manager_does_not_delay_the_living),
	    LAW(a_network_without_a_way_is_told),
	    LAW(an_inform_is_sent_again_until_it_is_answered),
	    LAW(an_inform_that_is_answered_is_not_lost),
	    LAW(the_end_waits_for_answers_as_long_as_it_may),
	    LAW(an_inform_that_nobody_answers_is_told_as_lost),
	    LAW(version_3_keeps_its_engine_and_counts_its_starts),
	    LAW(what_is_too_much_is_dropped_and_told),
	    LAW(a_manager_without_an_engine_is_asked_for_it_only_now_and_then),
	    LAW(a_hanging_manager_does_not_keep_the_process),
	    LAW(without_its_engine_version_3_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
