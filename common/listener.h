/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listener -- the sockets that strangers knock at.
 *
 * Bound with IP_FREEBIND, so that the floating address may still be on its way.
 */
#ifndef GEMEL_COMMON_LISTENER_H
#define GEMEL_COMMON_LISTENER_H

#include <sys/socket.h>

/* "*:25", "192.0.2.10:25", "[2001:db8::10]:25" as a socket address; "*" is every address, IPv6
 * where the kernel has it. Returns 0 or -EINVAL. Pure. */
int listener_parse(const char *text, struct sockaddr_storage *address_r, socklen_t *length_r);

/* Bind and listen. Returns the socket, owned by the caller, or -errno (-EADDRINUSE: another
 * program has the port). */
int listener_open(const char *text);

#endif
