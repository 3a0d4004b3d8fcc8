/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/id128.h"

#define TEXT "01234567-89ab-cdef-0123-456789abcdef"

static void
an_id_comes_back_from_its_text(void **state)
{
	char text[ID128_TEXT_BYTES];
	struct id128 id, again;

	(void)state;
	assert_true(id128_parse(slice_of(TEXT), &id));
	assert_int_equal(id.bytes[0], 0x01);
	assert_int_equal(id.bytes[15], 0xef);
	assert_string_equal(id128_text(&id, text), TEXT);
	assert_true(id128_parse(slice_of("0123456789ABCDEF0123456789abcdef\n"), &again));
	assert_true(id128_is_same(&id, &again));
}

static void
what_is_no_id_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "\n",
	    "01234567-89ab-cdef-0123-456789abcde",
	    TEXT "0",
	    TEXT "\n\n",
	    "01234567-89ab-cdef-0123-456789abcdeg",
	    "0123456-789ab-cdef-0123-456789abcdef",
	    "01234567089ab-cdef-0123-456789abcdef",
	    "00000000-0000-0000-0000-000000000000",
	    "00000000000000000000000000000000",
	    "0123456789abcdef0123456789abcde",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct id128 id = {{1}};

		assert_false(id128_parse(slice_of(texts[i]), &id));
		assert_true(id128_is_none(&id));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_id_comes_back_from_its_text),
	    cmocka_unit_test(what_is_no_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
