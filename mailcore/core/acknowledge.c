/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/core/core.h"

#include "common/clock.h"
#include "common/log.h"

#include <stdlib.h>

/* How soon after a renewal what is held is given. A takeover waits for the first one. */
#define WATCH_MS 2
/* A takeover holds for moments; what lasts longer is told. */
#define TELL_MS 1000

enum lease_state
core_lease(const struct core *core, struct lease *lease_r)
{
	enum lease_state state;

	lease_read(core->lease, lease_r);
	state = lease_judge(lease_r, core->progress->generation, clock_boot_ms());
	if (state == LEASE_HOLDS)
		return state;
	lease_refresh(core->lease);
	lease_read(core->lease, lease_r);
	return lease_judge(lease_r, core->progress->generation, clock_boot_ms());
}

void
core_owe(struct core *core, struct acknowledgement *owed)
{
	owed->next = NULL;
	if (core->owed_last)
		core->owed_last->next = owed;
	else
		core->owed_first = owed;
	core->owed_last = owed;
	core->owed_count++;
}

/* End all of them. */
static void
end_owed(struct core *core, bool is_given)
{
	struct acknowledgement *owed;

	core->progress->held = 0;
	core->progress->held_since_ms = 0;
	core->is_hold_told = false;
	while ((owed = core->owed_first)) {
		core->owed_first = owed->next;
		if (!core->owed_first)
			core->owed_last = NULL;
		core->owed_count--;
		owed->end(owed->context, is_given);
	}
}

void
core_withdraw(struct core *core)
{
	if (core->owed_count)
		end_owed(core, false);
}

static void
watch(void *data)
{
	struct core *core = data;

	core->is_watching = false;
	core_acknowledge(core);
	pool_flush(core->pool);
}

static void
hold(struct core *core, enum lease_state state)
{
	struct progress *progress = core->progress;
	const uint64_t now_ms = clock_boot_ms();
	qb_loop_timer_handle handle;

	progress->held = core->owed_count;
	if (progress->held_since_ms == 0)
		progress->held_since_ms = now_ms;
	if (!core->is_hold_told && now_ms - progress->held_since_ms >= TELL_MS) {
		core->is_hold_told = true;
		log_warning("core: holds its replies, for %u by now: %s; look whether gemel-agentd "
			    "runs here and reaches its peer or the witness",
		    core->owed_count, lease_state_text(state));
	}
	if (!core->is_watching)
		core->is_watching = qb_loop_timer_add(core->loop, QB_LOOP_HIGH,
					WATCH_MS * 1000000ull, core, watch, &handle) == 0;
}

void
core_acknowledge(struct core *core)
{
	struct lease lease;
	enum lease_state state = LEASE_HOLDS;

	if (!core->owed_count)
		return;
	if (core->progress->role == CORE_FAILED) {
		core_withdraw(core);
		return;
	}
	if (core->lease)
		state = core_lease(core, &lease);
	if (state != LEASE_HOLDS) {
		hold(core, state);
		return;
	}
	if (core->is_hold_told)
		log_notice("core: the lease holds again: gives %u replies, the first held for %llu "
			   "ms",
		    core->owed_count,
		    (unsigned long long)(clock_boot_ms() - core->progress->held_since_ms));
	end_owed(core, true);
}
