/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transaction -- an envelope while MAIL and RCPT put it together.
 *
 * Pure. Copies what it is given into one buffer that is used again by the next
 * transaction, so that steady work allocates nothing.
 */
#ifndef GEMEL_MAILCORE_SMTP_TRANSACTION_H
#define GEMEL_MAILCORE_SMTP_TRANSACTION_H

#include "mailcore/smtp/parameters.h"
#include "mailcore/smtp/path.h"
#include "mailcore/spool/envelope.h"

/* A place in the buffer, which moves as it grows. */
struct transaction_text {
	uint32_t offset;
	uint32_t length;
};

struct transaction_recipient {
	struct transaction_text address;
	struct transaction_text original;
	uint8_t notify;
};

struct transaction {
	uint32_t flags; /* of the envelope, from parameters */
	uint8_t returns;
	struct transaction_text reverse_path;
	struct transaction_text envelope_id;
	struct buffer texts;
	struct transaction_recipient *recipients;
	struct envelope_recipient *views; /* what transaction_envelope() gives out */
	size_t recipient_count;
	size_t recipient_room;
};

/* Begin with what MAIL said; forgets what was there. */
void transaction_begin(struct transaction *t, const struct smtp_path *reverse_path,
    const struct smtp_parameters *parameters);

/* Add one that was accepted. One that is there already (ASCII case aside) is not added twice: it
 * would get the mail twice. */
void transaction_add(
    struct transaction *t, struct slice address, const struct smtp_parameters *parameters);

/* Fill the fields of e that the client gave: reverse_path, envelope_id, returns, recipients, and
 * its flags or-ed. Views until the next call. */
void transaction_envelope(struct transaction *t, struct envelope *e);

/* Forget; keeps up to a little memory for the next one. */
void transaction_reset(struct transaction *t);

void transaction_close(struct transaction *t);

/* Bytes held, and the most that recipients_max recipients can make it hold. */
size_t transaction_memory(const struct transaction *t);
size_t transaction_memory_max(size_t recipients_max);

#endif
