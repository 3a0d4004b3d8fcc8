/* SPDX-License-Identifier: BSD-2-Clause */
/* What the agent answers over IPC. */
#include "agent/agent.h"

#include "agent/history.h"
#include "common/clock.h"

#include <string.h>
#include <unistd.h>

#define HISTORY_SHOWN 100

static json_t *
core_json(const struct agent *agent)
{
	const struct watch_sight *seen = &agent->seen;
	bool is_alive = seen->life != 0 && seen->is_alive;

	return json_pack("{s:b,s:i,s:s,s:s,s:i}", "alive", is_alive, "pid",
	    is_alive ? (int)agent->sight.life.pid : 0, "role",
	    is_alive && seen->role ? core_role_name(seen->role) : "none", "last_fault",
	    agent->reported ? watch_fault_text(agent->reported) : "", "reports",
	    (int)agent->reports);
}

static json_t *
line_json(const struct agent *agent, unsigned number, uint64_t now_ms)
{
	const struct heart_line *one = &agent->heart.lines[number];
	struct line_health health;

	line_health(one->line, now_ms, &health);
	return json_pack("{s:s,s:b,s:b,s:I,s:I,s:I,s:I,s:s}", "line",
	    agent->config.pair_lines.items[number], "hears",
	    pair_hears(&agent->pair, number, now_ms), "open", health.is_open, "sent",
	    (json_int_t)health.sent, "received", (json_int_t)health.received, "dropped",
	    (json_int_t)health.dropped, "refused", (json_int_t)one->refused, "trouble",
	    health.trouble);
}

static json_t *
lines_json(const struct agent *agent)
{
	const uint64_t now_ms = clock_boot_ms();
	json_t *lines = json_array();

	for (unsigned i = 0; i < agent->heart.count; i++)
		json_array_append_new(lines, line_json(agent, i, now_ms));
	return lines;
}

static const char *
life_text(const struct id128 *life, char text[ID128_TEXT_BYTES])
{
	return id128_is_none(life) ? "" : id128_text(life, text);
}

static json_t *
peer_json(const struct agent *agent)
{
	const struct beat *said = &agent->pair.said;
	char life[ID128_TEXT_BYTES];

	return json_pack("{s:s,s:s,s:s,s:s,s:b,s:I,s:I}", "node", agent_peer_name(agent), "state",
	    peer_state_name(agent->pair.peer.state), "life",
	    life_text(&agent->pair.peer.life, life), "role",
	    agent->pair.peer.is_heard && said->role ? core_role_name(said->role) : "none", "lease",
	    agent->pair.peer.is_heard && said->flags & BEAT_HAS_LEASE, "generation",
	    (json_int_t)said->generation, "queued", (json_int_t)said->queued);
}

static json_t *
pair_json(const struct agent *agent)
{
	const uint64_t now_ms = clock_boot_ms(), until_ms = pair_lease(&agent->pair, now_ms);
	char life[ID128_TEXT_BYTES];

	return json_pack("{s:[s,s],s:i,s:s,s:o,s:o,s:I,s:b}", "nodes",
	    agent->config.pair_nodes.items[0], agent->config.pair_nodes.items[1], "number",
	    (int)agent->pair.settings.node, "life", id128_text(&agent->pair.settings.boot, life),
	    "peer", peer_json(agent), "lines", lines_json(agent), "lease_left_ms",
	    (json_int_t)(until_ms > now_ms ? until_ms - now_ms : 0), "quorate",
	    agent->news.is_quorate);
}

static void
run_status(void *context, struct control_request *request, const json_t *arguments)
{
	struct agent *agent = context;
	json_t *answer = json_pack("{s:s,s:i,s:s,s:I,s:o}", "node", agent->node, "pid",
	    (int)getpid(), "version", PACKAGE_VERSION, "up_s",
	    (json_int_t)((clock_boot_ms() - agent->started_ms) / 1000), "core", core_json(agent));

	(void)arguments;
	json_object_set_new(answer, "pair", agent->is_paired ? pair_json(agent) : json_null());
	control_answer(request, answer);
}

static void
run_peer(void *context, struct control_request *request, const json_t *arguments)
{
	struct agent *agent = context;
	const char *node = json_string_value(json_object_get(arguments, "node"));

	if (!agent->is_paired || !node || strcmp(node, agent_peer_name(agent)) != 0)
		control_refuse(request, CONTROL_REFUSED, "%.64s is not this node's peer",
		    node ? node : "nobody");
	else
		control_answer(request, peer_json(agent));
}

static void
run_fence(void *context, struct control_request *request, const json_t *arguments)
{
	struct agent *agent = context;

	if (agent->is_paired)
		agent_fence_verb(agent, request, arguments);
	else
		control_refuse(request, CONTROL_REFUSED,
		    "This node has no peer to fence; name both in gemel.conf, pair { nodes }.");
}

static void
run_fence_history(void *context, struct control_request *request, const json_t *arguments)
{
	json_t *records;
	int error = history_read(HISTORY_DIRECTORY, HISTORY_SHOWN, &records);

	(void)context;
	(void)arguments;
	if (error)
		control_refuse(request, CONTROL_FAILED, "%s/fence-history cannot be read: %s",
		    HISTORY_DIRECTORY, strerror(-error));
	else
		control_answer(request, json_pack("{s:o}", "records", records));
}

const struct control_verb agent_verbs[] = {
    {"status", run_status, true},
    {"peer", run_peer, true},
    {"fence", run_fence, false},
    {"fence-history", run_fence_history, false},
    {"alert", agent_alert_verb, true},
    {NULL, NULL, false},
};
