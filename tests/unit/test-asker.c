/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "witness/asker.h"

static bool
is_name(const char *text)
{
	return asker_is_pair_name(slice_of(text));
}

static void
a_pair_is_named_as_a_file_may_be(void **state)
{
	char long_name[PAIR_NAME_MAX + 2];

	(void)state;
	assert_true(is_name("hq"));
	assert_true(is_name("7"));
	assert_true(is_name("a-b"));
	assert_false(is_name(""));
	assert_false(is_name("-a"));
	assert_false(is_name("a-"));
	assert_false(is_name("A"));
	assert_false(is_name("."));
	assert_false(is_name("a.b"));
	assert_false(is_name("../x"));
	assert_false(is_name("a/b"));
	assert_false(is_name("a b"));
	assert_false(asker_is_pair_name(slice_from("a\0b", 3)));
	memset(long_name, 'a', sizeof(long_name));
	assert_true(asker_is_pair_name(slice_from(long_name, PAIR_NAME_MAX)));
	assert_false(asker_is_pair_name(slice_from(long_name, PAIR_NAME_MAX + 1)));
}

static void
a_certificate_names_pair_and_node(void **state)
{
	struct asker asker;

	(void)state;
	assert_true(asker_parse(slice_of("gemel:pair/hq/node/1"), &asker));
	assert_string_equal(asker.pair, "hq");
	assert_int_equal(asker.node, 1);
	assert_true(asker_parse(slice_of("gemel:pair/b-2/node/0"), &asker));
	assert_int_equal(asker.node, 0);
}

static void
anything_else_names_nobody(void **state)
{
	static const char *const wrong[] = {"", "gemel:", "gemel:pair/", "gemel:pair/hq",
	    "gemel:pair/hq/node/", "gemel:pair/hq/node/2", "gemel:pair/hq/node/1 ",
	    "gemel:pair/hq/node/01", "gemel:pair//node/1", "gemel:pair/hq/x/node/1",
	    "gemel:pair/HQ/node/1", "Gemel:pair/hq/node/1", " gemel:pair/hq/node/1",
	    "gemel:pair/../node/1", "gemel:region/hq/node/1"};
	struct asker asker;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(asker_parse(slice_of(wrong[i]), &asker));
		assert_string_equal(asker.pair, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_pair_is_named_as_a_file_may_be),
	    cmocka_unit_test(a_certificate_names_pair_and_node),
	    cmocka_unit_test(anything_else_names_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
