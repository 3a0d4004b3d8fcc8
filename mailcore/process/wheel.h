/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wheel -- thousands of deadlines behind one timer.
 *
 * Pure. Buckets of WHEEL_STEP_MS; an item lies in the bucket of its deadline
 * (a far one in the last that is reached before it) and is looked at when the
 * wheel gets there. A deadline that moves to later costs nothing: the owner
 * leaves the item where it is and puts it in anew when it comes out early.
 * An item comes out at its deadline or up to two steps later.
 */
#ifndef GEMEL_MAILCORE_PROCESS_WHEEL_H
#define GEMEL_MAILCORE_PROCESS_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_STEP_MS 250
#define WHEEL_BUCKETS 2048 /* 512 s, more than the longest time-out of SMTP */

struct wheel_item {
	struct wheel_item *next, *previous; /* NULL when not in the wheel */
	uint64_t due_ms;
};

struct wheel {
	struct wheel_item buckets[WHEEL_BUCKETS]; /* heads of rings */
	uint64_t step;                            /* the last step that was visited */
	uint32_t count;
};

void wheel_open(struct wheel *w, uint64_t now_ms);

/* Put the item in for due_ms, or move it there. An item that is in for an earlier time stays there.
 */
void wheel_put(struct wheel *w, struct wheel_item *item, uint64_t due_ms);

/* Take it out, if it is in. */
void wheel_remove(struct wheel *w, struct wheel_item *item);

/* Take out one item whose time has come. NULL: none up to now_ms. */
struct wheel_item *wheel_pop(struct wheel *w, uint64_t now_ms);

#endif
