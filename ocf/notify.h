/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify -- what a notify action is told: who is where, and who is about to change.
 *
 * Pure. Pacemaker sends each list in the environment, names separated by
 * spaces; an empty list is one space. In a "post" call the lists still describe
 * what was before the transition, so who is promoted after it is
 * promoted - demoted - stopped + newly promoted: notify_is_promoted_after().
 */
#ifndef GEMEL_OCF_NOTIFY_H
#define GEMEL_OCF_NOTIFY_H

#include "ocf/ocf.h"

enum notify_when {
	NOTIFY_NONE, /* this call is not a notify, or Pacemaker said something new */
	NOTIFY_PRE,
	NOTIFY_POST,
};

struct notify {
	enum notify_when when;
	const char *operation; /* start, stop, promote or demote; "" if not said. Borrows. */
};

struct notify notify_read(const struct ocf_context *ctx);

/* The list of node names for one of active, inactive, start, stop, promote, demote, promoted,
 * unpromoted; "" if Pacemaker sent none. Borrows. */
const char *notify_nodes(const struct ocf_context *ctx, const char *list);

bool notify_list_has(const char *list, const char *name);
size_t notify_list_count(const char *list);

/* True if node is promoted once the operation that this call is about is done. */
bool notify_is_promoted_after(const struct ocf_context *ctx, const char *node);

#endif
