/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * address -- the canonical form of a mail address, as a key.
 *
 * Pure. Two addresses name one mailbox exactly when their canonical forms are
 * equal bytes. Version 1 of the form: ASCII letters of local part and domain
 * are folded to lower case; everything else stays as it is. (NFC and IDN come
 * as version 2; the version is stored with the accounts.)
 * This does not check the syntax of SMTP paths; mailcore/smtp/path does.
 */
#ifndef GEMEL_COMMON_ADDRESS_H
#define GEMEL_COMMON_ADDRESS_H

#include "common/slice.h"

#define ADDRESS_FORM_VERSION 1

/* RFC 5321 4.5.3.1: 64 octets of local part, 255 of domain, and the "@" between. */
#define ADDRESS_LOCAL_MAX 64
#define ADDRESS_DOMAIN_MAX 255
#define ADDRESS_MAX (ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX)

/* Write the canonical form of "local@domain" as a C string of at most ADDRESS_MAX bytes and its
 * NUL. False when it has no "@" with something on both sides, is too long, or holds a control
 * character or NUL. */
bool address_canonical(struct slice address, char out[ADDRESS_MAX + 1]);

/* The part after the last "@"; empty if there is none. Views address. */
struct slice address_domain(struct slice address);

/* The part before the last "@"; all of it if there is none. Views address. */
struct slice address_local(struct slice address);

#endif
