/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pacemaker's fencer: level 1 is fence_gemel, which asks the agent; level 2 a power switch, which
 * works sometimes, and takes its time. Any success is believed.
 */
#include "tests/sim/world.h"

#define LATE_US ((FENCE_TIMEOUT_MS + 1000) * MS)
#define RETRY_US (1 * S)

static uint32_t
ticket_of(const struct machine *m, unsigned slot)
{
	return m->engine.fences[slot].serial * FENCES + slot;
}

static struct fence *
find(struct machine *m, uint32_t ticket)
{
	struct fence *fence = &m->engine.fences[ticket % FENCES];

	return m->engine.runs && fence->is_open && fence->serial == ticket / FENCES ? fence : NULL;
}

static void
succeed(struct world *w, struct machine *m, struct fence *fence)
{
	struct machine *peer = peer_of(w, m);
	struct engine *e = &m->engine;

	SAY(w, "Pacemaker on %s: %s is fenced", name_of(m), name_of(peer));
	fence->is_open = false;
	e->peer_is_unclean = false;
	e->has_fenced = true;
	e->fenced_boot = fence->boot;
	/* Who is a member all the same is told, in whatever life. */
	if (e->has_peer && peer->engine.has_peer && !peer->is_paused)
		engine_told_fenced(w, peer);
}

static void
next_level(struct world *w, struct machine *m, struct fence *fence)
{
	if (fence->level == 1) {
		fence->level = 2;
		world_put(w, EV_POWER, m, chance_spread(&w->chance, 50 * MS, 5 * S),
		    ticket_of(m, (unsigned)(fence - m->engine.fences)));
		return;
	}
	fence->is_open = false;
	m->engine.retry_us = w->now_us + RETRY_US;
}

void
fencer_ask(struct world *w, struct machine *m, unsigned slot, bool is_reboot)
{
	struct machine *peer = peer_of(w, m);
	struct fence *fence = &m->engine.fences[slot];
	uint32_t ticket;

	SAY(w, "Pacemaker on %s%s: %s is to %s", name_of(m), slot ? " (by hand)" : "",
	    name_of(peer), is_reboot ? "be reset" : "go off");
	*fence = (struct fence){
	    .is_open = true,
	    .is_reboot = is_reboot,
	    .level = 1,
	    .serial = fence->serial + 1,
	    .boot = peer->boot,
	};
	ticket = ticket_of(m, slot);
	if (m->node.runs)
		world_put(w, EV_FENCE, m, between(w, 1 * MS, 5 * MS), ticket);
	else
		next_level(w, m, fence);
	world_put(w, EV_FENCE_LATE, m, LATE_US, ticket);
}

void
fencer_answer(struct world *w, struct machine *m, uint32_t ticket, bool is_proved)
{
	if (m->engine.runs)
		world_put(w, EV_FENCED, m, between(w, 500, 2 * MS), ticket * 2 + is_proved);
}

void
fencer_on_answer(struct world *w, struct machine *m, uint32_t a)
{
	struct fence *fence = find(m, a / 2);

	if (!fence || fence->level != 1)
		return;
	if (a % 2)
		succeed(w, m, fence);
	else
		next_level(w, m, fence);
}

void
fencer_on_late(struct world *w, struct machine *m, uint32_t ticket)
{
	struct fence *fence = find(m, ticket);

	if (fence && fence->level == 1)
		next_level(w, m, fence);
}

void
fencer_on_power(struct world *w, struct machine *m, uint32_t ticket)
{
	struct machine *peer = peer_of(w, m);
	struct fence *fence = find(m, ticket);

	if (!fence)
		return;
	if (m->is_paused) {
		world_put(w, EV_POWER, m, 100 * MS, ticket);
		return;
	}
	if (!chance_in_1000(&w->chance, w->switch_permille)) {
		SAY(w, "the power switch of %s does not answer", name_of(peer));
		next_level(w, m, fence);
		return;
	}
	count(w, COUNT_PROVED_POWER);
	SAY(w, "the power switch turns %s off", name_of(peer));
	if (fence->is_reboot)
		peer->off_boot = 0;
	if (peer->is_on)
		machine_end(w, peer, !fence->is_reboot);
	else if (fence->is_reboot)
		world_put(w, EV_BOOT, peer, between(w, 1 * S, 5 * S), 1);
	law_fenced(w, m);
	/* Who is to tell the agent waits until it is there. */
	world_put(w, EV_TELL, m, between(w, 1 * MS, 50 * MS), (uint32_t)machine_ms(w, m));
	succeed(w, m, fence);
}
