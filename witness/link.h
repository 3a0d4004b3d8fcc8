/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link -- when to connect to a witness, when to ask whether it is there, when to give it up.
 *
 * Pure. link_step() takes an event and says what to do; link_deadline() when LINK_TICK is due.
 *
 *     RESTING --pause is over: CONNECT--> CONNECTING --it spoke--> UP
 *        ^                                   |                     |
 *        '---- lost, or silent for LINK_SILENCE_MS: DROP ----------'
 *
 * The pause begins with LINK_PAUSE_MIN_MS and doubles up to LINK_PAUSE_MAX_MS; a witness that
 * spoke sets it back. So one that refuses us after the handshake is not asked without end.
 */
#ifndef GEMEL_WITNESS_LINK_H
#define GEMEL_WITNESS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_PAUSE_MIN_MS 200u
#define LINK_PAUSE_MAX_MS 2000u
#define LINK_PING_MS 200u
#define LINK_SILENCE_MS 900u

enum link_state {
	LINK_RESTING,
	LINK_CONNECTING,
	LINK_UP,
};

enum link_event {
	LINK_TICK,
	LINK_HEARD, /* the witness said something */
	LINK_LOST,  /* the connection is gone, or could not be begun */
};

enum link_duty {
	LINK_NOTHING,
	LINK_CONNECT,
	LINK_PING,
	LINK_DROP, /* close the connection */
};

struct link {
	enum link_state state;
	uint64_t heard_ms; /* or when the state began */
	uint64_t pinged_ms;
	uint32_t pause_ms; /* RESTING: this one; else the next one */
};

/* Begin: connect at once. */
void link_open(struct link *link, uint64_t now_ms);

enum link_duty link_step(struct link *link, enum link_event event, uint64_t now_ms);

uint64_t link_deadline(const struct link *link);

#endif
