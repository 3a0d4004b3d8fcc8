/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/good-pair.h"

#include <stdlib.h>
#include <string.h>

/* A way to spoil the pair; f is its facts. */
#define SPOIL(name, ...)                  \
	static void name(struct facts *f) \
	{                                 \
		__VA_ARGS__;              \
	}
#define FOUND(name, id, count)                         \
	{                                              \
#name, name, FINDING_##id, true, count \
	}
#define NOT_FOUND(name, id, count)                      \
	{                                               \
#name, name, FINDING_##id, false, count \
	}
#define CHECK(rows) check_spoiled(rows, sizeof(rows) / sizeof((rows)[0]))

SPOIL(nothing, (void)f)

SPOIL(token_399, f->corosync.token_ms = f->corosync.running_token_ms = fact_of(399))
SPOIL(token_400, f->corosync.token_ms = f->corosync.running_token_ms = fact_of(400))
SPOIL(token_499, f->corosync.token_ms = f->corosync.running_token_ms = fact_of(499))
SPOIL(token_1500, f->corosync.token_ms = f->corosync.running_token_ms = fact_of(1500))
SPOIL(token_1501, f->corosync.token_ms = f->corosync.running_token_ms = fact_of(1501))
SPOIL(token_standard, f->corosync.token_ms = f->corosync.running_token_ms = (struct fact){0})
SPOIL(consensus_49, f->corosync.consensus_ms = f->corosync.running_consensus_ms = fact_of(49))
SPOIL(consensus_50, f->corosync.consensus_ms = f->corosync.running_consensus_ms = fact_of(50);
      f->gemel.lease_ms = fact_of(550))
SPOIL(consensus_500, f->corosync.consensus_ms = f->corosync.running_consensus_ms = fact_of(500))
SPOIL(consensus_501, f->corosync.consensus_ms = f->corosync.running_consensus_ms = fact_of(501))
SPOIL(consensus_standard,
    f->corosync.consensus_ms = f->corosync.running_consensus_ms = (struct fact){0})
SPOIL(running_token, f->corosync.running_token_ms = fact_of(501))
SPOIL(running_consensus, f->corosync.running_consensus_ms = fact_of(101))

static void
corosync_times_are_judged(void **state)
{
	static const struct spoiled rows[] = {
	    FOUND(token_399, TOKEN_UNSAFE, 2), /* and the lease lasts longer than detection */
	    FOUND(token_400, TOKEN_SHORT, 2),
	    FOUND(token_499, TOKEN_SHORT, 2),
	    NOT_FOUND(token_499, TOKEN_UNSAFE, 2),
	    NOT_FOUND(token_1500, TOKEN_LONG, 0),
	    FOUND(token_1501, TOKEN_LONG, 1),
	    FOUND(token_standard, TOKEN_LONG, 1),
	    FOUND(consensus_49, CONSENSUS_SHORT, 2),
	    NOT_FOUND(consensus_50, CONSENSUS_SHORT, 0),
	    NOT_FOUND(consensus_500, CONSENSUS_LONG, 0),
	    FOUND(consensus_501, CONSENSUS_LONG, 1),
	    FOUND(consensus_standard, CONSENSUS_LONG, 1),
	    FOUND(running_token, COROSYNC_DIFFERS, 1),
	    FOUND(running_consensus, COROSYNC_DIFFERS, 1),
	};

	(void)state;
	CHECK(rows);
}

SPOIL(one_node, f->corosync.node_count = 1)
SPOIL(three_nodes, f->corosync.node_count = 3; f->corosync.nodes[2] = f->corosync.nodes[1];
      f->corosync.running_token_ms = fact_of(1150))
SPOIL(two_node_off, f->corosync.two_node = fact_of(0))
SPOIL(device_too, f->corosync.has_qdevice = true)
SPOIL(device, f->corosync.has_qdevice = true; f->corosync.two_node = fact_of(0);
      f->corosync.wait_for_all = fact_of(1))
SPOIL(device_no_wait, f->corosync.has_qdevice = true; f->corosync.two_node = fact_of(0))
SPOIL(no_wait, f->corosync.wait_for_all = fact_of(0))
SPOIL(one_ring, f->corosync.nodes[0].addresses[1][0] = f->corosync.nodes[1].addresses[1][0] = '\0')
SPOIL(ring_missing, f->corosync.nodes[1].addresses[1][0] = '\0')
SPOIL(udpu, strcpy(f->corosync.transport, "udpu"))
SPOIL(transport_standard, f->corosync.transport[0] = '\0')
SPOIL(passive, strcpy(f->corosync.link_mode, "passive"))
SPOIL(link_mode_standard, f->corosync.link_mode[0] = '\0')
SPOIL(no_cipher, strcpy(f->corosync.cipher, "none"))
SPOIL(no_hash, strcpy(f->corosync.hash, "none"))
SPOIL(crypto_standard, f->corosync.cipher[0] = f->corosync.hash[0] = '\0')
SPOIL(secauth, f->corosync.cipher[0] = f->corosync.hash[0] = '\0'; f->corosync.has_secauth = true)
SPOIL(secauth_and_none, f->corosync.hash[0] = '\0'; f->corosync.has_secauth = true;
      strcpy(f->corosync.cipher, "none"))

static void
corosync_votes_rings_and_crypto_are_judged(void **state)
{
	static const struct spoiled rows[] = {
	    FOUND(one_node, NODES_NOT_TWO, 1),
	    FOUND(three_nodes, NODES_NOT_TWO, 1),
	    FOUND(two_node_off, TWO_NODE_OFF, 1),
	    FOUND(device_too, TWO_NODE_WITH_DEVICE, 2),
	    FOUND(device, QUORUM_DEVICE_SLOW, 1),
	    FOUND(device_no_wait, WAIT_FOR_ALL_OFF, 2),
	    FOUND(no_wait, WAIT_FOR_ALL_OFF, 1),
	    FOUND(one_ring, ONE_RING, 1),
	    FOUND(ring_missing, RINGS_DIFFER, 1),
	    FOUND(udpu, TRANSPORT_NOT_KNET, 1),
	    NOT_FOUND(transport_standard, TRANSPORT_NOT_KNET, 0),
	    FOUND(passive, LINK_MODE_NOT_ACTIVE, 1),
	    FOUND(link_mode_standard, LINK_MODE_NOT_ACTIVE, 1),
	    FOUND(no_cipher, CRYPTO_OFF, 1),
	    FOUND(no_hash, CRYPTO_OFF, 1),
	    FOUND(crypto_standard, CRYPTO_OFF, 1),
	    NOT_FOUND(secauth, CRYPTO_OFF, 0),
	    FOUND(secauth_and_none, CRYPTO_OFF, 1),
	};

	(void)state;
	CHECK(rows);
}

SPOIL(standalone, f->gemel.standalone = fact_of(1))
SPOIL(no_mount, f->gemel.require_mount = fact_of(0))
SPOIL(alone, f->gemel.require_mount = fact_of(0); f->gemel.standalone = fact_of(1);
      f->corosync = (struct corosync_facts){0}; f->cib = (struct cib_facts){0})
SPOIL(lease_299, f->gemel.lease_ms = fact_of(299))
SPOIL(lease_300, f->gemel.lease_ms = fact_of(300))
SPOIL(lease_601, f->gemel.lease_ms = fact_of(601))
SPOIL(lease_10000, f->gemel.lease_ms = fact_of(10000))
SPOIL(lease_10001, f->gemel.lease_ms = fact_of(10001))
SPOIL(poison_early, f->gemel.poison_wait_ms.value--)
SPOIL(poison_without_watchdog, f->gemel.watchdog_timeout_ms = (struct fact){0})
SPOIL(no_poison, f->gemel.poison_wait_ms = (struct fact){0};
      f->gemel.watchdog_timeout_ms = (struct fact){0})
SPOIL(no_line, f->gemel.line_count = 0)
SPOIL(line_on_ring, f->gemel.line_count = 1; strcpy(f->gemel.lines[0], "10.0.1.1"))
SPOIL(one_line_on_ring, strcpy(f->gemel.lines[0], "10.0.1.1"))
SPOIL(lines_unknown, f->gemel.lines_are_known = false; f->gemel.line_count = 0)
SPOIL(no_keys, f->gemel.key_file = KEY_FILE_ABSENT)
SPOIL(no_keys_no_line, f->gemel.key_file = KEY_FILE_ABSENT; f->gemel.line_count = 0)
SPOIL(open_keys, f->gemel.key_file = KEY_FILE_OPEN)
SPOIL(no_witness, f->gemel.has_witness = fact_of(0))

static void
gemel_conf_is_judged(void **state)
{
	static const struct spoiled rows[] = {
	    FOUND(standalone, STANDALONE_PAIR, 1),
	    FOUND(no_mount, MOUNT_NOT_REQUIRED, 1),
	    NOT_FOUND(alone, MOUNT_NOT_REQUIRED, 0),
	    FOUND(lease_299, LEASE_SHORT, 1),
	    NOT_FOUND(lease_300, LEASE_SHORT, 0),
	    FOUND(lease_601, LEASE_AFTER_DETECTION, 1),
	    NOT_FOUND(lease_10000, LEASE_LONG, 1),
	    FOUND(lease_10001, LEASE_LONG, 1),
	    FOUND(poison_early, POISON_EARLY, 1),
	    FOUND(poison_without_watchdog, POISON_EARLY, 1),
	    NOT_FOUND(no_poison, POISON_EARLY, 0),
	    FOUND(no_line, LINE_NONE, 1),
	    FOUND(line_on_ring, LINE_SHARED, 1),
	    NOT_FOUND(one_line_on_ring, LINE_SHARED, 0),
	    NOT_FOUND(lines_unknown, LINE_NONE, 0),
	    FOUND(no_keys, KEY_FILE_MISSING, 1),
	    NOT_FOUND(no_keys_no_line, KEY_FILE_MISSING, 1),
	    FOUND(open_keys, KEY_FILE_OPEN, 1),
	    FOUND(no_witness, WITNESS_NONE, 1),
	};

	(void)state;
	CHECK(rows);
}

static void
use_drbd(struct facts *f)
{
	f->drbd.resource_count = 1;
	strcpy(f->drbd.fencing, "resource-and-stonith");
	strcpy(f->drbd.handler, "/usr/lib/gemel/fence-peer");
}

SPOIL(drbd, use_drbd(f))
SPOIL(drbd_fencing_off, use_drbd(f); f->drbd.fencing[0] = '\0')
SPOIL(drbd_fencing_less, use_drbd(f); strcpy(f->drbd.fencing, "resource-only"))
SPOIL(drbd_no_handler, use_drbd(f); f->drbd.handler[0] = '\0')
SPOIL(drbd_other_handler, use_drbd(f); strcpy(f->drbd.handler, "/usr/lib/drbd/crm-fence-peer.9.sh"))
SPOIL(drbd_no_witness, use_drbd(f); f->gemel.has_witness = fact_of(0))
SPOIL(drbd_not_used, strcpy(f->drbd.fencing, "dont-care"))

static void
drbd_is_judged_where_it_is_used(void **state)
{
	static const struct spoiled rows[] = {
	    NOT_FOUND(drbd, DRBD_FENCING, 0),
	    FOUND(drbd_fencing_off, DRBD_FENCING, 1),
	    FOUND(drbd_fencing_less, DRBD_FENCING, 1),
	    FOUND(drbd_no_handler, DRBD_HANDLER, 1),
	    FOUND(drbd_other_handler, DRBD_HANDLER, 1),
	    FOUND(drbd_no_witness, DRBD_WITHOUT_WITNESS, 1),
	    NOT_FOUND(drbd_not_used, DRBD_FENCING, 0),
	};

	(void)state;
	CHECK(rows);
}

SPOIL(other_file, strcpy(f->cib.published[1].hex, "ab"))
SPOIL(own_is_published, strcpy(f->cib.published[0].hex, "ab"))
SPOIL(not_published, f->cib.published_count = 2)
SPOIL(missing_here, f->files[1].hex[0] = '\0')
SPOIL(missing_on_both, f->files[1].hex[0] = '\0'; f->cib.published_count = 2)
SPOIL(long_name, strcpy(f->own_node, "hq-1.example.org"))
SPOIL(long_name_other_file, strcpy(f->own_node, "hq-1.example.org");
      strcpy(f->cib.published[1].hex, "ab"))
SPOIL(elsewhere, strcpy(f->own_node, "hq-10"); strcpy(f->cib.published[0].hex, "ab"))

static void
the_files_of_both_nodes_are_compared(void **state)
{
	static const struct spoiled rows[] = {
	    FOUND(other_file, FILE_DIFFERS, 1),
	    NOT_FOUND(own_is_published, FILE_DIFFERS, 0),
	    FOUND(not_published, FILE_UNCOMPARED, 1),
	    FOUND(missing_here, FILE_DIFFERS, 1),
	    NOT_FOUND(missing_on_both, FILE_DIFFERS, 0),
	    NOT_FOUND(long_name, FILE_DIFFERS, 0),
	    FOUND(long_name_other_file, FILE_DIFFERS, 1),
	    NOT_FOUND(elsewhere, FILE_DIFFERS, 0),
	};

	(void)state;
	CHECK(rows);
}

static void
nothing_is_found_in_a_good_pair(void **state)
{
	static const struct spoiled rows[] = {NOT_FOUND(nothing, STONITH_OFF, 0)};

	(void)state;
	CHECK(rows);
}

SPOIL(know_nothing, memset(f, 0, sizeof(*f)))

static void
what_is_unknown_is_not_judged(void **state)
{
	static const struct spoiled rows[] = {NOT_FOUND(know_nothing, STONITH_OFF, 0)};

	(void)state;
	CHECK(rows);
}

static void
a_sentence_is_printable_and_fits(void **state)
{
	struct findings list = {0};
	char text[2 * FINDING_TEXT_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	finding_add(&list, FINDING_STONITH_OFF, "a\nb\x1b[1mc\xff%s", text);
	assert_int_equal(strlen(list.items[0].text), FINDING_TEXT_MAX - 1);
	assert_memory_equal(list.items[0].text, "a b [1mc?xx", 11);
	findings_close(&list);
}

static void
every_finding_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (enum finding_id i = 0; i < FINDING_COUNT; i++) {
		assert_non_null(finding_name(i));
		for (enum finding_id k = 0; k < i; k++)
			assert_string_not_equal(finding_name(i), finding_name(k));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_found_in_a_good_pair),
	    cmocka_unit_test(what_is_unknown_is_not_judged),
	    cmocka_unit_test(corosync_times_are_judged),
	    cmocka_unit_test(corosync_votes_rings_and_crypto_are_judged),
	    cmocka_unit_test(gemel_conf_is_judged),
	    cmocka_unit_test(drbd_is_judged_where_it_is_used),
	    cmocka_unit_test(the_files_of_both_nodes_are_compared),
	    cmocka_unit_test(a_sentence_is_printable_and_fits),
	    cmocka_unit_test(every_finding_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
