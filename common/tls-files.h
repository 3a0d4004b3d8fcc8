/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tls-files -- what OpenSSL needs to know before a connection, from files. For tls.c only.
 */
#ifndef GEMEL_COMMON_TLS_FILES_H
#define GEMEL_COMMON_TLS_FILES_H

#include "common/tls.h"

#include <openssl/ssl.h>

#define TLS_ALPN_MAX 32

struct tls_settings {
	struct tls_files files;
	enum tls_side side;
	char alpn[TLS_ALPN_MAX];
};

/* Returns 0 with *ssl_r owned, or what tls_context_open() says. settings outlives it. */
int tls_files_read(const struct tls_settings *settings, SSL_CTX **ssl_r, char error[TLS_ERROR_MAX]);

#endif
