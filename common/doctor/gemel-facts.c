/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/gemel-facts.h"

#include "common/line-spec.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* This node's number in the pair; LINE_NODES: it is none of the two. */
static size_t
find_number(const struct config_list *nodes, const char *own_node)
{
	size_t number = 0;

	while (number < LINE_NODES && number < nodes->count &&
	       strcmp(nodes->items[number], own_node) != 0)
		number++;
	return number < nodes->count ? number : LINE_NODES;
}

/* As Corosync's file has it, but for the spelling of IPv6; "": a line without addresses. */
static void
write_address(const struct line_spec *spec, size_t number, char out[FACT_NAME_MAX])
{
	const struct sockaddr_storage *address = &spec->nodes[number].address;
	const void *bytes = &((const struct sockaddr_in *)address)->sin_addr;

	out[0] = '\0';
	if (spec->kind != LINE_UDP)
		return;
	if (address->ss_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
	inet_ntop(address->ss_family, bytes, out, FACT_NAME_MAX);
}

static void
take_lines(
    const struct config_list *lines, size_t number, struct gemel_facts *facts, struct findings *out)
{
	facts->lines_are_known = number < LINE_NODES && lines->count <= LINES_MAX;
	for (size_t i = 0; i < lines->count; i++) {
		struct line_spec spec;
		const char *reason = line_spec_parse(slice_of(lines->items[i]), &spec);

		if (reason) {
			facts->lines_are_known = false;
			finding_add(out, FINDING_GEMEL_WRONG,
			    "gemel.conf: pair { lines }: \"%.128s\": %s", lines->items[i], reason);
		} else if (facts->lines_are_known) {
			write_address(&spec, number, facts->lines[facts->line_count++]);
		}
	}
}

void
gemel_facts_from(const struct config *config, const char *own_node, struct gemel_facts *facts,
    struct findings *out)
{
	facts->is_known = true;
	facts->require_mount = fact_of(config->require_mount);
	facts->standalone = fact_of(config->standalone);
	facts->is_paired = fact_of(config->pair_nodes.count > 0);
	/* What follows is the agent's, which does nothing for a node without a peer. */
	if (!config->pair_nodes.count)
		return;
	facts->beat_ms = fact_of((int64_t)config->agent_beat_ms);
	facts->lease_ms = fact_of((int64_t)config->agent_lease_ms);
	if (*config->agent_watchdog)
		facts->watchdog_timeout_ms =
		    fact_of((int64_t)config->agent_watchdog_timeout_s * 1000);
	facts->has_reservations = fact_of(config->pair_reservations.count > 0);
	take_lines(&config->pair_lines, find_number(&config->pair_nodes, own_node), facts, out);
}
