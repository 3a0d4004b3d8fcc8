/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/state.h"

#include "mailcore/spool/inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void
spool_fail(void *context, const char *reason)
{
	struct spool *spool = context;

	if (spool->has_failed)
		return;
	spool->has_failed = true;
	snprintf(spool->failure, sizeof(spool->failure), "%s", reason);
	/* Told by the next dispatch: never from inside a call. */
	syncer_wake(spool->syncer);
}

void
spool_degrade(void *context, const char *reason)
{
	struct spool *spool = context;

	spool->is_degraded = true;
	spool->events.degraded(spool->events.context, reason);
}

static void
spool_free(struct spool **spool_p)
{
	struct spool *spool = *spool_p;

	*spool_p = NULL;
	syncer_close(&spool->syncer);
	if (spool->queue)
		queue_close(&spool->queue);
	journal_close(&spool->journal);
	ledger_close(&spool->ledger);
	answers_close(&spool->answers);
	buffer_close(&spool->removals);
	buffer_close(&spool->encoding);
	free(spool->directory);
	free(spool);
}

int
spool_open_inside(const struct spool_settings *settings, const struct spool_events *events,
    enum syncer_kind kind, const char *vfs, struct spool **spool_r, char error[256])
{
	struct spool *spool = calloc(1, sizeof(*spool));
	int result;

	if (!spool || !(spool->directory = strdup(settings->directory)))
		abort();
	error[0] = '\0';
	spool->settings = *settings;
	spool->settings.directory = spool->directory;
	spool->events = *events;
	spool->next_number = 1;
	answers_open(&spool->answers);
	ledger_open(&spool->ledger);
	result = syncer_open(kind, &spool->syncer);
	if (result < 0)
		snprintf(error, 256, "spool: cannot start threads: %s", strerror(-result));
	if (result == 0)
		result = promote_run(spool, vfs, error);
	if (result < 0) {
		spool_free(&spool);
		*spool_r = NULL;
		return result;
	}
	*spool_r = spool;
	promote_announce(spool);
	result = queue_load_first(spool->queue);
	if (result < 0) {
		snprintf(error, 256, "spool: cannot read the queue file in %.150s: %s",
		    spool->directory, strerror(-result));
		spool_free(spool_r);
	}
	return result;
}

int
spool_open(const struct spool_settings *settings, const struct spool_events *events,
    struct spool **spool_r, char error[256])
{
	return spool_open_inside(settings, events, SYNCER_THREADS, NULL, spool_r, error);
}

uint64_t
spool_generation(const struct spool *spool)
{
	return spool->generation;
}

uint64_t
spool_queued(const struct spool *spool)
{
	return spool->ledger.count + queue_unloaded(spool->queue) - queue_ending(spool->queue);
}

uint64_t
spool_commit_us(const struct spool *spool)
{
	return journal_commit_us(spool->journal);
}

int
spool_has(struct spool *spool, message_id id)
{
	return ledger_find(&spool->ledger, id) ? 1 : queue_has(spool->queue, id);
}

int
spool_descriptor(const struct spool *spool)
{
	return syncer_descriptor(spool->syncer);
}

/* All that is owed after something has happened. */
static void
spool_settle_debts(struct spool *spool)
{
	if (spool->has_failed && !spool->failure_is_told) {
		spool->failure_is_told = true;
		spool->events.failed(spool->events.context, spool->failure);
	}
	answers_give_committed(spool);
	answers_give_prepared(spool);
	if (spool->has_failed)
		return;
	if (answers_has_job(spool))
		queue_hurry(spool->queue);
	removal_start(spool);
}

void
spool_dispatch(struct spool *spool)
{
	syncer_dispatch(spool->syncer);
	spool_settle_debts(spool);
	if (!spool->has_failed)
		journal_flush(spool->journal);
}

void
spool_tick(struct spool *spool, uint64_t now_ms)
{
	spool->now_ms = now_ms;
	if (spool->has_failed)
		return;
	journal_tick(spool->journal);
	queue_tick(spool->queue, now_ms, journal_free(spool->journal));
}

/* Write what waits for the journal. False: there is no space for it. */
static bool
spool_drain_journal(struct spool *spool)
{
	while (!spool->has_failed &&
	       !(journal_is_idle(spool->journal) && !answers_has_committed(spool))) {
		journal_hurry(spool->journal);
		spool_dispatch(spool);
		if (spool->has_failed || journal_is_stuck(spool->journal))
			return false;
		if (!journal_is_idle(spool->journal))
			syncer_wait(spool->syncer);
	}
	return !spool->has_failed;
}

/* Write all that was said. */
static void
spool_drain(struct spool *spool)
{
	do {
		if (!spool_drain_journal(spool))
			return;
	} while (journal_seal(spool->journal));
	while (!spool->has_failed && (queue_is_busy(spool->queue) || queue_finish(spool->queue))) {
		syncer_wait(spool->syncer);
		spool_dispatch(spool);
		if (!queue_is_busy(spool->queue) && queue_result(spool->queue) < 0)
			return;
	}
}

int
spool_close(struct spool **spool_p)
{
	struct spool *spool = *spool_p;
	int result;

	if (!spool)
		return 0;
	spool_drain(spool);
	/* Answers that are left, if it failed. */
	spool_settle_debts(spool);
	result = queue_result(spool->queue);
	if (spool->has_failed)
		result = -EIO;
	else if (!journal_is_idle(spool->journal))
		result = -ENOSPC;
	spool_free(spool_p);
	return result;
}
