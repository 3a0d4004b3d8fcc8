/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * envelope -- what travels with a message beside its content.
 *
 * Pure. Made by an SMTP session, written into the journal, read back by
 * whoever delivers. The encoding is bounded and checked: it crosses a process
 * boundary from a worker that is not trusted, and a disk that may be damaged.
 *
 * Encoding: a version byte, then items {tag u8, length u16 little endian,
 * bytes}. Each scalar item at most once; items of a recipient follow its
 * address. An unknown tag is an error: the version says which tags exist.
 */
#ifndef GEMEL_MAILCORE_SPOOL_ENVELOPE_H
#define GEMEL_MAILCORE_SPOOL_ENVELOPE_H

#include "common/slice.h"

/* RFC 5321 4.5.3.1.8 asks for 100 at least. */
#define ENVELOPE_RECIPIENTS_MAX 1000
#define ENVELOPE_ENCODED_MAX (1024 * 1024)

/* NOTIFY of RFC 3461 4.1; 0: the parameter was not given. */
enum envelope_notify {
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8,
};

/* RET of RFC 3461 4.3. */
enum envelope_return {
	RETURN_UNSET = 0,
	RETURN_FULL,
	RETURN_HEADERS,
};

enum envelope_flag {
	ENVELOPE_8BITMIME = 1, /* BODY=8BITMIME was given */
	ENVELOPE_SMTPUTF8 = 2,
	ENVELOPE_ESMTP = 4, /* EHLO, not HELO */
	ENVELOPE_TLS = 8,
	ENVELOPE_AUTHENTICATED = 16,
};

struct envelope_recipient {
	struct slice address;			/* "local@domain" as given, without brackets */
	struct slice original;			/* ORCPT as given (RFC 3461 4.2), or empty */
	uint8_t notify;				/* enum envelope_notify, or-ed */
};

struct envelope {
	uint32_t flags;			/* enum envelope_flag, or-ed */
	uint8_t returns;		/* enum envelope_return */
	struct slice reverse_path;	/* without brackets; empty for <> */
	struct slice client;		/* address literal of the peer: "192.0.2.1" or "IPv6:2001:db8::1" */
	struct slice helo;		/* what the client called itself */
	struct slice envelope_id;	/* ENVID of RFC 3461 4.4, or empty */
	uint64_t accepted_ms;		/* wall clock at the end of the content */
	struct envelope_recipient *recipients;
	size_t recipient_count;
};

/* Append the encoding to out. False when a field is longer than 65,535 bytes or there are no or too
 * many recipients (a fault of the caller, who bounds what it takes). */
bool envelope_encode(const struct envelope *e, struct buffer *out);

/* Decode. On true the caller owns e->recipients (envelope_close); all slices view encoded. On false
 * e is empty: the bytes are not an envelope. */
bool envelope_decode(struct slice encoded, struct envelope *e);

void envelope_close(struct envelope *e);

#endif
