/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/password.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
a_hash_verifies_its_password_and_no_other(void **state)
{
	char hash[PASSWORD_HASH_MAX];

	(void)state;
	assert_int_equal(password_hash(slice_of("correct horse"), hash), 0);
	assert_memory_equal(hash, "$y$", 3);
	assert_int_equal(password_verify(slice_of("correct horse"), hash), 0);
	assert_int_equal(password_verify(slice_of("correct hors"), hash), -EACCES);
	assert_int_equal(password_verify(slice_of("correct horsf"), hash), -EACCES);
	assert_int_equal(password_verify(slice_of(""), hash), -EACCES);
}

static void
equal_passwords_have_different_hashes(void **state)
{
	char first[PASSWORD_HASH_MAX];
	char second[PASSWORD_HASH_MAX];

	(void)state;
	assert_int_equal(password_hash(slice_of("same"), first), 0);
	assert_int_equal(password_hash(slice_of("same"), second), 0);
	assert_string_not_equal(first, second);
}

static void
hashes_of_other_systems_verify(void **state)
{
	/* "secret" by SHA-512, as mkpasswd writes it. */
	static const char hash[] = "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDe"
				   "hy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1";

	(void)state;
	assert_int_equal(password_verify(slice_of("secret"), hash), 0);
	assert_int_equal(password_verify(slice_of("wrong"), hash), -EACCES);
}

static void
what_is_no_hash_verifies_nothing(void **state)
{
	static const char *const rows[] = {"", "*", "!", "$y$", "$nosuch$x$y", "plain", "*0"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_not_equal(password_verify(slice_of("x"), rows[i]), 0);
		assert_int_not_equal(password_verify(slice_of(rows[i]), rows[i]), 0);
	}
}

static void
only_text_of_a_sane_length_may_be_a_password(void **state)
{
	uint8_t bytes[PASSWORD_MAX + 1];
	char hash[PASSWORD_HASH_MAX];

	(void)state;
	memset(bytes, 'p', sizeof(bytes));
	assert_int_equal(password_check(slice_from(bytes, 0)), PASSWORD_EMPTY);
	assert_int_equal(password_check(slice_from(bytes, PASSWORD_MAX + 1)), PASSWORD_TOO_LONG);
	assert_int_equal(password_hash(slice_from(bytes, PASSWORD_MAX + 1), hash), -EINVAL);
	assert_int_equal(password_check(slice_from("a\0b", 3)), PASSWORD_HAS_NUL);
	assert_int_equal(password_check(slice_from(bytes, PASSWORD_MAX)), PASSWORD_FINE);
	assert_int_equal(password_hash(slice_from(bytes, PASSWORD_MAX), hash), 0);
	assert_int_equal(password_verify(slice_from(bytes, PASSWORD_MAX), hash), 0);
	assert_int_equal(password_verify(slice_from(bytes, PASSWORD_MAX - 1), hash), -EACCES);
}

static void
every_fault_has_a_sentence(void **state)
{
	(void)state;
	for (int fault = PASSWORD_FINE; fault <= PASSWORD_HAS_NUL; fault++)
		assert_non_null(password_fault_text((enum password_fault)fault));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hash_verifies_its_password_and_no_other),
	    cmocka_unit_test(equal_passwords_have_different_hashes),
	    cmocka_unit_test(hashes_of_other_systems_verify),
	    cmocka_unit_test(what_is_no_hash_verifies_nothing),
	    cmocka_unit_test(only_text_of_a_sane_length_may_be_a_password),
	    cmocka_unit_test(every_fault_has_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
