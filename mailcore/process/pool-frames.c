/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/pool-private.h"

#include <errno.h>

#include "common/log.h"

/* Answers that a worker has not read beyond one per session: CONSUMED, LISTEN, QUIESCE. */
#define UNREAD_SPARE 64

static void
worker_watch(struct pool_worker *w, bool has_output)
{
	int events = (w->is_paused ? 0 : POLLIN) | (has_output ? POLLOUT : 0);

	if (events == w->events)
		return;
	w->events = events;
	qb_loop_poll_mod(w->pool->loop, QB_LOOP_MED, w->channel.fd, events, w, worker_dispatch);
}

static void
worker_flush(struct pool_worker *w)
{
	int error = channel_flush(&w->channel);

	if (error && error != -EAGAIN) {
		/* It is dead or dying; the launcher tells how. */
		worker_end(w, NULL);
		return;
	}
	if (channel_waiting(&w->channel) > w->guard.slot_count + UNREAD_SPARE) {
		worker_end(w, "it was ended: it does not read its answers");
		return;
	}
	worker_watch(w, error == -EAGAIN);
}

static void
worker_tell_refusal(const struct pool_events *events, struct slice client, struct slice text)
{
	const uint8_t *nul = memchr(text.data, 0, text.length);
	size_t length = nul ? (size_t)(nul - text.data) : text.length;
	size_t used = nul ? length + 1 : length;

	if (events->refused)
		events->refused(events->context, client, slice_from(text.data, length),
		    slice_from(text.data + used, text.length - used));
}

/* Copy what the frame names out of the shared memory, then tell the core. */
static void
worker_tell_core(struct pool_worker *w, const struct frame *f)
{
	struct pool *pool = w->pool;
	const struct pool_events *events = &pool->events;
	const struct pool_ticket ticket = {w->index, w->life, f->session};
	const size_t length = (size_t)f->first + f->second;
	const uint8_t *entry = w->memory.ring + ring_place(pool->ring_bytes, f->position);
	struct slice first, second;

	pool->copy.length = 0;
	memcpy(buffer_extend(&pool->copy, length), entry, length);
	first = slice_from(pool->copy.data, f->first);
	second = slice_from(pool->copy.data + f->first, f->second);
	if (ring_take(&w->guard.ring, length))
		channel_put(&w->channel,
		    &(struct frame){.type = FRAME_CONSUMED, .position = w->guard.ring.position});
	if (f->type == FRAME_RECIPIENT)
		events->recipient(events->context, ticket, first);
	else if (f->type == FRAME_REFUSED)
		worker_tell_refusal(events, first, second);
	else if (f->type == FRAME_STAGE)
		events->stage(events->context, ticket, first);
	else
		events->commit(events->context, ticket, first, second);
}

/* One frame from the worker. */
static void
worker_obey(struct pool_worker *w, const uint8_t *bytes)
{
	struct pool *pool = w->pool;
	enum guard_breach breach;
	struct frame f;

	if (!frame_decode(bytes, FRAME_FROM_WORKER, &f)) {
		worker_end(w, "it was ended: it sent what is no frame");
		return;
	}
	breach = guard_check(&w->guard, &f);
	if (breach) {
		worker_end(w, guard_breach_text(breach));
		return;
	}
	if (f.type == FRAME_ABANDON)
		pool->events.abandon(
		    pool->events.context, (struct pool_ticket){w->index, w->life, f.session});
	else if (f.type == FRAME_QUIET && pool->is_quiescing && f.first == pool->quiesce) {
		w->is_quiet = true;
		pool_wake(pool);
	} else if (f.type == FRAME_RECIPIENT || f.type == FRAME_STAGE || f.type == FRAME_COMMIT ||
		   f.type == FRAME_REFUSED)
		worker_tell_core(w, &f);
}

/* Serve the frames that are read. A worker whose open questions fill as much memory as its ring has
 * is not listened to until some are answered. */
static void
worker_serve(struct pool_worker *w)
{
	const uint8_t *bytes;
	size_t taken = 0;

	w->is_paused = false;
	while (w->channel.fd >= 0) {
		if (w->guard.open_bytes > w->pool->ring_bytes) {
			w->is_paused = true;
			break;
		}
		bytes = channel_next(&w->channel, &taken);
		if (!bytes)
			break;
		worker_obey(w, bytes);
	}
	if (w->channel.fd < 0)
		return;
	channel_drop(&w->channel, taken);
	worker_flush(w);
}

int32_t
worker_dispatch(int32_t fd, int32_t events, void *data)
{
	struct pool_worker *w = data;
	int got;

	(void)fd;
	if (w->is_paused || !(events & (POLLIN | POLLHUP | POLLERR))) {
		worker_flush(w);
		return 0;
	}
	got = channel_fill(&w->channel);
	if (got > 0)
		worker_serve(w);
	else if (got != -EAGAIN)
		worker_end(w, NULL);
	return 0;
}

void
worker_turn(struct pool_worker *w)
{
	if (w->channel.fd < 0)
		return;
	if (w->is_paused && w->guard.open_bytes <= w->pool->ring_bytes)
		worker_serve(w);
	else
		worker_flush(w);
}

void
worker_listen(struct pool_worker *w)
{
	struct pool *pool = w->pool;
	struct frame f = {.type = FRAME_LISTEN, .first = (uint32_t)pool->socket_count};

	if (w->channel.fd < 0)
		return;
	/* Nothing can be in the way: pool_close_sockets() ended every worker that was behind. */
	if (channel_put_sockets(&w->channel, &f, pool->sockets, pool->socket_count))
		return;
	w->is_quiet = false;
	worker_flush(w);
}

void
worker_quiesce(struct pool_worker *w)
{
	if (w->channel.fd < 0 || w->is_quiet)
		return;
	channel_put(&w->channel, &(struct frame){.type = FRAME_QUIESCE, .first = w->pool->quiesce});
	worker_flush(w);
}

void
worker_answer(struct pool *pool, struct pool_ticket ticket, struct frame *answer)
{
	struct pool_worker *w;

	if (ticket.worker >= pool->worker_count)
		return;
	w = &pool->workers[ticket.worker];
	if (w->life != ticket.life || w->channel.fd < 0 ||
	    !guard_answer(&w->guard, ticket.session, answer->type))
		return;
	answer->session = ticket.session;
	channel_put(&w->channel, answer);
	pool_wake(pool);
}
