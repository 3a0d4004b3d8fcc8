/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grpc -- how a call looks inside HTTP/2: one message in a body, a status behind it.
 *
 * Pure. After the gRPC project's "gRPC over HTTP2": a message is a zero byte (not
 * compressed), its length in 4 bytes, highest first, and so many bytes. Calls with one message
 * in each direction only.
 */
#ifndef GEMEL_COMMON_GRPC_H
#define GEMEL_COMMON_GRPC_H

#include "common/slice.h"

#define GRPC_PREFIX_BYTES 5
#define GRPC_REASON_MAX 256

/* Of gRPC's numbers those that we give; a peer may give any below GRPC_STATUSES. */
enum grpc_status {
	GRPC_OK = 0,
	GRPC_INVALID_ARGUMENT = 3,  /* the message is none */
	GRPC_PERMISSION_DENIED = 7, /* not this asker */
	GRPC_UNIMPLEMENTED = 12,    /* no such path */
	GRPC_UNAVAILABLE = 14,      /* not now */
	GRPC_DATA_LOSS = 15,        /* what it would need is damaged */
	GRPC_UNAUTHENTICATED = 16,  /* who asks? */
	GRPC_STATUSES,
};

/* Append message with its prefix. It is shorter than 4 GiB. */
void grpc_put(struct buffer *body, struct slice message);

/* The one message that body consists of; a view. False: it consists of something else. */
bool grpc_take(struct slice body, struct slice *message_r);

/* "0" to "16". -1: it is no status. */
int grpc_parse_status(struct slice value);

/* Text as a header value: visible ASCII and spaces; what is not, and "%", becomes "?". */
void grpc_reason(struct slice text, char reason_r[GRPC_REASON_MAX]);

#endif
