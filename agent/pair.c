/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/pair.h"

#include "common/role.h"

#include <assert.h>

static void
believe_end(struct pair *pair)
{
	right_alone(&pair->right, &pair->ended);
	if (!id128_is_none(&pair->ended))
		peer_step(&pair->peer, PEER_EV_PROOF, &pair->ended);
}

/* What a process before this one, in the same life of the node, had a proof of. */
static void
recall_end(struct pair *pair)
{
	pair->ended = pair->settings.ended;
	/* A proof is of a life that is known. */
	if (!id128_is_none(&pair->ended))
		peer_step(&pair->peer, PEER_EV_BEAT, &pair->ended);
	believe_end(pair);
}

void
pair_open(struct pair *pair, const struct pair_settings *settings)
{
	struct beat ours = {.pair = settings->pair, .node = settings->node, .boot = settings->boot};

	assert(settings->lines <= PAIR_LINES_MAX);
	*pair = (struct pair){.settings = *settings};
	for (unsigned i = 0; i < settings->lines; i++) {
		ours.line = (uint8_t)i;
		hearing_open(&pair->lines[i], &ours, settings->silence_ms);
	}
	peer_open(&pair->peer);
	right_open(&pair->right, settings->lease_ms, settings->can_bar);
	fencing_open(&pair->fencing, settings->node, settings->can_bar);
	pair->fencing.goes_off = settings->goes_off;
	if (settings->is_alone)
		recall_end(pair);
}

/* ---- what this node says ---- */

static uint8_t
flags_of(const struct pair *pair, const struct pair_self *self, const struct id128 *heard,
    uint64_t now_ms)
{
	uint8_t flags = fencing_flags(&pair->fencing);

	/* Who may have been replaced itself tells nobody that he is. */
	if (!id128_is_none(heard) && id128_is_same(heard, &pair->peer.ended) &&
	    !right_is_doubted(&pair->right, now_ms))
		flags |= BEAT_EXCLUDES;
	if (pair_lease(pair, now_ms) > now_ms)
		flags |= BEAT_HAS_LEASE;
	if (self->is_degraded)
		flags |= BEAT_IS_DEGRADED;
	return flags;
}

void
pair_say(struct pair *pair, unsigned line, uint64_t nonce, uint64_t now_ms,
    const struct pair_self *self, struct beat *beat)
{
	*beat = (struct beat){
	    .generation = self->generation,
	    .accepted = self->accepted,
	    .delivered = self->delivered,
	    .queued = self->queued,
	    .commit_us = self->commit_us,
	    .tick_age_ms = self->tick_age_ms,
	    .role = self->role,
	};
	hearing_say(&pair->lines[line], nonce, now_ms, beat);
	if (pair->is_resting)
		beat->role = CORE_ENDED;
	beat->flags = flags_of(pair, self, &beat->heard_boot, now_ms);
}

/* ---- what the peer says ---- */

static void
believe(struct pair *pair, const struct beat *beat, uint64_t asked_ms)
{
	bool is_for_us = id128_is_same(&beat->heard_boot, &pair->settings.boot);

	peer_step(&pair->peer, PEER_EV_BEAT, &beat->boot);
	if (is_for_us && beat->flags & BEAT_EXCLUDES)
		pair->is_excluded = true;
	/* Of a life that has ended nothing else is taken. */
	if (!pair->peer.is_heard || !id128_is_same(&pair->peer.life, &beat->boot))
		return;
	/* One that was overtaken on another line has nothing to say that is still so. */
	if (id128_is_same(&pair->said.boot, &beat->boot) && beat->sequence <= pair->said.sequence)
		return;
	right_answered(&pair->right, &beat->boot, asked_ms);
	/* Whoever speaks next for this node, in whatever life, is there again. */
	if (beat->role == CORE_ENDED)
		right_alone(&pair->right, &(struct id128){{0}});
	pair->said = *beat;
	pair->asked_ms = asked_ms;
}

enum pair_heard
pair_take(struct pair *pair, unsigned line, const struct beat *beat, uint64_t now_ms)
{
	uint64_t asked_ms;

	right_tick(&pair->right, now_ms);
	switch (hearing_take(&pair->lines[line], beat, now_ms, &asked_ms)) {
	case HEARD_FRESH:
	case HEARD_NEW_LIFE:
		believe(pair, beat, asked_ms);
		return PAIR_BELIEVED;
	case HEARD_UNPROVED:
		return PAIR_UNPROVED;
	case HEARD_REPLAYED:
	case HEARD_NOT_OURS:
	case HEARING_VERDICTS:
		break;
	}
	return PAIR_REFUSED;
}

bool
pair_hears(const struct pair *pair, unsigned line, uint64_t now_ms)
{
	return hearing_is_up(&pair->lines[line], now_ms);
}

void
pair_barred(struct pair *pair, bool had_key, const char *fault, uint64_t now_ms)
{
	if (!fault && !had_key && pair->peer.is_member)
		fault = "it is in the cluster, and has no key at the array that could be taken";
	pair->took_key = had_key;
	fencing_barred(&pair->fencing, fault, now_ms);
}

bool
pair_proof_holds(const struct pair *pair, uint64_t now_ms)
{
	return now_ms - pair->proved_ms < PAIR_REBOOT_MS;
}

void
pair_fenced(struct pair *pair, uint64_t fenced_ms)
{
	if (pair->asked_ms > fenced_ms)
		return;
	/* Which life that was is not said. Whoever answers from now on is a later one. */
	right_alone(&pair->right, &(struct id128){{0}});
}

void
pair_has_key(struct pair *pair, uint64_t looked_ms)
{
	right_has_key(&pair->right, looked_ms);
}

bool
pair_needs_look(const struct pair *pair, uint64_t now_ms)
{
	return right_needs_look(&pair->right, now_ms);
}

void
pair_rest(struct pair *pair)
{
	pair->is_resting = true;
}

void
pair_member(struct pair *pair, bool has_peer)
{
	peer_step(&pair->peer, has_peer ? PEER_EV_ENGINE_HAS : PEER_EV_ENGINE_LOST, NULL);
}

/* ---- who goes ---- */

static void
gather(const struct pair *pair, const struct pair_self *self, uint64_t now_ms,
    struct fencing_facts *facts)
{
	const struct beat *said = &pair->said;
	bool is_for_us = id128_is_same(&said->heard_boot, &pair->settings.boot);

	*facts = (struct fencing_facts){
	    .now_ms = now_ms,
	    .owns = core_role_owns(self->role) && !self->is_ill,
	    .is_latched = self->is_latched,
	    .is_clean = self->is_clean,
	    .is_bound = self->is_bound,
	    .is_wrong = self->is_wrong || pair->is_excluded,
	    .is_heard = pair->peer.is_heard,
	    .peer_life = pair->peer.life,
	};
	facts->is_in_doubt = pair->peer.state == PEER_SILENT && !pair->right.is_alone &&
			     now_ms - pair->right.evidence_ms >= pair->settings.lease_ms;
	if (!pair->peer.is_heard)
		return;
	facts->owns_peer = core_role_owns(said->role);
	facts->peer_asks = is_for_us && said->flags & (BEAT_ASKS_RESET | BEAT_ASKS_OFF);
	facts->peer_asks_off = is_for_us && said->flags & BEAT_ASKS_OFF;
	facts->peer_released = said->flags & BEAT_RELEASED;
	facts->peer_goes_off = said->flags & BEAT_GOES_OFF;
	facts->peer_ends = said->flags & BEAT_ENDS;
	facts->peer_knows = pair->fencing.own == FENCING_OWN_RELEASED &&
			    pair->asked_ms > pair->fencing.own_since_ms;
}

static void
take_proof(struct pair *pair, uint64_t now_ms)
{
	pair->proved_ms = now_ms;
	switch (pair->fencing.proof) {
	case FENCING_RELEASED:
		pair->ended = pair->peer.life;
		break;
	case FENCING_BARRED:
		/* Whatever life had a key is barred, and this one runs no more or is that. */
		if (pair->took_key || !id128_is_same(&pair->ended, &pair->barred))
			pair->ended = pair->took_key ? pair->barred : (struct id128){{0}};
		/* And this node's key was there. */
		right_has_key(&pair->right, now_ms);
		break;
	case FENCING_NEWER_LIFE:
		/* It is there, and not gone. */
		pair->ended = pair->fencing.target;
		return;
	case FENCING_UNPROVED:
	case FENCING_PROOFS:
		return;
	}
	believe_end(pair);
}

static bool
is_heard(const struct pair *pair, uint64_t now_ms)
{
	for (unsigned i = 0; i < pair->settings.lines; i++)
		if (hearing_is_up(&pair->lines[i], now_ms))
			return true;
	return false;
}

/* A peer that barred this life without having heard it cannot tell it so. */
static bool
is_overtaken(const struct pair *pair, const struct pair_self *self)
{
	const struct beat *said = &pair->said;

	return pair->peer.is_heard && self->role == CORE_ACTIVE &&
	       (said->role == CORE_PROMOTING ||
		   (core_role_owns(said->role) && said->generation > self->generation));
}

struct fencing_duty
pair_step(struct pair *pair, const struct pair_self *self, uint64_t now_ms)
{
	struct fencing_facts facts;
	struct fencing_duty duty;

	right_tick(&pair->right, now_ms);
	if (!is_heard(pair, now_ms))
		peer_step(&pair->peer, PEER_EV_QUIET, NULL);
	if (is_overtaken(pair, self))
		right_doubt(&pair->right, now_ms);
	gather(pair, self, now_ms, &facts);
	duty = fencing_step(&pair->fencing, &facts);
	if (duty.bar)
		pair->barred = pair->peer.life;
	if (duty.answer == FENCING_PROVED)
		take_proof(pair, now_ms);
	return duty;
}

bool
pair_fence(struct pair *pair, enum fencing_action action, uint64_t now_ms, uint64_t deadline_ms)
{
	const struct id128 unknown = {{0}};
	bool is_known = pair->asked_ms && now_ms - pair->asked_ms < PAIR_REBOOT_MS;

	return fencing_seek(
	    &pair->fencing, action, is_known ? &pair->peer.life : &unknown, now_ms, deadline_ms);
}

uint64_t
pair_lease(const struct pair *pair, uint64_t now_ms)
{
	/* Who ends, or has been replaced, acknowledges nothing more. */
	if (pair->is_excluded || pair->is_resting || pair->fencing.own != FENCING_OWN_FREE)
		return 0;
	return right_until(&pair->right, now_ms);
}
