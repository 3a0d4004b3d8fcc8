/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker -- how many messages the smtp workers take when the core answers at once.
 *
 * usage: worker [--quick] [--worker PATH] [--workers N]
 *
 * A core that says yes to everything, real workers, and smtp-source of Postfix
 * with one connection per message. The peer is smtp-sink of Postfix, which
 * parses and keeps less. Prints one line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "mailcore/process/pool.h"

#define SOURCE "/usr/sbin/smtp-source"
#define SINK "/usr/sbin/smtp-sink"

struct bench {
	struct pool *pool;
	qb_loop_t *loop;
	uint64_t commits;
	pid_t source;
	int status;
};

static void
on_recipient(void *context, struct pool_ticket ticket, struct slice address)
{
	struct bench *b = context;

	(void)address;
	pool_answer_recipient(b->pool, ticket, RECIPIENT_OK);
}

static void
on_stage(void *context, struct pool_ticket ticket, struct slice bytes)
{
	struct bench *b = context;

	(void)bytes;
	pool_answer_stage(b->pool, ticket, COMMIT_DURABLE);
}

static void
on_commit(void *context, struct pool_ticket ticket, struct slice envelope, struct slice content)
{
	struct bench *b = context;
	char id[32];

	(void)envelope;
	(void)content;
	snprintf(id, sizeof(id), "1-%llx", (unsigned long long)++b->commits);
	pool_answer_commit(b->pool, ticket, COMMIT_DURABLE, id);
}

static void
on_abandon(void *context, struct pool_ticket ticket)
{
	(void)context;
	(void)ticket;
}

static int
listen_on_loopback(uint16_t *port_r)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) || listen(fd, 1024) ||
	    getsockname(fd, (struct sockaddr *)&address, &length))
		return -1;
	*port_r = ntohs(address.sin_port);
	return fd;
}

static pid_t
run(char *const arguments[])
{
	extern char **environ;
	pid_t pid;

	if (posix_spawn(&pid, arguments[0], NULL, NULL, arguments, environ)) {
		fprintf(stderr, "bench: %s cannot be run; install postfix\n", arguments[0]);
		exit(1);
	}
	return pid;
}

static pid_t
run_source(uint16_t port, uint32_t messages)
{
	char count[16], target[32];

	snprintf(count, sizeof(count), "%u", messages);
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	return run((char *const[]){(char *)SOURCE, (char *)"-s", (char *)"20", (char *)"-m", count,
	    (char *)"-l", (char *)"4096", (char *)"-f", (char *)"a@example.test", (char *)"-t",
	    (char *)"b@example.test", target, NULL});
}

static int32_t
on_source_ended(int32_t fd, int32_t events, void *data)
{
	struct bench *b = data;

	(void)fd;
	(void)events;
	waitpid(b->source, &b->status, 0);
	qb_loop_stop(b->loop);
	return -1;
}

/* Messages per second of the real workers, or 0. */
static double
measure_ours(struct bench *b, const struct pool_settings *settings, uint32_t messages)
{
	const struct pool_events events = {.context = b,
	    .recipient = on_recipient,
	    .stage = on_stage,
	    .commit = on_commit,
	    .abandon = on_abandon};
	char error[256];
	uint16_t port;
	uint64_t start_us, end_us;
	int listener = listen_on_loopback(&port), ended;

	if (listener < 0 || pool_open(settings, &events, &b->pool, error)) {
		fprintf(stderr, "bench: %s\n", listener < 0 ? strerror(errno) : error);
		return 0;
	}
	b->loop = qb_loop_create();
	if (pool_start(b->pool, b->loop))
		return 0;
	pool_listen(b->pool, &listener, 1);
	start_us = clock_boot_us();
	b->source = run_source(port, messages);
	ended = (int)syscall(SYS_pidfd_open, b->source, 0);
	qb_loop_poll_add(b->loop, QB_LOOP_LOW, ended, POLLIN, b, on_source_ended);
	qb_loop_run(b->loop);
	end_us = clock_boot_us();
	pool_close(&b->pool);
	close(listener);
	close(ended);
	if (b->status || b->commits != messages) {
		fprintf(stderr, "bench: %llu of %u messages were taken\n",
		    (unsigned long long)b->commits, messages);
		return 0;
	}
	return messages * 1e6 / (double)(end_us - start_us);
}

static double
measure_peer(uint32_t messages)
{
	uint16_t port;
	uint64_t start_us, end_us;
	char target[32];
	int probe = listen_on_loopback(&port), status = -1;
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	pid_t sink, source;

	close(probe);
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	sink = run((char *const[]){
	    (char *)SINK, (char *)"-u", (char *)"nobody", target, (char *)"1024", NULL});
	for (int tries = 0; tries < 100; tries++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool is_up = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

		close(fd);
		if (is_up)
			break;
		poll(NULL, 0, 20);
	}
	start_us = clock_boot_us();
	source = run_source(port, messages);
	waitpid(source, &status, 0);
	end_us = clock_boot_us();
	kill(sink, SIGKILL);
	waitpid(sink, NULL, 0);
	return status ? 0 : messages * 1e6 / (double)(end_us - start_us);
}

int
main(int count, char **arguments)
{
	const struct smtp_settings smtp = {.hostname = "bench.example.test",
	    .message_max_bytes = 50u << 20,
	    .recipients_max = 1000,
	    .received_max = 50,
	    .errors_max = 20,
	    .inline_max_bytes = 256u << 10,
	    .command_timeout_ms = 300000,
	    .data_timeout_ms = 180000,
	    .sessions_max = 10000};
	struct pool_settings settings = {.workers = 2,
	    .worker_path = HELPER_DIR "/gemel-smtp",
	    .worker_user = "nobody",
	    .smtp = &smtp};
	struct bench b = {0};
	uint32_t messages = 20000;
	char host[64] = "";
	double ours, peer;

	for (int i = 1; i < count; i++) {
		if (strcmp(arguments[i], "--quick") == 0)
			messages = 2000;
		else if (strcmp(arguments[i], "--worker") == 0 && i + 1 < count)
			settings.worker_path = arguments[++i];
		else if (strcmp(arguments[i], "--workers") == 0 && i + 1 < count)
			settings.workers = (uint32_t)atoi(arguments[++i]);
		else {
			fprintf(stderr, "usage: worker [--quick] [--worker PATH] [--workers N]\n");
			return 2;
		}
	}
	gethostname(host, sizeof(host) - 1);
	ours = measure_ours(&b, &settings, messages);
	peer = measure_peer(messages);
	printf(
	    "{\"bench\":\"worker\",\"what\":\"messages of 4096 bytes, a connection each, core "
	    "answers "
	    "at once\",\"ours\":%.0f,\"peer\":%.0f,\"ratio\":%.2f,\"unit\":\"messages/s\",\"n\":%u,"
	    "\"host\":\"%s\"}\n",
	    ours, peer, peer > 0 ? ours / peer : 0, messages, host);
	return ours > 0 ? 0 : 1;
}
