/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alert -- what Pacemaker tells its alert agents, as a request to gemel-agentd and as an event.
 *
 * Pure (jansson's values are only memory). Pacemaker runs an alert agent as user hacluster, on
 * each node that hears of something, once for each recipient, with the news in its environment
 * (Pacemaker Administration, "Alert agents"). Ours asks the agent daemon:
 *
 *   {"verb": "alert", "kind": "node", "node": "hq-2", "desc": "lost", ...}
 *
 * A key is the variable without "CRM_alert_"; every value is a text, visible ASCII, at most 255
 * bytes. Only the daemon knows what it has had already (event-filter.h), and only it sends.
 */
#ifndef GEMEL_AGENT_ALERT_H
#define GEMEL_AGENT_ALERT_H

#include "agent/event.h"

#include <jansson.h>

#define ALERT_VERB "alert"

enum alert_verdict {
	ALERT_EVENT,
	ALERT_IGNORED, /* a kind that we do not know, or of no interest: a monitor that went well */
	ALERT_MALFORMED, /* no object, or without what its kind must have */
};

/* The request for what is in an environment (as environ is). NULL: Pacemaker has not started
 * us, there is no CRM_alert_kind. Owned by the caller. */
json_t *alert_request(char *const environment[]);

/* The event of a request (borrowed), whoever sent it. wall_ms: its time unless the request has
 * one. *event_r is only filled for ALERT_EVENT. */
enum alert_verdict alert_to_event(const json_t *request, uint64_t wall_ms, struct event *event_r);

#endif
