/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/engine.h"

#include "common/clock.h"

#include <corosync/cmap.h>
#include <corosync/cpg.h>
#include <corosync/quorum.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MS 200
#define ECHO_MS 200
#define NODES_MAX 32

/* What the thread has to itself; it frees it, whenever it ends. */
struct follower {
	int news_pipe, stop; /* ends of two pipes: what it says; readable when it is to end */
	char peer[65];
	uint32_t peer_id, self_id;
	quorum_handle_t quorum;
	cpg_handle_t cpg;
	struct engine_news news;
};

struct engine {
	qb_loop_t *loop;
	int news, stop; /* the other ends */
	void (*on_news)(void *context, const struct engine_news *news);
	void *context;
};

/* ---- on the thread ---- */

static void
tell(const struct follower *f)
{
	const struct engine_news news = f->news;

	/* The pipe is full only while the loop stands still; it then has enough to read. */
	if (write(f->news_pipe, &news, sizeof(news)) < 0)
		return;
}

static bool
find_ids(struct follower *f)
{
	cmap_handle_t cmap;
	uint32_t id = 0;

	if (cmap_initialize(&cmap) != CS_OK)
		return false;
	for (int i = 0; i < NODES_MAX && id == 0; i++) {
		char key[64], *name = NULL;

		snprintf(key, sizeof(key), "nodelist.node.%d.name", i);
		if (cmap_get_string(cmap, key, &name) != CS_OK)
			continue;
		snprintf(key, sizeof(key), "nodelist.node.%d.nodeid", i);
		if (strcmp(name, f->peer) == 0 && cmap_get_uint32(cmap, key, &id) != CS_OK)
			id = 0;
		free(name);
	}
	f->peer_id = id;
	if (cmap_get_uint32(cmap, "runtime.votequorum.this_node_id", &f->self_id) != CS_OK)
		id = 0;
	cmap_finalize(cmap);
	return id != 0;
}

static void
on_quorum(quorum_handle_t handle, uint32_t is_quorate, uint64_t ring, uint32_t count, uint32_t *ids)
{
	const void *context;
	struct follower *f;

	(void)ring;
	if (quorum_context_get(handle, &context) != CS_OK)
		return;
	f = (struct follower *)context;
	f->news.is_connected = true;
	f->news.is_quorate = is_quorate;
	f->news.has_peer = false;
	for (uint32_t i = 0; i < count; i++)
		f->news.has_peer = f->news.has_peer || ids[i] == f->peer_id;
	tell(f);
}

static void
on_message(cpg_handle_t handle, const struct cpg_name *group, uint32_t node, uint32_t pid,
    void *message, size_t length)
{
	struct follower *f;
	uint64_t sent_ms;

	(void)group;
	if (cpg_context_get(handle, (void **)&f) != CS_OK || node != f->self_id ||
	    pid != (uint32_t)getpid() || length != sizeof(sent_ms))
		return;
	memcpy(&sent_ms, message, sizeof(sent_ms));
	f->news.echo_ms = sent_ms;
	tell(f);
}

/* False: corosync does not take it. */
static bool
send_echo(struct follower *f)
{
	uint64_t now_ms = clock_boot_ms();
	struct iovec part = {&now_ms, sizeof(now_ms)};
	cs_error_t result = cpg_mcast_joined(f->cpg, CPG_TYPE_AGREED, &part, 1);

	/* Busy: the next one will do. */
	return result == CS_OK || result == CS_ERR_TRY_AGAIN;
}

/* Until corosync ends (true) or the agent does. */
static bool
follow(struct follower *f)
{
	struct pollfd waiting[3] = {
	    {.events = POLLIN}, {.events = POLLIN}, {.fd = f->stop, .events = POLLIN}};
	uint64_t due_ms = 0;

	if (quorum_fd_get(f->quorum, &waiting[0].fd) != CS_OK ||
	    cpg_fd_get(f->cpg, &waiting[1].fd) != CS_OK)
		return true;
	for (;;) {
		uint64_t now_ms = clock_boot_ms();

		if (now_ms >= due_ms) {
			if (!send_echo(f))
				return true;
			due_ms = now_ms + ECHO_MS;
		}
		poll(waiting, 3, (int)(due_ms - now_ms));
		if (waiting[2].revents)
			return false;
		if (waiting[0].revents && quorum_dispatch(f->quorum, CS_DISPATCH_ALL) != CS_OK)
			return true;
		if (waiting[1].revents && cpg_dispatch(f->cpg, CS_DISPATCH_ALL) != CS_OK)
			return true;
	}
}

static bool
open_quorum(struct follower *f)
{
	quorum_callbacks_t callbacks = {.quorum_notify_fn = on_quorum};
	uint32_t type;

	if (quorum_initialize(&f->quorum, &callbacks, &type) != CS_OK)
		return false;
	if (quorum_context_set(f->quorum, f) == CS_OK &&
	    quorum_trackstart(f->quorum, CS_TRACK_CURRENT | CS_TRACK_CHANGES) == CS_OK)
		return true;
	quorum_finalize(f->quorum);
	return false;
}

static bool
open_echo(struct follower *f)
{
	cpg_callbacks_t callbacks = {.cpg_deliver_fn = on_message};
	struct cpg_name group = {0};

	/* A group of this node's own: nobody else need hear it. */
	group.length = (size_t)snprintf(
	    group.value, sizeof(group.value), "gemel-agentd-%u", (unsigned)f->self_id);
	if (cpg_initialize(&f->cpg, &callbacks) != CS_OK)
		return false;
	if (cpg_context_set(f->cpg, f) == CS_OK && cpg_join(f->cpg, &group) == CS_OK)
		return true;
	cpg_finalize(f->cpg);
	return false;
}

/* False: the agent ends. */
static bool
follow_once(struct follower *f)
{
	bool goes_on = true;

	if (!find_ids(f) || !open_quorum(f))
		return true;
	if (open_echo(f)) {
		goes_on = follow(f);
		cpg_finalize(f->cpg);
	}
	quorum_finalize(f->quorum);
	f->news.is_connected = f->news.is_quorate = f->news.has_peer = false;
	tell(f);
	return goes_on;
}

static void *
run(void *argument)
{
	struct follower *f = argument;
	struct pollfd stop = {.fd = f->stop, .events = POLLIN};

	while (follow_once(f) && poll(&stop, 1, RETRY_MS) == 0)
		continue;
	close(f->news_pipe);
	close(f->stop);
	free(f);
	return NULL;
}

/* ---- on the loop ---- */

static int32_t
on_readable(int32_t fd, int32_t events, void *data)
{
	struct engine *engine = data;
	struct engine_news news;

	(void)events;
	while (read(fd, &news, sizeof(news)) == sizeof(news))
		engine->on_news(engine->context, &news);
	return 0;
}

static int
start_thread(struct follower *f)
{
	pthread_attr_t how;
	pthread_t thread;
	int error;

	pthread_attr_init(&how);
	pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &how, run, f);
	pthread_attr_destroy(&how);
	return -error;
}

int
engine_open(qb_loop_t *loop, const char *peer,
    void (*on_news)(void *context, const struct engine_news *news), void *context,
    struct engine **engine_r)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	struct follower *f = calloc(1, sizeof(*f));
	int news[2], stop[2], error;

	if (!engine || !f || pipe2(news, O_CLOEXEC | O_NONBLOCK) != 0 ||
	    pipe2(stop, O_CLOEXEC | O_NONBLOCK) != 0)
		abort();
	*engine = (struct engine){
	    .loop = loop, .news = news[0], .stop = stop[1], .on_news = on_news, .context = context};
	f->news_pipe = news[1];
	f->stop = stop[0];
	snprintf(f->peer, sizeof(f->peer), "%s", peer);
	error = qb_loop_poll_add(loop, QB_LOOP_MED, engine->news, POLLIN, engine, on_readable);
	if (!error)
		error = start_thread(f);
	if (error) {
		close(f->news_pipe);
		close(f->stop);
		free(f);
		engine_close(&engine);
		return error;
	}
	*engine_r = engine;
	return 0;
}

void
engine_close(struct engine **engine)
{
	if (!*engine)
		return;
	qb_loop_poll_del((*engine)->loop, (*engine)->news);
	/* The closed end wakes the thread. */
	close((*engine)->stop);
	close((*engine)->news);
	free(*engine);
	*engine = NULL;
}
