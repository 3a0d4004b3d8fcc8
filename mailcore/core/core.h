/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core -- mailcored: the one process that may touch the store.
 *
 * Everything here runs on one loop (libqb's). What blocks has a thread: syncs
 * (spool), files (delivery), password hashes and account changes (jobs).
 *
 *   main.c      start and end of the process
 *   role.c      standby, active, failed, and the ways between
 *   intake.c    a worker's questions to the store, and the answers
 *   verbs.c     what agents and operators may ask
 *   trail.c     what the log says of each message
 *
 * Roles (enum core_role, common/progress.h):
 *
 *   STARTING -> STANDBY --promote--> PROMOTING --> ACTIVE --demote--> DEMOTING --> STANDBY
 *                  ^                     |            |
 *                  '----- refused -------'            '--a sync failed--> FAILED
 *
 * FAILED acknowledges nothing and never becomes active again: after a failed
 * sync the page cache can't be trusted, so the process must end and the file
 * system be unmounted. A demote then closes the store; the agent's stop does the rest.
 */
#ifndef GEMEL_MAILCORE_CORE_CORE_H
#define GEMEL_MAILCORE_CORE_CORE_H

#include "common/config.h"
#include "common/progress.h"
#include "common/control-server.h"
#include "mailcore/core/jobs.h"
#include "mailcore/core/privilege.h"
#include "mailcore/core/trail.h"
#include "mailcore/process/pool.h"
#include "mailcore/route/router.h"
#include "mailcore/spool/spool.h"
#include "mailcore/store/accounts.h"
#include "mailcore/store/delivery.h"

#define CORE_ERROR_MAX 256

struct core {
	struct config config;
	char domain[256]; /* canonical */
	char postmaster[ADDRESS_MAX + 1];
	const char *domains[1];
	struct store_owner owner;
	struct smtp_settings smtp;
	qb_loop_t *loop;
	struct progress *progress;
	struct pool *pool;
	struct control_server *server;
	struct control_request *waiting; /* who asked for the demote or drain that runs */
	bool is_drained;                 /* active, but accepting nothing more */
	struct trail_limit refusals;
	size_t stages_max; /* staging files open at a time; each has a descriptor */
	bool is_ending;    /* the process ends after the demote */

	/* From here on: only while the store is open. */
	bool has_store;
	struct accounts *reader; /* of the loop */
	struct accounts *writer; /* of the jobs' thread */
	struct jobs *jobs;
	struct router router;
	struct spool *spool;
	struct delivery *delivery;
	int *sockets;
	size_t socket_count;
	void *stages; /* tree of intake.c */
	size_t stage_count;
};

/* role.c */

/* Open the store and accept mail. Returns 0, or -errno with a sentence; the role is as before then.
 * Already active: 0, and accepting again after a drain. */
int core_promote(struct core *core, char error[CORE_ERROR_MAX]);

/* Stop accepting, finish commits in flight, close the store. demoted() in verbs.c is called at the
 * end, which may be before this returns. */
void core_demote(struct core *core);

/* Stop accepting; the queue is delivered further. */
void core_drain(struct core *core);

/* Give up: see above. */
void core_fail(struct core *core, const char *reason);

/* Called every PROGRESS_TICK_MS: time for the store, and the progress file. */
void core_tick(struct core *core, uint64_t now_ms);

/* intake.c */
/* What the pool is to call. */
struct pool_events core_pool_events(struct core *core);
void core_committed(void *context, void *cookie, message_id id, enum commit_verdict verdict);
/* Forget what was staged, all of it. */
void core_drop_stages(struct core *core);

/* verbs.c */
extern const struct control_verb core_verbs[];
/* The demote is done: answer who asked, end the loop when the process is to end. */
void core_demoted(struct core *core);
/* Refuse a drain that waits, with this sentence. */
void core_end_drain(struct core *core, const char *why);
/* Answer a drain that has nothing more to wait for. */
void core_check_drained(struct core *core);

#endif
