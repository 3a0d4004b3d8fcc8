/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine -- what Corosync says of the pair's membership, on a thread of its own.
 *
 * Corosync's library calls can wait for ever for a daemon that was stopped, so the agent's loop
 * makes none; news come to it through a pipe. The thread comes back when corosync was restarted.
 *
 * In a cluster of two both halves of a split are quorate, so nothing of this is evidence for the
 * lease (right.h): it is for the state of the peer, the log and the traps. A message to ourselves
 * goes round some times a second: when it stays away, corosync here stands still.
 */
#ifndef GEMEL_AGENT_ENGINE_H
#define GEMEL_AGENT_ENGINE_H

#include <qb/qbloop.h>
#include <stdbool.h>
#include <stdint.h>

struct engine;

struct engine_news {
	bool is_connected; /* corosync answers */
	bool is_quorate;
	bool has_peer; /* the node called so is a member */
	uint64_t
	    echo_ms; /* when the last message to ourselves was sent that came back; 0: none yet */
};

/* Begin. peer: its name in corosync.conf's nodelist; copied. on_news is called on the loop for each
 * change. 0 or -errno. */
int engine_open(qb_loop_t *loop, const char *peer,
    void (*on_news)(void *context, const struct engine_news *news), void *context,
    struct engine **engine_r);

/* End. The thread is not waited for: it may hang in corosync's library. Takes NULL. */
void engine_close(struct engine **engine);

#endif
