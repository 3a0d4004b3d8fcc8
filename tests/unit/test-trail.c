/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/core/trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct buffer line;

static int
end(void **state)
{
	(void)state;
	buffer_close(&line);
	return 0;
}

static void
assert_line(const char *expected)
{
	buffer_append(&line, "", 1);
	assert_string_equal((char *)line.data, expected);
	line.length = 0;
}

static void
an_acceptance_names_who_sent_what(void **state)
{
	struct envelope_recipient recipients[2] = {{.address = {(const uint8_t *)"b@x", 3}}};
	const struct envelope envelope = {
	    .client = slice_of("IPv6:2001:db8::1"),
	    .reverse_path = slice_of("a@example.com"),
	    .recipients = recipients,
	    .recipient_count = 2,
	};
	struct buffer details = {0};

	(void)state;
	trail_message(&details, &envelope, 4321, slice_of("<1@example.com>"));
	trail_accepted(&line, "3-1f2a", buffer_slice(&details));
	assert_line("accepted id=3-1f2a client=IPv6:2001:db8::1 from=<a@example.com> recipients=2 "
		    "bytes=4321 message-id=<1@example.com>");
	buffer_close(&details);
}

static void
an_outcome_names_recipient_mailbox_and_time(void **state)
{
	struct trail_outcome outcome = {
	    .id_text = "3-1f2a",
	    .recipient = slice_of("b@example.test"),
	    .mailbox = 12,
	    .age_ms = 250,
	};

	(void)state;
	trail_outcome(&line, &outcome);
	assert_line("delivered id=3-1f2a to=<b@example.test> mailbox=12 seconds=0.250");
	outcome.mailbox = 0;
	outcome.reason = "nobody has this address";
	trail_outcome(&line, &outcome);
	assert_line("deferred id=3-1f2a to=<b@example.test> seconds=0.250 "
		    "reason=\"nobody has this address\"");
}

static void
a_refusal_names_client_and_reply(void **state)
{
	const struct slice client = slice_of("192.0.2.1"), nobody = slice_from(NULL, 0);

	(void)state;
	trail_refused(&line, client, slice_of("550 5.1.1 No such mailbox here"),
	    slice_of("x@example.test"), 0);
	assert_line("refused client=192.0.2.1 reply=\"550 5.1.1 No such mailbox here\" "
		    "to=<x@example.test>");
	trail_refused(&line, slice_of("a b\n"), slice_of("421 \"\n"), nobody, 7);
	assert_line("refused client=a\\x20b\\x0a reply=\"421 \\x22\\x0a\" skipped=7");
}

static void
refusals_are_told_up_to_a_rate(void **state)
{
	struct trail_limit limit = {0};
	uint64_t now_ms = 1000000, told = 0;

	(void)state;
	while (trail_may_tell(&limit, now_ms))
		told++;
	assert_int_equal(told, TRAIL_REFUSALS_BURST);
	assert_int_equal(limit.skipped, 1);
	/* An hour of attack. */
	for (told = 0; now_ms < 4600000; now_ms++)
		told += trail_may_tell(&limit, now_ms);
	assert_in_range(told, 3600 * TRAIL_REFUSALS_PER_S - 1, 3600 * TRAIL_REFUSALS_PER_S);
	assert_int_equal(told + limit.skipped, 3600000 + 1);
	/* A quiet day does not save up for more than a burst. */
	now_ms += 86400000;
	for (told = 0; trail_may_tell(&limit, now_ms);)
		told++;
	assert_int_equal(told, TRAIL_REFUSALS_BURST);
}

static void
the_message_id_is_found_in_the_header_section_only(void **state)
{
	static const struct {
		const char *content, *id;
	} rows[] = {
	    {"Message-ID: <1@x>\r\n\r\n", "<1@x>"},
	    {"From: a\r\nMESSAGE-id:<1@x> \t\r\nTo: b\r\n\r\n", "<1@x>"},
	    {"Message-ID:\r\n <1@x>\r\n\r\n", "<1@x>"},
	    {"Message-ID: \r\n\t<1@x>\r\n\r\n", "<1@x>"},
	    {"Message-ID:\r\nTo: b\r\n\r\n", ""},
	    {"Message-ID:\r\n", ""},
	    {"Message-ID: <1@x>", ""},
	    {"Message-ID", ""},
	    {"X-Message-ID: <1@x>\r\n\r\n", ""},
	    {"From: a\r\n\r\nMessage-ID: <1@x>\r\n", ""},
	    {"From: a\r\n Message-ID: <1@x>\r\n\r\n", ""},
	    {"\r\nMessage-ID: <1@x>\r\n", ""},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice id = trail_message_id(slice_of(rows[i].content));

		if (!slice_is_equal(id, slice_of(rows[i].id)))
			fail_msg("\"%s\": found \"%.*s\"", rows[i].content, (int)id.length,
			    (const char *)id.data);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_acceptance_names_who_sent_what),
    cmocka_unit_test(an_outcome_names_recipient_mailbox_and_time),
    cmocka_unit_test(a_refusal_names_client_and_reply),
    cmocka_unit_test(refusals_are_told_up_to_a_rate),
    cmocka_unit_test(the_message_id_is_found_in_the_header_section_only),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, end);
}
