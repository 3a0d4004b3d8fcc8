/* SPDX-License-Identifier: BSD-2-Clause */
/* Power, boots, pauses, and the clock of a machine. */
#include "tests/sim/world.h"

#define CLOCK_AT_BOOT_MS 5000

uint64_t
machine_ms(const struct world *w, const struct machine *m)
{
	uint64_t since_us = w->now_us - m->booted_us;

	return CLOCK_AT_BOOT_MS + since_us * (uint64_t)(1000000 + m->drift_ppm) / 1000000000;
}

/* ---- what cannot be taken now ---- */

void
machine_hold(struct machine *m, const struct event *event)
{
	if (m->held_count < HELD)
		m->held[m->held_count++] = *event;
}

void
machine_let_go(struct world *w, struct machine *m)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < m->held_count; i++) {
		enum event_owner owner = event_owner(m->held[i].kind);
		bool is_agents = owner == OF_AGENT || owner == OF_WIRE;

		if (m->is_paused || (is_agents && m->node.is_stopped) ||
		    (owner == OF_CORE && m->core.is_stopped)) {
			m->held[kept++] = m->held[i];
			continue;
		}
		m->held[i].at_us = w->now_us;
		queue_put(&w->queue, m->held[i]);
	}
	m->held_count = kept;
}

void
machine_drop_held(struct world *w, struct machine *m, enum event_owner owner)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < m->held_count; i++) {
		if (event_owner(m->held[i].kind) != owner)
			m->held[kept++] = m->held[i];
		else if (m->held[i].kind == EV_PACKET)
			w->packets[m->held[i].a >> 2].is_used = false;
	}
	m->held_count = kept;
}

/* ---- power ---- */

static void
empty(struct machine *m)
{
	uint32_t node_run = m->node.run, core_run = m->core.run, engine_run = m->engine.run;
	uint32_t serials[FENCES];

	for (unsigned i = 0; i < FENCES; i++)
		serials[i] = m->engine.fences[i].serial;
	m->node = (struct node){.run = node_run + 1};
	m->core = (struct core){.run = core_run + 1};
	m->engine = (struct engine){.run = engine_run + 1};
	for (unsigned i = 0; i < FENCES; i++)
		m->engine.fences[i].serial = serials[i] + 1;
	m->has_latch = m->latch_is_off = m->was_alone = m->has_address = m->is_mounted =
	    m->is_acting = false;
	m->has_marker = false;
	m->lease.until_ms = 0;
}

void
machine_on_boot(struct world *w, struct machine *m, uint32_t is_by_hand)
{
	if (m->is_on || (m->stays_off && !is_by_hand))
		return;
	if (m->boot && w->now_us < m->end_us + PAIR_REBOOT_MS * MS) {
		world_put(w, EV_BOOT, m, m->end_us + PAIR_REBOOT_MS * MS - w->now_us, is_by_hand);
		return;
	}
	law_boots(w, m, is_by_hand);
	empty(m);
	m->is_on = true;
	m->stays_off = false;
	m->boot++;
	m->booted_us = w->now_us;
	m->resumed_us = 0;
	m->evidence_us = 0;
	for (unsigned i = 0; i < ID128_BYTES; i++)
		m->life.bytes[i] = (uint8_t)chance_bits(&w->chance);
	count(w, COUNT_BOOTS);
	SAY(w, "%s boots, life %u (%02x%02x...)", name_of(m), m->boot, m->life.bytes[0],
	    m->life.bytes[1]);
	world_put(w, EV_AGENT_START, m, between(w, 100 * MS, 500 * MS), 0);
	world_put(w, EV_ENGINE_START, m, between(w, 600 * MS, 2 * S), 0);
}

void
machine_end(struct world *w, struct machine *m, bool stays_off)
{
	if (!m->is_on)
		return;
	SAY(w, "%s is off%s", name_of(m), stays_off ? ", and stays off" : "");
	/* What was under way to the array has come there, or not. */
	if (m->core.is_writing && chance_in_1000(&w->chance, 500))
		core_on_write(w, m, 0);
	m->is_on = m->is_paused = false;
	m->stays_off = stays_off;
	m->end_us = w->now_us;
	machine_drop_held(w, m, OF_WIRE);
	m->held_count = 0;
	empty(m);
	if (!stays_off)
		world_put(w, EV_BOOT, m,
		    chance_in_1000(&w->chance, 300) ? PAIR_REBOOT_MS * MS
						    : chance_spread(&w->chance, 1 * S, 8 * S),
		    0);
}

/* ---- pauses ---- */

void
machine_pause(struct world *w, struct machine *m, uint64_t for_us)
{
	if (!m->is_on || m->is_paused)
		return;
	SAY(w, "%s is paused for %llu ms", name_of(m), (unsigned long long)(for_us / MS));
	m->is_paused = true;
	m->paused_us = w->now_us;
	m->resume_due_us = w->now_us + for_us;
	world_put(w, EV_RESUME, m, for_us, m->boot);
}

void
machine_on_resume(struct world *w, struct machine *m, uint32_t boot)
{
	if (!m->is_paused || m->boot != boot || w->now_us < m->resume_due_us)
		return;
	SAY(w, "%s goes on", name_of(m));
	m->is_paused = false;
	m->resumed_us = w->now_us;
	machine_let_go(w, m);
}
