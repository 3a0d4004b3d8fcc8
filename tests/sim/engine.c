/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Corosync and Pacemaker promise. Corosync: who has not been heard for the token's time is no
 * member any more. Pacemaker: who was lost is fenced before anything is promoted; a node that is
 * told of its own fencing leaves; a clean demote comes before the promote elsewhere; a node on
 * which something cannot be stopped is fenced.
 */
#include "tests/sim/world.h"

#define RING_US (25 * MS)
#define MEET_US (250 * MS)
#define COROSYNC_US (400 * MS)
#define THINK_US (100 * MS)
#define MONITOR_US (2 * S)
#define FAILURE_TIMEOUT_US (30 * S)

/* ---- Corosync ---- */

static bool
has_corosync(const struct world *w, const struct machine *m)
{
	return m->is_on && !m->is_paused && w->now_us - m->booted_us >= COROSYNC_US;
}

static bool
ring_carries(const struct world *w)
{
	if (w->now_us < w->ring_cut_us[0] || w->now_us < w->ring_cut_us[1])
		return false;
	if (w->now_us < w->flap_us[LINES] && w->now_us / (300 * MS) % 2)
		return false;
	return has_corosync(w, &w->machines[0]) && has_corosync(w, &w->machines[1]);
}

static void
member(struct world *w, struct machine *m, bool has_peer)
{
	struct engine *e = &m->engine;

	SAY(w, "%s: corosync %s its peer", name_of(m), has_peer ? "has" : "has lost");
	e->has_peer = has_peer;
	if (!has_peer && e->has_seen_peer && e->fenced_boot != peer_of(w, m)->boot)
		e->peer_is_unclean = true;
	if (m->node.runs)
		world_put(w, EV_MEMBER, m, between(w, 100, 20 * MS), has_peer);
}

void
engine_told_fenced(struct world *w, struct machine *m)
{
	if (!m->engine.runs)
		return;
	SAY(w, "%s: Pacemaker sees that it was fenced, and leaves", name_of(m));
	count(w, COUNT_TOLD_FENCED);
	m->engine.runs = false;
	m->engine.exited_us = w->now_us;
	if (!w->panics)
		return;
	/* That reset is Pacemaker's, and knows of no promise. */
	m->off_boot = 0;
	machine_end(w, m, false);
}

/* Both are members and speak with each other. */
static bool
are_joined(const struct world *w)
{
	const struct engine *a = &w->machines[0].engine, *b = &w->machines[1].engine;

	return a->has_peer && b->has_peer && a->runs && b->runs && !w->machines[0].is_paused &&
	       !w->machines[1].is_paused;
}

static void
meet(struct world *w)
{
	bool was_fenced[MACHINES];

	if (!are_joined(w))
		return;
	for (unsigned i = 0; i < MACHINES; i++)
		was_fenced[i] = w->machines[!i].engine.fenced_boot == w->machines[i].boot;
	for (unsigned i = 0; i < MACHINES; i++) {
		struct machine *m = &w->machines[i];

		if (was_fenced[i]) {
			engine_told_fenced(w, m);
			continue;
		}
		m->engine.has_seen_peer = true;
		m->engine.peer_is_unclean = false;
	}
}

void
engine_on_ring(struct world *w, struct machine *first, uint32_t a)
{
	bool carries = ring_carries(w);

	(void)a;
	world_put(w, EV_RING, first, RING_US, 0);
	if (carries != (w->ring_up_us != 0)) {
		w->ring_up_us = carries ? w->now_us : 0;
		w->ring_down_us = carries ? 0 : w->now_us;
	}
	for (unsigned i = 0; i < MACHINES; i++) {
		struct machine *m = &w->machines[i], *peer = peer_of(w, m);
		bool is_lost = w->ring_down_us && w->now_us - w->ring_down_us >= TOKEN_MS * MS;

		/* A ring of which the other has lost this one is no ring. */
		is_lost = is_lost || (has_corosync(w, peer) && !peer->engine.has_peer);
		if (m->engine.has_peer && has_corosync(w, m) && is_lost)
			member(w, m, false);
	}
	if (carries && w->now_us - w->ring_up_us >= MEET_US && !w->machines[0].engine.has_peer &&
	    !w->machines[1].engine.has_peer) {
		member(w, &w->machines[0], true);
		member(w, &w->machines[1], true);
	}
	meet(w);
}

/* ---- Pacemaker ---- */

void
engine_on_start(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	if (m->engine.runs)
		return;
	m->engine.runs = true;
	m->engine.run++;
	SAY(w, "%s: Pacemaker starts", name_of(m));
	action_begin(w, m, ACTION_RECOVER);
	world_put(w, EV_THINK, m, THINK_US, 0);
}

static void
mark_failed(struct world *w, struct machine *m)
{
	m->engine.has_failed = true;
	m->engine.failed_until_us = w->now_us + FAILURE_TIMEOUT_US;
}

void
engine_on_report(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	if (m->engine.action == ACTION_NONE)
		mark_failed(w, m);
}

/* The monitor, each 2 s. */
static void
monitor(struct world *w, struct machine *m)
{
	struct engine *e = &m->engine;
	const struct core *c = &m->core;
	bool is_bad = !c->runs || c->is_stopped || c->role == CORE_FAILED ||
		      (e->is_promoted && c->role != CORE_ACTIVE);

	if (!is_bad || e->action != ACTION_NONE)
		e->bad_since_us = 0;
	else if (e->bad_since_us == 0)
		e->bad_since_us = w->now_us;
	else if (w->now_us - e->bad_since_us >= MONITOR_US && !e->has_failed)
		mark_failed(w, m);
}

static bool
can_promote(const struct world *w, const struct machine *m)
{
	return m->engine.action == ACTION_NONE && !m->engine.has_failed &&
	       !m->engine.has_stop_failed && w->now_us >= m->engine.failed_until_us &&
	       m->core.runs && m->core.role == CORE_STANDBY;
}

static bool
recovers(struct world *w, struct machine *m)
{
	if (!m->engine.has_failed || m->engine.has_stop_failed || m->engine.action != ACTION_NONE)
		return false;
	action_begin(w, m, ACTION_RECOVER);
	return true;
}

static void
fence(struct world *w, struct machine *m)
{
	if (!m->engine.fences[0].is_open && w->now_us >= m->engine.retry_us)
		fencer_ask(w, m, 0, true);
}

static void
plan_alone(struct world *w, struct machine *m)
{
	struct engine *e = &m->engine;
	const struct engine *peer = &peer_of(w, m)->engine;

	/* A member that does not answer is waited for, until it is none. */
	if (e->has_peer && (peer->runs || !peer->has_peer))
		return;
	if (!e->has_seen_peer || e->action != ACTION_NONE || recovers(w, m))
		return;
	if (e->peer_is_unclean)
		fence(w, m);
	else if (!e->is_promoted && can_promote(w, m))
		action_begin(w, m, ACTION_PROMOTE);
}

static void
promote_one(struct world *w)
{
	unsigned first = (unsigned)between(w, 0, 1);

	for (unsigned i = 0; i < MACHINES; i++) {
		struct machine *m = &w->machines[(first + i) % MACHINES];

		if (!can_promote(w, m))
			continue;
		action_begin(w, m, ACTION_PROMOTE);
		return;
	}
}

static void
move(struct world *w, struct machine *from)
{
	struct machine *to = peer_of(w, from);

	w->wants_move = false;
	if (!can_promote(w, to))
		return;
	/* Not back again at once. */
	from->engine.failed_until_us = w->now_us + 2 * S;
	action_begin(w, from, ACTION_DEMOTE);
}

/* What the one of the two decides that decides for both. */
static void
plan_pair(struct world *w)
{
	struct machine *a = &w->machines[0], *b = &w->machines[1];

	for (unsigned i = 0; i < MACHINES; i++)
		if (w->machines[i].engine.has_stop_failed)
			fence(w, &w->machines[!i]);
	if (a->engine.fences[0].is_open || b->engine.fences[0].is_open ||
	    a->engine.action != ACTION_NONE || b->engine.action != ACTION_NONE)
		return;
	if (a->engine.has_stop_failed || b->engine.has_stop_failed || recovers(w, a) ||
	    recovers(w, b))
		return;
	if (a->engine.is_promoted && b->engine.is_promoted)
		action_begin(w, a->core.generation < b->core.generation ? a : b, ACTION_DEMOTE);
	else if (!a->engine.is_promoted && !b->engine.is_promoted)
		promote_one(w);
	else if (w->wants_move)
		move(w, a->engine.is_promoted ? a : b);
}

void
engine_on_think(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	world_put(w, EV_THINK, m, THINK_US, 0);
	monitor(w, m);
	if (!are_joined(w))
		plan_alone(w, m);
	else if (m->index == 0)
		plan_pair(w);
}
