/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path -- reverse-path and forward-path of RFC 5321 4.1.2.
 *
 * Pure, syntax only: who is local and what may be relayed is the core's to say,
 * and it is asked about the address that this gives out, whole. So no part of a
 * local part is ever looked into: in <a%b@c>, <b!a@c> and <"a@b"@c> the domain is c.
 *
 * Source routes (<@a,@b:c@d>) are checked and dropped, as RFC 5321 appendix C
 * asks: the recipient is c@d, and the route is never followed.
 * A quoted local part that needs no quotes loses them ("a"@b and a@b name one mailbox);
 * one that does keeps the least quoting.
 * Underscores in domains are taken (real hosts have them); a final dot is not.
 */
#ifndef GEMEL_MAILCORE_SMTP_PATH_H
#define GEMEL_MAILCORE_SMTP_PATH_H

#include "common/address.h"

/* With "<" and ">" (RFC 5321 4.5.3.1.3). */
#define SMTP_PATH_MAX 256

enum smtp_path_kind {
	PATH_REVERSE, /* <> is allowed */
	PATH_FORWARD, /* <postmaster> is allowed */
};

enum smtp_path_verdict {
	PATH_OK,
	PATH_MALFORMED,
	PATH_TOO_LONG,   /* path 256, local part 64 (normalised), domain 255, label 63 */
	PATH_NEEDS_UTF8, /* well-formed, but only where SMTPUTF8 was given */
};

struct smtp_path {
	uint8_t text[SMTP_PATH_MAX]; /* "local@domain", "postmaster", or nothing for <> */
	size_t length;
	size_t used; /* bytes of the input, from "<" to ">" */
};

/* Read the path that text begins with. *path_r is complete at PATH_OK only. */
enum smtp_path_verdict smtp_path_parse(
    struct slice text, enum smtp_path_kind kind, bool utf8_allowed, struct smtp_path *path_r);

/* A domain or an address literal, as EHLO names it, and laxer: real clients give host names with
 * underscores, bare addresses and single words. No character that means something in a
 * header line. At most 255 bytes. */
bool smtp_helo_is_valid(struct slice name);

#endif
