/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "mailcore/process/frame.h"
#include "mailcore/smtp/verdict.h"

/* One of each type with everything in it that the type may have. */
static const struct {
	enum frame_sender sender;
	struct frame frame;
} full[] = {
    {FRAME_FROM_WORKER,
	{.type = FRAME_RECIPIENT, .session = 0x100000002, .position = 7, .first = 9}},
    {FRAME_FROM_WORKER,
	{.type = FRAME_STAGE, .session = 1, .position = 1ull << 40, .first = 65536}},
    {FRAME_FROM_WORKER,
	{.type = FRAME_COMMIT, .session = 3, .position = 5, .first = 100, .second = 4096}},
    {FRAME_FROM_WORKER, {.type = FRAME_ABANDON, .session = UINT64_MAX}},
    {FRAME_FROM_WORKER, {.type = FRAME_REFUSED, .position = 5, .first = 9, .second = 30}},
    {FRAME_FROM_WORKER, {.type = FRAME_SESSIONS, .first = 10000}},
    {FRAME_FROM_WORKER, {.type = FRAME_QUIET, .first = 2}},
    {FRAME_FROM_CORE, {.type = FRAME_RECIPIENT_ANSWER, .session = 4, .verdict = 6}},
    {FRAME_FROM_CORE, {.type = FRAME_STAGE_ANSWER, .session = 4, .verdict = 3}},
    {FRAME_FROM_CORE, {.type = FRAME_COMMIT_ANSWER,
			  .session = 4,
			  .verdict = 0,
			  .text_length = 6,
			  .text = "3-1f2a"}},
    {FRAME_FROM_CORE, {.type = FRAME_CONSUMED, .position = UINT64_MAX}},
    {FRAME_FROM_CORE, {.type = FRAME_LISTEN, .first = 2}},
    {FRAME_FROM_CORE, {.type = FRAME_QUIESCE, .first = 2}},
};

#define FULL_COUNT (sizeof(full) / sizeof(*full))

static bool
is_same(const struct frame *a, const struct frame *b)
{
	return a->type == b->type && a->verdict == b->verdict && a->text_length == b->text_length &&
	       a->first == b->first && a->second == b->second && a->session == b->session &&
	       a->position == b->position && memcmp(a->text, b->text, sizeof(a->text)) == 0;
}

static void
a_frame_comes_back_as_it_was(void **state)
{
	uint8_t bytes[FRAME_BYTES];
	struct frame back;

	(void)state;
	assert_int_equal(FULL_COUNT, FRAME_TYPES - 1);
	for (size_t i = 0; i < FULL_COUNT; i++) {
		frame_encode(&full[i].frame, bytes);
		assert_true(frame_decode(bytes, full[i].sender, &back));
		assert_true(is_same(&full[i].frame, &back));
	}
}

static void
nobody_speaks_in_the_name_of_the_other_side(void **state)
{
	uint8_t bytes[FRAME_BYTES];
	struct frame back;

	(void)state;
	for (size_t i = 0; i < FULL_COUNT; i++) {
		enum frame_sender other =
		    full[i].sender == FRAME_FROM_CORE ? FRAME_FROM_WORKER : FRAME_FROM_CORE;

		frame_encode(&full[i].frame, bytes);
		assert_false(frame_decode(bytes, other, &back));
		assert_int_equal(back.type, 0);
	}
}

/* Decoding is strict: whatever is accepted encodes to the very same bytes. */
static void
every_changed_byte_is_refused_or_means_what_it_says(void **state)
{
	uint8_t bytes[FRAME_BYTES], again[FRAME_BYTES];
	struct frame back;

	(void)state;
	for (size_t i = 0; i < FULL_COUNT; i++)
		for (size_t at = 0; at < FRAME_BYTES; at++)
			for (unsigned int value = 0; value < 256; value++) {
				frame_encode(&full[i].frame, bytes);
				bytes[at] = (uint8_t)value;
				if (!frame_decode(bytes, full[i].sender, &back))
					continue;
				frame_encode(&back, again);
				assert_memory_equal(bytes, again, FRAME_BYTES);
			}
}

static void
a_field_that_the_type_does_not_use_is_refused(void **state)
{
	uint8_t bytes[FRAME_BYTES];
	struct frame back;

	(void)state;
	frame_encode(&(struct frame){.type = FRAME_ABANDON, .session = 1}, bytes);
	assert_true(frame_decode(bytes, FRAME_FROM_WORKER, &back));
	for (size_t at = 1; at < FRAME_BYTES; at++) {
		if (at >= 12 && at < 20) /* the session */
			continue;
		bytes[at] = 1;
		assert_false(frame_decode(bytes, FRAME_FROM_WORKER, &back));
		bytes[at] = 0;
	}
}

static void
an_unknown_type_or_verdict_is_refused(void **state)
{
	uint8_t bytes[FRAME_BYTES] = {0};
	struct frame back;

	(void)state;
	assert_false(frame_decode(bytes, FRAME_FROM_CORE, &back));
	bytes[0] = FRAME_TYPES;
	assert_false(frame_decode(bytes, FRAME_FROM_CORE, &back));
	bytes[0] = FRAME_COMMIT_ANSWER;
	bytes[1] = COMMIT_IN_DOUBT;
	assert_true(frame_decode(bytes, FRAME_FROM_CORE, &back));
	bytes[1] = COMMIT_IN_DOUBT + 1;
	assert_false(frame_decode(bytes, FRAME_FROM_CORE, &back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_frame_comes_back_as_it_was),
	    cmocka_unit_test(nobody_speaks_in_the_name_of_the_other_side),
	    cmocka_unit_test(every_changed_byte_is_refused_or_means_what_it_says),
	    cmocka_unit_test(a_field_that_the_type_does_not_use_is_refused),
	    cmocka_unit_test(an_unknown_type_or_verdict_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
