/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/right.h"

void
right_open(struct right *right, uint32_t lease_ms)
{
	*right = (struct right){.lease_ms = lease_ms};
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

uint64_t
right_until(const struct right *right, uint64_t now_ms)
{
	if (right->is_alone)
		return now_ms + right->lease_ms;
	return right->evidence_ms ? right->evidence_ms + right->lease_ms : 0;
}
