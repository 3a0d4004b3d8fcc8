/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/logfmt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

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
	assert_int_equal(line.length, strlen(expected));
	assert_memory_equal(line.data, expected, line.length);
	line.length = 0;
}

static void
values_stand_behind_their_keys(void **state)
{
	(void)state;
	logfmt_text(&line, "id", slice_of("3-1f2a"));
	logfmt_address(&line, "to", slice_of("anna@example.test"));
	logfmt_address(&line, "from", slice_from(NULL, 0));
	logfmt_number(&line, "bytes", UINT64_MAX);
	logfmt_seconds(&line, "seconds", 1007);
	logfmt_sentence(&line, "reason", slice_of("no space left"));
	assert_line(" id=3-1f2a to=<anna@example.test> from=<> bytes=18446744073709551615 "
		    "seconds=1.007 reason=\"no space left\"");
}

static void
a_stranger_can_end_neither_the_value_nor_the_line(void **state)
{
	(void)state;
	logfmt_text(&line, "x", slice_from("a b\r\nid=1\t\"\\\0\x1b\x7f\xc3\xa4=", 18));
	assert_line(" x=a\\x20b\\x0d\\x0aid=1\\x09\\x22\\x5c\\x00\\x1b\\x7f\\xc3\\xa4=");
	logfmt_sentence(&line, "x", slice_of("a \" \n b"));
	assert_line(" x=\"a \\x22 \\x0a b\"");
}

static void
every_byte_becomes_visible_ascii(void **state)
{
	uint8_t all[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	logfmt_text(&line, "x", slice_from(all, sizeof(all)));
	for (size_t i = 1; i < line.length; i++)
		assert_in_range(line.data[i], '!', '~');
	line.length = 0;
}

static void
a_value_that_is_too_long_is_cut_and_says_so(void **state)
{
	uint8_t many[LOGFMT_VALUE_MAX + 1];

	(void)state;
	memset(many, 'x', sizeof(many));
	logfmt_text(&line, "x", slice_from(many, LOGFMT_VALUE_MAX));
	assert_int_equal(line.length, strlen(" x=") + LOGFMT_VALUE_MAX);
	line.length = 0;
	logfmt_text(&line, "x", slice_from(many, sizeof(many)));
	assert_int_equal(line.length, strlen(" x=...") + LOGFMT_VALUE_MAX);
	assert_memory_equal(line.data + line.length - 4, "x...", 4);
	line.length = 0;
	memset(many, '\n', sizeof(many));
	logfmt_text(&line, "x", slice_from(many, sizeof(many)));
	assert_int_equal(line.length, strlen(" x=...") + 4 * LOGFMT_VALUE_MAX);
	line.length = 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(values_stand_behind_their_keys),
    cmocka_unit_test(a_stranger_can_end_neither_the_value_nor_the_line),
    cmocka_unit_test(every_byte_becomes_visible_ascii),
    cmocka_unit_test(a_value_that_is_too_long_is_cut_and_says_so),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, end);
}
