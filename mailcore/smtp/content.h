/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * content -- reads what follows DATA, up to the line that is a lone dot.
 *
 * Pure. It undoes dot-stuffing (RFC 5321 4.5.2), finds the end (CR LF . CR LF and
 * nothing else), refuses CR, LF and NUL on their own, and counts the Received lines
 * of the header section. It keeps nothing: what it gives out are pieces of what it
 * was given, as long as they can be (up to the next line that begins with a dot).
 * However the input is cut, the pieces together and the last event are the same.
 */
#ifndef GEMEL_MAILCORE_SMTP_CONTENT_H
#define GEMEL_MAILCORE_SMTP_CONTENT_H

#include "common/slice.h"

enum smtp_content_event {
	CONTENT_MORE,  /* the input is used up */
	CONTENT_PIECE, /* here is some content; read again with the rest */
	CONTENT_END,   /* that was the last line; the rest of the input are commands */
	CONTENT_BARE_CR,
	CONTENT_BARE_LF,
	CONTENT_NUL,
};

enum smtp_content_state {
	CONTENT_LINE_START,
	CONTENT_TEXT,   /* within a line */
	CONTENT_CR,     /* a CR that is not given out yet */
	CONTENT_DOT,    /* a dot that began a line, not given out */
	CONTENT_DOT_CR, /* and a CR behind it */
};

struct smtp_content {
	enum smtp_content_state state;
	bool is_header;    /* the first empty line has not come yet */
	uint8_t matched;   /* so many letters of "received" begin this line */
	uint32_t received; /* Received lines so far */
	uint64_t length;   /* bytes given out */
};

/* Begin, right behind the CR LF of DATA. */
void smtp_content_open(struct smtp_content *c);

/*
 * Read from input. *used_r is how much of it was used. At CONTENT_PIECE *piece_r views the input
 * (or a constant) and is at most one byte longer than what was used, else it is empty. After
 * CONTENT_END or a fault, do not read on.
 */
enum smtp_content_event smtp_content_read(
    struct smtp_content *c, struct slice input, size_t *used_r, struct slice *piece_r);

#endif
