/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/snmp-secrets.h"

#define USER "v3user gemel auth sha256 authauth priv aes privpriv"
#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"
#define LONG_32 "01234567890123456789012345678901"

static struct snmp_secrets secrets;
static const char *reason;

static unsigned
parse(const char *text)
{
	return snmp_secrets_parse(slice_of(text), &secrets, &reason);
}

static bool
is_empty(void)
{
	static const struct snmp_secrets none;

	return memcmp(&secrets, &none, sizeof(none)) == 0;
}

static void
a_file_says_community_and_user(void **state)
{
	(void)state;
	assert_int_equal(parse("# traps\n\n  community public # not so secret\n" USER "\n"), 0);
	assert_string_equal(secrets.community, "public");
	assert_string_equal(secrets.user, "gemel");
	assert_string_equal(secrets.auth, "authauth");
	assert_string_equal(secrets.priv, "privpriv");
	assert_null(reason);
	snmp_secrets_forget(&secrets);
	assert_true(is_empty());
}

static void
the_last_line_needs_no_end_and_an_empty_file_is_not_wrong(void **state)
{
	(void)state;
	assert_int_equal(parse("community a"), 0);
	assert_string_equal(secrets.community, "a");
	assert_int_equal(parse(""), 0);
	assert_true(is_empty());
	assert_int_equal(parse("#"), 0);
	assert_int_equal(snmp_secrets_parse(slice_from(NULL, 0), &secrets, &reason), 0);
}

static void
what_fits_exactly_is_taken(void **state)
{
	(void)state;
	assert_int_equal(parse("community " LONG_32), 0);
	assert_string_equal(secrets.community, LONG_32);
	assert_int_equal(parse("v3user " LONG_32 " auth sha256 " LONG_64 " priv aes a#345678"), 0);
	assert_string_equal(secrets.user, LONG_32);
	assert_string_equal(secrets.auth, LONG_64);
	/* Only a word can be a comment's begin. */
	assert_string_equal(secrets.priv, "a#345678");
}

static void
a_wrong_line_is_named_and_nothing_is_taken(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {
	    {"public", 1},
	    {"\n\ncommunity", 3},
	    {"community a b", 1},
	    {"community a\ncommunity b", 2},
	    {"community a\ncommunity \n", 2},
	    {"community " LONG_32 "x", 1},
	    {"community a\r\n", 1},
	    {"community \xc3\xa4", 1},
	    {"community a\x7f", 1},
	    {USER "\n" USER, 2},
	    {USER " more", 1},
	    {"v3user gemel auth sha256 authauth", 1},
	    {"v3user gemel auth md5 authauth priv aes privpriv", 1},
	    {"v3user gemel auth sha256 authauth priv des privpriv", 1},
	    {"v3user gemel priv aes privpriv auth sha256 authauth", 1},
	    {"v3user gemel auth sha256 1234567 priv aes privpriv", 1},
	    {"v3user gemel auth sha256 authauth priv aes 1234567", 1},
	    {"v3user gemel auth sha256 " LONG_64 "x priv aes privpriv", 1},
	    {"v3user " LONG_32 "x auth sha256 authauth priv aes privpriv", 1},
	    {"a b c d e f g h i", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parse(rows[i].text) != rows[i].line)
			fail_msg("\"%s\"", rows[i].text);
		assert_non_null(reason);
		assert_true(is_empty());
	}
	assert_int_equal(
	    snmp_secrets_parse(slice_from("community a\0b", 13), &secrets, &reason), 1);
}

/* The reason goes into the log. */
static void
a_reason_has_nothing_of_the_line_in_it(void **state)
{
	(void)state;
	assert_int_equal(parse("communty hunter2hunter2"), 1);
	assert_null(strstr(reason, "hunter2"));
	assert_int_equal(parse("v3user hunter2 auth sha256 hunter2 priv aes hunter2"), 1);
	assert_null(strstr(reason, "hunter2"));
}

static void
a_file_cut_anywhere_is_wrong_or_says_less(void **state)
{
	const char *text = "community public\n" USER "\n";

	(void)state;
	for (size_t length = 0; length < strlen(text); length++) {
		unsigned line = snmp_secrets_parse(slice_from(text, length), &secrets, &reason);

		assert_int_equal(line == 0, reason == NULL);
		assert_true(line <= 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_says_community_and_user),
	    cmocka_unit_test(the_last_line_needs_no_end_and_an_empty_file_is_not_wrong),
	    cmocka_unit_test(what_fits_exactly_is_taken),
	    cmocka_unit_test(a_wrong_line_is_named_and_nothing_is_taken),
	    cmocka_unit_test(a_reason_has_nothing_of_the_line_in_it),
	    cmocka_unit_test(a_file_cut_anywhere_is_wrong_or_says_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
