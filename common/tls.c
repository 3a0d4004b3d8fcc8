/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/tls.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/tls-files.h"

#define URI_BEGIN "gemel:"

struct tls_context {
	SSL_CTX *ssl;
	struct tls_settings settings;
	char *files[3];
	unsigned holders; /* who has opened it, and its connections */
};

struct tls {
	struct tls_context *context;
	SSL *ssl;
	BIO *in, *out; /* ssl's */
	enum tls_state state;
	char error[TLS_ERROR_MAX];
	char uri[TLS_NAME_MAX];
};

/* -- contexts -- */

int
tls_context_open(const struct tls_files *files, enum tls_side side, const char *alpn,
    struct tls_context **context_r, char error[TLS_ERROR_MAX])
{
	struct tls_context *context = calloc(1, sizeof(*context));
	const char *const names[] = {files->certificate, files->key, files->authority};
	int result;

	if (!context)
		abort();
	for (size_t i = 0; i < 3; i++) {
		context->files[i] = strdup(names[i]);
		if (!context->files[i])
			abort();
	}
	context->holders = 1;
	context->settings = (struct tls_settings){
	    .files = {context->files[0], context->files[1], context->files[2]},
	    .side = side,
	};
	assert(strlen(alpn) < TLS_ALPN_MAX);
	strcpy(context->settings.alpn, alpn);
	result = tls_context_reload(context, error);
	if (result)
		tls_context_close(&context);
	else
		*context_r = context;
	return result;
}

int
tls_context_reload(struct tls_context *context, char error[TLS_ERROR_MAX])
{
	SSL_CTX *ssl;
	int result = tls_files_read(&context->settings, &ssl, error);

	if (result)
		return result;
	SSL_CTX_free(context->ssl);
	context->ssl = ssl;
	return 0;
}

static void
let_go(struct tls_context *context)
{
	if (--context->holders > 0)
		return;
	SSL_CTX_free(context->ssl);
	for (size_t i = 0; i < 3; i++)
		free(context->files[i]);
	free(context);
}

void
tls_context_close(struct tls_context **context)
{
	if (*context)
		let_go(*context);
	*context = NULL;
}

/* -- connections -- */

struct tls *
tls_open(struct tls_context *context, const char *host)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		abort();
	tls->ssl = SSL_new(context->ssl);
	tls->in = BIO_new(BIO_s_mem());
	tls->out = BIO_new(BIO_s_mem());
	if (!tls->ssl || !tls->in || !tls->out)
		abort();
	SSL_set_bio(tls->ssl, tls->in, tls->out);
	tls->context = context;
	context->holders++;
	if (host) {
		SSL_set_hostflags(
		    tls->ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS);
		if (SSL_set1_host(tls->ssl, host) != 1 ||
		    SSL_set_tlsext_host_name(tls->ssl, host) != 1)
			abort();
	}
	if (context->settings.side == TLS_SERVER)
		SSL_set_accept_state(tls->ssl);
	else
		SSL_set_connect_state(tls->ssl);
	return tls;
}

enum tls_state
tls_state(const struct tls *tls)
{
	return tls->state;
}

const char *
tls_error(const struct tls *tls)
{
	return tls->error;
}

const char *
tls_peer_uri(const struct tls *tls)
{
	return tls->uri;
}

static void
fail(struct tls *tls)
{
	long verdict = SSL_get_verify_result(tls->ssl);
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	tls->state = TLS_FAILED;
	if (verdict != X509_V_OK)
		snprintf(tls->error, sizeof(tls->error),
		    "the peer's certificate is refused: %.128s; look at certificate and authority "
		    "of both sides",
		    X509_verify_cert_error_string(verdict));
	else
		snprintf(tls->error, sizeof(tls->error), "TLS failed: %.128s",
		    reason ? reason : "the peer broke off");
	ERR_clear_error();
}

static void
take_uri(struct tls *tls)
{
	const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
	GENERAL_NAMES *names =
	    certificate ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
	int found = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		struct slice uri;

		if (name->type != GEN_URI)
			continue;
		uri = slice_from(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
		    (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier));
		if (uri.length < strlen(URI_BEGIN) ||
		    memcmp(uri.data, URI_BEGIN, strlen(URI_BEGIN)) != 0)
			continue;
		if (found++ > 0 || !slice_to_string(uri, tls->uri, sizeof(tls->uri)))
			tls->uri[0] = '\0';
	}
	GENERAL_NAMES_free(names);
}

static void
open_up(struct tls *tls)
{
	const unsigned char *alpn;
	unsigned length;

	SSL_get0_alpn_selected(tls->ssl, &alpn, &length);
	if (!slice_is_equal(slice_from(alpn, length), slice_of(tls->context->settings.alpn))) {
		tls->state = TLS_FAILED;
		snprintf(tls->error, sizeof(tls->error),
		    "the peer does not speak \"%.32s\"; is it the right port?",
		    tls->context->settings.alpn);
		return;
	}
	tls->state = TLS_OPEN;
	take_uri(tls);
}

/* Go on with the handshake as far as the bytes reach. */
static void
shake_hands(struct tls *tls)
{
	int result;

	if (tls->state != TLS_HANDSHAKE)
		return;
	ERR_clear_error();
	result = SSL_do_handshake(tls->ssl);
	if (result == 1)
		open_up(tls);
	else if (SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_READ)
		fail(tls);
}

size_t
tls_feed_wire(struct tls *tls, struct slice bytes)
{
	size_t waiting = BIO_ctrl_pending(tls->in);

	if (tls->state == TLS_ENDED || tls->state == TLS_FAILED)
		return bytes.length;
	/* An answer may be owed to each record (KeyUpdate): no more of them before it is taken. */
	if (BIO_ctrl_pending(tls->out) >= TLS_WAITING_MAX || waiting >= TLS_WAITING_MAX)
		return 0;
	if (bytes.length > TLS_WAITING_MAX - waiting)
		bytes.length = TLS_WAITING_MAX - waiting;
	if (bytes.length && BIO_write(tls->in, bytes.data, (int)bytes.length) <= 0)
		abort();
	shake_hands(tls);
	return bytes.length;
}

size_t
tls_take_wire(struct tls *tls, void *out, size_t room)
{
	int count;

	/* The client speaks first. */
	shake_hands(tls);
	if (room > TLS_WAITING_MAX)
		room = TLS_WAITING_MAX;
	count = room ? BIO_read(tls->out, out, (int)room) : 0;
	return count > 0 ? (size_t)count : 0;
}

size_t
tls_feed_plain(struct tls *tls, struct slice bytes)
{
	size_t waiting = BIO_ctrl_pending(tls->out), taken = 0;

	if (tls->state != TLS_OPEN || waiting >= TLS_WAITING_MAX || bytes.length == 0)
		return 0;
	if (bytes.length > TLS_WAITING_MAX - waiting)
		bytes.length = TLS_WAITING_MAX - waiting;
	ERR_clear_error();
	if (SSL_write_ex(tls->ssl, bytes.data, bytes.length, &taken) != 1)
		fail(tls);
	return taken;
}

size_t
tls_take_plain(struct tls *tls, void *out, size_t room)
{
	size_t count = 0;

	if (tls->state != TLS_OPEN || room == 0)
		return 0;
	ERR_clear_error();
	if (SSL_read_ex(tls->ssl, out, room, &count) == 1)
		return count;
	switch (SSL_get_error(tls->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_ZERO_RETURN:
		tls->state = TLS_ENDED;
		break;
	default:
		fail(tls);
	}
	return 0;
}

void
tls_end(struct tls *tls)
{
	if (tls->state == TLS_OPEN || tls->state == TLS_ENDED)
		SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

void
tls_close(struct tls **tls)
{
	if (!*tls)
		return;
	SSL_free((*tls)->ssl);
	let_go((*tls)->context);
	free(*tls);
	*tls = NULL;
}
