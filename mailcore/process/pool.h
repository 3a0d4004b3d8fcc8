/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool -- the core's side of its smtp workers.
 *
 * Starts N workers through the launcher (the only process that stays root, and
 * does nothing but start, reap and end workers as user gemel-smtp), restarts
 * one that dies, hands them listening sockets, and turns their frames into calls.
 * A worker is not trusted: bytes are copied out of the shared memory first and
 * checked after, sessions are numbers chosen by the worker that mean nothing
 * outside it, and an answer for a worker that has died meanwhile is dropped.
 *
 * All calls are made on the core's loop.
 */
#ifndef GEMEL_MAILCORE_PROCESS_POOL_H
#define GEMEL_MAILCORE_PROCESS_POOL_H

#include "common/slice.h"
#include "mailcore/smtp/settings.h"
#include "mailcore/smtp/verdict.h"

#include <qb/qbloop.h>
#include <sys/types.h>

struct pool;

/* Who is to be answered: one question of one session of one life of a worker. A plain value; it may
 * outlive the worker, the answer is dropped then. */
struct pool_ticket {
	uint32_t worker;
	uint32_t life;
	uint64_t session;
};

/* Slices are views that end with the call. pool_answer_*(), pool_listen() and pool_quiesce() may be
 * called from inside, pool_close() may not. */
struct pool_events {
	void *context;
	/* May address ("local@domain", or "postmaster") be accepted? Answer with
	 * pool_answer_recipient(), from inside or later. */
	void (*recipient)(void *context, struct pool_ticket ticket, struct slice address);
	/* Content that is too large for one piece. Answer each with pool_answer_stage(). */
	void (*stage)(void *context, struct pool_ticket ticket, struct slice bytes);
	/* The message is complete: envelope as envelope_encode() made it (accepted_ms not yet set),
	 * content all of it or what follows the staged pieces. Answer with pool_answer_commit(). */
	void (*commit)(
	    void *context, struct pool_ticket ticket, struct slice envelope, struct slice content);
	/* The session gave up after staging; forget its pieces. No answer. */
	void (*abandon)(void *context, struct pool_ticket ticket);
	/* May be NULL. For the log: a session said to client (an address literal) this reply of
	 * 4xx or 5xx, about recipient (or empty). A worker under load tells not all of them. */
	void (*refused)(
	    void *context, struct slice client, struct slice reply, struct slice recipient);
	/* The worker died: all its sessions are gone; forget what they staged. */
	void (*worker_died)(void *context, uint32_t worker, uint32_t life, const char *how);
	/* May be NULL. The launcher died (worker_died() was called for each worker before), so no
	 * worker will ever start again: this core must be restarted. */
	void (*launcher_died)(void *context);
};

struct pool_settings {
	uint32_t workers;
	const char *worker_path;          /* the program gemel-smtp */
	const char *worker_user;          /* "gemel-smtp" */
	const struct smtp_settings *smtp; /* copied into the memory shared with each worker */
};

/*
 * Fork the launcher; called while still root and before any thread exists. The caller drops its
 * own privileges after it. Returns 0 or -errno.
 */
int pool_open(const struct pool_settings *settings, const struct pool_events *events,
    struct pool **pool_r, char error[256]);

/* Start the workers and watch them on loop. */
int pool_start(struct pool *pool, qb_loop_t *loop);

/* Hand the listening sockets out: every worker, also one started later, accepts from them. They
 * replace those of the last call and become non-blocking. The pool keeps duplicates, so connections
 * that wait in them survive a worker; the caller's own stay the caller's. At most 64. */
void pool_listen(struct pool *pool, const int *sockets, size_t count);

/* Stop accepting and end all sessions: idle ones get 421 at once, a commit in flight is answered
 * first. stopped(context) is called from the loop when no session is left; after timeout_ms those
 * that are left are cut (their workers are killed and start anew, which is not counted as a death;
 * worker_died() says it). The pool's duplicates of the listening sockets are closed at once.
 * pool_listen() begins anew, also before stopped(), which is not called then. */
void
pool_quiesce(struct pool *pool, uint32_t timeout_ms, void (*stopped)(void *context), void *context);

void
pool_answer_recipient(struct pool *pool, struct pool_ticket ticket, enum recipient_verdict verdict);
void pool_answer_stage(struct pool *pool, struct pool_ticket ticket, enum commit_verdict verdict);
/* id_text (at most 36 bytes, more are cut) is shown to the client: "250 2.0.0 queued as 3-1f2a". */
void pool_answer_commit(
    struct pool *pool, struct pool_ticket ticket, enum commit_verdict verdict, const char *id_text);

/* Answers go out together at the next turn of the loop. After many of them at once, for example
 * the commits of one batch, this sends them now. */
void pool_flush(struct pool *pool);

/* The pid of a living worker, or 0. */
pid_t pool_worker_pid(const struct pool *pool, uint32_t worker);

uint32_t pool_workers_alive(const struct pool *pool);
uint32_t pool_worker_deaths(const struct pool *pool);
/* As the workers last said, at most a quarter of a second ago. */
uint32_t pool_sessions(const struct pool *pool);

/* End launcher and workers, wait for them, free. */
void pool_close(struct pool **pool);

#endif
