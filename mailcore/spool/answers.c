/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/state.h"

#include <stdlib.h>

/* What a spool_commit() is owed, in the order of the calls. */
struct commit_answer {
	uint64_t batch; /* that must be durable first */
	void *cookie;
	struct ledger_entry *entry; /* NULL: refused */
	enum commit_verdict verdict;
};

/* What a spool_prepare() is owed. */
struct prepare_answer {
	struct prepare_answer *next;
	uint64_t batch, job; /* that must be durable first; 0: none */
	void *cookie;
};

void
answers_open(struct answers *answers)
{
	*answers = (struct answers){0};
	answers->prepares_last = &answers->prepares;
}

void
answers_close(struct answers *answers)
{
	while (answers->prepares) {
		struct prepare_answer *answer = answers->prepares;

		answers->prepares = answer->next;
		free(answer);
	}
	buffer_close(&answers->commits);
}

/* -- committed() -- */

static struct commit_answer *
answers_first(const struct answers *answers)
{
	if (answers->given == answers->commits.length)
		return NULL;
	return (struct commit_answer *)(void *)(answers->commits.data + answers->given);
}

bool
answers_has_committed(const struct spool *spool)
{
	return answers_first(&spool->answers) != NULL;
}

void
answers_owe_commit(struct spool *spool, void *cookie, struct ledger_entry *entry, uint64_t batch,
    enum commit_verdict verdict)
{
	struct commit_answer answer = {batch, cookie, entry, verdict};
	struct answers *answers = &spool->answers;

	if (answers->given == answers->commits.length)
		answers->given = answers->commits.length = 0;
	buffer_append(&answers->commits, &answer, sizeof(answer));
	if (!entry)
		syncer_wake(spool->syncer);
}

void
answers_give_committed(struct spool *spool)
{
	struct answers *answers = &spool->answers;
	const struct spool_events *events = &spool->events;
	struct commit_answer *first;

	while ((first = answers_first(answers))) {
		struct commit_answer answer = *first;

		if (spool->has_failed) {
			answer.verdict = answer.entry ? COMMIT_IN_DOUBT : COMMIT_TRY_LATER;
			if (answer.entry)
				ledger_remove(&spool->ledger, answer.entry);
			answer.entry = NULL;
		} else if (answer.batch > journal_durable(spool->journal)) {
			break;
		}
		answers->given += sizeof(answer);
		events->committed(events->context, answer.cookie,
		    answer.entry ? answer.entry->message.id : 0, answer.verdict);
		if (answer.entry) {
			answer.entry->is_visible = true;
			events->arrived(events->context, &answer.entry->message);
		}
	}
	/* Answers that wait behind given ones move to the front now and then. */
	if (answers->given > answers->commits.length / 2) {
		buffer_consume(&answers->commits, answers->given);
		answers->given = 0;
	}
}

void
answers_durable(void *context, uint64_t batch, struct segment *segment, uint64_t offset)
{
	struct spool *spool = context;
	const struct answers *answers = &spool->answers;
	struct position position = {segment->header.sequence, offset, batch};

	for (size_t at = answers->given; at < answers->commits.length;
	     at += sizeof(struct commit_answer)) {
		struct commit_answer *answer = (void *)(answers->commits.data + at);

		if (answer->batch > batch)
			break;
		if (!answer->entry || answer->entry->position.segment)
			continue;
		answer->entry->position = position;
		answer->entry->arrived_ms = spool->now_ms;
		if (answer->entry->place == RECORD_INLINE) {
			answer->entry->segment = segment;
			answer->entry->content_offset += offset;
		}
	}
	answers_give_committed(spool);
}

/* -- prepared() -- */

void
answers_owe_prepare(struct spool *spool, void *cookie, uint64_t batch, uint64_t job)
{
	struct prepare_answer *answer = calloc(1, sizeof(*answer));

	if (!answer)
		abort();
	*answer = (struct prepare_answer){.batch = batch, .job = job, .cookie = cookie};
	*spool->answers.prepares_last = answer;
	spool->answers.prepares_last = &answer->next;
	syncer_wake(spool->syncer);
}

bool
answers_has_job(const struct spool *spool)
{
	const struct prepare_answer *answer = spool->answers.prepares;

	while (answer && answer->job <= queue_done(spool->queue))
		answer = answer->next;
	return answer != NULL;
}

static bool
prepare_is_due(const struct spool *spool, const struct prepare_answer *answer)
{
	return spool->has_failed || (answer->batch <= journal_durable(spool->journal) &&
					answer->job <= queue_done(spool->queue));
}

void
answers_give_prepared(struct spool *spool)
{
	struct prepare_answer *due = NULL, **due_last = &due, **at = &spool->answers.prepares;

	while (*at) {
		struct prepare_answer *answer = *at;

		if (!prepare_is_due(spool, answer)) {
			at = &answer->next;
			continue;
		}
		*at = answer->next;
		answer->next = NULL;
		*due_last = answer;
		due_last = &answer->next;
	}
	spool->answers.prepares_last = at;
	while (due) {
		struct prepare_answer *answer = due;

		due = answer->next;
		spool->events.prepared(spool->events.context, answer->cookie, !spool->has_failed);
		free(answer);
	}
}
