/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trail -- where is message X: a line for each thing that happens to one.
 *
 * Pure: it makes the text of the records that log.h writes. The lines and their
 * keys are in mailcored(8); scripts rely on them.
 */
#ifndef GEMEL_MAILCORE_CORE_TRAIL_H
#define GEMEL_MAILCORE_CORE_TRAIL_H

#include "common/slice.h"
#include "mailcore/spool/envelope.h"

/* The value of the Message-ID field in the header section, without the space around it; empty if
 * there is none in the first 64 KiB. Views content, which may be the beginning only. */
struct slice trail_message_id(struct slice content);

/* Append what is known of a message before it has an id: what follows "accepted id=...". */
void trail_message(
    struct buffer *line, const struct envelope *e, uint64_t bytes, struct slice message_id);

/* Append "accepted id=ID" and details, as trail_message() made them. */
void trail_accepted(struct buffer *line, const char *id_text, struct slice details);

/* Append "refused client=... reply=...". skipped: so many were not told before this one. */
void trail_refused(struct buffer *line, struct slice client, struct slice reply,
    struct slice recipient, uint64_t skipped);

/* How many refusals may be told: TRAIL_REFUSALS_BURST at once, then TRAIL_REFUSALS_PER_S, so that
 * nobody fills the disk with them. All zero to begin with. */
#define TRAIL_REFUSALS_BURST 1000
#define TRAIL_REFUSALS_PER_S 20

struct trail_limit {
	uint64_t since_ms; /* what was told is paid for up to this time */
	uint64_t skipped;  /* since one was told */
};

/* May one more be told? False: it is counted as skipped. */
bool trail_may_tell(struct trail_limit *limit, uint64_t now_ms);

struct trail_outcome {
	const char *id_text;
	struct slice recipient; /* as in the envelope */
	uint64_t mailbox;       /* account number; 0: none */
	uint64_t age_ms;        /* since it was accepted */
	const char *reason;     /* NULL: it was delivered; else why it was deferred */
};

/* Append "delivered ..." or "deferred ...". */
void trail_outcome(struct buffer *line, const struct trail_outcome *outcome);

#endif
