/* SPDX-License-Identifier: BSD-2-Clause */
/* Whoever asks for the peer's end (fence_gemel), barring it, and the record of the proof. */
#include "agent/agent.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MAX_MS 600000

/* ---- answers ---- */

static void
refuse_all(struct agent *agent, const char *reason)
{
	for (size_t i = 0; i < agent->fencer_count; i++)
		control_refuse(agent->fencers[i], CONTROL_REFUSED, "%s is not fenced: %s",
		    agent_peer_name(agent), reason);
	agent->fencer_count = 0;
}

static void
on_recorded(void *context, int error)
{
	struct agent *agent = context;

	agent->is_recording = false;
	if (error) {
		log_error("fence: the proof cannot be recorded: %s; so it is not told either",
		    strerror(-error));
		refuse_all(
		    agent, "its end is proved, but the record of the proof cannot be written");
		return;
	}
	for (size_t i = 0; i < agent->fencer_count; i++)
		control_answer(agent->fencers[i],
		    json_pack("{s:s,s:s,s:I}", "proof",
			fencing_proof_text(agent->pair.fencing.proof), "life", agent->fenced_life,
			"ms", (json_int_t)agent->fence_took_ms));
	agent->fencer_count = 0;
}

static json_t *
evidence(const struct agent *agent)
{
	char hex[2 * BEAT_BYTES + 1], life[ID128_TEXT_BYTES];

	switch (agent->pair.fencing.proof) {
	case FENCING_RELEASED:
		for (size_t i = 0; i < BEAT_BYTES; i++)
			snprintf(hex + 2 * i, 3, "%02x", agent->word[i]);
		return json_pack("{s:s}", "word", hex);
	case FENCING_NEWER_LIFE:
		return json_pack("{s:s}", "newer", id128_text(&agent->pair.peer.life, life));
	case FENCING_BARRED:
		return json_incref(agent->bar_evidence);
	case FENCING_UNPROVED:
	case FENCING_PROOFS:
		break;
	}
	return NULL;
}

static void
take_proof(struct agent *agent)
{
	static const enum event_proof proofs[] = {
	    [FENCING_UNPROVED] = EVENT_PROOF_NONE,
	    [FENCING_RELEASED] = EVENT_PROOF_RELEASED,
	    [FENCING_NEWER_LIFE] = EVENT_PROOF_NEW_LIFE,
	    [FENCING_BARRED] = EVENT_PROOF_BARRED,
	};
	const uint64_t now_ms = clock_boot_ms(), wall_ms = clock_wall_ms();
	const struct id128 *ended = &agent->pair.ended;
	struct history_entry entry;

	agent->fence_took_ms = (uint32_t)(now_ms - agent->pair.fencing.began_ms);
	if (id128_is_none(ended))
		agent->fenced_life[0] = '\0';
	else
		id128_text(ended, agent->fenced_life);
	log_warning("fence: %s has stopped: %s, after %u ms", agent_peer_name(agent),
	    fencing_proof_text(agent->pair.fencing.proof), agent->fence_took_ms);
	agent_notify_proof(agent, proofs[agent->pair.fencing.proof]);
	entry = (struct history_entry){
	    .at_ms = wall_ms,
	    .asked_at_ms = wall_ms - agent->fence_took_ms,
	    .took_ms = agent->fence_took_ms,
	    .target = agent_peer_name(agent),
	    .life = agent->fenced_life,
	    .action = agent->pair.fencing.action == FENCING_OFF ? "off" : "reboot",
	    .proof = fencing_proof_text(agent->pair.fencing.proof),
	    .by = agent->node,
	    .evidence = evidence(agent),
	};
	agent->is_recording = true;
	recorder_write(agent->recorder, history_record(&entry));
}

void
agent_fence_answer(struct agent *agent, enum fencing_end end)
{
	if (end == FENCING_PROVED) {
		take_proof(agent);
		return;
	}
	log_error(
	    "fence: %s is not fenced: %s", agent_peer_name(agent), agent->pair.fencing.reason);
	agent_notify(
	    agent, EVENT_FENCING_FAILED, agent_peer_name(agent), "", agent->pair.fencing.reason);
	refuse_all(agent, agent->pair.fencing.reason);
}

/* ---- requests ---- */

void
agent_fence_verb(void *context, struct control_request *request, const json_t *arguments)
{
	struct agent *agent = context;
	const char *node = json_string_value(json_object_get(arguments, "node"));
	const char *action = json_string_value(json_object_get(arguments, "action"));
	json_int_t timeout_ms = json_integer_value(json_object_get(arguments, "timeout_ms"));
	const uint64_t now_ms = clock_boot_ms();

	if (!node || strcmp(node, agent_peer_name(agent)) != 0) {
		control_refuse(request, CONTROL_REFUSED,
		    "%.64s cannot be fenced from here; this agent fences %s",
		    node ? node : "nobody", agent_peer_name(agent));
		return;
	}
	if (!action || (strcmp(action, "reboot") != 0 && strcmp(action, "off") != 0) ||
	    timeout_ms < 1 || timeout_ms > TIMEOUT_MAX_MS) {
		control_refuse(request, CONTROL_FAILED,
		    "fence needs an \"action\" reboot or off, and a \"timeout_ms\" of 1 to %d",
		    TIMEOUT_MAX_MS);
		return;
	}
	if (agent->fencer_count == AGENT_FENCERS_MAX) {
		control_refuse(request, CONTROL_REFUSED,
		    "%s is not fenced: too many ask for that at once", node);
		return;
	}
	/* Who asks while the proof is being written down is answered with it. */
	if (!(agent->is_recording && peer_has_stopped(&agent->pair.peer)) &&
	    !fencing_seek(&agent->pair.fencing,
		strcmp(action, "off") == 0 ? FENCING_OFF : FENCING_REBOOT, &agent->pair.peer.life,
		now_ms, now_ms + (uint64_t)timeout_ms)) {
		control_refuse(request, CONTROL_REFUSED,
		    "%s is not fenced: this node yields to it and ends itself", node);
		return;
	}
	/* Who joins a request begins nothing. */
	if (agent->fencer_count == 0 && !agent->is_recording)
		agent_notify(agent, EVENT_FENCING_BEGAN, node, "", action);
	log_warning("fence: %s is to %s", node, strcmp(action, "off") == 0 ? "go off" : "be reset");
	agent->fencers[agent->fencer_count++] = request;
	agent_step(agent);
}

/* ---- begin and end ---- */

int
agent_fence_open(struct agent *agent)
{
	return recorder_open(agent->loop, on_recorded, agent, &agent->recorder);
}

void
agent_fence_close(struct agent *agent)
{
	refuse_all(agent, "the agent ends");
	json_decref(agent->bar_evidence);
	recorder_close(&agent->recorder);
}
