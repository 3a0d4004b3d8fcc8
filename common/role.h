/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * role -- what a core is doing, and how long it may stand still before it counts as failed.
 *
 * Pure. The core says it in progress.h, agents and resource agents judge by it.
 */
#ifndef GEMEL_COMMON_ROLE_H
#define GEMEL_COMMON_ROLE_H

#include <stdbool.h>
#include <stdint.h>

/* A core whose tick is older than this is stuck. Its loop ticks every PROGRESS_TICK_MS. */
#define PROGRESS_STUCK_MS 2000u
#define PROGRESS_TICK_MS 50u

/* So is, sooner, one that SIGSTOP or its like has stopped: it does not come back by itself. */
#define PROGRESS_STOPPED_MS 150u

/* A worker that dies is started again within a second or so. An active core that has had none for
 * longer than this takes no mail. */
#define PROGRESS_DEAF_MS 5000u

enum core_role {
	CORE_STARTING = 1, /* not yet ready for a promote */
	CORE_STANDBY,      /* started and waiting; touches nothing of the store */
	CORE_PROMOTING,
	CORE_ACTIVE, /* owns the store, accepts mail */
	CORE_DEMOTING,
	CORE_FAILED, /* gave the store up, for the reason in reason; only a restart helps */
	CORE_ENDED,  /* the last word of an orderly end; a core that died does not say it */
};

const char *core_role_name(uint32_t role);

/* In this role it owns the store, or may: halves of a promote or demote included. So may one in a
 * role that this program does not know. */
bool core_role_owns(uint32_t role);

#endif
