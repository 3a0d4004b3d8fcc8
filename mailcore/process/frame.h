/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame -- the small fixed messages between the core and an smtp worker.
 *
 * Pure. Every frame has FRAME_BYTES bytes, so many of them go through one
 * system call and none is ever parsed in pieces. Bytes of mail are not in
 * frames: a frame names a position in the ring (ring.h) and lengths there.
 *
 * Layout (little endian): type u8, verdict u8, text_length u8, 0 u8, first u32,
 * second u32, session u64, position u64, text[36]. What a type does not
 * use is 0: a table says which fields each type uses and who may send it, and
 * frame_decode() refuses all else.
 *
 *	worker -> core				core -> worker
 *	RECIPIENT session position first	RECIPIENT_ANSWER session verdict
 *	STAGE     session position first	STAGE_ANSWER     session verdict
 *	COMMIT    session position first second	COMMIT_ANSWER    session verdict text
 *	ABANDON   session			CONSUMED position: the ring is free up to here
 *	REFUSED   position first second
 *	SESSIONS  first: how many are open	LISTEN first: so many sockets come along
 *	QUIET     first: as in QUIESCE, none is	QUIESCE first: a number of its own
 *	          open and none is accepted
 */
#ifndef GEMEL_MAILCORE_PROCESS_FRAME_H
#define GEMEL_MAILCORE_PROCESS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_BYTES 64
#define FRAME_TEXT_MAX 36
/* Sockets that one LISTEN can carry; the kernel's own limit is 253. */
#define FRAME_SOCKETS_MAX 64

enum frame_type {
	FRAME_RECIPIENT = 1, /* first: length of the address */
	FRAME_STAGE,         /* first: length of the piece */
	FRAME_COMMIT,        /* first: length of the envelope, second: of the content behind it */
	FRAME_ABANDON,
	FRAME_REFUSED, /* for the log; first: length of the client's address, second: of the reply
			* and, behind a NUL, the recipient that it refused */
	FRAME_SESSIONS,
	FRAME_QUIET,
	FRAME_RECIPIENT_ANSWER,
	FRAME_STAGE_ANSWER,
	FRAME_COMMIT_ANSWER,
	FRAME_CONSUMED,
	FRAME_LISTEN,
	FRAME_QUIESCE,
	FRAME_TYPES, /* one more than the last */
};

enum frame_sender {
	FRAME_FROM_WORKER,
	FRAME_FROM_CORE,
};

struct frame {
	enum frame_type type;
	uint8_t verdict; /* enum recipient_verdict or enum commit_verdict */
	uint8_t text_length;
	uint32_t first;
	uint32_t second;
	uint64_t session;
	uint64_t position;
	char text[FRAME_TEXT_MAX];
};

/* Encode f, which must obey the table (an assert says so: it is ours). */
void frame_encode(const struct frame *f, uint8_t out[FRAME_BYTES]);

/* Decode a frame that sender sent. False: not a frame that it may send; *f is empty then. */
bool frame_decode(const uint8_t in[FRAME_BYTES], enum frame_sender sender, struct frame *f);

#endif
