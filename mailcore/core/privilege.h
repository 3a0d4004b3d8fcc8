/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * privilege -- root no longer, once the launcher runs.
 */
#ifndef GEMEL_MAILCORE_CORE_PRIVILEGE_H
#define GEMEL_MAILCORE_CORE_PRIVILEGE_H

#include <sys/types.h>

/* Who owns what in the store. */
struct store_owner {
	uid_t uid; /* the core */
	gid_t gid;
	gid_t mail_gid; /* the group of the mailboxes */
};

/*
 * Look the users up and become core_user, with the group of mail_user besides its own, keeping only
 * the capability to bind ports below 1024 at the next promote. When not started as root it stays
 * what it is (development): *owner_r then names the current user. Returns 0, or -errno with a
 * sentence in error[256].
 */
int privilege_drop(
    const char *core_user, const char *mail_user, struct store_owner *owner_r, char error[256]);

#endif
