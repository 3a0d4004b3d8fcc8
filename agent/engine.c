/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/engine.h"

#include <corosync/cmap.h>
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
#define NODES_MAX 32

/* What the thread has to itself; it frees it, whenever it ends. */
struct follower {
	int news, stop; /* ends of two pipes: what it says; readable when it is to end */
	char peer[65];
	uint32_t peer_id; /* 0: not known */
};

struct engine {
	qb_loop_t *loop;
	int news, stop; /* the other ends */
	void (*on_news)(void *context, const struct engine_news *news);
	void *context;
};

/* ---- on the thread ---- */

static void
tell(const struct follower *f, const struct engine_news *news)
{
	/* The pipe is full only while the loop stands still; it then has enough to read. */
	if (write(f->news, news, sizeof(*news)) < 0)
		return;
}

static uint32_t
find_peer_id(const char *peer)
{
	cmap_handle_t cmap;
	uint32_t id = 0;

	if (cmap_initialize(&cmap) != CS_OK)
		return 0;
	for (int i = 0; i < NODES_MAX && id == 0; i++) {
		char key[64], *name = NULL;

		snprintf(key, sizeof(key), "nodelist.node.%d.name", i);
		if (cmap_get_string(cmap, key, &name) != CS_OK)
			continue;
		snprintf(key, sizeof(key), "nodelist.node.%d.nodeid", i);
		if (strcmp(name, peer) == 0 && cmap_get_uint32(cmap, key, &id) != CS_OK)
			id = 0;
		free(name);
	}
	cmap_finalize(cmap);
	return id;
}

static void
on_quorum(quorum_handle_t handle, uint32_t is_quorate, uint64_t ring, uint32_t count, uint32_t *ids)
{
	struct engine_news news = {.is_connected = true, .is_quorate = is_quorate};
	const struct follower *f;
	const void *context;

	(void)ring;
	if (quorum_context_get(handle, &context) != CS_OK)
		return;
	f = context;
	for (uint32_t i = 0; i < count; i++)
		news.has_peer = news.has_peer || ids[i] == f->peer_id;
	tell(f, &news);
}

/* Until corosync ends (true) or the agent does. */
static bool
follow(struct follower *f, quorum_handle_t quorum)
{
	struct pollfd waiting[2] = {{.events = POLLIN}, {.fd = f->stop, .events = POLLIN}};

	if (quorum_fd_get(quorum, &waiting[0].fd) != CS_OK ||
	    quorum_context_set(quorum, f) != CS_OK ||
	    quorum_trackstart(quorum, CS_TRACK_CURRENT | CS_TRACK_CHANGES) != CS_OK)
		return true;
	for (;;) {
		poll(waiting, 2, -1);
		if (waiting[1].revents)
			return false;
		if (waiting[0].revents && quorum_dispatch(quorum, CS_DISPATCH_ALL) != CS_OK)
			return true;
	}
}

/* False: the agent ends. */
static bool
follow_once(struct follower *f)
{
	quorum_callbacks_t callbacks = {.quorum_notify_fn = on_quorum};
	const struct engine_news lost = {0};
	quorum_handle_t quorum;
	uint32_t type;
	bool goes_on;

	f->peer_id = find_peer_id(f->peer);
	if (f->peer_id == 0 || quorum_initialize(&quorum, &callbacks, &type) != CS_OK)
		return true;
	goes_on = follow(f, quorum);
	quorum_finalize(quorum);
	tell(f, &lost);
	return goes_on;
}

static void *
run(void *argument)
{
	struct follower *f = argument;
	struct pollfd stop = {.fd = f->stop, .events = POLLIN};

	while (follow_once(f) && poll(&stop, 1, RETRY_MS) == 0)
		continue;
	close(f->news);
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
	f->news = news[1];
	f->stop = stop[0];
	snprintf(f->peer, sizeof(f->peer), "%s", peer);
	error = qb_loop_poll_add(loop, QB_LOOP_MED, engine->news, POLLIN, engine, on_readable);
	if (!error)
		error = start_thread(f);
	if (error) {
		close(f->news);
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
