/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness/client.h"

#include <assert.h>
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
#include "witness/link.h"
#include "witness/messages.h"

#define SAID_MAX 256

/* One that waits for its callback. */
struct question {
	struct question *next;
	uint64_t tag, begun_ms, deadline_ms;
	bool is_done;
	int result;
	witness_answered *answered; /* or */
	witness_echoed *echoed;
	void *context;
	uint64_t nonce;
	enum register_verdict verdict;
	struct register_row row;
};

struct witness_client {
	qb_loop_t *loop;
	qb_loop_timer_handle timer;
	struct tls_context *tls;
	struct sockaddr_storage address;
	socklen_t address_length;
	char *address_text, *host;
	char pair[PAIR_NAME_MAX + 1];

	struct link link;
	struct wire *wire;
	bool is_tcp_connected, is_delivering, polls_write;
	char said[SAID_MAX]; /* the last trouble that was logged */

	uint64_t next_tag;
	struct question *questions; /* the oldest first */
};

static void client_arm(struct witness_client *client);

/* -- questions -- */

static struct question *
question_begin(struct witness_client *client, void *context, uint32_t timeout_ms)
{
	struct question *question = calloc(1, sizeof(*question)), **at = &client->questions;

	if (!question)
		abort();
	question->tag = client->next_tag++;
	question->context = context;
	question->begun_ms = clock_boot_ms();
	question->deadline_ms = question->begun_ms + timeout_ms;
	while (*at)
		at = &(*at)->next;
	*at = question;
	return question;
}

static void
question_end(struct question *question, int result)
{
	if (question->is_done)
		return;
	question->is_done = true;
	question->result = result;
}

static void
questions_end(struct witness_client *client, int result)
{
	for (struct question *q = client->questions; q; q = q->next)
		question_end(q, result);
}

static void
questions_time_out(struct witness_client *client, uint64_t now_ms)
{
	for (struct question *q = client->questions; q; q = q->next) {
		if (q->is_done || now_ms < q->deadline_ms)
			continue;
		if (client->wire)
			h2_cancel(wire_h2(client->wire), q->tag);
		question_end(q, -ETIMEDOUT);
	}
}

static void
question_deliver(struct question *question)
{
	if (question->answered)
		question->answered(
		    question->context, question->result, question->verdict, &question->row);
	else
		question->echoed(question->context, question->result, question->begun_ms);
	free(question);
}

/* Call back those that are done now; what they ask meanwhile waits for the loop. */
static void
questions_deliver(struct witness_client *client)
{
	struct question **at = &client->questions, *done = NULL, **end = &done;

	while (*at) {
		struct question *question = *at;

		if (!question->is_done) {
			at = &question->next;
			continue;
		}
		*at = question->next;
		question->next = NULL;
		*end = question;
		end = &question->next;
	}
	client->is_delivering = true;
	while (done) {
		struct question *question = done;

		done = question->next;
		question_deliver(question);
	}
	client->is_delivering = false;
}

/* -- what the witness says -- */

static int
result_of(int status)
{
	switch (status) {
	case GRPC_OK:
		return 0;
	case GRPC_PERMISSION_DENIED:
	case GRPC_UNAUTHENTICATED:
		return -EACCES;
	case GRPC_DATA_LOSS:
		return -EBADMSG;
	case GRPC_UNAVAILABLE:
		return -EAGAIN;
	case -ECONNRESET:
		return -ENOTCONN;
	default:
		return -EPROTO;
	}
}

static void
on_answer(void *context, uint64_t tag, int status, struct slice message, const char *reason)
{
	struct witness_client *client = context;
	struct question *q = client->questions;
	int result = result_of(status);
	uint64_t nonce;

	link_step(&client->link, LINK_HEARD, clock_boot_ms());
	while (q && q->tag != tag)
		q = q->next;
	if (!q || q->is_done)
		return;
	if (result == 0 && q->answered && !messages_take_answer(message, &q->verdict, &q->row))
		result = -EPROTO;
	if (result == 0 && q->echoed && (!messages_take_echo(message, &nonce) || nonce != q->nonce))
		result = -EPROTO;
	if (result && reason[0])
		log_warning("witness: %s says: %s", client->address_text, reason);
	question_end(q, result);
}

static void
on_pong(void *context, uint64_t nonce)
{
	struct witness_client *client = context;

	(void)nonce;
	link_step(&client->link, LINK_HEARD, clock_boot_ms());
}

/* -- the connection -- */

static void
say_trouble(struct witness_client *client, const char *reason)
{
	if (strcmp(client->said, reason) == 0)
		return;
	snprintf(client->said, sizeof(client->said), "%s", reason);
	log_warning(
	    "witness: %s: %s; it is tried again until it answers", client->address_text, reason);
}

static void
drop(struct witness_client *client)
{
	if (client->wire) {
		qb_loop_poll_del(client->loop, wire_fd(client->wire));
		wire_close(&client->wire);
	}
	questions_end(client, -ENOTCONN);
}

static void
lose(struct witness_client *client, const char *reason)
{
	say_trouble(client, reason);
	drop(client);
	link_step(&client->link, LINK_LOST, clock_boot_ms());
}

static int32_t on_socket(int32_t fd, int32_t events, void *data);

static void
pump(struct witness_client *client)
{
	bool was_up = client->link.state == LINK_UP, wants_write;
	int result;

	if (!client->wire || !client->is_tcp_connected)
		return;
	result = wire_pump(client->wire, clock_boot_ms());
	if (result) {
		lose(client, wire_reason(client->wire, result));
		return;
	}
	if (!was_up && h2_is_proved(wire_h2(client->wire))) {
		link_step(&client->link, LINK_HEARD, clock_boot_ms());
		client->said[0] = '\0';
		log_info("witness: connected to %s", client->address_text);
	}
	wants_write = wire_wants_write(client->wire);
	if (wants_write != client->polls_write)
		qb_loop_poll_mod(client->loop, QB_LOOP_HIGH, wire_fd(client->wire),
		    wants_write ? POLLIN | POLLOUT : POLLIN, client, on_socket);
	client->polls_write = wants_write;
}

static int32_t
on_socket(int32_t fd, int32_t events, void *data)
{
	struct witness_client *client = data;
	socklen_t length = sizeof(int);
	int error = 0;

	(void)events;
	if (!client->is_tcp_connected) {
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
		client->is_tcp_connected = error == 0;
	}
	if (error)
		lose(client, strerror(error));
	pump(client);
	questions_deliver(client);
	client_arm(client);
	return 0;
}

static int
open_socket(const struct witness_client *client)
{
	const int on = 1;
	const unsigned silence_ms = LINK_SILENCE_MS;
	int fd = socket(client->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
	if (connect(fd, (const struct sockaddr *)&client->address, client->address_length) != 0 &&
	    errno != EINPROGRESS) {
		int result = -errno;

		close(fd);
		return result;
	}
	return fd;
}

static void
begin_connection(struct witness_client *client)
{
	const struct h2_events events = {
	    .context = client, .on_answer = on_answer, .on_pong = on_pong};
	int fd = open_socket(client);

	if (fd < 0) {
		lose(client, strerror(-fd));
		return;
	}
	client->wire = wire_open(
	    fd, tls_open(client->tls, client->host), h2_open_client(&events, MESSAGES_MAX));
	client->is_tcp_connected = false;
	client->polls_write = true;
	if (qb_loop_poll_add(client->loop, QB_LOOP_HIGH, fd, POLLIN | POLLOUT, client, on_socket) !=
	    0)
		abort();
}

static void
on_timer(void *data)
{
	struct witness_client *client = data;
	uint64_t now_ms = clock_boot_ms();

	client->timer = 0;
	questions_time_out(client, now_ms);
	switch (link_step(&client->link, LINK_TICK, now_ms)) {
	case LINK_NOTHING:
		break;
	case LINK_CONNECT:
		begin_connection(client);
		break;
	case LINK_PING:
		h2_ping(wire_h2(client->wire), now_ms);
		break;
	case LINK_DROP:
		say_trouble(client, "it is silent");
		drop(client);
		break;
	}
	pump(client);
	questions_deliver(client);
	client_arm(client);
}

/* Let the timer come when something is next due. */
static void
client_arm(struct witness_client *client)
{
	uint64_t now_ms = clock_boot_ms(), due_ms = link_deadline(&client->link);

	for (const struct question *q = client->questions; q; q = q->next) {
		uint64_t its_ms = q->is_done ? now_ms : q->deadline_ms;

		if (its_ms < due_ms)
			due_ms = its_ms;
	}
	if (client->timer)
		qb_loop_timer_del(client->loop, client->timer);
	if (qb_loop_timer_add(client->loop, QB_LOOP_HIGH,
		due_ms > now_ms ? (due_ms - now_ms) * 1000000 : 0, client, on_timer,
		&client->timer) != 0)
		abort();
}

/* -- for the caller -- */

static int
take_settings(struct witness_client *client, const struct witness_client_settings *settings,
    char error[TLS_ERROR_MAX])
{
	if (settings->address[0] == '*' ||
	    listener_parse(settings->address, &client->address, &client->address_length) != 0) {
		snprintf(error, TLS_ERROR_MAX,
		    "witness address \"%.80s\" is no numeric address and port; write "
		    "\"192.0.2.9:4573\" or \"[2001:db8::9]:4573\"",
		    settings->address);
		return -EINVAL;
	}
	if (!asker_is_pair_name(slice_of(settings->pair))) {
		snprintf(error, TLS_ERROR_MAX,
		    "\"%.80s\" is no name of a pair: 1 to 63 of a-z, 0-9 and \"-\" inside",
		    settings->pair);
		return -EINVAL;
	}
	strcpy(client->pair, settings->pair);
	client->address_text = strdup(settings->address);
	client->host = strdup(settings->host);
	if (!client->address_text || !client->host)
		abort();
	return tls_context_open(&settings->files, TLS_CLIENT, H2_ALPN, &client->tls, error);
}

int
witness_client_open(qb_loop_t *loop, const struct witness_client_settings *settings,
    struct witness_client **client_r, char error[TLS_ERROR_MAX])
{
	struct witness_client *client = calloc(1, sizeof(*client));
	int result;

	if (!client)
		abort();
	client->loop = loop;
	result = take_settings(client, settings, error);
	link_open(&client->link, clock_boot_ms());
	if (result)
		witness_client_close(&client);
	else
		client_arm(client);
	*client_r = client;
	return result;
}

bool
witness_is_connected(const struct witness_client *client)
{
	return client->link.state == LINK_UP;
}

int
witness_client_reload(struct witness_client *client, char error[TLS_ERROR_MAX])
{
	return tls_context_reload(client->tls, error);
}

static void
send_question(struct witness_client *client, struct question *question, const char *path,
    const uint8_t *message, size_t length)
{
	int result = witness_is_connected(client) ? h2_ask(wire_h2(client->wire), question->tag,
							path, slice_from(message, length))
						  : -ENOTCONN;

	if (result)
		question_end(question, result);
	/* It may lose the connection, and then marks the question; nothing is called back here. */
	pump(client);
	client_arm(client);
}

void
witness_ask(struct witness_client *client, const struct register_ask *ask,
    witness_answered *answered, void *context, uint32_t timeout_ms)
{
	struct question *question = question_begin(client, context, timeout_ms);
	uint8_t message[MESSAGES_MAX];

	question->answered = answered;
	send_question(client, question, MESSAGES_PATH_REGISTER, message,
	    messages_put_ask(client->pair, ask, message));
}

void
witness_echo(struct witness_client *client, uint64_t nonce, witness_echoed *echoed, void *context,
    uint32_t timeout_ms)
{
	struct question *question = question_begin(client, context, timeout_ms);
	uint8_t message[MESSAGES_MAX];

	question->echoed = echoed;
	question->nonce = nonce;
	send_question(
	    client, question, MESSAGES_PATH_ECHO, message, messages_put_echo(nonce, message));
}

void
witness_client_close(struct witness_client **client)
{
	struct witness_client *c = *client;

	if (!c)
		return;
	assert(!c->is_delivering);
	if (c->wire) {
		qb_loop_poll_del(c->loop, wire_fd(c->wire));
		wire_close(&c->wire);
	}
	questions_end(c, -ECANCELED);
	questions_deliver(c);
	assert(!c->questions);
	if (c->timer)
		qb_loop_timer_del(c->loop, c->timer);
	tls_context_close(&c->tls);
	free(c->address_text);
	free(c->host);
	free(c);
	*client = NULL;
}
