/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
make(uint64_t seed, size_t size, bool eight_bit, struct buffer *wire, char digest[FLOW_DIGEST_TEXT])
{
	struct flow_message_wish wish = {"run-1", "a@x", "b@y", size, eight_bit, seed};

	flow_message_make(&wish, wire, digest);
}

/* What a server keeps: dots undone, line ends as LF or CRLF. */
static void
store(const struct buffer *wire, bool crlf, struct buffer *file)
{
	bool at_start = true;

	for (size_t i = 0; i < wire->length; i++) {
		uint8_t byte = wire->data[i];

		if (!(at_start && byte == '.') && (crlf || byte != '\r'))
			buffer_append(file, &byte, 1);
		at_start = byte == '\n';
	}
}

static void
a_stored_message_has_the_digest_that_was_sent(void **state)
{
	static const char trace[] = "Received: from x\n\tby y\n";

	(void)state;
	for (uint64_t seed = 1; seed < 200; seed++) {
		struct buffer wire = {0}, file = {0};
		char sent[FLOW_DIGEST_TEXT], found[FLOW_DIGEST_TEXT], id[64];

		make(seed, 300 + seed * 37, seed % 2, &wire, sent);
		if (seed % 3 == 0)
			buffer_append(&file, trace, sizeof(trace) - 1);
		store(&wire, seed % 5 == 0, &file);
		assert_int_equal(
		    flow_message_identify(buffer_slice(&file), id, sizeof(id), found), FLOW_FOUND);
		assert_string_equal(id, "run-1");
		assert_string_equal(found, sent);
		buffer_close(&wire);
		buffer_close(&file);
	}
}

static void
every_changed_byte_changes_the_digest(void **state)
{
	struct buffer wire = {0}, file = {0};
	char sent[FLOW_DIGEST_TEXT], found[FLOW_DIGEST_TEXT], id[64];

	(void)state;
	make(7, 1500, true, &wire, sent);
	store(&wire, false, &file);
	for (size_t i = strlen(FLOW_FIRST_HEADER); i < file.length; i++) {
		file.data[i] ^= 1;
		flow_message_identify(buffer_slice(&file), id, sizeof(id), found);
		assert_string_not_equal(found, sent);
		file.data[i] ^= 1;
	}
	for (size_t length = strlen(FLOW_FIRST_HEADER) + 1; length < file.length; length++) {
		flow_message_identify(slice_from(file.data, length), id, sizeof(id), found);
		assert_string_not_equal(found, sent);
	}
	buffer_close(&wire);
	buffer_close(&file);
}

static void
the_content_is_what_smtp_allows(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 100; seed++) {
		struct buffer wire = {0};
		char sent[FLOW_DIGEST_TEXT];
		size_t line = 0;

		make(seed, 20000, seed % 2, &wire, sent);
		for (size_t i = 0; i < wire.length; i++) {
			uint8_t byte = wire.data[i];

			assert_int_not_equal(byte, 0);
			assert_true(seed % 2 || byte < 128);
			assert_true(byte != '\r' || wire.data[i + 1] == '\n');
			assert_true(byte != '\n' || (i > 0 && wire.data[i - 1] == '\r'));
			line = byte == '\n' ? 0 : line + 1;
			assert_true(line <= 998 + 2); /* a doubled dot and the CR */
		}
		assert_int_equal(line, 0);
		assert_null(memmem(wire.data, wire.length, "\r\n.\r\n", 5));
		assert_true(wire.length >= 20000 && wire.length < 22000);
		buffer_close(&wire);
	}
}

static void
what_servers_trip_over_does_occur(void **state)
{
	static const char *const traps[] = {"\r\n..\r\n", "\r\n...", "\r\nFrom ", "\r\n\r\n"};
	struct buffer wire = {0};
	char sent[FLOW_DIGEST_TEXT];
	bool eight_bit = false;

	(void)state;
	make(3, 200000, true, &wire, sent);
	for (size_t i = 0; i < sizeof(traps) / sizeof(*traps); i++)
		assert_non_null(memmem(wire.data, wire.length, traps[i], strlen(traps[i])));
	for (size_t i = 0; i < wire.length; i++)
		eight_bit |= wire.data[i] > 127;
	assert_true(eight_bit);
	buffer_close(&wire);
}

static void
a_quoted_header_in_a_body_identifies_nothing(void **state)
{
	static const char *const foreign[] = {"", "X-Flow-Id", "Subject: x\n\nX-Flow-Id: run-1\n",
	    "Subject: x\r\n\r\nX-Flow-Id: run-1\r\n", "\nX-Flow-Id: run-1\n",
	    "Subject: X-Flow-Id: run-1\n\nbody\n"};
	char found[FLOW_DIGEST_TEXT], id[64];

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		assert_int_equal(flow_message_identify(slice_of(foreign[i]), id, sizeof(id), found),
		    FLOW_FOREIGN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stored_message_has_the_digest_that_was_sent),
	    cmocka_unit_test(every_changed_byte_changes_the_digest),
	    cmocka_unit_test(the_content_is_what_smtp_allows),
	    cmocka_unit_test(what_servers_trip_over_does_occur),
	    cmocka_unit_test(a_quoted_header_in_a_body_identifies_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
