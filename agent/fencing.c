/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/fencing.h"

#include "heartbeat/beat.h"

void
fencing_open(struct fencing *fencing, uint8_t node, bool can_bar)
{
	*fencing = (struct fencing){.node = node, .can_bar = can_bar};
}

bool
fencing_seek(struct fencing *f, enum fencing_action action, const struct id128 *life,
    uint64_t now_ms, uint64_t deadline_ms)
{
	if (f->own != FENCING_OWN_FREE)
		return false;
	if (f->is_seeking) {
		if (action == FENCING_OFF)
			f->action = action;
		if (deadline_ms > f->deadline_ms)
			f->deadline_ms = deadline_ms;
		/* A later life that proves the first one's end may be the one that is meant now. */
		if (!id128_is_same(&f->target, life))
			f->target = (struct id128){{0}};
		return true;
	}
	f->is_seeking = true;
	f->action = action;
	f->target = *life;
	f->began_ms = now_ms;
	f->deadline_ms = deadline_ms;
	f->is_barred = false;
	f->barred_ms = 0;
	f->bar_fault = NULL;
	return true;
}

void
fencing_barred(struct fencing *f, const char *fault, uint64_t now_ms)
{
	f->is_barring = false;
	f->barred_ms = now_ms;
	f->bar_fault = fault;
	f->is_barred = f->is_seeking && fault == NULL;
}

static void
own_enter(struct fencing *f, enum fencing_own own, uint64_t now_ms)
{
	f->own = own;
	f->own_since_ms = now_ms;
}

static bool
must_yield(const struct fencing *f, const struct fencing_facts *facts)
{
	/* What has begun to bar the peer ends first: else both might end. */
	if (!facts->peer_asks || facts->owns || f->is_barring)
		return false;
	/* Both ask, and the mail is with neither. */
	return !f->is_seeking || facts->owns_peer || f->node == 1;
}

static void
step_own(struct fencing *f, const struct fencing_facts *facts)
{
	bool is_late = facts->now_ms - f->own_since_ms >= FENCING_RELEASE_MS;

	if (facts->is_wrong && f->own != FENCING_OWN_ENDING) {
		own_enter(f, FENCING_OWN_ENDING, facts->now_ms);
		return;
	}
	switch (f->own) {
	case FENCING_OWN_FREE:
		if (must_yield(f, facts)) {
			f->goes_off = facts->peer_asks_off;
			own_enter(f, FENCING_OWN_LATCHING, facts->now_ms);
		}
		return;
	case FENCING_OWN_LATCHING:
		if (facts->is_latched && facts->is_clean)
			own_enter(f, FENCING_OWN_RELEASED, facts->now_ms);
		else if (is_late || (facts->is_latched && facts->is_bound))
			own_enter(f, FENCING_OWN_ENDING, facts->now_ms);
		return;
	case FENCING_OWN_RELEASED:
		if (facts->peer_knows || is_late)
			own_enter(f, FENCING_OWN_ENDING, facts->now_ms);
		return;
	case FENCING_OWN_ENDING:
		return;
	}
}

static enum fencing_proof
find_proof(const struct fencing *f, const struct fencing_facts *facts)
{
	bool is_off = f->action == FENCING_OFF;

	if (facts->is_heard && facts->peer_released && (!is_off || facts->peer_goes_off))
		return FENCING_RELEASED;
	if (is_off)
		return FENCING_UNPROVED;
	if (facts->is_heard && !id128_is_none(&f->target) && !id128_is_none(&facts->peer_life) &&
	    !id128_is_same(&f->target, &facts->peer_life))
		return FENCING_NEWER_LIFE;
	return f->is_barred ? FENCING_BARRED : FENCING_UNPROVED;
}

/* A peer that is heard gives its word, or has the better right; but one that is heard and does
 * neither in time may hang. */
static bool
is_to_be_barred(const struct fencing *f, const struct fencing_facts *facts)
{
	uint64_t spent_ms = facts->now_ms - f->began_ms;

	if (!f->can_bar || f->is_barring || f->is_barred || f->action == FENCING_OFF)
		return false;
	if (f->barred_ms && facts->now_ms - f->barred_ms < FENCING_RETRY_MS)
		return false;
	return !facts->is_heard || facts->peer_ends ||
	       (spent_ms >= FENCING_PATIENCE_MS && !facts->owns_peer);
}

static const char *
reason_to_give_up(const struct fencing *f, const struct fencing_facts *facts)
{
	uint64_t spent_ms = facts->now_ms - f->began_ms;
	bool can_be_proved_else = f->can_bar && f->action == FENCING_REBOOT;

	/* A failure would make Pacemaker here cut the power of the peer, to which this node has
	 * yielded: it ends before it answers. */
	if (f->own != FENCING_OWN_FREE)
		return NULL;
	if (facts->now_ms >= f->deadline_ms && facts->is_heard)
		return facts->owns_peer ? "it is alive and serves, and does not yield to this node"
					: "it is alive and has not given its word in time";
	if (facts->now_ms >= f->deadline_ms && f->bar_fault)
		return f->bar_fault;
	if (facts->now_ms >= f->deadline_ms)
		return "it is silent, and no proof that it has stopped came in time";
	if (!facts->is_heard && !can_be_proved_else && spent_ms >= FENCING_WORD_MS)
		return f->action == FENCING_OFF
			   ? "it is silent, and only its own word proves that it stays off"
			   : "it is silent, and nothing but its own word could prove that it has "
			     "stopped";
	return NULL;
}

static void
seek_unasked(struct fencing *f, const struct fencing_facts *facts)
{
	const struct id128 unknown = {{0}};

	if (facts->is_in_doubt && facts->owns && f->can_bar && !f->is_seeking && !f->is_barring &&
	    f->own == FENCING_OWN_FREE)
		fencing_seek(
		    f, FENCING_REBOOT, &unknown, facts->now_ms, facts->now_ms + FENCING_OWN_MS);
}

static enum fencing_end
step_seeking(struct fencing *f, const struct fencing_facts *facts)
{
	enum fencing_proof proof;

	if (!f->is_seeking)
		return FENCING_NO_END;
	proof = f->own == FENCING_OWN_FREE ? find_proof(f, facts) : FENCING_UNPROVED;
	if (proof != FENCING_UNPROVED) {
		f->proof = proof;
		f->is_seeking = false;
		return FENCING_PROVED;
	}
	f->reason = reason_to_give_up(f, facts);
	if (!f->reason)
		return FENCING_NO_END;
	f->is_seeking = false;
	return FENCING_GAVE_UP;
}

struct fencing_duty
fencing_step(struct fencing *f, const struct fencing_facts *facts)
{
	struct fencing_duty duty = {0};

	step_own(f, facts);
	seek_unasked(f, facts);
	duty.answer = step_seeking(f, facts);
	duty.latch = f->own == FENCING_OWN_LATCHING;
	duty.end_self = f->own == FENCING_OWN_ENDING;
	if (f->is_seeking && is_to_be_barred(f, facts)) {
		f->is_barring = true;
		duty.bar = true;
	}
	return duty;
}

uint8_t
fencing_flags(const struct fencing *f)
{
	uint8_t flags = 0;

	if (f->own == FENCING_OWN_RELEASED)
		flags |= BEAT_RELEASED;
	if (f->own == FENCING_OWN_ENDING)
		flags |= BEAT_ENDS;
	if (flags & BEAT_RELEASED && f->goes_off)
		flags |= BEAT_GOES_OFF;
	if (f->is_seeking)
		flags |= f->action == FENCING_OFF ? BEAT_ASKS_OFF : BEAT_ASKS_RESET;
	return flags;
}

const char *
fencing_proof_text(enum fencing_proof proof)
{
	switch (proof) {
	case FENCING_RELEASED:
		return "released";
	case FENCING_NEWER_LIFE:
		return "newer-life";
	case FENCING_BARRED:
		return "barred";
	case FENCING_UNPROVED:
	case FENCING_PROOFS:
		break;
	}
	return "none";
}
