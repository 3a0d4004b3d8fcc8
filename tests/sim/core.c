/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailcored: a stream of messages, each written and synced, and then acknowledged if the lease
 * holds. Its journal is one row of places in the array; who writes where an acknowledged message
 * lies has destroyed it.
 */
#include "tests/sim/world.h"

#define WRITE_TIMEOUT_US (10 * S)
#define TICK_LAG_US (30 * MS)
#define HELD_LOOK_US (10 * MS)

void
core_enter(struct world *w, struct machine *m, enum core_role role)
{
	SAY(w, "%s: the core is %s", name_of(m), core_role_name(role));
	m->core.role = role;
	m->core.changed_us = w->now_us;
	if (role == CORE_ACTIVE)
		world_put(w, EV_COMMIT, m, between(w, 1 * MS, 50 * MS), 0);
}

void
core_start(struct world *w, struct machine *m)
{
	m->core = (struct core){.run = m->core.run + 1, .runs = true};
	core_enter(w, m, CORE_STARTING);
	world_put(w, EV_CORE_UP, m, between(w, 20 * MS, 200 * MS), 0);
}

void
core_on_up(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	core_enter(w, m, CORE_STANDBY);
}

/* A write that is under way goes on: the kernel has it. */
void
core_kill(struct world *w, struct machine *m)
{
	struct core *c = &m->core;

	if (!c->runs)
		return;
	SAY(w, "%s: the core is killed", name_of(m));
	c->runs = c->is_stopped = c->is_owing = false;
	machine_drop_held(w, m, OF_CORE);
}

void
core_stop(struct world *w, struct machine *m, uint64_t for_us)
{
	if (!m->core.runs || m->core.is_stopped)
		return;
	SAY(w, "%s: the core is stopped for %llu ms", name_of(m),
	    (unsigned long long)(for_us / MS));
	m->core.is_stopped = true;
	m->core.stopped_us = w->now_us;
	world_put(w, EV_CORE_RESUME, m, for_us, m->core.run);
}

void
core_on_resume(struct world *w, struct machine *m, uint32_t run)
{
	if (m->core.run != run || !m->core.is_stopped)
		return;
	SAY(w, "%s: the core goes on", name_of(m));
	m->core.is_stopped = false;
	m->core.changed_us = w->now_us;
	machine_let_go(w, m);
}

uint64_t
core_tick_ms(const struct world *w, const struct machine *m)
{
	uint64_t at_us = w->now_us;

	if (m->core.is_stopped)
		at_us = m->core.stopped_us;
	else if (m->resumed_us && w->now_us - m->resumed_us < TICK_LAG_US)
		at_us = m->paused_us;
	return machine_ms(w, m) - (w->now_us - at_us) / MS;
}

bool
core_lease_holds(const struct world *w, const struct machine *m)
{
	return m->lease.until_ms > machine_ms(w, m) && m->lease.generation == m->core.generation;
}

/* ---- one message ---- */

void
core_on_commit(struct world *w, struct machine *m, uint32_t a)
{
	struct core *c = &m->core;
	uint64_t takes_us = between(w, 1 * MS, chance_in_1000(&w->chance, 20) ? 600 * MS : 15 * MS);

	(void)a;
	if (c->role != CORE_ACTIVE || c->is_writing || c->is_owing)
		return;
	c->message = ++w->message_last;
	c->is_writing = true;
	c->write_deadline_us = w->now_us + WRITE_TIMEOUT_US;
	world_put(w, EV_WRITE, m, takes_us, 0);
}

static void
write_fails(struct world *w, struct machine *m)
{
	if (!array_has_key(w, m))
		count(w, COUNT_WRITES_BARRED);
	if (m->core.runs)
		core_enter(w, m, CORE_FAILED);
}

void
core_on_write(struct world *w, struct machine *m, uint32_t a)
{
	struct core *c = &m->core;

	(void)a;
	if (!c->is_writing)
		return;
	if (array_way(w, m) == WAY_HANGS && w->now_us < c->write_deadline_us) {
		world_put(w, EV_WRITE, m, 20 * MS, 0);
		return;
	}
	c->is_writing = false;
	if (!array_accepts(w, m)) {
		write_fails(w, m);
		return;
	}
	law_written(w, m);
	w->array.journal[c->position].message = c->message;
	if (w->array.end < ++c->position)
		w->array.end = c->position;
	c->synced_us = w->now_us;
	if (!c->runs)
		return;
	c->is_owing = true;
	world_put(
	    w, EV_ACK, m, between(w, 10, chance_in_1000(&w->chance, 150) ? 2 * S : 3 * MS), 0);
}

void
core_on_ack(struct world *w, struct machine *m, uint32_t a)
{
	struct core *c = &m->core;

	(void)a;
	if (!c->is_owing || c->role != CORE_ACTIVE)
		return;
	if (!core_lease_holds(w, m)) {
		if (!c->was_held)
			count(w, COUNT_ACKS_HELD);
		c->was_held = true;
		world_put(w, EV_ACK, m, HELD_LOOK_US, 0);
		return;
	}
	law_acknowledged(w, m);
	c->is_owing = c->was_held = false;
	world_put(w, EV_COMMIT, m, chance_spread(&w->chance, 10 * MS, 300 * MS), 0);
}
