/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/environment.h"
#include "ocf/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const struct ocf_parameter parameters[] = {
    {.name = "port", .type = OCF_INTEGER, .min = 1, .max = 65535, .fallback = "25"},
    {.name = "nodad", .type = OCF_BOOLEAN, .fallback = "true"},
    {.name = "ip", .required = true, .shortdesc = "the address"},
    {0},
};
static const struct ocf_action monitor = {.name = "monitor", .timeout_s = 20};
static const struct ocf_action start = {.name = "start", .timeout_s = 30};
static const struct ocf_agent agent = {.name = "thing", .parameters = parameters};

static struct ocf_context
read_of(const struct ocf_action *action, char *const *environment)
{
	struct ocf_context ctx = {.agent = &agent, .action = action};

	environment_read(&ctx, environment, 1000000);
	return ctx;
}

static void
a_monitor_without_an_interval_or_with_0_is_a_probe(void **state)
{
	char *none[] = {NULL}, *zero[] = {"OCF_RESKEY_CRM_meta_interval=0", NULL};
	char *some[] = {"OCF_RESKEY_CRM_meta_interval=9000", NULL};

	(void)state;
	assert_true(read_of(&monitor, none).is_probe);
	assert_true(read_of(&monitor, zero).is_probe);
	assert_false(read_of(&monitor, some).is_probe);
	assert_false(read_of(&start, none).is_probe);
}

static void
a_call_ends_before_pacemaker_kills_it(void **state)
{
	char *none[] = {NULL}, *short_one[] = {"OCF_RESKEY_CRM_meta_timeout=2000", NULL};
	char *wrong[] = {"OCF_RESKEY_CRM_meta_timeout=soon", NULL};

	(void)state;
	assert_int_equal(read_of(&start, none).deadline_ms, 1000000 + 29000);
	assert_int_equal(read_of(&start, short_one).deadline_ms, 1000000 + 1800);
	assert_int_equal(read_of(&start, wrong).deadline_ms, 1000000 + 29000);
}

static void
roles_are_read_by_their_new_and_old_names(void **state)
{
	static const struct {
		const char *text;
		enum ocf_role role;
	} rows[] = {
	    {"OCF_RESKEY_CRM_meta_role=Promoted", OCF_ROLE_PROMOTED},
	    {"OCF_RESKEY_CRM_meta_role=Master", OCF_ROLE_PROMOTED},
	    {"OCF_RESKEY_CRM_meta_role=Unpromoted", OCF_ROLE_UNPROMOTED},
	    {"OCF_RESKEY_CRM_meta_role=Slave", OCF_ROLE_UNPROMOTED},
	    {"OCF_RESKEY_CRM_meta_role=Started", OCF_ROLE_NONE},
	    {"OCF_RESKEY_CRM_meta_roles=Promoted", OCF_ROLE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *environment[] = {(char *)rows[i].text, NULL};

		assert_int_equal(read_of(&monitor, environment).role, rows[i].role);
	}
}

static void
the_check_level_and_the_instance_are_read(void **state)
{
	char *all[] = {"OCF_CHECK_LEVEL=10", "OCF_RESOURCE_INSTANCE=gemel-ip4", NULL};
	char *none[] = {NULL};

	(void)state;
	assert_int_equal(read_of(&monitor, all).check_level, 10);
	assert_string_equal(read_of(&monitor, all).instance, "gemel-ip4");
	assert_int_equal(read_of(&monitor, none).check_level, 0);
	assert_string_equal(read_of(&monitor, none).instance, "thing");
}

static void
a_value_that_is_absent_empty_or_wrong_reads_as_the_default(void **state)
{
	char *good[] = {"OCF_RESKEY_port=587", "OCF_RESKEY_nodad=off", "OCF_RESKEY_ip=::1", NULL};
	char *bad[] = {"OCF_RESKEY_port=none", "OCF_RESKEY_nodad=", NULL};
	struct ocf_context ctx = read_of(&start, good);

	(void)state;
	assert_int_equal(ocf_integer(&ctx, "port"), 587);
	assert_false(ocf_boolean(&ctx, "nodad"));
	assert_string_equal(ocf_string(&ctx, "ip"), "::1");
	ctx = read_of(&start, bad);
	assert_int_equal(ocf_integer(&ctx, "port"), 25);
	assert_true(ocf_boolean(&ctx, "nodad"));
	assert_null(ocf_string(&ctx, "ip"));
}

static void
a_reason_is_one_line_of_at_most_128_bytes(void **state)
{
	struct ocf_context ctx = {.agent = &agent};
	char longer[200];

	(void)state;
	assert_int_equal(ocf_fail(&ctx, OCF_ERR_GENERIC, "two\nlines\t%d", 2), OCF_ERR_GENERIC);
	assert_string_equal(ctx.reason, "two lines 2");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	longer[128] = '\0';
	ocf_fail(&ctx, OCF_ERR_GENERIC, "%s", longer);
	assert_string_equal(ctx.reason, longer);
	longer[128] = 'a';
	/* The cut falls inside this letter, so it goes as a whole. */
	memcpy(longer + 124, "\xc3\xa4", 2);
	ocf_fail(&ctx, OCF_ERR_GENERIC, "%s", longer);
	assert_int_equal(strlen(ctx.reason), 127);
	assert_string_equal(ctx.reason + 123, "a...");
}

static void
a_state_path_stays_in_the_run_directory(void **state)
{
	struct ocf_context ctx = {.agent = &agent, .instance = "../../etc/x"};
	char path[64];

	(void)state;
	ocf_state_path(&ctx, "busy", path, sizeof(path));
	assert_string_equal(path, OCF_RUN_DIR "/thing-.._.._etc_x.busy");
	ocf_state_path(&ctx, "", path, sizeof(path));
	assert_string_equal(path, OCF_RUN_DIR "/thing-.._.._etc_x");
}

static void
an_empty_notify_list_is_a_single_space(void **state)
{
	(void)state;
	assert_int_equal(notify_list_count(" "), 0);
	assert_int_equal(notify_list_count(""), 0);
	assert_int_equal(notify_list_count("n1"), 1);
	assert_int_equal(notify_list_count(" n1  n2 "), 2);
	assert_false(notify_list_has(" ", ""));
	assert_false(notify_list_has("n10 n2", "n1"));
	assert_true(notify_list_has("n10 n1", "n1"));
	assert_true(notify_list_has(" n10 n1 ", "n10"));
}

#define META "OCF_RESKEY_CRM_meta_notify_"

static void
after_a_move_the_new_node_is_promoted_and_the_old_is_not(void **state)
{
	char *environment[] = {META "type=post", META "operation=promote", META "promoted_uname=n1",
	    META "demote_uname=n1", META "promote_uname=n2", META "stop_uname= ", NULL};
	struct ocf_context ctx = read_of(&start, environment);

	(void)state;
	assert_int_equal(notify_read(&ctx).when, NOTIFY_POST);
	assert_string_equal(notify_read(&ctx).operation, "promote");
	assert_true(notify_is_promoted_after(&ctx, "n2"));
	assert_false(notify_is_promoted_after(&ctx, "n1"));
	assert_string_equal(notify_nodes(&ctx, "active"), "");
}

static void
a_call_that_is_no_notify_says_so(void **state)
{
	char *none[] = {NULL}, *odd[] = {META "type=during", NULL};
	struct ocf_context ctx = read_of(&start, none);

	(void)state;
	assert_int_equal(notify_read(&ctx).when, NOTIFY_NONE);
	assert_string_equal(notify_read(&ctx).operation, "");
	ctx = read_of(&start, odd);
	assert_int_equal(notify_read(&ctx).when, NOTIFY_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_monitor_without_an_interval_or_with_0_is_a_probe),
	    cmocka_unit_test(a_call_ends_before_pacemaker_kills_it),
	    cmocka_unit_test(roles_are_read_by_their_new_and_old_names),
	    cmocka_unit_test(the_check_level_and_the_instance_are_read),
	    cmocka_unit_test(a_value_that_is_absent_empty_or_wrong_reads_as_the_default),
	    cmocka_unit_test(a_reason_is_one_line_of_at_most_128_bytes),
	    cmocka_unit_test(a_state_path_stays_in_the_run_directory),
	    cmocka_unit_test(an_empty_notify_list_is_a_single_space),
	    cmocka_unit_test(after_a_move_the_new_node_is_promoted_and_the_old_is_not),
	    cmocka_unit_test(a_call_that_is_no_notify_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
