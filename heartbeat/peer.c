/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/peer.h"

#include <assert.h>

void
peer_open(struct peer *peer)
{
	*peer = (struct peer){.state = PEER_UNKNOWN};
}

/* By the table in the header. */
static enum peer_state
seen(const struct peer *peer)
{
	if (peer->is_heard)
		return peer->is_member ? PEER_ALIVE : PEER_CUT_OFF;
	return peer->is_member ? PEER_UNHEARD : PEER_SILENT;
}

/* The only writer of the state. */
static enum peer_duty
enter(struct peer *peer, enum peer_state state)
{
	bool is_new = peer->state != state;

	peer->state = state;
	if (!is_new)
		return PEER_OWES_NOTHING;
	return state == PEER_CUT_OFF || state == PEER_SILENT ? PEER_OWES_PROOF : PEER_OWES_NEWS;
}

static enum peer_duty
hear(struct peer *peer, const struct id128 *life)
{
	bool is_later = !id128_is_none(&peer->life) && !id128_is_same(&peer->life, life);
	bool was_open = is_later && !id128_is_same(&peer->life, &peer->ended);
	enum peer_duty duty;

	/* A life that has ended says nothing more; whoever took this for fresh was wrong. */
	if (id128_is_same(life, &peer->ended))
		return PEER_OWES_NOTHING;
	if (was_open)
		peer->ended = peer->life;
	peer->life = *life;
	peer->is_heard = true;
	duty = enter(peer, seen(peer));
	return was_open ? PEER_OWES_ENDED : duty;
}

static enum peer_duty
prove(struct peer *peer, const struct id128 *life)
{
	if (!id128_is_same(life, &peer->life))
		return PEER_OWES_NOTHING;
	peer->ended = *life;
	peer->is_heard = false;
	return enter(peer, PEER_STOPPED);
}

enum peer_duty
peer_step(struct peer *peer, enum peer_event event, const struct id128 *life)
{
	bool was_member = peer->is_member;

	switch (event) {
	case PEER_EV_BEAT:
		assert(life && !id128_is_none(life));
		return hear(peer, life);
	case PEER_EV_PROOF:
		assert(life && !id128_is_none(life));
		return prove(peer, life);
	case PEER_EV_QUIET:
		peer->is_heard = false;
		break;
	case PEER_EV_ENGINE_HAS:
		peer->is_member = true;
		break;
	case PEER_EV_ENGINE_LOST:
		peer->is_member = false;
		break;
	case PEER_EVENTS:
		break;
	}
	/* What has stopped stays so until a later life is seen: the engine may have it still, but
	 * does not take it in again. And what never said a word is not known to be anything. */
	if (peer->state == PEER_STOPPED && (was_member || !peer->is_member))
		return PEER_OWES_NOTHING;
	if (peer->state == PEER_UNKNOWN && !peer->is_member)
		return PEER_OWES_NOTHING;
	return enter(peer, seen(peer));
}

bool
peer_has_stopped(const struct peer *peer)
{
	return peer->state == PEER_STOPPED;
}

const char *
peer_state_text(enum peer_state state)
{
	static const char *const texts[PEER_STATES] = {
	    [PEER_UNKNOWN] = "nothing was heard of it yet",
	    [PEER_ALIVE] = "alive",
	    [PEER_UNHEARD] = "a member of the cluster, but heard on none of our lines",
	    [PEER_CUT_OFF] = "alive, but cut off from the cluster",
	    [PEER_SILENT] = "silent: dead or cut off, nobody knows",
	    [PEER_STOPPED] = "stopped, proved",
	};

	return state >= 0 && state < PEER_STATES ? texts[state] : "an unknown state";
}

const char *
peer_state_name(enum peer_state state)
{
	static const char *const names[PEER_STATES] = {
	    [PEER_UNKNOWN] = "unknown",
	    [PEER_ALIVE] = "alive",
	    [PEER_UNHEARD] = "unheard",
	    [PEER_CUT_OFF] = "cut off",
	    [PEER_SILENT] = "silent",
	    [PEER_STOPPED] = "stopped",
	};

	return state < PEER_STATES ? names[state] : "unknown";
}
