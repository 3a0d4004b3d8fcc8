/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const struct ocf_parameter parameters[] = {
    {
	.name = "ip",
	.required = true,
	.unique_group = "address",
	.shortdesc = "the <address>",
	.longdesc = "One \"&\" another.",
    },
    {
	.name = "port",
	.type = OCF_INTEGER,
	.fallback = "25",
	.reloadable = true,
	.min = 1,
	.max = 65535,
	.shortdesc = "its port",
	.longdesc = ".Sh looks like a macro\n\nbut \\is none.",
    },
    {0},
};
static const struct ocf_action actions[] = {
    {.name = "start", .timeout_s = 20, .depth = -1},
    {.name = "monitor", .timeout_s = 10, .interval_s = 5, .depth = 0, .role = OCF_ROLE_PROMOTED},
    {.name = "monitor", .timeout_s = 10, .interval_s = 31, .depth = 10},
    {0},
};
static const struct ocf_agent agent = {
    .name = "thing",
    .version = "7",
    .shortdesc = "does it",
    .longdesc = "Does it.",
    .parameters = parameters,
    .actions = actions,
};

static const char *
rendered(void (*render)(const struct ocf_agent *, struct buffer *), char *text, size_t room)
{
	struct buffer out = {0};

	render(&agent, &out);
	assert_true(slice_to_string(buffer_slice(&out), text, room));
	buffer_close(&out);
	return text;
}

static void
the_xml_is_what_ocf_1_1_says_behind_a_dtd_subset_for_1_0(void **state)
{
	char text[4096];

	(void)state;
	assert_string_equal(rendered(metadata_xml, text, sizeof(text)),
	    "<?xml version=\"1.0\"?>\n"
	    "<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\" [\n"
	    "<!ATTLIST action name CDATA #REQUIRED>\n"
	    "<!ATTLIST parameter reloadable CDATA #IMPLIED unique-group CDATA #IMPLIED>\n"
	    "]>\n"
	    "<resource-agent name=\"thing\" version=\"7\">\n"
	    "<version>1.1</version>\n"
	    "<longdesc lang=\"en\">Does it.</longdesc>\n"
	    "<shortdesc lang=\"en\">does it</shortdesc>\n"
	    "<parameters>\n"
	    "<parameter name=\"ip\" unique-group=\"address\" required=\"1\" reloadable=\"0\">\n"
	    "  <longdesc lang=\"en\">One &quot;&amp;&quot; another.</longdesc>\n"
	    "  <shortdesc lang=\"en\">the &lt;address&gt;</shortdesc>\n"
	    "  <content type=\"string\"/>\n"
	    "</parameter>\n"
	    "<parameter name=\"port\" required=\"0\" reloadable=\"1\">\n"
	    "  <longdesc lang=\"en\">.Sh looks like a macro\n\nbut \\is none.</longdesc>\n"
	    "  <shortdesc lang=\"en\">its port</shortdesc>\n"
	    "  <content type=\"integer\" default=\"25\"/>\n"
	    "</parameter>\n"
	    "</parameters>\n"
	    "<actions>\n"
	    "<action name=\"start\" timeout=\"20s\"/>\n"
	    "<action name=\"monitor\" timeout=\"10s\" interval=\"5s\" depth=\"0\" "
	    "role=\"Promoted\"/>\n"
	    "<action name=\"monitor\" timeout=\"10s\" interval=\"31s\" depth=\"10\"/>\n"
	    "</actions>\n"
	    "</resource-agent>\n");
}

static void
text_in_the_manual_never_reads_as_a_macro(void **state)
{
	char text[4096];

	(void)state;
	rendered(metadata_manual, text, sizeof(text));
	assert_non_null(strstr(text, "\n\\&.Sh looks like a macro\n.Pp\nbut \\eis none.\n"));
	assert_non_null(strstr(text, ".It Cm ip\n.Pq string, required\n"));
	assert_non_null(strstr(text, ".Pq integer, reloadable, 1 to 65535, default 25\n"));
	assert_non_null(strstr(text, "time-out 10 s, interval 31 s, OCF_CHECK_LEVEL 10\n"));
}

static void
the_help_names_each_action_once_and_each_parameter(void **state)
{
	char text[4096];

	(void)state;
	rendered(metadata_help, text, sizeof(text));
	assert_non_null(strstr(text, "Actions: start monitor.\n"));
	assert_non_null(strstr(text, "the <address> (required)\n"));
	assert_non_null(strstr(text, "its port (25)\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_xml_is_what_ocf_1_1_says_behind_a_dtd_subset_for_1_0),
	    cmocka_unit_test(text_in_the_manual_never_reads_as_a_macro),
	    cmocka_unit_test(the_help_names_each_action_once_and_each_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
