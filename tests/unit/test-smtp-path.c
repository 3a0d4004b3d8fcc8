/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/smtp/path.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

struct row {
	const char *text;
	const char *address; /* NULL: whatever */
	enum smtp_path_verdict verdict;
};

static void
check(const struct row *row, enum smtp_path_kind kind, bool utf8_allowed)
{
	struct smtp_path path;
	enum smtp_path_verdict verdict =
	    smtp_path_parse(slice_of(row->text), kind, utf8_allowed, &path);

	if (verdict != row->verdict)
		fail_msg("%s: verdict %d, not %d", row->text, verdict, row->verdict);
	if (row->address &&
	    !slice_is_equal(slice_from(path.text, path.length), slice_of(row->address)))
		fail_msg("%s: %.*s, not %s", row->text, (int)path.length, (const char *)path.text,
		    row->address);
}

static void
a_path_is_what_rfc_5321_says(void **state)
{
	static const struct row rows[] = {
	    {"<a@b>", "a@b", PATH_OK},
	    {"<a@b> SIZE=1", "a@b", PATH_OK},
	    {"<a.b+c@d-e.f0>", "a.b+c@d-e.f0", PATH_OK},
	    {"<!#$%&'*+-/=?^_`{|}~@b>", "!#$%&'*+-/=?^_`{|}~@b", PATH_OK},
	    {"<a@under_score.b>", "a@under_score.b", PATH_OK},
	    {"<@r1,@r2:a@b>", "a@b", PATH_OK},
	    {"<@[192.0.2.1]:a@b>", "a@b", PATH_OK},
	    {"<a@[192.0.2.1]>", "a@[192.0.2.1]", PATH_OK},
	    {"<a@[255.255.255.255]>", "a@[255.255.255.255]", PATH_OK},
	    {"<a@[IPv6:::]>", "a@[IPv6:::]", PATH_OK},
	    {"<a@[ipv6:2001:db8::1]>", "a@[ipv6:2001:db8::1]", PATH_OK},
	    {"<a@[IPv6:1:2:3:4:5:6:7:8]>", NULL, PATH_OK},
	    {"<a@[IPv6:1:2:3:4:5:6:192.0.2.1]>", NULL, PATH_OK},
	    {"<a@[IPv6:::ffff:192.0.2.1]>", NULL, PATH_OK},
	    {"<a@[IPv6:1::]>", NULL, PATH_OK},
	    {"", NULL, PATH_MALFORMED},
	    {"<", NULL, PATH_MALFORMED},
	    {"<a", NULL, PATH_MALFORMED},
	    {"<a@", NULL, PATH_MALFORMED},
	    {"<a@b", NULL, PATH_MALFORMED},
	    {"a@b", NULL, PATH_MALFORMED},
	    {"<a>", NULL, PATH_MALFORMED},
	    {"<@b>", NULL, PATH_MALFORMED},
	    {"<.a@b>", NULL, PATH_MALFORMED},
	    {"<a.@b>", NULL, PATH_MALFORMED},
	    {"<a..a@b>", NULL, PATH_MALFORMED},
	    {"<a b@c>", NULL, PATH_MALFORMED},
	    {"<a@b c>", NULL, PATH_MALFORMED},
	    {"< a@b>", NULL, PATH_MALFORMED},
	    {"<a@-b>", NULL, PATH_MALFORMED},
	    {"<a@b->", NULL, PATH_MALFORMED},
	    {"<a@b..c>", NULL, PATH_MALFORMED},
	    {"<a@.b>", NULL, PATH_MALFORMED},
	    {"<a@b.>", NULL, PATH_MALFORMED},
	    {"<a(c)@b>", NULL, PATH_MALFORMED},
	    {"<a@b@c>", NULL, PATH_MALFORMED},
	    {"<a@[192.0.2]>", NULL, PATH_MALFORMED},
	    {"<a@[192.0.2.256]>", NULL, PATH_MALFORMED},
	    {"<a@[192.0.2.01]>", NULL, PATH_MALFORMED},
	    {"<a@[192.0.2.1>", NULL, PATH_MALFORMED},
	    {"<a@[]>", NULL, PATH_MALFORMED},
	    {"<a@[x:y]>", NULL, PATH_MALFORMED},
	    {"<a@[IPv6:]>", NULL, PATH_MALFORMED},
	    {"<a@[IPv6:1]>", NULL, PATH_MALFORMED},
	    {"<a@[IPv6:1:2:3:4:5:6:7]>", NULL, PATH_MALFORMED},
	    {"<a@[IPv6:1:2:3:4:5:6:7:8:9]>", NULL, PATH_MALFORMED},
	    {"<a@[IPv6:1:2:3:4:5:6:7:8::]>", NULL, PATH_MALFORMED},
	    {"<a@[IPv6:1::2::3]>", NULL, PATH_MALFORMED},
	    {"<a@[IPv6:1:::2]>", NULL, PATH_MALFORMED},
	    {"<a@[IPv6:12345::]>", NULL, PATH_MALFORMED},
	    {"<a@[IPv6:1:]>", NULL, PATH_MALFORMED},
	    {"<@r1 :a@b>", NULL, PATH_MALFORMED},
	    {"<@r1,:a@b>", NULL, PATH_MALFORMED},
	    {"<r1:a@b>", NULL, PATH_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		check(&rows[i], PATH_FORWARD, false);
		check(&rows[i], PATH_REVERSE, false);
	}
}

static void
the_empty_path_is_a_sender_and_postmaster_alone_a_recipient(void **state)
{
	static const struct row empty = {"<>", "", PATH_OK};
	static const struct row no_empty = {"<>", NULL, PATH_MALFORMED};
	static const struct row postmaster = {"<PostMaster>", "postmaster", PATH_OK};
	static const struct row no_postmaster = {"<postmaster>", NULL, PATH_MALFORMED};

	(void)state;
	check(&empty, PATH_REVERSE, false);
	check(&no_empty, PATH_FORWARD, false);
	check(&postmaster, PATH_FORWARD, false);
	check(&no_postmaster, PATH_REVERSE, false);
}

static void
a_quoted_local_part_has_one_form(void **state)
{
	static const struct row rows[] = {
	    {"<\"a\"@b>", "a@b", PATH_OK},
	    {"<\"a.b\"@b>", "a.b@b", PATH_OK},
	    {"<\"\\a\\.\\b\"@b>", "a.b@b", PATH_OK},
	    {"<\"a b\"@b>", "\"a b\"@b", PATH_OK},
	    {"<\"a\\ b\"@b>", "\"a b\"@b", PATH_OK},
	    {"<\"a\\\"b\\\\\"@b>", "\"a\\\"b\\\\\"@b", PATH_OK},
	    {"<\"a>b\"@b>", "\"a>b\"@b", PATH_OK},
	    {"<\"a@c\"@b>", "\"a@c\"@b", PATH_OK},
	    {"<\".a\"@b>", "\".a\"@b", PATH_OK},
	    {"<\"a..b\"@b>", "\"a..b\"@b", PATH_OK},
	    {"<\"\"@b>", "\"\"@b", PATH_OK},
	    {"<\"postmaster\">", "postmaster", PATH_OK},
	    {"<\"a@b>", NULL, PATH_MALFORMED},
	    {"<\"a\\", NULL, PATH_MALFORMED},
	    {"<\"a\"b@c>", NULL, PATH_MALFORMED},
	    {"<a\"b\"@c>", NULL, PATH_MALFORMED},
	    {"<\"a\".\"b\"@c>", NULL, PATH_MALFORMED},
	    {"<\"a\tb\"@c>", NULL, PATH_MALFORMED},
	    {"<\"a\x7f\"@c>", NULL, PATH_MALFORMED},
	    {"<\"a\\\x7f\"@c>", NULL, PATH_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i], PATH_FORWARD, true);
}

static void
beyond_ascii_needs_smtputf8_and_good_utf8(void **state)
{
	static const struct row good[] = {
	    {"<\xc3\xa4@b>", "\xc3\xa4@b", PATH_OK},
	    {"<\"\xc3\xa4\"@b>", "\xc3\xa4@b", PATH_OK},
	    {"<\"\xc3\xa4 \"@b>", "\"\xc3\xa4 \"@b", PATH_OK},
	    {"<a@\xe4\xbe\x8b.b>", "a@\xe4\xbe\x8b.b", PATH_OK},
	    {"<a@\xf0\x9f\x90\xa7.b>", "a@\xf0\x9f\x90\xa7.b", PATH_OK},
	};
	static const struct row bad[] = {
	    {"<\xc3@b>", NULL, PATH_MALFORMED},
	    {"<\xa4@b>", NULL, PATH_MALFORMED},
	    {"<\"\\\xc3\xa4\"@b>", NULL, PATH_MALFORMED},
	    {"<\"\xff\"@b>", NULL, PATH_MALFORMED},
	    {"<\xc0\xaf@b>", NULL, PATH_MALFORMED},
	    {"<\xe0\x80\xaf@b>", NULL, PATH_MALFORMED},
	    {"<\xe0\x83\xa4@b>", NULL, PATH_MALFORMED},
	    {"<\xed\xa0\x80@b>", NULL, PATH_MALFORMED},
	    {"<\xf4\x90\x80\x80@b>", NULL, PATH_MALFORMED},
	    {"<\xc2\x80@b>", NULL, PATH_MALFORMED},
	    {"<a@\xe2\x80\xa8>", NULL, PATH_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct row refused = good[i];

		check(&good[i], PATH_FORWARD, true);
		refused.verdict = PATH_NEEDS_UTF8;
		check(&refused, PATH_FORWARD, false);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		check(&bad[i], PATH_FORWARD, true);
}

static void
every_limit_of_length_is_kept(void **state)
{
	static const struct row rows[] = {
	    {"<" FIFTY TEN "0123@b>", NULL, PATH_OK},
	    {"<" FIFTY TEN "01234@b>", NULL, PATH_TOO_LONG},
	    {"<a@" FIFTY TEN "012.b>", NULL, PATH_OK},
	    {"<a@" FIFTY TEN "0123.b>", NULL, PATH_TOO_LONG},
	    {"<\"" FIFTY TEN "01 3\"@b>", NULL, PATH_TOO_LONG},
	    {"<\"" FIFTY TEN "\\0\\1\\2\\3\"@b>", NULL, PATH_OK},
	    {"<aa@" FIFTY "." FIFTY "." FIFTY "." FIFTY "." FIFTY ">", NULL, PATH_TOO_LONG},
	    {"<a@" FIFTY "." FIFTY "." FIFTY "." FIFTY "." FIFTY, NULL, PATH_TOO_LONG},
	    {"<a@" FIFTY "." FIFTY "." FIFTY "." FIFTY
	     ".0123456789012345678901234567890123456789012345678>",
		NULL, PATH_TOO_LONG},
	    {"<a@" FIFTY "." FIFTY "." FIFTY "." FIFTY
	     ".012345678901234567890123456789012345678901234567>",
		NULL, PATH_OK},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i], PATH_REVERSE, false);
}

static void
a_helo_name_is_lax_but_harmless_in_a_header(void **state)
{
	static const char *const good[] = {"a", "mail.example.test", "[192.0.2.1]",
	    "[IPv6:2001:db8::1]", "my_pc", "192.0.2.1", "-"};
	static const char *const bad[] = {"", "a b", "a\tb", "a(b)", "a<b>", "a;b", "a,b", "a@b",
	    "\"a\"", "a\\b", "a\r", "\xc3\xa4", "a\x7f"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(smtp_helo_is_valid(slice_of(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(smtp_helo_is_valid(slice_of(bad[i])));
	assert_false(smtp_helo_is_valid(slice_from("a\0b", 3)));
	assert_false(smtp_helo_is_valid(slice_of(FIFTY FIFTY FIFTY FIFTY FIFTY "012345")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_path_is_what_rfc_5321_says),
    cmocka_unit_test(the_empty_path_is_a_sender_and_postmaster_alone_a_recipient),
    cmocka_unit_test(a_quoted_local_part_has_one_form),
    cmocka_unit_test(beyond_ascii_needs_smtputf8_and_good_utf8),
    cmocka_unit_test(every_limit_of_length_is_kept),
    cmocka_unit_test(a_helo_name_is_lax_but_harmless_in_a_header),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
