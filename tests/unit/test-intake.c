/* SPDX-License-Identifier: BSD-2-Clause */
/* What the core answers to its workers, with a spool and a pool that only note what is asked. */
#include "mailcore/core/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define STAGES_MAX 3

struct spool_stage {
	uint64_t bytes;
};

static struct core core;
static struct progress progress;
static struct pool_events events;
static unsigned open_stages;
static bool fails_meanwhile; /* between the journal's sync and its answer */
static enum commit_verdict staged, committed;

/* ---- in place of pool, spool and roles ---- */

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
	staged = verdict;
}

void
pool_answer_commit(
    struct pool *pool, struct pool_ticket ticket, enum commit_verdict verdict, const char *id_text)
{
	(void)pool;
	(void)ticket;
	(void)id_text;
	committed = verdict;
}

void
pool_flush(struct pool *pool)
{
	(void)pool;
}

int
spool_stage_open(struct spool *spool, struct spool_stage **stage_r)
{
	(void)spool;
	open_stages++;
	*stage_r = calloc(1, sizeof(**stage_r));
	return 0;
}

int
spool_stage_append(struct spool *spool, struct spool_stage *stage, struct slice bytes)
{
	(void)spool;
	stage->bytes += bytes.length;
	return 0;
}

void
spool_stage_drop(struct spool_stage **stage)
{
	open_stages -= *stage != NULL;
	free(*stage);
	*stage = NULL;
}

void
spool_commit(struct spool *spool, struct slice envelope, struct slice content,
    struct spool_stage **stage, void *cookie)
{
	(void)spool;
	(void)envelope;
	(void)content;
	spool_stage_drop(stage);
	if (fails_meanwhile)
		progress.role = CORE_FAILED;
	core_committed(&core, cookie, 1, COMMIT_DURABLE);
	core_acknowledge(&core);
}

void
core_fail(struct core *c, const char *reason)
{
	(void)c;
	(void)reason;
}

/* ---- the tests ---- */

static int
begin(void **state)
{
	(void)state;
	core.progress = &progress;
	core.spool = (struct spool *)(uintptr_t)&core;
	core.stages_max = STAGES_MAX;
	progress.role = CORE_ACTIVE;
	events = core_pool_events(&core);
	return 0;
}

static struct pool_ticket
session(uint32_t number)
{
	return (struct pool_ticket){.worker = 0, .life = 1, .session = number};
}

static enum commit_verdict
stage(uint32_t number)
{
	events.stage(&core, session(number), slice_of("text\r\n"));
	return staged;
}

/* Each holds a descriptor, and the journal needs some, too. */
static void
staging_files_are_bounded_and_who_has_one_goes_on(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < STAGES_MAX; i++)
		assert_int_equal(stage(i), COMMIT_DURABLE);
	assert_int_equal(stage(STAGES_MAX), COMMIT_TRY_LATER);
	assert_int_equal(open_stages, STAGES_MAX);
	assert_int_equal(stage(0), COMMIT_DURABLE);
	events.abandon(&core, session(1));
	assert_int_equal(stage(STAGES_MAX), COMMIT_DURABLE);
	assert_int_equal(stage(1), COMMIT_TRY_LATER);
	events.worker_died(&core, 0, 1, "");
	assert_int_equal(open_stages, 0);
	for (uint32_t i = 0; i < STAGES_MAX; i++)
		assert_int_equal(stage(i), COMMIT_DURABLE);
	core_drop_stages(&core);
	assert_int_equal(open_stages, 0);
	assert_int_equal(stage(0), COMMIT_DURABLE);
	core_drop_stages(&core);
}

static void
what_is_no_envelope_is_refused_and_what_was_staged_dropped(void **state)
{
	(void)state;
	assert_int_equal(stage(0), COMMIT_DURABLE);
	events.commit(&core, session(0), slice_of("nonsense"), slice_of("text\r\n"));
	assert_int_equal(committed, COMMIT_REFUSED);
	assert_int_equal(open_stages, 0);
}

/* A failed sync of the mail file system, while the journal's went well. */
static void
a_core_that_fails_meanwhile_acknowledges_nothing(void **state)
{
	struct envelope_recipient recipient = {.address = slice_of("user@example.test")};
	struct envelope envelope = {.recipients = &recipient,
	    .recipient_count = 1,
	    .helo = slice_of("client.example"),
	    .client = slice_of("192.0.2.1")};
	struct buffer encoded = {0};

	(void)state;
	assert_true(envelope_encode(&envelope, &encoded));
	events.commit(&core, session(0), buffer_slice(&encoded), slice_of("text\r\n"));
	assert_int_equal(committed, COMMIT_DURABLE);
	fails_meanwhile = true;
	events.commit(&core, session(0), buffer_slice(&encoded), slice_of("text\r\n"));
	assert_int_equal(committed, COMMIT_IN_DOUBT);
	fails_meanwhile = false;
	progress.role = CORE_ACTIVE;
	buffer_close(&encoded);
}

static void
a_core_that_is_not_active_promises_nothing(void **state)
{
	(void)state;
	progress.role = CORE_FAILED;
	assert_int_equal(stage(0), COMMIT_TRY_LATER);
	assert_int_equal(open_stages, 0);
	progress.role = CORE_ACTIVE;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(staging_files_are_bounded_and_who_has_one_goes_on),
    cmocka_unit_test(what_is_no_envelope_is_refused_and_what_was_staged_dropped),
    cmocka_unit_test(a_core_that_fails_meanwhile_acknowledges_nothing),
    cmocka_unit_test(a_core_that_is_not_active_promises_nothing),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, begin, NULL);
}
