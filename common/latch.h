/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * latch -- a node's promise to take nothing more in this boot, and who acts meanwhile.
 *
 * One file in /run/gemel, which a boot empties. Each resource action that may change
 * something holds a shared lock on it while it runs (libocf does that), and one that
 * takes (start, promote) refuses when the file says that the node is latched. The
 * agent daemon latches by writing first and locking after: when it has the lock, no
 * action runs that had looked before, and none will.
 *
 * The locks are the kernel's (fcntl(2)): who dies holds none.
 */
#ifndef GEMEL_COMMON_LATCH_H
#define GEMEL_COMMON_LATCH_H

#include <stdbool.h>

#define LATCH_FILE "latch"

/* Beside it: while this file is there the node has not yet registered with its disk array, and the
 * store must not be mounted. The agent daemon makes and removes it. */
#define LATCH_UNREGISTERED "unregistered"

/* Begin an action, until the process ends. takes: it may take the store, an address or a role. 0;
 * -EPERM: it takes, and the node is latched; -EBUSY: the node is being latched now; or -errno:
 * the directory is not there or not ours. */
int latch_enter(const char *directory, bool takes);

/* Some action runs. */
bool latch_is_acting(const char *directory);

/* Latch; goes_off: this node ends by powering itself off. 0: latched, and no action runs; -EAGAIN:
 * latched, but an action that may have taken something still runs: call again; or -errno: it cannot
 * be written. Repeating is harmless. */
int latch_set(const char *directory, bool goes_off);

bool latch_is_set(const char *directory);

/* And it has promised to stay off. */
bool latch_is_off(const char *directory);

#endif
