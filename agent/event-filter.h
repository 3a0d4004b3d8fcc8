/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event-filter -- one trap for each event: not one for each alert, and not one for each node.
 *
 * Pure. Two rules.
 *
 * **Once.** The same news about the same thing passes once in EVENT_WINDOW_MS. News that differ
 * (lost, then back; another result) pass at once, so a thing that flaps is seen to flap. A node
 * that is back can be fenced anew, and a core that takes over can fail anew: that is news again.
 * That a node of the pair is a member is news only after it was lost: a node that boots is told so
 * of all that are there.
 *
 * **By one node.** What only one node can know it sends itself: its core, its own fencing, its own
 * takeover, what it did with a resource. Of the rest every node hears:
 *   a node is lost, back or fenced   the lowest numbered of the living nodes sends, without the one
 *                                    that it is about: in a pair the survivor
 *   a line is down or up             both ends see it: the lower numbered of the living
 * Is none left by the rule, who hears of it sends. Who need not send holds the event for
 * EVENT_HOLD_MS, which is longer than a death goes unnoticed: if the node that was to send it is
 * seen to die in this time it may not have done so, and the event passes after all. So a trap can
 * come twice, when a node dies just after it sent; none is lost.
 */
#ifndef GEMEL_AGENT_EVENT_FILTER_H
#define GEMEL_AGENT_EVENT_FILTER_H

#include "agent/event.h"

#define EVENT_NODES 2
#define EVENT_WINDOW_MS 60000
#define EVENT_HOLD_MS 5000
#define EVENT_FILTER_SEEN 64
#define EVENT_FILTER_HELD 16

enum event_verdict {
	EVENT_PASSED, /* send it */
	EVENT_HELD,   /* another node sends it; event_filter_due() may still pass it */
	EVENT_DOUBLE, /* it has passed or is held already */
};

struct event_filter {
	char names[EVENT_NODES][EVENT_NAME_BYTES];
	uint8_t self;
	uint8_t lost; /* bit n: the cluster said so of node n */
	struct {
		struct event event; /* kind 0: free */
		uint64_t at_ms;
	} seen[EVENT_FILTER_SEEN], held[EVENT_FILTER_HELD];
};

/* Begin. names: of the pair's nodes, by number; self: the number of this one. */
void
event_filter_open(struct event_filter *filter, const char *const names[EVENT_NODES], uint8_t self);

/* What becomes of event. alive, bit n: node n's agent is heard (this node counts always).
 * now_ms: of a clock that never goes back. */
enum event_verdict event_filter_take(
    struct event_filter *filter, const struct event *event, uint8_t alive, uint64_t now_ms);

/* True with a held event that is now this node's to send. Call it until false whenever alive has
 * changed and at event_filter_deadline(). */
bool event_filter_due(
    struct event_filter *filter, uint8_t alive, uint64_t now_ms, struct event *event_r);

/* When the next held event is forgotten; UINT64_MAX: none is held. */
uint64_t event_filter_deadline(const struct event_filter *filter);

#endif
