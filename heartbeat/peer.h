/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer -- what this node believes of the other one of its pair.
 *
 * Pure. Two senses: our lines (hearing.h, any of them) and the engine (Corosync's
 * membership). And proofs, which alone can say that a life has ended. Silence of both
 * senses is SILENT and nothing more: a frozen machine is silent, and comes back.
 *
 *                     engine has it      engine has lost it
 *   a line hears it   ALIVE              CUT_OFF
 *   no line does      UNHEARD            SILENT
 *
 *   any of these --PROOF for this life--> STOPPED --a later life is heard, or the engine
 *                                                   takes it in again--> by the table
 *   any of these --a later life is heard--> by the table; the duty says that the old has ended
 *
 * UNKNOWN until the first word of either sense. A proof names a life (boot id): one for
 * another life changes nothing.
 */
#ifndef GEMEL_HEARTBEAT_PEER_H
#define GEMEL_HEARTBEAT_PEER_H

#include "common/id128.h"

enum peer_state {
	PEER_UNKNOWN,
	PEER_ALIVE,
	PEER_UNHEARD,
	PEER_CUT_OFF,
	PEER_SILENT,
	PEER_STOPPED,
	PEER_STATES,
};

enum peer_event {
	PEER_EV_BEAT,        /* a line heard it; life: whose */
	PEER_EV_QUIET,       /* no line hears it any more */
	PEER_EV_ENGINE_HAS,  /* the engine has it as a member */
	PEER_EV_ENGINE_LOST, /* has not */
	PEER_EV_PROOF,       /* life has ended, by one of the proofs of fencing */
	PEER_EVENTS,
};

enum peer_duty {
	PEER_OWES_NOTHING,
	PEER_OWES_NEWS,  /* the state has changed: log it, tell the operator's monitoring */
	PEER_OWES_PROOF, /* it is silent or cut off: seek a proof that it has stopped */
	PEER_OWES_ENDED, /* a later life speaks: that is a proof that the one before has ended */
	PEER_DUTIES,
};

struct peer {
	enum peer_state state;
	struct id128 life;  /* the latest that was heard; none: none was */
	struct id128 ended; /* the latest of which there is a proof; none: none */
	bool is_heard;
	bool is_member;
};

void peer_open(struct peer *peer);

/* Feed one event; the single duty that the caller now owes. life: for BEAT (that of a fresh beat)
 * and PROOF. */
enum peer_duty peer_step(struct peer *peer, enum peer_event event, const struct id128 *life);

/* Its last life that was heard has ended, by a proof. The only belief from which may be taken
 * over. */
bool peer_has_stopped(const struct peer *peer);

const char *peer_state_text(enum peer_state state);

/* One or two words: "alive", "cut off". */
const char *peer_state_name(enum peer_state state);

#endif
