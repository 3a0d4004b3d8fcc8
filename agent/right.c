/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/right.h"

void
right_open(struct right *right, uint32_t lease_ms, bool needs_key)
{
	*right =
	    (struct right){.lease_ms = lease_ms, .needs_key = needs_key, .has_lapsed = needs_key};
}

void
right_doubt(struct right *right, uint64_t now_ms)
{
	if (!right->needs_key)
		return;
	right->has_lapsed = true;
	right->lapsed_ms = now_ms;
}

void
right_tick(struct right *right, uint64_t now_ms)
{
	bool stood_still = now_ms - right->ticked_ms >= right->lease_ms;
	uint64_t since_ms = right->is_alone ? right->key_ms : right->evidence_ms;
	bool is_over = now_ms - since_ms >= right->lease_ms;

	right->ticked_ms = now_ms;
	if (stood_still || is_over)
		right_doubt(right, now_ms);
}

void
right_answered(struct right *right, const struct id128 *life, uint64_t asked_ms)
{
	if (!id128_is_none(&right->ended) && id128_is_same(&right->ended, life))
		return;
	right->is_alone = false;
	if (asked_ms > right->evidence_ms)
		right->evidence_ms = asked_ms;
}

void
right_alone(struct right *right, const struct id128 *life)
{
	right->is_alone = true;
	right->ended = *life;
	/* Whoever answered then had not barred this node. */
	if (!right->has_lapsed && right->evidence_ms > right->key_ms)
		right->key_ms = right->evidence_ms;
}

void
right_has_key(struct right *right, uint64_t looked_ms)
{
	if (looked_ms >= right->lapsed_ms)
		right->has_lapsed = false;
	if (looked_ms > right->key_ms)
		right->key_ms = looked_ms;
}

bool
right_needs_look(const struct right *right, uint64_t now_ms)
{
	bool is_old = right->is_alone && now_ms - right->key_ms >= right->lease_ms / 3;

	return right->needs_key && (right->has_lapsed || is_old);
}

bool
right_is_doubted(const struct right *right, uint64_t now_ms)
{
	return right->has_lapsed ||
	       (right->needs_key && now_ms - right->ticked_ms >= right->lease_ms);
}

uint64_t
right_until(const struct right *right, uint64_t now_ms)
{
	if (right_is_doubted(right, now_ms))
		return 0;
	if (right->is_alone)
		return (right->needs_key ? right->key_ms : now_ms) + right->lease_ms;
	return right->evidence_ms ? right->evidence_ms + right->lease_ms : 0;
}
