/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fencing -- who of the two goes: one state machine for this node's own end and for the peer's.
 *
 * Pure. Pacemaker asks for the peer's end (fence_gemel), the peer asks for ours, and both may do
 * so at once. It is level-triggered: fencing_step() is given all that is known now, and says
 * what is owed; calling it once more does no harm.
 *
 * The peer's end is believed only by a proof (design: "Fencing ends on a proof"):
 *   released     its own signed word, now, for the life that speaks: it holds nothing and ends
 *   newer life   another life of it speaks than the one that was known when fencing began
 *   barred       the disk array refuses its writes (barrier.h)
 * Silence is none. With no proof it waits until the deadline, and sooner when no further one can
 * come; then it fails, and Pacemaker goes on to the next level, which is power.
 *
 * A node that owns the store and has lost its lease, since the peer is gone and nobody asks (it was
 * no member of the cluster), seeks a proof by itself, where there is an array that can give one.
 *
 * "off" promises that the node stays off: only its word that it powers itself off is enough.
 *
 * This node's own end:
 *
 *   FREE --the peer asks, and this node is no healthy owner of the store--> LATCHING
 *   LATCHING --no action runs, nothing is held any more--> RELEASED, and says so
 *   RELEASED --the peer has heard it, or a second has gone by--> ENDING
 *   LATCHING --it holds what only its end takes away, or a second has gone by--> ENDING, without
 *              the word; it says that it ends, so that the peer need not wait for silence to bar it
 *   any --it is known to be in the wrong--> ENDING
 *
 * There is no way back: what was promised to the peer is kept. If both ask and neither
 * owns the store, node 1 yields.
 */
#ifndef GEMEL_AGENT_FENCING_H
#define GEMEL_AGENT_FENCING_H

#include "common/id128.h"

#define FENCING_RELEASE_MS 1000u /* LATCHING, and RELEASED, at most */
#define FENCING_WORD_MS 2000u    /* the peer has to give its word, when nothing else can be had */
#define FENCING_PATIENCE_MS 500u /* a peer that is heard has until it is barred nevertheless */
#define FENCING_RETRY_MS 1000u   /* between two tries to bar it */

enum fencing_action {
	FENCING_REBOOT,
	FENCING_OFF,
};

enum fencing_proof {
	FENCING_UNPROVED,
	FENCING_RELEASED,
	FENCING_NEWER_LIFE,
	FENCING_BARRED,
	FENCING_PROOFS,
};

enum fencing_own {
	FENCING_OWN_FREE,
	FENCING_OWN_LATCHING,
	FENCING_OWN_RELEASED,
	FENCING_OWN_ENDING,
};

/* All that is known at one moment. "Fresh": by a beat that was believed (hearing.h). */
struct fencing_facts {
	uint64_t now_ms;

	/* This node. */
	bool owns;       /* its core owns the store, or may, and nothing is wrong with it */
	bool is_latched; /* latch_set() has said 0 */
	bool is_clean;   /* no core lives, the store is not mounted, no floating address is here */
	bool is_bound;   /* the store is mounted, or a floating address is here: it cannot let go */
	bool is_wrong;   /* it must not go on: the array bars it, or the peer is in its place */

	/* The peer. */
	bool is_heard;          /* some line hears it */
	bool owns_peer;         /* fresh: its core owns the store */
	bool peer_asks;         /* fresh, for our life: we are to end */
	bool peer_asks_off;     /* and to stay off */
	struct id128 peer_life; /* the latest that was heard; none: none was */
	bool peer_released;     /* fresh, of that life */
	bool peer_goes_off;     /* the same */
	bool peer_ends;         /* fresh: it ends now, and could not release what it holds */
	bool peer_knows;        /* fresh: it has heard a beat of ours that says RELEASED */
	bool is_in_doubt; /* neither line nor cluster has the peer, and the lease has lapsed */
};

/* How long a request of this node's own lasts. */
#define FENCING_OWN_MS 5000u

enum fencing_end {
	FENCING_NO_END,
	FENCING_PROVED,  /* answer: it has ended; proof and target say how and who */
	FENCING_GAVE_UP, /* answer: no proof; reason says why */
};

/* What the caller owes after a step. */
struct fencing_duty {
	bool latch;    /* latch this node, kill its core; each step anew until it is clean */
	bool bar;      /* begin to bar the peer; fencing_barred() when that has ended */
	bool end_self; /* reset now, or power off if goes_off */
	enum fencing_end answer; /* of the request for the peer's end */
};

struct fencing {
	uint8_t node; /* this one, 0 or 1 */
	bool can_bar; /* an array with reservations is configured */

	enum fencing_own own;
	bool goes_off;
	uint64_t own_since_ms;

	bool is_seeking;
	enum fencing_action action;
	uint64_t began_ms, deadline_ms;
	struct id128 target; /* the life that was known when it began; none: none was */
	bool is_barring, is_barred;
	uint64_t barred_ms; /* when the last try ended */
	const char *bar_fault;

	enum fencing_proof proof; /* of the last request that was PROVED */
	const char *reason;       /* of the last that GAVE_UP; one sentence */
};

void fencing_open(struct fencing *fencing, uint8_t node, bool can_bar);

/* Pacemaker wants the peer to end. False: this node has yielded, and ends itself without an answer.
 * While a request is on its way another joins it; "off" is the stronger one, and the proof has to
 * hold for both. life: the one that is known to run now; none: it is not known. */
bool fencing_seek(struct fencing *fencing, enum fencing_action action, const struct id128 *life,
    uint64_t now_ms, uint64_t deadline_ms);

/* Barring has ended. fault: NULL if the peer is barred, else why not; it is borrowed for good. */
void fencing_barred(struct fencing *fencing, const char *fault, uint64_t now_ms);

struct fencing_duty fencing_step(struct fencing *fencing, const struct fencing_facts *facts);

/* What beats are to say: flags of beat.h. */
uint8_t fencing_flags(const struct fencing *fencing);

/* As fence_gemel and the history say it: "released", "newer-life", "barred". */
const char *fencing_proof_text(enum fencing_proof proof);

#endif
