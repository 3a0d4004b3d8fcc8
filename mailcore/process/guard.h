/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard -- what the core believes of one life of a worker.
 *
 * Pure. A worker parses what strangers send and may be in a stranger's hands:
 * every frame from it is checked here before anything is done. A session is a
 * slot (low 32 bits, below sessions_max) and a use of that slot (high 32 bits)
 * that only grows, so the core needs one small row per slot and no number ever
 * comes back. The rules:
 *
 *	a session has at most one question open, and asks the next one after the answer;
 *	a slot is used anew only when no question is open and nothing staged is left;
 *	an entry in the ring is the next one, without a gap, and not too long;
 *	staged pieces and content together are not longer than a message may be.
 *
 * A breach is never an accident of the network; the pool ends that worker.
 */
#ifndef GEMEL_MAILCORE_PROCESS_GUARD_H
#define GEMEL_MAILCORE_PROCESS_GUARD_H

#include "mailcore/process/frame.h"
#include "mailcore/process/ring.h"
#include "mailcore/smtp/settings.h"

/* An address is at most 64 + 1 + 255 bytes (RFC 5321 4.5.3.1). */
#define GUARD_ADDRESS_MAX 1024
/* "IPv6:" and an address literal; a reply, a NUL and an address. */
#define GUARD_CLIENT_MAX 64
#define GUARD_REFUSAL_MAX (512 + 1 + GUARD_ADDRESS_MAX)
/* The lines that a session may put in front of a content: Received and Return-Path. */
#define GUARD_ADDED_MAX 4096

enum guard_breach {
	GUARD_OK = 0,
	GUARD_SLOT,     /* no such slot */
	GUARD_STALE,    /* a use of a slot that is over */
	GUARD_BUSY,     /* a question is open already, or staged pieces were left */
	GUARD_LENGTH,   /* an address, piece, envelope or content that is too long, or empty */
	GUARD_POSITION, /* not where the next entry is */
	GUARD_MESSAGE,  /* staged more than a message may have */
	GUARD_COUNT,    /* more sessions than allowed */
	GUARD_BREACHES, /* one more than the last */
};

struct guard_slot {
	uint64_t session;
	uint64_t staged_bytes;
	uint32_t asked_bytes;
	uint8_t asked; /* enum frame_type of the open question, or 0 */
};

struct guard {
	struct guard_slot *slots;
	uint32_t slot_count;
	uint32_t piece_max;
	uint64_t message_max;
	uint64_t open_bytes; /* of questions that are not answered: what the core has to hold */
	uint32_t sessions;   /* as the worker last said */
	struct ring_reader ring;
};

/* Begin a life. Owns memory until guard_close(). */
void guard_open(struct guard *g, const struct smtp_settings *settings, uint64_t ring_size);
void guard_close(struct guard *g);

/* The longest entry that a worker with these settings puts into the ring. */
uint64_t guard_entry_max(const struct smtp_settings *settings);

/* Check a frame that the worker sent and book it. Anything but GUARD_OK: do nothing with it. */
enum guard_breach guard_check(struct guard *g, const struct frame *f);

/* An answer of this type is about to be sent. False: nobody waits for it, send nothing. */
bool guard_answer(struct guard *g, uint64_t session, enum frame_type answer);

/* One sentence for the log. */
const char *guard_breach_text(enum guard_breach breach);

#endif
