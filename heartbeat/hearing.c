/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/hearing.h"

void
hearing_open(struct hearing *h, const struct beat *ours, uint32_t silence_ms)
{
	*h = (struct hearing){
	    .pair = ours->pair,
	    .node = ours->node,
	    .line = ours->line,
	    .boot = ours->boot,
	    .silence_ms = silence_ms,
	};
}

static bool
has_ended(const struct hearing *h, const struct id128 *life)
{
	for (unsigned i = 0; i < HEARING_ENDED; i++)
		if (id128_is_same(&h->ended[i], life))
			return true;
	return false;
}

/* True if beat echoes what this life has sent on this line a moment ago; when that was. */
static bool
is_echo(const struct hearing *h, const struct beat *beat, uint64_t now_ms, uint64_t *sent_ms_r)
{
	uint64_t oldest = h->sent_count < HEARING_NONCES ? 0 : h->sent_count - HEARING_NONCES;

	if (!id128_is_same(&beat->heard_boot, &h->boot))
		return false;
	for (uint64_t i = h->sent_count; i > oldest; i--) {
		unsigned at = (i - 1) % HEARING_NONCES;

		if (now_ms - h->sent[at].at_ms >= HEARING_ECHO_MS)
			return false;
		if (h->sent[at].nonce != beat->heard_nonce)
			continue;
		*sent_ms_r = h->sent[at].at_ms;
		return true;
	}
	return false;
}

static void
echo_next(struct hearing *h, const struct beat *beat)
{
	h->echo_boot = beat->boot;
	h->echo_nonce = beat->nonce;
}

static void
end_life(struct hearing *h)
{
	h->ended[h->ended_next] = h->peer;
	h->ended_next = (h->ended_next + 1) % HEARING_ENDED;
}

enum hearing_verdict
hearing_take(struct hearing *h, const struct beat *beat, uint64_t now_ms, uint64_t *evidence_ms_r)
{
	bool is_peer = id128_is_same(&beat->boot, &h->peer);
	bool is_later = h->is_known && !is_peer;

	*evidence_ms_r = 0;
	if (beat->pair != h->pair || beat->line != h->line || beat->node == h->node)
		return HEARD_NOT_OURS;
	if (has_ended(h, &beat->boot) || (is_peer && beat->sequence <= h->peer_sequence))
		return HEARD_REPLAYED;
	if (!is_echo(h, beat, now_ms, evidence_ms_r)) {
		/* While the one we know is heard, a stranger must not take its echo away. */
		if (!is_later || !hearing_is_up(h, now_ms))
			echo_next(h, beat);
		return HEARD_UNPROVED;
	}
	if (is_later)
		end_life(h);
	h->peer = beat->boot;
	h->peer_sequence = beat->sequence;
	h->is_known = true;
	h->fresh_ms = now_ms;
	echo_next(h, beat);
	return is_later ? HEARD_NEW_LIFE : HEARD_FRESH;
}

void
hearing_say(struct hearing *h, uint64_t nonce, uint64_t now_ms, struct beat *beat)
{
	unsigned at = h->sent_count % HEARING_NONCES;

	h->sent[at].nonce = nonce;
	h->sent[at].at_ms = now_ms;
	h->sent_count++;
	/* By time, so that a process that begins again in this life goes on above the one before,
	 * and beats of several lines can be told older and newer. */
	h->sequence = h->sequence < now_ms * 1000 ? now_ms * 1000 : h->sequence + 1;
	beat->pair = h->pair;
	beat->node = h->node;
	beat->line = h->line;
	beat->boot = h->boot;
	beat->sequence = h->sequence;
	beat->nonce = nonce;
	beat->heard_boot = h->echo_boot;
	beat->heard_nonce = h->echo_nonce;
}

bool
hearing_is_up(const struct hearing *h, uint64_t now_ms)
{
	return h->is_known && now_ms - h->fresh_ms < h->silence_ms;
}

uint64_t
hearing_deadline(const struct hearing *h, uint64_t now_ms)
{
	return hearing_is_up(h, now_ms) ? h->fresh_ms + h->silence_ms : UINT64_MAX;
}
