/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The laws, by what is so and not by what somebody believes. Each is looked at when something
 * happens that could break it.
 */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>

#define LIVE_US (60 * S)
#define GOOD_US (3 * S)
#define SERVES_US (4 * S)
#define JUDGE_US (100 * MS)
#define OPERATOR_US (15 * S)
#define POWER_ON_US (4 * S)
/* Clocks differ by half a thousandth, and the agent looks only now and then. */
#define SLACK_US (5 * MS)
/* What has changed less long ago the other one need not know. */
#define SETTLED_US (1500 * MS)

void
law_break(struct world *w, enum law law, const char *format, ...)
{
	va_list list;

	if (w->is_broken)
		return;
	w->is_broken = true;
	w->broken = law;
	va_start(list, format);
	vsnprintf(w->why, sizeof(w->why), format, list);
	va_end(list);
	SAY(w, "LAW %s IS BROKEN: %s", law_name(law), w->why);
}

const char *
law_name(enum law law)
{
	static const char *const names[LAWS] = {
	    "L1", "L2", "L4", "L-promise", "L-yield", "L-live", "L-lease"};

	return names[law];
}

/* ---- acknowledgements ---- */

/* What was durable before the other one took over is in what it took over: an answer that comes a
 * little late loses nothing, and nobody can tell it from one that was long on its way. But the
 * lease bounds how late. */
static void
judge_late(struct world *w, struct machine *m)
{
	const struct core *c = &m->core;
	uint64_t late_us = w->now_us - w->array.raised_us;

	if (c->synced_us >= w->array.raised_us)
		law_break(w, LAW_1, "%s acknowledges what it wrote after generation %llu began",
		    name_of(m), (unsigned long long)w->array.generation);
	else if (w->is_strict || !w->array.has_reservations ||
		 w->now_us - m->key_gone_us > LEASE_MS * MS + SLACK_US)
		law_break(w, LAW_1,
		    "%s acknowledges, %llu ms after generation %llu began elsewhere and %llu ms "
		    "after "
		    "its key was taken",
		    name_of(m), (unsigned long long)(late_us / MS),
		    (unsigned long long)w->array.generation,
		    (unsigned long long)((w->now_us - m->key_gone_us) / MS));
	else
		count(w, COUNT_ACKS_LATE);
}

static void
judge_evidence(struct world *w, struct machine *m)
{
	bool is_fresh = m->evidence_us && w->now_us - m->evidence_us <= LEASE_MS * MS + SLACK_US;
	bool has_key =
	    array_has_key(w, m) || w->now_us - m->key_gone_us <= LEASE_MS * MS + SLACK_US;

	if (is_fresh || (m->is_alone && has_key))
		return;
	law_break(w, LAW_LEASE, "%s acknowledges, and the last answer to it was %llu ms ago",
	    name_of(m), (unsigned long long)((w->now_us - m->evidence_us) / MS));
}

void
law_acknowledged(struct world *w, struct machine *m)
{
	const struct core *c = &m->core;

	MURMUR(w, "%s acknowledges message %u of generation %llu", name_of(m), c->message,
	    (unsigned long long)c->generation);
	count(w, COUNT_ACKS);
	m->acked_us = w->now_us;
	if (m->released_boot == m->boot)
		law_break(w, LAW_PROMISE, "%s acknowledges after its word", name_of(m));
	if (w->array.journal[c->position - 1].message != c->message)
		law_break(w, LAW_2, "%s acknowledges message %u, which is not there", name_of(m),
		    c->message);
	w->array.journal[c->position - 1].is_acked = true;
	if (w->array.generation > c->generation)
		judge_late(w, m);
	judge_evidence(w, m);
}

void
law_written(struct world *w, struct machine *m)
{
	const struct core *c = &m->core;

	if (c->position >= JOURNAL - 1)
		law_break(w, LAW_2, "the journal of the simulation is full");
	if (m->released_boot == m->boot)
		law_break(w, LAW_PROMISE, "%s writes after its word", name_of(m));
	if (m->proved_boot == m->boot)
		law_break(w, LAW_4, "%s writes, in a life whose end was proved", name_of(m));
	if (w->array.journal[c->position].is_acked)
		law_break(w, LAW_2, "%s destroys message %u, which was acknowledged", name_of(m),
		    w->array.journal[c->position].message);
}

/* ---- takeovers ---- */

void
law_took(struct world *w, struct machine *m, const char *what)
{
	SAY(w, "%s %s", name_of(m), what);
	if (m->released_boot == m->boot)
		law_break(w, LAW_PROMISE, "%s %s after its word", name_of(m), what);
	/* Who is barred may still take an address, and mount in vain. */
	if (m->proved_boot == m->boot && array_has_key(w, m))
		law_break(w, LAW_4, "%s %s, in a life whose end was proved", name_of(m), what);
}

static bool
is_taking(const struct machine *m)
{
	return m->engine.action == ACTION_PROMOTE && m->is_acting;
}

/* It holds the store, or is about to, and the array lets it write. */
static bool
may_write(const struct world *w, const struct machine *m)
{
	if (!m->is_on || !array_has_key(w, m))
		return false;
	return m->is_mounted || m->core.is_writing || is_taking(m) ||
	       (m->core.runs && core_role_owns(m->core.role));
}

void
law_became_active(struct world *w, struct machine *m)
{
	struct machine *peer = peer_of(w, m);

	law_took(w, m, "has become active");
	count(w, COUNT_PROMOTES);
	if (m->engine.has_fenced)
		count(w, COUNT_TAKEOVERS);
	else if (peer->has_demoted)
		count(w, COUNT_HANDOFFS);
	m->engine.has_fenced = false;
	m->has_demoted = false;
	peer->has_demoted = false;
	if (may_write(w, peer))
		law_break(w, LAW_4, "%s becomes active while %s may still write", name_of(m),
		    name_of(peer));
}

void
law_proved(struct world *w, struct machine *m, const struct request *request)
{
	struct machine *peer = peer_of(w, m);

	if (request->boot == 0 || peer->boot != request->boot || !peer->is_on)
		return;
	if (peer->released_boot != peer->boot &&
	    (!w->array.has_reservations || array_has_key(w, peer)))
		law_break(w, LAW_4,
		    "%s says that the end of %s is proved, which runs and may write", name_of(m),
		    name_of(peer));
	peer->proved_boot = peer->boot;
	if (request->is_off)
		peer->off_boot = peer->boot;
}

void
law_proved_now(struct world *w, struct machine *m)
{
	if (m->node.pair.fencing.proof != FENCING_NEWER_LIFE)
		law_fenced(w, m);
}

void
law_fenced(struct world *w, struct machine *m)
{
	m->is_alone = true;
	m->has_answered = false;
	m->alone_boot = peer_of(w, m)->boot;
}

/* Who was left alone by a proof serves alone. */
void
law_serves(struct world *w, struct machine *m)
{
	const struct core *c = &m->core;

	if (!m->is_alone || m->has_answered || !c->runs || c->is_stopped ||
	    c->role != CORE_ACTIVE || !array_accepts(w, m) ||
	    w->now_us - c->changed_us < SERVES_US || w->now_us - m->resumed_us < SERVES_US ||
	    w->now_us - m->node.started_us < SERVES_US)
		m->disturbed_us = w->now_us;
	if (w->now_us - m->disturbed_us > SERVES_US && w->now_us - m->acked_us > SERVES_US)
		law_break(
		    w, LAW_LIVE, "%s is active and alone, and acknowledges nothing", name_of(m));
}

void
law_boots(struct world *w, struct machine *m, bool is_by_hand)
{
	m->is_alone = false;
	if (!is_by_hand && m->off_boot == m->boot && m->boot)
		law_break(
		    w, LAW_PROMISE, "%s boots, and it was proved that it stays off", name_of(m));
}

/* A life that was barred before it had a key is none that could write: with its first key it is as
 * good as a later one, and takes over only by a proof of its own. */
void
law_registered(struct world *w, struct machine *m)
{
	if (m->proved_boot != m->boot || m->marked_boot == m->boot)
		return;
	SAY(w, "%s was barred before it had a key", name_of(m));
	m->proved_boot = 0;
}

/* ---- what is said ---- */

void
law_spoke(struct world *w, struct machine *m, const struct beat *beat)
{
	unsigned at = m->asked_next++ % (sizeof(m->asked) / sizeof(m->asked[0]));

	m->asked[at].nonce = beat->nonce;
	m->asked[at].at_us = w->now_us;
	if (!(beat->flags & BEAT_RELEASED))
		return;
	m->released_boot = m->boot;
	if (!m->has_latch || is_taking(m) || m->is_mounted || m->has_address || m->core.runs ||
	    m->core.is_writing)
		law_break(w, LAW_PROMISE, "%s gives its word and holds something", name_of(m));
}

void
law_believed(struct world *w, struct machine *m, const struct beat *beat)
{
	const struct machine *peer = peer_of(w, m);

	if (!id128_is_same(&beat->boot, &m->node.pair.right.ended))
		m->has_answered = true;
	if (peer->boot != m->alone_boot && id128_is_same(&beat->boot, &peer->life))
		m->is_alone = false;
	for (unsigned i = 0; i < sizeof(m->asked) / sizeof(m->asked[0]); i++)
		if (m->asked[i].nonce == beat->heard_nonce && m->asked[i].at_us > m->evidence_us)
			m->evidence_us = m->asked[i].at_us;
}

/* ---- who ends ---- */

static bool
is_healthy_owner(const struct world *w, const struct machine *m)
{
	const struct core *c = &m->core;
	/* Just stopped and gone on, or just made active: that the agent cannot know yet. */
	bool is_settled =
	    w->now_us - c->changed_us > 200 * MS && w->now_us - m->resumed_us > 200 * MS;

	return m->is_on && !m->is_paused && c->runs && !c->is_stopped && c->role == CORE_ACTIVE &&
	       is_settled && core_lease_holds(w, m) && array_has_key(w, m) && !m->has_latch &&
	       m->proved_boot != m->boot;
}

/* Where both ask one stays, if neither lost or took the store just then. */
static void
judge_tie(struct world *w, struct machine *m)
{
	const struct machine *peer = peer_of(w, m);

	for (unsigned i = 0; i < MACHINES; i++)
		if (core_role_owns(w->machines[i].core.role) ||
		    w->now_us - w->machines[i].core.changed_us < SETTLED_US)
			return;
	m->tied_boot = m->boot;
	if (peer->is_on && peer->tied_boot == peer->boot)
		law_break(w, LAW_YIELD, "%s yields to its peer, which yields to it", name_of(m));
}

void
law_left_free(struct world *w, struct machine *m, bool was_seeking)
{
	if (is_healthy_owner(w, m))
		law_break(w, LAW_YIELD, "%s is a healthy owner, and ends itself", name_of(m));
	if (m->node.pair.fencing.own == FENCING_OWN_LATCHING && was_seeking)
		judge_tie(w, m);
}

/* Not one that serves, and is heard to. */
void
law_bars(struct world *w, struct machine *m)
{
	const struct machine *peer = peer_of(w, m);

	if (is_healthy_owner(w, peer) && w->now_us - peer->node.started_us > 500 * MS &&
	    w->now_us - m->evidence_us < 150 * MS)
		law_break(w, LAW_YIELD, "%s bars %s, which serves and is heard", name_of(m),
		    name_of(peer));
}

/* ---- all comes right ---- */

static bool
is_good(const struct world *w)
{
	unsigned active = 0;

	for (unsigned i = 0; i < MACHINES; i++) {
		const struct machine *m = &w->machines[i];

		if (!m->is_on || !m->engine.runs || !m->engine.has_peer || !m->node.runs ||
		    !array_has_key(w, m) || m->has_latch)
			return false;
		if (m->core.runs && m->core.role == CORE_ACTIVE &&
		    w->now_us - m->acked_us < GOOD_US)
			active++;
		else if (!m->core.runs || m->core.role != CORE_STANDBY)
			return false;
	}
	return active == 1;
}

/* Whom nobody would start again but a human. */
static void
operate(struct world *w, struct machine *m)
{
	if (!m->is_on && m->stays_off && w->now_us - m->end_us > POWER_ON_US)
		world_put(w, EV_BOOT, m, 0, 1);
	else if (m->is_on && !m->engine.runs && m->engine.exited_us &&
		 w->now_us - m->engine.exited_us > OPERATOR_US)
		machine_end(w, m, false);
}

static void
describe(struct world *w)
{
	for (unsigned i = 0; i < MACHINES; i++) {
		const struct machine *m = &w->machines[i];

		SAY(w,
		    "%s: on %d, life %u, agent %d, own %d, key %d, marker %d, Pacemaker %d, member "
		    "%d, "
		    "unclean %d, seen %d, failed %d, stop failed %d, promoted %d, action %d, core "
		    "%s, lease %d",
		    name_of(m), m->is_on, m->boot, m->node.runs, m->node.pair.fencing.own,
		    array_has_key(w, m), m->has_marker, m->engine.runs, m->engine.has_peer,
		    m->engine.peer_is_unclean, m->engine.has_seen_peer, m->engine.has_failed,
		    m->engine.has_stop_failed, m->engine.is_promoted, m->engine.action,
		    m->core.runs ? core_role_name(m->core.role) : "gone", core_lease_holds(w, m));
	}
}

void
law_on_judge(struct world *w, struct machine *first, uint32_t a)
{
	(void)a;
	world_put(w, EV_JUDGE, first, JUDGE_US, 0);
	for (unsigned i = 0; i < MACHINES; i++)
		operate(w, &w->machines[i]);
	if (!is_good(w))
		w->good_since_us = 0;
	else if (w->good_since_us == 0)
		w->good_since_us = w->now_us;
	else if (w->now_us - w->good_since_us >= GOOD_US)
		w->is_over = true;
	if (w->is_over || w->now_us - w->faults_end_us < LIVE_US)
		return;
	describe(w);
	law_break(
	    w, LAW_LIVE, "a minute after all was healed the pair does not serve with both nodes");
}
