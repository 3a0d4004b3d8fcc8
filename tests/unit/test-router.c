/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/route/router.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct book {
	int result; /* what every lookup fails with, or 0 */
	int lookups;
};

static const struct {
	const char *address;
	struct router_account account;
} book_rows[] = {
    {"ann@example.test", {7, true}},
    {"off@example.test", {8, false}},
    {"admin@example.test", {9, true}},
    {"postmaster@other.test", {10, true}},
};

static int
book_lookup(void *context, const char *address, struct router_account *account_r)
{
	struct book *book = context;

	book->lookups++;
	if (book->result != 0)
		return book->result;
	for (size_t i = 0; i < sizeof(book_rows) / sizeof(book_rows[0]); i++)
		if (strcmp(address, book_rows[i].address) == 0) {
			*account_r = book_rows[i].account;
			return 0;
		}
	return -ENOENT;
}

static const char *const our_domains[] = {"example.test", "other.test"};
static struct book book;
static struct router router;

static int
setup(void **state)
{
	(void)state;
	book = (struct book){0};
	router = (struct router){our_domains, 2, "admin@example.test", book_lookup, &book};
	return 0;
}

static void
assert_route(
    const char *address, enum route_kind kind, uint64_t account, enum recipient_verdict verdict)
{
	struct route route = router_route(&router, slice_of(address));

	if (route.kind != kind || route.account.id != account)
		print_error("%s: kind %d account %llu\n", address, route.kind,
		    (unsigned long long)route.account.id);
	assert_int_equal(route.kind, kind);
	assert_int_equal(route.account.id, account);
	assert_int_equal(router_verdict(route), verdict);
}

static void
each_address_has_one_destination(void **state)
{
	static const struct {
		const char *address;
		enum route_kind kind;
		uint64_t account;
		enum recipient_verdict verdict;
	} rows[] = {
	    {"ann@example.test", ROUTE_LOCAL, 7, RECIPIENT_OK},
	    {"ANN@Example.Test", ROUTE_LOCAL, 7, RECIPIENT_OK},
	    {"ann@other.test", ROUTE_NOBODY, 0, RECIPIENT_UNKNOWN},
	    {"off@example.test", ROUTE_LOCAL, 8, RECIPIENT_DISABLED},
	    {"bob@example.test", ROUTE_NOBODY, 0, RECIPIENT_UNKNOWN},
	    {"ann@elsewhere.test", ROUTE_NOT_OURS, 0, RECIPIENT_NO_RELAY},
	    {"ann@sub.example.test", ROUTE_NOT_OURS, 0, RECIPIENT_NO_RELAY},
	    {"ann@[127.0.0.1]", ROUTE_NOT_OURS, 0, RECIPIENT_NO_RELAY},
	    {"ann", ROUTE_NOT_OURS, 0, RECIPIENT_NO_RELAY},
	    {"@example.test", ROUTE_NOBODY, 0, RECIPIENT_UNKNOWN},
	    {"", ROUTE_NOT_OURS, 0, RECIPIENT_NO_RELAY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_route(rows[i].address, rows[i].kind, rows[i].account, rows[i].verdict);
}

static void
no_local_part_makes_us_a_relay(void **state)
{
	static const char *const tricks[] = {
	    "ann%elsewhere.test@example.test",
	    "elsewhere.test!ann@example.test",
	    "ann@elsewhere.test@example.test",
	    "\"ann@elsewhere.test\"@example.test",
	    "@elsewhere.test,@example.test:ann@example.test",
	    "../../etc@example.test",
	    "ann' OR '1'='1@example.test",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++)
		assert_route(tricks[i], ROUTE_NOBODY, 0, RECIPIENT_UNKNOWN);
}

static void
postmaster_is_always_somebody(void **state)
{
	(void)state;
	assert_route("postmaster", ROUTE_LOCAL, 9, RECIPIENT_OK);
	assert_route("PostMaster", ROUTE_LOCAL, 9, RECIPIENT_OK);
	assert_route("Postmaster@example.test", ROUTE_LOCAL, 9, RECIPIENT_OK);
	assert_route("postmaster@other.test", ROUTE_LOCAL, 10, RECIPIENT_OK);
	assert_route("postmaster@elsewhere.test", ROUTE_NOT_OURS, 0, RECIPIENT_NO_RELAY);
	assert_route("postmasters@example.test", ROUTE_NOBODY, 0, RECIPIENT_UNKNOWN);
}

static void
postmaster_is_nobody_only_where_none_is_configured(void **state)
{
	(void)state;
	router.postmaster = NULL;
	assert_route("postmaster", ROUTE_NOBODY, 0, RECIPIENT_UNKNOWN);
	router.postmaster = "gone@example.test";
	assert_route("postmaster", ROUTE_NOBODY, 0, RECIPIENT_UNKNOWN);
}

static void
a_lookup_that_fails_never_says_nobody(void **state)
{
	(void)state;
	book.result = -EIO;
	assert_route("ann@example.test", ROUTE_UNAVAILABLE, 0, RECIPIENT_TRY_LATER);
	assert_route("postmaster", ROUTE_UNAVAILABLE, 0, RECIPIENT_TRY_LATER);
}

static void
foreign_domains_are_refused_without_a_lookup(void **state)
{
	(void)state;
	assert_route("ann@elsewhere.test", ROUTE_NOT_OURS, 0, RECIPIENT_NO_RELAY);
	assert_int_equal(book.lookups, 0);
}

static void
what_is_too_long_or_has_controls_is_nobody(void **state)
{
	char address[100];

	(void)state;
	memset(address, 'a', sizeof(address));
	strcpy(address + 65, "@example.test");
	assert_route(address, ROUTE_NOBODY, 0, RECIPIENT_UNKNOWN);
	assert_route("an\rn@example.test", ROUTE_NOBODY, 0, RECIPIENT_UNKNOWN);
	assert_int_equal(book.lookups, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(each_address_has_one_destination, setup),
	    cmocka_unit_test_setup(no_local_part_makes_us_a_relay, setup),
	    cmocka_unit_test_setup(postmaster_is_always_somebody, setup),
	    cmocka_unit_test_setup(postmaster_is_nobody_only_where_none_is_configured, setup),
	    cmocka_unit_test_setup(a_lookup_that_fails_never_says_nobody, setup),
	    cmocka_unit_test_setup(foreign_domains_are_refused_without_a_lookup, setup),
	    cmocka_unit_test_setup(what_is_too_long_or_has_controls_is_nobody, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
