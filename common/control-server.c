/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/control-server.h"

#include "common/log.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qb/qbipcs.h>

struct control_server {
	qb_ipcs_service_t *service;
	qb_loop_t *loop;
	const struct control_verb *verbs;
	void *context;
};

struct control_request {
	qb_ipcs_connection_t *connection; /* a reference of our own */
};

#define CLUSTER_GROUP "haclient"

/* The context of a connection is its address if every verb is allowed to it. */
static const char is_trusted;

/* Looked up once: a directory service may take its time, and does so just when things fail. */
static bool has_cluster_group;
static gid_t cluster_group;

/* libqb's dispatch functions have no context argument. */
static qb_loop_t *dispatch_loop;

static int32_t
dispatch_add(
    enum qb_loop_priority p, int32_t fd, int32_t events, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_add(dispatch_loop, p, fd, events, data, fn);
}

static int32_t
dispatch_modify(
    enum qb_loop_priority p, int32_t fd, int32_t events, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_mod(dispatch_loop, p, fd, events, data, fn);
}

static int32_t
dispatch_remove(int32_t fd)
{
	return qb_loop_poll_del(dispatch_loop, fd);
}

static int32_t
dispatch_job(enum qb_loop_priority p, void *data, qb_loop_job_dispatch_fn fn)
{
	return qb_loop_job_add(dispatch_loop, p, data, fn);
}

static int32_t
server_accept(qb_ipcs_connection_t *connection, uid_t uid, gid_t gid)
{
	bool is_cluster = has_cluster_group && gid == cluster_group;

	if (uid == 0 || uid == geteuid() || is_cluster) {
		/* The connection keeps it for server_process(). */
		qb_ipcs_context_set(
		    connection, uid == 0 || uid == geteuid() ? (void *)&is_trusted : NULL);
		if (is_cluster)
			qb_ipcs_connection_auth_set(connection, geteuid(), gid, 0660);
		return 0;
	}
	log_warning("control: refused a connection of user %u; only root may ask", (unsigned)uid);
	return -EACCES;
}

static void
request_send(struct control_request *request, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);
	size_t length = text ? strlen(text) : 0;
	struct control_reply *reply;
	size_t size = sizeof(*reply) + length + 1;
	ssize_t sent;

	json_decref(answer);
	if (!text || size > CONTROL_MESSAGE_MAX) {
		free(text);
		control_refuse(request, CONTROL_FAILED,
		    "The answer does not fit into one message; ask for less at a time.");
		return;
	}
	reply = calloc(1, size);
	if (!reply)
		abort();
	reply->header.id = CONTROL_MESSAGE_ID;
	reply->header.size = (int32_t)size;
	memcpy(reply->json, text, length + 1);
	sent = qb_ipcs_response_send(request->connection, reply, size);
	if (sent < 0)
		log_debug("control: the client went away before its answer");
	free(reply);
	free(text);
	qb_ipcs_connection_unref(request->connection);
	free(request);
}

void
control_answer(struct control_request *request, json_t *answer)
{
	if (!answer)
		answer = json_object();
	json_object_set_new(answer, "ok", json_true());
	request_send(request, answer);
}

/* A name that was cut may end in half a letter, which JSON can't hold. */
static json_t *
sentence_json(char *text)
{
	json_t *sentence = json_string(text);

	if (sentence)
		return sentence;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c > 127)
			*c = '?';
	return json_string(text);
}

void
control_refuse(struct control_request *request, enum control_code code, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	request_send(request,
	    json_pack("{s:b,s:i,s:o}", "ok", 0, "code", (int)code, "error", sentence_json(text)));
}

static void
server_run(struct control_server *server, struct control_request *request, const json_t *arguments)
{
	const char *name = json_string_value(json_object_get(arguments, "verb"));

	if (!name) {
		control_refuse(request, CONTROL_FAILED,
		    "The request is not a JSON object with a \"verb\"; ask with gemel(1).");
		return;
	}
	for (const struct control_verb *verb = server->verbs; verb->name; verb++)
		if (strcmp(verb->name, name) == 0) {
			if (verb->is_for_cluster || qb_ipcs_context_get(request->connection))
				verb->run(server->context, request, arguments);
			else
				control_refuse(request, CONTROL_REFUSED,
				    "Only root may ask for \"%.64s\"; ask as root.", name);
			return;
		}
	control_refuse(request, CONTROL_FAILED,
	    "The verb \"%.64s\" is unknown here; are all of Gemel's programs of the same version?",
	    name);
}

static int32_t
server_process(qb_ipcs_connection_t *connection, void *data, size_t size)
{
	struct control_server *server = qb_ipcs_connection_service_context_get(connection);
	struct control_message *message = data;
	struct control_request *request = calloc(1, sizeof(*request));
	json_t *arguments = NULL;

	if (!request)
		abort();
	request->connection = connection;
	qb_ipcs_connection_ref(connection);
	if (size > sizeof(*message)) {
		size_t length = strnlen(message->json, size - sizeof(*message));

		arguments = json_loadb(message->json, length, JSON_REJECT_DUPLICATES, NULL);
		/* A request may hold a password. */
		explicit_bzero(message->json, length);
	}
	server_run(server, request, arguments);
	json_decref(arguments);
	return 0;
}

static int32_t
server_closed(qb_ipcs_connection_t *connection)
{
	(void)connection;
	return 0;
}

int
control_server_open(const char *service, const struct control_verb *verbs, void *context,
    qb_loop_t *loop, struct control_server **server_r)
{
	struct qb_ipcs_service_handlers handlers = {
	    .connection_accept = server_accept,
	    .msg_process = server_process,
	    .connection_closed = server_closed,
	};
	struct qb_ipcs_poll_handlers poll_handlers = {
	    .job_add = dispatch_job,
	    .dispatch_add = dispatch_add,
	    .dispatch_mod = dispatch_modify,
	    .dispatch_del = dispatch_remove,
	};
	struct control_server *server = calloc(1, sizeof(*server));
	const struct group *cluster = getgrnam(CLUSTER_GROUP);
	int result;

	if (!server)
		abort();
	server->verbs = verbs;
	server->context = context;
	server->loop = loop;
	dispatch_loop = loop;
	has_cluster_group = cluster != NULL;
	cluster_group = cluster ? cluster->gr_gid : 0;
	server->service = qb_ipcs_create(service, 0, QB_IPC_NATIVE, &handlers);
	if (!server->service) {
		free(server);
		return -ENOMEM;
	}
	qb_ipcs_service_context_set(server->service, server);
	qb_ipcs_poll_handlers_set(server->service, &poll_handlers);
	qb_ipcs_enforce_buffer_size(server->service, CONTROL_MESSAGE_MAX);
	result = qb_ipcs_run(server->service);
	if (result < 0) {
		free(server);
		return result;
	}
	*server_r = server;
	return 0;
}

void
control_server_close(struct control_server **server)
{
	if (!*server)
		return;
	qb_ipcs_destroy((*server)->service);
	free(*server);
	*server = NULL;
}
