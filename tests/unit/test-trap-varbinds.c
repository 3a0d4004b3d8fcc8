/* SPDX-License-Identifier: BSD-2-Clause */
/* That the OIDs and the objects of each kind are the MIB's is shown by test-mib.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/trap-varbinds.h"

#include <stdio.h>

static struct trap_varbinds varbinds;

static const char *
text_of_oid(const struct trap_oid *oid)
{
	static char text[256];
	size_t length = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < oid->count; i++)
		length += (size_t)snprintf(
		    text + length, sizeof(text) - length, "%s%u", i ? "." : "", oid->arcs[i]);
	return text;
}

static void
assert_text(unsigned at, const char *text)
{
	assert_int_equal(varbinds.items[at].type, TRAP_OCTETS);
	assert_int_equal(varbinds.items[at].length, strlen(text));
	assert_memory_equal(varbinds.items[at].octets, text, strlen(text));
}

static void
assert_integer(unsigned at, int32_t integer)
{
	assert_int_equal(varbinds.items[at].type, TRAP_INTEGER);
	assert_int_equal(varbinds.items[at].integer, integer);
}

static struct event
make(enum event_kind kind)
{
	struct event event;

	event_begin(&event, kind, "hq-2", 0);
	return event;
}

/* RFC 3416, 4.2.6. */
static void
a_trap_begins_with_uptime_and_its_oid(void **state)
{
	(void)state;
	for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++) {
		struct event event = make(kind);
		char oid[80];

		trap_varbinds_gemel(&event, "hq-1", 77, &varbinds);
		assert_string_equal(text_of_oid(&varbinds.items[0].name), "1.3.6.1.2.1.1.3.0");
		assert_int_equal(varbinds.items[0].type, TRAP_TICKS);
		assert_int_equal(varbinds.items[0].ticks, 77);
		assert_string_equal(text_of_oid(&varbinds.items[1].name), "1.3.6.1.6.3.1.1.4.1.0");
		snprintf(oid, sizeof(oid), "1.3.6.1.4.1.8072.9999.9999.4570.0.%d", (int)kind);
		assert_string_equal(text_of_oid(&varbinds.items[1].oid), oid);
	}
}

static void
each_object_is_the_instance_of_a_scalar(void **state)
{
	(void)state;
	for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++) {
		const enum trap_object *objects = trap_kind_objects(kind);
		struct event event = make(kind);
		unsigned i;

		trap_varbinds_gemel(&event, "hq-1", 77, &varbinds);
		for (i = 0; objects[i]; i++) {
			char oid[80];

			snprintf(oid, sizeof(oid), "1.3.6.1.4.1.8072.9999.9999.4570.1.%d.0",
			    (int)objects[i]);
			assert_string_equal(text_of_oid(&varbinds.items[i + 2].name), oid);
		}
		assert_int_equal(varbinds.count, i + 2);
		assert_int_equal(objects[0], TRAP_SEVERITY);
	}
}

static void
a_takeover_carries_each_phase_and_the_sum(void **state)
{
	struct event event = make(EVENT_TAKEOVER_FINISHED);

	(void)state;
	for (int i = 0; i < EVENT_PHASES; i++)
		event.phases_ms[i] = 10 + i;
	event.phases_ms[EVENT_PHASE_STORE] = EVENT_NO_NUMBER;
	event.total_ms = 99;
	trap_varbinds_gemel(&event, "hq-1", 1, &varbinds);
	assert_integer(2, EVENT_INFO);
	assert_text(3, "hq-2");
	assert_text(4, "hq-1");
	assert_integer(7, 10);
	assert_integer(8, 11);
	assert_integer(9, EVENT_NO_NUMBER);
	assert_integer(10, 13);
	assert_integer(11, 14);
	assert_integer(12, 99);
}

static void
the_other_kinds_carry_what_they_say(void **state)
{
	struct event event = make(EVENT_LINE_DOWN);

	(void)state;
	strcpy(event.subject, "serial");
	strcpy(event.reason, "no carrier");
	trap_varbinds_gemel(&event, "hq-1", 1, &varbinds);
	assert_text(6, "line serial to node hq-2 is down: no carrier");
	assert_text(7, "serial");
	assert_text(8, "no carrier");
	event = make(EVENT_FENCING_SUCCEEDED);
	event.proof = EVENT_PROOF_BARRED;
	trap_varbinds_gemel(&event, "hq-1", 1, &varbinds);
	assert_integer(7, EVENT_PROOF_BARRED);
	event = make(EVENT_CLUSTER_RESOURCE);
	strcpy(event.subject, "gemel-core");
	strcpy(event.task, "start");
	event.result = 1;
	event.wanted = 0;
	trap_varbinds_gemel(&event, "hq-1", 1, &varbinds);
	assert_text(7, "gemel-core");
	assert_text(8, "start");
	assert_integer(9, 1);
	assert_integer(10, 0);
	event = make(EVENT_CLUSTER_ATTRIBUTE);
	strcpy(event.subject, "a");
	strcpy(event.value, "b");
	trap_varbinds_gemel(&event, "hq-1", 1, &varbinds);
	assert_text(7, "a");
	assert_text(8, "b");
}

/* RFC 2579, DateAndTime: year (two bytes), month, day, hour, minute, second, tenth, "+", 0, 0. */
static void
time_is_written_in_utc_over_leap_days_and_centuries(void **state)
{
	static const struct {
		uint64_t second;
		uint8_t date[11];
	} rows[] = {
	    {0, {1970 >> 8, 1970 & 255, 1, 1, 0, 0, 0, 5, '+'}},
	    {951782399, {2000 >> 8, 2000 & 255, 2, 28, 23, 59, 59, 5, '+'}},
	    {951782400, {2000 >> 8, 2000 & 255, 2, 29, 0, 0, 0, 5, '+'}},
	    {951868800, {2000 >> 8, 2000 & 255, 3, 1, 0, 0, 0, 5, '+'}},
	    {1709164800, {2024 >> 8, 2024 & 255, 2, 29, 0, 0, 0, 5, '+'}},
	    {1798761599, {2026 >> 8, 2026 & 255, 12, 31, 23, 59, 59, 5, '+'}},
	    {4107542400, {2100 >> 8, 2100 & 255, 3, 1, 0, 0, 0, 5, '+'}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct event event = make(EVENT_NODE_BACK);

		event.at_ms = rows[i].second * 1000 + 567;
		trap_varbinds_gemel(&event, "hq-1", 1, &varbinds);
		assert_int_equal(varbinds.items[5].length, 11);
		assert_memory_equal(varbinds.items[5].octets, rows[i].date, 11);
	}
}

static void
pacemaker_s_trap_is_the_sample_agent_s(void **state)
{
	struct event event = make(EVENT_CLUSTER_RESOURCE);

	(void)state;
	strcpy(event.subject, "gemel-core");
	strcpy(event.task, "monitor");
	strcpy(event.reason, "not running");
	event.result = 7;
	event.wanted = 8;
	event.status = 0;
	assert_true(trap_varbinds_pacemaker(&event, 5, &varbinds));
	assert_int_equal(varbinds.count, 11);
	assert_string_equal(text_of_oid(&varbinds.items[1].oid), "1.3.6.1.4.1.32723.2.1");
	for (unsigned i = 2; i < 11; i++) {
		char oid[40];

		snprintf(oid, sizeof(oid), "1.3.6.1.4.1.32723.1.%u", i - 1);
		assert_string_equal(text_of_oid(&varbinds.items[i].name), oid);
	}
	assert_text(2, "hq-2");
	assert_text(3, "gemel-core");
	assert_text(4, "monitor");
	assert_text(5, "not running");
	assert_integer(6, 0);
	assert_integer(7, 7);
	assert_integer(8, 8);
	assert_text(9, "n/a");
	assert_text(10, "n/a");
}

static void
pacemaker_s_trap_fills_up_what_a_kind_has_not(void **state)
{
	struct event node = make(EVENT_CLUSTER_NODE), attribute = make(EVENT_CLUSTER_ATTRIBUTE);

	(void)state;
	strcpy(node.value, "lost");
	assert_true(trap_varbinds_pacemaker(&node, 5, &varbinds));
	assert_text(3, "n/a");
	assert_text(4, "n/a");
	assert_text(5, "lost");
	assert_integer(6, EVENT_NO_NUMBER);
	strcpy(attribute.subject, "a");
	strcpy(attribute.value, "1");
	assert_true(trap_varbinds_pacemaker(&attribute, 5, &varbinds));
	assert_text(3, "n/a");
	assert_text(9, "a");
	assert_text(10, "1");
}

static void
pacemaker_s_trap_is_for_the_cluster_s_events_only(void **state)
{
	(void)state;
	for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++) {
		struct event event = make(kind);

		assert_int_equal(
		    trap_varbinds_pacemaker(&event, 5, &varbinds), kind >= EVENT_CLUSTER_NODE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_trap_begins_with_uptime_and_its_oid),
	    cmocka_unit_test(each_object_is_the_instance_of_a_scalar),
	    cmocka_unit_test(a_takeover_carries_each_phase_and_the_sum),
	    cmocka_unit_test(the_other_kinds_carry_what_they_say),
	    cmocka_unit_test(time_is_written_in_utc_over_leap_days_and_centuries),
	    cmocka_unit_test(pacemaker_s_trap_is_the_sample_agent_s),
	    cmocka_unit_test(pacemaker_s_trap_fills_up_what_a_kind_has_not),
	    cmocka_unit_test(pacemaker_s_trap_is_for_the_cluster_s_events_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
