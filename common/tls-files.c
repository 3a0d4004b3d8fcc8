/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/tls-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

static int
refuse(char error[TLS_ERROR_MAX], const char *path, const char *reason)
{
	const char *detail = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(error, TLS_ERROR_MAX, "%.96s %.112s%s%.40s", path, reason, detail ? ": " : "",
	    detail ? detail : "");
	ERR_clear_error();
	return -EINVAL;
}

/* OpenSSL would ask on the terminal. */
static int
no_passphrase(char *to, int room, int is_writing, void *context)
{
	(void)to;
	(void)room;
	(void)is_writing;
	(void)context;
	return -1;
}

static int
open_key(const char *path, char error[TLS_ERROR_MAX])
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		int result = -errno;

		snprintf(error, TLS_ERROR_MAX, "the key %.128s cannot be opened: %m", path);
		return result;
	}
	if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
		snprintf(error, TLS_ERROR_MAX, "the key %.128s is no file", path);
		close(fd);
		return -EINVAL;
	}
	if (stat.st_mode & (S_IRWXO | S_IWGRP)) {
		snprintf(error, TLS_ERROR_MAX,
		    "the key %.128s may be read or changed by others; chmod 600 it, or 640 for a "
		    "group",
		    path);
		close(fd);
		return -EACCES;
	}
	return fd;
}

static int
read_key(SSL_CTX *ssl, const char *path, char error[TLS_ERROR_MAX])
{
	int fd = open_key(path, error);
	EVP_PKEY *key;
	BIO *bio;

	if (fd < 0)
		return fd;
	bio = BIO_new_fd(fd, BIO_CLOSE);
	if (!bio)
		abort();
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (!key)
		return refuse(error, path, "is no key in PEM form without a passphrase");
	if (SSL_CTX_use_PrivateKey(ssl, key) != 1 || SSL_CTX_check_private_key(ssl) != 1) {
		EVP_PKEY_free(key);
		return refuse(error, path, "is not the key of the certificate");
	}
	EVP_PKEY_free(key);
	return 0;
}

/* Which protocol? Ours, or none. */
static int
select_alpn(SSL *ssl, const unsigned char **chosen_r, unsigned char *length_r,
    const unsigned char *offered, unsigned offered_length, void *context)
{
	const struct tls_settings *settings = context;
	size_t length = strlen(settings->alpn);

	(void)ssl;
	for (unsigned at = 0; at < offered_length; at += 1u + offered[at]) {
		if (offered[at] != length || memcmp(offered + at + 1, settings->alpn, length) != 0)
			continue;
		*chosen_r = offered + at + 1;
		*length_r = (unsigned char)length;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
set_rules(SSL_CTX *ssl, const struct tls_settings *settings)
{
	size_t length = strlen(settings->alpn);
	unsigned char offer[TLS_ALPN_MAX + 1];

	SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION);
	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_num_tickets(ssl, 0);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	if (settings->side == TLS_SERVER) {
		SSL_CTX_set_alpn_select_cb(
		    ssl, select_alpn, (struct tls_settings *)(uintptr_t)settings);
		return;
	}
	offer[0] = (unsigned char)length;
	memcpy(offer + 1, settings->alpn, length);
	if (SSL_CTX_set_alpn_protos(ssl, offer, (unsigned)length + 1) != 0)
		abort();
}

int
tls_files_read(const struct tls_settings *settings, SSL_CTX **ssl_r, char error[TLS_ERROR_MAX])
{
	const struct tls_files *files = &settings->files;
	SSL_CTX *ssl =
	    SSL_CTX_new(settings->side == TLS_SERVER ? TLS_server_method() : TLS_client_method());
	int result = 0;

	if (!ssl)
		abort();
	ERR_clear_error();
	set_rules(ssl, settings);
	if (SSL_CTX_use_certificate_chain_file(ssl, files->certificate) != 1)
		result =
		    refuse(error, files->certificate, "cannot be read as a certificate in PEM");
	if (result == 0)
		result = read_key(ssl, files->key, error);
	if (result == 0 && SSL_CTX_load_verify_file(ssl, files->authority) != 1)
		result =
		    refuse(error, files->authority, "cannot be read as certificates in PEM form");
	if (result)
		SSL_CTX_free(ssl);
	else
		*ssl_r = ssl;
	return result;
}
