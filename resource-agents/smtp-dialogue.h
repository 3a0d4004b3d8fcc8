/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smtp-dialogue -- greeting, EHLO, NOOP, RSET, QUIT: does somebody serve SMTP there?
 *
 * Blocks; run it in a child with a deadline (ocf/child.h).
 */
#ifndef GEMEL_AGENTS_SMTP_DIALOGUE_H
#define GEMEL_AGENTS_SMTP_DIALOGUE_H

#include "common/slice.h"

struct smtp_dialogue {
	const char *address; /* IPv4 or IPv6 literal */
	uint16_t port;
};

/* Pure: the code of the reply that begins text, if its last line has come whole; 0: not yet; -1:
 * no reply of RFC 5321 4.2. */
int smtp_reply_code(struct slice text);

/* A child_work. 0, or -errno with a sentence in text. */
int smtp_dialogue_run(void *dialogue, char *text);

#endif
