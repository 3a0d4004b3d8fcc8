/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/line-world.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The test's own sockets: node 1's end, and strangers. */
struct fixture {
	struct line_world world;
	uint16_t ports[2];
	int peer, stranger;
	char text[96];
};

static int
bound_socket(const char *host, uint16_t port, uint16_t *port_r)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is_v6 = inet_pton(AF_INET6, host, &v6.sin6_addr) == 1;
	struct sockaddr *address = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t length = is_v6 ? sizeof(v6) : sizeof(v4);
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!is_v6)
		assert_int_equal(inet_pton(AF_INET, host, &v4.sin_addr), 1);
	if (fd < 0 || bind(fd, address, length) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, address, &length), 0);
	*port_r = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
	return fd;
}

/* Two ports that were free a moment ago. */
static void
find_ports(const char *host, uint16_t ports[2])
{
	int fds[2];

	for (int i = 0; i < 2; i++) {
		fds[i] = bound_socket(host, 0, &ports[i]);
		assert_true(fds[i] >= 0);
	}
	close(fds[0]);
	close(fds[1]);
}

static int
setup(void **state)
{
	struct fixture *f = test_malloc(sizeof(*f));

	memset(f, 0, sizeof(*f));
	f->peer = f->stranger = -1;
	world_open(&f->world);
	find_ports("127.0.0.1", f->ports);
	snprintf(
	    f->text, sizeof(f->text), "udp 127.0.0.1:%u 127.0.0.1:%u", f->ports[0], f->ports[1]);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	world_close(&f->world);
	if (f->peer >= 0)
		close(f->peer);
	if (f->stranger >= 0)
		close(f->stranger);
	test_free(f);
	return 0;
}

/* Let the test be node 1, by a plain socket. */
static void
be_peer(struct fixture *f)
{
	uint16_t port;

	f->peer = bound_socket("127.0.0.1", f->ports[1], &port);
	assert_true(f->peer >= 0);
}

static void
send_bytes(struct fixture *f, int fd, uint8_t byte, size_t length)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(f->ports[0]),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint8_t bytes[2000];

	memset(bytes, byte, sizeof(bytes));
	assert_int_equal(sendto(fd, bytes, length, 0, (struct sockaddr *)&to, sizeof(to)), length);
}

static void
check_both_ways(struct fixture *f)
{
	struct line_health health;

	for (unsigned i = 0; i < 2; i++)
		world_line(&f->world, i, f->text);
	world_send(&f->world, 1, 5);
	world_wait(&f->world, world_has_heard, 1);
	assert_int_equal(f->world.last_length[0], BEAT_BYTES);
	assert_int_equal(f->world.last[0][BEAT_BYTES - 1], 5);
	world_send(&f->world, 0, 6);
	world_send(&f->world, 1, 7);
	world_wait(&f->world, world_has_heard, 2);
	assert_int_equal(f->world.heard[1], 1);
	assert_int_equal(f->world.last[1][0], 6);
	health = world_health(&f->world, 0);
	assert_true(health.is_open);
	assert_int_equal(health.sent, 1);
	assert_int_equal(health.received, 2);
	assert_int_equal(health.dropped + health.errors, 0);
	assert_string_equal(health.trouble, "");
}

static void
packets_go_both_ways(void **state)
{
	check_both_ways(*state);
}

static void
packets_go_both_ways_on_ipv6(void **state)
{
	struct fixture *f = *state;
	uint16_t port;
	int fd = bound_socket("::1", 0, &port);

	if (fd < 0)
		skip();
	close(fd);
	find_ports("::1", f->ports);
	snprintf(f->text, sizeof(f->text), "udp [::1]:%u [::1]:%u", f->ports[0], f->ports[1]);
	check_both_ways(f);
}

static void
packets_go_by_the_interface_that_was_named(void **state)
{
	struct fixture *f = *state;

	strcat(f->text, " lo");
	check_both_ways(f);
}

static void
who_is_not_the_peer_is_not_heard(void **state)
{
	struct fixture *f = *state;
	uint16_t port;
	int other;

	be_peer(f);
	world_line(&f->world, 0, f->text);
	/* Another port, another address. */
	f->stranger = bound_socket("127.0.0.1", 0, &port);
	other = bound_socket("127.0.0.2", f->ports[1], &port);
	send_bytes(f, f->stranger, 9, BEAT_BYTES);
	send_bytes(f, other, 9, BEAT_BYTES);
	close(other);
	send_bytes(f, f->peer, 1, BEAT_BYTES);
	world_wait(&f->world, world_has_heard, 1);
	assert_int_equal(f->world.last[0][0], 1);
	assert_int_equal(f->world.heard[0], 1);
}

static void
a_datagram_that_is_too_long_is_not_heard(void **state)
{
	struct fixture *f = *state;

	be_peer(f);
	world_line(&f->world, 0, f->text);
	send_bytes(f, f->peer, 9, BEAT_BYTES + 1);
	send_bytes(f, f->peer, 9, 2000);
	send_bytes(f, f->peer, 1, BEAT_BYTES);
	world_wait(&f->world, world_has_heard, 1);
	assert_int_equal(f->world.last[0][0], 1);
	assert_int_equal(world_health(&f->world, 0).errors, 2);
}

static bool
has_turned(struct line_world *world, uint64_t turns)
{
	static uint64_t count;

	(void)world;
	count = count < turns ? count + 1 : 0;
	return count == 0;
}

static void
a_peer_whose_agent_is_away_is_no_trouble(void **state)
{
	struct fixture *f = *state;
	struct line_health health;

	world_line(&f->world, 0, f->text);
	for (int i = 0; i < 10; i++) {
		world_send(&f->world, 0, 1);
		world_wait(&f->world, has_turned, 2);
	}
	health = world_health(&f->world, 0);
	assert_true(health.is_open);
	assert_int_equal(health.errors, 0);
	assert_string_equal(health.trouble, "");
	/* It comes, and misses nothing of what is sent from now on, though of the packet before
	 * it is said only now that nobody took it. */
	world_send(&f->world, 0, 1);
	world_line(&f->world, 1, f->text);
	world_send(&f->world, 0, 2);
	world_send(&f->world, 1, 3);
	world_wait(&f->world, world_has_heard, 1);
	assert_int_equal(f->world.heard[1], 1);
	assert_int_equal(f->world.last[1][0], 2);
}

static void
a_flood_leaves_the_loop_its_turn(void **state)
{
	struct fixture *f = *state;

	be_peer(f);
	world_line(&f->world, 0, f->text);
	for (int i = 0; i < 100; i++)
		send_bytes(f, f->peer, 1, BEAT_BYTES);
	f->world.stops_at_packet = true;
	qb_loop_run(f->world.loop);
	assert_int_equal(f->world.heard[0], 32);
	f->world.stops_at_packet = false;
	world_wait(&f->world, world_has_heard, 100);
}

static void
beats_ask_to_go_first(void **state)
{
	struct fixture *f = *state;
	uint8_t packet[BEAT_BYTES], room[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {packet, sizeof(packet)};
	struct msghdr message = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
	const int on = 1;

	be_peer(f);
	assert_int_equal(setsockopt(f->peer, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)), 0);
	world_line(&f->world, 0, f->text);
	world_send(&f->world, 0, 1);
	assert_int_equal(recvmsg(f->peer, &message, 0), BEAT_BYTES);
	assert_non_null(CMSG_FIRSTHDR(&message));
	assert_int_equal(*CMSG_DATA(CMSG_FIRSTHDR(&message)), 48 << 2);
}

static void
a_missing_interface_is_a_trouble_and_no_error(void **state)
{
	struct fixture *f = *state;
	struct line_health health;

	strcat(f->text, " no-such-0");
	world_line(&f->world, 0, f->text);
	world_send(&f->world, 0, 1);
	health = world_health(&f->world, 0);
	assert_false(health.is_open);
	assert_non_null(strstr(health.trouble, "interface is not there"));
	assert_int_equal(health.dropped, 1);
	snprintf(f->text, sizeof(f->text), "udp fe80::1%%no-such-0 fe80::2%%no-such-0");
	world_line(&f->world, 1, f->text);
	assert_non_null(strstr(world_health(&f->world, 1).trouble, "interface is not there"));
}

static void
an_address_that_is_not_here_is_a_trouble_and_no_error(void **state)
{
	struct fixture *f = *state;

	world_line(&f->world, 0, "udp 192.0.2.1 192.0.2.2");
	assert_false(world_health(&f->world, 0).is_open);
	assert_non_null(strstr(world_health(&f->world, 0).trouble, "not on this node"));
}

static void
what_could_not_be_opened_is_tried_again_once_a_second(void **state)
{
	struct fixture *f = *state;
	uint64_t now_ms = clock_boot_ms() + LINE_RETRY_MS;
	uint16_t port;

	f->stranger = bound_socket("127.0.0.1", f->ports[0], &port);
	world_line(&f->world, 0, f->text);
	assert_non_null(strstr(world_health(&f->world, 0).trouble, "another program"));
	line_tick(f->world.lines[0], now_ms);
	assert_false(world_health(&f->world, 0).is_open);
	close(f->stranger);
	f->stranger = -1;
	line_tick(f->world.lines[0], now_ms + LINE_RETRY_MS - 1);
	assert_false(world_health(&f->world, 0).is_open);
	line_tick(f->world.lines[0], now_ms + LINE_RETRY_MS);
	assert_true(world_health(&f->world, 0).is_open);
	assert_string_equal(world_health(&f->world, 0).trouble, "");
}

static void
ask_kernel(unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(ioctl(fd, what, request), 0);
	close(fd);
}

/* A second address of the loopback interface, with the network behind it. */
static void
set_address(bool is_there)
{
	struct ifreq request = {.ifr_name = "lo:1"};
	struct sockaddr_in address = {.sin_family = AF_INET};

	inet_pton(AF_INET, "10.9.9.1", &address.sin_addr);
	if (is_there)
		memcpy(&request.ifr_addr, &address, sizeof(address));
	ask_kernel(is_there ? SIOCSIFADDR : SIOCSIFFLAGS, &request);
}

/* The last test, since the process stays where it is. */
static void
an_address_that_comes_and_goes_is_followed(void **state)
{
	struct fixture *f = *state;
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	/* Not before the line was tried. */
	uint64_t now_ms = clock_boot_ms() + LINE_RETRY_MS;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		skip();
	ask_kernel(SIOCSIFFLAGS, &loopback);
	world_line(&f->world, 0, "udp 10.9.9.1 10.9.9.2");
	for (int i = 0; i < 2; i++) {
		assert_false(world_health(&f->world, 0).is_open);
		assert_non_null(strstr(world_health(&f->world, 0).trouble, "not on this node"));
		set_address(true);
		line_tick(f->world.lines[0], now_ms += LINE_RETRY_MS);
		assert_true(world_health(&f->world, 0).is_open);
		world_send(&f->world, 0, 1);
		assert_string_equal(world_health(&f->world, 0).trouble, "");
		set_address(false);
		world_send(&f->world, 0, 1);
		assert_non_null(strstr(world_health(&f->world, 0).trouble, "can't send"));
		line_tick(f->world.lines[0], now_ms += LINE_RETRY_MS);
	}
}

static void
a_text_that_can_never_work_fails_at_once(void **state)
{
	struct fixture *f = *state;
	const struct line_setup who = {.slot_ms = 1};
	const struct line_events events = {0};
	struct line *line;
	const char *reason;

	assert_int_equal(
	    line_open(slice_of("udp 10.0.0.1"), &who, f->world.loop, &events, &line, &reason),
	    -EINVAL);
	assert_null(line);
	assert_non_null(reason);
}

#define TEST(law) cmocka_unit_test_setup_teardown(law, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(packets_go_both_ways),
	    TEST(packets_go_both_ways_on_ipv6),
	    TEST(packets_go_by_the_interface_that_was_named),
	    TEST(who_is_not_the_peer_is_not_heard),
	    TEST(a_datagram_that_is_too_long_is_not_heard),
	    TEST(a_peer_whose_agent_is_away_is_no_trouble),
	    TEST(a_flood_leaves_the_loop_its_turn),
	    TEST(beats_ask_to_go_first),
	    TEST(a_missing_interface_is_a_trouble_and_no_error),
	    TEST(an_address_that_is_not_here_is_a_trouble_and_no_error),
	    TEST(what_could_not_be_opened_is_tried_again_once_a_second),
	    TEST(a_text_that_can_never_work_fails_at_once),
	    TEST(an_address_that_comes_and_goes_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
