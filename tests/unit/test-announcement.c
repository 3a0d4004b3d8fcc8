/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/announcement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

static const uint8_t ours[MAC_LENGTH] = {2, 0, 0, 0, 0, 1};
static const uint8_t theirs[MAC_LENGTH] = {2, 0, 0, 0, 0, 2};

static struct ip
ip_of(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(text, &ip));
	return ip;
}

static void
ipv4_is_announced_by_a_request_and_a_reply_to_everybody(void **state)
{
	static const uint8_t request[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8,
	    6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 10, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 192, 0, 2, 10};
	struct ip ip = ip_of("192.0.2.10");
	uint8_t frame[ANNOUNCEMENT_MAX];

	(void)state;
	assert_int_equal(announcement_count(AF_INET), 2);
	assert_int_equal(announcement_build(&ip, ours, 0, frame), sizeof(request));
	assert_memory_equal(frame, request, sizeof(request));
	announcement_build(&ip, ours, 1, frame);
	assert_int_equal(frame[21], 2);
}

static void
ipv6_is_announced_by_an_overriding_advertisement_with_hop_limit_255(void **state)
{
	struct ip ip = ip_of("2001:db8::10");
	uint8_t frame[ANNOUNCEMENT_MAX];
	uint32_t sum = 0;

	(void)state;
	assert_int_equal(announcement_count(AF_INET6), 1);
	assert_int_equal(announcement_build(&ip, ours, 0, frame), ANNOUNCEMENT_MAX);
	assert_int_equal(frame[14 + 7], 255);
	assert_int_equal(frame[54], 136);
	assert_int_equal(frame[58], 0x20);
	assert_memory_equal(frame + 62, ip.bytes, 16);
	assert_memory_equal(frame + 80, ours, 6);
	/* RFC 1071: with its checksum in it, everything sums up to all ones. */
	for (size_t i = 22; i < ANNOUNCEMENT_MAX; i += 2)
		sum += (uint32_t)(frame[i] << 8 | frame[i + 1]);
	sum += 32 + 58;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
}

static void
what_another_station_announces_is_a_claim_and_our_own_is_not(void **state)
{
	static const char *const addresses[] = {"192.0.2.10", "2001:db8::10"};
	uint8_t frame[ANNOUNCEMENT_MAX], by[MAC_LENGTH];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct ip ip = ip_of(addresses[i]);
		struct ip other = ip_of(i ? "2001:db8::11" : "192.0.2.11");

		for (unsigned int n = 0; n < announcement_count(ip.family); n++) {
			size_t length = announcement_build(&ip, theirs, n, frame);

			assert_true(announcement_is_claim(frame, length, &ip, ours, by));
			assert_memory_equal(by, theirs, MAC_LENGTH);
			assert_false(announcement_is_claim(frame, length, &ip, theirs, by));
			assert_false(announcement_is_claim(frame, length, &other, ours, by));
		}
	}
}

static void
a_frame_cut_anywhere_is_no_claim(void **state)
{
	static const char *const addresses[] = {"192.0.2.10", "2001:db8::10"};
	/* The advertisement's option may be absent. */
	static const size_t least[] = {42, 78};
	uint8_t frame[ANNOUNCEMENT_MAX], by[MAC_LENGTH];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct ip ip = ip_of(addresses[i]);

		announcement_build(&ip, theirs, 0, frame);
		for (size_t length = 0; length < least[i]; length++)
			assert_false(announcement_is_claim(frame, length, &ip, ours, by));
	}
}

static void
an_advertisement_from_beyond_the_link_is_no_claim(void **state)
{
	struct ip ip = ip_of("2001:db8::10");
	uint8_t frame[ANNOUNCEMENT_MAX], by[MAC_LENGTH];

	(void)state;
	announcement_build(&ip, theirs, 0, frame);
	frame[14 + 7] = 254;
	assert_false(announcement_is_claim(frame, ANNOUNCEMENT_MAX, &ip, ours, by));
}

static void
an_arp_probe_is_no_claim(void **state)
{
	struct ip ip = ip_of("192.0.2.10");
	uint8_t frame[ANNOUNCEMENT_MAX], by[MAC_LENGTH];

	(void)state;
	announcement_build(&ip, theirs, 0, frame);
	memset(frame + 28, 0, 4);
	assert_false(announcement_is_claim(frame, 42, &ip, ours, by));
}

static void
one_late_frame_is_answered_and_is_no_conflict(void **state)
{
	struct conflict c = {0};

	(void)state;
	assert_int_equal(conflict_claim(&c, theirs, 1000), CONFLICT_DEFEND);
	assert_false(c.is_open);
	/* The reply that comes with the request. */
	assert_int_equal(conflict_claim(&c, theirs, 1001), CONFLICT_NOTHING);
	assert_false(c.is_open);
	assert_int_equal(conflict_deadline(&c), UINT64_MAX);
	/* Much later, another one. */
	assert_int_equal(conflict_claim(&c, theirs, 20000), CONFLICT_DEFEND);
	assert_false(c.is_open);
}

static void
a_claim_that_is_repeated_is_a_conflict_until_a_minute_of_silence(void **state)
{
	struct conflict c = {0};

	(void)state;
	conflict_claim(&c, theirs, 1000);
	assert_int_equal(conflict_claim(&c, theirs, 1200), CONFLICT_NOTHING);
	assert_true(c.is_open);
	assert_memory_equal(c.by, theirs, MAC_LENGTH);
	assert_int_equal(conflict_deadline(&c), 61200);
	assert_false(conflict_tick(&c, 61199));
	conflict_claim(&c, theirs, 61199);
	assert_false(conflict_tick(&c, 61200));
	assert_true(conflict_tick(&c, 121199));
	assert_false(c.is_open);
	assert_false(conflict_tick(&c, 121200));
}

static void
the_address_is_defended_at_most_once_in_ten_seconds(void **state)
{
	struct conflict c = {0};
	int defended = 0;

	(void)state;
	for (uint64_t now_ms = 1000; now_ms < 31000; now_ms += 100)
		defended += conflict_claim(&c, theirs, now_ms) == CONFLICT_DEFEND;
	assert_int_equal(defended, 3);
}

static void
subnets_are_compared_by_their_prefix(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned int prefix;
		bool is_in;
	} rows[] = {
	    {"192.0.2.10", "192.0.2.200", 24, true},
	    {"192.0.2.10", "192.0.2.200", 25, false},
	    {"192.0.2.10", "192.0.3.10", 24, false},
	    {"192.0.2.10", "192.0.3.10", 23, true},
	    {"192.0.2.10", "192.0.2.10", 32, true},
	    {"192.0.2.10", "10.0.0.1", 0, true},
	    {"2001:db8::1", "2001:db8::2", 64, true},
	    {"2001:db8::1", "2001:db8::2", 127, false},
	    {"2001:db8::1", "192.0.2.1", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip a = ip_of(rows[i].a), b = ip_of(rows[i].b);

		assert_int_equal(ip_is_in_subnet(&a, &b, rows[i].prefix), rows[i].is_in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ipv4_is_announced_by_a_request_and_a_reply_to_everybody),
	    cmocka_unit_test(ipv6_is_announced_by_an_overriding_advertisement_with_hop_limit_255),
	    cmocka_unit_test(what_another_station_announces_is_a_claim_and_our_own_is_not),
	    cmocka_unit_test(a_frame_cut_anywhere_is_no_claim),
	    cmocka_unit_test(an_advertisement_from_beyond_the_link_is_no_claim),
	    cmocka_unit_test(an_arp_probe_is_no_claim),
	    cmocka_unit_test(one_late_frame_is_answered_and_is_no_conflict),
	    cmocka_unit_test(a_claim_that_is_repeated_is_a_conflict_until_a_minute_of_silence),
	    cmocka_unit_test(the_address_is_defended_at_most_once_in_ten_seconds),
	    cmocka_unit_test(subnets_are_compared_by_their_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
