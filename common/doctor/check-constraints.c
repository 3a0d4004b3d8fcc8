/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/checks.h"

#include <string.h>

/* A constraint may name a resource by itself or by what it is in. */
static bool
is_named(const struct cib_primitive *one, const char *name)
{
	return *name && (strcmp(name, one->id) == 0 || strcmp(name, one->clone) == 0 ||
			    strcmp(name, one->group) == 0);
}

static bool
has_order(const struct cib_facts *cib, const struct cib_primitive *first,
    const struct cib_primitive *then, const char *then_action)
{
	for (size_t i = 0; i < cib->order_count; i++) {
		const struct cib_constraint *order = &cib->orders[i];

		if (is_named(first, order->first) && is_named(then, order->then) &&
		    strcmp(order->first_action, "promote") == 0 &&
		    strcmp(order->then_action, then_action) == 0)
			return true;
	}
	return false;
}

/* Who stands with the promoted one. */
static bool
has_place(const struct cib_facts *cib, const struct cib_primitive *who, enum cib_role role,
    const struct cib_primitive *with)
{
	for (size_t i = 0; i < cib->colocation_count; i++) {
		const struct cib_constraint *place = &cib->colocations[i];

		if (is_named(who, place->first) && is_named(with, place->then) &&
		    place->first_role == role && place->then_role == CIB_ROLE_PROMOTED)
			return true;
	}
	return false;
}

static void
check_pair(const struct cib_facts *cib, const struct cib_primitive *first,
    const struct cib_primitive *then, bool is_promoted, struct findings *out)
{
	const char *action = is_promoted ? "promote" : "start";

	if (!has_order(cib, first, then, action))
		finding_add(out, FINDING_ORDER_NONE,
		    "cluster: no order has %s promoted before the %s of %s, so a takeover does "
		    "both at once and fails; add a mandatory one, as scripts/pair-setup does",
		    first->id, action, then->id);
	if (!has_place(cib, then, is_promoted ? CIB_ROLE_PROMOTED : CIB_ROLE_NONE, first))
		finding_add(out, FINDING_PLACE_NONE,
		    "cluster: no colocation keeps %s with the promoted %s, so they may end up on "
		    "two nodes; add one with a score of INFINITY, as scripts/pair-setup does",
		    then->id, first->id);
}

void
check_constraints(const struct facts *facts, struct findings *out)
{
	const struct cib_facts *cib = &facts->cib;
	size_t at_store = 0, at_core = 0, at = 0;
	const struct cib_primitive *store = cib_find_agent(cib, "sharedstore", &at_store);
	const struct cib_primitive *core = cib_find_agent(cib, "mailcore", &at_core), *address;

	if (!cib->is_known || !core)
		return;
	if (cib->has_sets) {
		finding_add(out, FINDING_CONSTRAINT_SETS,
		    "cluster: there are constraints made of resource sets, which are not read "
		    "here; see for yourself that the store, the core and the addresses follow in "
		    "this order on one node");
		return;
	}
	if (store)
		check_pair(cib, store, core, true, out);
	while ((address = cib_find_agent(cib, "floatip", &at)))
		check_pair(cib, core, address, false, out);
}
