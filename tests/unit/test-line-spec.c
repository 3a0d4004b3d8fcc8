/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/line-spec.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *
address_text(const struct line_address *address, char out[80])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->address;
	bool is_v6 = address->address.ss_family == AF_INET6;
	char host[INET6_ADDRSTRLEN];

	inet_ntop(address->address.ss_family,
	    is_v6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr, host, sizeof(host));
	assert_int_equal(address->length, is_v6 ? sizeof(*v6) : sizeof(*v4));
	snprintf(
	    out, 80, "%s|%u|%s", host, ntohs(is_v6 ? v6->sin6_port : v4->sin_port), address->scope);
	return out;
}

static void
a_udp_line_has_an_address_for_each_node(void **state)
{
	static const struct {
		const char *text, *node0, *node1, *interface;
	} rows[] = {
	    {"udp 10.0.0.1 10.0.0.2", "10.0.0.1|4571|", "10.0.0.2|4571|", ""},
	    {"udp 10.0.0.1:9 10.0.0.2:65535 eth1", "10.0.0.1|9|", "10.0.0.2|65535|", "eth1"},
	    {" udp\t127.0.0.1:1  127.0.0.1:2 ", "127.0.0.1|1|", "127.0.0.1|2|", ""},
	    {"udp fd00::1 fd00::2", "fd00::1|4571|", "fd00::2|4571|", ""},
	    {"udp [fd00::1] [fd00::2]:9", "fd00::1|4571|", "fd00::2|9|", ""},
	    {"udp fe80::1%eth1 [fe80::1%eth2]:9", "fe80::1|4571|eth1", "fe80::1|9|eth2", ""},
	    {"udp fe80::1%abcdefghijklmno fe80::2%x abcdefghijklmno",
		"fe80::1|4571|abcdefghijklmno", "fe80::2|4571|x", "abcdefghijklmno"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct line_spec spec;
		char text[80];

		assert_null(line_spec_parse(slice_of(rows[i].text), &spec));
		assert_int_equal(spec.kind, LINE_UDP);
		assert_string_equal(address_text(&spec.nodes[0], text), rows[i].node0);
		assert_string_equal(address_text(&spec.nodes[1], text), rows[i].node1);
		assert_string_equal(spec.interface, rows[i].interface);
	}
}

static void
a_serial_line_has_a_device_and_a_speed(void **state)
{
	struct line_spec spec;

	(void)state;
	assert_null(line_spec_parse(slice_of("serial /dev/ttyS0"), &spec));
	assert_int_equal(spec.kind, LINE_SERIAL);
	assert_string_equal(spec.path, "/dev/ttyS0");
	assert_int_equal(spec.baud, 115200);
	assert_null(line_spec_parse(slice_of("serial /dev/ttyUSB0 38400"), &spec));
	assert_int_equal(spec.baud, 38400);
}

static void
a_disk_line_has_a_partition(void **state)
{
	char text[16 + LINE_PATH_BYTES];
	struct line_spec spec;

	(void)state;
	assert_null(line_spec_parse(slice_of("disk /dev/disk/by-id/wwn-1-part2"), &spec));
	assert_int_equal(spec.kind, LINE_DISK);
	assert_string_equal(spec.path, "/dev/disk/by-id/wwn-1-part2");
	snprintf(text, sizeof(text), "disk /%0*d", LINE_PATH_BYTES - 2, 0);
	assert_null(line_spec_parse(slice_of(text), &spec));
	snprintf(text, sizeof(text), "disk /%0*d", LINE_PATH_BYTES - 1, 0);
	assert_non_null(line_spec_parse(slice_of(text), &spec));
}

static void
what_can_never_work_is_refused_with_a_sentence(void **state)
{
	static const char *const rows[] = {
	    "",
	    " ",
	    "tcp 10.0.0.1 10.0.0.2",
	    "UDP 10.0.0.1 10.0.0.2",
	    "udp",
	    "udp 10.0.0.1",
	    "udp 10.0.0.1 10.0.0.2 eth1 more",
	    "udp 10.0.0.1 10.0.0.1",
	    "udp 10.0.0.1 fd00::2",
	    "udp 10.0.0.1 10.0.0",
	    "udp 10.0.0.1 10.0.0.256",
	    "udp 10.0.0.1 10.0.0.2:",
	    "udp 10.0.0.1 10.0.0.2:0",
	    "udp 10.0.0.1 10.0.0.2:65536",
	    "udp 10.0.0.1 10.0.0.2:99999999999999999999",
	    "udp 10.0.0.1 10.0.0.2:4x",
	    "udp 10.0.0.1 10.0.0.2:+4",
	    "udp 10.0.0.1 [10.0.0.2]:4571",
	    "udp 10.0.0.1 :4571",
	    "udp 10.0.0.1 node-2",
	    "udp 10.0.0.1 0.0.0.0",
	    "udp 10.0.0.1 224.0.0.1",
	    "udp 10.0.0.1 255.255.255.255",
	    "udp fd00::1 ::",
	    "udp fd00::1 ff02::1%eth1",
	    "udp fd00::1 ::ffff:10.0.0.2",
	    "udp fd00::1 [fd00::2",
	    "udp fd00::1 [fd00::2]4571",
	    "udp fd00::1 [fd00::2]:",
	    "udp fd00::1 []:4571",
	    "udp fd00::1 [",
	    "udp fd00::1 ]",
	    "udp fd00::1 fe80::2%eth1",
	    "udp fd00::1 fd00::2%eth1",
	    "udp fe80::1 fe80::2",
	    "udp fe80::1% fe80::2%",
	    "udp fe80::1%eth1 fe80::2%abcdefghijklmnop",
	    "udp fe80::1%eth1 fe80::2%e/1",
	    "udp 10.0.0.1 10.0.0.2 abcdefghijklmnop",
	    "udp 10.0.0.1 10.0.0.2 ../eth1",
	    "serial",
	    "serial ttyS0",
	    "serial /dev/ttyS0 0",
	    "serial /dev/ttyS0 300",
	    "serial /dev/ttyS0 115200x",
	    "serial /dev/ttyS0 115200 8N1",
	    "disk",
	    "disk sdb2",
	    "disk /dev/sdb2 more",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		static const struct line_spec nothing;
		struct line_spec spec;
		const char *reason = line_spec_parse(slice_of(rows[i]), &spec);

		if (!reason)
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(reason[strlen(reason) - 1], '.');
		assert_memory_equal(&spec, &nothing, sizeof(spec));
	}
}

/* A path may hold what is no text, and a NUL would cut it. */
static void
a_nul_is_refused(void **state)
{
	static const char text[] = "disk /dev/sdb\0002", address[] = "udp 10.0.0.1 10.0.0.2\0003";
	struct line_spec spec;

	(void)state;
	assert_non_null(line_spec_parse(slice_from(text, sizeof(text) - 1), &spec));
	assert_non_null(line_spec_parse(slice_from(address, sizeof(address) - 1), &spec));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_udp_line_has_an_address_for_each_node),
	    cmocka_unit_test(a_serial_line_has_a_device_and_a_speed),
	    cmocka_unit_test(a_disk_line_has_a_partition),
	    cmocka_unit_test(what_can_never_work_is_refused_with_a_sentence),
	    cmocka_unit_test(a_nul_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
