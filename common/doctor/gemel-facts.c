/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/gemel-facts.h"

void
gemel_facts_from(const struct config *config, struct gemel_facts *facts)
{
	facts->is_known = true;
	facts->require_mount = fact_of(config->require_mount);
}
