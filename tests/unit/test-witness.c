/* SPDX-License-Identifier: BSD-2-Clause */
/* The client against a real gemel-witnessd on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/certificates.h"
#include "witness/client.h"

/* Generous: the machine may be busy. */
#define PATIENCE_MS 20000
#define TIMEOUT_MS 15000
#define SOON_MS 200

struct heard {
	int count, result;
	enum register_verdict verdict;
	struct register_row row;
	uint64_t sent_ms;
};

static char *folder; /* certificates, gemel.conf, rows */
static char address[32], config_path[256];
static pid_t daemon_pid;
static qb_loop_t *loop;
static struct witness_client *clients[2];
static char error[TLS_ERROR_MAX];

/* -- the loop, until something is so -- */

struct wait {
	bool (*is_so)(void *context);
	void *context;
	uint64_t until_ms;
	bool was_so;
};

static void
look(void *data)
{
	struct wait *wait = data;
	qb_loop_timer_handle handle;

	wait->was_so = wait->is_so(wait->context);
	if (wait->was_so || clock_boot_ms() > wait->until_ms)
		qb_loop_stop(loop);
	else
		qb_loop_timer_add(loop, QB_LOOP_HIGH, 2000000, wait, look, &handle);
}

static bool
wait_for(bool (*is_so)(void *context), void *context, unsigned patience_ms)
{
	struct wait wait = {is_so, context, clock_boot_ms() + patience_ms, false};
	qb_loop_timer_handle handle;

	qb_loop_timer_add(loop, QB_LOOP_HIGH, 0, &wait, look, &handle);
	qb_loop_run(loop);
	return wait.was_so;
}

static bool
is_connected(void *client)
{
	return witness_is_connected(client);
}

static bool
is_not_connected(void *client)
{
	return !witness_is_connected(client);
}

static bool
was_heard(void *heard)
{
	return ((struct heard *)heard)->count > 0;
}

static bool
never(void *context)
{
	(void)context;
	return false;
}

/* -- the daemon -- */

static void
choose_address(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t length = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &length), 0);
	close(fd);
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(any.sin_port));
}

static void
write_config(const char *rows)
{
	const struct passwd *user = getpwuid(geteuid());
	FILE *file;

	snprintf(config_path, sizeof(config_path), "%s/gemel.conf", folder);
	file = fopen(config_path, "w");
	assert_non_null(file);
	fprintf(file,
	    "domain = example.test\nusers { core = \"%s\" }\nwitness {\n listen = {\"%s\"}\n"
	    " directory = \"%s/%s\"\n certificate = \"%s/%s.pem\"\n key = \"%s/%s.key\"\n"
	    " ca = \"%s/ca.pem\"\n log_file = \"%s/log\"\n}\n",
	    user ? user->pw_name : "nobody", address, folder, rows, folder, CERTIFICATES_HOST,
	    folder, CERTIFICATES_HOST, folder, folder);
	fclose(file);
}

static pid_t
spawn(void)
{
	pid_t child = fork();

	if (child == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDERR_FILENO);
		dup2(null, STDOUT_FILENO);
		execl("./gemel-witnessd", "gemel-witnessd", "--config", config_path, (char *)NULL);
		_exit(127);
	}
	assert_true(child > 0);
	return child;
}

static void
daemon_start(void)
{
	daemon_pid = spawn();
}

/* End it by the signal; returns what waitpid() says. */
static int
daemon_end(int signal_number)
{
	int status = -1;

	if (!daemon_pid)
		return 0;
	kill(daemon_pid, signal_number);
	kill(daemon_pid, SIGCONT);
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	daemon_pid = 0;
	return status;
}

static struct witness_client *
open_client(const char *certificate, const char *authority_folder)
{
	const struct witness_client_settings settings = {
	    .address = address,
	    .host = CERTIFICATES_HOST,
	    .pair = "hq",
	    .files = certificates_of(authority_folder, certificate),
	};
	struct witness_client *client = NULL;

	assert_int_equal(witness_client_open(loop, &settings, &client, error), 0);
	return client;
}

static void
connect_all(void)
{
	for (int i = 0; i < 2; i++)
		assert_true(wait_for(is_connected, clients[i], PATIENCE_MS));
}

static int
setup(void **state)
{
	(void)state;
	folder = certificates_make();
	choose_address();
	write_config("rows");
	loop = qb_loop_create();
	daemon_start();
	clients[0] = open_client("hq-0", folder);
	clients[1] = open_client("hq-1", folder);
	connect_all();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	witness_client_close(&clients[0]);
	witness_client_close(&clients[1]);
	daemon_end(SIGKILL);
	qb_loop_destroy(loop);
	certificates_remove(folder);
	return 0;
}

/* -- asking -- */

static void
on_answered(
    void *context, int result, enum register_verdict verdict, const struct register_row *row)
{
	struct heard *heard = context;

	heard->count++;
	heard->result = result;
	heard->verdict = verdict;
	heard->row = *row;
}

static void
on_echoed(void *context, int result, uint64_t sent_ms)
{
	struct heard *heard = context;

	heard->count++;
	heard->result = result;
	heard->sent_ms = sent_ms;
}

static void
begin_ask(struct heard *heard, int client, enum register_verb verb, uint8_t node,
    const struct register_row *known, uint32_t timeout_ms)
{
	const struct register_ask ask = {.verb = verb,
	    .uuid = known->uuid,
	    .epoch = known->epoch ? known->epoch : 1,
	    .node = node,
	    .boot = {{(uint8_t)(10 + node)}},
	    .peer_boot = {{(uint8_t)(11 - node)}}};

	*heard = (struct heard){0};
	witness_ask(clients[client], &ask, on_answered, heard, timeout_ms);
	/* Never inside the call. */
	assert_int_equal(heard->count, 0);
}

static struct heard
ask(int node, enum register_verb verb, const struct register_row *known)
{
	struct heard heard;

	begin_ask(&heard, node, verb, (uint8_t)node, known, TIMEOUT_MS);
	assert_true(wait_for(was_heard, &heard, PATIENCE_MS));
	assert_int_equal(heard.count, 1);
	return heard;
}

static struct register_row
done(int node, enum register_verb verb, const struct register_row *known)
{
	struct heard heard = ask(node, verb, known);

	assert_int_equal(heard.result, 0);
	assert_true(register_is_done(heard.verdict));
	return heard.row;
}

static const struct register_row nothing;

static void
rows_outlive_a_daemon_that_is_killed_after_each_answer(void **state)
{
	static const struct {
		int node;
		enum register_verb verb;
		uint8_t members;
	} life[] = {{0, REGISTER_CREATE, 3}, {1, REGISTER_GRANT, 2}, {1, REGISTER_ADMIT, 3},
	    {0, REGISTER_GRANT, 1}};
	struct register_row row = nothing;

	(void)state;
	for (size_t i = 0; i < sizeof(life) / sizeof(life[0]); i++) {
		struct register_row known = row;

		row = done(life[i].node, life[i].verb, &known);
		assert_int_equal(row.epoch, i + 1);
		assert_int_equal(row.members, life[i].members);
		daemon_end(SIGKILL);
		daemon_start();
		for (int node = 0; node < 2; node++)
			assert_true(wait_for(is_not_connected, clients[node], PATIENCE_MS));
		connect_all();
		known = done(!life[i].node, REGISTER_READ, &nothing);
		assert_memory_equal(&known, &row, sizeof(row));
	}
	/* Who was first is answered again with the same; the other is out. */
	assert_int_equal(ask(1, REGISTER_GRANT, &row).verdict, REGISTER_EXCLUDED);
}

static void
a_witness_that_lost_its_memory_grants_nothing(void **state)
{
	struct register_row row = done(0, REGISTER_CREATE, &nothing), other;

	(void)state;
	daemon_end(SIGKILL);
	write_config("empty");
	daemon_start();
	for (int node = 0; node < 2; node++)
		assert_true(wait_for(is_not_connected, clients[node], PATIENCE_MS));
	connect_all();
	assert_int_equal(ask(0, REGISTER_GRANT, &row).verdict, REGISTER_ABSENT);
	assert_int_equal(ask(1, REGISTER_GRANT, &row).verdict, REGISTER_ABSENT);
	assert_int_equal(ask(1, REGISTER_READ, &row).verdict, REGISTER_ABSENT);
	other = done(1, REGISTER_CREATE, &nothing);
	assert_false(id128_is_same(&other.uuid, &row.uuid));
	assert_int_equal(ask(0, REGISTER_GRANT, &row).verdict, REGISTER_UNKNOWN);
	assert_int_equal(ask(0, REGISTER_ADMIT, &row).verdict, REGISTER_UNKNOWN);
}

static void
a_paused_witness_is_a_time_out_and_each_is_called_back_once(void **state)
{
	enum {
		ASKS = 5
	};
	struct heard heard[ASKS], patient, echo = {0};
	struct register_row row = done(0, REGISTER_CREATE, &nothing);
	uint64_t begun_ms;

	(void)state;
	kill(daemon_pid, SIGSTOP);
	begun_ms = clock_boot_ms();
	for (int i = 0; i < ASKS; i++)
		begin_ask(&heard[i], 0, REGISTER_GRANT, 0, &row, (uint32_t)(SOON_MS + i));
	begin_ask(&patient, 0, REGISTER_READ, 0, &row, TIMEOUT_MS);
	witness_echo(clients[0], 4711, on_echoed, &echo, SOON_MS);
	assert_true(wait_for(was_heard, &heard[ASKS - 1], PATIENCE_MS));
	assert_true(clock_boot_ms() - begun_ms >= SOON_MS);
	for (int i = 0; i < ASKS; i++)
		assert_int_equal(heard[i].result, -ETIMEDOUT);
	assert_int_equal(echo.result, -ETIMEDOUT);
	/* That nobody is there is seen soon, and then it is said at once. */
	assert_int_equal(patient.count, 0);
	assert_true(wait_for(is_not_connected, clients[0], 3000));
	assert_int_equal(patient.count, 1);
	assert_int_equal(patient.result, -ENOTCONN);
	assert_int_equal(ask(0, REGISTER_READ, &row).result, -ENOTCONN);
	kill(daemon_pid, SIGCONT);
	assert_true(wait_for(is_connected, clients[0], PATIENCE_MS));
	/* It may have been granted meanwhile: asked again it is the same. */
	row = done(0, REGISTER_GRANT, &row);
	assert_int_equal(row.epoch, 2);
	wait_for(never, NULL, 50);
	for (int i = 0; i < ASKS; i++)
		assert_int_equal(heard[i].count, 1);
	assert_int_equal(echo.count, 1);
}

static void
an_answer_that_comes_too_late_is_dropped(void **state)
{
	struct register_row row = done(0, REGISTER_CREATE, &nothing);
	struct heard late;

	(void)state;
	kill(daemon_pid, SIGSTOP);
	begin_ask(&late, 0, REGISTER_GRANT, 0, &row, 1);
	assert_true(wait_for(was_heard, &late, PATIENCE_MS));
	assert_int_equal(late.result, -ETIMEDOUT);
	kill(daemon_pid, SIGCONT);
	row = done(0, REGISTER_READ, &row);
	assert_int_equal(late.count, 1);
}

static void
what_is_open_when_the_connection_breaks_is_called_back_once(void **state)
{
	struct register_row row = done(0, REGISTER_CREATE, &nothing);
	struct heard open[3];

	(void)state;
	kill(daemon_pid, SIGSTOP);
	for (int i = 0; i < 3; i++)
		begin_ask(&open[i], 0, REGISTER_READ, 0, &row, TIMEOUT_MS);
	daemon_end(SIGKILL);
	assert_true(wait_for(was_heard, &open[2], PATIENCE_MS));
	wait_for(never, NULL, 50);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(open[i].result, -ENOTCONN);
		assert_int_equal(open[i].count, 1);
	}
}

static void
what_is_open_when_the_client_is_closed_is_called_back_once(void **state)
{
	struct heard open, echo = {0};

	(void)state;
	kill(daemon_pid, SIGSTOP);
	begin_ask(&open, 0, REGISTER_READ, 0, &nothing, TIMEOUT_MS);
	witness_echo(clients[0], 7, on_echoed, &echo, TIMEOUT_MS);
	witness_client_close(&clients[0]);
	assert_int_equal(open.count, 1);
	assert_int_equal(open.result, -ECANCELED);
	assert_int_equal(echo.count, 1);
	assert_int_equal(echo.result, -ECANCELED);
}

static void
an_echo_says_that_the_witness_was_there_after_it_was_asked(void **state)
{
	struct heard echo = {0};
	uint64_t before_ms = clock_boot_ms(), after_ms;

	(void)state;
	witness_echo(clients[1], UINT64_C(0xfedcba9876543210), on_echoed, &echo, TIMEOUT_MS);
	after_ms = clock_boot_ms();
	assert_true(wait_for(was_heard, &echo, PATIENCE_MS));
	assert_int_equal(echo.result, 0);
	assert_in_range(echo.sent_ms, before_ms, after_ms);
}

static void
nobody_asks_as_the_other_node(void **state)
{
	struct heard heard;

	(void)state;
	begin_ask(&heard, 0, REGISTER_CREATE, 1, &nothing, TIMEOUT_MS);
	assert_true(wait_for(was_heard, &heard, PATIENCE_MS));
	assert_int_equal(heard.result, -EACCES);
	assert_int_equal(ask(1, REGISTER_READ, &nothing).verdict, REGISTER_ABSENT);
}

static void
a_stranger_is_never_connected(void **state)
{
	char *strangers = certificates_make();
	char command[512];

	(void)state;
	witness_client_close(&clients[0]);
	/* It knows the right authority, but is not of it. */
	snprintf(command, sizeof(command), "cp %s/ca.pem %s/ca.pem", folder, strangers);
	assert_int_equal(system(command), 0);
	clients[0] = open_client("hq-0", strangers);
	assert_false(wait_for(is_connected, clients[0], 700));
	assert_int_equal(ask(0, REGISTER_READ, &nothing).result, -ENOTCONN);
	snprintf(command, sizeof(command), "rm -r %s", strangers);
	assert_int_equal(system(command), 0);
	free(strangers);
}

static void
it_goes_on_after_a_hangup_and_ends_well_when_asked_to(void **state)
{
	int status;

	(void)state;
	done(0, REGISTER_CREATE, &nothing);
	kill(daemon_pid, SIGHUP);
	done(0, REGISTER_READ, &nothing);
	status = daemon_end(SIGTERM);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(wait_for(is_not_connected, clients[0], PATIENCE_MS));
}

struct child {
	pid_t pid;
	int status;
};

static bool
has_ended(void *context)
{
	struct child *child = context;

	return waitpid(child->pid, &child->status, WNOHANG) == child->pid;
}

static void
two_daemons_never_share_a_directory(void **state)
{
	struct child second;
	bool ended;

	(void)state;
	choose_address();
	write_config("rows");
	second = (struct child){.pid = spawn()};
	ended = wait_for(has_ended, &second, PATIENCE_MS / 4);
	if (!ended) {
		kill(second.pid, SIGKILL);
		waitpid(second.pid, NULL, 0);
	}
	assert_true(ended);
	assert_true(WIFEXITED(second.status));
	assert_int_equal(WEXITSTATUS(second.status), 1);
	done(0, REGISTER_CREATE, &nothing);
}

static void
a_name_or_no_port_is_no_address(void **state)
{
	static const char *const wrong[] = {"witness.example:4573", "127.0.0.1", "*:4573", ""};
	struct witness_client *client = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct witness_client_settings settings = {.address = wrong[i],
		    .host = CERTIFICATES_HOST,
		    .pair = "hq",
		    .files = certificates_of(folder, "hq-0")};

		assert_int_equal(witness_client_open(loop, &settings, &client, error), -EINVAL);
		assert_null(client);
	}
}

int
main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    LAW(rows_outlive_a_daemon_that_is_killed_after_each_answer),
	    LAW(a_witness_that_lost_its_memory_grants_nothing),
	    LAW(a_paused_witness_is_a_time_out_and_each_is_called_back_once),
	    LAW(an_answer_that_comes_too_late_is_dropped),
	    LAW(what_is_open_when_the_connection_breaks_is_called_back_once),
	    LAW(what_is_open_when_the_client_is_closed_is_called_back_once),
	    LAW(an_echo_says_that_the_witness_was_there_after_it_was_asked),
	    LAW(nobody_asks_as_the_other_node),
	    LAW(a_stranger_is_never_connected),
	    LAW(it_goes_on_after_a_hangup_and_ends_well_when_asked_to),
	    LAW(two_daemons_never_share_a_directory),
	    LAW(a_name_or_no_port_is_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
