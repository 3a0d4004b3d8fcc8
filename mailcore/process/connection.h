/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connection -- one client's socket and its session, in a worker.
 *
 *	OPEN --session wants the end--> CLOSING: send the rest, shutdown --> DRAINING: read and drop
 *	  |                                                                  until the client closes
 *	  '--reset, or end of file and nothing left to do--> gone: only an open question is waited
 *for
 *
 * DRAINING exists because closing a socket with unread bytes makes the kernel
 * send a reset, and the client may then never see our last reply.
 *
 * An idle connection keeps no buffer: all connections read into one buffer of
 * the worker, and only bytes that a session cannot use yet are kept.
 */
#ifndef GEMEL_MAILCORE_PROCESS_CONNECTION_H
#define GEMEL_MAILCORE_PROCESS_CONNECTION_H

#include <uv.h>

#include "common/slice.h"
#include "mailcore/process/channel.h"
#include "mailcore/process/memory.h"
#include "mailcore/process/ring.h"
#include "mailcore/process/wheel.h"
#include "mailcore/smtp/session.h"

/* All connections of a worker read into one buffer of this size. */
#define CONNECTION_READ_BYTES 16384

struct connection;

/* What the connections of a worker share. */
struct service {
	uv_loop_t *loop;
	const struct smtp_settings *settings;
	struct channel channel; /* to the core */
	struct memory memory;
	struct ring_writer ring;
	struct wheel wheel;
	uint8_t input[CONNECTION_READ_BYTES];
	struct buffer encoded;     /* an envelope on its way into the ring */
	struct connection **slots; /* sessions_max; NULL: free */
	uint32_t *uses;            /* how often each slot was used */
	uint32_t *free_slots;      /* a stack */
	uint32_t free_count;
	uint32_t draining;              /* connections whose session has ended */
	struct connection *first_stuck; /* have a question, but the ring has no room */
	struct connection *last_stuck;
};

void service_open(struct service *service, const struct smtp_settings *settings);

/* Sessions that have not ended. */
static inline uint32_t
service_sessions(const struct service *service)
{
	return service->settings->sessions_max - service->free_count - service->draining;
}

/* Serve a connected socket; takes fd. client is its address as envelope.h has it. False: too many
 * sessions, fd is still the caller's. */
bool connection_open(struct service *service, int fd, struct slice client);

/* An answer of the core. False: nobody asked. */
bool service_answer(struct service *service, const struct frame *f);

/* The core consumed the ring up to a position: ask what waited for room. False: it cannot have. */
bool service_release(struct service *service, uint64_t position);

/* Look after the connections whose time has come. */
void service_tick(struct service *service);

/* End every session: 421, or after the answer to its commit. */
void service_quiesce(struct service *service);

#endif
