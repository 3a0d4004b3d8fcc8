/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/grpc.h"

static void
a_message_comes_back_as_it_was(void **state)
{
	struct buffer body = {0};
	struct slice message;

	(void)state;
	grpc_put(&body, slice_of("abc"));
	assert_int_equal(body.length, GRPC_PREFIX_BYTES + 3);
	assert_memory_equal(body.data, "\0\0\0\0\3abc", 8);
	assert_true(grpc_take(buffer_slice(&body), &message));
	assert_true(slice_is_equal(message, slice_of("abc")));
	buffer_close(&body);
	grpc_put(&body, slice_of(""));
	assert_true(grpc_take(buffer_slice(&body), &message));
	assert_int_equal(message.length, 0);
	buffer_close(&body);
}

static void
another_length_or_a_compressed_message_is_none(void **state)
{
	struct slice message;

	(void)state;
	for (size_t length = 0; length < 8; length++)
		assert_false(grpc_take(slice_from("\0\0\0\0\3abc", length), &message));
	assert_false(grpc_take(slice_from("\0\0\0\0\3abcd", 9), &message));
	assert_false(grpc_take(slice_from("\1\0\0\0\3abc", 8), &message));
	assert_false(grpc_take(slice_from("\0\xff\xff\xff\xff"
					  "abc",
				   8),
	    &message));
}

static void
a_status_is_0_to_16(void **state)
{
	(void)state;
	assert_int_equal(grpc_parse_status(slice_of("0")), 0);
	assert_int_equal(grpc_parse_status(slice_of("16")), 16);
	assert_int_equal(grpc_parse_status(slice_of("17")), -1);
	assert_int_equal(grpc_parse_status(slice_of("")), -1);
	assert_int_equal(grpc_parse_status(slice_of("-1")), -1);
	assert_int_equal(grpc_parse_status(slice_of("1x")), -1);
	assert_int_equal(grpc_parse_status(slice_of("000")), -1);
}

static void
a_reason_is_a_legal_header_value(void **state)
{
	char reason[GRPC_REASON_MAX], text[GRPC_REASON_MAX * 2];

	(void)state;
	grpc_reason(slice_of(" a\r\nb: 100%\x7f\xc3 "), reason);
	assert_string_equal(reason, "?a??b: 100???");
	memset(text, 'x', sizeof(text));
	grpc_reason(slice_from(text, sizeof(text)), reason);
	assert_int_equal(strlen(reason), GRPC_REASON_MAX - 1);
	grpc_reason(slice_of(""), reason);
	assert_string_equal(reason, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_comes_back_as_it_was),
	    cmocka_unit_test(another_length_or_a_compressed_message_is_none),
	    cmocka_unit_test(a_status_is_0_to_16),
	    cmocka_unit_test(a_reason_is_a_legal_header_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
