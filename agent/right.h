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
 * In a pair on an array with reservations a right that has lapsed does not begin again by that
 * alone. Meanwhile the peer may have barred this life and served, and then have been reset: its
 * next life knows nothing of that, answers, and gives its word. The array knows: the right begins
 * again when a look at it that began after the lapse has shown this node's key. It has lapsed, too,
 * when this node has stood still for as long as a lease, or hears its peer in its place.
 *
 * Who is alone there may be barred by a later life of the peer, of which it hears nothing. So its
 * evidence is the key, and its right ends lease_ms after the last look that has shown it.
 */
#ifndef GEMEL_AGENT_RIGHT_H
#define GEMEL_AGENT_RIGHT_H

#include "common/id128.h"

struct right {
	uint32_t lease_ms;
	bool needs_key;
	uint64_t evidence_ms; /* 0: none yet */
	bool is_alone;        /* the peer's end was proved */
	struct id128 ended;   /* that life; none: it was not known */
	uint64_t ticked_ms;   /* when time was last looked at */
	bool has_lapsed;      /* needs_key: the key was not seen since */
	uint64_t lapsed_ms;
	uint64_t key_ms; /* needs_key: then the key was there; 0: not seen yet */
};

/* needs_key: the pair is on an array with reservations. Such a right begins as one that has
 * lapsed. */
void right_open(struct right *right, uint32_t lease_ms, bool needs_key);

/* Time goes by. Call it before anything else happens at a moment, and some times in lease_ms. */
void right_tick(struct right *right, uint64_t now_ms);

/* The peer's life has answered to what was said at asked_ms. An ended life proves nothing. */
void right_answered(struct right *right, const struct id128 *life, uint64_t asked_ms);

/* The peer has ended, by a proof. life: none if it was not known. */
void right_alone(struct right *right, const struct id128 *life);

/* Something speaks against this node: on an array it has to see its key again. */
void right_doubt(struct right *right, uint64_t now_ms);

/* A look at the array that began at looked_ms has shown this node's key. */
void right_has_key(struct right *right, uint64_t looked_ms);

/* This node does not know whether it still has its key. */
bool right_is_doubted(const struct right *right, uint64_t now_ms);

/* It is time to look at the array for the key, by looks that take less than half a lease. */
bool right_needs_look(const struct right *right, uint64_t now_ms);

/* The moment, or 0. */
uint64_t right_until(const struct right *right, uint64_t now_ms);

#endif
