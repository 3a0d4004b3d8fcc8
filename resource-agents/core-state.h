/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core-state -- what the mail core's progress means to Pacemaker.
 *
 * Pure. Two steps: what is seen of the core becomes a state, and a table says
 * the exit code of a monitor for each state and expected role.
 *
 * A core that died while Pacemaker holds it for promoted is 9 and not 7: OCF 1.1
 * keeps 7 for what was stopped cleanly, and with 9 Pacemaker demotes and stops
 * what depends on it in order before it starts again. Where nobody expects a
 * promoted core, a dead one that left nothing behind is 7: nothing is to be
 * cleaned up. Whatever may own the store counts as promoted, halves of a promote or
 * demote included.
 */
#ifndef GEMEL_AGENTS_CORE_STATE_H
#define GEMEL_AGENTS_CORE_STATE_H

#include "common/progress.h"
#include "ocf/ocf.h"

enum core_state {
	CORE_STATE_ABSENT,      /* no process of it lives */
	CORE_STATE_LEFTOVER,    /* the core is dead, some of its workers are not */
	CORE_STATE_IDLE,        /* lives, owns nothing */
	CORE_STATE_OWNER,       /* lives and owns the store, or may */
	CORE_STATE_GAVE_UP,     /* lives, and says that only a restart helps */
	CORE_STATE_STUCK,       /* its loop stands still */
	CORE_STATE_STUCK_OWNER, /* and it may own the store */
	CORE_STATE_DEAF,        /* owns the store, but nobody of it takes mail */
};
#define CORE_STATES 8

enum core_life {
	CORE_LIFE_NONE,
	CORE_LIFE_LEFTOVERS, /* nobody holds the pid file's lock, but of its session somebody lives
			      */
	CORE_LIFE_RUNS,
	CORE_LIFE_STOPPED, /* runs, but for SIGSTOP or its like */
};

/* progress: NULL if it could not be read. */
enum core_state
core_state_of(enum core_life life, const struct progress *progress, uint64_t now_ms);

/* The exit code of a monitor. */
enum ocf_exit core_state_exit(enum core_state state, enum ocf_role expected, bool is_degraded);

/* What the operator is told of it, after "mailcored ". */
const char *core_state_text(enum core_state state);

#endif
