/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/pool-private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "mailcore/process/worker.h"

/* A life this short counts towards the bound on restarts. */
#define SHORT_LIFE_MS 1000
#define SHORT_LIVES_FREE 5
#define RESTART_FIRST_MS 50
#define RESTART_MAX_MS 1000

static const struct {
	int code;
	const char *text;
} exits[] = {
    {WORKER_EXIT_CORE_GONE, "ended by itself: its channel was closed"},
    {WORKER_EXIT_SETUP, "could not set itself up: descriptors or memory"},
    {WORKER_EXIT_USER, "could not become its user or set its limits"},
    {WORKER_EXIT_EXEC,
	"could not be executed: see that the program is there and its user may run it"},
    {WORKER_EXIT_SANDBOX, "could not enter its sandbox: see that the kernel has seccomp filters"},
    {WORKER_EXIT_PROTOCOL, "did not understand the core: see that both are of one version"},
};

static void
how_it_ended(const struct pool_worker *w, int status, char *how, size_t room)
{
	if (w->reason) {
		snprintf(how, room, "%s", w->reason);
		return;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		snprintf(how, room, "killed by its sandbox: a forbidden system call");
		return;
	}
	if (WIFSIGNALED(status)) {
		snprintf(how, room, "killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
		return;
	}
	snprintf(how, room, "ended with status %d", WEXITSTATUS(status));
	for (size_t i = 0; i < sizeof(exits) / sizeof(*exits); i++)
		if (exits[i].code == WEXITSTATUS(status))
			snprintf(how, room, "%s", exits[i].text);
}

void
worker_release(struct pool_worker *w)
{
	if (w->channel.fd >= 0) {
		if (w->pool->loop)
			qb_loop_poll_del(w->pool->loop, w->channel.fd);
		channel_close(&w->channel);
	}
	memory_close(&w->memory);
	guard_close(&w->guard);
}

void
worker_end(struct pool_worker *w, const char *reason)
{
	if (w->state != WORKER_UP && w->state != WORKER_STARTING)
		return;
	w->reason = reason;
	w->state = WORKER_ENDING;
	worker_release(w);
	launcher_end(w->pool->launcher_fd, w->index, w->life);
}

static void
restart_now(void *data)
{
	struct pool_worker *w = data;

	w->restart = 0;
	worker_start(w);
}

static void
restart_later(struct pool_worker *w, uint64_t delay_ms)
{
	struct pool *pool = w->pool;

	if (qb_loop_timer_add(
		pool->loop, QB_LOOP_MED, delay_ms * 1000000, w, restart_now, &w->restart))
		log_error("smtp: worker %u cannot be started again: no timer", w->index);
}

/* At once; when its lives are short again and again, after a growing pause. */
static void
worker_restart(struct pool_worker *w)
{
	uint64_t delay_ms = RESTART_FIRST_MS;

	if (clock_boot_ms() - w->started_ms >= SHORT_LIFE_MS || w->is_cut)
		w->short_lives = 0;
	else
		w->short_lives++;
	if (w->short_lives <= SHORT_LIVES_FREE) {
		worker_start(w);
		return;
	}
	for (uint32_t i = SHORT_LIVES_FREE + 1; i < w->short_lives && delay_ms < RESTART_MAX_MS;
	     i++)
		delay_ms *= 2;
	restart_later(w, delay_ms < RESTART_MAX_MS ? delay_ms : RESTART_MAX_MS);
}

static void
worker_has_ended(struct pool_worker *w, int status)
{
	struct pool *pool = w->pool;
	uint32_t life = w->life;
	char how[160];

	how_it_ended(w, status, how, sizeof(how));
	worker_release(w);
	w->state = WORKER_DOWN;
	w->is_quiet = true;
	w->pid = 0;
	if (!w->is_cut) {
		pool->deaths++;
		log_warning(
		    "smtp: worker %u is gone: %s; its connections are lost, no accepted mail is",
		    w->index, how);
	}
	if (pool->events.worker_died)
		pool->events.worker_died(pool->events.context, w->index, life, how);
	worker_restart(w);
	pool_wake(pool);
}

/* Make what both sides need: two ends of a channel and the memory. */
static int
worker_prepare(struct pool_worker *w, int *other_end_r)
{
	int ends[2];
	int error = memory_create(&w->memory, &w->pool->smtp, w->pool->ring_bytes);

	if (error)
		return error;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends))
		return -errno;
	channel_open(&w->channel, ends[0], false);
	*other_end_r = ends[1];
	guard_open(&w->guard, &w->pool->smtp, w->pool->ring_bytes);
	w->events = POLLIN;
	return qb_loop_poll_add(w->pool->loop, QB_LOOP_MED, ends[0], POLLIN, w, worker_dispatch);
}

void
worker_start(struct pool_worker *w)
{
	int other_end = -1;
	int error;

	if (w->pool->launcher_fd < 0)
		return;
	w->life++;
	w->started_ms = clock_boot_ms();
	w->reason = NULL;
	w->is_cut = w->is_paused = false;
	w->is_quiet = true;
	w->state = WORKER_STARTING;
	error = worker_prepare(w, &other_end);
	if (!error)
		error = launcher_start(
		    w->pool->launcher_fd, w->index, w->life, other_end, w->memory.fd);
	if (other_end >= 0)
		close(other_end);
	if (error) {
		log_error("smtp: worker %u cannot be started: %s; trying again", w->index,
		    strerror(-error));
		worker_release(w);
		w->state = WORKER_DOWN;
		restart_later(w, RESTART_MAX_MS);
		return;
	}
	/* The worker has a descriptor of its own now. */
	close(w->memory.fd);
	w->memory.fd = -1;
	if (w->pool->socket_count)
		worker_listen(w);
}

static void
launcher_obey(struct pool *pool, const struct launcher_report *r)
{
	struct pool_worker *w;

	if (r->worker >= pool->worker_count || pool->workers[r->worker].life != r->life)
		return;
	w = &pool->workers[r->worker];
	switch ((enum launcher_event)r->event) {
	case LAUNCHER_READY:
		break;
	case LAUNCHER_STARTED:
		w->pid = r->value;
		if (w->state == WORKER_STARTING)
			w->state = WORKER_UP;
		break;
	case LAUNCHER_ENDED:
		worker_has_ended(w, r->value);
		break;
	case LAUNCHER_FAILED:
		log_error("smtp: worker %u cannot be started: %s; trying again", w->index,
		    strerror(r->value));
		worker_release(w);
		w->state = WORKER_DOWN;
		w->is_quiet = true;
		restart_later(w, RESTART_MAX_MS);
		pool_wake(pool);
		break;
	}
}

static void
launcher_lost(struct pool *pool)
{
	qb_loop_poll_del(pool->loop, pool->launcher_fd);
	close(pool->launcher_fd);
	pool->launcher_fd = -1;
	log_error(
	    "smtp: the launcher is dead and took all workers along: this core takes no mail any "
	    "more; restart it");
	for (uint32_t i = 0; i < pool->worker_count; i++) {
		struct pool_worker *w = &pool->workers[i];

		if (w->state == WORKER_DOWN)
			continue;
		worker_release(w);
		w->state = WORKER_DOWN;
		w->is_quiet = true;
		pool->deaths++;
		if (pool->events.worker_died)
			pool->events.worker_died(
			    pool->events.context, w->index, w->life, "its launcher died");
	}
	pool_wake(pool);
	if (pool->events.launcher_died)
		pool->events.launcher_died(pool->events.context);
}

int32_t
launcher_dispatch(int32_t fd, int32_t events, void *data)
{
	struct pool *pool = data;
	struct launcher_report report;
	int got;

	(void)events;
	while ((got = launcher_report(fd, &report)) == 1)
		launcher_obey(pool, &report);
	if (got != -EAGAIN)
		launcher_lost(pool);
	return 0;
}
