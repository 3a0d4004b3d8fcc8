/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * right -- until when may this node's core acknowledge? (the activity lease; lease.h carries it)
 *
 * Pure. The right is renewed by fresh evidence only: somebody who would know better has answered
 * to what this node said a moment ago. That is the peer, by an echoed nonce (hearing.h), whose
 * time is that of the question; or there is nobody who could be in this node's place, because the
 * peer has ended, by a proof. What corosync says is no evidence: after a pause it says what was
 * true before.
 *
 * In a pair on an array with reservations that is not enough. The peer may have barred this life
 * and served, and then have been reset: its next life knows nothing of that, answers, and gives its
 * word. The array knows: there the right also ends, lease_ms after the last look at it that has
 * shown this node's key. So for each acknowledgement there was a moment, not longer ago, at which
 * nobody else could be in this node's place.
 */
#ifndef GEMEL_AGENT_RIGHT_H
#define GEMEL_AGENT_RIGHT_H

#include "common/id128.h"

struct right {
	uint32_t lease_ms;
	bool needs_key;
	uint64_t key_ms;      /* 0: not yet seen */
	uint64_t evidence_ms; /* 0: none yet */
	bool is_alone;        /* the peer's end was proved */
	struct id128 ended;   /* that life; none: it was not known */
};

/* needs_key: the pair is on an array with reservations. */
void right_open(struct right *right, uint32_t lease_ms, bool needs_key);

/* The peer's life has answered to what was said at asked_ms. An ended life proves nothing. */
void right_answered(struct right *right, const struct id128 *life, uint64_t asked_ms);

/* The peer has ended, by a proof. life: none if it was not known. */
void right_alone(struct right *right, const struct id128 *life);

/* A look at the array that began at looked_ms has shown this node's key. */
void right_has_key(struct right *right, uint64_t looked_ms);

/* The moment, or 0. */
uint64_t right_until(const struct right *right, uint64_t now_ms);

#endif
