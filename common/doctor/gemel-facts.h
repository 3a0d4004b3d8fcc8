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

/* Fill in what the configuration says; leaves the key file alone. */
void gemel_facts_from(const struct config *config, struct gemel_facts *facts);

#endif
