/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/doctor/capture.h"
#include "cli/doctor/cib.h"
#include "cli/doctor/values.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN INT64_MIN

static int64_t
interval(const char *text)
{
	return fact_or(value_interval_ms(text), UNKNOWN);
}

static void
times_are_read_as_pacemaker_reads_them(void **state)
{
	(void)state;
	assert_int_equal(interval("50ms"), 50);
	assert_int_equal(interval("2"), 2000);
	assert_int_equal(interval("0"), 0);
	assert_int_equal(interval(" 2 s"), 2000);
	assert_int_equal(interval("2S"), 2000);
	assert_int_equal(interval("1500us"), 1);
	assert_int_equal(interval("2min"), 120000);
	assert_int_equal(interval("1h"), 3600000);
	assert_int_equal(interval(""), UNKNOWN);
	assert_int_equal(interval("ms"), UNKNOWN);
	assert_int_equal(interval("2 x"), UNKNOWN);
	assert_int_equal(interval("PT2S"), UNKNOWN);
	assert_int_equal(interval("-2s"), UNKNOWN);
	assert_int_equal(interval("1234567890123"), UNKNOWN);
}

static void
truths_scores_and_percents_are_read(void **state)
{
	(void)state;
	assert_int_equal(fact_or(value_truth("Yes"), UNKNOWN), 1);
	assert_int_equal(fact_or(value_truth("0"), UNKNOWN), 0);
	assert_false(value_truth("perhaps").is_known);
	assert_int_equal(fact_or(value_score("INFINITY"), 0), SCORE_INFINITY);
	assert_int_equal(fact_or(value_score("-INFINITY"), 0), -SCORE_INFINITY);
	assert_int_equal(fact_or(value_score("+9999999"), 0), SCORE_INFINITY);
	assert_int_equal(fact_or(value_score("-3"), 0), -3);
	assert_false(value_score("3x").is_known);
	assert_int_equal(fact_or(value_percent("80%"), 0), 80);
	assert_int_equal(fact_or(value_percent("0"), 1), 0);
	assert_false(value_percent("80%%").is_known);
	assert_int_equal(value_role("Master"), CIB_ROLE_PROMOTED);
	assert_int_equal(value_role("Unpromoted"), CIB_ROLE_UNPROMOTED);
	assert_int_equal(value_role("Started"), CIB_ROLE_NONE);
}

#define HEAD "<cib><configuration>"
#define TAIL "</configuration></cib>"

static struct cib_facts cib;

static int
read_text(const char *text)
{
	return cib_read(slice_of(text), &cib);
}

static void
constraints_become_facts(void **state)
{
	(void)state;
	assert_int_equal(
	    read_text(
		HEAD "<constraints>"
		     "<rsc_order id='a' first='s' first-action='promote' then='c'/>"
		     "<rsc_order id='b' first='s' then='c' kind='Optional'/>"
		     "<rsc_order id='c' first='s' then='c' score='0'/>"
		     "<rsc_order id='d' first='x' then='y' then-action='promote' score='INFINITY'/>"
		     "<rsc_colocation id='e' rsc='c' with-rsc='s' score='INFINITY' "
		     "rsc-role='Promoted' with-rsc-role='Master'/>"
		     "<rsc_colocation id='f' rsc='c' with-rsc='s' score='100'/>"
		     "<rsc_location id='g' rsc='f1' node='hq-1' score='-INFINITY'/>"
		     "<rsc_location id='h' rsc='f1' node='hq-2' score='-5'/>"
		     "<rsc_location id='i' rsc='f1' score='-INFINITY'><rule/></rsc_location>"
		     "<rsc_location id='j' rsc='f1' node='hq-2' role='Promoted' "
		     "score='-INFINITY'/>"
		     "</constraints>" TAIL),
	    0);
	assert_int_equal(cib.order_count, 2);
	assert_string_equal(cib.orders[0].then_action, "promote");
	assert_string_equal(cib.orders[1].first_action, "start");
	assert_string_equal(cib.orders[1].then_action, "promote");
	assert_int_equal(cib.colocation_count, 1);
	assert_int_equal(cib.colocations[0].first_role, CIB_ROLE_PROMOTED);
	assert_int_equal(cib.colocations[0].then_role, CIB_ROLE_PROMOTED);
	assert_int_equal(cib.ban_count, 1);
	assert_string_equal(cib.bans[0].node, "hq-1");
	assert_false(cib.has_sets);
	assert_int_equal(
	    read_text(HEAD "<constraints><rsc_order id='a'><resource_set id='x'/></rsc_order>"
			   "</constraints>" TAIL),
	    0);
	assert_true(cib.has_sets);
}

#define META(name, value) \
	"<meta_attributes><nvpair name='" name "' value='" value "'/></meta_attributes>"
#define INSTANCE(name, value) \
	"<instance_attributes><nvpair name='" name "' value='" value "'/></instance_attributes>"

static void
resources_inherit(void **state)
{
	const struct cib_primitive *p = cib.primitives;

	(void)state;
	assert_int_equal(
	    read_text(HEAD "<resources><clone id='k'>" META("promotable", "true") META(
		"failure-timeout", "9s") META("promoted-max",
		"2") "<primitive id='a' class='ocf' provider='gemel' type='mailcore'>"
		     "<operations><op name='monitor' interval='2s' role='Promoted' "
		     "timeout='10'>" INSTANCE("OCF_CHECK_LEVEL",
			 "10") "</op></operations></primitive></clone>"
			       "<group id='g'>" META("migration-threshold",
				   "3") "<primitive id='b'/></group>"
					"<master id='m'><group id='n'><primitive "
					"id='c'/></group></master>"
					"<primitive id='f' class='stonith' "
					"type='fence_x'>" INSTANCE("pcmk_delay_base", "a:1s;b:2s")
					    INSTANCE("pcmk_host_list",
						"hq-1") "</primitive></"
							"resources><rsc_defaults>" META("migration-"
											"threshold",
							    "1") "</rsc_defaults>" TAIL),
	    0);
	assert_int_equal(cib.primitive_count, 4);
	assert_string_equal(p[0].clone, "k");
	assert_true(p[0].is_promotable);
	assert_int_equal(p[0].promoted_max.value, 2);
	assert_int_equal(p[0].failure_timeout_ms.value, 9000);
	assert_int_equal(p[0].migration_threshold.value, 1);
	assert_int_equal(p[0].operations[0].level, 10);
	assert_int_equal(p[0].operations[0].timeout_ms.value, 10000);
	assert_int_equal(p[0].operations[0].role, CIB_ROLE_PROMOTED);
	assert_string_equal(p[1].group, "g");
	assert_int_equal(p[1].migration_threshold.value, 3);
	assert_false(p[1].is_promotable);
	assert_string_equal(p[2].clone, "m");
	assert_string_equal(p[2].group, "n");
	assert_true(p[2].is_promotable);
	assert_string_equal(p[3].host_list, "hq-1");
	assert_true(p[3].delay_ms.value > 0);
	assert_false(p[3].is_promotable);
}

static void
levels_and_published_digests_become_facts(void **state)
{
	(void)state;
	assert_int_equal(
	    read_text("<cib><configuration><fencing-topology>"
		      "<fencing-level target='hq-1' index='2' devices='a,b'/>"
		      "<fencing-level target-pattern='x' index='1' devices='a'/>"
		      "</fencing-topology></configuration><status><node_state uname='hq-2'>"
		      "<transient_attributes>" INSTANCE("gemel-digest-gemel.conf", "ab")
			  INSTANCE("shutdown", "0") "</transient_attributes></node_state></status>"
						    "</cib>"),
	    0);
	assert_int_equal(cib.level_count, 2);
	assert_int_equal(cib.levels[0].index, 2);
	assert_int_equal(cib.levels[0].device_count, 2);
	assert_string_equal(cib.levels[0].devices[1], "b");
	assert_string_equal(cib.levels[1].target, "");
	assert_int_equal(cib.published_count, 1);
	assert_string_equal(cib.published[0].name, "gemel.conf");
	assert_string_equal(cib.published[0].node, "hq-2");
	assert_string_equal(cib.published[0].hex, "ab");
}

static void
what_is_no_cib_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "<cib>",
	    "<cib/>",
	    "<bic><configuration/></bic>",
	    "not xml",
	    "<!DOCTYPE cib [<!ENTITY a 'b'>]>" HEAD TAIL,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(read_text(texts[i]), -EINVAL);
		assert_false(cib.is_known);
	}
	assert_int_equal(cib_read(slice_from(HEAD TAIL "\0", sizeof(HEAD TAIL)), &cib), -EINVAL);
	assert_int_equal(read_text(HEAD TAIL), 0);
	assert_true(cib.is_known);
}

static void
a_cib_that_is_too_large_is_refused(void **state)
{
	struct buffer text = {0};

	(void)state;
	for (int more = 0; more < 2; more++) {
		text.length = 0;
		buffer_printf(&text, HEAD "<resources>");
		for (int i = 0; i < CIB_PRIMITIVES_MAX + more; i++)
			buffer_printf(&text, "<primitive id='p%d'/>", i);
		buffer_printf(&text, "</resources>" TAIL);
		assert_int_equal(cib_read(buffer_slice(&text), &cib), more ? -E2BIG : 0);
	}
	text.length = 0;
	buffer_printf(&text, HEAD "<nodes><node uname='");
	for (int i = 0; i < FACT_NAME_MAX; i++)
		buffer_printf(&text, "x");
	buffer_printf(&text, "'/></nodes>" TAIL);
	assert_int_equal(cib_read(buffer_slice(&text), &cib), -E2BIG);
	assert_false(cib.is_known);
	buffer_close(&text);
}

static void
advised_timeouts_are_read(void **state)
{
	static struct facts facts;

	(void)state;
	assert_int_equal(
	    advised_read(
		slice_of("<!DOCTYPE r SYSTEM 'x' [<!ATTLIST action name CDATA #REQUIRED>]>"
			 "<r><actions><action name='start' timeout='30s'/>"
			 "<action name='monitor' timeout='20s' role='Promoted' depth='10'/>"
			 "</actions></r>"),
		"mailcore", &facts),
	    0);
	assert_int_equal(facts.advised_count, 2);
	assert_string_equal(facts.advised[0].agent, "mailcore");
	assert_int_equal(facts.advised[0].timeout_ms, 30000);
	assert_int_equal(facts.advised[1].level, 10);
	assert_int_equal(facts.advised[1].role, CIB_ROLE_PROMOTED);
	assert_int_equal(advised_read(slice_of("<r/>"), "x", &facts), -EINVAL);
	assert_int_equal(facts.advised_count, 2);
}

static void
a_program_is_captured(void **state)
{
	char *hello[] = {"echo", "hello", NULL}, *none[] = {"/nonexistent", NULL};
	char *failing[] = {"false", NULL}, *deaf[] = {"sleep", "1000", NULL};
	char *endless[] = {"cat", "/dev/zero", NULL};
	struct buffer out = {0};

	(void)state;
	assert_int_equal(capture(hello, 10000, 100, &out), 0);
	assert_int_equal(out.length, 6);
	assert_memory_equal(out.data, "hello\n", 6);
	assert_int_equal(capture(none, 10000, 100, &out), 127);
	assert_int_equal(capture(failing, 10000, 100, &out), 1);
	assert_int_equal(capture(deaf, 20, 100, &out), -ETIMEDOUT);
	assert_int_equal(capture(endless, 10000, 100, &out), -EFBIG);
	buffer_close(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_are_read_as_pacemaker_reads_them),
	    cmocka_unit_test(truths_scores_and_percents_are_read),
	    cmocka_unit_test(constraints_become_facts),
	    cmocka_unit_test(resources_inherit),
	    cmocka_unit_test(levels_and_published_digests_become_facts),
	    cmocka_unit_test(what_is_no_cib_is_refused),
	    cmocka_unit_test(a_cib_that_is_too_large_is_refused),
	    cmocka_unit_test(advised_timeouts_are_read),
	    cmocka_unit_test(a_program_is_captured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
