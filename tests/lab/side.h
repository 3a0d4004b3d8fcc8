/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * side -- what the disks of one array have in common beside the platter: reservations and locks
 *
 * A small file that the disk processes of all nodes map. Zero bytes are its first state, and at
 * each instant it is whole: a change is written beside the old state and becomes valid by one
 * atomic store, so that a process may be killed anywhere. The locks are the kernel's (OFD locks,
 * fcntl(2)), which end with the process, too.
 *
 * The two rules that make a preempt a proof:
 *
 *   - Whoever writes to the platter does it between side_hold() and side_let_go(), and asks in
 *     between whether it is barred. A change waits for all of these. So when side_out() returns,
 *     nobody who is barred by it writes, or will.
 *   - Who was barred meanwhile (side_was_expelled()) drops what it had unflushed.
 *
 * A write into memory only needs no lock: side_is_barred() is one load.
 * Not for more than one thread at a time.
 */
#ifndef GEMEL_TESTS_LAB_SIDE_H
#define GEMEL_TESTS_LAB_SIDE_H

#include "tests/lab/persist.h"

#include <stdbool.h>
#include <stdint.h>

struct side;

/*
 * Open, or make, the file at path as initiator (below PERSIST_INITIATORS). Must be called after the
 * last fork: a child would share the locks. Returns owned; NULL and errno.
 */
struct side *side_open(const char *path, uint32_t initiator);

/* Its locks end. Takes NULL. */
void side_close(struct side **s);

/* This initiator may not write now. */
bool side_is_barred(const struct side *s);

/* It was barred, for however short, since this was last asked. */
bool side_was_expelled(struct side *s);

/* While held, no change of the reservations begins or goes on. Waits for one that is under way. */
void side_hold(struct side *s);
void side_let_go(struct side *s);

/* As persist_out(), for all disks at once: waits until nobody holds. */
enum persist_status side_out(struct side *s, const struct persist_order *order);

/* The reservations as they are. */
void side_read(const struct side *s, struct persist *p_r);

/* No other disk reads (writes) the block at this offset of the slots while one writes (reads) it.
 */
void side_block_lock(struct side *s, uint64_t off, uint64_t len, bool is_write);
void side_block_unlock(struct side *s, uint64_t off, uint64_t len);

#endif
