/* SPDX-License-Identifier: BSD-2-Clause */
/* Whoever asks for the peer's end (fence_gemel), and the record of the proof. */
#include "agent/agent.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MAX_MS 600000
#define RECORD_MS 300u

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
refuse_late(struct agent *agent)
{
	struct agent_proved *proved = &agent->proved;

	log_error("fence: the proof is not told: this agent stood still, and %s may be back",
	    agent_peer_name(agent));
	for (size_t i = 0; i < proved->count; i++)
		control_refuse(proved->fencers[i], CONTROL_REFUSED,
		    "%s had stopped, but this agent stood still since, and it may be back; ask "
		    "again",
		    agent_peer_name(agent));
	proved->count = 0;
}

static void
answer_proved(struct agent *agent)
{
	struct agent_proved *proved = &agent->proved;

	if (proved->count > 0 && !pair_proof_holds(&agent->pair, clock_boot_ms())) {
		refuse_late(agent);
		return;
	}
	for (size_t i = 0; i < proved->count; i++)
		control_answer(proved->fencers[i],
		    json_pack("{s:s,s:s,s:I}", "proof", fencing_proof_text(proved->proof), "life",
			proved->life, "ms", (json_int_t)proved->took_ms));
	proved->count = 0;
}

static void
on_recorded(void *context, int error)
{
	struct agent *agent = context;

	agent->proved.is_recording = false;
	if (error)
		log_error("fence: the proof is not on record: %s; make room in " HISTORY_DIRECTORY,
		    strerror(-error));
	answer_proved(agent);
}

/* The service does not wait for this node's own disk: the proof is in the log. */
void
agent_fence_step(struct agent *agent, uint64_t now_ms)
{
	struct agent_proved *proved = &agent->proved;

	if (proved->count == 0 || now_ms - proved->since_ms < RECORD_MS)
		return;
	log_warning("fence: the record of the proof takes longer than %u ms, and is not waited for",
	    RECORD_MS);
	answer_proved(agent);
}

static json_t *
evidence(const struct agent *agent)
{
	char hex[2 * BEAT_BYTES + 1], ended[ID128_TEXT_BYTES], begun[ID128_TEXT_BYTES];

	switch (agent->pair.fencing.proof) {
	case FENCING_RELEASED:
		for (size_t i = 0; i < BEAT_BYTES; i++)
			snprintf(hex + 2 * i, 3, "%02x", agent->word[i]);
		return json_pack("{s:s}", "packet", hex);
	case FENCING_NEWER_LIFE:
		return json_pack("{s:s,s:s}", "ended",
		    id128_text(&agent->pair.fencing.target, ended), "begun",
		    id128_text(&agent->pair.peer.life, begun));
	case FENCING_BARRED:
		return json_incref(agent->bar_evidence);
	case FENCING_UNPROVED:
	case FENCING_PROOFS:
		break;
	}
	return NULL;
}

/* Whoever waits is answered with this proof, and with no other. */
static void
hand_over_fencers(struct agent *agent, uint64_t now_ms)
{
	struct agent_proved *proved = &agent->proved;

	answer_proved(agent);
	memcpy(proved->fencers, agent->fencers, sizeof(agent->fencers));
	proved->count = agent->fencer_count;
	agent->fencer_count = 0;
	proved->proof = agent->pair.fencing.proof;
	proved->took_ms = (uint32_t)(now_ms - agent->pair.fencing.began_ms);
	proved->since_ms = now_ms;
	if (id128_is_none(&agent->pair.ended))
		proved->life[0] = '\0';
	else
		id128_text(&agent->pair.ended, proved->life);
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
	const uint64_t wall_ms = clock_wall_ms();
	struct agent_proved *proved = &agent->proved;
	struct history_entry entry;

	hand_over_fencers(agent, clock_boot_ms());
	log_warning("fence: %s has stopped: %s, after %u ms", agent_peer_name(agent),
	    fencing_proof_text(proved->proof), proved->took_ms);
	agent_notify_proof(agent, proofs[proved->proof]);
	entry = (struct history_entry){
	    .at_ms = wall_ms,
	    .asked_at_ms = wall_ms - proved->took_ms,
	    .took_ms = proved->took_ms,
	    .target = agent_peer_name(agent),
	    .life = proved->life,
	    .action = agent->pair.fencing.action == FENCING_OFF ? "off" : "reboot",
	    .proof = fencing_proof_text(proved->proof),
	    .by = agent->node,
	    .evidence = evidence(agent),
	};
	/* While the disk hangs one record waits for it; what comes meanwhile is in the log only. */
	if (proved->is_recording) {
		log_error(
		    "fence: the proof is not on record: the one before is still being written");
		json_decref(entry.evidence);
		answer_proved(agent);
		return;
	}
	proved->is_recording = true;
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
	enum fencing_action wanted;

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
	wanted = strcmp(action, "off") == 0 ? FENCING_OFF : FENCING_REBOOT;
	if (agent->fencer_count == AGENT_FENCERS_MAX) {
		control_refuse(request, CONTROL_REFUSED,
		    "%s is not fenced: too many ask for that at once", node);
		return;
	}
	/* Who joins a request begins nothing. */
	if (agent->fencer_count == 0)
		agent_notify(agent, EVENT_FENCING_BEGAN, node, "", action);
	/* A node that has yielded ends before it answers: a refusal would make Pacemaker here cut
	 * the power of the peer. */
	pair_fence(&agent->pair, wanted, now_ms, now_ms + (uint64_t)timeout_ms);
	log_warning("fence: %s is to %s", node, wanted == FENCING_OFF ? "go off" : "be reset");
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
	answer_proved(agent);
	json_decref(agent->bar_evidence);
	recorder_close(&agent->recorder);
}
