/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace -- the header lines that are put on top of a message when it is written out.
 *
 * Pure. The content in the journal is as the client sent it; whoever writes it
 * into a mailbox, or sends it on, puts these lines before it. They follow from the
 * envelope, the id and the recipient alone, so writing again after a crash gives
 * the same bytes.
 */
#ifndef GEMEL_MAILCORE_SPOOL_TRACE_H
#define GEMEL_MAILCORE_SPOOL_TRACE_H

#include "mailcore/spool/envelope.h"

struct trace {
	const struct envelope *envelope;
	struct slice hostname; /* ours */
	const char *id_text;   /* message_id_text() */
};

/*
 * For final delivery (RFC 5321 4.4): append Return-Path, Delivered-To (loops through forwarding
 * show by it, and a user with many addresses can filter by it) and Received, which tells the
 * recipient only if the message has no other. recipient is an index into the envelope. Lines end
 * with CR LF, are folded below 78 bytes where a fold is possible and never reach 998.
 */
void trace_deliver(const struct trace *trace, size_t recipient, struct buffer *out);

/* For sending on: Received alone. */
void trace_relay(const struct trace *trace, struct buffer *out);

/* An RFC 5322 3.3 date in UTC, "Mon, 23 Nov 2026 18:36:08 +0000", for years up to 9999. */
#define TRACE_DATE 32
const char *trace_date(uint64_t wall_ms, char out[TRACE_DATE]);

#endif
