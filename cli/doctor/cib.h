/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cib -- the cluster's configuration and the agents' meta-data, by libxml2, as facts.
 *
 * Reads texts; who gets them is elsewhere. Both are bounded, nothing is fetched, and a text that
 * declares an entity is refused. Read of the CIB: what facts.h has a place for. Not read:
 * templates, references (id-ref), rules (an attribute with a rule counts as if it always
 * held), and constraints made of sets, of which it is only said that they are there.
 */
#ifndef GEMEL_CLI_DOCTOR_CIB_H
#define GEMEL_CLI_DOCTOR_CIB_H

#include "common/doctor/facts.h"
#include "common/slice.h"

#define CIB_BYTES_MAX (8 * 1024 * 1024)

/* Read what cibadmin --query prints. Returns 0 with *cib_r known; or -EINVAL: it is no CIB; -E2BIG:
 * it has more than facts.h has places for (then nothing is known). */
int cib_read(struct slice text, struct cib_facts *cib_r);

/* Append the time-outs that an agent's meta-data advises. 0 or -EINVAL, -E2BIG, nothing appended.
 */
int advised_read(struct slice text, const char *agent, struct facts *facts);

#endif
