/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * digests -- tells the cluster what this node's files are (common/digest.h), for "gemel doctor" on
 * the other node to compare.
 *
 * At the start, and every look_ms after it, the files are read, on a thread, since the node's own
 * disk may hang. What has changed is told by attrd_updater(8), one file after the other; that
 * a file is missing or cannot be read is told by deleting its attribute. When the cluster does
 * not take it, because it does not run yet, all goes on after retry_ms. Each DIGESTS_AGAIN looks
 * everything is told again: a Pacemaker that was restarted has forgotten it, and one that was not
 * changes nothing.
 */
#ifndef GEMEL_AGENT_DIGESTS_H
#define GEMEL_AGENT_DIGESTS_H

#include "common/digest.h"

#include <qb/qbloop.h>

#define DIGESTS_LOOK_MS 30000u
#define DIGESTS_RETRY_MS 10000u
#define DIGESTS_AGAIN 10u

struct digests;

struct digests_settings {
	const char *paths[DIGEST_FILES]; /* in the order of digest_files */
	uint32_t look_ms, retry_ms;
};

/* Begin. Copies the settings. 0, or -errno: no thread can be started. */
int
digests_open(qb_loop_t *loop, const struct digests_settings *settings, struct digests **digests_r);

/* Look now, and tell everything again. */
void digests_again(struct digests *digests);

/* Nobody waits for a file that hangs. Takes NULL, and sets it. */
void digests_close(struct digests **digests);

#endif
