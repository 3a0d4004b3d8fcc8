/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keeper -- the rows of pairs, durable: one file for each in a directory.
 *
 * NAME.register is row.h's bytes. A change is written to NAME.new, synced, renamed, the
 * directory synced; only then is it answered. So a cut of the power leaves the row as
 * it was or as it was asked for, and an answered one stays.
 *
 *   what is found        what it means
 *   no file              there is no register for this pair
 *   a good file          the row; written anew before it is first answered, since what a
 *                        killed keeper wrote, or one whose sync failed, may be in the page
 *                        cache alone
 *   anything else        -EBADMSG: grants nothing, not even a new register, until somebody
 *                        has looked and removed the file
 *
 * After a failed sync the keeper has failed: it answers -EIO to everything, and another one has
 * to be opened. A disk that is full refuses, and harms nothing.
 *
 * Every call may take as long as the disk does. One keeper for a directory, one thread.
 */
#ifndef GEMEL_WITNESS_KEEPER_H
#define GEMEL_WITNESS_KEEPER_H

#include "witness/asker.h"
#include "witness/register.h"

#define KEEPER_PAIRS_MAX 256
#define KEEPER_PATH_MAX 4096

struct keeper;

/* Returns 0, or -errno: there is no such directory, or its path is too long. */
int keeper_open(const char *directory, struct keeper **keeper_r);

/*
 * Apply ask to the row of pair (a legal name); a CREATE gets a uuid of random bits. Returns 0 with
 * verdict and row, which are durable; or, with nothing in them: -EBADMSG the file is damaged,
 * -EMFILE there are KEEPER_PAIRS_MAX pairs already, -EIO the keeper has failed, another -errno
 * (-ENOSPC...) the disk refused, and the row is as it was.
 */
int keeper_apply(struct keeper *keeper, const char *pair, const struct register_ask *ask,
    enum register_verdict *verdict_r, struct register_row *row_r);

bool keeper_has_failed(const struct keeper *keeper);

/* Where the row of pair is. */
void keeper_path(const struct keeper *keeper, const char *pair, char path_r[KEEPER_PATH_MAX]);

/* Takes NULL. */
void keeper_close(struct keeper **keeper);

#endif
