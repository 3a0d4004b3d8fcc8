/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real processes on loopback: the launcher, gemel-smtp or a hostile stand-in
 * for it, and this process as the core. Started by root, workers run as nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "mailcore/process/pool.h"

/* Nothing here takes so long; a wait that does is a failure. */
#define PATIENCE_MS 10000

struct core {
	struct pool *pool;
	qb_loop_t *loop;
	int listener;
	uint16_t port;
	bool answers_recipients;
	bool answers_commits;
	struct pool_ticket last; /* of the last commit */
	char content[4096];      /* of the last commit */
	char address[128];
	uint32_t recipients, stages, commits, abandons, died;
	uint64_t staged_bytes, content_bytes;
	char how[200];
	enum recipient_verdict verdict;
	uint32_t refusals;
	char refused[300]; /* the last one */
	bool is_stopped;
};

static struct core core;
static struct smtp_settings smtp;

static void
on_recipient(void *context, struct pool_ticket ticket, struct slice address)
{
	struct core *c = context;

	c->recipients++;
	slice_to_string(address, c->address, sizeof(c->address));
	if (c->answers_recipients)
		pool_answer_recipient(c->pool, ticket, c->verdict);
}

static void
on_stage(void *context, struct pool_ticket ticket, struct slice bytes)
{
	struct core *c = context;

	c->stages++;
	c->staged_bytes += bytes.length;
	pool_answer_stage(c->pool, ticket, COMMIT_DURABLE);
}

static void
on_commit(void *context, struct pool_ticket ticket, struct slice envelope, struct slice content)
{
	struct core *c = context;

	assert_true(envelope.length > 0);
	c->commits++;
	c->last = ticket;
	c->content_bytes = content.length;
	slice_to_string(content, c->content, sizeof(c->content));
	if (c->answers_commits)
		pool_answer_commit(c->pool, ticket, COMMIT_DURABLE, "3-1f2a");
}

static void
on_abandon(void *context, struct pool_ticket ticket)
{
	struct core *c = context;

	(void)ticket;
	c->abandons++;
}

static void
on_refused(void *context, struct slice client, struct slice reply, struct slice recipient)
{
	struct core *c = context;

	c->refusals++;
	snprintf(c->refused, sizeof(c->refused), "%.*s: %.*s: %.*s", (int)client.length,
	    (const char *)client.data, (int)reply.length, (const char *)reply.data,
	    (int)recipient.length, (const char *)recipient.data);
}

static void
on_died(void *context, uint32_t worker, uint32_t life, const char *how)
{
	struct core *c = context;

	(void)worker;
	(void)life;
	c->died++;
	snprintf(c->how, sizeof(c->how), "%s", how);
}

static void
on_stopped(void *context)
{
	struct core *c = context;

	c->is_stopped = true;
}

static void
stop_turn(void *data)
{
	qb_loop_stop(data);
}

/* Let the loop run for a moment that ends as soon as there is nothing to do. */
static void
turn(uint32_t ms)
{
	qb_loop_timer_handle timer;

	qb_loop_timer_add(core.loop, QB_LOOP_LOW, ms * 1000000ull, core.loop, stop_turn, &timer);
	qb_loop_run(core.loop);
}

/* Run the core's loop until it is so. */
#define UNTIL(condition)                                           \
	do {                                                       \
		uint64_t until_ms = clock_boot_ms() + PATIENCE_MS; \
		while (!(condition)) {                             \
			assert_true(clock_boot_ms() < until_ms);   \
			turn(1);                                   \
		}                                                  \
	} while (0)

/* A worker may serve before the launcher's word about it is read. */
static pid_t
worker_pid(uint32_t worker)
{
	UNTIL(pool_worker_pid(core.pool, worker) != 0);
	return pool_worker_pid(core.pool, worker);
}

static void
open_listener(struct core *c)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	c->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(c->listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(c->listener, 128), 0);
	getsockname(c->listener, (struct sockaddr *)&address, &length);
	c->port = ntohs(address.sin_port);
}

/* A core with workers of this program; they are up when it returns. */
static void
core_start(const char *worker, const char *hostname, uint32_t workers)
{
	struct pool_settings settings = {
	    .workers = workers, .worker_path = worker, .worker_user = "nobody", .smtp = &smtp};
	const struct pool_events events = {
	    .context = &core,
	    .recipient = on_recipient,
	    .stage = on_stage,
	    .commit = on_commit,
	    .abandon = on_abandon,
	    .refused = on_refused,
	    .worker_died = on_died,
	};
	char error[256];

	smtp = (struct smtp_settings){.message_max_bytes = 10000000,
	    .recipients_max = 100,
	    .received_max = 50,
	    .errors_max = 10,
	    .inline_max_bytes = 65536,
	    .command_timeout_ms = 300000,
	    .data_timeout_ms = 180000,
	    .sessions_max = 50};
	snprintf(smtp.hostname, sizeof(smtp.hostname), "%s", hostname);
	core = (struct core){.answers_recipients = true, .answers_commits = true};
	open_listener(&core);
	assert_int_equal(pool_open(&settings, &events, &core.pool, error), 0);
	core.loop = qb_loop_create();
	assert_int_equal(pool_start(core.pool, core.loop), 0);
	pool_listen(core.pool, &core.listener, 1);
}

static void
core_stop(void)
{
	pool_close(&core.pool);
	close(core.listener);
	qb_loop_destroy(core.loop);
}

static int
client_open(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(core.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The next reply line, "EOF" at the end of the connection, or "RESET". */
static const char *
client_hear(int fd)
{
	static char line[600];
	size_t length = 0;

	while (length < sizeof(line) - 1) {
		ssize_t got;

		UNTIL((got = recv(fd, line + length, 1, MSG_DONTWAIT)) >= 0 || errno != EAGAIN);
		if (got < 0)
			return "RESET";
		if (got == 0)
			return "EOF";
		if (line[length] == '\n')
			break;
		length++;
	}
	line[length] = '\0';
	return line;
}

static void
client_expect(int fd, const char *start)
{
	const char *heard = client_hear(fd);

	if (strncmp(heard, start, strlen(start)) != 0)
		fail_msg("heard \"%s\" instead of \"%s\"", heard, start);
}

static void
client_say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void
client_start_message(int fd)
{
	client_expect(fd, "220 ");
	client_say(fd, "HELO client.test\r\n");
	client_expect(fd, "250 ");
	client_say(fd, "MAIL FROM:<a@example.test>\r\n");
	client_expect(fd, "250 ");
	client_say(fd, "RCPT TO:<b@example.test>\r\n");
	client_expect(fd, "250 ");
	client_say(fd, "DATA\r\n");
	client_expect(fd, "354 ");
}

#define WORKER "./gemel-smtp"
#define HOSTILE "./tests/unit/hostile-worker"

static void
the_client_hears_250_only_after_the_core_said_durable(void **state)
{
	char byte;
	int fd;

	(void)state;
	core_start(WORKER, "test.example", 2);
	core.answers_commits = false;
	fd = client_open();
	client_start_message(fd);
	client_say(fd, "Subject: x\r\n\r\nbody\r\n.\r\n");
	UNTIL(core.commits == 1);
	turn(50);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_string_equal(core.address, "b@example.test");
	assert_string_equal(core.content, "Subject: x\r\n\r\nbody\r\n");
	pool_answer_commit(core.pool, core.last, COMMIT_DURABLE, "3-1f2a");
	client_expect(fd, "250 2.0.0 queued as 3-1f2a");
	client_say(fd, "QUIT\r\n");
	client_expect(fd, "221 ");
	client_expect(fd, "EOF");
	close(fd);
	UNTIL(pool_sessions(core.pool) == 0);
	core_stop();
}

static void
a_pipelined_group_before_the_end_of_file_is_answered_in_full(void **state)
{
	int fd;

	(void)state;
	core_start(WORKER, "test.example", 1);
	fd = client_open();
	client_expect(fd, "220 ");
	client_say(fd, "EHLO client.test\r\n");
	while (strncmp(client_hear(fd), "250 ", 4) != 0)
		;
	client_say(
	    fd, "MAIL FROM:<>\r\nRCPT TO:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n");
	client_expect(fd, "250 ");
	client_expect(fd, "250 ");
	client_expect(fd, "250 ");
	client_expect(fd, "354 ");
	client_say(fd, "one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@example.test>\r\nRSET\r\nQUIT\r\n");
	shutdown(fd, SHUT_WR);
	client_expect(fd, "250 2.0.0 queued");
	client_expect(fd, "250 ");
	client_expect(fd, "250 ");
	client_expect(fd, "250 ");
	client_expect(fd, "221 ");
	client_expect(fd, "EOF");
	assert_int_equal(core.recipients, 3);
	close(fd);
	core_stop();
}

/* Else each would hold a slot until it closes as well, or for seconds. */
static void
who_has_said_quit_is_not_waited_for(void **state)
{
	int fds[51];

	(void)state;
	core_start(WORKER, "test.example", 1);
	for (int i = 0; i < 51; i++) {
		fds[i] = client_open();
		client_expect(fds[i], "220 ");
		client_say(fds[i], "QUIT\r\n");
		client_expect(fds[i], "221 ");
		client_expect(fds[i], "EOF");
	}
	for (int i = 0; i < 51; i++)
		close(fds[i]);
	core_stop();
}

static void
who_speaks_before_the_greeting_is_sent_away(void **state)
{
	int fd;

	(void)state;
	core_start(WORKER, "test.example", 1);
	UNTIL(pool_workers_alive(core.pool) == 1);
	kill(worker_pid(0), SIGSTOP);
	fd = client_open();
	client_say(fd, "EHLO bot.test\r\n");
	kill(worker_pid(0), SIGCONT);
	client_expect(fd, "554 ");
	client_expect(fd, "EOF");
	close(fd);
	core_stop();
}

static void
large_content_comes_in_pieces_and_whole(void **state)
{
	enum {
		LINES = 20000
	};
	int fd;

	(void)state;
	core_start(WORKER, "test.example", 1);
	fd = client_open();
	client_start_message(fd);
	for (int i = 0; i < LINES; i += 100) {
		char text[100 * 64] = "";

		for (int j = 0; j < 100; j++)
			memcpy(text + 64 * j,
			    "0123456789012345678901234567890123456789012345678901234567890\0\r\n",
			    64);
		for (size_t j = 0; j < sizeof(text); j++)
			if (!text[j])
				text[j] = 'x';
		for (size_t sent = 0; sent < sizeof(text);) {
			ssize_t n = send(fd, text + sent, sizeof(text) - sent, MSG_DONTWAIT);

			if (n > 0)
				sent += (size_t)n;
			else
				turn(1);
		}
	}
	client_say(fd, ".\r\n");
	client_expect(fd, "250 2.0.0");
	assert_int_equal(core.staged_bytes + core.content_bytes, LINES * 64);
	assert_true(core.stages > 10);
	close(fd);
	core_stop();
}

static void
who_leaves_after_staging_has_his_pieces_abandoned(void **state)
{
	char text[1001];
	int fd;

	(void)state;
	core_start(WORKER, "test.example", 1);
	fd = client_open();
	client_start_message(fd);
	memset(text, 'x', sizeof(text) - 1);
	text[998] = '\r';
	text[999] = '\n';
	text[1000] = '\0';
	for (int i = 0; i < 100; i++)
		client_say(fd, text);
	UNTIL(core.stages > 0);
	close(fd);
	UNTIL(core.abandons == 1);
	UNTIL(pool_sessions(core.pool) == 0);
	assert_int_equal(core.commits, 0);
	core_stop();
}

static void
a_killed_worker_costs_its_connections_and_no_others(void **state)
{
	struct pool_ticket stale;
	uint32_t other;
	int hit, spared;

	(void)state;
	core_start(WORKER, "test.example", 2);
	core.answers_commits = false;
	hit = client_open();
	client_start_message(hit);
	client_say(hit, ".\r\n");
	UNTIL(core.commits == 1);
	stale = core.last;
	/* Connections until one is at the other worker. */
	for (;;) {
		spared = client_open();
		client_start_message(spared);
		client_say(spared, ".\r\n");
		UNTIL(core.commits >= 2);
		if (core.last.worker != stale.worker)
			break;
		/* A session stays for as long as its commit is open. */
		pool_answer_commit(core.pool, core.last, COMMIT_DURABLE, "1-0");
		close(spared);
		UNTIL(pool_sessions(core.pool) == 1);
		core.commits = 1;
	}
	other = core.last.worker;
	assert_int_equal(kill(worker_pid(stale.worker), SIGKILL), 0);
	UNTIL(core.died == 1);
	assert_non_null(strstr(core.how, "signal 9"));
	assert_int_equal(pool_worker_deaths(core.pool), 1);
	/* Its answer has nobody to go to. */
	pool_answer_commit(core.pool, stale, COMMIT_DURABLE, "1-1");
	assert_true(strncmp(client_hear(hit), "250", 3) != 0);
	pool_answer_commit(core.pool, core.last, COMMIT_DURABLE, "1-2");
	client_expect(spared, "250 2.0.0 queued as 1-2");
	UNTIL(pool_workers_alive(core.pool) == 2);
	assert_int_equal(kill(worker_pid(other), SIGKILL), 0);
	close(hit);
	hit = client_open();
	client_expect(hit, "220 ");
	close(hit);
	close(spared);
	core_stop();
}

static void
a_hostile_worker_is_ended_and_harms_nothing(void **state)
{
	static const struct {
		const char *act;
		const char *how;
	} acts[] = {
	    {"garbage", "no frame"},
	    {"wrong-place", "out of order"},
	    {"huge", "too long"},
	    {"asks-again", "before the answer"},
	    {"answers-for-the-core", "no frame"},
	    {"floods", "does not read"},
	    {"crashes", "signal 6"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		core_start(HOSTILE, acts[i].act, 1);
		core.answers_recipients = strcmp(acts[i].act, "asks-again") != 0;
		UNTIL(core.died > 0);
		if (!strstr(core.how, acts[i].how))
			fail_msg("%s: \"%s\"", acts[i].act, core.how);
		core_stop();
	}
}

static void
a_flood_is_held_back_while_its_questions_are_open(void **state)
{
	(void)state;
	core_start(HOSTILE, "floods", 1);
	core.answers_commits = false;
	/* All its sessions have asked, and the next question is one too many. */
	UNTIL(core.died > 0);
	assert_true(core.commits >= smtp.sessions_max);
	assert_non_null(strstr(core.how, "before the answer"));
	core_stop();
}

static void
who_asks_for_much_is_heard_bit_by_bit(void **state)
{
	uint32_t heard;

	(void)state;
	core_start(HOSTILE, "much", 1);
	core.answers_commits = false;
	UNTIL(core.commits > 10);
	turn(50);
	/* 1,060,000 bytes each, and the ring has 16 MiB. */
	assert_int_equal(core.commits, 16);
	for (heard = 0; heard < smtp.sessions_max; heard++) {
		UNTIL(core.commits > heard);
		pool_answer_commit(core.pool,
		    (struct pool_ticket){0, core.last.life, 1ull << 32 | heard}, COMMIT_DURABLE,
		    "1-1");
	}
	assert_int_equal(core.commits, smtp.sessions_max);
	assert_int_equal(core.died, 0);
	core_stop();
}

static void
half_a_frame_is_waited_for_and_nothing_else_waits(void **state)
{
	(void)state;
	core_start(HOSTILE, "half", 1);
	UNTIL(pool_workers_alive(core.pool) == 1);
	turn(50);
	assert_int_equal(core.died, 0);
	core_stop();
}

static void
one_that_dies_again_and_again_starts_less_and_less_often(void **state)
{
	uint64_t start_ms = clock_boot_ms();

	(void)state;
	core_start(HOSTILE, "crashes", 1);
	UNTIL(core.died == 9);
	/* 50 + 100 + 200 ms at the least. */
	assert_true(clock_boot_ms() - start_ms >= 350);
	core_stop();
}

static bool
is_running(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return line[0] && !strstr(line, ") Z ");
}

static void
when_the_core_is_killed_nobody_is_left(void **state)
{
	pid_t workers[2], parent;
	int tell[2];

	(void)state;
	assert_int_equal(pipe(tell), 0);
	parent = fork();
	if (parent == 0) {
		core_start(WORKER, "test.example", 2);
		UNTIL(pool_workers_alive(core.pool) == 2);
		workers[0] = worker_pid(0);
		workers[1] = worker_pid(1);
		if (write(tell[1], workers, sizeof(workers)) != sizeof(workers))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(tell[0], workers, sizeof(workers)), sizeof(workers));
	assert_true(is_running(workers[0]) && is_running(workers[1]));
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	for (int i = 0; i < 1000 && (is_running(workers[0]) || is_running(workers[1])); i++)
		poll(NULL, 0, 5);
	assert_false(is_running(workers[0]) || is_running(workers[1]));
	close(tell[0]);
	close(tell[1]);
}

static void
quiesce_tells_idle_sessions_and_lets_a_commit_finish(void **state)
{
	int idle, busy;

	(void)state;
	core_start(WORKER, "test.example", 2);
	core.answers_commits = false;
	idle = client_open();
	client_expect(idle, "220 ");
	busy = client_open();
	client_start_message(busy);
	client_say(busy, ".\r\n");
	UNTIL(core.commits == 1);
	pool_quiesce(core.pool, PATIENCE_MS, on_stopped, &core);
	client_expect(idle, "421 4.3.2");
	client_expect(idle, "EOF");
	turn(50);
	assert_false(core.is_stopped);
	pool_answer_commit(core.pool, core.last, COMMIT_DURABLE, "1-1");
	client_expect(busy, "250 2.0.0");
	client_expect(busy, "421 4.3.2");
	client_expect(busy, "EOF");
	UNTIL(core.is_stopped);
	assert_int_equal(pool_sessions(core.pool), 0);
	assert_int_equal(pool_worker_deaths(core.pool), 0);
	close(idle);
	close(busy);
	/* And it can be taken up again. */
	pool_listen(core.pool, &core.listener, 1);
	idle = client_open();
	client_expect(idle, "220 ");
	close(idle);
	core_stop();
}

static void
what_does_not_end_in_time_is_cut(void **state)
{
	int busy;

	(void)state;
	/* One: a worker without sessions may be too slow as well, on a busy machine. */
	core_start(WORKER, "test.example", 1);
	core.answers_commits = false;
	busy = client_open();
	client_start_message(busy);
	client_say(busy, ".\r\n");
	UNTIL(core.commits == 1);
	pool_quiesce(core.pool, 100, on_stopped, &core);
	UNTIL(core.is_stopped);
	assert_int_equal(core.died, 1);
	assert_int_equal(pool_worker_deaths(core.pool), 0);
	assert_true(strncmp(client_hear(busy), "250", 3) != 0);
	close(busy);
	core_stop();
}

static void
a_quiesce_without_sessions_is_done_at_once(void **state)
{
	uint64_t start_ms;

	(void)state;
	core_start(WORKER, "test.example", 2);
	UNTIL(pool_workers_alive(core.pool) == 2);
	start_ms = clock_boot_ms();
	pool_quiesce(core.pool, PATIENCE_MS, on_stopped, &core);
	UNTIL(core.is_stopped);
	assert_true(clock_boot_ms() - start_ms < PATIENCE_MS);
	assert_int_equal(core.died, 0);
	core_stop();
}

static void
sessions_beyond_the_bound_are_told_so(void **state)
{
	int fds[51];

	(void)state;
	core_start(WORKER, "test.example", 1);
	for (int i = 0; i < 50; i++) {
		fds[i] = client_open();
		client_expect(fds[i], "220 ");
	}
	fds[50] = client_open();
	client_expect(fds[50], "421 4.3.2");
	client_expect(fds[50], "EOF");
	UNTIL(pool_sessions(core.pool) == 50);
	for (int i = 0; i < 51; i++)
		close(fds[i]);
	UNTIL(pool_sessions(core.pool) == 0);
	fds[0] = client_open();
	client_expect(fds[0], "220 ");
	close(fds[0]);
	core_stop();
}

static void
a_client_that_does_not_read_is_not_read_from(void **state)
{
	uint64_t sent_bytes = 0, refused = 0;
	char group[6000];
	int fd;

	(void)state;
	core_start(WORKER, "test.example", 1);
	fd = client_open();
	client_expect(fd, "220 ");
	client_say(fd, "EHLO client.test\r\n");
	while (strncmp(client_hear(fd), "250 ", 4) != 0)
		;
	client_say(fd, "RSET\r\n");
	client_expect(fd, "250 ");
	for (size_t i = 0; i < sizeof(group); i += 6)
		memcpy(group + i, "RSET\r\n", 6);
	/* Until its replies fill every buffer between us, and its input then does, too. */
	while (refused < 200 && sent_bytes < 100000000) {
		ssize_t n = send(fd, group, sizeof(group), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			sent_bytes += (uint64_t)n;
			refused = 0;
		} else {
			refused++;
			turn(1);
		}
	}
	assert_true(sent_bytes < 100000000);
	assert_int_equal(core.died, 0);
	close(fd);
	UNTIL(pool_sessions(core.pool) == 0);
	core_stop();
}

static void
the_core_is_told_what_was_refused_to_whom(void **state)
{
	int fd;

	(void)state;
	core_start(WORKER, "test.example", 1);
	core.verdict = RECIPIENT_UNKNOWN;
	fd = client_open();
	client_expect(fd, "220 ");
	client_say(fd, "HELO client.test\r\n");
	client_expect(fd, "250 ");
	client_say(fd, "MAIL FROM:<a@example.test>\r\n");
	client_expect(fd, "250 ");
	assert_int_equal(core.refusals, 0);
	client_say(fd, "RCPT TO:<nobody@example.test>\r\n");
	client_expect(fd, "550 ");
	UNTIL(core.refusals == 1);
	assert_string_equal(
	    core.refused, "127.0.0.1: 550 5.1.1 No such mailbox here: nobody@example.test");
	client_say(fd, "DANCE\r\n");
	client_expect(fd, "500 ");
	UNTIL(core.refusals == 2);
	assert_string_equal(core.refused, "127.0.0.1: 500 5.5.2 Command not recognized: ");
	client_say(fd, "NOOP\n");
	client_expect(fd, "521 ");
	UNTIL(core.refusals == 3);
	close(fd);
	core_stop();
}

static void
a_program_that_is_not_there_is_named(void **state)
{
	(void)state;
	core_start("./no-such-worker", "test.example", 1);
	UNTIL(core.died > 0);
	assert_non_null(strstr(core.how, "could not be executed"));
	core_stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_client_hears_250_only_after_the_core_said_durable),
	    cmocka_unit_test(a_pipelined_group_before_the_end_of_file_is_answered_in_full),
	    cmocka_unit_test(who_has_said_quit_is_not_waited_for),
	    cmocka_unit_test(who_speaks_before_the_greeting_is_sent_away),
	    cmocka_unit_test(large_content_comes_in_pieces_and_whole),
	    cmocka_unit_test(who_leaves_after_staging_has_his_pieces_abandoned),
	    cmocka_unit_test(a_killed_worker_costs_its_connections_and_no_others),
	    cmocka_unit_test(a_hostile_worker_is_ended_and_harms_nothing),
	    cmocka_unit_test(a_flood_is_held_back_while_its_questions_are_open),
	    cmocka_unit_test(who_asks_for_much_is_heard_bit_by_bit),
	    cmocka_unit_test(half_a_frame_is_waited_for_and_nothing_else_waits),
	    cmocka_unit_test(one_that_dies_again_and_again_starts_less_and_less_often),
	    cmocka_unit_test(when_the_core_is_killed_nobody_is_left),
	    cmocka_unit_test(quiesce_tells_idle_sessions_and_lets_a_commit_finish),
	    cmocka_unit_test(what_does_not_end_in_time_is_cut),
	    cmocka_unit_test(a_quiesce_without_sessions_is_done_at_once),
	    cmocka_unit_test(sessions_beyond_the_bound_are_told_so),
	    cmocka_unit_test(the_core_is_told_what_was_refused_to_whom),
	    cmocka_unit_test(a_client_that_does_not_read_is_not_read_from),
	    cmocka_unit_test(a_program_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
