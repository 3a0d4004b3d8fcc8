/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/checks.h"

#include <inttypes.h>
#include <string.h>

/* How Pacemaker fences. */
static void
check_stonith(const struct cib_facts *cib, struct findings *out)
{
	if (!fact_or(cib->stonith_enabled, 1))
		finding_add(out, FINDING_STONITH_OFF,
		    "cluster: stonith-enabled is false, so two nodes that do not see each other "
		    "both write to the storage; make fence devices and set it to true");
	if (fact_or(cib->stonith_max_attempts, 10) < SCORE_INFINITY)
		finding_add(out, FINDING_FENCE_ATTEMPTS,
		    "cluster: stonith-max-attempts is %" PRId64
		    ", and Pacemaker uses up ten in ten "
		    "seconds and then gives up on the takeover; set it to INFINITY",
		    fact_or(cib->stonith_max_attempts, 10));
	if (fact_or(cib->priority_fencing_delay_ms, 0) != 0)
		finding_add(out, FINDING_FENCE_DELAY,
		    "cluster: priority-fencing-delay is %" PRId64 " ms, and every takeover from a "
		    "dead active node waits for it, too; remove it",
		    cib->priority_fencing_delay_ms.value);
}

static void
check_speed(const struct cib_facts *cib, struct findings *out)
{
	int64_t delay = fact_or(cib->transition_delay_ms, 0);
	int64_t load = fact_or(cib->load_threshold_percent, 80);

	if (delay < TRANSITION_DELAY_MIN_MS || delay > TRANSITION_DELAY_MAX_MS)
		finding_add(out, FINDING_TRANSITION_DELAY,
		    "cluster: transition-delay is %" PRId64 " ms; below %d ms Pacemaker often "
		    "sleeps a second in the middle of a takeover, above %d ms each step waits for "
		    "nothing; set it to 50ms (pcs needs --force)",
		    delay, TRANSITION_DELAY_MIN_MS, TRANSITION_DELAY_MAX_MS);
	if (load != 0)
		finding_add(out, FINDING_LOAD_THRESHOLD,
		    "cluster: load-threshold is %" PRId64
		    "%%, and on a busy node, as a mail server "
		    "is when it fails, Pacemaker takes one step at a time; set it to 0%%, which is "
		    "never",
		    load);
	if (fact_or(cib->record_pending, 1))
		finding_add(out, FINDING_RECORD_PENDING,
		    "cluster: record-pending is true, so each step of a takeover is written down "
		    "twice, which costs a tenth of a planned move; set it to false in the "
		    "operation "
		    "defaults");
}

static void
check_quorum(const struct cib_facts *cib, struct findings *out)
{
	const char *policy = cib->no_quorum_policy;

	if (strcmp(policy, "ignore") == 0)
		finding_add(out, FINDING_QUORUM_IGNORED,
		    "cluster: no-quorum-policy is ignore, so a node that boots alone takes over "
		    "without having seen the other; set it to stop");
	else if (*policy && strcmp(policy, "stop") != 0 && strcmp(policy, "demote") != 0)
		finding_add(out, FINDING_QUORUM_POLICY,
		    "cluster: no-quorum-policy is %s, and with two nodes it is fencing, not the "
		    "count of votes, that decides; set it to stop",
		    policy);
}

void
check_properties(const struct facts *facts, struct findings *out)
{
	const struct cib_facts *cib = &facts->cib;

	if (!cib->is_known)
		return;
	check_stonith(cib, out);
	check_speed(cib, out);
	check_quorum(cib, out);
	if (fact_or(cib->maintenance_mode, 0))
		finding_add(out, FINDING_MAINTENANCE,
		    "cluster: maintenance-mode is on, so nothing is watched and nothing is taken "
		    "over; set it to false when the work is done");
}
