/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/checks.h"

#include <string.h>

void
doctor_check(const struct facts *facts, struct findings *out)
{
	check_corosync(facts, out);
	check_gemel(facts, out);
	check_drbd(facts, out);
	check_properties(facts, out);
	check_fencing(facts, out);
	check_resources(facts, out);
	check_constraints(facts, out);
	check_files(facts, out);
}

const struct cib_primitive *
cib_find_agent(const struct cib_facts *cib, const char *agent, size_t *at)
{
	while (*at < cib->primitive_count) {
		const struct cib_primitive *one = &cib->primitives[(*at)++];

		if (strcmp(one->class, "ocf") == 0 && strcmp(one->provider, "gemel") == 0 &&
		    strcmp(one->agent, agent) == 0)
			return one;
	}
	return NULL;
}
