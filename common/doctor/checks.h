/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checks -- is a pair configured so that it fails over, quickly and without loss?
 *
 * Pure: facts in, findings out. What is unknown is not judged; where that leaves a gap the
 * operator hears of it in a note. Values that were not given count as the engine's defaults
 * (corosync.conf(5), pacemaker-controld(7), pacemaker-schedulerd(7)).
 *
 * Here and not in cli/, because the resource agents ask the same of a node's own files
 * (validate-all, OCF_CHECK_LEVEL 10), and because the agent may.
 */
#ifndef GEMEL_COMMON_DOCTOR_CHECKS_H
#define GEMEL_COMMON_DOCTOR_CHECKS_H

#include "common/doctor/facts.h"
#include "common/doctor/findings.h"

/* Below it Corosync held healthy, busy nodes for dead in our trials; at the next no more. */
#define TOKEN_UNSAFE_MS 400
#define TOKEN_SHORT_MS 500
/* Above it a takeover can't be over within two seconds. */
#define TOKEN_LONG_MS 1500
/* Corosync's join time-out, which the consensus must not be below. */
#define CONSENSUS_SHORT_MS 50

#define LEASE_BEATS 3
#define LEASE_LONG_MS 10000
/* A watchdog counts whole seconds. */
#define POISON_MARGIN_MS 1000

#define TRANSITION_DELAY_MIN_MS 20
#define TRANSITION_DELAY_MAX_MS 50

/* All of the checks below; findings are appended in their order. */
void doctor_check(const struct facts *facts, struct findings *out);

/* Corosync's timing, votes, links and encryption. */
void check_corosync(const struct facts *facts, struct findings *out);
/* gemel.conf, the key of the heartbeat, and their arithmetic with corosync.conf. */
void check_gemel(const struct facts *facts, struct findings *out);
void check_drbd(const struct facts *facts, struct findings *out);
/* Fence devices, and whether anything can prove that a node without power has ended. */
void check_fencing(const struct facts *facts, struct findings *out);
/* The cluster's properties. */
void check_properties(const struct facts *facts, struct findings *out);
/* Our resources: roles, operations, orders, places. */
void check_resources(const struct facts *facts, struct findings *out);
void check_constraints(const struct facts *facts, struct findings *out);
/* Are the files here those of the peer? */
void check_files(const struct facts *facts, struct findings *out);

/* From a node's silence to the membership without it, by the file; 0: unknown. */
int64_t corosync_detection_ms(const struct corosync_facts *corosync);

/* A resource of ours that runs the agent ("sharedstore"), the first one from *at on, which is
 * moved behind it; NULL: no more. Borrows. */
const struct cib_primitive *
cib_find_agent(const struct cib_facts *cib, const char *agent, size_t *at);

#endif
