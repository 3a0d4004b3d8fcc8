/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
letters_fold_and_all_else_stays(void **state)
{
	static const struct {
		const char *given, *canonical;
	} rows[] = {
	    {"Anna.Example@EXAMPLE.Test", "anna.example@example.test"},
	    {"a+tag@example.test", "a+tag@example.test"},
	    {"\"A B\"@example.test", "\"a b\"@example.test"},
	    {"\xc3\x84@example.test", "\xc3\x84@example.test"},
	    {"[`{@Z", "[`{@z"},
	    {"a@[IPv6:::1]", "a@[ipv6:::1]"},
	};
	char out[ADDRESS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(address_canonical(slice_of(rows[i].given), out));
		assert_string_equal(out, rows[i].canonical);
	}
}

static void
the_canonical_form_of_a_canonical_form_is_itself(void **state)
{
	char once[ADDRESS_MAX + 1], twice[ADDRESS_MAX + 1];

	(void)state;
	assert_true(address_canonical(slice_of("A@b@C"), once));
	assert_true(address_canonical(slice_of(once), twice));
	assert_string_equal(once, twice);
}

static void
what_is_no_address_has_no_form(void **state)
{
	static const char *const rows[] = {
	    "", "@", "a", "a@", "@b", "a\n@b", "a@b\r", "a\x7f@b", "a@\tb", "a b", "@@"};
	char out[ADDRESS_MAX + 1];

	(void)state;
	/* "@@" splits into "@" and nothing. */
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_false(address_canonical(slice_of(rows[i]), out));
	assert_false(address_canonical(slice_from("a\0@b", 4), out));
}

/* "aaa...@bbb..." with parts of these lengths. */
static size_t
address_fill(char *at, size_t local, size_t domain)
{
	memset(at, 'a', local);
	at[local] = '@';
	memset(at + local + 1, 'b', domain);
	return local + 1 + domain;
}

static void
each_part_may_be_as_long_as_rfc_5321_says_and_no_longer(void **state)
{
	static const struct {
		size_t local, domain;
		bool good;
	} rows[] = {
	    {1, 1, true},
	    {ADDRESS_LOCAL_MAX, ADDRESS_DOMAIN_MAX, true},
	    {ADDRESS_LOCAL_MAX + 1, 1, false},
	    {1, ADDRESS_DOMAIN_MAX + 1, false},
	    {ADDRESS_LOCAL_MAX + 1, ADDRESS_DOMAIN_MAX - 1, false},
	};
	char given[2 * ADDRESS_MAX], out[ADDRESS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t length = address_fill(given, rows[i].local, rows[i].domain);

		assert_int_equal(address_canonical(slice_from(given, length), out), rows[i].good);
		if (rows[i].good)
			assert_int_equal(strlen(out), length);
	}
}

static void
the_last_at_sign_divides(void **state)
{
	static const struct {
		const char *address, *local, *domain;
	} rows[] = {
	    {"a@b", "a", "b"},
	    {"\"a@b\"@c", "\"a@b\"", "c"},
	    {"a", "a", ""},
	    {"a@", "a", ""},
	    {"@b", "", "b"},
	    {"", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice address = slice_of(rows[i].address);

		assert_true(slice_is_equal(address_local(address), slice_of(rows[i].local)));
		assert_true(slice_is_equal(address_domain(address), slice_of(rows[i].domain)));
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(letters_fold_and_all_else_stays),
    cmocka_unit_test(the_canonical_form_of_a_canonical_form_is_itself),
    cmocka_unit_test(what_is_no_address_has_no_form),
    cmocka_unit_test(each_part_may_be_as_long_as_rfc_5321_says_and_no_longer),
    cmocka_unit_test(the_last_at_sign_divides),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
