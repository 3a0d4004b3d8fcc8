/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/fence-agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NODE_64 "a123456789b123456789c123456789d123456789e123456789f123456789g123"

/* What the lines ask for. False: *error_r says why not. */
static bool
request_of(const char *lines, struct fence_request *request, char error_r[FENCE_ERROR_MAX])
{
	struct fence_options options;

	fence_options_open(&options);
	fence_options_parse(&options, slice_of(lines));
	return fence_request_make(&options, request, error_r);
}

static void
what_pacemaker_writes_is_understood(void **state)
{
	static const struct {
		const char *lines;
		enum fence_action action;
		const char *node;
		uint32_t timeout_s;
	} rows[] = {
	    {"action=off\nnodename=hq-2\nplug=hq-2\n", FENCE_OFF, "hq-2", 20},
	    {"action=off\nnodename=hq-2\nport=hq-2\n", FENCE_OFF, "hq-2", 20},
	    {"action=reboot\nnodename=hq-2\nplug=hq-2\ntimeout=7\n", FENCE_REBOOT, "hq-2", 7},
	    {"nodename=hq-2\n", FENCE_REBOOT, "hq-2", 20},
	    {"plug=hq-2", FENCE_REBOOT, "hq-2", 20},
	    {"action=status\nplug=hq-2.example_1", FENCE_STATUS, "hq-2.example_1", 20},
	    {"action=off\nplug=" NODE_64, FENCE_OFF, NODE_64, 20},
	    {"action=monitor", FENCE_MONITOR, "", 20},
	    {"action=list\n", FENCE_LIST, "", 20},
	    {"action=metadata\n", FENCE_METADATA, "", 20},
	    {"action=validate-all\ntimeout=3600s\n", FENCE_VALIDATE, "", 3600},
	    /* Of two the last wins, also by the other name. */
	    {"action=off\naction=monitor", FENCE_MONITOR, "", 20},
	    {"plug=hq-1\nport=hq-2", FENCE_REBOOT, "hq-2", 20},
	    /* Comments, empty lines, unknown names, spaces and CRs. */
	    {"# plug=hq-1\n\n  \nnodeid=1\nplug\r\n \taction=off \r\nplug=hq-2\r\n#action=list",
		FENCE_OFF, "hq-2", 20},
	    {"=\n==\naction=off\nplug=hq-2\nactions=list\nACTION=list\n", FENCE_OFF, "hq-2", 20},
	    /* An empty plug is none. */
	    {"plug=\nnodename=hq-2", FENCE_REBOOT, "hq-2", 20},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fence_request request;
		char error[FENCE_ERROR_MAX];

		if (!request_of(rows[i].lines, &request, error))
			fail_msg("row %zu: %s", i, error);
		assert_int_equal(request.action, rows[i].action);
		assert_string_equal(request.node, rows[i].node);
		assert_int_equal(request.timeout_ms, rows[i].timeout_s * 1000);
		assert_string_equal(error, "");
	}
}

static void
what_is_wrong_is_said_in_a_sentence(void **state)
{
	static const struct {
		const char *lines, *sentence;
	} rows[] = {
	    {"", "which node? give --plug NODE"},
	    {"action=off\nplug=\n", "which node?"},
	    {"action=status\n", "which node?"},
	    {"action=on\nplug=hq-2", "Gemel cannot switch power on"},
	    {"action=dance\nplug=hq-2", "action \"dance\" is unknown; give off, reboot"},
	    {"action=OFF\nplug=hq-2", "action \"OFF\" is unknown"},
	    {"action=\nplug=hq-2", "action \"\" is unknown"},
	    {"action=of\x1b[2J\nplug=hq-2", "action \"of?[2J\" is unknown"},
	    {"timeout=0\nplug=hq-2", "timeout \"0\" is not 1 to 3600 seconds"},
	    {"timeout=3601\nplug=hq-2", "timeout \"3601\" is not 1 to 3600 seconds"},
	    {"timeout=4294967301\nplug=hq-2", "timeout \"4294967301\" is not"},
	    {"timeout=-1\nplug=hq-2", "timeout \"-1\" is not"},
	    {"timeout=\nplug=hq-2", "timeout \"\" is not"},
	    {"timeout=s\nplug=hq-2", "timeout \"s\" is not"},
	    {"timeout=5m\nplug=hq-2", "timeout \"5m\" is not"},
	    {"timeout=1.5\naction=validate-all", "timeout \"1.5\" is not"},
	    {"plug=hq 2", "\"hq 2\" is no name of a node"},
	    {"plug=-hq", "\"-hq\" is no name of a node"},
	    {"plug=.", "\".\" is no name of a node"},
	    {"plug=hq/2", "\"hq/2\" is no name of a node"},
	    {"plug=hq\"2", "is no name of a node"},
	    {"plug=h\xc3\xa4", "\"h??\" is no name of a node"},
	    {"plug=" NODE_64 "x", "is no name of a node"},
	    {"nodename=hq;2", "is no name of a node"},
	    {"plug=hq-1\nnodename=hq-2", "plug \"hq-1\" is not the node \"hq-2\""},
	    {"plug=hq\nnodename=hq-2", "plug \"hq\" is not the node \"hq-2\""},
	    {"plug=hq-2\nnodename=HQ-2", "plug \"hq-2\" is not the node \"HQ-2\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fence_request request;
		char error[FENCE_ERROR_MAX];

		if (request_of(rows[i].lines, &request, error))
			fail_msg("row %zu is taken", i);
		if (!strstr(error, rows[i].sentence))
			fail_msg("row %zu says: %s", i, error);
	}
}

static void
a_byte_of_nothing_spoils_its_value_only(void **state)
{
	static const char lines[] = "pl\0ug=hq-1\nplug=hq-2\naction=off";
	static const char spoiled[] = "plug=hq\0-2\naction=off";
	struct fence_options options;
	struct fence_request request;
	char error[FENCE_ERROR_MAX];

	(void)state;
	fence_options_open(&options);
	fence_options_parse(&options, slice_from(lines, sizeof(lines) - 1));
	assert_true(fence_request_make(&options, &request, error));
	assert_string_equal(request.node, "hq-2");
	fence_options_open(&options);
	fence_options_parse(&options, slice_from(spoiled, sizeof(spoiled) - 1));
	assert_false(fence_request_make(&options, &request, error));
}

/* Each word that an answer may have, with each kind of answer. */
static const char *const words[] = {"released", "barred", "newer-life", "granted", "poisoned", NULL,
    "", "Released", "released ", "release", "releasedx", "newer life", "power", "unknown", "true",
    "none", "silence"};
#define PROOFS 5

static void
only_a_known_proof_makes_a_fence_a_success(void **state)
{
	static const enum fence_action actions[] = {FENCE_OFF, FENCE_REBOOT};
	char error[FENCE_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(words) * 2 * COUNT(actions); i++) {
		size_t word = i % COUNT(words);
		const struct fence_request request = {
		    .action = actions[i / (2 * COUNT(words))], .node = "hq-2"};
		const struct fence_answer answer = {
		    .is_ok = i / COUNT(words) % 2 == 0,
		    .proof = words[word],
		    .state = "stopped",
		};
		bool is_success = answer.is_ok && word < PROOFS;

		assert_int_equal(
		    fence_judge(&request, &answer, error), is_success ? FENCE_DONE : FENCE_FAILED);
		assert_int_equal(*error == '\0', is_success);
	}
}

static void
the_agents_own_words_are_told(void **state)
{
	static const struct fence_request request = {.action = FENCE_OFF, .node = "hq-2"};
	static const struct {
		struct fence_answer answer;
		const char *sentence;
	} rows[] = {
	    {{false, "released", NULL, "hq-2 is silent; see its power"},
		"hq-2 is silent; see its power"},
	    {{false, NULL, NULL, NULL}, "refused without a reason"},
	    {{false, NULL, NULL, ""}, "refused without a reason"},
	    {{true, "p\nq", NULL, NULL},
		"node hq-2: gemel-agentd calls \"p?q\" a proof, which is none"},
	    {{true, NULL, NULL, NULL}, "calls \"\" a proof, which is none"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char error[FENCE_ERROR_MAX];

		assert_int_equal(fence_judge(&request, &rows[i].answer, error), FENCE_FAILED);
		if (!strstr(error, rows[i].sentence))
			fail_msg("row %zu says: %s", i, error);
	}
}

static void
a_state_is_on_off_or_not_known(void **state)
{
	static const struct fence_request request = {.action = FENCE_STATUS, .node = "hq-2"};
	static const struct {
		struct fence_answer answer;
		enum fence_status status;
	} rows[] = {
	    {{true, NULL, "alive", NULL}, FENCE_DONE},
	    {{true, NULL, "unheard", NULL}, FENCE_DONE},
	    {{true, NULL, "cut off", NULL}, FENCE_DONE},
	    {{true, NULL, "stopped", NULL}, FENCE_IS_OFF},
	    {{true, NULL, "silent", NULL}, FENCE_FAILED},
	    {{true, NULL, "unknown", NULL}, FENCE_FAILED},
	    {{true, NULL, "dancing", NULL}, FENCE_FAILED},
	    {{true, "released", NULL, NULL}, FENCE_FAILED},
	    {{false, NULL, "stopped", "no"}, FENCE_FAILED},
	    {{false, NULL, "alive", "no"}, FENCE_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char error[FENCE_ERROR_MAX];

		assert_int_equal(fence_judge(&request, &rows[i].answer, error), rows[i].status);
		assert_int_equal(*error != '\0', rows[i].status == FENCE_FAILED);
	}
}

static void
the_metadata_offers_what_can_be_done_and_no_more(void **state)
{
	static const struct {
		const char *text;
		bool is_there;
	} rows[] = {
	    {"<action name=\"off\"/>", true},
	    {"<action name=\"reboot\"/>", true},
	    {"<action name=\"status\"/>", true},
	    {"<action name=\"list\"/>", true},
	    {"<action name=\"monitor\"/>", true},
	    {"<action name=\"metadata\"/>", true},
	    {"<action name=\"validate-all\"/>", true},
	    {"<action name=\"on\"", false},
	    {"<parameter name=\"plug\" unique=\"0\" required=\"0\" obsoletes=\"port\">", true},
	    {"<parameter name=\"port\" unique=\"0\" required=\"0\" deprecated=\"1\">", true},
	    {"<parameter name=\"timeout\"", true},
	    {"<content type=\"second\" default=\"20\"/>", true},
	    {"<parameter name=\"nodename\"", false},
	    {"(null)", false},
	};
	struct buffer text = {0};

	(void)state;
	fence_metadata(&text);
	buffer_append(&text, "", 1);
	for (size_t i = 0; i < COUNT(rows); i++)
		if ((strstr((char *)text.data, rows[i].text) != NULL) != rows[i].is_there)
			fail_msg("%s", rows[i].text);
	buffer_close(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_pacemaker_writes_is_understood),
    cmocka_unit_test(what_is_wrong_is_said_in_a_sentence),
    cmocka_unit_test(a_byte_of_nothing_spoils_its_value_only),
    cmocka_unit_test(only_a_known_proof_makes_a_fence_a_success),
    cmocka_unit_test(the_agents_own_words_are_told),
    cmocka_unit_test(a_state_is_on_off_or_not_known),
    cmocka_unit_test(the_metadata_offers_what_can_be_done_and_no_more),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
