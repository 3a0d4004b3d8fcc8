/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/right.h"

void
right_open(struct right *right, uint32_t lease_ms, bool needs_key)
{
	*right = (struct right){.lease_ms = lease_ms, .needs_key = needs_key};
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
}

void
right_has_key(struct right *right, uint64_t looked_ms)
{
	if (looked_ms > right->key_ms)
		right->key_ms = looked_ms;
}

uint64_t
right_until(const struct right *right, uint64_t now_ms)
{
	uint64_t since_ms = right->is_alone ? now_ms : right->evidence_ms;

	if (right->needs_key && right->key_ms < since_ms)
		since_ms = right->key_ms;
	return since_ms ? since_ms + right->lease_ms : 0;
}
