/* SPDX-License-Identifier: BSD-2-Clause */
/* What the agent answers over IPC. */
#include "agent/agent.h"

#include "common/clock.h"

#include <unistd.h>

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

static void
run_status(void *context, struct control_request *request, const json_t *arguments)
{
	struct agent *agent = context;

	(void)arguments;
	control_answer(request,
	    json_pack("{s:s,s:i,s:s,s:I,s:o}", "node", agent->node, "pid", (int)getpid(), "version",
		PACKAGE_VERSION, "up_s", (json_int_t)((clock_boot_ms() - agent->started_ms) / 1000),
		"core", core_json(agent)));
}

const struct control_verb agent_verbs[] = {
    {"status", run_status, true},
    {NULL, NULL, false},
};
