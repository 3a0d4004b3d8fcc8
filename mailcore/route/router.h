/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * router -- whose recipient is it?
 *
 * Pure: knows names, not files. It is asked twice for each recipient: at RCPT,
 * where the answer becomes a reply (router_verdict), and at delivery, because
 * between the two an account can come or go. It decides by the canonical form
 * of the address (common/address.h) and never looks for meaning in the local
 * part: no percent hack, no source route, no "user@far@near" (the last "@"
 * counts, the rest is a name that nobody has).
 *
 * "postmaster" without a domain, in any case, is a recipient that every server
 * must take (RFC 5321 2.3.5 and 4.5.1): it means postmaster at the first domain.
 * postmaster at any domain of ours that has no account of its own goes to the
 * configured account.
 */
#ifndef GEMEL_MAILCORE_ROUTE_ROUTER_H
#define GEMEL_MAILCORE_ROUTE_ROUTER_H

#include "common/slice.h"
#include "mailcore/smtp/verdict.h"

/* What the lookup knows of an address. Ids are never used again. */
struct router_account {
	uint64_t id; /* never 0 */
	bool is_enabled;
};

/* Find a canonical address. 0 with *account_r filled, -ENOENT: nobody has it; another -errno: it
 * cannot be said now. */
typedef int router_lookup(void *context, const char *address, struct router_account *account_r);

/* A visible value; everything in it is borrowed. domains and postmaster are canonical (lower case).
 */
struct router {
	const char *const *domains;
	size_t domain_count;
	const char *postmaster; /* "local@domain" of an account, or NULL */
	router_lookup *lookup;
	void *context;
};

enum route_kind {
	ROUTE_LOCAL,       /* an account here */
	ROUTE_NOBODY,      /* our domain, and nobody has this name */
	ROUTE_NOT_OURS,    /* another domain, or no address at all */
	ROUTE_UNAVAILABLE, /* the lookup failed; ask again */
};

struct route {
	enum route_kind kind;
	struct router_account account; /* of ROUTE_LOCAL, else zero */
};

/* Decide for address as it was given at RCPT ("local@domain" or "postmaster"). */
struct route router_route(const struct router *router, struct slice address);

/* True if domain (any case) is one of ours. */
bool router_is_ours(const struct router *router, struct slice domain);

/* What RCPT is answered. */
enum recipient_verdict router_verdict(struct route route);

#endif
