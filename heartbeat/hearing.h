/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hearing -- one line between two nodes: is what comes along it the peer, and is it now?
 *
 * Pure. A signature says who wrote a beat, not when: whoever can listen can send it
 * again. So a beat is believed only if it echoes a nonce that this life of ours has sent
 * on this line a moment ago (HEARING_ECHO_MS), and has a higher sequence than the one before. Beats
 * that echo nothing are answered (with their nonce, so that the peer's next one can), and believed
 * in nothing.
 *
 *   peer                      this node
 *    | -- beat, nonce p1 -------> | UNPROVED: to be echoed
 *    | <--- beat, nonce n1, p1 -- |
 *    | -- beat, nonce p2, n1 ---> | FRESH: the peer lives, and n1's time is the evidence
 *
 * Another boot id that echoes is a later life: the one before has ended, which is a proof
 * (design: "a signed beat of a newer boot id"). An ended life is never believed again,
 * whatever it echoes.
 *
 * Beats that overtake each other on the way are dropped: the next one is near.
 */
#ifndef GEMEL_HEARTBEAT_HEARING_H
#define GEMEL_HEARTBEAT_HEARING_H

#include "heartbeat/beat.h"

/* Nonces that may still be echoed, and for how long. Who was stopped for longer finds what came
 * before that still waiting: it is true, and it is not now. */
#define HEARING_NONCES 16
#define HEARING_ECHO_MS 1000u
#define HEARING_ENDED 8

struct hearing {
	uint64_t pair;
	uint8_t node; /* this one */
	uint8_t line;
	struct id128 boot; /* of this one */
	uint32_t silence_ms;

	/* What was sent. */
	uint64_t sequence;
	uint64_t sent_count;
	struct {
		uint64_t nonce;
		uint64_t at_ms;
	} sent[HEARING_NONCES];

	/* The peer: its life (none: not yet heard) and the last sequence of it. */
	struct id128 peer;
	uint64_t peer_sequence;
	uint64_t fresh_ms; /* when it was believed last */
	bool is_known;     /* peer has been believed */
	struct id128 ended[HEARING_ENDED];
	unsigned ended_next;

	/* What the next beat echoes. */
	struct id128 echo_boot;
	uint64_t echo_nonce;
};

enum hearing_verdict {
	HEARD_FRESH,    /* the peer is there, now */
	HEARD_NEW_LIFE, /* and it is another life of it than before */
	HEARD_UNPROVED, /* signed, but who knows when */
	HEARD_REPLAYED, /* heard before, overtaken, or of a life that has ended */
	HEARD_NOT_OURS, /* of another pair or line, or by ourselves */
	HEARING_VERDICTS,
};

/* Begin. silence_ms: after so long without a fresh beat the line is down. */
void hearing_open(struct hearing *h, const struct beat *ours, uint32_t silence_ms);

/* Take a beat whose signature was right. For HEARD_FRESH and HEARD_NEW_LIFE *evidence_ms_r is when
 * we sent what it echoes: until then at least the peer's words are true. */
enum hearing_verdict
hearing_take(struct hearing *h, const struct beat *beat, uint64_t now_ms, uint64_t *evidence_ms_r);

/* Fill in what a beat says of this line, to be sent now. nonce: 64 random bits. */
void hearing_say(struct hearing *h, uint64_t nonce, uint64_t now_ms, struct beat *beat);

/* The peer is heard on this line. */
bool hearing_is_up(const struct hearing *h, uint64_t now_ms);

/* When hearing_is_up() turns false if nothing more comes; UINT64_MAX: it is false. */
uint64_t hearing_deadline(const struct hearing *h, uint64_t now_ms);

#endif
