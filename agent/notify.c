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
/* A line is told to be down, or up, when it has been so for this long. */
#define LINE_MS 1000u
/* And for this long, if it was never heard: the other node may be about to begin. */
#define LINE_FIRST_MS 15000u

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

/* ---- the peer and the lines ---- */

/* Back is told only of whom was told that it is lost: not of a peer that this node finds when it
 * boots. */
void
agent_notify_peer(struct agent *agent)
{
	const enum peer_state state = agent->pair.peer.state;
	const bool is_lost = state == PEER_SILENT || state == PEER_STOPPED;

	if (is_lost ? agent->is_lost_told : !agent->is_lost_told || state != PEER_ALIVE)
		return;
	agent->is_lost_told = is_lost;
	agent_notify(agent, is_lost ? EVENT_NODE_LOST : EVENT_NODE_BACK, agent_peer_name(agent), "",
	    is_lost ? peer_state_text(state) : "");
}

/* A node that is silent on all lines is one event and not one a line: a line is told only while
 * another is heard, and once it has been as it is for a while. */
static void
notify_lines(struct agent *agent, uint64_t now_ms)
{
	for (unsigned i = 0; i < agent->heart.count; i++) {
		const bool is_down = !pair_hears(&agent->pair, i, now_ms);
		uint64_t *since_ms = &agent->line_news[i].since_ms;

		if (is_down == agent->line_news[i].is_down_told || !agent->pair.peer.is_heard)
			*since_ms = 0;
		else if (*since_ms == 0)
			*since_ms = now_ms;
		agent->line_news[i].is_known |= !is_down;
		if (*since_ms == 0 ||
		    now_ms - *since_ms < (agent->line_news[i].is_known ? LINE_MS : LINE_FIRST_MS))
			continue;
		agent->line_news[i].is_down_told = is_down;
		agent_notify(agent, is_down ? EVENT_LINE_DOWN : EVENT_LINE_UP,
		    agent_peer_name(agent), agent->config.pair_lines.items[i], "");
	}
}

/* ---- the way of a takeover ---- */

static int32_t
since(uint64_t from_ms, uint64_t to_ms)
{
	return from_ms && to_ms >= from_ms && to_ms - from_ms < EVENT_NO_NUMBER
		   ? (int32_t)(to_ms - from_ms)
		   : EVENT_NO_NUMBER;
}

void
agent_notify_proof(struct agent *agent, enum event_proof proof)
{
	struct agent_takeover *way = &agent->takeover;
	struct event event;

	event_begin(&event, EVENT_FENCING_SUCCEEDED, agent_peer_name(agent), clock_wall_ms());
	event.proof = proof;
	way->fenced_ms = clock_boot_ms();
	/* It was fenced while it was heard. */
	if (!way->silent_ms) {
		way->heard_ms = 0;
		way->silent_ms = agent->pair.fencing.began_ms;
	}
	agent_event(agent, &event);
}

static void
finish_takeover(struct agent *agent, uint64_t now_ms)
{
	const struct agent_takeover *way = &agent->takeover;
	struct event event;

	event_begin(&event, EVENT_TAKEOVER_FINISHED, agent->node, clock_wall_ms());
	event.phases_ms[EVENT_PHASE_PROMOTED] = since(way->store_ms, way->promoted_ms);
	event.phases_ms[EVENT_PHASE_ADDRESS] = since(way->promoted_ms, now_ms);
	event.total_ms = since(way->store_ms, now_ms);
	/* Else the peer has left it the service. */
	if (way->fenced_ms) {
		event.phases_ms[EVENT_PHASE_SILENCE] = since(way->heard_ms, way->silent_ms);
		event.phases_ms[EVENT_PHASE_FENCED] = since(way->silent_ms, way->fenced_ms);
		event.phases_ms[EVENT_PHASE_STORE] = since(way->fenced_ms, way->store_ms);
		event.total_ms = since(way->heard_ms ? way->heard_ms : way->silent_ms, now_ms);
	}
	agent_event(agent, &event);
}

static void
note_silence(struct agent *agent, uint64_t now_ms)
{
	struct agent_takeover *way = &agent->takeover;

	if (agent->pair.peer.is_heard) {
		way->silent_ms = way->fenced_ms = 0;
	} else if (!way->silent_ms) {
		way->heard_ms = agent->heard_ms;
		way->silent_ms = now_ms;
	}
}

static void
takeover_step(struct agent *agent, uint64_t now_ms)
{
	struct agent_takeover *way = &agent->takeover;
	const uint32_t role = agent->seen.is_alive ? agent->seen.role : 0;
	struct own_holdings held;

	note_silence(agent, now_ms);
	/* An agent that was started anew finds what is no news. */
	if (role && !way->has_begun)
		way->is_told = role == CORE_ACTIVE;
	way->has_begun = way->has_begun || role;
	if (!core_role_owns(role) || role == CORE_DEMOTING) {
		way->store_ms = way->promoted_ms = 0;
		way->is_told = false;
		return;
	}
	if (way->is_told || (way->store_ms && now_ms - way->store_ms > TAKEOVER_MAX_MS)) {
		/* A proof of now has no part in a later takeover. */
		way->fenced_ms = 0;
		return;
	}
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
		if (agent->pair.right.is_alone) {
			log_warning("fence: %s has stopped: Pacemaker's fencing says so",
			    agent_peer_name(agent));
			agent_notify_proof(agent, EVENT_PROOF_POWER);
		}
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

	notify_lines(agent, now_ms);
	takeover_step(agent, now_ms);
	apply_fencing(agent);
	while (event_filter_due(&agent->filter, alive(agent), now_ms, &event))
		trap_sender_send(agent->sender, &event);
	if (now_ms - agent->news_ms < NEWS_MS)
		return;
	agent->news_ms = now_ms;
	while (trap_sender_news(agent->sender, text))
		log_warning("%s", text);
}

/* What is wrong with the traps is told, and costs the service nothing. */
void
agent_notify_open(struct agent *agent)
{
	const char *names[EVENT_NODES] = {
	    agent->config.pair_nodes.items[0], agent->config.pair_nodes.items[1]};
	struct trap_settings settings;
	char error[CONFIG_ERROR_MAX];
	int result = trap_settings_read(&agent->config, geteuid(), &settings, error);

	event_filter_open(&agent->filter, names, agent->pair.settings.node);
	if (result) {
		log_error("snmp: no traps are sent: %s", error);
		return;
	}
	result = trap_sender_open(&settings, agent->node, TRAP_ENGINE_DIRECTORY, &agent->sender);
	snmp_secrets_forget(&settings.secrets);
	if (result)
		log_error(
		    "snmp: no traps are sent: no thread can be started: %s", strerror(-result));
}

void
agent_notify_close(struct agent *agent)
{
	trap_sender_close(&agent->sender, CLOSE_MS);
}
