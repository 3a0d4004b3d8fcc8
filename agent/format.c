/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/format.h"

#include "agent/own.h"
#include "common/line-spec.h"
#include "heartbeat/disk-partition.h"

#include <stdio.h>
#include <stdlib.h>

static bool
format_one(const struct config *config, const char *text, bool is_forced, unsigned *count)
{
	char why[DISK_PARTITION_WHY_BYTES];
	struct line_spec spec;
	const char *fault = line_spec_parse(slice_of(text), &spec);

	if (fault) {
		fprintf(stderr, "gemel-agentd: pair { lines }: \"%s\": %s\n", text, fault);
		return false;
	}
	if (spec.kind != LINE_DISK)
		return true;
	++*count;
	if (disk_partition_format(spec.path, own_pair_number(config), is_forced, why) != 0) {
		fprintf(stderr, "gemel-agentd: %s: %s\n", spec.path, why);
		return false;
	}
	printf("%s: ready for %s and %s\n", spec.path, config->pair_nodes.items[0],
	    config->pair_nodes.items[1]);
	return true;
}

int
format_partitions(const struct config *config, bool is_forced)
{
	bool is_done = true;
	unsigned count = 0;

	if (config->pair_nodes.count != 2) {
		fprintf(stderr,
		    "gemel-agentd: pair { nodes } does not name the two nodes, for whom "
		    "the partition is\n");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < config->pair_lines.count; i++)
		is_done =
		    format_one(config, config->pair_lines.items[i], is_forced, &count) && is_done;
	if (is_done && count == 0)
		fprintf(stderr, "gemel-agentd: pair { lines } has no line \"disk PARTITION\"\n");
	return is_done && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
