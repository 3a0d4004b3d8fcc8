/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool-private -- what the files of the pool share.
 *
 * pool.c: the calls of pool.h. pool-life.c: how workers start and die.
 * pool-frames.c: what a living one says and is told.
 *
 *	DOWN --start--> STARTING --report--> UP --end of channel, breach, cut--> ENDING
 *	  ^                 |                 |                                     |
 *	  '---- report: it has ended (then a new life, at once or a little later) <-'
 */
#ifndef GEMEL_MAILCORE_PROCESS_POOL_PRIVATE_H
#define GEMEL_MAILCORE_PROCESS_POOL_PRIVATE_H

#include <sys/types.h>

#include "mailcore/process/channel.h"
#include "mailcore/process/guard.h"
#include "mailcore/process/launcher.h"
#include "mailcore/process/memory.h"
#include "mailcore/process/pool.h"

enum worker_state {
	WORKER_DOWN,
	WORKER_STARTING,
	WORKER_UP,
	WORKER_ENDING,
};

struct pool_worker {
	struct pool *pool;
	uint32_t index;
	uint32_t life;
	enum worker_state state;
	pid_t pid;
	uint64_t started_ms;
	uint32_t short_lives; /* in a row */
	bool is_cut;          /* ended by us on purpose: no death to count */
	bool is_quiet;        /* has no session and accepts none */
	bool is_paused;       /* not read until questions are answered */
	int events;           /* what the loop watches the channel for */
	qb_loop_timer_handle restart;
	const char *reason; /* why we ended it, or NULL */
	struct channel channel;
	struct guard guard;
	struct memory memory;
};

struct pool {
	struct pool_events events;
	struct smtp_settings smtp;
	uint64_t ring_bytes;
	char *worker_path;
	qb_loop_t *loop;
	pid_t launcher;
	int launcher_fd;
	bool is_closing;
	bool has_job; /* pool_turn() is queued */
	uint32_t deaths;
	struct buffer copy; /* what a worker wrote, copied out before it is looked at */
	int sockets[FRAME_SOCKETS_MAX];
	size_t socket_count;
	uint32_t quiesce; /* number of the last QUIESCE */
	bool is_quiescing;
	qb_loop_timer_handle cut;
	void (*stopped)(void *context);
	void *stopped_context;
	uint32_t worker_count;
	struct pool_worker *workers;
};

/* pool.c: flush and look round at the next turn of the loop. */
void pool_wake(struct pool *pool);

/* pool-life.c */
void worker_start(struct pool_worker *w);
/* End a worker that broke a rule or whose time is over; reason is for the log. */
void worker_end(struct pool_worker *w, const char *reason);
int32_t launcher_dispatch(int32_t fd, int32_t events, void *data);
/* Close what a life had on this side. */
void worker_release(struct pool_worker *w);

/* pool-frames.c */
int32_t worker_dispatch(int32_t fd, int32_t events, void *data);
/* Send what waits, and read on if it was paused for questions that are answered now. */
void worker_turn(struct pool_worker *w);
void worker_listen(struct pool_worker *w);
void worker_quiesce(struct pool_worker *w);
void worker_answer(struct pool *pool, struct pool_ticket ticket, struct frame *answer);

#endif
