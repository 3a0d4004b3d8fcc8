/* SPDX-License-Identifier: BSD-2-Clause */
/* What the core acknowledges, and when: over a real store and a real lease. The pool and the
 * control socket only note what is answered. */
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

#define PATIENCE_S 120
#define WAIT_MS 5000
#define SESSIONS 64
/* What must not come is waited for this long. */
#define QUIET_MS 60

static struct core core;
static struct progress progress;
static struct pool_events events;
static struct lease_writer *writer;
static char directory[] = "/tmp/gemel-test-acknowledge-XXXXXX";
static char lease_path[64];

/* ---- in place of the pool ---- */

#define UNANSWERED (-1)

static int answers[SESSIONS];       /* enum commit_verdict, by session */
static uint64_t in_order[SESSIONS]; /* sessions, as they were acknowledged */
static unsigned acknowledged, answered;
static bool has_unflushed;
/* A demote: its end, and what it waits for. */
static void (*stopped)(void *context);
static void *stopped_context;
static bool waits_for_sessions;

void
pool_answer_recipient(struct pool *pool, struct pool_ticket ticket, enum recipient_verdict verdict)
{
	(void)pool;
	(void)ticket;
	(void)verdict;
}

void
pool_answer_stage(struct pool *pool, struct pool_ticket ticket, enum commit_verdict verdict)
{
	(void)pool;
	(void)ticket;
	(void)verdict;
}

void
pool_answer_commit(
    struct pool *pool, struct pool_ticket ticket, enum commit_verdict verdict, const char *id_text)
{
	(void)pool;
	assert_int_equal(answers[ticket.session], UNANSWERED);
	assert_int_equal(*id_text != '\0', verdict == COMMIT_DURABLE || verdict == COMMIT_IN_DOUBT);
	answers[ticket.session] = (int)verdict;
	answered++;
	if (verdict == COMMIT_DURABLE)
		in_order[acknowledged++] = ticket.session;
	has_unflushed = true;
}

void
pool_flush(struct pool *pool)
{
	(void)pool;
	has_unflushed = false;
}

void
pool_quiesce(struct pool *pool, uint32_t timeout_ms, void (*is_done)(void *context), void *context)
{
	(void)pool;
	(void)timeout_ms;
	stopped = is_done;
	stopped_context = context;
	if (!waits_for_sessions)
		is_done(context);
}

void
pool_listen(struct pool *pool, const int *sockets, size_t count)
{
	(void)pool;
	(void)sockets;
	(void)count;
}

uint32_t
pool_workers_alive(const struct pool *pool)
{
	(void)pool;
	return 1;
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
	return 0;
}

/* ---- in place of the control socket ---- */

struct control_request {
	bool is_answered;
	enum control_code code; /* 0: it was done */
	json_t *answer;
	char error[256];
};

void
control_answer(struct control_request *request, json_t *answer)
{
	assert_false(request->is_answered);
	request->is_answered = true;
	request->answer = answer;
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

static void
ask(const char *name, const char *address, struct control_request *request)
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
forget(struct control_request *request)
{
	json_decref(request->answer);
	*request = (struct control_request){0};
}

/* ---- the world ---- */

static int
begin(void **state)
{
	(void)state;
	alarm(PATIENCE_S);
	if (!mkdtemp(directory))
		return -1;
	snprintf(lease_path, sizeof(lease_path), "%s/lease", directory);
	core.config.store_directory = directory;
	core.config.run_directory = directory;
	core.config.hostname = (char *)(uintptr_t) "mx.example.test";
	core.config.segment_mib = 1;
	core.config.checkpoint_after_s = 30;
	strcpy(core.domain, "example.test");
	core.domains[0] = core.domain;
	core.owner = (struct store_owner){geteuid(), getegid(), getegid()};
	core.progress = &progress;
	core.loop = qb_loop_create();
	events = core_pool_events(&core);
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

/* Each test begins with a standby and no lease file. */
static int
setup(void **state)
{
	(void)state;
	progress.role = CORE_STANDBY;
	core.lease = lease_map(lease_path, geteuid());
	acknowledged = answered = 0;
	waits_for_sessions = false;
	for (int i = 0; i < SESSIONS; i++)
		answers[i] = UNANSWERED;
	return 0;
}

static int
teardown(void **state)
{
	struct control_request request;

	(void)state;
	waits_for_sessions = false;
	if (core.has_store)
		ask("demote", NULL, &request);
	lease_reader_close(&core.lease);
	lease_writer_close(&writer);
	unlink(lease_path);
	return core.has_store || core.owed_count ? -1 : 0;
}

static void
grant_for(uint64_t generation, uint64_t ms)
{
	if (!writer)
		assert_int_equal(lease_create(lease_path, &writer), 0);
	lease_grant(writer, generation, clock_boot_ms() + ms, 5);
}

static void
grant(void)
{
	grant_for(progress.generation, LEASE_MAX_MS);
}

static void
promote(void)
{
	char error[CORE_ERROR_MAX];

	assert_int_equal(core_promote(&core, error), 0);
}

static void
commit(uint64_t session)
{
	struct envelope_recipient recipient = {.address = slice_of("nobody@example.test")};
	struct envelope envelope = {.client = slice_of("192.0.2.1"),
	    .helo = slice_of("client.example.com"),
	    .recipients = &recipient,
	    .recipient_count = 1};
	struct buffer encoded = {0};

	assert_true(envelope_encode(&envelope, &encoded));
	events.commit(&core, (struct pool_ticket){.session = session}, buffer_slice(&encoded),
	    slice_of("Subject: x\r\n\r\ntext\r\n"));
	buffer_close(&encoded);
}

/* ---- turns of the loop ---- */

struct patience {
	bool (*is_over)(void);
	uint64_t until_ms;
};

static void
look(void *data)
{
	struct patience *patience = data;
	qb_loop_timer_handle handle;

	if (patience->is_over() || clock_boot_ms() >= patience->until_ms)
		qb_loop_stop(core.loop);
	else
		qb_loop_timer_add(core.loop, QB_LOOP_LOW, 1000000, data, look, &handle);
}

/* Run the core's loop until it is so. No tick of the core's is run. */
static bool
run_until(bool (*is_over)(void), uint64_t ms)
{
	struct patience patience = {is_over, clock_boot_ms() + ms};

	look(&patience);
	qb_loop_run(core.loop);
	return is_over();
}

static bool
never(void)
{
	return false;
}

static bool
is_held(void)
{
	return progress.held > 0;
}

static bool
is_answered(void)
{
	return answered > 0;
}

static unsigned wanted;

static bool
are_held(void)
{
	return progress.held == wanted;
}

static bool
are_acknowledged(void)
{
	return acknowledged == wanted;
}

static void
assert_silence(void)
{
	run_until(never, QUIET_MS);
	assert_int_equal(answered, 0);
}

static void
assert_acknowledged(unsigned count)
{
	wanted = count;
	assert_true(run_until(are_acknowledged, WAIT_MS));
	assert_false(has_unflushed);
	assert_int_equal(progress.held, 0);
	assert_int_equal(progress.held_since_ms, 0);
}

/* Durable, and not acknowledged. */
static void
hold(unsigned count)
{
	wanted = count;
	assert_true(run_until(are_held, WAIT_MS));
	assert_true(progress.held_since_ms > 0);
}

/* ---- the laws ---- */

static void
a_lease_that_holds_lets_the_answer_through(void **state)
{
	(void)state;
	promote();
	grant();
	commit(1);
	assert_acknowledged(1);
}

static void
nothing_is_acknowledged_after_the_lease_has_lapsed(void **state)
{
	const uint64_t accepted = progress.accepted;

	(void)state;
	promote();
	grant_for(progress.generation, 1);
	run_until(never, 5);
	commit(1);
	hold(1);
	assert_silence();
	assert_int_equal(progress.accepted, accepted);
	grant();
	assert_acknowledged(1);
	assert_int_equal(progress.accepted, accepted + 1);
}

/* The process may have been paused in it: what was true when it was begun counts for nothing. */
static void
a_lease_that_lapses_during_the_sync_holds_the_answer(void **state)
{
	(void)state;
	promote();
	grant();
	commit(1);
	lease_revoke(writer);
	hold(1);
	assert_silence();
	grant();
	assert_acknowledged(1);
}

/* The spool has said durable, and the answer is not on its way yet. */
static void
a_lease_that_lapses_between_sync_and_answer_holds_the_answer(void **state)
{
	(void)state;
	promote();
	grant();
	commit(1);
	while (!core.owed_count) {
		struct pollfd descriptor = {spool_descriptor(core.spool), POLLIN, 0};

		assert_int_equal(poll(&descriptor, 1, WAIT_MS), 1);
		spool_dispatch(core.spool);
	}
	lease_revoke(writer);
	core_acknowledge(&core);
	assert_silence();
	grant();
	assert_acknowledged(1);
}

static void
a_lease_of_another_generation_counts_for_nothing(void **state)
{
	(void)state;
	promote();
	grant_for(progress.generation - 1, LEASE_MAX_MS);
	commit(1);
	hold(1);
	grant_for(progress.generation + 1, LEASE_MAX_MS);
	assert_silence();
	grant();
	assert_acknowledged(1);
}

static void
a_lease_from_before_the_promote_counts_for_nothing(void **state)
{
	struct control_request request;

	(void)state;
	promote();
	grant();
	ask("demote", NULL, &request);
	promote();
	commit(1);
	hold(1);
	assert_silence();
	grant();
	assert_acknowledged(1);
}

static void
a_lease_that_ends_too_late_counts_for_nothing(void **state)
{
	(void)state;
	promote();
	grant_for(progress.generation, LEASE_MAX_MS + 60000);
	commit(1);
	hold(1);
	assert_silence();
}

static void
what_is_held_is_given_in_order(void **state)
{
	(void)state;
	promote();
	for (uint64_t i = 0; i < SESSIONS; i++) {
		commit((i * 7) % SESSIONS);
		/* In several batches. */
		if (i % 10 == 0) {
			wanted = (unsigned)i + 1;
			assert_true(run_until(are_held, WAIT_MS));
		}
	}
	hold(SESSIONS);
	grant();
	assert_acknowledged(SESSIONS);
	for (uint64_t i = 0; i < SESSIONS; i++)
		assert_int_equal(in_order[i], (i * 7) % SESSIONS);
}

static void
a_core_promoted_without_a_lease_answers_when_it_gets_one(void **state)
{
	(void)state;
	promote();
	assert_int_equal(progress.role, CORE_ACTIVE);
	commit(1);
	hold(1);
	grant();
	assert_acknowledged(1);
}

/* A takeover waits for the first one; the core's tick is 50 ms. */
static void
what_is_held_is_given_within_moments_of_the_renewal(void **state)
{
	uint64_t waited_ms = 0;

	(void)state;
	promote();
	for (unsigned i = 0; i < 10; i++) {
		uint64_t began_ms;

		grant_for(0, 0);
		commit(i);
		hold(1);
		began_ms = clock_boot_ms();
		grant();
		assert_acknowledged(i + 1);
		waited_ms += clock_boot_ms() - began_ms;
	}
	/* 2 ms each, and what a busy machine adds. */
	assert_in_range(waited_ms, 0, 250);
}

static void
what_is_refused_is_refused_at_once(void **state)
{
	(void)state;
	promote();
	events.commit(
	    &core, (struct pool_ticket){.session = 1}, slice_of("nonsense"), slice_of("text\r\n"));
	assert_int_equal(answers[1], COMMIT_REFUSED);
}

static void
what_finds_no_space_is_refused_at_once(void **state)
{
	(void)state;
	core.config.reserve_mib = 1ull << 30;
	promote();
	core.config.reserve_mib = 0;
	commit(1);
	assert_true(run_until(is_answered, WAIT_MS));
	assert_int_equal(answers[1], COMMIT_SYSTEM_FULL);
}

static void
a_standalone_core_needs_no_lease(void **state)
{
	(void)state;
	lease_reader_close(&core.lease);
	promote();
	commit(1);
	assert_acknowledged(1);
}

static void
a_change_of_accounts_is_told_done_only_while_the_lease_holds(void **state)
{
	struct control_request add, list;

	(void)state;
	promote();
	ask("account-add", "ann@example.test", &add);
	assert_true(run_until(is_held, WAIT_MS));
	assert_false(add.is_answered);
	/* What promises nothing is answered. */
	ask("account-list", NULL, &list);
	assert_true(list.is_answered);
	assert_int_equal(json_array_size(json_object_get(list.answer, "accounts")), 1);
	grant();
	while (!add.is_answered)
		run_until(never, 5);
	assert_int_equal(add.code, 0);
	forget(&add);
	forget(&list);
}

static void
a_demote_ends_what_is_held_without_an_answer(void **state)
{
	const uint64_t accepted = progress.accepted;
	struct control_request demote, add;

	(void)state;
	promote();
	commit(1);
	ask("account-add", "ben@example.test", &add);
	hold(2);
	waits_for_sessions = true;
	ask("demote", NULL, &demote);
	assert_silence();
	stopped(stopped_context);
	assert_true(demote.is_answered);
	assert_int_equal(answers[1], COMMIT_IN_DOUBT);
	assert_int_equal(add.code, CONTROL_FAILED);
	assert_non_null(strstr(add.error, "in doubt"));
	assert_int_equal(progress.held, 0);
	assert_int_equal(progress.role, CORE_STANDBY);
	/* A lease that comes now finds nothing. */
	grant();
	run_until(never, 10);
	assert_int_equal(acknowledged, 0);
	assert_int_equal(progress.accepted, accepted);
}

static void
a_lease_that_comes_back_during_a_demote_lets_the_answer_through(void **state)
{
	struct control_request demote;

	(void)state;
	promote();
	commit(1);
	hold(1);
	waits_for_sessions = true;
	ask("demote", NULL, &demote);
	grant();
	assert_acknowledged(1);
	assert_false(demote.is_answered);
	stopped(stopped_context);
	assert_true(demote.is_answered);
}

/* It became durable by the closing itself. */
static void
a_demote_without_a_lease_acknowledges_nothing_that_was_in_flight(void **state)
{
	struct control_request demote;

	(void)state;
	promote();
	commit(1);
	ask("demote", NULL, &demote);
	assert_true(demote.is_answered);
	assert_int_equal(answers[1], COMMIT_IN_DOUBT);
}

static void
a_core_that_fails_ends_what_is_held_without_an_answer(void **state)
{
	(void)state;
	promote();
	commit(1);
	hold(1);
	core_fail(&core, "a trial");
	assert_int_equal(answers[1], COMMIT_IN_DOUBT);
	grant();
	run_until(never, 10);
	assert_int_equal(acknowledged, 0);
}

static void
assert_status(const char *lease, int held)
{
	struct control_request status;
	const char *said;

	ask("status", NULL, &status);
	assert_true(status.is_answered);
	said = json_string_value(json_object_get(status.answer, "lease"));
	assert_string_equal(said, lease);
	assert_int_equal(json_integer_value(json_object_get(status.answer, "held")), held);
	forget(&status);
}

static void
the_status_shows_the_lease(void **state)
{
	struct control_request status;

	(void)state;
	assert_status("none", 0);
	promote();
	commit(1);
	hold(1);
	assert_status("none", 1);
	grant_for(progress.generation + 1, LEASE_MAX_MS);
	assert_status("other", 1);
	grant_for(progress.generation, 0);
	assert_status("lapsed", 1);
	grant();
	assert_acknowledged(1);
	assert_status("holds", 0);
	ask("status", NULL, &status);
	assert_int_equal(json_integer_value(json_object_get(status.answer, "epoch")), 5);
	forget(&status);
	lease_reader_close(&core.lease);
	assert_status("standalone", 0);
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
    LAW(a_lease_that_holds_lets_the_answer_through),
    LAW(nothing_is_acknowledged_after_the_lease_has_lapsed),
    LAW(a_lease_that_lapses_during_the_sync_holds_the_answer),
    LAW(a_lease_that_lapses_between_sync_and_answer_holds_the_answer),
    LAW(a_lease_of_another_generation_counts_for_nothing),
    LAW(a_lease_from_before_the_promote_counts_for_nothing),
    LAW(a_lease_that_ends_too_late_counts_for_nothing),
    LAW(what_is_held_is_given_in_order),
    LAW(a_core_promoted_without_a_lease_answers_when_it_gets_one),
    LAW(what_is_held_is_given_within_moments_of_the_renewal),
    LAW(what_is_refused_is_refused_at_once),
    LAW(what_finds_no_space_is_refused_at_once),
    LAW(a_standalone_core_needs_no_lease),
    LAW(a_change_of_accounts_is_told_done_only_while_the_lease_holds),
    LAW(a_demote_ends_what_is_held_without_an_answer),
    LAW(a_lease_that_comes_back_during_a_demote_lets_the_answer_through),
    LAW(a_demote_without_a_lease_acknowledges_nothing_that_was_in_flight),
    LAW(a_core_that_fails_ends_what_is_held_without_an_answer),
    LAW(the_status_shows_the_lease),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, begin, end);
}
