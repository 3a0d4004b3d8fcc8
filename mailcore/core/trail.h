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
