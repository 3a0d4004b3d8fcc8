/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tls -- TLS 1.3 as a filter of bytes, with a certificate on both sides. OpenSSL 3 inside.
 *
 * No sockets: the caller carries what is on the wire. Nothing is resumed and nothing comes early
 * (no tickets, no 0-RTT), so each connection has shown its certificate.
 *
 *      HANDSHAKE ---> OPEN ---> ENDED    the peer has said that nothing more comes
 *          |            |
 *          '------------'-----> FAILED   tls_error() says why
 *
 * A client is OPEN before the server has judged its certificate (RFC 8446 4.4.4): only what a
 * server then says proves that it took the client on. A connection that breaks off while OPEN was
 * cut by somebody, and what it brought may be incomplete.
 *
 * A certificate must be signed by the authority that is configured; the system's own
 * are not asked. A key file that others may read, or that wants a passphrase, is refused.
 */
#ifndef GEMEL_COMMON_TLS_H
#define GEMEL_COMMON_TLS_H

#include "common/slice.h"

#define TLS_ERROR_MAX 256
#define TLS_NAME_MAX 256

/* While so much waits to be taken, nothing more is. */
#define TLS_WAITING_MAX (64 * 1024)

struct tls_files {
	const char *certificate; /* PEM, with those between it and the authority */
	const char *key;         /* PEM */
	const char *authority;   /* PEM, one or more certificates: who is signed by one is let in */
};

enum tls_side {
	TLS_CLIENT,
	TLS_SERVER,
};

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_ENDED,
	TLS_FAILED,
};

struct tls_context;
struct tls;

/* Read the files (their names are copied). alpn: the only protocol that is spoken. Returns 0 or
 * -errno with one sentence in error: -EACCES others may read the key, -EINVAL a file holds
 * something else or they do not fit together, or as open(2). */
int tls_context_open(const struct tls_files *files, enum tls_side side, const char *alpn,
    struct tls_context **context_r, char error[TLS_ERROR_MAX]);

/* Read the files again, for connections from now on. As above; what was read before stays then. */
int tls_context_reload(struct tls_context *context, char error[TLS_ERROR_MAX]);

/* Connections that are open live on. Takes NULL. */
void tls_context_close(struct tls_context **context);

/* Begin a connection. host: the DNS name that the peer's certificate must have; NULL: any. */
struct tls *tls_open(struct tls_context *context, const char *host);

enum tls_state tls_state(const struct tls *tls);

/* One sentence, when FAILED. */
const char *tls_error(const struct tls *tls);

/* Take bytes from the wire; returns how many. Fewer: take what waits first, then feed again. */
size_t tls_feed_wire(struct tls *tls, struct slice bytes);

/* Up to room bytes for the wire. Also when FAILED or ENDED: the peer is told why. */
size_t tls_take_wire(struct tls *tls, void *out, size_t room);

/* Take bytes to be sent; returns how many. 0 unless OPEN. */
size_t tls_feed_plain(struct tls *tls, struct slice bytes);

/* Up to room bytes that the peer has sent, in order and undamaged. */
size_t tls_take_plain(struct tls *tls, void *out, size_t room);

/* Say that nothing more comes (close_notify). */
void tls_end(struct tls *tls);

/* Once OPEN: the only URI that begins with "gemel:" among the names of the peer's
 * certificate; "" if there is none or more than one. */
const char *tls_peer_uri(const struct tls *tls);

/* Takes NULL. */
void tls_close(struct tls **tls);

#endif
