/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define ID(n) (UINT64_C(3) << 40 | (n))

static const uint8_t check[4] = {1, 2, 3, 4};

static int
begin(void **state)
{
	struct ledger *ledger = malloc(sizeof(*ledger));

	ledger_open(ledger);
	*state = ledger;
	return 0;
}

static int
end(void **state)
{
	ledger_close(*state);
	free(*state);
	return 0;
}

static struct ledger_entry *
add(struct ledger *ledger, message_id id, enum ledger_owner owner)
{
	struct envelope_recipient recipients[3] = {{.address = slice_of("a@example.test")},
	    {.address = slice_of("b@example.test")}, {.address = slice_of("c@example.test")}};
	struct envelope envelope = {.recipients = recipients, .recipient_count = 3};
	struct buffer encoded = {0};
	struct record_message record = {.id = id, .content_length = 5, .checks = check};
	struct ledger_entry *entry;

	assert_true(envelope_encode(&envelope, &encoded));
	record.envelope = buffer_slice(&encoded);
	entry = ledger_add(ledger, &record, owner);
	/* The ledger has a copy, or the tests after this read what is gone. */
	memset(encoded.data, 0, encoded.length);
	buffer_close(&encoded);
	return entry;
}

static void
note(struct ledger_entry *entry, uint32_t recipient, enum outcome outcome, bool expected)
{
	assert_int_equal(
	    ledger_note(entry, recipient, (uint8_t)outcome, slice_of("the disk is full")),
	    expected);
}

static void
what_was_added_is_found_with_all_recipients_pending(void **state)
{
	struct ledger_entry *entry = add(*state, ID(1), OWNER_JOURNAL);

	assert_ptr_equal(ledger_find(*state, ID(1)), entry);
	assert_null(ledger_find(*state, ID(2)));
	assert_ptr_equal(ledger_entry_of(&entry->message), entry);
	assert_int_equal(entry->message.content_length, 5);
	assert_int_equal(entry->pending, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(entry->message.outcomes[i], OUTCOME_PENDING);
	assert_true(slice_is_equal(
	    entry->message.envelope.recipients[2].address, slice_of("c@example.test")));
	assert_memory_equal(entry->checks, check, sizeof(check));
}

static void
an_id_stands_once(void **state)
{
	struct ledger *ledger = *state;

	assert_non_null(add(ledger, ID(1), OWNER_JOURNAL));
	assert_null(add(ledger, ID(1), OWNER_QUEUE));
	assert_int_equal(ledger->count, 1);
}

static void
what_is_no_envelope_is_not_added(void **state)
{
	struct record_message record = {.id = ID(1), .envelope = slice_of("no envelope")};

	assert_null(ledger_add(*state, &record, OWNER_JOURNAL));
	assert_null(ledger_find(*state, ID(1)));
	assert_null(((struct ledger *)*state)->journal.first);
}

static void
thousands_are_found_and_forgotten_one_by_one(void **state)
{
	struct ledger *ledger = *state;
	const message_id many = 5000;

	for (message_id i = 0; i < many; i++)
		add(ledger, ID(i), OWNER_JOURNAL);
	assert_int_equal(ledger->count, many);
	for (message_id i = 0; i < many; i++)
		assert_int_equal(ledger_find(ledger, ID(i))->message.id, ID(i));
	for (message_id i = 0; i < many; i += 2)
		ledger_remove(ledger, ledger_find(ledger, ID(i)));
	for (message_id i = 0; i < many; i++)
		assert_int_equal(ledger_find(ledger, ID(i)) != NULL, i % 2);
	assert_int_equal(ledger->count, many / 2);
}

static void
a_settled_recipient_stays_settled(void **state)
{
	static const enum outcome settled[] = {OUTCOME_DELIVERED, OUTCOME_BOUNCED};
	struct ledger_entry *entry = add(*state, ID(1), OWNER_JOURNAL);

	for (uint32_t i = 0; i < 2; i++) {
		note(entry, i, settled[i], true);
		assert_int_equal(entry->pending, 2 - i);
		for (int outcome = OUTCOME_PENDING; outcome <= OUTCOME_DEFERRED; outcome++)
			note(entry, i, outcome, false);
		assert_int_equal(entry->message.outcomes[i], settled[i]);
		assert_int_equal(entry->pending, 2 - i);
	}
}

static void
prepared_and_deferred_settle_nothing(void **state)
{
	struct ledger_entry *entry = add(*state, ID(1), OWNER_JOURNAL);

	note(entry, 0, OUTCOME_PREPARED, true);
	assert_null(entry->reason);
	note(entry, 0, OUTCOME_DEFERRED, true);
	assert_string_equal(entry->reason, "the disk is full");
	note(entry, 0, OUTCOME_PREPARED, true);
	assert_int_equal(entry->pending, 3);
	note(entry, 0, OUTCOME_DELIVERED, true);
	assert_int_equal(entry->pending, 2);
}

static void
what_names_no_recipient_or_outcome_changes_nothing(void **state)
{
	struct ledger_entry *entry = add(*state, ID(1), OWNER_JOURNAL);

	note(entry, 3, OUTCOME_DELIVERED, false);
	note(entry, UINT32_MAX, OUTCOME_DELIVERED, false);
	assert_false(ledger_note(entry, 0, OUTCOME_DEFERRED + 1, slice_of("")));
	assert_false(ledger_note(entry, 0, UINT8_MAX, slice_of("")));
	assert_int_equal(entry->pending, 3);
}

static void
a_long_reason_is_cut_and_the_last_one_holds(void **state)
{
	struct ledger_entry *entry = add(*state, ID(1), OWNER_JOURNAL);
	char text[LEDGER_REASON_MAX + 2];

	memset(text, 'x', sizeof(text));
	for (size_t length = LEDGER_REASON_MAX - 1; length <= sizeof(text); length++) {
		assert_true(ledger_note(entry, 0, OUTCOME_DEFERRED, slice_from(text, length)));
		assert_int_equal(
		    strlen(entry->reason), length < LEDGER_REASON_MAX ? length : LEDGER_REASON_MAX);
	}
	note(entry, 1, OUTCOME_DEFERRED, true);
	assert_string_equal(entry->reason, "the disk is full");
}

static void
assert_low_water(struct ledger *ledger, uint64_t segment)
{
	struct position end_of_log = {.segment = 99};

	assert_int_equal(ledger_low_water(ledger, end_of_log).segment, segment);
}

static void
replay_begins_at_the_first_message_that_the_journal_owns(void **state)
{
	struct ledger *ledger = *state;
	struct ledger_entry *entries[3];

	assert_low_water(ledger, 99);
	for (size_t i = 0; i < 3; i++) {
		entries[i] = add(ledger, ID(i + 1), OWNER_JOURNAL);
		entries[i]->position.segment = 10 + i;
	}
	assert_low_water(ledger, 10);
	ledger_remove(ledger, entries[1]);
	assert_low_water(ledger, 10);
	ledger_give(ledger, entries[0], OWNER_MOVING);
	assert_low_water(ledger, 12);
	ledger_remove(ledger, entries[2]);
	assert_low_water(ledger, 99);
}

/* It is in a batch after the end. */
static void
a_message_that_is_not_durable_holds_no_mark_back(void **state)
{
	add(*state, ID(1), OWNER_JOURNAL);
	assert_low_water(*state, 99);
}

static void
what_is_said_of_a_moving_message_waits_for_the_queue_file(void **state)
{
	struct ledger *ledger = *state;
	struct ledger_entry *entry = add(ledger, ID(1), OWNER_JOURNAL);

	ledger_give(ledger, entry, OWNER_MOVING);
	assert_null(ledger->journal.first);
	assert_ptr_equal(ledger->moving.first, entry);
	ledger_mark_dirty(ledger, entry);
	assert_null(ledger->dirty.first);
	ledger_give(ledger, entry, OWNER_QUEUE);
	assert_null(ledger->moving.first);
	assert_ptr_equal(ledger->dirty.first, entry);
	ledger_mark_clean(ledger, entry);
	assert_null(ledger->dirty.first);
	ledger_mark_clean(ledger, entry);
	assert_null(ledger->dirty.last);
}

/* Walk a list both ways; count those that belong there. */
static size_t
list_length(const struct ledger_list *list)
{
	size_t length = 0;

	for (struct ledger_entry *entry = list->first; entry; entry = entry->after) {
		assert_ptr_equal(entry->before ? entry->before->after : list->first, entry);
		assert_ptr_equal(entry->after ? entry->after->before : list->last, entry);
		length++;
	}
	assert_int_equal(list->first == NULL, list->last == NULL);
	return length;
}

#define WALK_IDS 40

static void
walk_step(struct ledger *ledger, unsigned what, message_id id)
{
	struct ledger_entry *entry = ledger_find(ledger, id);

	if (!entry)
		add(ledger, id, what % 2 ? OWNER_QUEUE : OWNER_JOURNAL);
	else if (what == 0)
		ledger_remove(ledger, entry);
	else if (what < 3 && entry->owner != OWNER_QUEUE)
		ledger_give(ledger, entry, entry->owner + 1);
	else if (what < 5 && entry->owner != OWNER_JOURNAL)
		ledger_mark_dirty(ledger, entry);
	else if (entry->owner != OWNER_JOURNAL)
		ledger_mark_clean(ledger, entry);
}

/* Whatever happens to messages, each stands on the list of its owner, and only there. */
static void
every_message_stands_on_the_one_list_of_its_owner(void **state)
{
	struct ledger *ledger = *state;
	uint32_t random = 20261123;

	for (unsigned step = 0; step < 5000; step++) {
		size_t journal = 0, moving = 0, dirty = 0, count = 0;

		random = random * 1664525 + 1013904223;
		walk_step(ledger, random >> 28 & 7, ID(random >> 12 & 0xffff) % WALK_IDS + 1);
		for (message_id id = 1; id <= WALK_IDS; id++) {
			const struct ledger_entry *entry = ledger_find(ledger, id);

			if (!entry)
				continue;
			count++;
			journal += entry->owner == OWNER_JOURNAL;
			moving += entry->owner == OWNER_MOVING;
			dirty += entry->owner == OWNER_QUEUE && entry->is_dirty;
		}
		assert_int_equal(ledger->count, count);
		assert_int_equal(list_length(&ledger->journal), journal);
		assert_int_equal(list_length(&ledger->moving), moving);
		assert_int_equal(list_length(&ledger->dirty), dirty);
	}
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, begin, end)

static const struct CMUnitTest tests[] = {
    LAW(what_was_added_is_found_with_all_recipients_pending),
    LAW(an_id_stands_once),
    LAW(what_is_no_envelope_is_not_added),
    LAW(thousands_are_found_and_forgotten_one_by_one),
    LAW(a_settled_recipient_stays_settled),
    LAW(prepared_and_deferred_settle_nothing),
    LAW(what_names_no_recipient_or_outcome_changes_nothing),
    LAW(a_long_reason_is_cut_and_the_last_one_holds),
    LAW(replay_begins_at_the_first_message_that_the_journal_owns),
    LAW(a_message_that_is_not_durable_holds_no_mark_back),
    LAW(what_is_said_of_a_moving_message_waits_for_the_queue_file),
    LAW(every_message_stands_on_the_one_list_of_its_owner),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
