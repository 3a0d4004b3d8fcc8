/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/watch.h"

#include "common/role.h"

void
watch_open(struct watch *watch, uint32_t stuck_ms)
{
	*watch = (struct watch){.stuck_ms = stuck_ms};
}

static bool
is_older(uint64_t since_ms, uint64_t bound_ms, uint64_t now_ms)
{
	return since_ms && now_ms > since_ms && now_ms - since_ms > bound_ms;
}

/* Since when the core may be held to stand still. */
static uint64_t
stands_since(const struct watch *watch, const struct watch_sight *sight)
{
	if (sight->tick_ms == 0)
		return 0;
	return sight->tick_ms > watch->late_ms ? sight->tick_ms : watch->late_ms;
}

static enum watch_fault
fault_of(const struct watch *watch, const struct watch_sight *sight, uint64_t now_ms)
{
	if (!sight->is_alive)
		return sight->role == CORE_ENDED ? WATCH_NO_FAULT : WATCH_DIED;
	if (sight->role == 0 || sight->role == CORE_STARTING || sight->role == CORE_ENDED)
		return WATCH_NO_FAULT;
	if (sight->is_stopped && is_older(stands_since(watch, sight), PROGRESS_STOPPED_MS, now_ms))
		return WATCH_STOPPED;
	if (is_older(stands_since(watch, sight), watch->stuck_ms, now_ms))
		return WATCH_STUCK;
	if (sight->role == CORE_FAILED)
		return WATCH_GAVE_UP;
	if (sight->role == CORE_ACTIVE && sight->workers == 0 &&
	    is_older(sight->deaf_since_ms, PROGRESS_DEAF_MS, now_ms))
		return WATCH_DEAF;
	return WATCH_NO_FAULT;
}

/* True when enough looks in a row have shown the same. */
static bool
is_sure(struct watch *watch, enum watch_fault fault, bool is_late)
{
	if (fault != watch->suspected || is_late)
		watch->looks = 0;
	watch->suspected = fault;
	watch->looks++;
	return fault == WATCH_DIED || watch->looks >= WATCH_LOOKS;
}

enum watch_fault
watch_look(struct watch *watch, const struct watch_sight *sight, uint64_t now_ms)
{
	bool is_late = now_ms - watch->looked_ms > WATCH_LATE_MS;
	enum watch_fault fault;

	watch->looked_ms = now_ms;
	if (is_late && watch->life)
		watch->late_ms = now_ms;
	if (sight->life != watch->life) {
		watch->life = sight->life;
		watch->is_settled = false;
		watch->looks = 0;
	}
	if (sight->life == 0)
		return WATCH_NO_FAULT;
	if (sight->is_acting) {
		watch->looks = 0;
		/* What the action ends is no death of its own. */
		watch->is_settled = watch->is_settled || !sight->is_alive;
		return WATCH_NO_FAULT;
	}
	fault = fault_of(watch, sight, now_ms);
	if (!is_sure(watch, fault, is_late) || fault == WATCH_NO_FAULT || watch->is_settled)
		return WATCH_NO_FAULT;
	if (watch->reported_ms && now_ms - watch->reported_ms < WATCH_PAUSE_MS)
		return WATCH_NO_FAULT;
	watch->is_settled = true;
	watch->reported_ms = now_ms;
	return fault;
}

bool
watch_is_well(const struct watch *watch)
{
	return watch->suspected == WATCH_NO_FAULT || watch->looks < WATCH_LOOKS;
}

void
watch_forget_report(struct watch *watch)
{
	watch->is_settled = false;
	watch->looks = 0;
}

const char *
watch_fault_text(enum watch_fault fault)
{
	switch (fault) {
	case WATCH_NO_FAULT:
		return "is well";
	case WATCH_DIED:
		return "has died";
	case WATCH_STOPPED:
		return "was stopped by a signal";
	case WATCH_STUCK:
		return "is stuck: its loop stands still";
	case WATCH_GAVE_UP:
		return "gave up";
	case WATCH_DEAF:
		return "is active, but none of its SMTP workers lives";
	case WATCH_FAULTS:
		break;
	}
	return "has an unknown fault";
}
