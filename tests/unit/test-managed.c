/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/managed.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* As crm_mon says it, on hq-1 managed or not. */
static int
managed(const char *is_managed, const char *resource, const char *node)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "<pacemaker-result api-version=\"2.25\"><resources>"
	    "<resource id=\"gemel-ip4\" managed=\"true\"><node name=\"hq-1\"/></resource>"
	    "<clone id=\"gemel-core-clone\" managed=\"true\">"
	    "<resource id=\"gemel-core\" role=\"Promoted\" managed=\"%s\">"
	    "<node name=\"hq-1\" id=\"1\" cached=\"true\"/></resource>"
	    "<resource id=\"gemel-core\" role=\"Unpromoted\" managed=\"true\">"
	    "<node name=\"hq-2\" id=\"2\" cached=\"true\"/></resource>"
	    "</clone></resources>"
	    "<node_history><node name=\"hq-1\"><resource_history id=\"gemel-core\"/></node>"
	    "</node_history></pacemaker-result>",
	    is_managed);
	return managed_parse(slice_of(text), resource, node);
}

static void
a_resource_is_managed_as_its_own_node_has_it(void **state)
{
	(void)state;
	assert_int_equal(managed("true", "gemel-core", "hq-1"), 1);
	assert_int_equal(managed("false", "gemel-core", "hq-1"), 0);
	assert_int_equal(managed("false", "gemel-core", "hq-2"), 1);
	assert_int_equal(managed("true", "gemel-core", "hq-3"), -ENOENT);
	assert_int_equal(managed("true", "other-core", "hq-1"), -ENOENT);
	/* Nothing but "true" is true. */
	assert_int_equal(managed("", "gemel-core", "hq-1"), 0);
}

static void
what_is_no_xml_is_refused(void **state)
{
	(void)state;
	assert_int_equal(managed_parse(slice_of(""), "gemel-core", "hq-1"), -EPROTO);
	assert_int_equal(
	    managed_parse(slice_of("Error: no cluster"), "gemel-core", "hq-1"), -EPROTO);
	assert_int_equal(
	    managed_parse(slice_of("<resources><resource id="), "gemel-core", "hq-1"), -EPROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_resource_is_managed_as_its_own_node_has_it),
	    cmocka_unit_test(what_is_no_xml_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
