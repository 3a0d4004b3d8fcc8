/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smtp-dialogue -- plays a client and the core against an SMTP session, in memory.
 *
 * The core that it plays knows postmaster and the mailboxes a, b and c of example.test;
 * full@example.test is full. It keeps what it was given to commit.
 */
#ifndef GEMEL_TESTS_UNIT_SMTP_DIALOGUE_H
#define GEMEL_TESTS_UNIT_SMTP_DIALOGUE_H

#include "mailcore/smtp/session.h"

struct dialogue {
	struct smtp_settings settings;
	struct smtp_session *session;
	uint64_t now_ms;
	size_t piece;   /* bytes per feed; 0: all at once */
	bool is_paused; /* leave questions open */
	enum commit_verdict commit_verdict;
	enum commit_verdict stage_verdict;
	struct buffer heard;    /* everything that was sent to the client */
	struct buffer content;  /* of the last commit, staged pieces first */
	struct buffer envelope; /* its envelope_encode() */
	struct buffer staged;
	unsigned commits;
	unsigned abandons;
	size_t memory; /* the most that the session held */
};

/* The settings of most tests: message 65,536, 3 recipients, 30 Received, 5 errors, inline 16,384.
 */
struct smtp_settings dialogue_settings(void);

void dialogue_open(struct dialogue *d, const struct smtp_settings *settings, size_t piece);
/* What arrives at once; the output is taken after it. */
void dialogue_say(struct dialogue *d, struct slice bytes);
void dialogue_serve(struct dialogue *d);
bool dialogue_is_over(const struct dialogue *d);
void dialogue_close(struct dialogue *d);

/* The last line of each reply, as "220 250 250/2.1.0", in out of room bytes. */
const char *dialogue_codes(const struct dialogue *d, char *out, size_t room);

#endif
