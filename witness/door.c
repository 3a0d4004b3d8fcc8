/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/listener.h"
#include "common/log.h"
#include "common/wire.h"
#include "witness/server.h"

struct guest {
	struct guest *next; /* who came earlier */
	struct door *door;
	struct wire *wire;
	uint64_t begun_ms, heard_ms;
	bool is_known, polls_write;
	char address[INET6_ADDRSTRLEN];
};

struct door {
	qb_loop_t *loop;
	struct tls_context *tls;
	struct keeper *keeper;
	struct guest *guests; /* the newest first */
	size_t count, listener_count;
	int listeners[DOOR_LISTENERS_MAX];
};

/* -- guests -- */

static void
guest_close(struct guest *guest)
{
	struct guest **at = &guest->door->guests;

	while (*at != guest)
		at = &(*at)->next;
	*at = guest->next;
	guest->door->count--;
	qb_loop_poll_del(guest->door->loop, wire_fd(guest->wire));
	wire_close(&guest->wire);
	free(guest);
}

static void
on_request(void *context, int32_t call, const char *path, struct slice message)
{
	struct guest *guest = context;
	struct witness_reply reply;

	witness_answer(guest->door->keeper, wire_peer_uri(guest->wire), path, message, &reply);
	h2_answer(wire_h2(guest->wire), call, reply.status, slice_from(reply.message, reply.length),
	    reply.reason);
}

/* A node that comes again and again must not keep the others out. */
static void
close_surplus(struct guest *newest)
{
	struct guest *oldest = NULL;
	unsigned count = 0;

	for (struct guest *g = newest->door->guests; g; g = g->next) {
		if (!g->is_known ||
		    strcmp(wire_peer_uri(g->wire), wire_peer_uri(newest->wire)) != 0)
			continue;
		count++;
		oldest = g;
	}
	if (count > DOOR_GUESTS_EACH)
		guest_close(oldest);
}

static int32_t on_guest(int32_t fd, int32_t events, void *data);

static void
guest_pump(struct guest *guest)
{
	int result = wire_pump(guest->wire, clock_boot_ms());
	bool wants_write = wire_wants_write(guest->wire);

	if (result) {
		/* Most are strangers who knock, and nothing that anybody could mend. */
		log_line(result == -EKEYREJECTED ? LOG_WARNING : LOG_INFO,
		    "witness: connection from %s (%.128s) ended: %s", guest->address,
		    guest->is_known ? wire_peer_uri(guest->wire) : "no certificate",
		    wire_reason(guest->wire, result));
		guest_close(guest);
		return;
	}
	if (wants_write != guest->polls_write)
		qb_loop_poll_mod(guest->door->loop, QB_LOOP_HIGH, wire_fd(guest->wire),
		    wants_write ? POLLIN | POLLOUT : POLLIN, guest, on_guest);
	guest->polls_write = wants_write;
	if (guest->is_known || !wire_is_open(guest->wire))
		return;
	guest->is_known = true;
	log_info("witness: %.128s connected from %s", wire_peer_uri(guest->wire), guest->address);
	close_surplus(guest);
}

static int32_t
on_guest(int32_t fd, int32_t events, void *data)
{
	struct guest *guest = data;

	(void)fd;
	if (events & POLLIN)
		guest->heard_ms = clock_boot_ms();
	guest_pump(guest);
	return 0;
}

static bool
make_room(struct door *door)
{
	struct guest *oldest = NULL;

	if (door->count < DOOR_GUESTS_MAX)
		return true;
	for (struct guest *g = door->guests; g; g = g->next)
		if (!g->is_known)
			oldest = g;
	if (!oldest)
		return false;
	guest_close(oldest);
	return true;
}

static void
let_in(struct door *door, int fd, const struct sockaddr_storage *from)
{
	const void *address = from->ss_family == AF_INET6
				  ? (const void *)&((const struct sockaddr_in6 *)from)->sin6_addr
				  : (const void *)&((const struct sockaddr_in *)from)->sin_addr;
	struct guest *guest = calloc(1, sizeof(*guest));
	const struct h2_events events = {.context = guest, .on_request = on_request};
	const int on = 1;

	if (!guest)
		abort();
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	inet_ntop(from->ss_family, address, guest->address, sizeof(guest->address));
	guest->door = door;
	guest->begun_ms = guest->heard_ms = clock_boot_ms();
	guest->wire =
	    wire_open(fd, tls_open(door->tls, NULL), h2_open_server(&events, MESSAGES_MAX));
	guest->next = door->guests;
	door->guests = guest;
	door->count++;
	if (qb_loop_poll_add(door->loop, QB_LOOP_HIGH, fd, POLLIN, guest, on_guest) != 0)
		guest_close(guest);
}

static int32_t
on_knock(int32_t listener, int32_t events, void *data)
{
	struct door *door = data;
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	int fd = accept4(listener, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return 0;
	if (make_room(door)) {
		let_in(door, fd, &from);
	} else {
		log_warning("witness: a connection was refused: there are %d", DOOR_GUESTS_MAX);
		close(fd);
	}
	return 0;
}

/* -- the door -- */

int
door_open(const struct config_list *listen, struct tls_context *tls, struct door **door_r,
    char error[TLS_ERROR_MAX])
{
	struct door *door = calloc(1, sizeof(*door));

	if (!door)
		abort();
	door->tls = tls;
	for (size_t i = 0; i < listen->count; i++) {
		int fd = i < DOOR_LISTENERS_MAX ? listener_open(listen->items[i]) : -E2BIG;

		if (fd < 0) {
			snprintf(error, TLS_ERROR_MAX,
			    "cannot listen on \"%.80s\": %s; change \"listen\" of section "
			    "\"witness\", or end what has the port",
			    listen->items[i], strerror(-fd));
			door_close(&door);
			return fd;
		}
		door->listeners[door->listener_count++] = fd;
	}
	*door_r = door;
	return 0;
}

void
door_serve(struct door *door, qb_loop_t *loop, struct keeper *keeper)
{
	door->loop = loop;
	door->keeper = keeper;
	for (size_t i = 0; i < door->listener_count; i++)
		if (qb_loop_poll_add(
			loop, QB_LOOP_HIGH, door->listeners[i], POLLIN, door, on_knock) != 0)
			abort();
}

void
door_tick(struct door *door, uint64_t now_ms)
{
	struct guest *next;

	for (struct guest *g = door->guests; g; g = next) {
		next = g->next;
		if (now_ms - g->heard_ms < DOOR_SILENCE_MS &&
		    (g->is_known || now_ms - g->begun_ms < DOOR_HANDSHAKE_MS))
			continue;
		log_info("witness: connection from %s ended: it says nothing", g->address);
		guest_close(g);
	}
}

void
door_close(struct door **door)
{
	if (!*door)
		return;
	while ((*door)->guests) {
		struct guest *guest = (*door)->guests;

		h2_end(wire_h2(guest->wire));
		wire_pump(guest->wire, clock_boot_ms());
		guest_close(guest);
	}
	for (size_t i = 0; i < (*door)->listener_count; i++) {
		if ((*door)->loop)
			qb_loop_poll_del((*door)->loop, (*door)->listeners[i]);
		close((*door)->listeners[i]);
	}
	free(*door);
	*door = NULL;
}
