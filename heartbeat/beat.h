/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * beat -- what a node says of itself to the other one of its pair, some times a second on each
 * line.
 *
 * Pure: bytes and meaning. The signature is seal.h, whether a beat may be believed is
 * hearing.h, what follows from it peer.h.
 *
 * One packet of BEAT_BYTES, little endian, the same on UDP, serial cable and disk slot:
 *
 *     0  magic "GMLB"      44  nonce             108  queued
 *     4  version           52  heard boot id     116  commit_us u32
 *     5  key id            68  heard nonce       120  lease_left_ms u32
 *     6  node              76  epoch             124  tick_age_ms u32
 *     7  line              84  generation        128  role u8, replication u8, flags u8, 0 u8
 *     8  pair              92  accepted          132  zero, up to
 *    16  boot id          100  delivered         160  HMAC-SHA-256 of all before
 *    32  sequence u64
 *    40  zero u32
 *
 * Numbers without a width are u64. Other versions are refused: both nodes of a pair are
 * updated one after the other, and meanwhile the lines are silent, which moves nothing.
 */
#ifndef GEMEL_HEARTBEAT_BEAT_H
#define GEMEL_HEARTBEAT_BEAT_H

#include "common/id128.h"

#define BEAT_BYTES 192
#define BEAT_SIGNED_BYTES 160
#define BEAT_VERSION 1
#define BEAT_NODES 2
#define BEAT_ROLE_MAX 7

enum beat_replication {
	BEAT_REPLICATION_NONE, /* one disk that both see */
	BEAT_UP_TO_DATE,
	BEAT_SYNCING,
	BEAT_OUTDATED,
	BEAT_FROZEN, /* writes are held until fencing has answered */
	BEAT_REPLICATION_STATES,
};

enum beat_flag {
	BEAT_HAS_LEASE = 1,   /* may acknowledge now */
	BEAT_IS_DEGRADED = 2, /* the core works, and something is wrong */
	BEAT_RELEASED = 4,    /* holds nothing, will take nothing more in this life, ends now */
	BEAT_GOES_OFF = 8,    /* and does not come back by itself */
	/* Of the life that heard_boot names: */
	BEAT_ASKS_RESET = 16, /* it is to release what it has and reset itself */
	BEAT_ASKS_OFF = 32,   /* or power itself off */
	BEAT_EXCLUDES = 64,   /* the speaker has a proof that it has ended */
	BEAT_ENDS = 128,      /* the speaker ends now, and could not release what it holds */
	BEAT_FLAGS = 255,
};

struct beat {
	uint64_t pair;     /* which pair: two may share a network */
	uint8_t node;      /* who speaks: 0 or 1 */
	uint8_t line;      /* number of the line that it is sent on */
	struct id128 boot; /* the speaker's life */
	uint64_t sequence; /* rises in a life on a line, with time: also from line to line */
	uint64_t nonce;    /* random, new with each beat */
	struct id128
	    heard_boot;       /* whom the speaker has heard last on this line; none: nobody yet */
	uint64_t heard_nonce; /* and the nonce of that beat */
	uint64_t epoch;       /* of the pair, the newest that the speaker knows */
	uint64_t generation;  /* of the last promote */
	uint64_t accepted;    /* progress.h */
	uint64_t delivered;
	uint64_t queued;
	uint32_t commit_us;
	uint32_t lease_left_ms;
	uint32_t tick_age_ms; /* how long the core's loop has stood still */
	/* enum core_role; 0: no core runs; CORE_ENDED: the agent ends in order, and nothing is
	 * acknowledged here before it is back */
	uint8_t role;
	uint8_t replication; /* enum beat_replication */
	uint8_t flags;       /* enum beat_flag */
};

enum beat_fault {
	BEAT_OK,
	BEAT_LENGTH, /* not BEAT_BYTES long */
	BEAT_MAGIC,  /* no beat */
	BEAT_OTHER_VERSION,
	BEAT_KEY,    /* signed with a key that we do not have */
	BEAT_FORGED, /* the signature is wrong */
	BEAT_VALUE,  /* signed, and a field has a value that it can't have */
	BEAT_FAULTS,
};

/* Write all but key id and signature, which are zero. The values must be legal: they are ours. */
void beat_encode(const struct beat *beat, uint8_t out[BEAT_BYTES]);

/* Is it worth a look at the signature? BEAT_OK, BEAT_LENGTH, BEAT_MAGIC or BEAT_OTHER_VERSION. */
enum beat_fault beat_check_form(struct slice packet);

/* Read a packet of the right form whose signature was found to be right. BEAT_OK or BEAT_VALUE;
 * *beat_r is empty then. */
enum beat_fault beat_decode(const uint8_t packet[BEAT_BYTES], struct beat *beat_r);

/* One sentence. */
const char *beat_fault_text(enum beat_fault fault);

#endif
