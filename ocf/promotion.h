/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * promotion -- this node's wish to be promoted, as Pacemaker keeps it.
 *
 * The score is a transient node attribute, written by crm_attribute(8), which
 * takes 20 ms and more. So it is not touched by a recurring monitor. It is set
 * by start, and by a probe that finds the resource running: Pacemaker forgets
 * the attributes of a node that left and came back while its resources ran on,
 * and without a score such a resource would never be promoted again. It is
 * removed by stop. What is set does not depend on anything remembered, so
 * there is no state to go stale. The program runs beside the action's own work.
 */
#ifndef GEMEL_OCF_PROMOTION_H
#define GEMEL_OCF_PROMOTION_H

#include "ocf/ocf.h"

#include <sys/types.h>

/* Begin to set the score; never negative (that makes Pacemaker stop and start in a circle).
 * Returns what promotion_finish() takes. */
pid_t promotion_set(const struct ocf_context *ctx, int score);

/* Begin to remove the score. */
pid_t promotion_remove(const struct ocf_context *ctx);

/* Wait for it, until the action's deadline at most. Without a cluster it fails, which is logged
 * and nothing else. */
void promotion_finish(const struct ocf_context *ctx, pid_t pid);

#endif
