/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire -- one connection: a socket, TLS on it, HTTP/2 in that; carries bytes between them.
 *
 *     socket <--> tls_feed_wire, tls_take_wire <--> tls_feed_plain, tls_take_plain <--> h2
 *
 * Never waits: call wire_pump() when the socket can be read or written, and after anything
 * was asked of the h2. Little is held here, so a peer that takes nothing stops being read.
 */
#ifndef GEMEL_COMMON_WIRE_H
#define GEMEL_COMMON_WIRE_H

#include "common/h2.h"
#include "common/tls.h"

struct wire;

/* Takes all three; the socket is connected or about to be, and does not block. */
struct wire *wire_open(int fd, struct tls *tls, struct h2 *h2);

/* Carry what can be carried now; h2's events are called. Returns 0, or -errno when the connection
 * is of no more use and should be closed: -ENOTCONN it ended in good order, -ECONNRESET the peer
 * broke off, -EPROTO it broke a rule, -EKEYREJECTED TLS failed, or what the socket says. */
int wire_pump(struct wire *wire, uint64_t now_ms);

/* One sentence on why wire_pump() failed with result. */
const char *wire_reason(const struct wire *wire, int result);

/* The socket could take no more: call again when it can. */
bool wire_wants_write(const struct wire *wire);

int wire_fd(const struct wire *wire);
struct h2 *wire_h2(const struct wire *wire);

/* The handshake is done; at a server: and the client's certificate was right. */
bool wire_is_open(const struct wire *wire);

/* tls_peer_uri() */
const char *wire_peer_uri(const struct wire *wire);

/* Takes NULL. */
void wire_close(struct wire **wire);

#endif
