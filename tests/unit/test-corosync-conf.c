/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/doctor/corosync-conf.h"
#include "common/doctor/drbd-conf.h"

#include <stdlib.h>
#include <string.h>

static struct corosync_facts facts;
static const char *reason;

static unsigned
parse(const char *text)
{
	return corosync_conf_parse(slice_of(text), &facts, &reason);
}

static void
a_whole_file_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse("# a comment { with : signs }\n"
			       "totem {\n\tversion: 2\n\ttransport:knet\r\n\tlink_mode : active\n"
			       "\tcrypto_cipher: aes256\n\tcrypto_hash: sha256\n\ttoken: 500  \n"
			       "\tconsensus: 100\n\ttoken_coefficient: 0\n"
			       "\tinterface {\n\t\tlinknumber: 0\n\t\ttoken: 7\n\t}\n}\n"
			       "quorum {\n\tprovider: corosync_votequorum\n\ttwo_node: 1\n}\n"
			       "nodelist{\n  node {\n    name: hq-1\n    nodeid: 1\n"
			       "    ring0_addr: 10.0.0.1\n    ring1_addr: fd77::1\n  }\n"
			       "  node {\n    ring0_addr: hq-2.example\n    nodeid: 2\n  }\n}\n"),
	    0);
	assert_null(reason);
	assert_true(facts.is_known);
	assert_int_equal(facts.token_ms.value, 500);
	assert_int_equal(facts.consensus_ms.value, 100);
	assert_true(facts.token_coefficient_ms.is_known);
	assert_int_equal(facts.two_node.value, 1);
	assert_false(facts.wait_for_all.is_known);
	assert_false(facts.has_qdevice);
	assert_string_equal(facts.transport, "knet");
	assert_string_equal(facts.link_mode, "active");
	assert_string_equal(facts.cipher, "aes256");
	assert_string_equal(facts.hash, "sha256");
	assert_int_equal(facts.node_count, 2);
	assert_string_equal(facts.nodes[0].name, "hq-1");
	assert_string_equal(facts.nodes[0].addresses[1], "fd77::1");
	assert_string_equal(facts.nodes[1].name, "hq-2.example");
	assert_string_equal(facts.nodes[1].addresses[1], "");
}

static void
the_last_of_a_key_counts(void **state)
{
	(void)state;
	assert_int_equal(parse("totem {\ntoken: 1\n}\ntotem {\ntoken: 2\nsecauth: on\n}\n"), 0);
	assert_int_equal(facts.token_ms.value, 2);
	assert_true(facts.has_secauth);
}

static void
a_quorum_device_is_seen(void **state)
{
	(void)state;
	assert_int_equal(parse("quorum {\ndevice {\nmodel: net\n}\nwait_for_all: 0\n}\n"), 0);
	assert_true(facts.has_qdevice);
	assert_true(facts.wait_for_all.is_known);
	/* A section of that name elsewhere is none. */
	assert_int_equal(parse("device {\nmodel: net\n}\n"), 0);
	assert_false(facts.has_qdevice);
}

static void
what_is_wrong_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text, *reason;
		unsigned line;
	} rows[] = {
	    {"totem {\n", "not closed", 2},
	    {"totem {\ntoken: 500", "not closed", 3},
	    {"totem {\n}\n}\n", "closes no section", 3},
	    {"totem {\n\n# x\ntoken 500\n}\n", "neither opens", 4},
	    {"totem {\ntoken: 500ms\n}\n", "not a number", 2},
	    {"totem {\ntoken: -1\n}\n", "not a number", 2},
	    {"totem {\ntoken:\n}\n", "not a number", 2},
	    {"totem {\ntoken: 1234567890\n}\n", "not a number", 2},
	    {"{\n}\n", "no name", 1},
	    {"totem {\n: 5\n}\n", "no key", 2},
	    {"a {\na {\na {\na {\na {\na {\na {\na {\na {\n", "too deep", 9},
	    {"totem {\ntransport: 12345678901234567890123456789012\n}\n", "too long", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].text), rows[i].line);
		assert_non_null(strstr(reason, rows[i].reason));
		assert_false(facts.is_known);
		assert_false(facts.token_ms.is_known);
	}
}

static void
a_line_has_at_most_510_bytes(void **state)
{
	char text[COROSYNC_LINE_MAX + 3];

	(void)state;
	memset(text, ' ', sizeof(text));
	text[0] = '#';
	text[COROSYNC_LINE_MAX] = '\n';
	text[COROSYNC_LINE_MAX + 1] = '\0';
	assert_int_equal(parse(text), 0);
	text[COROSYNC_LINE_MAX] = ' ';
	text[COROSYNC_LINE_MAX + 1] = '\n';
	text[COROSYNC_LINE_MAX + 2] = '\0';
	assert_int_equal(parse(text), 1);
	assert_int_equal(corosync_conf_parse(slice_from("#\0", 2), &facts, &reason), 1);
}

static void
nodes_are_bounded(void **state)
{
	struct buffer text = {0};

	(void)state;
	buffer_printf(&text, "nodelist {\n");
	for (int i = 0; i <= COROSYNC_NODES_MAX; i++)
		buffer_printf(&text, "node {\nring7_addr: a\nring8_addr: b\n}\n");
	assert_int_equal(
	    corosync_conf_parse(buffer_slice(&text), &facts, &reason), 2 + 4 * COROSYNC_NODES_MAX);
	buffer_close(&text);
}

static struct drbd_facts
drbd(const char *text)
{
	struct drbd_facts found = {0};

	drbd_conf_read(slice_of(text), &found);
	return found;
}

static void
drbd_files_are_searched(void **state)
{
	struct drbd_facts found =
	    drbd("# resource no { fencing no; }\ncommon { net { fencing resource-and-stonith; }\n"
		 "handlers { fence-peer \"/usr/lib/gemel/fence-peer --x\"; } }\n"
		 "resource mail{on hq-1 { resource 3; } }resource \"b\" {}\n");

	(void)state;
	assert_int_equal(found.resource_count, 2);
	assert_string_equal(found.fencing, "resource-and-stonith");
	assert_string_equal(found.handler, "/usr/lib/gemel/fence-peer --x");
	assert_int_equal(drbd("").resource_count, 0);
	assert_int_equal(drbd("resource").resource_count, 1);
	assert_string_equal(drbd("fence-peer \"unclosed").handler, "unclosed");
	assert_string_equal(drbd("fencing").fencing, "");
}

/* Whichever of two files is read first. */
static void
the_worse_of_two_values_stays(void **state)
{
	const char *good = "fencing resource-and-stonith; fence-peer gemel-fence;";
	const char *bad = "fencing resource-only; fence-peer /usr/lib/drbd/other;";
	struct drbd_facts found = {0};

	(void)state;
	drbd_conf_read(slice_of(good), &found);
	drbd_conf_read(slice_of(bad), &found);
	drbd_conf_read(slice_of(good), &found);
	assert_string_equal(found.fencing, "resource-only");
	assert_string_equal(found.handler, "/usr/lib/drbd/other");
}

static void
our_handler_is_known(void **state)
{
	(void)state;
	assert_true(drbd_is_our_handler("/usr/lib/gemel/fence-peer"));
	assert_true(drbd_is_our_handler(" /opt/gemel-fence /usr/lib/other"));
	assert_false(drbd_is_our_handler("/usr/lib/other /usr/lib/gemel/fence-peer"));
	assert_false(drbd_is_our_handler(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_file_is_read),
	    cmocka_unit_test(the_last_of_a_key_counts),
	    cmocka_unit_test(a_quorum_device_is_seen),
	    cmocka_unit_test(what_is_wrong_is_named_with_its_line),
	    cmocka_unit_test(a_line_has_at_most_510_bytes),
	    cmocka_unit_test(nodes_are_bounded),
	    cmocka_unit_test(drbd_files_are_searched),
	    cmocka_unit_test(the_worse_of_two_values_stays),
	    cmocka_unit_test(our_handler_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
