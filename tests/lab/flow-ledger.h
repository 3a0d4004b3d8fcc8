/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow-ledger -- who should have which message, and who has it. Pure.
 *
 * Feed it the records of the logs, then every message that was found, then ask
 * what is wrong. The unit is one recipient of one attempt:
 *
 *   outcome in the log              may be in the recipient's mailbox
 *   acked                           exactly once
 *   unknown, or no outcome at all   once or not at all
 *   refused, unsent                 not at all
 *   no such attempt or mailbox      not at all
 *
 * and wherever it is, its digest must be the one that was sent.
 */
#ifndef GEMEL_TESTS_LAB_FLOW_LEDGER_H
#define GEMEL_TESTS_LAB_FLOW_LEDGER_H

#include "tests/lab/flow-log.h"

#include <stddef.h>

enum flow_fault {
	FLOW_LOST,
	FLOW_DUPLICATED,
	FLOW_UNEXPECTED,
	FLOW_CHANGED,
};
#define FLOW_FAULTS (FLOW_CHANGED + 1)

struct flow_tally {
	uint64_t
	    outcome[FLOW_KINDS]; /* recipients by how they ended; FLOW_TRY: without an outcome */
	uint64_t found;
	uint64_t fault[FLOW_FAULTS];
};

struct flow_ledger;

const char *flow_fault_name(enum flow_fault fault);

struct flow_ledger *flow_ledger_open(void);
void flow_ledger_close(struct flow_ledger **ledger);

/* The mailbox of an address. Without any, mailboxes are not told apart. Before the records. */
void flow_ledger_map(struct flow_ledger *ledger, const char *address, const char *mailbox);

/* True if a record was mapped to this mailbox or mailboxes are not told apart. */
bool flow_ledger_has_mailboxes(const struct flow_ledger *ledger);

/* 0, or -EPROTO: an outcome without a try, a second outcome, an id tried twice for a recipient,
 * -ENOENT: a recipient without a mailbox. */
int flow_ledger_record(struct flow_ledger *ledger, const struct flow_record *record);

/* A message was found in a mailbox; a second look begins with flow_ledger_forget(). */
void flow_ledger_found(
    struct flow_ledger *ledger, const char *mailbox, const char *id, const char *digest);

/* A file that no generator wrote was found in a mailbox. */
void flow_ledger_foreign(struct flow_ledger *ledger);

/* Forget everything that was found. */
void flow_ledger_forget(struct flow_ledger *ledger);

/* Count; and name each fault by tell (NULL: only count). recipient may be "". */
void flow_ledger_tally(const struct flow_ledger *ledger, struct flow_tally *tally_r,
    void (*tell)(void *context, enum flow_fault fault, const char *id, const char *recipient),
    void *context);

#endif
