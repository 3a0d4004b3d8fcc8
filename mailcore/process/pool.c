/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/pool-private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"

/* Rings smaller than this make workers wait when many messages come at once. */
#define RING_BYTES_MIN (16u << 20)
#define INLINE_MAX (64u << 20)
/* Descriptors of a worker that are not connections: loop, channel, listeners. */
#define DESCRIPTORS_SPARE 128

static int
pool_check_settings(const struct pool_settings *s, char error[256])
{
	if (!s->workers || s->workers > LAUNCHER_WORKERS_MAX) {
		snprintf(error, 256, "%u smtp workers: must be 1 to %u", s->workers,
		    LAUNCHER_WORKERS_MAX);
		return -EINVAL;
	}
	if (!s->smtp->sessions_max || s->smtp->inline_max_bytes > INLINE_MAX) {
		snprintf(error, 256,
		    "smtp limits: sessions must be 1 or more, inline content at most %u bytes",
		    INLINE_MAX);
		return -EINVAL;
	}
	return 0;
}

/* Whom workers run as. Not root: as we do. */
static int
pool_find_user(const struct pool_settings *s, struct launcher_settings *launcher, char error[256])
{
	const struct passwd *user;

	launcher->uid = (uid_t)-1;
	launcher->gid = (gid_t)-1;
	if (geteuid() != 0) {
		log_notice(
		    "smtp: not started as root: workers run as this user (uid %u), not as %s",
		    (unsigned int)geteuid(), s->worker_user);
		return 0;
	}
	errno = 0;
	user = getpwnam(s->worker_user);
	if (!user) {
		snprintf(error, 256, "user %s: %s; create it or name another in smtp",
		    s->worker_user, errno ? strerror(errno) : "there is none");
		return errno ? -errno : -ENOENT;
	}
	if (user->pw_uid == 0) {
		snprintf(error, 256, "user %s: is root; smtp workers need a user without rights",
		    s->worker_user);
		return -EPERM;
	}
	launcher->uid = user->pw_uid;
	launcher->gid = user->pw_gid;
	return 0;
}

static struct pool *
pool_new(const struct pool_settings *settings, const struct pool_events *events)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		abort();
	pool->workers = calloc(settings->workers, sizeof(*pool->workers));
	pool->worker_path = strdup(settings->worker_path);
	if (!pool->workers || !pool->worker_path)
		abort();
	pool->events = *events;
	pool->smtp = *settings->smtp;
	pool->ring_bytes = ring_size_for(guard_entry_max(settings->smtp), RING_BYTES_MIN);
	pool->launcher_fd = -1;
	pool->worker_count = settings->workers;
	for (uint32_t i = 0; i < pool->worker_count; i++) {
		pool->workers[i].pool = pool;
		pool->workers[i].index = i;
		pool->workers[i].is_quiet = true;
		pool->workers[i].channel.fd = pool->workers[i].memory.fd = -1;
	}
	return pool;
}

/* Wait for its first word: then it has dropped its rights, or it is dead. */
static int
pool_await_launcher(struct pool *pool)
{
	struct pollfd readable = {pool->launcher_fd, POLLIN, 0};
	struct launcher_report report;

	while (poll(&readable, 1, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return launcher_report(pool->launcher_fd, &report) == 1 ? 0 : -EPERM;
}

int
pool_open(const struct pool_settings *settings, const struct pool_events *events,
    struct pool **pool_r, char error[256])
{
	struct launcher_settings launcher = {0};
	struct pool *pool;
	int status;

	status = pool_check_settings(settings, error);
	if (!status)
		status = pool_find_user(settings, &launcher, error);
	if (status)
		return status;
	pool = pool_new(settings, events);
	launcher.worker_path = pool->worker_path;
	launcher.descriptors = settings->smtp->sessions_max + DESCRIPTORS_SPARE;
	pool->launcher = launcher_open(&launcher, &pool->launcher_fd);
	status = pool->launcher < 0 ? pool->launcher : pool_await_launcher(pool);
	if (status) {
		snprintf(
		    error, 256, "the launcher of smtp workers cannot start: %s", strerror(-status));
		pool_close(&pool);
		return status;
	}
	*pool_r = pool;
	return 0;
}

int
pool_start(struct pool *pool, qb_loop_t *loop)
{
	int error;

	pool->loop = loop;
	error = qb_loop_poll_add(
	    loop, QB_LOOP_HIGH, pool->launcher_fd, POLLIN, pool, launcher_dispatch);
	if (error)
		return error;
	for (uint32_t i = 0; i < pool->worker_count; i++)
		worker_start(&pool->workers[i]);
	return 0;
}

static bool
pool_is_quiet(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->worker_count; i++)
		if (!pool->workers[i].is_quiet)
			return false;
	return true;
}

static void
pool_forget_quiesce(struct pool *pool)
{
	if (!pool->is_quiescing)
		return;
	pool->is_quiescing = false;
	qb_loop_timer_del(pool->loop, pool->cut);
}

static void
pool_turn(void *data)
{
	struct pool *pool = data;

	pool->has_job = false;
	pool_flush(pool);
	if (pool->is_quiescing && pool_is_quiet(pool)) {
		pool_forget_quiesce(pool);
		pool->stopped(pool->stopped_context);
	}
}

void
pool_wake(struct pool *pool)
{
	if (pool->has_job || !pool->loop)
		return;
	pool->has_job = qb_loop_job_add(pool->loop, QB_LOOP_HIGH, pool, pool_turn) == 0;
}

void
pool_flush(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->worker_count; i++)
		worker_turn(&pool->workers[i]);
}

static void
pool_close_sockets(struct pool *pool)
{
	/* What was not sent yet must not be sent later: its number may be another file by then. */
	for (uint32_t i = 0; i < pool->worker_count; i++)
		if (pool->workers[i].channel.socket_count)
			worker_end(&pool->workers[i], "it was ended: it does not take its sockets");
	for (size_t i = 0; i < pool->socket_count; i++)
		close(pool->sockets[i]);
	pool->socket_count = 0;
}

void
pool_listen(struct pool *pool, const int *sockets, size_t count)
{
	assert(count <= FRAME_SOCKETS_MAX);
	pool_forget_quiesce(pool);
	pool_close_sockets(pool);
	for (size_t i = 0; i < count; i++) {
		int own = fcntl(sockets[i], F_DUPFD_CLOEXEC, 0);

		if (own < 0) {
			log_error("smtp: a listening socket is not served: %s", strerror(errno));
			continue;
		}
		/* A worker that was beaten to a connection must not wait for the next one. */
		fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK);
		pool->sockets[pool->socket_count++] = own;
	}
	for (uint32_t i = 0; i < pool->worker_count; i++)
		worker_listen(&pool->workers[i]);
}

static void
pool_cut(void *data)
{
	struct pool *pool = data;

	for (uint32_t i = 0; i < pool->worker_count; i++) {
		struct pool_worker *w = &pool->workers[i];

		if (w->is_quiet)
			continue;
		log_notice("smtp: worker %u: sessions that did not end in time are cut", i);
		w->is_cut = true;
		worker_end(w, "it was ended: its sessions did not end in time");
	}
	pool->cut = 0;
}

void
pool_quiesce(struct pool *pool, uint32_t timeout_ms, void (*stopped)(void *context), void *context)
{
	pool_forget_quiesce(pool);
	pool_close_sockets(pool);
	pool->quiesce++;
	pool->is_quiescing = true;
	pool->stopped = stopped;
	pool->stopped_context = context;
	qb_loop_timer_add(
	    pool->loop, QB_LOOP_HIGH, (uint64_t)timeout_ms * 1000000, pool, pool_cut, &pool->cut);
	for (uint32_t i = 0; i < pool->worker_count; i++)
		worker_quiesce(&pool->workers[i]);
	pool_wake(pool);
}

void
pool_answer_recipient(struct pool *pool, struct pool_ticket ticket, enum recipient_verdict verdict)
{
	struct frame f = {.type = FRAME_RECIPIENT_ANSWER, .verdict = (uint8_t)verdict};

	worker_answer(pool, ticket, &f);
}

void
pool_answer_stage(struct pool *pool, struct pool_ticket ticket, enum commit_verdict verdict)
{
	struct frame f = {.type = FRAME_STAGE_ANSWER, .verdict = (uint8_t)verdict};

	worker_answer(pool, ticket, &f);
}

void
pool_answer_commit(
    struct pool *pool, struct pool_ticket ticket, enum commit_verdict verdict, const char *id_text)
{
	struct frame f = {.type = FRAME_COMMIT_ANSWER, .verdict = (uint8_t)verdict};

	if (id_text) {
		f.text_length = (uint8_t)strnlen(id_text, FRAME_TEXT_MAX);
		memcpy(f.text, id_text, f.text_length);
	}
	worker_answer(pool, ticket, &f);
}

uint32_t
pool_workers_alive(const struct pool *pool)
{
	uint32_t alive = 0;

	for (uint32_t i = 0; i < pool->worker_count; i++)
		alive += pool->workers[i].state == WORKER_UP;
	return alive;
}

pid_t
pool_worker_pid(const struct pool *pool, uint32_t worker)
{
	assert(worker < pool->worker_count);
	return pool->workers[worker].state == WORKER_UP ? pool->workers[worker].pid : 0;
}

uint32_t
pool_worker_deaths(const struct pool *pool)
{
	return pool->deaths;
}

uint32_t
pool_sessions(const struct pool *pool)
{
	uint32_t sessions = 0;

	for (uint32_t i = 0; i < pool->worker_count; i++)
		sessions += pool->workers[i].guard.sessions;
	return sessions;
}

void
pool_close(struct pool **pool_r)
{
	struct pool *pool = *pool_r;

	*pool_r = NULL;
	if (!pool)
		return;
	if (pool->loop) {
		pool_forget_quiesce(pool);
		if (pool->has_job)
			qb_loop_job_del(pool->loop, QB_LOOP_HIGH, pool, pool_turn);
		if (pool->launcher_fd >= 0)
			qb_loop_poll_del(pool->loop, pool->launcher_fd);
	}
	for (uint32_t i = 0; i < pool->worker_count; i++) {
		worker_release(&pool->workers[i]);
		if (pool->workers[i].restart)
			qb_loop_timer_del(pool->loop, pool->workers[i].restart);
	}
	if (pool->launcher_fd >= 0)
		close(pool->launcher_fd);
	if (pool->launcher > 0)
		while (waitpid(pool->launcher, NULL, 0) < 0 && errno == EINTR)
			;
	pool_close_sockets(pool);
	buffer_close(&pool->copy);
	free(pool->workers);
	free(pool->worker_path);
	free(pool);
}
