/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * accounts -- who has a mailbox here, in db/accounts.db (SQLite).
 *
 * WAL with synchronous=FULL: a change is durable when the call returns, and
 * readers never wait for a writer. One `struct accounts` belongs to one thread:
 * the loop opens a reader for RCPT and logins, the control code's thread opens
 * the writer, of which there is one at a time. A reader sees a change as soon
 * as the writer's call has returned.
 *
 * An account is a number (its mailbox is mail/NUMBER/Maildir) and an address
 * in canonical form, whose version is stored: opening a file with another one
 * fails instead of missing people. Numbers are never used again, so mail or
 * locks of a deleted account can never be taken for those of a later one with
 * the same address.
 *
 *   add:     mailbox made and durable -> row committed. A crash between leaves an empty mailbox,
 * which the next add takes over. delete:  row moved to the table "deleted" and committed -> mail/N
 * renamed to mail/.deleted-N. A crash between: opening the writer finishes it.
 *
 * A deleted account's mail is kept in .deleted-N until the operator removes it:
 * nothing of it is lost by a slip. Messages that are still queued for it stay
 * deferred with that reason (delivery.h); they are delivered if the address
 * gets an account again.
 */
#ifndef GEMEL_MAILCORE_STORE_ACCOUNTS_H
#define GEMEL_MAILCORE_STORE_ACCOUNTS_H

#include "common/address.h"
#include "mailcore/route/router.h"
#include "mailcore/store/maildir.h"
#include "mailcore/store/password.h"

struct accounts;

/* The values are in the file; add at the end. */
enum account_state {
	ACCOUNT_ENABLED = 1,
	ACCOUNT_DISABLED, /* no new mail, no login; what was accepted before is delivered */
};

struct account {
	uint64_t id; /* 1 and up */
	enum account_state state;
	char address[ADDRESS_MAX + 1];    /* canonical */
	char password[PASSWORD_HASH_MAX]; /* hash, or empty: no login */
};

/* Open for looking up, after the writer was opened. directory is the store's; the file must be
 * there (-ENOENT: no writer has made it yet). Returns 0 with *accounts_r owned, or -errno with a
 * sentence in error[256]; -EPROTO: made by a newer version, or with another form of addresses. */
int accounts_open_reader(const char *directory, struct accounts **accounts_r, char error[256]);

/* Open for changing: makes the file or brings an older one up to date, and finishes deletions that
 * a crash cut short. Opens a maildir of its own from settings. */
int accounts_open_writer(
    const struct maildir_settings *settings, struct accounts **accounts_r, char error[256]);

/* Takes NULL; sets the pointer to NULL. */
void accounts_close(struct accounts **accounts);

/* Find a canonical address. 0, -ENOENT, or -EIO: the file cannot be read. Microseconds; safe on a
 * loop. */
int accounts_find(struct accounts *accounts, const char *address, struct account *account_r);

/* The same as a router_lookup; context is a struct accounts. */
router_lookup accounts_lookup;

/* Up to room accounts in the order of their addresses, beginning after the address `after` (NULL or
 * empty: from the start; it need not exist). Returns how many; less than room: that was the end;
 * -EIO. */
ssize_t
accounts_list(struct accounts *accounts, const char *after, struct account *out, size_t room);

/*
 * The writer's calls. Each returns 0 when the change is durable, or -errno and
 * nothing is changed: -EINVAL address is not one, -ENOENT nobody has it, -ENOSPC,
 * -EIO and other faults of the disk.
 */

/* address in any form; hash may be NULL: no login. -EEXIST: it is taken. */
int accounts_add(struct accounts *accounts, struct slice address, const char *hash, uint64_t *id_r);

/* id_r may be NULL. The mail is then in mail/.deleted-ID; if only that rename failed the call still
 * returns 0, and the next accounts_open_writer() renames. */
int accounts_delete(struct accounts *accounts, struct slice address, uint64_t *id_r);

/* hash NULL: no login any more. */
int accounts_set_password(struct accounts *accounts, struct slice address, const char *hash);
int accounts_set_state(struct accounts *accounts, struct slice address, enum account_state state);

#endif
