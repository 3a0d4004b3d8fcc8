/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/alert.h"

#include <stdio.h>

#define WALL_MS 5000

static struct event event;

/* What the daemon makes of an environment. */
static enum alert_verdict
pass(char *const environment[])
{
	json_t *request = alert_request(environment);
	enum alert_verdict verdict;

	assert_non_null(request);
	assert_string_equal(json_string_value(json_object_get(request, "verb")), ALERT_VERB);
	verdict = alert_to_event(request, WALL_MS, &event);
	json_decref(request);
	return verdict;
}

#define PASS(...) pass((char *[]){__VA_ARGS__, NULL})
#define NODE "CRM_alert_node=hq-2"

static void
a_node_s_state_becomes_an_event(void **state)
{
	(void)state;
	assert_int_equal(PASS("PATH=/bin", "CRM_alert_kind=node", NODE, "CRM_alert_desc=lost",
			     "CRM_alert_nodeid=2", "CRM_alert_timestamp_epoch=1700000000",
			     "CRM_alert_timestamp_usec=123456", "CRM_alert_recipient=nobody"),
	    ALERT_EVENT);
	assert_int_equal(event.kind, EVENT_CLUSTER_NODE);
	assert_string_equal(event.node, "hq-2");
	assert_string_equal(event.value, "lost");
	assert_true(event.at_ms == 1700000000123);
	assert_int_equal(event.result, EVENT_NO_NUMBER);
}

static void
fencing_becomes_an_event(void **state)
{
	(void)state;
	assert_int_equal(PASS("CRM_alert_kind=fencing", NODE, "CRM_alert_task=reboot",
			     "CRM_alert_desc=Operation reboot of hq-2: OK", "CRM_alert_rc=0"),
	    ALERT_EVENT);
	assert_int_equal(event.kind, EVENT_CLUSTER_FENCING);
	assert_string_equal(event.task, "reboot");
	assert_string_equal(event.reason, "Operation reboot of hq-2: OK");
	assert_int_equal(event.result, 0);
	assert_true(event.at_ms == WALL_MS);
}

/* As Pacemaker 2.1 tells it, and as newer ones quote it. */
static void
fencing_s_task_is_its_action(void **state)
{
	static const struct {
		const char *task, *desc, *action;
	} rows[] = {
	    {"st_notify_fence",
		"Operation reboot of hq-1 by hq-2 for pacemaker-controld.87@hq-2: OK", "reboot"},
	    {"st_notify_fence", "Operation 'off' targeting hq-1 by hq-2: OK", "off"},
	    {"st_notify_fence", "Operation ", "st_notify_fence"},
	    {"st_notify_fence", "Operation '", "st_notify_fence"},
	    {"st_notify_fence", "", "st_notify_fence"},
	    {"st_notify_fence", "Something off", "st_notify_fence"},
	    {"off", "Operation reboot of hq-1", "off"},
	};
	char task[100], desc[100];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(task, sizeof(task), "CRM_alert_task=%s", rows[i].task);
		snprintf(desc, sizeof(desc), "CRM_alert_desc=%s", rows[i].desc);
		assert_int_equal(PASS("CRM_alert_kind=fencing", NODE, task, desc), ALERT_EVENT);
		assert_string_equal(event.task, rows[i].action);
		assert_string_equal(event.reason, rows[i].desc);
	}
}

static void
a_resource_becomes_an_event(void **state)
{
	(void)state;
	assert_int_equal(PASS("CRM_alert_kind=resource", NODE, "CRM_alert_rsc=gemel-core",
			     "CRM_alert_task=monitor", "CRM_alert_rc=7", "CRM_alert_target_rc=8",
			     "CRM_alert_status=-1", "CRM_alert_desc=not running"),
	    ALERT_EVENT);
	assert_int_equal(event.kind, EVENT_CLUSTER_RESOURCE);
	assert_string_equal(event.subject, "gemel-core");
	assert_int_equal(event.result, 7);
	assert_int_equal(event.wanted, 8);
	assert_int_equal(event.status, -1);
}

static void
an_attribute_becomes_an_event_even_without_a_value(void **state)
{
	(void)state;
	assert_int_equal(PASS("CRM_alert_kind=attribute", NODE, "CRM_alert_attribute_name=a",
			     "CRM_alert_attribute_value=x=y"),
	    ALERT_EVENT);
	assert_int_equal(event.kind, EVENT_CLUSTER_ATTRIBUTE);
	assert_string_equal(event.subject, "a");
	assert_string_equal(event.value, "x=y");
	assert_int_equal(
	    PASS("CRM_alert_kind=attribute", NODE, "CRM_alert_attribute_name=a"), ALERT_EVENT);
	assert_string_equal(event.value, "");
}

static void
what_is_of_no_interest_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(PASS("CRM_alert_kind=weather", NODE), ALERT_IGNORED);
	assert_int_equal(PASS("CRM_alert_kind=nodes", NODE, "CRM_alert_desc=lost"), ALERT_IGNORED);
	assert_int_equal(PASS("CRM_alert_kind=resource", NODE, "CRM_alert_rsc=r",
			     "CRM_alert_task=monitor", "CRM_alert_rc=8", "CRM_alert_target_rc=8"),
	    ALERT_IGNORED);
	assert_int_equal(PASS("CRM_alert_kind=resource", NODE, "CRM_alert_rsc=r",
			     "CRM_alert_task=start", "CRM_alert_rc=0", "CRM_alert_target_rc=0"),
	    ALERT_EVENT);
	assert_int_equal(
	    PASS("CRM_alert_kind=resource", NODE, "CRM_alert_rsc=r", "CRM_alert_task=monitor",
		"CRM_alert_rc=1", "CRM_alert_target_rc=0", "CRM_alert_desc=Cancelled"),
	    ALERT_IGNORED);
}

static void
what_lacks_what_it_must_have_is_malformed(void **state)
{
	(void)state;
	assert_int_equal(PASS("CRM_alert_kind="), ALERT_MALFORMED);
	assert_int_equal(PASS("CRM_alert_kind=node", NODE), ALERT_MALFORMED);
	assert_int_equal(PASS("CRM_alert_kind=node", "CRM_alert_desc=lost"), ALERT_MALFORMED);
	assert_int_equal(PASS("CRM_alert_kind=fencing", NODE), ALERT_MALFORMED);
	assert_int_equal(PASS("CRM_alert_kind=resource", "CRM_alert_rsc=r", "CRM_alert_task=stop"),
	    ALERT_MALFORMED);
	assert_int_equal(
	    PASS("CRM_alert_kind=resource", NODE, "CRM_alert_task=stop"), ALERT_MALFORMED);
	assert_int_equal(PASS("CRM_alert_kind=attribute", NODE), ALERT_MALFORMED);
	assert_int_equal(alert_to_event(NULL, WALL_MS, &event), ALERT_MALFORMED);
}

static void
who_is_not_started_by_pacemaker_has_nothing_to_ask(void **state)
{
	char *const environment[] = {"PATH=/bin", "CRM_alert_node=hq-2", "CRM_alert_kind", NULL};

	(void)state;
	assert_null(alert_request(environment));
	assert_null(alert_request(environment + 3));
}

static void
numbers_are_decimal_and_in_range_or_unknown(void **state)
{
	static const struct {
		const char *text;
		int32_t number;
	} rows[] = {
	    {"CRM_alert_rc=0", 0},
	    {"CRM_alert_rc=-12", -12},
	    {"CRM_alert_rc=2147483646", 2147483646},
	    {"CRM_alert_rc=2147483647", EVENT_NO_NUMBER},
	    {"CRM_alert_rc=2147483648", EVENT_NO_NUMBER},
	    {"CRM_alert_rc=-2147483646", -2147483646},
	    {"CRM_alert_rc=-2147483648", EVENT_NO_NUMBER},
	    {"CRM_alert_rc=99999999999", EVENT_NO_NUMBER},
	    {"CRM_alert_rc=", EVENT_NO_NUMBER},
	    {"CRM_alert_rc=-", EVENT_NO_NUMBER},
	    {"CRM_alert_rc=1x", EVENT_NO_NUMBER},
	    {"CRM_alert_rc=+1", EVENT_NO_NUMBER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(PASS("CRM_alert_kind=fencing", NODE, "CRM_alert_task=off",
				     (char *)(uintptr_t)rows[i].text),
		    ALERT_EVENT);
		if (event.result != rows[i].number)
			fail_msg("%s: %d", rows[i].text, event.result);
	}
}

static void
a_time_that_cannot_be_is_not_believed(void **state)
{
	static const char *const rows[] = {"CRM_alert_timestamp_epoch=999999999",
	    "CRM_alert_timestamp_epoch=99999999999", "CRM_alert_timestamp_epoch=x",
	    "CRM_alert_timestamp_epoch=-1700000000", "CRM_alert_timestamp_epoch="};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(PASS("CRM_alert_kind=node", NODE, "CRM_alert_desc=lost",
				     (char *)(uintptr_t)rows[i]),
		    ALERT_EVENT);
		assert_true(event.at_ms == WALL_MS);
	}
	assert_int_equal(
	    PASS("CRM_alert_kind=node", NODE, "CRM_alert_desc=lost",
		"CRM_alert_timestamp_epoch=1700000000", "CRM_alert_timestamp_usec=1000000"),
	    ALERT_EVENT);
	assert_true(event.at_ms == 1700000000000);
}

static void
long_and_strange_text_is_cut_and_made_harmless(void **state)
{
	char node[2000] = "CRM_alert_node=a\x01\xff";

	(void)state;
	memset(node + strlen(node), 'x', sizeof(node) - strlen(node) - 1);
	assert_int_equal(PASS("CRM_alert_kind=node", "CRM_alert_desc=lost", node), ALERT_EVENT);
	assert_int_equal(strlen(event.node), EVENT_NAME_BYTES - 1);
	assert_memory_equal(event.node, "a??x", 4);
}

static void
values_that_are_no_text_are_not_there(void **state)
{
	json_t *request = json_pack(
	    "{s:s, s:i, s:s, s:[]}", "kind", "node", "node", 1, "desc", "lost", "timestamp_epoch");

	(void)state;
	assert_int_equal(alert_to_event(request, WALL_MS, &event), ALERT_MALFORMED);
	json_decref(request);
	request = json_array();
	assert_int_equal(alert_to_event(request, WALL_MS, &event), ALERT_MALFORMED);
	json_decref(request);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_node_s_state_becomes_an_event),
	    cmocka_unit_test(fencing_becomes_an_event),
	    cmocka_unit_test(fencing_s_task_is_its_action),
	    cmocka_unit_test(a_resource_becomes_an_event),
	    cmocka_unit_test(an_attribute_becomes_an_event_even_without_a_value),
	    cmocka_unit_test(what_is_of_no_interest_is_ignored),
	    cmocka_unit_test(what_lacks_what_it_must_have_is_malformed),
	    cmocka_unit_test(who_is_not_started_by_pacemaker_has_nothing_to_ask),
	    cmocka_unit_test(numbers_are_decimal_and_in_range_or_unknown),
	    cmocka_unit_test(a_time_that_cannot_be_is_not_believed),
	    cmocka_unit_test(long_and_strange_text_is_cut_and_made_harmless),
	    cmocka_unit_test(values_that_are_no_text_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
