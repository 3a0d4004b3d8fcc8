/* SPDX-License-Identifier: BSD-2-Clause */
/* gemel-smtp: see worker.h. */
#include "mailcore/process/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "mailcore/process/connection.h"
#include "mailcore/process/launcher.h"
#include "mailcore/process/sandbox.h"

/* Connections taken from one socket before others get their turn, also other workers. */
#define ACCEPT_BURST 8

struct worker;

struct listener {
	struct worker *worker;
	int fd;
	uv_poll_t poll;
	struct listener *next;
};

struct worker {
	struct smtp_settings settings;
	uv_loop_t loop;
	uv_poll_t channel_poll;
	uv_prepare_t before_poll;
	uv_check_t after_poll;
	uv_timer_t timer;
	uv_tcp_t first;
	bool is_congested; /* the core has to read first */
	bool is_accepting;
	bool is_starved; /* said so in the log, and connections still wait */
	bool is_quiescing;
	uint32_t quiesce;       /* the number of the last QUIESCE */
	uint32_t told_sessions; /* what the core was told last */
	struct listener *listeners;
	struct service service;
};

/* The address as the envelope has it (RFC 5321 4.1.3 without brackets). */
static struct slice
client_literal(const struct sockaddr_storage *address, char *out, size_t room)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	static const char prefix[] = "IPv6:";

	out[0] = '\0';
	if (address->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, out, (socklen_t)room);
	else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, (socklen_t)room);
	else if (address->ss_family == AF_INET6) {
		memcpy(out, prefix, sizeof(prefix));
		inet_ntop(AF_INET6, &v6->sin6_addr, out + sizeof(prefix) - 1,
		    (socklen_t)(room - sizeof(prefix) + 1));
	}
	return slice_of(out);
}

static void
refuse(const struct worker *w, int fd)
{
	char text[512];
	int length = snprintf(text, sizeof(text),
	    "421 4.3.2 %s too many connections, try again later\r\n", w->settings.hostname);

	/* Should it not fit, the client learns from the closed connection. */
	if (length > 0 && send(fd, text, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		shutdown(fd, SHUT_WR);
	close(fd);
}

static void on_connection(uv_poll_t *poll, int status, int events);

/* Without descriptors or memory we look again at the next tick; connections wait in the kernel. */
static void
set_accepting(struct worker *w, bool is_accepting)
{
	w->is_accepting = is_accepting;
	if (!is_accepting)
		uv_timer_again(&w->timer);
	for (struct listener *l = w->listeners; l; l = l->next)
		if (is_accepting)
			uv_poll_start(&l->poll, UV_READABLE, on_connection);
		else
			uv_poll_stop(&l->poll);
}

static void
accept_failed(struct worker *w, int error)
{
	if (error == EAGAIN)
		w->is_starved = false;
	if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
		return;
	if (!w->is_starved)
		log_warning(
		    "gemel-smtp: connections have to wait: %s; raise the limit or lower sessions",
		    strerror(error));
	w->is_starved = true;
	set_accepting(w, false);
}

static void
on_connection(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct worker *w = l->worker;
	char literal[sizeof("IPv6:") + INET6_ADDRSTRLEN];

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		int fd = accept4(
		    l->fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			accept_failed(w, errno);
			return;
		}
		if (!connection_open(
			&w->service, fd, client_literal(&address, literal, sizeof(literal))))
			refuse(w, fd);
	}
}

static void
on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;

	close(l->fd);
	free(l);
}

static void
listeners_close(struct worker *w)
{
	while (w->listeners) {
		struct listener *l = w->listeners;

		w->listeners = l->next;
		uv_close((uv_handle_t *)&l->poll, on_listener_closed);
	}
}

static void
listener_open(struct worker *w, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));
	int on = 1;

	if (!l)
		abort();
	l->worker = w;
	l->fd = fd;
	l->poll.data = l;
	l->next = w->listeners;
	w->listeners = l;
	/* Accepted sockets inherit it: replies must not wait for acknowledgements. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (uv_poll_init(&w->loop, &l->poll, fd))
		_exit(WORKER_EXIT_PROTOCOL);
}

static bool
obey_listen(struct worker *w, const struct frame *f)
{
	struct channel *channel = &w->service.channel;

	if (f->first != channel->received_count)
		return false;
	listeners_close(w);
	w->is_quiescing = false;
	for (size_t i = 0; i < channel->received_count; i++)
		listener_open(w, channel->received[i]);
	channel->received_count = 0;
	set_accepting(w, true);
	return true;
}

static void
obey_quiesce(struct worker *w, const struct frame *f)
{
	listeners_close(w);
	w->is_quiescing = true;
	w->quiesce = f->first;
	service_quiesce(&w->service);
}

static bool
obey(struct worker *w, const uint8_t *bytes)
{
	struct frame f;

	if (!frame_decode(bytes, FRAME_FROM_CORE, &f))
		return false;
	switch (f.type) {
	case FRAME_RECIPIENT_ANSWER:
	case FRAME_STAGE_ANSWER:
	case FRAME_COMMIT_ANSWER:
		return service_answer(&w->service, &f);
	case FRAME_CONSUMED:
		return service_release(&w->service, f.position);
	case FRAME_LISTEN:
		return obey_listen(w, &f);
	case FRAME_QUIESCE:
		obey_quiesce(w, &f);
		return true;
	case FRAME_RECIPIENT:
	case FRAME_STAGE:
	case FRAME_COMMIT:
	case FRAME_ABANDON:
	case FRAME_REFUSED:
	case FRAME_SESSIONS:
	case FRAME_QUIET:
	case FRAME_TYPES:
		break;
	}
	return false;
}

static void on_channel(uv_poll_t *poll, int status, int events);

/* What the core does not know yet goes along with the questions, or alone at the next tick. */
static void
tell_sessions(struct worker *w)
{
	uint32_t sessions = service_sessions(&w->service);
	struct channel *channel = &w->service.channel;

	if (sessions == w->told_sessions)
		return;
	channel_put(channel, &(struct frame){.type = FRAME_SESSIONS, .first = sessions});
	w->told_sessions = sessions;
}

/* The end of a turn: everything for the core by one call. */
static void
flush(struct worker *w)
{
	struct channel *channel = &w->service.channel;
	int error;

	if (w->is_quiescing && !service_sessions(&w->service)) {
		channel_put(channel, &(struct frame){.type = FRAME_QUIET, .first = w->quiesce});
		w->is_quiescing = false;
		w->told_sessions = 0;
	}
	if (w->service.wheel.count && !uv_is_active((uv_handle_t *)&w->timer))
		uv_timer_again(&w->timer);
	if (!channel_waiting(channel))
		return;
	tell_sessions(w);
	error = channel_flush(channel);
	if (error && error != -EAGAIN)
		_exit(WORKER_EXIT_CORE_GONE);
	if (w->is_congested != (error == -EAGAIN)) {
		w->is_congested = !w->is_congested;
		uv_poll_start(&w->channel_poll, UV_READABLE | (w->is_congested ? UV_WRITABLE : 0),
		    on_channel);
	}
}

static void
on_channel(uv_poll_t *poll, int status, int events)
{
	struct worker *w = poll->data;
	struct channel *channel = &w->service.channel;
	const uint8_t *bytes;
	size_t taken = 0;
	int got;

	if (status == 0 && !(events & UV_READABLE))
		return;
	got = channel_fill(channel);
	if (got == -EAGAIN)
		return;
	if (got <= 0)
		_exit(WORKER_EXIT_CORE_GONE);
	while ((bytes = channel_next(channel, &taken)))
		if (!obey(w, bytes))
			_exit(WORKER_EXIT_PROTOCOL);
	channel_drop(channel, taken);
}

static void
on_tick(uv_timer_t *timer)
{
	struct worker *w = timer->data;

	service_tick(&w->service);
	if (!w->is_accepting)
		set_accepting(w, true);
	tell_sessions(w);
	if (!w->service.wheel.count)
		uv_timer_stop(timer);
}

static void
on_prepare(uv_prepare_t *prepare)
{
	flush(prepare->data);
}

static void
on_check(uv_check_t *check)
{
	flush(check->data);
}

static int
worker_open(struct worker *w)
{
	struct service *service = &w->service;
	int error = memory_attach(&service->memory, LAUNCHER_MEMORY_FD, &w->settings);

	if (!error)
		error = uv_loop_init(&w->loop);
	if (error)
		return error;
	/* The first socket handle makes libuv open its spare descriptor; there is no opening later.
	 */
	uv_tcp_init(&w->loop, &w->first);
	channel_open(&service->channel, LAUNCHER_CHANNEL_FD, true);
	service->loop = &w->loop;
	service->ring.size = service->memory.ring_bytes;
	service_open(service, &w->settings);
	w->is_accepting = true;
	w->channel_poll.data = w->before_poll.data = w->after_poll.data = w->timer.data = w;
	uv_prepare_init(&w->loop, &w->before_poll);
	uv_prepare_start(&w->before_poll, on_prepare);
	uv_check_init(&w->loop, &w->after_poll);
	uv_check_start(&w->after_poll, on_check);
	uv_timer_init(&w->loop, &w->timer);
	uv_timer_start(&w->timer, on_tick, WHEEL_STEP_MS, WHEEL_STEP_MS);
	error = uv_poll_init(&w->loop, &w->channel_poll, LAUNCHER_CHANNEL_FD);
	return error ? error : uv_poll_start(&w->channel_poll, UV_READABLE, on_channel);
}

int
main(void)
{
	struct worker *w = calloc(1, sizeof(*w));

	/* They are meant for the core; when that goes, so do we. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (!w || worker_open(w))
		return WORKER_EXIT_SETUP;
	if (sandbox_enter())
		return WORKER_EXIT_SANDBOX;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	return WORKER_EXIT_PROTOCOL;
}
