/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
an_address_and_a_port_are_a_socket_address(void **state)
{
	static const struct {
		const char *text, *host;
		int family;
		uint16_t port;
	} rows[] = {
	    {"*:25", "::", AF_INET6, 25},
	    {"*:65535", "::", AF_INET6, 65535},
	    {"[::]:1", "::", AF_INET6, 1},
	    {"[2001:db8::10]:25", "2001:db8::10", AF_INET6, 25},
	    {"[::ffff:192.0.2.1]:25", "::ffff:192.0.2.1", AF_INET6, 25},
	    {"192.0.2.10:587", "192.0.2.10", AF_INET, 587},
	    {"0.0.0.0:25", "0.0.0.0", AF_INET, 25},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sockaddr_storage address;
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
		bool is_v6 = rows[i].family == AF_INET6;
		char host[INET6_ADDRSTRLEN];
		socklen_t length;

		assert_int_equal(listener_parse(rows[i].text, &address, &length), 0);
		assert_int_equal(address.ss_family, rows[i].family);
		assert_int_equal(length, is_v6 ? sizeof(*v6) : sizeof(*v4));
		assert_int_equal(ntohs(is_v6 ? v6->sin6_port : v4->sin_port), rows[i].port);
		inet_ntop(rows[i].family,
		    is_v6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr, host,
		    sizeof(host));
		assert_string_equal(host, rows[i].host);
	}
}

static void
all_else_is_refused(void **state)
{
	static const char *const rows[] = {
	    "",
	    ":",
	    ":25",
	    "*",
	    "25",
	    "*:",
	    "*:0",
	    "*:65536",
	    "*:-1",
	    "*:99999999999999999999",
	    "*:smtp",
	    "*:25x",
	    "*:25:",
	    "**:25",
	    "192.0.2.10",
	    "192.0.2:25",
	    "192.0.2.256:25",
	    "192.0.2.10.1:25",
	    "mx.example.test:25",
	    "2001:db8::10:25",
	    "[]:25",
	    "[2001:db8::10]25",
	    "[2001:db8::10:25",
	    "[2001:db8::10]",
	    "[2001:db8::10]]:25",
	    "[fe80::1%eth0]:25",
	    "[192.0.2.10]:25",
	    "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:25",
	    "000000000000000000000000192.0.2.10:25",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sockaddr_storage address;
		socklen_t length;

		if (listener_parse(rows[i], &address, &length) != -EINVAL)
			fail_msg("\"%s\" was taken", rows[i]);
	}
}

/* A takeover binds before the address has moved, and in the time that old connections linger. */
static void
an_address_that_is_not_here_yet_can_be_bound(void **state)
{
	int fd = listener_open("192.0.2.10:20025");

	(void)state;
	assert_true(fd >= 0);
	close(fd);
}

static void
a_port_that_another_has_is_in_use(void **state)
{
	struct sockaddr_in taken = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(taken);
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[32];

	(void)state;
	assert_int_equal(bind(other, (struct sockaddr *)&taken, length), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(getsockname(other, (struct sockaddr *)&taken, &length), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(taken.sin_port));
	assert_int_equal(listener_open(text), -EADDRINUSE);
	close(other);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_address_and_a_port_are_a_socket_address),
    cmocka_unit_test(all_else_is_refused),
    cmocka_unit_test(an_address_that_is_not_here_yet_can_be_bound),
    cmocka_unit_test(a_port_that_another_has_is_in_use),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
