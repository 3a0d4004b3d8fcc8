/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair -- this node as one of the two: what it says, what it believes of the other, who goes, and
 * until when it may acknowledge.
 *
 * Pure: it joins hearing.h, peer.h, right.h and fencing.h, and is all that decides. The daemon
 * around it (heart.c, conduct.c) moves packets and carries out duties; the simulation
 * (tests/sim) does the same with a world of its own.
 *
 * Every packet and every moment goes through these calls:
 *   pair_say    what to send on a line now
 *   pair_take   a beat whose signature was right
 *   pair_step   some time has gone by, or something has changed: what is owed?
 */
#ifndef GEMEL_AGENT_PAIR_H
#define GEMEL_AGENT_PAIR_H

#include "agent/fencing.h"
#include "agent/right.h"
#include "heartbeat/hearing.h"
#include "heartbeat/peer.h"

#define PAIR_LINES_MAX 8

/* No machine is back sooner. A life that was heard longer ago need not be the one that is to end:
 * a later one may be there, of which nothing was heard yet. */
#define PAIR_REBOOT_MS 1000u

struct pair_settings {
	uint64_t pair;     /* number of the pair: two may share a network */
	uint8_t node;      /* this one: 0 or 1 */
	struct id128 boot; /* this life */
	unsigned lines;
	uint32_t silence_ms; /* a line is down after so long */
	uint32_t lease_ms;
	bool can_bar;
	/* What a process before this one has left, in this life. */
	bool goes_off; /* it has promised that this node stays off */
	bool is_alone; /* the right was so (right.h), and whose end that was */
	struct id128 ended;
};

/* What is to be seen of this node now. */
struct pair_self {
	uint8_t role; /* enum core_role; 0: no core runs */
	bool is_ill;  /* of the core something is surely wrong (watch.h) */
	bool is_degraded;
	bool is_latched, is_clean, is_bound; /* fencing.h */
	bool is_wrong; /* the array bars it; or it was latched before this start */
	uint64_t generation, accepted, delivered, queued;
	uint32_t commit_us, tick_age_ms;
};

struct pair {
	struct pair_settings settings;
	struct hearing lines[PAIR_LINES_MAX];
	struct peer peer;
	struct right right;
	struct fencing fencing;
	bool is_excluded;    /* the peer has a proof that this life has ended */
	bool is_resting;     /* pair_rest() */
	struct beat said;    /* the peer's last beat that was believed */
	uint64_t asked_ms;   /* when we sent what it answers */
	struct id128 barred; /* the life that was heard last when barring began */
	bool took_key;       /* it had one */
	struct id128 ended;  /* the life whose end was proved last; none: it was not known */
	uint64_t proved_ms;  /* when that was */
};

enum pair_heard {
	PAIR_BELIEVED,
	PAIR_UNPROVED, /* signed, but who knows when: answer it, so that the next one can be proved
			*/
	PAIR_REFUSED,  /* old, or not the peer's */
};

void pair_open(struct pair *pair, const struct pair_settings *settings);

/* Fill in what is to be sent on a line now. nonce: 64 random bits. */
void pair_say(struct pair *pair, unsigned line, uint64_t nonce, uint64_t now_ms,
    const struct pair_self *self, struct beat *beat);

enum pair_heard
pair_take(struct pair *pair, unsigned line, const struct beat *beat, uint64_t now_ms);

/* What is owed now. When it says FENCING_PROVED the proof has been taken into account. */
struct fencing_duty pair_step(struct pair *pair, const struct pair_self *self, uint64_t now_ms);

/* Barring, which pair_step() asked for, has ended; as fencing_barred(). had_key: there was a key of
 * the peer, and it was taken away. Where there was none, a life of it may be just about to register
 * its first one; so it is no proof while the cluster has the peer, and never one of a life that was
 * heard: with its key that is as good as a later one. */
void pair_barred(struct pair *pair, bool had_key, const char *fault, uint64_t now_ms);

/* The last proof may still be told. Pacemaker takes a proof for the peer as it is when it is told;
 * where this node stood still meanwhile, a later life of the peer may be there and serve. */
bool pair_proof_holds(const struct pair *pair, uint64_t now_ms);

/* Pacemaker has had the peer's end from another level of its topology, a power switch, at that
 * moment. Without that word this node has no evidence, and its core acknowledges nothing until the
 * peer is back. It may come late: whoever has answered to what was asked since is there. */
void pair_fenced(struct pair *pair, uint64_t fenced_ms);

/* The array has shown this node's key, by a look that began at looked_ms. */
void pair_has_key(struct pair *pair, uint64_t looked_ms);

/* The lease waits for a look at the array, or soon will. */
bool pair_needs_look(const struct pair *pair, uint64_t now_ms);

/* The agent ends in order: from now on this node acknowledges nothing, and says so, which is the
 * peer's evidence until it is heard again. */
void pair_rest(struct pair *pair);

/* What corosync says. */
void pair_member(struct pair *pair, bool has_peer);

/* Pacemaker wants the peer to end, by deadline_ms. False: this node yields itself, and never
 * answers. */
bool
pair_fence(struct pair *pair, enum fencing_action action, uint64_t now_ms, uint64_t deadline_ms);

/* The moment until which this node's core may acknowledge; 0: not at all. */
uint64_t pair_lease(const struct pair *pair, uint64_t now_ms);

bool pair_hears(const struct pair *pair, unsigned line, uint64_t now_ms);

#endif
