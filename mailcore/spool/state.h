/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state -- what one spool is made of. Private to the files that make up spool.h.
 *
 *   spool.c      open, dispatch, tick, close; failure
 *   promote.c    replay: what the disk holds becomes a ledger, a journal and a queue
 *   admission.c  commit: may it be taken, where does its content go
 *   answers.c    who waits for what to be durable, answered in order
 *   delivery.c   what deliverers call: read, prepare, settle
 *   removal.c    files of messages that ended
 *
 * All of it belongs to the loop's thread. What other threads look at is said
 * where it is: queue_lock() guards a message's place, the rest are tasks.
 */
#ifndef GEMEL_MAILCORE_SPOOL_STATE_H
#define GEMEL_MAILCORE_SPOOL_STATE_H

#include "mailcore/spool/journal.h"
#include "mailcore/spool/ledger.h"
#include "mailcore/spool/queue.h"
#include "mailcore/spool/spool.h"
#include "mailcore/spool/syncer.h"

struct prepare_answer;

struct answers {
	struct buffer commits; /* struct commit_answer[] */
	size_t given;          /* bytes at its front */
	struct prepare_answer *prepares, **prepares_last;
};

struct spool {
	char *directory;
	struct spool_settings settings;
	struct spool_events events;
	struct syncer *syncer;
	struct journal *journal;
	struct queue *queue;
	struct ledger ledger;
	uint64_t generation;
	uint64_t next_number; /* of an id */
	uint64_t now_ms;
	bool has_failed;
	char failure[256];
	bool failure_is_told;
	bool is_degraded; /* damage was found */
	struct answers answers;
	struct buffer removals; /* struct removal[] */
	struct buffer encoding; /* scratch */
};

/* Events of the parts: nothing can be promised any more; damage was put aside. */
void spool_fail(void *context, const char *reason);
void spool_degrade(void *context, const char *reason);

/* Replay, raise the generation, begin its first segment. Returns 0 or -errno with a sentence. */
int promote_run(struct spool *spool, const char *vfs, char error[256]);
/* Call arrived() for every message that replay found; the callback may settle it at once. */
void promote_announce(struct spool *spool);

void answers_open(struct answers *answers);
void answers_close(struct answers *answers);
/* Owe committed(): of entry once batch is durable, or with entry NULL a refusal. */
void answers_owe_commit(struct spool *spool, void *cookie, struct ledger_entry *entry,
    uint64_t batch, enum commit_verdict verdict);
/* Owe prepared(), once batch is durable and job is done; 0: there is none to wait for. */
void answers_owe_prepare(struct spool *spool, void *cookie, uint64_t batch, uint64_t job);
/* Event of the journal: a batch is durable, so its messages have a position. */
void answers_durable(void *context, uint64_t batch, struct segment *segment, uint64_t offset);
/* Give every answer that is due. */
void answers_give_committed(struct spool *spool);
void answers_give_prepared(struct spool *spool);
/* Is a committed() owed? Does a prepared() wait for a job of the queue file? */
bool answers_has_committed(const struct spool *spool);
bool answers_has_job(const struct spool *spool);

/* The file of a settled message goes once batch, which says so, is durable. */
void removal_add(struct spool *spool, uint64_t batch, message_id id);
/* Begin those that may be done. */
void removal_start(struct spool *spool);

#endif
