/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/password.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD_METHOD "$y$"

_Static_assert(PASSWORD_MAX < CRYPT_MAX_PASSPHRASE_SIZE, "libcrypt would refuse it");
_Static_assert(PASSWORD_HASH_MAX >= CRYPT_OUTPUT_SIZE, "libcrypt needs the room");

enum password_fault
password_check(struct slice password)
{
	if (password.length == 0)
		return PASSWORD_EMPTY;
	if (password.length > PASSWORD_MAX)
		return PASSWORD_TOO_LONG;
	if (memchr(password.data, '\0', password.length))
		return PASSWORD_HAS_NUL;
	return PASSWORD_FINE;
}

const char *
password_fault_text(enum password_fault fault)
{
	static const char *const texts[] = {
	    [PASSWORD_FINE] = "the password is fine",
	    [PASSWORD_EMPTY] = "the password is empty; give at least one character",
	    [PASSWORD_TOO_LONG] = "the password is longer than 511 bytes; give a shorter one",
	    [PASSWORD_HAS_NUL] = "the password holds a NUL byte; give it as text",
	};

	return texts[fault];
}

/* crypt() wants a C string and 32 KiB of scratch; both are cleared before they go back. */
static int
password_crypt(struct slice password, const char *setting, char hash_r[PASSWORD_HASH_MAX])
{
	struct crypt_data *scratch = calloc(1, sizeof(*scratch));
	char text[PASSWORD_MAX + 1];
	const char *hash;
	int result = 0;

	if (!scratch)
		abort();
	slice_to_string(password, text, sizeof(text));
	errno = 0;
	hash = crypt_rn(text, setting, scratch, sizeof(*scratch));
	if (hash)
		memcpy(hash_r, hash, strlen(hash) + 1);
	else
		result = errno ? -errno : -EINVAL;
	explicit_bzero(text, sizeof(text));
	explicit_bzero(scratch, sizeof(*scratch));
	free(scratch);
	return result;
}

int
password_hash(struct slice password, char hash_r[PASSWORD_HASH_MAX])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (password_check(password) != PASSWORD_FINE)
		return -EINVAL;
	/* Cost 0: libcrypt's own choice; no random bytes: it asks the kernel for them. */
	if (!crypt_gensalt_rn(PASSWORD_METHOD, 0, NULL, 0, setting, sizeof(setting)))
		return errno == EINVAL ? -ENOSYS : -errno;
	return password_crypt(password, setting, hash_r);
}

static bool
is_equal_in_constant_time(const char *a, const char *b, size_t length)
{
	volatile unsigned char difference = 0;

	for (size_t i = 0; i < length; i++)
		difference = (unsigned char)(difference | (a[i] ^ b[i]));
	return difference == 0;
}

int
password_verify(struct slice password, const char *hash)
{
	char again[PASSWORD_HASH_MAX];
	size_t length = strlen(hash);
	bool is_equal;
	int result;

	if (password_check(password) != PASSWORD_FINE)
		return -EACCES;
	result = password_crypt(password, hash, again);
	if (result != 0)
		return result == -ENOMEM ? result : -EINVAL;
	is_equal = strlen(again) == length && is_equal_in_constant_time(again, hash, length);
	explicit_bzero(again, sizeof(again));
	return is_equal ? 0 : -EACCES;
}
