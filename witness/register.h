/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * register -- which nodes of a pair may write: one row at a witness, changed by compare-and-set.
 *
 * Pure. The row's keeper makes a change durable before it answers; how that is
 * done, and who may ask for which pair, is not here. A row says nothing of who is
 * alive: it says whose copy of the mail is current.
 *
 *                   GRANT to a                      GRANT to b
 *   {a} epoch e+1 <------------ {a, b} epoch e ------------> {b} epoch e+1
 *        |                           ^                            |
 *        '------ ADMIT by a: e+2 ----'----- ADMIT by b: e+2 ------'
 *
 * Rules (each is needed: tests/model/pair.pml breaks a law without it):
 *   * GRANT: only a member of the newest epoch becomes sole member of the next.
 *   * ADMIT: only the sole member lets the other in; it has seen it up to date, and
 *     writes no more alone from before it asks.
 *   * What was done is answered again with the same (answers get lost).
 *   * Another uuid is another register (a witness that lost its memory): nothing.
 *   * A member that rebooted says so by RENEW; until then its asks are an older life's.
 *
 * CREATE begins a row: at the first start of a pair, and at a new witness, where it
 * goes on with the epoch of the old one. Who asks for it has never had a uuid, or
 * has durably renounced the one it had.
 */
#ifndef GEMEL_WITNESS_REGISTER_H
#define GEMEL_WITNESS_REGISTER_H

#include "common/id128.h"

#define REGISTER_NODES 2

struct register_row {
	struct id128 uuid; /* none: there is no row yet */
	uint64_t epoch;    /* of the pair; never goes down, 0 is never used */
	uint8_t members;   /* bit n: node n of the pair's configuration; never empty */
	struct id128 boots[REGISTER_NODES]; /* the life in which each was a member last */
};

enum register_verb {
	REGISTER_READ = 1,
	REGISTER_CREATE, /* uuid: what the keeper gives a new row, 128 random bits; epoch; boots */
	REGISTER_GRANT,
	REGISTER_ADMIT,
	REGISTER_RENEW,
};

struct register_ask {
	enum register_verb verb;
	struct id128 uuid;      /* that the asker knows */
	uint64_t epoch;         /* that it believes to be the newest; CREATE: to begin with */
	uint8_t node;           /* who asks: 0 or 1 */
	struct id128 boot;      /* its own */
	struct id128 peer_boot; /* CREATE, ADMIT: the other's */
};

enum register_verdict {
	REGISTER_CHANGED, /* done; make the row durable, then answer */
	REGISTER_SAME,    /* done before, or READ: answer with the row as it is */
	/* Refused; the row is as it was. The asker is shown it, so that it learns the epoch. */
	REGISTER_MALFORMED,  /* no such verb or node, or an id or epoch that is none */
	REGISTER_ABSENT,     /* there is no row for this pair */
	REGISTER_EXISTS,     /* CREATE: there is one, with other members or lives */
	REGISTER_UNKNOWN,    /* another uuid */
	REGISTER_OUTDATED,   /* the epoch is not the newest */
	REGISTER_EXCLUDED,   /* not a member; ADMIT: not the sole one */
	REGISTER_OTHER_LIFE, /* a member, with another boot id */
	REGISTER_VERDICTS,
};

/* Apply ask to row. Only REGISTER_CHANGED changes it. */
enum register_verdict register_apply(struct register_row *row, const struct register_ask *ask);

static inline bool
register_is_done(enum register_verdict verdict)
{
	return verdict == REGISTER_CHANGED || verdict == REGISTER_SAME;
}

/* True if it is a row that register_apply() could have made: not so of what was damaged, or was
 * none.
 */
bool register_is_legal(const struct register_row *row);

/* True if node alone may write. */
bool register_is_sole(const struct register_row *row, uint8_t node);

/* One sentence for the log and the operator. */
const char *register_verdict_text(enum register_verdict verdict);

#endif
