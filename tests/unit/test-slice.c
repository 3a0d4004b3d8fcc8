/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
slices_are_equal_by_their_bytes_alone(void **state)
{
	(void)state;
	assert_true(slice_is_equal(slice_of("ab"), slice_from("abc", 2)));
	assert_true(slice_is_equal(slice_of(NULL), slice_of("")));
	assert_false(slice_is_equal(slice_of("ab"), slice_of("aB")));
	assert_false(slice_is_equal(slice_of("ab"), slice_of("abc")));
	assert_false(slice_is_equal(slice_from("a\0b", 3), slice_from("a\0c", 3)));
}

static void
only_ascii_letters_are_folded(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
	    {"azAZ09", "AZaz09", true},
	    {"", "", true},
	    {"@", "`", false},
	    {"[", "{", false},
	    {"a", "ab", false},
	    {"\xc3\xa4", "\xc3\x84", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    slice_is_equal_nocase(slice_of(rows[i].a), slice_of(rows[i].b)), rows[i].equal);
}

static void
a_string_is_cut_to_its_room_and_always_ended(void **state)
{
	static const struct {
		size_t length, room;
		const char *out;
		bool whole;
	} rows[] = {
	    {3, 4, "abc", true},
	    {3, 3, "ab", false},
	    {3, 1, "", false},
	    {0, 1, "", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[8];

		memset(out, 'x', sizeof(out));
		assert_int_equal(
		    slice_to_string(slice_from("abc", rows[i].length), out, rows[i].room),
		    rows[i].whole);
		assert_string_equal(out, rows[i].out);
		assert_int_equal(out[rows[i].room], 'x');
	}
}

static void
a_nul_inside_makes_no_whole_string(void **state)
{
	char out[8];

	(void)state;
	assert_false(slice_to_string(slice_from("a\0b", 3), out, sizeof(out)));
}

static void
a_buffer_keeps_what_was_appended_while_it_grows(void **state)
{
	struct buffer b = {0};

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t byte = (uint8_t)(i * 31);

		buffer_append(&b, &byte, 1);
	}
	assert_int_equal(b.length, 3000);
	assert_true(b.capacity >= b.length);
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(b.data[i], (uint8_t)(i * 31));
	buffer_close(&b);
}

static void
a_piece_larger_than_twice_the_room_fits(void **state)
{
	struct buffer b = {0};
	uint8_t *at;

	(void)state;
	buffer_append(&b, "x", 1);
	at = buffer_extend(&b, 100000);
	memset(at, 'y', 100000);
	assert_ptr_equal(at, b.data + 1);
	assert_int_equal(b.length, 100001);
	buffer_close(&b);
}

static void
nothing_appended_needs_no_memory(void **state)
{
	struct buffer b = {0};

	(void)state;
	buffer_append(&b, NULL, 0);
	buffer_append_slice(&b, slice_of(NULL));
	assert_null(b.data);
	assert_int_equal(b.length, 0);
}

static void
formatted_text_is_appended_without_its_nul(void **state)
{
	struct buffer b = {0};

	(void)state;
	buffer_printf(&b, "%s-%d", "a", 7);
	buffer_printf(&b, "%s", "");
	buffer_printf(&b, "%0300d", 0);
	assert_int_equal(b.length, 303);
	assert_memory_equal(b.data, "a-7000", 6);
	assert_null(memchr(b.data, 0, b.length));
	buffer_close(&b);
}

static void
what_was_consumed_is_gone_and_the_rest_comes_first(void **state)
{
	struct buffer b = {0};

	(void)state;
	buffer_append_slice(&b, slice_of("abcdef"));
	buffer_consume(&b, 0);
	assert_true(slice_is_equal(buffer_slice(&b), slice_of("abcdef")));
	buffer_consume(&b, 4);
	assert_true(slice_is_equal(buffer_slice(&b), slice_of("ef")));
	buffer_consume(&b, 2);
	assert_int_equal(b.length, 0);
	buffer_append_slice(&b, slice_of("g"));
	buffer_consume(&b, 1000);
	assert_int_equal(b.length, 0);
	buffer_close(&b);
}

static void
a_closed_buffer_is_empty_and_usable(void **state)
{
	struct buffer b = {0};

	(void)state;
	buffer_append_slice(&b, slice_of("abc"));
	buffer_close(&b);
	assert_null(b.data);
	buffer_append_slice(&b, slice_of("de"));
	assert_true(slice_is_equal(buffer_slice(&b), slice_of("de")));
	buffer_close(&b);
	buffer_close(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(slices_are_equal_by_their_bytes_alone),
    cmocka_unit_test(only_ascii_letters_are_folded),
    cmocka_unit_test(a_string_is_cut_to_its_room_and_always_ended),
    cmocka_unit_test(a_nul_inside_makes_no_whole_string),
    cmocka_unit_test(a_buffer_keeps_what_was_appended_while_it_grows),
    cmocka_unit_test(a_piece_larger_than_twice_the_room_fits),
    cmocka_unit_test(nothing_appended_needs_no_memory),
    cmocka_unit_test(formatted_text_is_appended_without_its_nul),
    cmocka_unit_test(what_was_consumed_is_gone_and_the_rest_comes_first),
    cmocka_unit_test(a_closed_buffer_is_empty_and_usable),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
