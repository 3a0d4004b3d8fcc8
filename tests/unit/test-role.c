/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's roles over a real store, with workers that are quiet whenever they are told to be. */
#include "mailcore/core/core.h"

#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_S 30

static struct core core;
static struct progress progress;
static char directory[] = "/tmp/gemel-test-role-XXXXXX";
static unsigned committed, sessions;

/* ---- in place of the pool, the intake and the verbs ---- */

void
pool_quiesce(struct pool *pool, uint32_t timeout_ms, void (*stopped)(void *context), void *context)
{
	(void)pool;
	(void)timeout_ms;
	stopped(context);
}

void
pool_listen(struct pool *pool, const int *sockets, size_t count)
{
	(void)pool;
	(void)sockets;
	(void)count;
}

void
pool_flush(struct pool *pool)
{
	(void)pool;
}

uint32_t
pool_workers_alive(const struct pool *pool)
{
	(void)pool;
	return 0;
}

uint32_t
pool_worker_deaths(const struct pool *pool)
{
	(void)pool;
	return 0;
}

uint32_t
pool_sessions(const struct pool *pool)
{
	(void)pool;
	return sessions;
}

void
core_committed(void *context, void *cookie, message_id id, enum commit_verdict verdict)
{
	(void)context;
	(void)cookie;
	(void)id;
	committed += verdict == COMMIT_DURABLE;
}

void
core_drop_stages(struct core *c)
{
	(void)c;
}

/* ---- in place of the control socket ---- */

struct control_request {
	bool is_answered;
	enum control_code code; /* 0: it was done */
	char error[256];
};

void
control_answer(struct control_request *request, json_t *answer)
{
	assert_false(request->is_answered);
	request->is_answered = true;
	json_decref(answer);
}

void
control_refuse(struct control_request *request, enum control_code code, const char *format, ...)
{
	va_list args;

	assert_false(request->is_answered);
	request->is_answered = true;
	request->code = code;
	va_start(args, format);
	vsnprintf(request->error, sizeof(request->error), format, args);
	va_end(args);
}

/* Ask about an address, or nothing; the answer may come later. */
static void
ask_about(const char *name, const char *address, struct control_request *request)
{
	const struct control_verb *verb = core_verbs;
	json_t *arguments = json_pack("{s:s*}", "address", address);

	*request = (struct control_request){0};
	while (strcmp(verb->name, name) != 0)
		verb++;
	verb->run(&core, request, arguments);
	json_decref(arguments);
}

static void
ask(const char *name, struct control_request *request)
{
	ask_about(name, NULL, request);
}

static void
assert_done(const struct control_request *request)
{
	assert_true(request->is_answered);
	if (request->code)
		fail_msg("%s", request->error);
}

/* ---- the tests ---- */

static int
begin(void **state)
{
	(void)state;
	alarm(PATIENCE_S);
	if (!mkdtemp(directory))
		return -1;
	core.config.store_directory = directory;
	core.config.hostname = (char *)(uintptr_t) "mx.example.test";
	core.config.segment_mib = 1;
	core.config.checkpoint_after_s = 30;
	strcpy(core.domain, "example.test");
	core.domains[0] = core.domain;
	core.owner = (struct store_owner){geteuid(), getegid(), getegid()};
	core.progress = &progress;
	core.loop = qb_loop_create();
	progress.role = CORE_STANDBY;
	return core.loop ? 0 : -1;
}

static int
end(void **state)
{
	char command[128];

	(void)state;
	qb_loop_destroy(core.loop);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static void
promote(void)
{
	struct control_request request;

	ask("promote", &request);
	assert_done(&request);
	assert_int_equal(progress.role, CORE_ACTIVE);
}

static void
demote(void)
{
	struct control_request request;

	ask("demote", &request);
	assert_done(&request);
	assert_int_equal(progress.role, CORE_STANDBY);
}

static void
commit_for(const char *address)
{
	struct envelope_recipient recipient = {.address = slice_of(address)};
	struct envelope envelope = {
	    .client = slice_of("192.0.2.1"),
	    .helo = slice_of("client.example.com"),
	    .accepted_ms = clock_wall_ms(),
	    .recipients = &recipient,
	    .recipient_count = 1,
	};
	struct spool_stage *none = NULL;
	struct buffer encoded = {0};

	assert_true(envelope_encode(&envelope, &encoded));
	spool_commit(core.spool, buffer_slice(&encoded), slice_of("Subject: x\r\n\r\ntext\r\n"),
	    &none, NULL);
	buffer_close(&encoded);
}

static void
stop_when_delivered(void *data)
{
	qb_loop_timer_handle handle;

	core_tick(&core, clock_boot_ms());
	if (progress.delivered == *(uint64_t *)data)
		qb_loop_stop(core.loop);
	else
		qb_loop_timer_add(
		    core.loop, QB_LOOP_MED, 1000000, data, stop_when_delivered, &handle);
}

static void
run_until_delivered(uint64_t count)
{
	stop_when_delivered(&count);
	qb_loop_run(core.loop);
	assert_int_equal(progress.delivered, count);
}

static void
add_account(const char *address)
{
	uint64_t id;

	assert_int_equal(accounts_add(core.writer, slice_of(address), NULL, &id), 0);
}

/* As after a demote that cut its sessions: the sync of a commit may take longer than they had. */
static void
a_commit_in_flight_survives_a_demote(void **state)
{
	(void)state;
	promote();
	add_account("ann@example.test");
	commit_for("ann@example.test");
	demote();
	assert_int_equal(committed, 1);
	promote();
	run_until_delivered(1);
	demote();
}

static void
a_promote_ends_a_drain_that_waits(void **state)
{
	struct control_request drain;

	(void)state;
	promote();
	sessions = 1;
	ask("drain", &drain);
	assert_false(drain.is_answered);
	promote();
	assert_true(drain.is_answered);
	assert_int_equal(drain.code, CONTROL_REFUSED);
	sessions = 0;
	demote();
}

static void
a_demote_ends_a_drain_that_waits(void **state)
{
	struct control_request drain;

	(void)state;
	promote();
	sessions = 1;
	ask("drain", &drain);
	demote();
	assert_int_equal(drain.code, CONTROL_REFUSED);
	sessions = 0;
}

static void
a_drain_is_answered_when_no_session_is_left(void **state)
{
	struct control_request drain;

	(void)state;
	promote();
	sessions = 1;
	ask("drain", &drain);
	core_tick(&core, clock_boot_ms());
	assert_false(drain.is_answered);
	sessions = 0;
	core_tick(&core, clock_boot_ms());
	assert_done(&drain);
	demote();
}

/* A port that another has taken meanwhile: the core must not believe that it listens. */
static void
a_promote_that_cannot_listen_again_fails_again(void **state)
{
	char *taken[] = {(char *)(uintptr_t) "192.0.2.1:0x"};
	struct control_request request;

	(void)state;
	promote();
	ask("drain", &request);
	core.config.listen = (struct config_list){taken, 1};
	for (int i = 0; i < 2; i++) {
		ask("promote", &request);
		assert_int_equal(request.code, CONTROL_FAILED);
	}
	core.config.listen.count = 0;
	promote();
	demote();
}

static void
a_new_account_gets_at_once_what_waited_for_it(void **state)
{
	const unsigned before = committed;
	const uint64_t began_ms = clock_boot_ms();
	struct control_request request;

	(void)state;
	promote();
	commit_for("Bob@example.test");
	while (committed == before) {
		struct pollfd descriptor = {spool_descriptor(core.spool), POLLIN, 0};

		assert_int_equal(poll(&descriptor, 1, PATIENCE_S * 1000), 1);
		spool_dispatch(core.spool);
	}
	ask_about("account-add", "bob@example.test", &request);
	run_until_delivered(1);
	assert_done(&request);
	/* The first pause is 10 s. */
	assert_true(clock_boot_ms() - began_ms < 8000);
	demote();
}

/* A bulk import must not make a demote wait for all of it. */
static void
a_demote_refuses_changes_that_have_not_begun(void **state)
{
	enum {
		CHANGES = 100
	};
	static struct control_request requests[CHANGES];
	char address[64];
	unsigned refused = 0;

	(void)state;
	promote();
	for (unsigned i = 0; i < CHANGES; i++) {
		snprintf(address, sizeof(address), "many%u@example.test", i);
		ask_about("account-add", address, &requests[i]);
	}
	demote();
	promote();
	for (unsigned i = 0; i < CHANGES; i++) {
		struct account account;
		int found;

		assert_true(requests[i].is_answered);
		snprintf(address, sizeof(address), "many%u@example.test", i);
		found = accounts_find(core.reader, address, &account);
		assert_int_equal(found, requests[i].code ? -ENOENT : 0);
		refused += requests[i].code == CONTROL_REFUSED;
	}
	assert_true(refused > 0);
	demote();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_commit_in_flight_survives_a_demote),
    cmocka_unit_test(a_promote_ends_a_drain_that_waits),
    cmocka_unit_test(a_demote_ends_a_drain_that_waits),
    cmocka_unit_test(a_drain_is_answered_when_no_session_is_left),
    cmocka_unit_test(a_new_account_gets_at_once_what_waited_for_it),
    cmocka_unit_test(a_demote_refuses_changes_that_have_not_begun),
    cmocka_unit_test(a_promote_that_cannot_listen_again_fails_again),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, begin, end);
}
