/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ledger -- what is known of every message that is not settled.
 *
 * Pure. Messages that the journal owns stand in the order of the log, so the
 * first of them is the low-water mark: replay has to begin there. A message has
 * one owner:
 *
 *   JOURNAL --checkpoint begins--> MOVING --COMMIT--> QUEUE (the queue file)
 *
 * What is said of a MOVING or QUEUE message goes to the queue file only; it is
 * put on the list of dirty messages until a transaction has taken it.
 */
#ifndef GEMEL_MAILCORE_SPOOL_LEDGER_H
#define GEMEL_MAILCORE_SPOOL_LEDGER_H

#include "mailcore/spool/record.h"
#include "mailcore/spool/segment.h"
#include "mailcore/spool/spool.h"

/* Reasons longer than this are cut. */
#define LEDGER_REASON_MAX 500

enum ledger_owner {
	OWNER_JOURNAL,
	OWNER_MOVING,
	OWNER_QUEUE,
};

struct ledger_entry {
	struct message message; /* first: whoever has one has the other */
	enum ledger_owner owner;
	enum record_place place;
	struct position position; /* of its batch; of no meaning once the queue file owns it */
	struct segment *segment;  /* that its content is in; NULL: it is in a file */
	uint64_t content_offset;  /* in the segment; before it is durable: in the batch's body */
	uint64_t arrived_ms;
	uint32_t pending;                    /* recipients that are not settled */
	bool is_dirty;                       /* on the list of dirty ones */
	bool is_visible;                     /* arrived() was called */
	char *reason;                        /* of the last deferral, or NULL */
	struct ledger_entry *before, *after; /* the log's order, or the dirty list */
	struct ledger_entry *bucket_next;
	const uint8_t *checks; /* of the content, little endian; part of this allocation */
	struct slice encoded;  /* the envelope; part of it too */
};

struct ledger_list {
	struct ledger_entry *first, *last;
};

struct ledger {
	struct ledger_list journal;
	struct ledger_list moving;
	struct ledger_list dirty;
	struct ledger_entry **buckets;
	size_t bucket_count;
	size_t count;
};

void ledger_open(struct ledger *ledger);
/* Frees every entry. */
void ledger_close(struct ledger *ledger);

/* Add what a record or a row says. NULL: the envelope cannot be decoded, or the id is there
 * already. The content's place in the log is the caller's to fill in. All recipients are pending.
 */
struct ledger_entry *
ledger_add(struct ledger *ledger, const struct record_message *record, enum ledger_owner owner);

struct ledger_entry *ledger_find(const struct ledger *ledger, message_id id);

static inline struct ledger_entry *
ledger_entry_of(const struct message *message)
{
	return (struct ledger_entry *)message;
}

bool outcome_is_settled(uint8_t outcome);

/* Note an outcome. False: no such recipient or outcome, or it is settled already. */
bool
ledger_note(struct ledger_entry *entry, uint32_t recipient, uint8_t outcome, struct slice reason);

/* Change the owner; takes the entry off one list and puts it at the end of another. */
void ledger_give(struct ledger *ledger, struct ledger_entry *entry, enum ledger_owner owner);

/* Of a message that the journal does not own: something was said. */
void ledger_mark_dirty(struct ledger *ledger, struct ledger_entry *entry);
void ledger_mark_clean(struct ledger *ledger, struct ledger_entry *entry);

/* Forget a message. */
void ledger_remove(struct ledger *ledger, struct ledger_entry *entry);

/* Where replay would have to begin: the first message that the journal owns, else end. */
struct position ledger_low_water(const struct ledger *ledger, struct position end);

#endif
