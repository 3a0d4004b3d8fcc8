/* SPDX-License-Identifier: BSD-2-Clause */
/* A pair: node 0 is "hq-1", node 1 is "hq-2"; each has a filter, and hears what its scope hears. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdio.h>
#include <cmocka.h>

#include "agent/event-filter.h"

#define BOTH 3

struct pair {
	struct event_filter filters[EVENT_NODES];
	uint64_t now_ms;
};

static int
setup(void **state)
{
	static const char *const names[EVENT_NODES] = {"hq-1", "hq-2"};
	static struct pair pair;

	pair.now_ms = 1000;
	for (uint8_t i = 0; i < EVENT_NODES; i++)
		event_filter_open(&pair.filters[i], names, i);
	*state = &pair;
	return 0;
}

static struct event
make(enum event_kind kind, const char *node, const char *subject)
{
	struct event event;

	event_begin(&event, kind, node, 1);
	event_put(event.subject, sizeof(event.subject), slice_of(subject));
	return event;
}

static enum event_verdict
take(struct pair *pair, int at, const struct event *event, uint8_t alive)
{
	return event_filter_take(&pair->filters[at], event, alive, pair->now_ms);
}

static bool
is_due(struct pair *pair, int at, uint8_t alive)
{
	struct event event;

	return event_filter_due(&pair->filters[at], alive, pair->now_ms, &event);
}

static void
the_same_news_pass_once_in_a_window(void **state)
{
	struct event event = make(EVENT_CORE_FAILED, "hq-1", "");
	struct pair *pair = *state;

	assert_int_equal(take(pair, 0, &event, BOTH), EVENT_PASSED);
	pair->now_ms += EVENT_WINDOW_MS - 1;
	assert_int_equal(take(pair, 0, &event, BOTH), EVENT_DOUBLE);
	/* The double has not made the window longer. */
	pair->now_ms++;
	assert_int_equal(take(pair, 0, &event, BOTH), EVENT_PASSED);
}

static void
who_has_recovered_can_fail_anew(void **state)
{
	struct event back = make(EVENT_NODE_BACK, "hq-2", ""),
		     fenced = make(EVENT_CLUSTER_FENCING, "hq-2", ""),
		     takes = make(EVENT_TAKEOVER_BEGAN, "hq-1", ""),
		     failed = make(EVENT_CORE_FAILED, "hq-1", "");
	struct pair *pair = *state;

	assert_int_equal(take(pair, 0, &fenced, BOTH), EVENT_PASSED);
	assert_int_equal(take(pair, 0, &failed, BOTH), EVENT_PASSED);
	assert_int_equal(take(pair, 0, &back, BOTH), EVENT_PASSED);
	assert_int_equal(take(pair, 0, &failed, BOTH), EVENT_DOUBLE);
	assert_int_equal(take(pair, 0, &fenced, BOTH), EVENT_PASSED);
	assert_int_equal(take(pair, 0, &takes, BOTH), EVENT_PASSED);
	assert_int_equal(take(pair, 0, &fenced, BOTH), EVENT_DOUBLE);
	assert_int_equal(take(pair, 0, &failed, BOTH), EVENT_PASSED);
}

static void
a_member_that_was_not_lost_is_no_news(void **state)
{
	struct event member = make(EVENT_CLUSTER_NODE, "hq-2", ""), lost = member,
		     other = make(EVENT_CLUSTER_NODE, "remote", "");
	struct pair *pair = *state;

	strcpy(member.value, "member");
	strcpy(lost.value, "lost");
	assert_int_equal(take(pair, 0, &member, BOTH), EVENT_DOUBLE);
	assert_int_equal(take(pair, 0, &lost, BOTH), EVENT_PASSED);
	assert_int_equal(take(pair, 0, &member, BOTH), EVENT_PASSED);
	assert_int_equal(take(pair, 0, &member, BOTH), EVENT_DOUBLE);
	pair->now_ms += EVENT_WINDOW_MS;
	assert_int_equal(take(pair, 0, &member, BOTH), EVENT_DOUBLE);
	assert_int_equal(take(pair, 0, &other, BOTH), EVENT_PASSED);
}

static void
a_changed_state_passes_at_once(void **state)
{
	struct event began = make(EVENT_FENCING_BEGAN, "hq-2", ""),
		     failed = make(EVENT_FENCING_FAILED, "hq-2", "");
	struct pair *pair = *state;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(take(pair, 0, &began, BOTH), EVENT_PASSED);
		assert_int_equal(take(pair, 0, &failed, BOTH), EVENT_PASSED);
		assert_int_equal(take(pair, 0, &failed, BOTH), EVENT_DOUBLE);
	}
}

static void
another_result_is_other_news_and_another_reason_is_not(void **state)
{
	struct event first = make(EVENT_CLUSTER_RESOURCE, "hq-1", "gemel-core"), second = first;
	struct pair *pair = *state;

	assert_int_equal(take(pair, 0, &first, BOTH), EVENT_PASSED);
	strcpy(second.reason, "ref=2");
	assert_int_equal(take(pair, 0, &second, BOTH), EVENT_DOUBLE);
	second.result = 1;
	assert_int_equal(take(pair, 0, &second, BOTH), EVENT_PASSED);
	strcpy(second.task, "stop");
	assert_int_equal(take(pair, 0, &second, BOTH), EVENT_PASSED);
	second.wanted = 1;
	assert_int_equal(take(pair, 0, &second, BOTH), EVENT_PASSED);
	second.status = 1;
	assert_int_equal(take(pair, 0, &second, BOTH), EVENT_PASSED);
	strcpy(second.value, "1");
	assert_int_equal(take(pair, 0, &second, BOTH), EVENT_PASSED);
	second.proof = EVENT_PROOF_POWER;
	assert_int_equal(take(pair, 0, &second, BOTH), EVENT_PASSED);
}

static void
each_thing_has_a_window_of_its_own(void **state)
{
	struct event events[] = {make(EVENT_CORE_FAILED, "hq-1", ""),
	    make(EVENT_CORE_FAILED, "hq-2", ""), make(EVENT_FENCING_BEGAN, "hq-1", ""),
	    make(EVENT_CLUSTER_ATTRIBUTE, "hq-1", "a"), make(EVENT_CLUSTER_ATTRIBUTE, "hq-1", "b")};
	struct pair *pair = *state;

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
			assert_int_equal(
			    take(pair, 0, &events[i], BOTH), round ? EVENT_DOUBLE : EVENT_PASSED);
}

static void
what_only_one_node_knows_it_sends(void **state)
{
	static const enum event_kind kinds[] = {EVENT_CORE_FAILED, EVENT_FENCING_BEGAN,
	    EVENT_FENCING_SUCCEEDED, EVENT_FENCING_FAILED, EVENT_TAKEOVER_BEGAN,
	    EVENT_TAKEOVER_FINISHED, EVENT_CLUSTER_RESOURCE, EVENT_CLUSTER_ATTRIBUTE};
	struct pair *pair = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct event event = make(kinds[i], "hq-2", "");

		assert_int_equal(take(pair, 1, &event, BOTH), EVENT_PASSED);
	}
}

/* Every node and every kind that all hear of: one of them sends. */
static void
of_what_both_hear_one_sends(void **state)
{
	static const enum event_kind kinds[] = {EVENT_NODE_LOST, EVENT_NODE_BACK,
	    EVENT_CLUSTER_NODE, EVENT_CLUSTER_FENCING, EVENT_LINE_DOWN, EVENT_LINE_UP};
	static const char *const names[EVENT_NODES] = {"hq-1", "hq-2"};
	struct pair *pair = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (int about = 0; about < EVENT_NODES; about++) {
			struct event event = make(kinds[i], names[about], "udp");
			int count = 0;

			for (int at = 0; at < EVENT_NODES; at++)
				count += take(pair, at, &event, BOTH) == EVENT_PASSED;
			assert_int_equal(count, 1);
		}
	}
}

static void
of_a_node_the_other_one_tells(void **state)
{
	struct event first = make(EVENT_CLUSTER_NODE, "hq-1", ""),
		     second = make(EVENT_CLUSTER_NODE, "hq-2", "");
	struct pair *pair = *state;

	assert_int_equal(take(pair, 0, &first, BOTH), EVENT_HELD);
	assert_int_equal(take(pair, 1, &first, BOTH), EVENT_PASSED);
	assert_int_equal(take(pair, 0, &second, BOTH), EVENT_PASSED);
	assert_int_equal(take(pair, 1, &second, BOTH), EVENT_HELD);
}

static void
who_is_alone_sends_all(void **state)
{
	struct event line = make(EVENT_LINE_DOWN, "hq-1", "udp"),
		     itself = make(EVENT_CLUSTER_NODE, "hq-2", ""),
		     stranger = make(EVENT_CLUSTER_NODE, "elsewhere", "");
	struct pair *pair = *state;

	assert_int_equal(take(pair, 1, &line, 2), EVENT_PASSED);
	/* It counts as alive whether it is said or not. */
	assert_int_equal(take(pair, 1, &itself, 0), EVENT_PASSED);
	strcpy(itself.value, "lost");
	/* A number that no node has is nobody. */
	assert_int_equal(take(pair, 1, &itself, 0xf0), EVENT_PASSED);
	assert_int_equal(take(pair, 1, &stranger, 0xf0), EVENT_PASSED);
}

/* The line goes silent before the engine notices that the node at its end is dead. */
static void
what_a_dying_node_should_have_sent_passes_after_all(void **state)
{
	struct event line = make(EVENT_LINE_DOWN, "hq-1", "udp"), event;
	struct pair *pair = *state;

	assert_int_equal(take(pair, 1, &line, BOTH), EVENT_HELD);
	assert_int_equal(take(pair, 1, &line, BOTH), EVENT_DOUBLE);
	assert_int_equal(event_filter_deadline(&pair->filters[1]), 1000 + EVENT_HOLD_MS);
	pair->now_ms += EVENT_HOLD_MS - 1;
	assert_false(is_due(pair, 1, BOTH));
	assert_true(event_filter_due(&pair->filters[1], 2, pair->now_ms, &event));
	assert_memory_equal(&event, &line, sizeof(line));
	assert_false(is_due(pair, 1, 2));
	assert_int_equal(event_filter_deadline(&pair->filters[1]), UINT64_MAX);
}

static void
what_the_living_node_has_sent_is_forgotten(void **state)
{
	struct event line = make(EVENT_LINE_DOWN, "hq-1", "udp");
	struct pair *pair = *state;

	assert_int_equal(take(pair, 1, &line, BOTH), EVENT_HELD);
	pair->now_ms += EVENT_HOLD_MS;
	assert_false(is_due(pair, 1, BOTH));
	assert_false(is_due(pair, 1, 2));
}

static void
what_can_not_be_held_passes(void **state)
{
	struct pair *pair = *state;
	char name[8] = "line-a";

	for (int i = 0; i <= EVENT_FILTER_HELD; i++) {
		struct event event;

		name[5] = (char)('a' + i);
		event = make(EVENT_LINE_DOWN, "hq-1", name);
		assert_int_equal(
		    take(pair, 1, &event, BOTH), i < EVENT_FILTER_HELD ? EVENT_HELD : EVENT_PASSED);
	}
	for (int i = 0; i < EVENT_FILTER_HELD; i++)
		assert_true(is_due(pair, 1, 2));
	assert_false(is_due(pair, 1, 2));
}

/* A stranger who invents names must not make the filter forget what it has just seen. */
static void
the_oldest_is_forgotten_first(void **state)
{
	struct event first = make(EVENT_CORE_FAILED, "hq-1", ""), second;
	struct pair *pair = *state;
	char name[8];

	assert_int_equal(take(pair, 0, &first, BOTH), EVENT_PASSED);
	for (int i = 0; i < EVENT_FILTER_SEEN; i++) {
		pair->now_ms++;
		snprintf(name, sizeof(name), "%d", i);
		second = make(EVENT_CLUSTER_ATTRIBUTE, "hq-1", name);
		assert_int_equal(take(pair, 0, &second, BOTH), EVENT_PASSED);
		if (i == EVENT_FILTER_SEEN - 2)
			assert_int_equal(take(pair, 0, &first, BOTH), EVENT_DOUBLE);
	}
	assert_int_equal(take(pair, 0, &second, BOTH), EVENT_DOUBLE);
	assert_int_equal(take(pair, 0, &first, BOTH), EVENT_PASSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(the_same_news_pass_once_in_a_window, setup),
	    cmocka_unit_test_setup(who_has_recovered_can_fail_anew, setup),
	    cmocka_unit_test_setup(a_member_that_was_not_lost_is_no_news, setup),
	    cmocka_unit_test_setup(a_changed_state_passes_at_once, setup),
	    cmocka_unit_test_setup(another_result_is_other_news_and_another_reason_is_not, setup),
	    cmocka_unit_test_setup(each_thing_has_a_window_of_its_own, setup),
	    cmocka_unit_test_setup(what_only_one_node_knows_it_sends, setup),
	    cmocka_unit_test_setup(of_what_both_hear_one_sends, setup),
	    cmocka_unit_test_setup(of_a_node_the_other_one_tells, setup),
	    cmocka_unit_test_setup(who_is_alone_sends_all, setup),
	    cmocka_unit_test_setup(what_a_dying_node_should_have_sent_passes_after_all, setup),
	    cmocka_unit_test_setup(what_the_living_node_has_sent_is_forgotten, setup),
	    cmocka_unit_test_setup(what_can_not_be_held_passes, setup),
	    cmocka_unit_test_setup(the_oldest_is_forgotten_first, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
