/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
control_exchange(qb_ipcc_connection_t *connection, struct control_message *message, int timeout_ms,
    json_t **reply_r)
{
	char *room = malloc(CONTROL_MESSAGE_MAX);
	struct control_reply *reply = (struct control_reply *)room;
	ssize_t n;

	if (!room)
		abort();
	n = qb_ipcc_send(connection, message, (size_t)message->header.size);
	if (n >= 0)
		n = qb_ipcc_recv(connection, room, CONTROL_MESSAGE_MAX, timeout_ms);
	if (n < 0) {
		free(room);
		return n == -EAGAIN ? -ETIMEDOUT : (int)n;
	}
	*reply_r = NULL;
	if ((size_t)n > sizeof(*reply))
		*reply_r = json_loadb(
		    reply->json, (size_t)n - sizeof(*reply), JSON_DISABLE_EOF_CHECK, NULL);
	free(room);
	return json_is_object(*reply_r) ? 0 : -EPROTO;
}

int
control_call(const char *service, json_t *request, int timeout_ms, json_t **reply_r)
{
	char *text = json_dumps(request, JSON_COMPACT);
	qb_ipcc_connection_t *connection;
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
	connection = qb_ipcc_connect(service, CONTROL_MESSAGE_MAX);
	if (connection) {
		result = control_exchange(connection, message, timeout_ms, reply_r);
		qb_ipcc_disconnect(connection);
	} else {
		result = errno == ECONNREFUSED ? -ENOENT : errno ? -errno : -ENOENT;
	}
	/* A request may hold a password. */
	explicit_bzero(message, size);
	explicit_bzero(text, strlen(text));
	free(message);
	free(text);
	return result;
}
