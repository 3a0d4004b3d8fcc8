/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks after the core of this node, and tells Pacemaker when it has failed. */
#include "agent/agent.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>

static void
on_reported(void *context, enum report_end end)
{
	struct agent *agent = context;

	switch (end) {
	case REPORT_TOLD:
		agent->reports++;
		log_notice("core: told Pacemaker that %s has failed on this node",
		    agent->config.agent_resource);
		return;
	case REPORT_UNMANAGED:
		log_notice("core: Pacemaker does not manage %s on this node now, so it was not "
			   "told",
		    agent->config.agent_resource);
		break;
	case REPORT_FAILED:
		break;
	}
	watch_forget_report(&agent->watch);
}

static void
look(struct agent *agent)
{
	enum watch_fault fault;

	sight_look(&agent->sight, &agent->seen);
	fault = watch_look(&agent->watch, &agent->seen, clock_boot_ms());
	/* What this node's own end does to the core is no failure. */
	if (fault == WATCH_NO_FAULT || agent->pair.fencing.own != FENCING_OWN_FREE)
		return;
	agent->reported = fault;
	log_warning("core: mailcored (%d) %s", (int)agent->sight.life.pid, watch_fault_text(fault));
	if (agent->is_paired)
		agent_notify(agent, EVENT_CORE_FAILED, agent->node, agent->config.agent_resource,
		    watch_fault_text(fault));
	report_begin(&agent->report);
}

static void
on_look(void *data)
{
	struct agent *agent = data;
	qb_loop_timer_handle handle;

	look(agent);
	/* A core that is being promoted need not wait for it. */
	if (agent->is_paired)
		agent_lease(agent);
	qb_loop_timer_add(
	    agent->loop, QB_LOOP_HIGH, WATCH_LOOK_MS * 1000000ull, agent, on_look, &handle);
}

void
agent_care_open(struct agent *agent)
{
	sight_open(&agent->sight, agent->config.run_directory);
	watch_open(&agent->watch, (uint32_t)agent->config.agent_stuck_ms);
	agent->report = (struct report){
	    .loop = agent->loop,
	    .resource = agent->config.agent_resource,
	    .node = agent->node,
	    .done = on_reported,
	    .context = agent,
	};
	on_look(agent);
}

void
agent_care_close(struct agent *agent)
{
	report_close(&agent->report);
	sight_close(&agent->sight);
}
