/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells the operators' monitoring what happens: events from here and from Pacemaker's alerts. */
#include "agent/agent.h"

#include "agent/alert.h"
#include "agent/own.h"
#include "agent/trap-engine.h"
#include "agent/trap-settings.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>

#define NEWS_MS 5000u
#define CLOSE_MS 500u
#define FENCING_AGE_MS 30000u
/* A pair without an address never finishes. */
#define TAKEOVER_MAX_MS 60000u

/* ---- events ---- */

static uint8_t
alive(const struct agent *agent)
{
	uint8_t self = agent->pair.settings.node;

	return (uint8_t)(1u << self | (agent->pair.peer.is_heard ? 1u << (1 - self) : 0));
}

void
agent_event(struct agent *agent, const struct event *event)
{
	char text[EVENT_TEXT_BYTES];

	if (event_filter_take(&agent->filter, event, alive(agent), clock_boot_ms()) != EVENT_PASSED)
		return;
	log_info("event: %s", event_sentence(event, text));
	trap_sender_send(agent->sender, event);
}

void
agent_notify(struct agent *agent, enum event_kind kind, const char *node, const char *subject,
    const char *reason)
{
	struct event event;

	event_begin(&event, kind, node, clock_wall_ms());
	event_put(event.subject, sizeof(event.subject), slice_of(subject));
	event_put(event.reason, sizeof(event.reason), slice_of(reason));
	agent_event(agent, &event);
}

/* ---- the way of a takeover ---- */

static int32_t
since(uint64_t from_ms, uint64_t to_ms)
{
	return from_ms && to_ms > from_ms && to_ms - from_ms < EVENT_NO_NUMBER
		   ? (int32_t)(to_ms - from_ms)
		   : EVENT_NO_NUMBER;
}

static void
finish_takeover(struct agent *agent, uint64_t now_ms)
{
	const struct agent_takeover *way = &agent->takeover;
	struct event event;

	event_begin(&event, EVENT_TAKEOVER_FINISHED, agent->node, clock_wall_ms());
	event.phases_ms[EVENT_PHASE_SILENCE] = since(way->heard_ms, way->silent_ms);
	event.phases_ms[EVENT_PHASE_FENCED] = since(way->silent_ms, way->fenced_ms);
	event.phases_ms[EVENT_PHASE_STORE] = since(way->fenced_ms, way->store_ms);
	event.phases_ms[EVENT_PHASE_PROMOTED] = since(way->store_ms, way->promoted_ms);
	event.phases_ms[EVENT_PHASE_ADDRESS] = since(way->promoted_ms, now_ms);
	event.total_ms = since(way->fenced_ms ? way->heard_ms : way->store_ms, now_ms);
	agent_event(agent, &event);
}

void
agent_takeover_step(struct agent *agent, uint64_t now_ms)
{
	struct agent_takeover *way = &agent->takeover;
	const uint32_t role = agent->seen.is_alive ? agent->seen.role : 0;
	struct own_holdings held;

	if (agent->pair.peer.is_heard) {
		way->heard_ms = now_ms;
		way->silent_ms = way->fenced_ms = 0;
	} else if (!way->silent_ms) {
		way->silent_ms = now_ms;
	}
	if (!core_role_owns(role) || role == CORE_DEMOTING) {
		way->store_ms = way->promoted_ms = 0;
		way->is_told = false;
		return;
	}
	if (way->is_told || (way->store_ms && now_ms - way->store_ms > TAKEOVER_MAX_MS))
		return;
	if (!way->store_ms) {
		way->store_ms = now_ms;
		agent_notify(agent, EVENT_TAKEOVER_BEGAN, agent->node, "", "");
	}
	if (role == CORE_ACTIVE && !way->promoted_ms)
		way->promoted_ms = now_ms;
	own_look(agent->config.run_directory, agent->config.store_directory, &held);
	if (!way->promoted_ms || !held.address)
		return;
	finish_takeover(agent, now_ms);
	way->is_told = true;
}

/* ---- Pacemaker's alerts ---- */

/* Somebody else's fencing (by power, or a person's word) has ended the peer. By ages, since the
 * wall clock may be set. */
static void
take_fencing(struct agent *agent, const struct event *event)
{
	const uint64_t wall_ms = clock_wall_ms(), now_ms = clock_boot_ms();
	const uint64_t age_ms = wall_ms > event->at_ms ? wall_ms - event->at_ms : 0;

	if (event->kind != EVENT_CLUSTER_FENCING || event->result != 0 ||
	    strcmp(event->node, agent_peer_name(agent)) != 0 ||
	    (strcmp(event->task, "reboot") != 0 && strcmp(event->task, "off") != 0) ||
	    age_ms > FENCING_AGE_MS || age_ms >= now_ms)
		return;
	agent->power_ms = now_ms - age_ms;
}

/* The word may come while the peer's last beat still counts. */
static void
apply_fencing(struct agent *agent)
{
	if (!agent->power_ms || agent->pair.peer.is_heard)
		return;
	if (!agent->pair.right.is_alone) {
		pair_fenced(&agent->pair, agent->power_ms);
		if (agent->pair.right.is_alone)
			log_warning("fence: %s has stopped: Pacemaker's fencing says so",
			    agent_peer_name(agent));
	}
	agent->power_ms = 0;
}

void
agent_alert_verb(void *context, struct control_request *request, const json_t *arguments)
{
	struct agent *agent = context;
	struct event event;

	switch (alert_to_event(arguments, clock_wall_ms(), &event)) {
	case ALERT_EVENT:
		if (agent->is_paired) {
			take_fencing(agent, &event);
			agent_event(agent, &event);
		}
		break;
	case ALERT_IGNORED:
		break;
	case ALERT_MALFORMED:
		control_refuse(request, CONTROL_FAILED,
		    "This is no alert of Pacemaker; only alert-snmp should ask for it.");
		return;
	}
	control_answer(request, NULL);
}

/* ---- begin, go on, end ---- */

void
agent_notify_step(struct agent *agent, uint64_t now_ms)
{
	char text[TRAP_NEWS_BYTES];
	struct event event;

	apply_fencing(agent);
	while (event_filter_due(&agent->filter, alive(agent), now_ms, &event))
		trap_sender_send(agent->sender, &event);
	if (now_ms - agent->news_ms < NEWS_MS)
		return;
	agent->news_ms = now_ms;
	while (trap_sender_news(agent->sender, text))
		log_warning("%s", text);
}

int
agent_notify_open(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	const char *names[EVENT_NODES] = {
	    agent->config.pair_nodes.items[0], agent->config.pair_nodes.items[1]};
	struct trap_settings settings;
	int result = trap_settings_read(&agent->config, geteuid(), &settings, error);

	if (result)
		return result;
	event_filter_open(&agent->filter, names, agent->pair.settings.node);
	result = trap_sender_open(&settings, agent->node, TRAP_ENGINE_DIRECTORY, &agent->sender);
	snmp_secrets_forget(&settings.secrets);
	if (result)
		snprintf(error, AGENT_ERROR_MAX, "snmp: no thread can be started: %s",
		    strerror(-result));
	return result;
}

void
agent_notify_close(struct agent *agent)
{
	trap_sender_close(&agent->sender, CLOSE_MS);
}
