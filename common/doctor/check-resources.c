/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/checks.h"

#include <inttypes.h>
#include <string.h>

/* Pacemaker's time-out of an operation that is given none. */
#define TIMEOUT_STANDARD_MS 20000

static const struct {
	const char *agent, *name;
	bool is_promotable;
} ours[] = {
    {"sharedstore", "gemel-store", true},
    {"mailcore", "gemel-core", true},
    {"floatip", "gemel-ip4", false},
};

#define OUR_COUNT (sizeof(ours) / sizeof(ours[0]))

static const char *
role_name(enum cib_role role)
{
	switch (role) {
	case CIB_ROLE_NONE:
		return "";
	case CIB_ROLE_UNPROMOTED:
		return " (Unpromoted)";
	case CIB_ROLE_PROMOTED:
		return " (Promoted)";
	}
	return "";
}

static bool
is_monitor(const struct cib_operation *operation)
{
	return strcmp(operation->name, "monitor") == 0 && fact_or(operation->interval_ms, 0) > 0;
}

/* Pacemaker knows a monitor by its interval. */
static void
check_intervals(const struct cib_primitive *one, struct findings *out)
{
	for (size_t i = 0; i < one->operation_count; i++)
		for (size_t k = i + 1; k < one->operation_count; k++) {
			const struct cib_operation *a = &one->operations[i],
						   *b = &one->operations[k];

			if (!is_monitor(a) || !is_monitor(b) ||
			    a->interval_ms.value != b->interval_ms.value)
				continue;
			finding_add(out, FINDING_MONITOR_SAME_INTERVAL,
			    "cluster: two monitors of %s have the interval of %" PRId64 " ms, and "
			    "Pacemaker keeps only one of them, so one role is not watched; give "
			    "each an interval of its own",
			    one->id, a->interval_ms.value);
			return;
		}
}

static bool
has_monitor(const struct cib_primitive *one, enum cib_role role)
{
	for (size_t i = 0; i < one->operation_count; i++)
		if (is_monitor(&one->operations[i]) &&
		    (one->operations[i].role == role ||
			(role == CIB_ROLE_UNPROMOTED && one->operations[i].role == CIB_ROLE_NONE)))
			return true;
	return false;
}

static void
check_monitors(const struct cib_primitive *one, bool is_promotable, struct findings *out)
{
	enum cib_role missing = CIB_ROLE_NONE;

	if (!has_monitor(one, CIB_ROLE_UNPROMOTED))
		missing = CIB_ROLE_UNPROMOTED;
	if (is_promotable && !has_monitor(one, CIB_ROLE_PROMOTED))
		missing = CIB_ROLE_PROMOTED;
	if (missing != CIB_ROLE_NONE)
		finding_add(out, FINDING_MONITOR_NONE,
		    "cluster: %s has no monitor%s, so its failure is noticed by nobody; add one",
		    one->id, is_promotable ? role_name(missing) : "");
	check_intervals(one, out);
}

/* What the agent advises for an operation; 0: nothing. */
static int64_t
advised_ms(const struct facts *facts, const char *agent, const struct cib_operation *operation)
{
	int64_t best_level = -1, timeout = 0;

	for (size_t i = 0; i < facts->advised_count; i++) {
		const struct advised_timeout *one = &facts->advised[i];

		/* The deepest that does not look deeper than the operation. */
		if (strcmp(one->agent, agent) != 0 || strcmp(one->name, operation->name) != 0 ||
		    (one->role != CIB_ROLE_NONE && one->role != operation->role) ||
		    one->level > operation->level || one->level <= best_level)
			continue;
		best_level = one->level;
		timeout = one->timeout_ms;
	}
	return timeout;
}

static void
check_timeout(const struct facts *facts, const struct cib_primitive *one,
    const struct cib_operation *operation, struct findings *out)
{
	int64_t standard = fact_or(facts->cib.default_timeout_ms, TIMEOUT_STANDARD_MS);
	int64_t given = fact_or(operation->timeout_ms, standard);
	int64_t advised = advised_ms(facts, one->agent, operation);

	if (given < advised)
		finding_add(out, FINDING_TIMEOUT_SHORT,
		    "cluster: the time-out of %s's %s%s is %" PRId64 " ms, and its agent asks for "
		    "%" PRId64 " ms, so work that goes well is taken for a failure; raise it",
		    one->id, operation->name, role_name(operation->role), given, advised);
}

static void
check_timeouts(const struct facts *facts, const struct cib_primitive *one, struct findings *out)
{
	static const char *const steps[] = {"start", "stop", "promote", "demote"};

	for (size_t i = 0; i < one->operation_count; i++)
		check_timeout(facts, one, &one->operations[i], out);
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		struct cib_operation absent = {0};
		bool is_given = false;

		for (size_t i = 0; i < one->operation_count; i++)
			is_given = is_given || strcmp(one->operations[i].name, steps[s]) == 0;
		if (is_given)
			continue;
		strncpy(absent.name, steps[s], sizeof(absent.name) - 1);
		check_timeout(facts, one, &absent, out);
	}
}

static void
check_promotion(const struct cib_primitive *one, struct findings *out)
{
	if (!one->is_promotable)
		finding_add(out, FINDING_NOT_PROMOTABLE,
		    "cluster: %s is no promotable clone, so the standby does not wait ready on the "
		    "other node; make it one, as scripts/pair-setup does",
		    one->id);
	else if (fact_or(one->promoted_max, 1) != 1)
		finding_add(out, FINDING_PROMOTED_MAX,
		    "cluster: promoted-max of %s is %" PRId64 ", and two nodes would write to the "
		    "storage; set it to 1",
		    one->clone, one->promoted_max.value);
}

/* After the first failure the other node shall have it, and later this one again. */
static void
check_failures(const struct cib_primitive *one, struct findings *out)
{
	int64_t threshold = fact_or(one->migration_threshold, SCORE_INFINITY);

	if (threshold <= 0 || threshold >= SCORE_INFINITY)
		finding_add(out, FINDING_MIGRATION_THRESHOLD,
		    "cluster: %s has no migration-threshold, so a failure is mended in place, "
		    "again "
		    "and again, and never by the other node; set it to 1",
		    one->id);
	else if (fact_or(one->failure_timeout_ms, 0) <= 0)
		finding_add(out, FINDING_FAILURE_TIMEOUT,
		    "cluster: %s has no failure-timeout, so after one failure its node may never "
		    "have it again until somebody cleans up; set it to 30s",
		    one->id);
}

static void
check_name(const struct cib_primitive *one, const char *name, bool is_clone, struct findings *out)
{
	size_t length = strlen(name);
	const char *kind = is_clone ? "-clone" : "";
	bool is_right = strcmp(one->id, name) == 0;

	if (is_right && is_clone && one->clone[0])
		is_right = strncmp(one->clone, name, length) == 0 &&
			   strcmp(one->clone + length, kind) == 0;
	if (!is_right)
		finding_add(out, FINDING_RESOURCE_NAME,
		    "cluster: %s%s%s is not called %s%s%s, which gemel and its manuals name; "
		    "rename "
		    "it",
		    one->id, one->clone[0] ? " in " : "", one->clone, name, is_clone ? " in " : "",
		    is_clone ? name : "");
}

static void
check_one(
    const struct facts *facts, const struct cib_primitive *one, size_t which, struct findings *out)
{
	if (ours[which].is_promotable) {
		check_promotion(one, out);
		check_name(one, ours[which].name, true, out);
	} else if (strcmp(one->id, "gemel-ip6") != 0) {
		check_name(one, ours[which].name, false, out);
	}
	check_monitors(one, ours[which].is_promotable, out);
	check_timeouts(facts, one, out);
	check_failures(one, out);
}

void
check_resources(const struct facts *facts, struct findings *out)
{
	bool has_one = false;

	if (!facts->cib.is_known)
		return;
	for (size_t i = 0; i < OUR_COUNT; i++) {
		const struct cib_primitive *one;
		size_t at = 0, count = 0;

		for (; (one = cib_find_agent(&facts->cib, ours[i].agent, &at)); count++)
			check_one(facts, one, i, out);
		if (!count)
			finding_add(out, FINDING_RESOURCE_NONE,
			    "cluster: no resource runs ocf:gemel:%s, so the pair is not whole; "
			    "make it, as scripts/pair-setup does",
			    ours[i].agent);
		has_one = has_one || count;
	}
	if (has_one && !facts->advised_count)
		finding_add(out, FINDING_ADVISED_UNKNOWN,
		    "cluster: the agents' meta-data cannot be read here, so their time-outs were "
		    "not compared; install gemel on this node");
}
