/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/parameter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *
only_even(const char *value)
{
	return (value[0] - '0') % 2 ? "is odd; give an even one" : NULL;
}

static const struct ocf_parameter table[] = {
    {.name = "port", .type = OCF_INTEGER, .min = 1, .max = 65535, .fallback = "25"},
    {.name = "nodad", .type = OCF_BOOLEAN, .fallback = "true"},
    {.name = "ip", .required = true, .shortdesc = "the address"},
    {.name = "even", .check = only_even},
    {0},
};

static void
a_wrong_value_is_one_sentence_with_name_value_fault_and_advice(void **state)
{
	static const struct {
		const char *name, *value, *reason;
	} rows[] = {
	    {"port", "x", "parameter port: \"x\" is not a whole number; give one from 1 to 65535"},
	    {"port", "12 ",
		"parameter port: \"12 \" is not a whole number; give one from 1 to 65535"},
	    {"port", "-", "parameter port: \"-\" is not a whole number; give one from 1 to 65535"},
	    {"port", "99999999999999999999",
		"parameter port: \"99999999999999999999\" is not a whole number; give one from 1 "
		"to "
		"65535"},
	    {"port", "0", "parameter port: \"0\" is out of range; give a number from 1 to 65535"},
	    {"port", "65536",
		"parameter port: \"65536\" is out of range; give a number from 1 to 65535"},
	    {"nodad", "perhaps",
		"parameter nodad: \"perhaps\" is not a yes or no; give true or false"},
	    {"even", "3", "parameter even: \"3\" is odd; give an even one"},
	    {"ip", NULL, "parameter ip is missing; give it: the address"},
	    {"ip", "", "parameter ip is missing; give it: the address"},
	    {"even", "1234567890123456789012345678901234567890123",
		"parameter even: \"1234567890123456789012345678901234567890...\" is odd; give an "
		"even "
		"one"},
	};
	char reason[PARAMETER_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(
		    parameter_check(parameter_find(table, rows[i].name), rows[i].value, reason));
		assert_string_equal(reason, rows[i].reason);
	}
}

static void
right_values_and_absent_optional_ones_will_do(void **state)
{
	static const struct {
		const char *name, *value;
	} rows[] = {{"port", "1"}, {"port", "65535"}, {"port", NULL}, {"port", ""},
	    {"nodad", "YES"}, {"nodad", "0"}, {"ip", "anything"}, {"even", "2"}};
	char reason[PARAMETER_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(
		    parameter_check(parameter_find(table, rows[i].name), rows[i].value, reason));
}

static void
an_integer_is_digits_with_perhaps_a_minus_and_nothing_else(void **state)
{
	static const char *const wrong[] = {"", " 1", "+1", "1x", "0x10", "--1", "1.0", "-"};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(parameter_parse_integer(wrong[i], &value));
	assert_true(parameter_parse_integer("-5", &value));
	assert_int_equal(value, -5);
	assert_true(parameter_parse_integer("007", &value));
	assert_int_equal(value, 7);
}

static void
a_name_that_is_not_in_the_table_is_not_found(void **state)
{
	(void)state;
	assert_null(parameter_find(table, "por"));
	assert_ptr_equal(parameter_find(table, "nodad"), &table[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_wrong_value_is_one_sentence_with_name_value_fault_and_advice),
	    cmocka_unit_test(right_values_and_absent_optional_ones_will_do),
	    cmocka_unit_test(an_integer_is_digits_with_perhaps_a_minus_and_nothing_else),
	    cmocka_unit_test(a_name_that_is_not_in_the_table_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
