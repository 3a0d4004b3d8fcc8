/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maildir -- one message for one recipient, from a staging file into new/.
 *
 * What is written where, below the store's directory:
 *
 *   staging/mail/Q3-1f2aR0             message 3-1f2a for its recipient 0, while it is written
 *   mail/12/Maildir/{new,cur,tmp}      the mailbox of account 12
 *   mail/12/Maildir/new/1795438888.Q3-1f2aR0.example.test,S=4231,W=4310
 *
 * Both names follow from message and recipient alone, so replay finds on either
 * node what an earlier life wrote. The path of a mailbox is made from the
 * account's number, never from an address.
 *
 * A file holds the trace headers (mailcore/spool/trace.h) and the content with
 * each CRLF turned into LF, as every Maildir reader expects. S is the size of
 * the file; W is the size with CRLF line ends, which IMAP and POP3 show.
 *
 * Nothing here syncs by itself but maildir_create(): the caller (delivery.h)
 * syncs many at once. mail/ and staging/ must lie on one file system.
 *
 * Owner and modes: directories of accounts are 2770 and files 0660 in the group
 * that dovecot runs in, so that its user and ours can both work there. The
 * umask does not matter.
 *
 * One struct per thread; the path buffers inside are not shared.
 */
#ifndef GEMEL_MAILCORE_STORE_MAILDIR_H
#define GEMEL_MAILCORE_STORE_MAILDIR_H

#include "common/slice.h"
#include "mailcore/spool/spool.h"

#include <sys/types.h>

struct maildir;

struct maildir_settings {
	const char *directory; /* the store: /srv/gemel */
	const char *
	    host; /* in file names; the same on both nodes, so not a host's name: the mail domain */
	uid_t owner; /* (uid_t)-1: whoever we are */
	gid_t group; /* dovecot's group; (gid_t)-1: leave it */
};

/* Make mail/ and staging/mail/ if need be, durably, and keep a descriptor for syncing. Copies the
 * settings. Returns 0 with *maildir_r owned, or -errno with a sentence in error[256]
 * (-EINVAL: host is too long or has a character that a Maildir name cannot have). */
int
maildir_open(const struct maildir_settings *settings, struct maildir **maildir_r, char error[256]);

/* Takes NULL; sets the pointer to NULL. */
void maildir_close(struct maildir **maildir);

/* Make the mailbox of account, durable when it returns 0. One that is there is mended: missing
 * parts are made. */
int maildir_create(struct maildir *maildir, uint64_t account);

/* Put a deleted account's mail aside as mail/.deleted-ACCOUNT, durably. 0 also when there is none.
 */
int maildir_set_aside(struct maildir *maildir, uint64_t account);

/* Which file: one recipient of one message. */
struct maildir_item {
	message_id id;
	uint32_t recipient;
	uint64_t accepted_s; /* wall clock of its acceptance */
};

struct maildir_size {
	uint64_t stored; /* S: bytes of the file */
	uint64_t wire;   /* W: with every line ended by CRLF */
};

/* Copies length bytes of the content at offset to out; 0 or -errno. */
typedef int maildir_read(void *context, uint64_t offset, void *out, size_t length);

struct maildir_content {
	struct slice headers; /* trace headers, CRLF */
	uint64_t length;
	maildir_read *read;
	void *context;
};

/* Write the staging file, over one that is there. Large content passes in pieces. Returns 0, -errno
 * of the disk, or what read returned. */
int maildir_stage(struct maildir *maildir, const struct maildir_item *item,
    const struct maildir_content *content, struct maildir_size *size_r);

/* The size of a staging file that is there from an earlier life. -ENOENT: there is none. */
int maildir_measure(
    struct maildir *maildir, const struct maildir_item *item, struct maildir_size *size_r);

/* Rename the staging file into new/ of account. Returns 0: it was renamed, now or earlier (the
 * staging file is gone); -ENOENT: the staging file is there and the mailbox is not;
 * -ENOTRECOVERABLE: it cannot be said what is there now; any other -errno: the staging file is
 * there and was not renamed. */
int maildir_publish(struct maildir *maildir, const struct maildir_item *item, uint64_t account,
    const struct maildir_size *size);

/* Make all of the above durable (syncfs). After an error nothing on this file system can be
 * trusted, and every later call fails as well. */
int maildir_sync(struct maildir *maildir);

/* Remove the staging files that nobody wants: is_wanted(context, id, recipient) is asked for each;
 * files with other names go as well. Returns how many went, or -errno. */
int maildir_sweep(struct maildir *maildir,
    bool (*is_wanted)(void *context, message_id id, uint32_t recipient), void *context);

#endif
