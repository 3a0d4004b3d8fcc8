/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong, at random; and the end of all that, after which everything has to come right. */
#include "tests/sim/world.h"

#define BEGIN_US (6 * S)
#define END_US (32 * S)
#define FOR_FROM_US (50 * MS)
#define FOR_TO_US (12 * S)

static uint64_t
how_long(struct world *w)
{
	return chance_spread(&w->chance, FOR_FROM_US, FOR_TO_US);
}

/* Until when, if it were cut so long now, and is already cut until then. */
static void
extend(const struct world *w, uint64_t *until_us, uint64_t for_us)
{
	if (w->now_us + for_us > *until_us)
		*until_us = w->now_us + for_us;
}

static void
cut_lines(struct world *w, uint64_t for_us)
{
	for (unsigned i = 0; i < LINES; i++)
		for (unsigned from = 0; from < MACHINES; from++)
			extend(w, &w->line_cut_us[i][from], for_us);
}

static void
fault_ring(struct world *w, struct machine *m, uint64_t for_us)
{
	extend(w, &w->ring_cut_us[m->index], for_us);
	if (chance_in_1000(&w->chance, 500))
		extend(w, &w->ring_cut_us[!m->index], for_us);
}

static void
fault_line(struct world *w, struct machine *m, uint64_t for_us)
{
	unsigned line = (unsigned)between(w, 0, LINES - 1);

	extend(w, &w->line_cut_us[line][m->index], for_us);
	extend(w, &w->line_cut_us[line][!m->index], for_us);
}

static void
fault_line_one_way(struct world *w, struct machine *m, uint64_t for_us)
{
	/* All lines in the same direction are worth a case of their own. */
	if (chance_in_1000(&w->chance, 500))
		for (unsigned line = 0; line < LINES; line++)
			extend(w, &w->line_cut_us[line][m->index], for_us);
	else
		extend(w, &w->line_cut_us[between(w, 0, LINES - 1)][m->index], for_us);
}

static void
fault_lines(struct world *w, struct machine *m, uint64_t for_us)
{
	(void)m;
	cut_lines(w, for_us);
}

static void
fault_all(struct world *w, struct machine *m, uint64_t for_us)
{
	cut_lines(w, for_us);
	extend(w, &w->ring_cut_us[m->index], for_us);
}

static void
fault_loss(struct world *w, struct machine *m, uint64_t for_us)
{
	(void)m;
	extend(w, &w->loss_us, for_us);
	w->loss_permille = (unsigned)between(w, 100, 900);
}

static void
fault_flap(struct world *w, struct machine *m, uint64_t for_us)
{
	(void)m;
	extend(w, &w->flap_us[between(w, 0, LINES)], for_us);
}

static void
fault_pause(struct world *w, struct machine *m, uint64_t for_us)
{
	machine_pause(w, m, for_us > 10 * S ? 10 * S : for_us);
}

static void
fault_power(struct world *w, struct machine *m, uint64_t for_us)
{
	(void)for_us;
	if (!m->is_on)
		return;
	machine_end(w, m, chance_in_1000(&w->chance, 100));
	/* It comes back with the power, whatever it has promised. */
	m->off_boot = 0;
}

static void
fault_agent_kill(struct world *w, struct machine *m, uint64_t for_us)
{
	(void)for_us;
	node_kill(w, m);
}

static void
fault_agent_stop(struct world *w, struct machine *m, uint64_t for_us)
{
	node_stop(w, m, for_us);
}

static void
fault_core_kill(struct world *w, struct machine *m, uint64_t for_us)
{
	(void)for_us;
	core_kill(w, m);
}

static void
fault_core_stop(struct world *w, struct machine *m, uint64_t for_us)
{
	core_stop(w, m, for_us);
}

static void
spoil_way(struct world *w, struct machine *m, enum way way, uint64_t for_us)
{
	m->way = way;
	m->way_until_us = w->now_us + for_us;
}

static void
fault_disk_cut(struct world *w, struct machine *m, uint64_t for_us)
{
	spoil_way(w, m, WAY_CUT, for_us);
}

static void
fault_disk_hang(struct world *w, struct machine *m, uint64_t for_us)
{
	spoil_way(w, m, WAY_HANGS, for_us);
}

static void
fault_disk_read_only(struct world *w, struct machine *m, uint64_t for_us)
{
	spoil_way(w, m, WAY_READ_ONLY, for_us);
}

static void
fault_move(struct world *w, struct machine *m, uint64_t for_us)
{
	(void)m;
	(void)for_us;
	w->wants_move = true;
}

static void
fault_operator_fence(struct world *w, struct machine *m, uint64_t for_us)
{
	(void)for_us;
	if (m->is_on && !m->is_paused && m->engine.runs && !m->engine.fences[1].is_open)
		fencer_ask(w, m, 1, chance_in_1000(&w->chance, 700));
}

static const struct {
	enum count count;
	unsigned weight;
	const char *text;
	void (*begin)(struct world *w, struct machine *m, uint64_t for_us);
} faults[] = {
    {COUNT_FAULT_RING, 4, "the rings are cut", fault_ring},
    {COUNT_FAULT_LINE, 2, "one line is cut", fault_line},
    {COUNT_FAULT_LINE_ONE_WAY, 3, "lines are cut one way", fault_line_one_way},
    {COUNT_FAULT_LINES, 3, "all lines are cut", fault_lines},
    {COUNT_FAULT_ALL, 4, "all between them is cut", fault_all},
    {COUNT_FAULT_LOSS, 2, "the lines lose and delay", fault_loss},
    {COUNT_FAULT_FLAP, 2, "a link flaps", fault_flap},
    {COUNT_FAULT_PAUSE, 4, "a pause", fault_pause},
    {COUNT_FAULT_POWER, 2, "a power cut", fault_power},
    {COUNT_FAULT_AGENT_KILL, 3, "an agent is killed", fault_agent_kill},
    {COUNT_FAULT_AGENT_STOP, 4, "an agent is stopped", fault_agent_stop},
    {COUNT_FAULT_CORE_KILL, 2, "a core is killed", fault_core_kill},
    {COUNT_FAULT_CORE_STOP, 2, "a core is stopped", fault_core_stop},
    {COUNT_FAULT_DISK_CUT, 2, "a way to the array is cut", fault_disk_cut},
    {COUNT_FAULT_DISK_HANG, 2, "a way to the array hangs", fault_disk_hang},
    {COUNT_FAULT_DISK_READ_ONLY, 1, "a way to the array is read-only", fault_disk_read_only},
    {COUNT_FAULT_MOVE, 2, "an operator moves the service", fault_move},
    {COUNT_FAULT_OPERATOR_FENCE, 3, "an operator fences", fault_operator_fence},
};

#define KINDS (sizeof(faults) / sizeof(faults[0]))

static unsigned
choose(struct world *w)
{
	unsigned kind;

	do
		kind = (unsigned)between(w, 0, KINDS - 1);
	while (!(w->fault_kinds >> kind & 1) || between(w, 1, 4) > faults[kind].weight);
	return kind;
}

void
fault_on_fault(struct world *w, struct machine *first, uint32_t a)
{
	struct machine *m = &w->machines[between(w, 0, 1)];
	unsigned kind = choose(w);
	uint64_t for_us = how_long(w);

	(void)a;
	if (w->is_healed)
		return;
	SAY(w, "FAULT: %s (%s, %llu ms)", faults[kind].text, name_of(m),
	    (unsigned long long)(for_us / MS));
	count(w, faults[kind].count);
	faults[kind].begin(w, m, for_us);
	world_put(
	    w, EV_FAULT, first, chance_spread(&w->chance, 20 * MS, 2 * w->fault_gap_ms * MS), 0);
}

/* ---- at the worst moment, which chance alone would hardly ever find ---- */

/* The agent is stopped between a proof and the telling of it. */
void
fault_at_proof(struct world *w, struct machine *m)
{
	if (w->is_healed || !chance_in_1000(&w->chance, 50))
		return;
	count(w, COUNT_FAULT_AGENT_STOP);
	node_stop(w, m, between(w, 1 * S, 8 * S));
}

/* Who loses its key cannot see that. */
void
fault_at_preempt(struct world *w, struct machine *victim)
{
	if (w->is_healed || !chance_in_1000(&w->chance, 200))
		return;
	SAY(w, "FAULT: a way to the array is cut (%s)", name_of(victim));
	count(w, COUNT_FAULT_DISK_CUT);
	spoil_way(w, victim, WAY_CUT, between(w, 500 * MS, 5 * S));
}

void
fault_on_heal(struct world *w, struct machine *first, uint32_t a)
{
	(void)a;
	SAY(w, "all faults are healed");
	w->is_healed = true;
	w->wants_move = false;
	w->loss_us = 0;
	for (unsigned from = 0; from < MACHINES; from++) {
		struct machine *m = &w->machines[from];

		w->ring_cut_us[from] = m->way_until_us = 0;
		for (unsigned line = 0; line < LINES; line++)
			w->line_cut_us[line][from] = 0;
		m->resume_due_us = w->now_us;
		machine_on_resume(w, m, m->boot);
		node_on_resume(w, m, m->node.run);
		core_on_resume(w, m, m->core.run);
	}
	for (unsigned line = 0; line <= LINES; line++)
		w->flap_us[line] = 0;
	w->faults_end_us = w->now_us;
	world_put(w, EV_JUDGE, first, 0, 0);
}

void
fault_open(struct world *w)
{
	/* Each seed has its own kinds of faults, so that few at a time are seen, too. */
	do
		w->fault_kinds = (uint32_t)(chance_bits(&w->chance) | chance_bits(&w->chance));
	while (!(w->fault_kinds & ((1u << KINDS) - 1)));
	w->fault_gap_ms = chance_spread(&w->chance, 200, 4000);
	w->switch_permille = (unsigned)between(w, 300, 1000);
	w->panics = chance_in_1000(&w->chance, 500);
	w->has_attacker = chance_in_1000(&w->chance, 500);
	world_put(w, EV_FAULT, &w->machines[0], BEGIN_US + between(w, 0, 2 * S), 0);
	world_put(w, EV_HEAL, &w->machines[0], END_US, 0);
	if (w->has_attacker)
		world_put(w, EV_ATTACK, &w->machines[0], 1 * S, 0);
}
