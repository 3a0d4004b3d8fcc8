/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Pacemaker has the resource agents do on one node, stage by stage, as ocf/ and
 * resource-agents/ do it: who takes something looks at the latch first, and holds its lock.
 */
#include "tests/sim/world.h"

#define PROMOTE_TIMEOUT_US (20 * S)
#define STOP_TIMEOUT_US (5 * S)
#define FAILURE_TIMEOUT_US (30 * S)
#define AGAIN_US (30 * MS)

void
action_begin(struct world *w, struct machine *m, enum action action)
{
	static const char *const names[] = {"nothing", "promote", "demote", "recover"};

	SAY(w, "Pacemaker on %s: %s", name_of(m), names[action]);
	m->engine.action = action;
	m->engine.stage = 0;
	m->engine.action_deadline_us =
	    w->now_us + (action == ACTION_PROMOTE ? PROMOTE_TIMEOUT_US : STOP_TIMEOUT_US);
	world_put(w, EV_ACTION, m, between(w, 1 * MS, 30 * MS), 0);
}

static void
end(struct world *w, struct machine *m, bool is_done)
{
	struct engine *e = &m->engine;

	m->is_acting = false;
	if (!is_done) {
		SAY(w, "%s: that action fails", name_of(m));
		e->has_failed = true;
		e->failed_until_us = w->now_us + FAILURE_TIMEOUT_US;
	}
	e->action = ACTION_NONE;
}

static void
fail_to_stop(struct world *w, struct machine *m)
{
	SAY(w, "%s: it cannot be stopped, so the node has to be fenced", name_of(m));
	m->engine.has_stop_failed = true;
	end(w, m, false);
}

static void
go_on(struct world *w, struct machine *m, unsigned stage, uint64_t from_us, uint64_t to_us)
{
	m->engine.stage = stage;
	world_put(w, EV_ACTION, m, between(w, from_us, to_us), 0);
}

/* Wait for it until the action's time is up. */
static bool
wait(struct world *w, struct machine *m)
{
	if (w->now_us >= m->engine.action_deadline_us)
		return false;
	world_put(w, EV_ACTION, m, AGAIN_US, 0);
	return true;
}

static bool
may_take(struct world *w, const struct machine *m)
{
	if (m->has_latch)
		count(w, COUNT_LATCH_REFUSED);
	return !m->has_latch;
}

/* ---- promote ---- */

static void
mount(struct world *w, struct machine *m)
{
	if (array_way(w, m) == WAY_HANGS) {
		if (!wait(w, m))
			end(w, m, false);
		return;
	}
	m->is_acting = false;
	if (!array_accepts(w, m)) {
		end(w, m, false);
		return;
	}
	m->is_mounted = m->engine.is_promoted = true;
	m->has_demoted = false;
	law_took(w, m, "mounts the store");
	go_on(w, m, 2, 1 * MS, 20 * MS);
}

static void
begin_core(struct world *w, struct machine *m)
{
	if (!may_take(w, m) || !m->core.runs || m->core.role != CORE_STANDBY) {
		end(w, m, false);
		return;
	}
	m->is_acting = true;
	m->engine.core_run = m->core.run;
	core_enter(w, m, CORE_PROMOTING);
	go_on(w, m, 3, 20 * MS, 150 * MS);
}

static void
activate(struct world *w, struct machine *m)
{
	struct core *c = &m->core;

	if (!c->runs || c->run != m->engine.core_run || c->role != CORE_PROMOTING) {
		end(w, m, false);
		return;
	}
	if (c->is_stopped || array_way(w, m) == WAY_HANGS) {
		if (!wait(w, m))
			end(w, m, false);
		return;
	}
	if (!array_accepts(w, m)) {
		core_enter(w, m, CORE_FAILED);
		end(w, m, false);
		return;
	}
	m->is_acting = false;
	c->generation = ++w->array.generation;
	c->position = w->array.end;
	w->array.raised_us = w->now_us;
	core_enter(w, m, CORE_ACTIVE);
	law_became_active(w, m);
	go_on(w, m, 4, 1 * MS, 10 * MS);
}

static void
promote(struct world *w, struct machine *m)
{
	switch (m->engine.stage) {
	case 0:
		if (!may_take(w, m) || !m->has_marker) {
			end(w, m, false);
			return;
		}
		m->is_acting = true;
		go_on(w, m, 1, 10 * MS, 80 * MS);
		return;
	case 1:
		mount(w, m);
		return;
	case 2:
		begin_core(w, m);
		return;
	case 3:
		activate(w, m);
		return;
	default:
		if (may_take(w, m)) {
			m->has_address = true;
			law_took(w, m, "takes the address");
			end(w, m, true);
		} else {
			end(w, m, false);
		}
		return;
	}
}

/* ---- demote, recover ---- */

static void
demote_core(struct world *w, struct machine *m)
{
	struct core *c = &m->core;

	if (!c->runs || (c->role != CORE_ACTIVE && c->role != CORE_DEMOTING)) {
		end(w, m, false);
		return;
	}
	if (c->role == CORE_ACTIVE && !c->is_stopped)
		core_enter(w, m, CORE_DEMOTING);
	if (c->is_stopped || c->is_writing) {
		if (!wait(w, m))
			end(w, m, false);
		return;
	}
	c->is_owing = c->was_held = false;
	core_enter(w, m, CORE_STANDBY);
	go_on(w, m, 2, 5 * MS, 40 * MS);
}

static bool
unmount(struct world *w, struct machine *m)
{
	if (m->core.is_writing || (m->is_mounted && array_way(w, m) == WAY_HANGS)) {
		if (!wait(w, m))
			fail_to_stop(w, m);
		return false;
	}
	m->is_mounted = m->engine.is_promoted = false;
	return true;
}

static void
demote(struct world *w, struct machine *m)
{
	if (m->engine.stage == 0) {
		m->is_acting = true;
		m->has_address = false;
		go_on(w, m, 1, 1 * MS, 10 * MS);
	} else if (m->engine.stage == 1) {
		demote_core(w, m);
	} else if (unmount(w, m)) {
		m->has_demoted = true;
		end(w, m, true);
	}
}

static void
recover(struct world *w, struct machine *m)
{
	switch (m->engine.stage) {
	case 0:
		m->is_acting = true;
		m->has_address = false;
		core_kill(w, m);
		go_on(w, m, 1, 1 * MS, 20 * MS);
		return;
	case 1:
		if (unmount(w, m)) {
			m->is_acting = false;
			go_on(w, m, 2, 1 * MS, 10 * MS);
		}
		return;
	case 2:
		if (!may_take(w, m)) {
			end(w, m, false);
			return;
		}
		core_start(w, m);
		go_on(w, m, 3, 200 * MS, 250 * MS);
		return;
	default:
		m->engine.has_failed = m->engine.has_stop_failed = false;
		end(w, m, m->core.runs && m->core.role == CORE_STANDBY);
		return;
	}
}

void
action_on_stage(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	switch (m->engine.action) {
	case ACTION_NONE:
		return;
	case ACTION_PROMOTE:
		promote(w, m);
		return;
	case ACTION_DEMOTE:
		demote(w, m);
		return;
	case ACTION_RECOVER:
		recover(w, m);
		return;
	}
}
