/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * password -- hashes of passwords, by libcrypt.
 *
 * New hashes are yescrypt ("$y$..."); password_verify() takes whatever libcrypt
 * knows, and dovecot verifies the same strings ("{CRYPT}$y$...").
 * Both calls take milliseconds of CPU on purpose: make them on a worker thread,
 * never on a loop. They keep nothing, share nothing and clear what they copied.
 */
#ifndef GEMEL_MAILCORE_STORE_PASSWORD_H
#define GEMEL_MAILCORE_STORE_PASSWORD_H

#include "common/slice.h"

/* libcrypt refuses longer ones (CRYPT_MAX_PASSPHRASE_SIZE counts the NUL). */
#define PASSWORD_MAX 511
/* Room for any hash and its NUL (CRYPT_OUTPUT_SIZE). */
#define PASSWORD_HASH_MAX 384

enum password_fault {
	PASSWORD_FINE = 0,
	PASSWORD_EMPTY,
	PASSWORD_TOO_LONG,
	PASSWORD_HAS_NUL,
};

/* May this be somebody's password? */
enum password_fault password_check(struct slice password);

/* One sentence for the operator. */
const char *password_fault_text(enum password_fault fault);

/* Hash with a fresh salt into a C string. Returns 0, -EINVAL (password_check() says why), or -errno
 * of libcrypt (-ENOSYS: this libcrypt has no yescrypt). */
int password_hash(struct slice password, char hash_r[PASSWORD_HASH_MAX]);

/* 0: it is the password; -EACCES: it is not; -EINVAL: hash is none that libcrypt knows. The time
 * taken does not depend on how much of the hash is equal. */
int password_verify(struct slice password, const char *hash);

#endif
