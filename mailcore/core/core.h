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
 *   acknowledge.c  what is durable is acknowledged while the lease holds
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
 *
 * What is durable is acknowledged only while the activity lease (common/lease.h) holds. Until then
 * the core holds the acknowledgement and does all else as ever: it takes mail and delivers it, and
 * refuses at once what it refuses. That is no failure. What is held is ended
 *
 *   when the lease holds (again)   given, in the order in which it became durable
 *   by a failure                   without an answer
 *   by a demote                    given, if the lease comes back while sessions are waited for
 *                                  (quiesce_timeout_ms); else without an answer, as for any
 *                                  session that is cut
 *
 * "Without an answer" means that the connection ends: the message is durable and is delivered by
 * who comes next, so a refusal would be a lie; a client that sends it again is right, and makes a
 * second copy of it, as after a crash. An operator is told that his change is in doubt.
 * What can be held is bounded: each session waits for one, and a session of a worker keeps its slot
 * until it is answered.
 */
#ifndef GEMEL_MAILCORE_CORE_CORE_H
#define GEMEL_MAILCORE_CORE_CORE_H

#include "common/config.h"
#include "common/lease.h"
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

/* Something that is durable and about to be acknowledged. Lives in its owner until end() is called,
 * once. */
struct acknowledgement {
	struct acknowledgement *next;
	/* Acknowledge it; or (is_given false) it never will be, and a refusal would be a lie. */
	void (*end)(void *context, bool is_given);
	void *context;
};

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

	struct lease_reader *lease; /* NULL: standalone, none is needed */
	struct acknowledgement *owed_first, *owed_last;
	uint32_t owed_count;
	bool is_watching;  /* the lease, by a timer */
	bool is_hold_told; /* in the log */

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

/* acknowledge.c */

/* What a lease says for this core now; only if it has one (core->lease). */
enum lease_state core_lease(const struct core *core, struct lease *lease_r);

/* It is durable: owe its acknowledgement. Call core_acknowledge() when all that a sync has made
 * durable is owed. */
void core_owe(struct core *core, struct acknowledgement *owed);

/* Give all that is owed if the lease holds now; else hold it and look again every 2 ms. Answers to
 * workers are only put on their way: call pool_flush() at once. */
void core_acknowledge(struct core *core);

/* End all that is owed without giving it. */
void core_withdraw(struct core *core);

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
