/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gemel-facts -- gemel.conf's values, as the doctor asks for them.
 *
 * The only place that knows how the keys of common/config.h are called: a key that the doctor
 * should judge is copied here. What has no key yet stays unknown, and is not judged.
 */
#ifndef GEMEL_COMMON_DOCTOR_GEMEL_FACTS_H
#define GEMEL_COMMON_DOCTOR_GEMEL_FACTS_H

#include "common/config.h"
#include "common/doctor/facts.h"
#include "common/doctor/findings.h"

/* Fill in what the configuration says; leaves the key file alone. own_node: as this node calls
 * itself, for its own address on each line; when pair { nodes } does not name it, the lines stay
 * unknown. A line that can't be read becomes a finding. */
void gemel_facts_from(const struct config *config, const char *own_node, struct gemel_facts *facts,
    struct findings *out);

#endif
