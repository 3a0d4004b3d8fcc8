/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * right -- until when may this node's core acknowledge? (the activity lease; lease.h carries it)
 *
 * Pure. The right is renewed by fresh evidence only: somebody who would know better has answered
 * to what this node said a moment ago. That is the peer, by an echoed nonce (hearing.h), whose
 * time is that of the question; or there is nobody who could be in this node's place, because the
 * peer has ended, by a proof. What corosync says is no evidence: after a pause it says what was
 * true before.
 */
#ifndef GEMEL_AGENT_RIGHT_H
#define GEMEL_AGENT_RIGHT_H

#include "common/id128.h"

struct right {
	uint32_t lease_ms;
	uint64_t evidence_ms; /* 0: none yet */
	bool is_alone;        /* the peer's end was proved */
	struct id128 ended;   /* that life; none: it was not known */
};

void right_open(struct right *right, uint32_t lease_ms);

/* The peer's life has answered to what was said at asked_ms. An ended life proves nothing. */
void right_answered(struct right *right, const struct id128 *life, uint64_t asked_ms);

/* The peer has ended, by a proof. life: none if it was not known. */
void right_alone(struct right *right, const struct id128 *life);

/* The moment, or 0. */
uint64_t right_until(const struct right *right, uint64_t now_ms);

#endif
