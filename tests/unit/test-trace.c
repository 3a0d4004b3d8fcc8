/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/trace.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* Monday, 23 November 2026, 18:36:08 UTC. */
#define WHEN UINT64_C(1795458968123)
#define LONG_NAME "0123456789.123456789.123456789.123456789.123456789.123456789.123456789"

static struct envelope_recipient recipients[2];

static struct envelope
example(void)
{
	recipients[0] = (struct envelope_recipient){.address = slice_of("a@example.test")};
	recipients[1] = (struct envelope_recipient){.address = slice_of("b@example.test")};
	return (struct envelope){
	    .flags = ENVELOPE_ESMTP,
	    .reverse_path = slice_of("s@else.example"),
	    .client = slice_of("192.0.2.1"),
	    .helo = slice_of("client"),
	    .accepted_ms = WHEN,
	    .recipients = recipients,
	    .recipient_count = 1,
	};
}

static void
assert_delivered(const struct envelope *e, size_t recipient, const char *expected)
{
	struct trace trace = {e, slice_of("mx.example.test"), "3-1f"};
	struct buffer out = {0};

	trace_deliver(&trace, recipient, &out);
	buffer_append(&out, "", 1);
	assert_string_equal(out.data, expected);
	buffer_close(&out);
}

static void
a_delivery_has_return_path_delivered_to_and_received(void **state)
{
	struct envelope e = example();

	(void)state;
	assert_delivered(&e, 0,
	    "Return-Path: <s@else.example>\r\n"
	    "Delivered-To: a@example.test\r\n"
	    "Received: from client ([192.0.2.1]) by mx.example.test with ESMTP id 3-1f\r\n"
	    "\tfor <a@example.test>; Mon, 23 Nov 2026 18:36:08 +0000\r\n");
}

static void
nobody_learns_of_another_recipient(void **state)
{
	struct envelope e = example();

	(void)state;
	e.recipient_count = 2;
	e.reverse_path = slice_from(NULL, 0);
	e.client = slice_of("IPv6:2001:db8::1");
	assert_delivered(&e, 1,
	    "Return-Path: <>\r\n"
	    "Delivered-To: b@example.test\r\n"
	    "Received: from client ([IPv6:2001:db8::1]) by mx.example.test with ESMTP\r\n"
	    "\tid 3-1f; Mon, 23 Nov 2026 18:36:08 +0000\r\n");
}

static void
sending_on_adds_received_alone(void **state)
{
	struct envelope e = example();
	struct trace trace = {&e, slice_of("mx.example.test"), "3-1f"};
	struct buffer out = {0};

	(void)state;
	trace_relay(&trace, &out);
	assert_memory_equal(out.data, "Received: from", 14);
	buffer_close(&out);
}

static void
the_protocol_is_named_as_registered(void **state)
{
	static const struct {
		uint32_t flags;
		const char *name;
	} rows[] = {
	    {0, " with SMTP id"},
	    {ENVELOPE_8BITMIME, " with SMTP id"},
	    {ENVELOPE_ESMTP, " with ESMTP id"},
	    {ENVELOPE_ESMTP | ENVELOPE_TLS, " with ESMTPS id"},
	    {ENVELOPE_ESMTP | ENVELOPE_AUTHENTICATED, " with ESMTPA id"},
	    {ENVELOPE_ESMTP | ENVELOPE_TLS | ENVELOPE_AUTHENTICATED, " with ESMTPSA id"},
	    {ENVELOPE_ESMTP | ENVELOPE_SMTPUTF8, " with UTF8SMTP id"},
	    {ENVELOPE_ESMTP | ENVELOPE_SMTPUTF8 | ENVELOPE_TLS, " with UTF8SMTPS id"},
	    {ENVELOPE_ESMTP | ENVELOPE_SMTPUTF8 | ENVELOPE_TLS | ENVELOPE_AUTHENTICATED,
		" with UTF8SMTPSA id"},
	};
	struct envelope e = example();
	struct trace trace = {&e, slice_of("mx"), "3-1f"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer out = {0};

		e.flags = rows[i].flags;
		trace_relay(&trace, &out);
		buffer_append(&out, "", 1);
		assert_non_null(strstr((char *)out.data, rows[i].name));
		buffer_close(&out);
	}
}

/* Envelopes are checked when they are decoded; this is what stands behind that check. */
static void
no_text_ends_a_header_line(void **state)
{
	struct slice evil = slice_from("x\r\nBcc: y\0\x7f", 11);
	struct envelope e = example();
	struct trace trace = {&e, evil, "3\r\n1f"};
	struct buffer out = {0};
	size_t lines = 0;

	(void)state;
	e.reverse_path = e.helo = e.client = evil;
	recipients[0].address = evil;
	trace_deliver(&trace, 0, &out);
	for (size_t i = 0; i < out.length; i++) {
		if (out.data[i] != '\n')
			continue;
		assert_int_equal(out.data[i - 1], '\r');
		lines += i + 1 == out.length || out.data[i + 1] != '\t';
	}
	assert_int_equal(lines, 3);
	assert_null(memchr(out.data, 0, out.length));
	buffer_close(&out);
}

static void
lines_are_folded_below_78_where_they_can_be_and_never_reach_998(void **state)
{
	struct envelope e = example();
	struct trace trace = {&e, slice_of(LONG_NAME), "3-1f"};
	struct buffer out = {0};
	uint8_t endless[5000];
	uint8_t *at, *end;

	(void)state;
	memset(endless, '@', sizeof(endless));
	e.helo = slice_of(LONG_NAME);
	recipients[0].address = slice_of(LONG_NAME "@" LONG_NAME "." LONG_NAME "." LONG_NAME);
	trace_deliver(&trace, 0, &out);
	recipients[0].address = slice_from(endless, sizeof(endless));
	trace_deliver(&trace, 0, &out);
	end = out.data + out.length;
	for (at = out.data; at < end;) {
		uint8_t *next = (uint8_t *)memchr(at, '\n', (size_t)(end - at)) + 1;

		/* Only the one word that cannot be folded is longer. */
		if (next - at - 2 > 78)
			assert_non_null(memchr(at, '@', (size_t)(next - at)));
		assert_true(next - at < 998);
		at = next;
	}
	buffer_close(&out);
}

static void
a_date_is_right_over_leap_years_and_centuries(void **state)
{
	static const struct {
		uint64_t ms;
		const char *date;
	} rows[] = {
	    {0, "Thu, 01 Jan 1970 00:00:00 +0000"},
	    {WHEN, "Mon, 23 Nov 2026 18:36:08 +0000"},
	    {UINT64_C(951782399999), "Mon, 28 Feb 2000 23:59:59 +0000"},
	    {UINT64_C(951782400000), "Tue, 29 Feb 2000 00:00:00 +0000"},
	    {UINT64_C(951868800000), "Wed, 01 Mar 2000 00:00:00 +0000"},
	    {UINT64_C(4107456000000), "Sun, 28 Feb 2100 00:00:00 +0000"},
	    {UINT64_C(4107542400000), "Mon, 01 Mar 2100 00:00:00 +0000"},
	    {UINT64_C(1735689599000), "Tue, 31 Dec 2024 23:59:59 +0000"},
	    {UINT64_C(253402300799000), "Fri, 31 Dec 9999 23:59:59 +0000"},
	};
	char date[TRACE_DATE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(trace_date(rows[i].ms, date), rows[i].date);
	assert_int_equal(strlen(trace_date(UINT64_MAX, date)), TRACE_DATE - 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_delivery_has_return_path_delivered_to_and_received),
    cmocka_unit_test(nobody_learns_of_another_recipient),
    cmocka_unit_test(sending_on_adds_received_alone),
    cmocka_unit_test(the_protocol_is_named_as_registered),
    cmocka_unit_test(no_text_ends_a_header_line),
    cmocka_unit_test(lines_are_folded_below_78_where_they_can_be_and_never_reach_998),
    cmocka_unit_test(a_date_is_right_over_leap_years_and_centuries),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
