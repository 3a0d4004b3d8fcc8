/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared array: who is registered, and what the agent has run there (agent/barring.h is the
 * original): register once in a life, look for the own key, bar the peer.
 *
 * Each command takes time, and is done at one moment. On a way that hangs it ends by its time-out,
 * and may be done nevertheless, later.
 */
#include "tests/sim/world.h"

#define COMMAND_TIMEOUT_US (5 * S)

enum {
	BAR_READ_BACK,
	BAR_FAILED,
};

enum way
array_way(const struct world *w, const struct machine *m)
{
	return w->now_us < m->way_until_us ? m->way : WAY_OK;
}

static bool
can_read(const struct world *w, const struct machine *m)
{
	enum way way = array_way(w, m);

	return way == WAY_OK || way == WAY_READ_ONLY;
}

bool
array_has_key(const struct world *w, const struct machine *m)
{
	return !w->array.has_reservations ||
	       (w->array.keys[m->index].is_there && w->array.keys[m->index].boot == m->boot);
}

bool
array_accepts(const struct world *w, const struct machine *m)
{
	return array_way(w, m) == WAY_OK && array_has_key(w, m);
}

static uint64_t
command_us(struct world *w)
{
	return between(w, 1 * MS, chance_in_1000(&w->chance, 50) ? 400 * MS : 10 * MS);
}

/* ---- this node's own place ---- */

void
array_begin(struct world *w, struct machine *m)
{
	if (!w->array.has_reservations) {
		m->has_marker = true;
		return;
	}
	if (!m->has_marker)
		world_put(w, EV_REGISTER, m, command_us(w), 0);
	world_put(w, EV_KEY_LOOK, m, 0, 0);
}

void
array_on_register(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	if (array_way(w, m) != WAY_OK) {
		world_put(w, EV_REGISTER, m, 1 * S, 0);
		return;
	}
	SAY(w, "%s registers its life %u at the array", name_of(m), m->boot);
	w->array.keys[m->index].is_there = true;
	w->array.keys[m->index].boot = m->boot;
	law_registered(w, m);
	world_put(w, EV_REGISTERED, m, command_us(w), 0);
}

void
array_on_registered(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	if (can_read(w, m) && array_has_key(w, m)) {
		m->has_marker = true;
		m->marked_boot = m->boot;
	} else {
		world_put(w, EV_REGISTER, m, 1 * S, 0);
	}
}

void
array_on_key_look(struct world *w, struct machine *m, uint32_t a)
{
	struct node *n = &m->node;
	const uint64_t now_ms = machine_ms(w, m);

	(void)a;
	world_put(w, EV_KEY_LOOK, m, STEP_MS * MS, 0);
	if (!m->has_marker || n->is_looking)
		return;
	if (now_ms - n->looked_ms <
	    (pair_needs_look(&n->pair, now_ms) ? KEY_WAITED_MS : KEY_CHECK_MS))
		return;
	n->is_looking = true;
	n->looked_ms = now_ms;
	world_put(w, EV_KEY_SEEN, m, command_us(w), (uint32_t)now_ms);
}

static void
found_gone(struct world *w, struct machine *m)
{
	if (!m->node.is_wrong)
		count(w, COUNT_KEY_GONE);
	SAY(w, "%s finds its key gone from the array", name_of(m));
	m->node.is_wrong = true;
}

void
array_on_key_seen(struct world *w, struct machine *m, uint32_t looked_ms)
{
	m->node.is_looking = false;
	if (!can_read(w, m))
		return;
	if (array_has_key(w, m)) {
		pair_has_key(&m->node.pair, looked_ms);
		return;
	}
	found_gone(w, m);
	node_step(w, m);
}

/* ---- the peer's end ---- */

void
array_bar(struct world *w, struct machine *m)
{
	SAY(w, "%s begins to bar its peer", name_of(m));
	law_bars(w, m);
	m->node.took_key = false;
	world_put(w, EV_BAR_LOOKED, m, command_us(w), 0);
}

static void
bar_fails(struct world *w, struct machine *m)
{
	world_put(
	    w, EV_BAR_ENDED, m, array_way(w, m) == WAY_HANGS ? COMMAND_TIMEOUT_US : 0, BAR_FAILED);
}

void
array_on_bar_looked(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	if (!can_read(w, m) || !m->has_marker) {
		bar_fails(w, m);
		return;
	}
	if (!array_has_key(w, m)) {
		found_gone(w, m);
		bar_fails(w, m);
	} else if (w->array.keys[!m->index].is_there) {
		m->node.took_key = true;
		world_put(w, EV_BAR_PREEMPT, m, command_us(w), m->node.run);
	} else {
		world_put(w, EV_BAR_ENDED, m, command_us(w), BAR_READ_BACK);
	}
}

void
array_on_preempt(struct world *w, struct machine *m, uint32_t agent_run)
{
	struct machine *peer = peer_of(w, m);
	enum way way = array_way(w, m);
	bool is_asked = m->node.runs && m->node.run == agent_run;

	if (way == WAY_HANGS && chance_in_1000(&w->chance, 900)) {
		/* It may come late; who asked does not wait for it. */
		if (is_asked)
			bar_fails(w, m);
		world_put(w, EV_BAR_PREEMPT, m, 300 * MS, 0);
		return;
	}
	if (way == WAY_OK && array_has_key(w, m) && w->array.keys[peer->index].is_there) {
		SAY(w, "%s preempts the key of life %u of %s", name_of(m),
		    w->array.keys[peer->index].boot, name_of(peer));
		w->array.keys[peer->index].is_there = false;
		peer->key_gone_us = w->now_us;
		fault_at_preempt(w, peer);
	}
	if (!is_asked)
		return;
	if (way == WAY_OK)
		world_put(w, EV_BAR_ENDED, m, command_us(w), BAR_READ_BACK);
	else
		bar_fails(w, m);
}

void
array_on_bar_ended(struct world *w, struct machine *m, uint32_t a)
{
	bool is_barred = a == BAR_READ_BACK && can_read(w, m) && array_has_key(w, m) &&
			 !w->array.keys[!m->index].is_there;

	SAY(w, "%s %s", name_of(m), is_barred ? "sees its peer barred" : "could not bar its peer");
	if (!is_barred)
		count(w, COUNT_BAR_FAILED);
	pair_barred(&m->node.pair, m->node.took_key, is_barred ? NULL : "it could not be barred",
	    machine_ms(w, m));
	node_step(w, m);
}
