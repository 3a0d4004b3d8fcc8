/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * h2 -- one HTTP/2 connection (RFC 9113) that carries calls: a path and a message there, a
 * status and a message back, several at once. nghttp2 inside.
 *
 * Bytes in, bytes out: no socket, no TLS, no clock. Calls look like gRPC's (grpc.h), so its
 * tools can speak to it.
 *
 * What comes is bounded: H2_HEADERS_MAX bytes of headers and message_max of a message,
 * H2_CALLS_MAX calls at a time. A call beyond that is reset. Frames that ask for nothing (SETTINGS,
 * PING, RST_STREAM, empty DATA...) may come H2_IDLE_BURST at once and H2_IDLE_PER_S for
 * long; more of them, or a peer that makes us queue frames which it does not take, ends the
 * connection: h2_feed() fails.
 *
 * The events are called from h2_feed() and h2_take(). They may call anything here but these two and
 * h2_close().
 */
#ifndef GEMEL_COMMON_H2_H
#define GEMEL_COMMON_H2_H

#include "common/grpc.h"

#include <sys/types.h>

#define H2_ALPN "h2"
#define H2_CALLS_MAX 64
#define H2_HEADERS_MAX 4096
#define H2_PATH_MAX 128
#define H2_IDLE_BURST 100
#define H2_IDLE_PER_S 50

struct h2;

struct h2_events {
	void *context;
	/* Server: a request is complete; answer it by h2_answer(), now or later. message is a view
	 * until the function returns. NULL at a client. */
	void (*on_request)(void *context, int32_t call, const char *path, struct slice message);
	/* Client: the end of what h2_ask() began, unless it was cancelled. status: enum
	 * grpc_status, message is empty unless it is GRPC_OK, else reason is why, in the peer's
	 * words; -ECONNRESET: the peer gave it up; -EPROTO: what came is no answer. NULL at a
	 * server. */
	void (*on_answer)(
	    void *context, uint64_t tag, int status, struct slice message, const char *reason);
	/* What h2_ping() asked for. NULL: nobody asks. */
	void (*on_pong)(void *context, uint64_t nonce);
};

/* Begin. message_max: the longest message that is taken, in bytes. */
struct h2 *h2_open_client(const struct h2_events *events, size_t message_max);
struct h2 *h2_open_server(const struct h2_events *events, size_t message_max);

/* Take what the peer has sent. Returns 0; -EPROTO: it broke a rule, and the connection is of no
 * more use, once what h2_take() still has was sent. */
int h2_feed(struct h2 *h2, struct slice bytes, uint64_t now_ms);

/* Up to room bytes to be sent to the peer; 0: there are none now. */
size_t h2_take(struct h2 *h2, void *out, size_t room);

/* Client: begin a call that is known by tag. Returns 0; -EAGAIN: there are H2_CALLS_MAX;
 * -ENOTCONN: the connection ends. */
int h2_ask(struct h2 *h2, uint64_t tag, const char *path, struct slice message);

/* Client: let a call be forgotten; its answer is not wanted any more. */
void h2_cancel(struct h2 *h2, uint64_t tag);

/* Server: end a call. reason: for the peer's log, when status is not GRPC_OK; else message is the
 * answer. A call that the peer has given up meanwhile is no error. */
void h2_answer(
    struct h2 *h2, int32_t call, enum grpc_status status, struct slice message, const char *reason);

/* Ask the peer for nonce. */
void h2_ping(struct h2 *h2, uint64_t nonce);

/* The peer has spoken: it took us on. */
bool h2_is_proved(const struct h2 *h2);

/* Say good-bye: open calls are finished, no new ones taken. */
void h2_end(struct h2 *h2);

/* The peer broke a rule. It may be known only when h2_take() has given what tells the peer so. */
bool h2_is_broken(const struct h2 *h2);

/* Both sides are done: send what h2_take() has, and close. */
bool h2_has_ended(const struct h2 *h2);

/* Calls still open are forgotten, their events not called. Takes NULL. */
void h2_close(struct h2 **h2);

#endif
