/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/core-state.h"

static bool
may_own_store(uint32_t role)
{
	switch ((enum core_role)role) {
	case CORE_PROMOTING:
	case CORE_ACTIVE:
	case CORE_DEMOTING:
		return true;
	case CORE_STARTING:
	case CORE_STANDBY:
	case CORE_FAILED:
	case CORE_ENDED:
		return false;
	}
	/* A role that this agent does not know yet: be careful. */
	return true;
}

static bool
is_deaf(const struct progress *progress, uint64_t now_ms)
{
	return progress->role == CORE_ACTIVE && progress->workers == 0 && progress->deaf_since_ms &&
	       now_ms > progress->deaf_since_ms &&
	       now_ms - progress->deaf_since_ms > PROGRESS_DEAF_MS;
}

enum core_state
core_state_of(bool is_alive, bool has_leftovers, const struct progress *progress, uint64_t now_ms)
{
	if (!is_alive)
		return has_leftovers ? CORE_STATE_LEFTOVER : CORE_STATE_ABSENT;
	/* It makes this file before it says that it is ready. */
	if (!progress)
		return CORE_STATE_IDLE;
	if (now_ms > progress->tick_ms && now_ms - progress->tick_ms > PROGRESS_STUCK_MS &&
	    progress->role != CORE_STARTING)
		return may_own_store(progress->role) ? CORE_STATE_STUCK_OWNER : CORE_STATE_STUCK;
	if (progress->role == CORE_FAILED)
		return CORE_STATE_GAVE_UP;
	if (is_deaf(progress, now_ms))
		return CORE_STATE_DEAF;
	return may_own_store(progress->role) ? CORE_STATE_OWNER : CORE_STATE_IDLE;
}

static const struct {
	enum ocf_exit expected_promoted, otherwise;
	const char *text;
} meanings[CORE_STATES] = {
    [CORE_STATE_ABSENT] = {OCF_FAILED_PROMOTED, OCF_NOT_RUNNING, "does not run; see its log"},
    [CORE_STATE_LEFTOVER] = {OCF_FAILED_PROMOTED, OCF_ERR_GENERIC,
	"is dead, but workers of it still live"},
    [CORE_STATE_IDLE] = {OCF_SUCCESS, OCF_SUCCESS, "waits"},
    [CORE_STATE_OWNER] = {OCF_RUNNING_PROMOTED, OCF_RUNNING_PROMOTED, "is active"},
    [CORE_STATE_GAVE_UP] = {OCF_FAILED_PROMOTED, OCF_ERR_GENERIC, "gave up"},
    [CORE_STATE_STUCK] = {OCF_FAILED_PROMOTED, OCF_ERR_GENERIC, "is stuck: its loop stands still"},
    [CORE_STATE_STUCK_OWNER] = {OCF_FAILED_PROMOTED, OCF_FAILED_PROMOTED,
	"is stuck while active: its loop stands still"},
    [CORE_STATE_DEAF] = {OCF_FAILED_PROMOTED, OCF_FAILED_PROMOTED,
	"is active, but none of its SMTP workers lives; see its log"},
};

enum ocf_exit
core_state_exit(enum core_state state, enum ocf_role expected, bool is_degraded)
{
	enum ocf_exit code = expected == OCF_ROLE_PROMOTED ? meanings[state].expected_promoted
							   : meanings[state].otherwise;

	if (is_degraded && code == OCF_SUCCESS)
		return OCF_DEGRADED;
	if (is_degraded && code == OCF_RUNNING_PROMOTED)
		return OCF_DEGRADED_PROMOTED;
	return code;
}

const char *
core_state_text(enum core_state state)
{
	return meanings[state].text;
}
