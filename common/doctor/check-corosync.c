/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/checks.h"

#include <inttypes.h>
#include <string.h>

#define FILE_NAME "corosync.conf"

static int64_t
token_ms(const struct corosync_facts *corosync)
{
	int64_t token = fact_or(corosync->token_ms, 3000);

	if (corosync->node_count > 2)
		token += (int64_t)(corosync->node_count - 2) *
			 fact_or(corosync->token_coefficient_ms, 650);
	return token;
}

static int64_t
consensus_ms(const struct corosync_facts *corosync)
{
	return fact_or(corosync->consensus_ms, token_ms(corosync) * 6 / 5);
}

int64_t
corosync_detection_ms(const struct corosync_facts *corosync)
{
	return corosync->is_known ? token_ms(corosync) + consensus_ms(corosync) : 0;
}

static void
check_timing(const struct corosync_facts *corosync, struct findings *out)
{
	int64_t token = token_ms(corosync), consensus = consensus_ms(corosync);

	if (token < TOKEN_UNSAFE_MS)
		finding_add(out, FINDING_TOKEN_UNSAFE,
		    FILE_NAME ": the token is %" PRId64 " ms, and below %d ms busy nodes that are "
			      "healthy fence each other; set \"token: 500\"",
		    token, TOKEN_UNSAFE_MS);
	else if (token < TOKEN_SHORT_MS)
		finding_add(out, FINDING_TOKEN_SHORT,
		    FILE_NAME ": the token is %" PRId64 " ms, and below %d ms a busy node can be "
			      "taken for dead; set \"token: 500\"",
		    token, TOKEN_SHORT_MS);
	else if (token > TOKEN_LONG_MS)
		finding_add(out, FINDING_TOKEN_LONG,
		    FILE_NAME ": the token is %" PRId64 " ms, so that a node's death is noticed "
			      "only after %" PRId64 " ms and a takeover takes more than two "
			      "seconds; set \"token: 500\" and \"consensus: 100\"",
		    token, token + consensus);
	if (consensus < CONSENSUS_SHORT_MS)
		finding_add(out, FINDING_CONSENSUS_SHORT,
		    FILE_NAME ": the consensus is %" PRId64 " ms, less than the join time-out of "
			      "%d ms, and Corosync refuses that; set \"consensus: 100\"",
		    consensus, CONSENSUS_SHORT_MS);
	else if (consensus > token && corosync->node_count <= 2)
		finding_add(out, FINDING_CONSENSUS_LONG,
		    FILE_NAME ": the consensus is %" PRId64 " ms, longer than the token of %" PRId64
			      " ms, and two nodes wait for it in vain at each takeover; set "
			      "\"consensus: 100\"",
		    consensus, token);
}

static void
check_running(const char *name, int64_t in_file, struct fact running, struct findings *out)
{
	if (running.is_known && running.value != in_file)
		finding_add(out, FINDING_COROSYNC_DIFFERS,
		    FILE_NAME ": the %s is %" PRId64 " ms in the file and %" PRId64 " ms in the "
			      "Corosync that runs; load the file with corosync-cfgtool -R",
		    name, in_file, running.value);
}

static void
check_votes(const struct corosync_facts *corosync, struct findings *out)
{
	bool two_node = fact_or(corosync->two_node, 0) == 1;

	if (corosync->node_count != 2)
		finding_add(out, FINDING_NODES_NOT_TWO,
		    FILE_NAME ": the nodelist names %zu, and a pair has two nodes; list both, and "
			      "no other",
		    corosync->node_count);
	if (corosync->has_qdevice && two_node)
		finding_add(out, FINDING_TWO_NODE_WITH_DEVICE,
		    FILE_NAME ": two_node and a quorum device exclude each other, and Corosync "
			      "refuses both; remove one of them");
	else if (!corosync->has_qdevice && !two_node)
		finding_add(out, FINDING_TWO_NODE_OFF,
		    FILE_NAME ": two_node is not set, so a node that is left alone has no quorum "
			      "and takes nothing over; set \"two_node: 1\" in the section quorum");
	if (corosync->has_qdevice)
		finding_add(out, FINDING_QUORUM_DEVICE_SLOW,
		    FILE_NAME
		    ": a quorum device adds 8 to 30 seconds to a takeover, until it gives "
		    "up on the dead node; use a witness in gemel.conf instead");
	/* Without votes of either kind there is nothing to wait for. */
	if ((two_node || corosync->has_qdevice) && fact_or(corosync->wait_for_all, two_node) == 0)
		finding_add(out, FINDING_WAIT_FOR_ALL_OFF,
		    FILE_NAME ": wait_for_all is off, so a node that boots and does not see the "
			      "other fences it, and so in turn; set \"wait_for_all: 1\" in the "
			      "section quorum");
}

static unsigned
links_of(const struct corosync_node *node)
{
	unsigned links = 0;

	for (unsigned i = 0; i < COROSYNC_LINKS_MAX; i++)
		links |= (unsigned)(node->addresses[i][0] != '\0') << i;
	return links;
}

static void
check_links(const struct corosync_facts *corosync, struct findings *out)
{
	unsigned links = corosync->node_count ? links_of(&corosync->nodes[0]) : 0;

	for (size_t i = 1; i < corosync->node_count; i++)
		if (links_of(&corosync->nodes[i]) != links) {
			finding_add(out, FINDING_RINGS_DIFFER,
			    FILE_NAME ": %s and %s do not have the same rings; give each node an "
				      "address for every ring (ring0_addr, ring1_addr)",
			    corosync->nodes[0].name, corosync->nodes[i].name);
			return;
		}
	if (!corosync->node_count)
		return;
	/* A single bit or none. */
	if ((links & (links - 1)) == 0)
		finding_add(out, FINDING_ONE_RING,
		    FILE_NAME
		    ": there is only one ring, and if that cable breaks a healthy node is "
		    "fenced; give each node a ring1_addr on another cable");
	else if (strcmp(corosync->link_mode, "active") != 0)
		finding_add(out, FINDING_LINK_MODE_NOT_ACTIVE,
		    FILE_NAME ": link_mode is %s, and the loss of the ring in use is noticed later "
			      "than the token, so a healthy node is fenced; set \"link_mode: "
			      "active\"",
		    corosync->link_mode[0] ? corosync->link_mode : "passive");
}

static void
check_crypto(const struct corosync_facts *corosync, struct findings *out)
{
	const char *none = corosync->has_secauth ? "" : "none";
	const char *cipher = corosync->cipher[0] ? corosync->cipher : none;
	const char *hash = corosync->hash[0] ? corosync->hash : none;

	if (corosync->transport[0] && strcmp(corosync->transport, "knet") != 0)
		finding_add(out, FINDING_TRANSPORT_NOT_KNET,
		    FILE_NAME ": the transport is %s, which has neither a second ring nor "
			      "encryption; set \"transport: knet\"",
		    corosync->transport);
	else if (strcmp(hash, "none") == 0 || strcmp(cipher, "none") == 0)
		finding_add(out, FINDING_CRYPTO_OFF,
		    FILE_NAME ": crypto_cipher is %s and crypto_hash is %s, so whoever reaches a "
			      "ring can read it or end the cluster; set aes256 and sha256, and "
			      "make a key with corosync-keygen",
		    *cipher ? cipher : "aes256", *hash ? hash : "sha256");
}

void
check_corosync(const struct facts *facts, struct findings *out)
{
	const struct corosync_facts *corosync = &facts->corosync;

	if (!corosync->is_known)
		return;
	check_timing(corosync, out);
	check_running("token", token_ms(corosync), corosync->running_token_ms, out);
	check_running("consensus", consensus_ms(corosync), corosync->running_consensus_ms, out);
	check_votes(corosync, out);
	check_links(corosync, out);
	check_crypto(corosync, out);
}
