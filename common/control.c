/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/control.h"

#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libqb sees only at the end of a wait that the other side has gone: so wait in pieces. An answer
 * ends a piece at once. */
#define PIECE_MS 20

/* Milliseconds until deadline_ms, at most as many as a piece has; 0: it is over. */
static int
control_piece(uint64_t deadline_ms)
{
	uint64_t now_ms = clock_boot_ms();

	if (now_ms >= deadline_ms)
		return 0;
	return deadline_ms - now_ms < PIECE_MS ? (int)(deadline_ms - now_ms) : PIECE_MS;
}

static int
control_error(int error)
{
	switch (-error) {
	case ECONNREFUSED:
		return -ENOENT;
	case ENOTCONN:
	case EPIPE:
	case ESHUTDOWN:
		return -ECONNRESET;
	default:
		return error;
	}
}

static ssize_t
control_receive(qb_ipcc_connection_t *connection, void *room, uint64_t deadline_ms)
{
	int piece_ms;

	while ((piece_ms = control_piece(deadline_ms)) > 0) {
		ssize_t n = qb_ipcc_recv(connection, room, CONTROL_MESSAGE_MAX, piece_ms);

		if (n != -EAGAIN && n != -ETIMEDOUT)
			return n;
	}
	return -ETIMEDOUT;
}

static int
control_exchange(qb_ipcc_connection_t *connection, struct control_message *message,
    uint64_t deadline_ms, json_t **reply_r)
{
	char *room = malloc(CONTROL_MESSAGE_MAX);
	struct control_reply *reply = (struct control_reply *)room;
	ssize_t n;

	if (!room)
		abort();
	n = qb_ipcc_send(connection, message, (size_t)message->header.size);
	if (n >= 0)
		n = control_receive(connection, room, deadline_ms);
	if (n > (ssize_t)sizeof(*reply))
		*reply_r = json_loadb(
		    reply->json, (size_t)n - sizeof(*reply), JSON_DISABLE_EOF_CHECK, NULL);
	free(room);
	if (n < 0)
		return n == -EAGAIN ? -ETIMEDOUT : control_error((int)n);
	if (json_is_object(*reply_r))
		return 0;
	json_decref(*reply_r);
	*reply_r = NULL;
	return -EPROTO;
}

/* Any user may take an abstract name while its owner does not run, and what the agent says counts
 * as a proof. */
static bool
is_impostor(const char *service, qb_ipcc_connection_t *connection)
{
	pid_t pid;
	uid_t uid;
	gid_t gid;

	if (strcmp(service, CONTROL_AGENT) != 0)
		return false;
	return qb_ipcc_auth_get(connection, &pid, &uid, &gid) != 0 || uid != 0;
}

/* libqb's own qb_ipcc_connect() waits for ever for a daemon that is stopped. */
static int
control_connect(const char *service, uint64_t deadline_ms, qb_ipcc_connection_t **connection_r)
{
	struct pollfd answer = {.fd = -1, .events = POLLIN};
	qb_ipcc_connection_t *connection;
	uint64_t now_ms;
	int n, result;

	errno = 0;
	connection = qb_ipcc_connect_async(service, CONTROL_MESSAGE_MAX, &answer.fd);
	if (!connection)
		return errno ? control_error(-errno) : -ENOENT;
	do {
		now_ms = clock_boot_ms();
		n = poll(&answer, 1, deadline_ms > now_ms ? (int)(deadline_ms - now_ms) : 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		result = n == 0 ? -ETIMEDOUT : -errno;
		/* Half made, libqb frees it but leaves its socket open. */
		qb_ipcc_disconnect(connection);
		close(answer.fd);
		return result;
	}
	/* A failure frees it. */
	result = qb_ipcc_connect_continue(connection);
	if (result == 0 && is_impostor(service, connection)) {
		qb_ipcc_disconnect(connection);
		return -EACCES;
	}
	if (result == 0)
		*connection_r = connection;
	return control_error(result);
}

int
control_call(const char *service, json_t *request, int timeout_ms, json_t **reply_r)
{
	char *text = json_dumps(request, JSON_COMPACT);
	uint64_t deadline_ms = clock_boot_ms() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
	qb_ipcc_connection_t *connection = NULL;
	struct control_message *message;
	size_t size;
	int result;

	if (!text)
		return -EINVAL;
	size = sizeof(*message) + strlen(text) + 1;
	if (size > CONTROL_MESSAGE_MAX) {
		free(text);
		return -EMSGSIZE;
	}
	message = calloc(1, size);
	if (!message)
		abort();
	message->header.id = CONTROL_MESSAGE_ID;
	message->header.size = (int32_t)size;
	strcpy(message->json, text);
	*reply_r = NULL;
	result = control_connect(service, deadline_ms, &connection);
	if (result == 0) {
		result = control_exchange(connection, message, deadline_ms, reply_r);
		qb_ipcc_disconnect(connection);
	}
	/* A request may hold a password. */
	explicit_bzero(message, size);
	explicit_bzero(text, strlen(text));
	free(message);
	free(text);
	return result;
}
