/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * barring -- which commands to a disk array register this node, look whether it may still write,
 * and keep its peer from writing; and when that is proved.
 *
 * Pure: barrier.h runs the commands. All three are one loop:
 *
 *     LOOK at every path side by side --> what is there decides --> over, with an end
 *          ^                                    |
 *          '--- all have ended <--- ACT: REGISTER on every path, RESERVE or PREEMPT
 *
 * Each act is done at most once, so the loop ends. A round is over when all of its commands
 * have ended; none is left under way.
 *
 * What each decides, from the newest look. A look counts only if every path gave a clear answer,
 * and all the same one.
 *
 *   REGISTER  Others than this pair, or a reservation that is none of ours: an error, nothing
 *             is changed. Then our key on every path, a reservation if there is none, and the
 *             keys of earlier lives of this node away. But once in a life: later only a look
 *             whether the key is there, for who registers again after having been
 *             barred can write again, and the peer has a proof that it can't. Until it
 *             has registered a node must not mount.
 *   CHECK     Is our key there? Without it, GONE only if the peer's is there.
 *   BAR       Without our key: GONE. With the peer's: PREEMPT AND ABORT each of its keys; the
 *             array takes its registrations away on all ways and ends its commands in flight. Done
 *             only when a look afterwards shows our key, none of the peer's, nobody else's, and the
 *             reservation that keeps all others from writing.
 *
 * Two nodes that bar each other at once: the array does one PREEMPT first, and the other is
 * then of a key that is not registered: refused, changing nothing. So at most one has a proof.
 *
 * A reservation must be there before PREEMPT, not only after: without it a peer without key may
 * write, and what it has in flight is ended by nobody. With neither reservation nor peer's key
 * there is no proof.
 */
#ifndef GEMEL_AGENT_BARRING_H
#define GEMEL_AGENT_BARRING_H

#include "agent/reservation.h"

#define BARRING_PATHS_MAX 8u
#define BARRING_DEVICE_MAX 128
#define BARRING_VICTIMS_MAX 16u
#define BARRING_COMMANDS_MAX 16u /* in one round */
#define BARRING_SENTENCE_MAX 512
/* An array answers a command with a unit attention, instead of doing it, once for each thing
 * that has happened since the one before: a preemption, a reset. So often it is asked again. */
#define BARRING_ATTENTIONS_MAX 4u

enum barring_kind {
	BARRING_REGISTER,
	BARRING_CHECK,
	BARRING_BAR
};

enum barring_end {
	BARRING_UNDER_WAY,
	BARRING_DONE,    /* registered; our key is there; the peer is barred */
	BARRING_GONE,    /* our key is not there: we have been barred ourselves */
	BARRING_UNKNOWN, /* nothing is proved; the sentence says why */
};

enum barring_verb {
	BARRING_READ_KEYS,
	BARRING_READ_RESERVATION,
	BARRING_DO_REGISTER,
	BARRING_DO_RESERVE,
	BARRING_DO_PREEMPT, /* and abort */
};

struct barring_command {
	enum barring_verb verb;
	unsigned path;
	uint64_t victim; /* DO_PREEMPT */
	unsigned attentions;
	bool is_started, is_ended;
};

/* The array as all paths have shown it; the generations of each. */
struct barring_look {
	struct reservation_keys keys[BARRING_PATHS_MAX];
	struct reservation_holder holders[BARRING_PATHS_MAX];
	bool has_keys[BARRING_PATHS_MAX]; /* the path has shown its keys */
};

struct barring_place {
	uint64_t pair;
	uint8_t node; /* this one */
	struct id128 boot;
	unsigned
	    paths; /* 1 to BARRING_PATHS_MAX: the device nodes that lead to one and the same disk */
	char devices[BARRING_PATHS_MAX][BARRING_DEVICE_MAX];
};

struct barring {
	enum barring_kind kind;
	const struct barring_place *place;
	uint64_t key;       /* ours */
	bool is_registered; /* in this life, before */
	enum barring_end end;
	char sentence[BARRING_SENTENCE_MAX]; /* for GONE and UNKNOWN */

	struct barring_command commands[BARRING_COMMANDS_MAX]; /* the round */
	unsigned count;
	bool is_looking, has_failed;
	unsigned looks;
	bool has_registered, has_reserved, has_preempted;

	/* What the proof rests on. */
	struct barring_look first, last;
	uint64_t victims[BARRING_VICTIMS_MAX];
	unsigned victim_count;
};

/* Begin. place is borrowed. marked: the key that this node has registered before, as far as
 * it remembers; 0: none. */
void barring_open(
    struct barring *b, enum barring_kind kind, const struct barring_place *place, uint64_t marked);

/* The number of a command that is to be started now, which counts as started; -1: none. */
int barring_next(struct barring *b);

/* Command number i has ended: with this exit status, or -errno when it could not be started, was
 * killed or late. text: what it printed. Then ask barring_next() and the end again. */
void barring_ended(struct barring *b, unsigned i, int status, struct slice text);

/* The newest look has shown our key on a path, and on none that answered it was missing. Less than
 * DONE: a path may be dead, as long as another leads to the disk. */
bool barring_saw_key(const struct barring *b);

/* sg_persist's option for it. */
const char *barring_verb_text(enum barring_verb verb);

/* The peer's node number. */
static inline int
barring_peer(const struct barring *b)
{
	return !b->place->node;
}

#endif
