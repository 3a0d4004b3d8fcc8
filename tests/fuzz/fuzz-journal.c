/* SPDX-License-Identifier: BSD-2-Clause */
/* What replay reads: batch headers, records, and their bodies, also those whose checksum is right.
 */
#include "mailcore/spool/batch.h"
#include "mailcore/spool/ledger.h"
#include "mailcore/spool/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
body_read(struct ledger *ledger, struct slice body)
{
	struct record_message message;
	struct record_outcome outcome;
	uint64_t id;
	uint32_t recipient;

	if (record_decode_message(body, &message)) {
		struct buffer again = {0};

		if (record_append_message(&again, &message) + message.content.length !=
		    again.length)
			abort();
		buffer_close(&again);
		ledger_add(ledger, &message, OWNER_JOURNAL);
	}
	if (record_decode_outcome(body, &outcome)) {
		struct ledger_entry *entry = ledger_find(ledger, outcome.id);

		if (entry)
			ledger_note(entry, outcome.recipient, outcome.outcome, outcome.reason);
	}
	for (size_t i = 0; i < record_mark_count(body); i++) {
		record_decode_mark(body, i, &id, &recipient);
		if (ledger_find(ledger, id))
			ledger_note(ledger_find(ledger, id), recipient, OUTCOME_PREPARED,
			    (struct slice){0});
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_from(data, size);
	struct batch_header header;
	struct ledger ledger;
	struct record record;
	size_t offset = 0;

	ledger_open(&ledger);
	if (size >= BATCH_HEADER_BYTES && batch_header_decode(data, 0, &header))
		batch_body_is_good(
		    &header, slice_from(data + BATCH_HEADER_BYTES, size - BATCH_HEADER_BYTES));
	while (record_next(input, &offset, &record) != RECORD_END)
		if (record.body.data)
			body_read(&ledger, record.body);
	body_read(&ledger, input);
	ledger_close(&ledger);
	return 0;
}
