/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake-core -- as much of mailcored as its resource agent can see.
 *
 * Locks the pid file, keeps the progress file, answers status, promote and
 * demote. Its "configuration" is a file of words that tell it to misbehave:
 * refuse-start, slow-start, degraded, refuse-promote, give-up (when it is promoted), deaf (none of
 * its workers lives), hang-demote, ignore-term, worker (a child that outlives it), smtp (serve SMTP
 * on 127.0.0.1:2525 while active).
 */
#include "common/clock.h"
#include "common/control.h"
#include "common/progress.h"
#include "ocf/ocf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <qb/qbipcs.h>
#include <qb/qbloop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct progress *progress;
static qb_loop_t *loop;
static char wishes[1024];

static bool
is_wished(const char *word)
{
	return strstr(wishes, word) != NULL;
}

static void
read_wishes(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, wishes, sizeof(wishes) - 1) < 0)
		wishes[0] = '\0';
	if (fd >= 0)
		close(fd);
}

static void
lock_pid_file(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(OCF_RUN_DIR "/mailcored.pid", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0) {
		fprintf(stderr, "mailcored: another one runs; stop it first\n");
		exit(1);
	}
	dprintf(fd, "%d\n", (int)getpid());
}

static void
serve_smtp(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
	    .sin_port = htons(2525),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) != 0 || listen(listener, 4) != 0)
		_exit(1);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char line[512];

		dprintf(fd, "220-fake\r\n220 ready\r\n");
		while (read(fd, line, sizeof(line)) > 0) {
			if (strncmp(line, "QUIT", 4) == 0) {
				dprintf(fd, "221 bye\r\n");
				break;
			}
			dprintf(fd, "250-fake\r\n250 OK\r\n");
		}
		close(fd);
	}
}

static void
start_helpers(void)
{
	if (is_wished("worker") && fork() == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	if (is_wished("smtp") && fork() == 0)
		serve_smtp();
}

static const char *
obey(const char *verb)
{
	if (strcmp(verb, "promote") == 0) {
		if (is_wished("refuse-promote"))
			return "the store is locked by nobody you know; unlock it";
		if (is_wished("give-up")) {
			snprintf(progress->reason, sizeof(progress->reason), "the disk is gone");
			progress->role = CORE_FAILED;
			return progress->reason;
		}
		if (is_wished("deaf"))
			progress->deaf_since_ms = clock_boot_ms() - PROGRESS_DEAF_MS - 1;
		progress->role = CORE_ACTIVE;
	} else if (strcmp(verb, "demote") == 0) {
		if (is_wished("hang-demote"))
			for (;;)
				pause();
		progress->role = CORE_STANDBY;
	}
	return NULL;
}

static int32_t
answer(qb_ipcs_connection_t *connection, void *data, size_t size)
{
	const struct control_message *message = data;
	json_t *request =
	    json_loadb(message->json, size - sizeof(*message), JSON_DISABLE_EOF_CHECK, NULL);
	const char *verb = json_string_value(json_object_get(request, "verb"));
	const char *error = obey(verb ? verb : "");
	char room[1024];
	struct control_reply *reply = (struct control_reply *)room;
	int length =
	    error ? snprintf(reply->json, 512, "{\"ok\":false,\"code\":1,\"error\":\"%s\"}", error)
		  : snprintf(reply->json, 512, "{\"ok\":true}");

	json_decref(request);
	reply->header.id = CONTROL_MESSAGE_ID;
	reply->header.error = 0;
	reply->header.size = (int32_t)(sizeof(*reply) + (size_t)length + 1);
	qb_ipcs_response_send(connection, reply, (size_t)reply->header.size);
	return 0;
}

static int32_t
accept_all(qb_ipcs_connection_t *connection, uid_t uid, gid_t gid)
{
	(void)connection;
	(void)uid;
	(void)gid;
	return 0;
}

static int32_t
closed(qb_ipcs_connection_t *connection)
{
	(void)connection;
	return 0;
}

static int32_t
job_add(enum qb_loop_priority p, void *data, qb_loop_job_dispatch_fn fn)
{
	return qb_loop_job_add(loop, p, data, fn);
}

static int32_t
poll_add(enum qb_loop_priority p, int32_t fd, int32_t evts, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_add(loop, p, fd, evts, data, fn);
}

static int32_t
poll_mod(enum qb_loop_priority p, int32_t fd, int32_t evts, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_mod(loop, p, fd, evts, data, fn);
}

static int32_t
poll_del(int32_t fd)
{
	return qb_loop_poll_del(loop, fd);
}

static void
tick(void *data)
{
	qb_loop_timer_handle next;

	(void)data;
	progress->tick_ms = clock_boot_ms();
	qb_loop_timer_add(
	    loop, QB_LOOP_MED, (uint64_t)PROGRESS_TICK_MS * 1000000, NULL, tick, &next);
}

int
main(int argc, char **argv)
{
	struct qb_ipcs_service_handlers handlers = {
	    .connection_accept = accept_all, .msg_process = answer, .connection_closed = closed};
	struct qb_ipcs_poll_handlers polls = {.job_add = job_add,
	    .dispatch_add = poll_add,
	    .dispatch_mod = poll_mod,
	    .dispatch_del = poll_del};
	qb_ipcs_service_t *service;

	if (argc != 3)
		return 2;
	read_wishes(argv[2]);
	if (is_wished("refuse-start")) {
		fprintf(
		    stderr, "first line\nmailcored: gemel.conf line 7: no such key; remove it\n");
		return 1;
	}
	if (is_wished("ignore-term"))
		signal(SIGTERM, SIG_IGN);
	lock_pid_file();
	/* Longer than the agent waits between two looks. */
	if (is_wished("slow-start"))
		poll(NULL, 0, 100);
	if (progress_create(OCF_RUN_DIR "/progress", &progress) != 0)
		return 1;
	loop = qb_loop_create();
	service = qb_ipcs_create(CONTROL_CORE, 0, QB_IPC_SOCKET, &handlers);
	qb_ipcs_poll_handlers_set(service, &polls);
	if (qb_ipcs_run(service) != 0)
		return 1;
	start_helpers();
	tick(NULL);
	if (is_wished("degraded")) {
		snprintf(progress->reason, sizeof(progress->reason), "the queue is long");
		progress->degraded = 1;
	}
	progress->role = CORE_STANDBY;
	qb_loop_run(loop);
	return 0;
}
