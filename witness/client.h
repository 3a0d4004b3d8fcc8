/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client -- asks a witness, from libqb's loop.
 *
 * Keeps one connection up (link.h) and never waits. Whatever is asked ends with exactly
 * one call of its callback, from the loop and never inside the call that asked: with
 * an answer, or -ETIMEDOUT. Nothing is asked twice: after a failure the register may have done it
 * or not, and who asks again gets the same answer (register.h). What comes too late
 * is dropped.
 *
 * Callbacks may ask anew; they must not close the client. All on the loop's thread.
 */
#ifndef GEMEL_WITNESS_CLIENT_H
#define GEMEL_WITNESS_CLIENT_H

#include "common/tls.h"
#include "witness/asker.h"
#include "witness/register.h"

#include <qb/qbloop.h>

struct witness_client;

struct witness_client_settings {
	const char *address; /* "192.0.2.9:4573" or "[2001:db8::9]:4573"; no names: asking for
				them could take long, or need what has failed */
	const char *host;    /* the DNS name in the witness's certificate */
	const char *pair;    /* ours, as in the certificate */
	struct tls_files files;
};

/*
 * result: 0; or
 * -ENOTCONN   there is no connection, or it was lost before the answer
 * -ETIMEDOUT  no answer in time
 * -EACCES     the witness refuses our certificate for this
 * -EBADMSG    the register is damaged and grants nothing
 * -EAGAIN     the witness can't answer now, or too much is asked at once
 * -EPROTO     it answers what we do not understand
 * -ECANCELED  the client is being closed; ask nothing more
 */
/* 0: verdict and row are the register's; row has no uuid if there is none. */
typedef void witness_answered(
    void *context, int result, enum register_verdict verdict, const struct register_row *row);
/* 0: the witness was there after sent_ms (CLOCK_BOOTTIME), when the nonce was given. */
typedef void witness_echoed(void *context, int result, uint64_t sent_ms);

/* Copies the settings and begins to connect. Returns 0; or -errno with one sentence in error, as
 * tls_context_open(), or -EINVAL: no address, or no pair's name. */
int witness_client_open(qb_loop_t *loop, const struct witness_client_settings *settings,
    struct witness_client **client_r, char error[TLS_ERROR_MAX]);

/* ask->node must be the certificate's. */
void witness_ask(struct witness_client *client, const struct register_ask *ask,
    witness_answered *answered, void *context, uint32_t timeout_ms);

/* nonce: random, not 0, and new. */
void witness_echo(struct witness_client *client, uint64_t nonce, witness_echoed *echoed,
    void *context, uint32_t timeout_ms);

/* The witness is there, and took our certificate. */
bool witness_is_connected(const struct witness_client *client);

/* Read the certificates again, for the next connection. As tls_context_reload(). */
int witness_client_reload(struct witness_client *client, char error[TLS_ERROR_MAX]);

/* What is open is called back with -ECANCELED. Takes NULL. */
void witness_client_close(struct witness_client **client);

#endif
