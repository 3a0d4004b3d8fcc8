/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/route/router.h"

#include "common/address.h"

#include <errno.h>
#include <stdio.h>

#define POSTMASTER "postmaster"

bool
router_is_ours(const struct router *router, struct slice domain)
{
	for (size_t i = 0; i < router->domain_count; i++)
		if (slice_is_equal_nocase(domain, slice_of(router->domains[i])))
			return true;
	return false;
}

/* The configured account stands in for a postmaster that has none. */
static int
router_lookup_postmaster(const struct router *router, struct router_account *account_r)
{
	if (!router->postmaster)
		return -ENOENT;
	return router->lookup(router->context, router->postmaster, account_r);
}

static struct route
router_decide(const struct router *router, const char *canonical)
{
	struct route route = {.kind = ROUTE_LOCAL};
	int result = router->lookup(router->context, canonical, &route.account);

	if (result == -ENOENT &&
	    slice_is_equal(address_local(slice_of(canonical)), slice_of(POSTMASTER)))
		result = router_lookup_postmaster(router, &route.account);
	if (result != 0)
		route =
		    (struct route){.kind = result == -ENOENT ? ROUTE_NOBODY : ROUTE_UNAVAILABLE};
	return route;
}

struct route
router_route(const struct router *router, struct slice address)
{
	char given[sizeof(POSTMASTER "@") + ADDRESS_DOMAIN_MAX];
	char canonical[ADDRESS_MAX + 1];

	if (slice_is_equal_nocase(address, slice_of(POSTMASTER)) && router->domain_count > 0) {
		snprintf(given, sizeof(given), POSTMASTER "@%s", router->domains[0]);
		return router_decide(router, given);
	}
	if (!router_is_ours(router, address_domain(address)))
		return (struct route){.kind = ROUTE_NOT_OURS};
	if (!address_canonical(address, canonical))
		return (struct route){.kind = ROUTE_NOBODY};
	return router_decide(router, canonical);
}

enum recipient_verdict
router_verdict(struct route route)
{
	switch (route.kind) {
	case ROUTE_LOCAL:
		return route.account.is_enabled ? RECIPIENT_OK : RECIPIENT_DISABLED;
	case ROUTE_NOBODY:
		return RECIPIENT_UNKNOWN;
	case ROUTE_NOT_OURS:
		return RECIPIENT_NO_RELAY;
	case ROUTE_UNAVAILABLE:
		return RECIPIENT_TRY_LATER;
	}
	return RECIPIENT_TRY_LATER;
}
