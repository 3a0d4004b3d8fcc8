/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gemel-agentd: does with the simulated world what heart.c, conduct.c, care.c and fence.c of agent/
 * do with the real one, in the same order.
 */
#include "tests/sim/world.h"

#define ANSWER_MS 10u
#define RECORD_MS 300u

/* ---- what is to be seen of this node ---- */

static void
look(const struct world *w, const struct machine *m, struct pair_self *self)
{
	const struct node *n = &m->node;

	*self = (struct pair_self){
	    .is_ill = !watch_is_well(&n->watch),
	    .is_latched = n->is_latched,
	    .is_clean = n->is_clean,
	    .is_bound = n->is_bound,
	    .is_wrong = n->is_wrong,
	};
	(void)w;
	if (!n->seen.is_alive)
		return;
	self->role = (uint8_t)n->seen.role;
	self->generation = n->seen_generation;
}

static void
look_at_core(struct world *w, struct machine *m)
{
	struct node *n = &m->node;
	enum watch_fault fault;

	if (m->core.runs)
		n->seen.life = m->core.run;
	n->seen.is_acting = m->is_acting;
	n->seen.is_alive = m->core.runs && n->seen.life == m->core.run;
	n->seen.workers = 1;
	if (n->seen.is_alive) {
		n->seen.is_stopped = m->core.is_stopped;
		n->seen.role = m->core.role;
		n->seen.tick_ms = core_tick_ms(w, m);
		n->seen_generation = m->core.generation;
	}
	fault = watch_look(&n->watch, &n->seen, machine_ms(w, m));
	if (fault == WATCH_NO_FAULT || n->pair.fencing.own != FENCING_OWN_FREE)
		return;
	SAY(w, "%s: the agent tells Pacemaker that the core %s", name_of(m),
	    watch_fault_text(fault));
	if (m->engine.runs)
		world_put(w, EV_REPORT, m, between(w, 5 * MS, 60 * MS), 0);
}

static void
write_lease(struct world *w, struct machine *m)
{
	struct pair_self self;

	look(w, m, &self);
	m->lease.until_ms = pair_lease(&m->node.pair, machine_ms(w, m));
	m->lease.generation = self.generation;
	m->was_alone = m->node.pair.right.is_alone;
	m->was_ended = m->node.pair.right.ended;
}

/* ---- beats ---- */

static void
send_on(struct world *w, struct machine *m, unsigned line, const struct pair_self *self)
{
	struct beat beat;

	pair_say(&m->node.pair, line, chance_bits(&w->chance), machine_ms(w, m), self, &beat);
	law_spoke(w, m, &beat);
	line_send(w, m, line, &beat);
}

static void
beat_now(struct world *w, struct machine *m)
{
	struct pair_self self;

	look(w, m, &self);
	for (unsigned i = 0; i < LINES; i++)
		send_on(w, m, i, &self);
}

static void
answer_beat(struct world *w, struct machine *m, unsigned line)
{
	const uint64_t now_ms = machine_ms(w, m);
	struct pair_self self;

	if (now_ms - m->node.answered_ms[line] < ANSWER_MS)
		return;
	m->node.answered_ms[line] = now_ms;
	look(w, m, &self);
	send_on(w, m, line, &self);
}

void
node_take(struct world *w, struct machine *m, unsigned line, const struct beat *beat)
{
	switch (pair_take(&m->node.pair, line, beat, machine_ms(w, m))) {
	case PAIR_BELIEVED:
		law_believed(w, m, beat);
		node_step(w, m);
		return;
	case PAIR_UNPROVED:
		count(w, COUNT_UNPROVED);
		answer_beat(w, m, line);
		return;
	case PAIR_REFUSED:
		count(w, COUNT_REPLAYS_REFUSED);
		return;
	}
}

void
node_on_beat(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	world_put(w, EV_BEAT, m, BEAT_MS * MS, 0);
	write_lease(w, m);
	law_serves(w, m);
	beat_now(w, m);
}

/* ---- the peer's end ---- */

static void
refuse_all(struct world *w, struct machine *m)
{
	for (unsigned i = 0; i < m->node.request_count; i++)
		fencer_answer(w, m, m->node.requests[i].ticket, false);
	m->node.request_count = 0;
}

static void
answer_proved(struct world *w, struct machine *m)
{
	bool holds = pair_proof_holds(&m->node.pair, machine_ms(w, m));

	for (unsigned i = 0; i < m->node.proved_count; i++)
		fencer_answer(w, m, m->node.proved[i].ticket, holds);
	m->node.proved_count = 0;
}

static void
take_end(struct world *w, struct machine *m, enum fencing_end end)
{
	static const enum count kinds[FENCING_PROOFS] = {
	    [FENCING_RELEASED] = COUNT_PROVED_RELEASED,
	    [FENCING_NEWER_LIFE] = COUNT_PROVED_NEWER,
	    [FENCING_BARRED] = COUNT_PROVED_BARRED,
	};
	const struct fencing *f = &m->node.pair.fencing;

	if (end == FENCING_GAVE_UP) {
		SAY(w, "%s gives up on its peer's end: %s", name_of(m), f->reason);
		count(w, COUNT_GAVE_UP);
		refuse_all(w, m);
		return;
	}
	SAY(w, "%s has a proof of its peer's end: %s", name_of(m), fencing_proof_text(f->proof));
	count(w, kinds[f->proof]);
	if (f->action == FENCING_OFF)
		count(w, COUNT_OFF_PROVED);
	law_proved_now(w, m);
	answer_proved(w, m);
	for (unsigned i = 0; i < m->node.request_count; i++) {
		law_proved(w, m, &m->node.requests[i]);
		m->node.proved[i] = m->node.requests[i];
	}
	m->node.proved_count = m->node.request_count;
	m->node.request_count = 0;
	/* Whether it could be written or not: the service does not wait for longer. */
	world_put(w, EV_RECORDED, m, between(w, 1 * MS, RECORD_MS * MS), 0);
	fault_at_proof(w, m);
}

void
node_on_recorded(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	answer_proved(w, m);
}

void
node_on_fence(struct world *w, struct machine *m, uint32_t ticket)
{
	struct node *n = &m->node;
	const struct fence *fence = &m->engine.fences[ticket % FENCES];
	const uint64_t now_ms = machine_ms(w, m);

	if (!fence->is_open || fence->serial != ticket / FENCES)
		return;
	if (n->request_count == REQUESTS) {
		fencer_answer(w, m, ticket, false);
		return;
	}
	if (n->pair.fencing.is_seeking)
		count(w, COUNT_JOINED);
	/* A node that has yielded does not answer any more. */
	pair_fence(&n->pair, fence->is_reboot ? FENCING_REBOOT : FENCING_OFF, now_ms,
	    now_ms + FENCE_TIMEOUT_MS);
	n->requests[n->request_count++] = (struct request){ticket, !fence->is_reboot, fence->boot};
	node_step(w, m);
}

/* ---- one step ---- */

static void
let_go(struct world *w, struct machine *m)
{
	struct node *n = &m->node;

	m->has_latch = true;
	m->latch_is_off = n->pair.fencing.goes_off;
	n->is_latched = !m->is_acting;
	core_kill(w, m);
	n->is_bound = m->has_address || m->is_mounted;
	n->is_clean = n->is_latched && !m->core.runs && !m->core.is_writing && !n->is_bound;
}

static void
tell(struct world *w, struct machine *m, bool was_seeking)
{
	static const char *const texts[] = {"is free", "yields", "gives its word", "ends itself"};
	struct node *n = &m->node;
	enum fencing_own own = n->pair.fencing.own;

	if (n->pair.is_excluded && !n->was_excluded)
		count(w, COUNT_EXCLUDED);
	n->was_excluded = n->pair.is_excluded;
	if (own == n->told)
		return;
	SAY(w, "%s %s%s", name_of(m), texts[own],
	    n->pair.is_excluded ? ": it has been replaced" : "");
	if (n->told == FENCING_OWN_FREE)
		law_left_free(w, m, was_seeking);
	if (own == FENCING_OWN_LATCHING) {
		count(w, COUNT_YIELDED);
		if (was_seeking)
			count(w, COUNT_YIELDED_BOTH);
	}
	if (own == FENCING_OWN_RELEASED)
		count(w, COUNT_RELEASED);
	if (own == FENCING_OWN_ENDING && n->told == FENCING_OWN_LATCHING)
		count(w, COUNT_NO_WORD);
	n->told = own;
}

static bool
is_asked(const struct pair *pair)
{
	return pair->peer.is_heard && pair->said.flags & (BEAT_ASKS_RESET | BEAT_ASKS_OFF) &&
	       id128_is_same(&pair->said.heard_boot, &pair->settings.boot);
}

static struct fencing_duty
step_pair(struct world *w, struct machine *m)
{
	struct pair *pair = &m->node.pair;
	bool was_seeking = pair->fencing.is_seeking;
	struct fencing_duty duty;
	struct pair_self self;

	look(w, m, &self);
	duty = pair_step(pair, &self, machine_ms(w, m));
	if (is_asked(pair) && pair->fencing.own == FENCING_OWN_FREE)
		count(w, COUNT_REFUSED_TO_YIELD);
	tell(w, m, was_seeking);
	return duty;
}

void
node_step(struct world *w, struct machine *m)
{
	struct pair *pair = &m->node.pair;
	uint8_t flags = fencing_flags(&pair->fencing);
	struct fencing_duty duty = step_pair(w, m);

	if (duty.latch) {
		let_go(w, m);
		duty = step_pair(w, m);
	}
	write_lease(w, m);
	if (duty.bar)
		array_bar(w, m);
	if (duty.answer != FENCING_NO_END)
		take_end(w, m, duty.answer);
	if (duty.end_self) {
		machine_end(w, m, pair->fencing.goes_off);
		return;
	}
	if (flags != fencing_flags(&pair->fencing))
		beat_now(w, m);
}

void
node_on_step(struct world *w, struct machine *m, uint32_t a)
{
	(void)a;
	world_put(w, EV_STEP, m, STEP_MS * MS, 0);
	look_at_core(w, m);
	node_step(w, m);
}

void
node_on_member(struct world *w, struct machine *m, uint32_t has_peer)
{
	pair_member(&m->node.pair, has_peer);
	node_step(w, m);
}

/* Pacemaker tells of a fencing that was not this agent's. */
void
node_on_tell(struct world *w, struct machine *m, uint32_t fenced_ms)
{
	if (!m->node.runs || m->node.is_stopped) {
		world_put(w, EV_TELL, m, 100 * MS, fenced_ms);
		return;
	}
	pair_fenced(&m->node.pair, fenced_ms);
	node_step(w, m);
}

/* ---- the process ---- */

void
node_on_start(struct world *w, struct machine *m, uint32_t a)
{
	struct node *n = &m->node;
	const struct pair_settings settings = {
	    .pair = 1,
	    .node = m->index,
	    .boot = m->life,
	    .lines = LINES,
	    .silence_ms = SILENCE_MS,
	    .lease_ms = LEASE_MS,
	    .can_bar = w->array.has_reservations,
	    .goes_off = m->latch_is_off,
	    .is_alone = m->was_alone,
	    .ended = m->was_ended,
	};

	(void)a;
	if (n->runs)
		return;
	*n = (struct node){.run = n->run + 1, .runs = true, .started_us = w->now_us};
	SAY(w, "%s: the agent starts", name_of(m));
	pair_open(&n->pair, &settings);
	watch_open(&n->watch, 1000);
	n->is_latched = m->has_latch;
	n->is_wrong = n->is_latched;
	if (n->is_latched)
		count(w, COUNT_LATCHED_START);
	world_put(w, EV_BEAT, m, 0, 0);
	world_put(w, EV_STEP, m, 0, 0);
	world_put(w, EV_MEMBER, m, between(w, 1 * MS, 50 * MS), m->engine.has_peer);
	array_begin(w, m);
}

void
node_kill(struct world *w, struct machine *m)
{
	struct node *n = &m->node;

	if (!m->is_on || !n->runs)
		return;
	SAY(w, "%s: the agent is killed", name_of(m));
	n->runs = n->is_stopped = false;
	refuse_all(w, m);
	machine_drop_held(w, m, OF_WIRE);
	machine_drop_held(w, m, OF_AGENT);
	world_put(w, EV_AGENT_START, m, between(w, 100 * MS, 2 * S), 0);
}

void
node_stop(struct world *w, struct machine *m, uint64_t for_us)
{
	if (!m->is_on || !m->node.runs || m->node.is_stopped)
		return;
	SAY(w, "%s: the agent is stopped for %llu ms", name_of(m),
	    (unsigned long long)(for_us / MS));
	m->node.is_stopped = true;
	world_put(w, EV_AGENT_RESUME, m, for_us, m->node.run);
}

void
node_on_resume(struct world *w, struct machine *m, uint32_t run)
{
	if (m->node.run != run || !m->node.is_stopped)
		return;
	SAY(w, "%s: the agent goes on", name_of(m));
	m->node.is_stopped = false;
	m->disturbed_us = w->now_us;
	machine_let_go(w, m);
}
