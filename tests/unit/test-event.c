/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/event.h"

static struct event
make(enum event_kind kind)
{
	struct event event;

	event_begin(&event, kind, "hq-2", 1000);
	return event;
}

static void
assert_says(const struct event *event, const char *sentence)
{
	char text[EVENT_TEXT_BYTES];

	assert_string_equal(event_sentence(event, text), sentence);
}

static void
what_is_not_known_is_not_said(void **state)
{
	struct event event = make(EVENT_TAKEOVER_FINISHED);

	(void)state;
	assert_says(&event, "node hq-2 has taken over");
	for (int i = 0; i < EVENT_PHASES; i++)
		assert_int_equal(event.phases_ms[i], EVENT_NO_NUMBER);
	event.total_ms = 812;
	event.phases_ms[EVENT_PHASE_SILENCE] = 500;
	event.phases_ms[EVENT_PHASE_STORE] = 7;
	assert_says(
	    &event, "node hq-2 has taken over after 812 ms: silence seen 500 ms, store 7 ms");
}

static void
each_kind_has_a_name_and_a_sentence(void **state)
{
	char text[EVENT_TEXT_BYTES];

	(void)state;
	for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++) {
		struct event event = make(kind);

		assert_true(strncmp(event_kind_name(kind), "gemel", 5) == 0);
		assert_non_null(strstr(event_sentence(&event, text), "hq-2"));
		assert_true(event_severity(&event) >= EVENT_INFO);
		assert_true(event_severity(&event) <= EVENT_CRITICAL);
	}
}

static void
a_fenced_node_is_told_with_its_proof(void **state)
{
	struct event event = make(EVENT_FENCING_SUCCEEDED);

	(void)state;
	for (enum event_proof proof = 1; proof < EVENT_PROOFS; proof++)
		assert_string_not_equal(event_proof_text(proof), "unknown proof");
	event.proof = EVENT_PROOF_BARRED;
	assert_says(&event, "node hq-2 is fenced (its writes are barred)");
}

static void
how_it_ended_is_how_bad_it_is(void **state)
{
	struct event node = make(EVENT_CLUSTER_NODE), fencing = make(EVENT_CLUSTER_FENCING),
		     resource = make(EVENT_CLUSTER_RESOURCE);

	(void)state;
	strcpy(node.value, "member");
	assert_int_equal(event_severity(&node), EVENT_INFO);
	strcpy(node.value, "lost");
	assert_int_equal(event_severity(&node), EVENT_WARNING);
	/* Unknown is not success. */
	assert_int_equal(event_severity(&fencing), EVENT_CRITICAL);
	fencing.result = 0;
	assert_int_equal(event_severity(&fencing), EVENT_INFO);
	resource.result = 8;
	resource.wanted = 8;
	assert_int_equal(event_severity(&resource), EVENT_INFO);
	resource.result = 9;
	assert_int_equal(event_severity(&resource), EVENT_WARNING);
}

static void
a_result_is_told_with_the_one_that_was_wanted(void **state)
{
	struct event event = make(EVENT_CLUSTER_RESOURCE);

	(void)state;
	strcpy(event.task, "monitor");
	strcpy(event.subject, "gemel-core");
	strcpy(event.reason, "not running");
	event.result = 7;
	event.wanted = 8;
	assert_says(&event,
	    "cluster: monitor of gemel-core on node hq-2 returned 7 instead of 8: not running");
}

/* The log and the manager's screen are somebody's terminal. */
static void
text_from_outside_is_cut_and_made_harmless(void **state)
{
	struct event event = make(EVENT_NODE_LOST);
	char field[8];
	uint8_t all[256];

	(void)state;
	event_put(field, sizeof(field), slice_of("a\033[1m\n\xc3\xa4"));
	assert_string_equal(field, "a?[1m??");
	event_put(field, sizeof(field), slice_from("a\0b", 3));
	assert_string_equal(field, "a?b");
	event_put(field, sizeof(field), slice_of("1234567"));
	assert_string_equal(field, "1234567");
	event_put(field, sizeof(field), slice_of("12345678"));
	assert_string_equal(field, "1234567");
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	event_put(event.reason, sizeof(event.reason), slice_from(all, sizeof(all)));
	assert_int_equal(strlen(event.reason), EVENT_TEXT_BYTES - 1);
	for (size_t i = 0; event.reason[i]; i++)
		assert_true(event.reason[i] >= ' ' && event.reason[i] <= '~');
}

static void
the_longest_sentence_fits(void **state)
{
	char text[EVENT_TEXT_BYTES];

	(void)state;
	for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++) {
		struct event event = make(kind);

		memset(event.node, 'n', sizeof(event.node) - 1);
		memset(event.subject, 's', sizeof(event.subject) - 1);
		memset(event.reason, 'r', sizeof(event.reason) - 1);
		memset(event.value, 'v', sizeof(event.value) - 1);
		memset(event.task, 't', sizeof(event.task) - 1);
		event.total_ms = INT32_MIN;
		for (int i = 0; i < EVENT_PHASES; i++)
			event.phases_ms[i] = INT32_MIN;
		assert_true(strlen(event_sentence(&event, text)) < EVENT_TEXT_BYTES);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_not_known_is_not_said),
	    cmocka_unit_test(each_kind_has_a_name_and_a_sentence),
	    cmocka_unit_test(a_fenced_node_is_told_with_its_proof),
	    cmocka_unit_test(how_it_ended_is_how_bad_it_is),
	    cmocka_unit_test(a_result_is_told_with_the_one_that_was_wanted),
	    cmocka_unit_test(text_from_outside_is_cut_and_made_harmless),
	    cmocka_unit_test(the_longest_sentence_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
