/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a world from its seed and lets it run. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum event_owner owner;
	void (*take)(struct world *w, struct machine *m, uint32_t a);
} kinds[] = {
#define X(name, whose, take) [EV_##name] = {OF_##whose, take},
    EVENTS(X)
#undef X
};

const char *const count_texts[COUNT_KINDS] = {
#define X(name, text) [COUNT_##name] = text,
    COUNTS(X)
#undef X
};

enum event_owner
event_owner(enum event_kind kind)
{
	return kinds[kind].owner;
}

static uint32_t
run_of(const struct machine *m, enum event_owner owner)
{
	switch (owner) {
	case OF_AGENT:
		return m->node.run;
	case OF_CORE:
		return m->core.run;
	case OF_ENGINE:
		return m->engine.run;
	case OF_WORLD:
	case OF_WIRE:
	case OF_ARRAY:
	case OF_MACHINE:
		break;
	}
	return 0;
}

void
world_put(struct world *w, enum event_kind kind, struct machine *m, uint64_t after_us, uint32_t a)
{
	queue_put(&w->queue, (struct event){
				 .at_us = w->now_us + after_us,
				 .boot = m->boot,
				 .run = run_of(m, kinds[kind].owner),
				 .a = a,
				 .kind = (uint8_t)kind,
				 .machine = m->index,
			     });
}

void
world_tell(struct world *w, bool is_notable, const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	w->tell(w, is_notable, text);
}

/* Whoever an event is for may be gone, or not able to take it now. */
static bool
can_take(struct machine *m, const struct event *event)
{
	enum event_owner owner = kinds[event->kind].owner;
	bool is_held;

	if (owner == OF_WORLD || owner == OF_WIRE)
		return true;
	if (!m->is_on || event->boot != m->boot || event->run != run_of(m, owner))
		return false;
	if ((owner == OF_AGENT && !m->node.runs) || (owner == OF_CORE && !m->core.runs) ||
	    (owner == OF_ENGINE && !m->engine.runs))
		return false;
	is_held = owner != OF_ARRAY && (m->is_paused || (owner == OF_AGENT && m->node.is_stopped) ||
					   (owner == OF_CORE && m->core.is_stopped));
	if (is_held)
		machine_hold(m, event);
	return !is_held;
}

void
world_run(struct world *w)
{
	struct event event;

	while (!w->is_broken && !w->is_over && queue_take(&w->queue, &event)) {
		struct machine *m = &w->machines[event.machine];

		w->now_us = event.at_us;
		if (!can_take(m, &event))
			continue;
		w->events++;
		kinds[event.kind].take(w, m, event.a);
	}
}

void
world_open(struct world *w, uint64_t seed, uint64_t *counts)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->chance.state = seed * 0x2545f4914f6cdd1dull + 1;
	w->counts = counts;
	w->now_us = 1 * S;
	/* Of ten arrays two know no reservations. */
	w->array.has_reservations = !chance_in_1000(&w->chance, 200);
	for (unsigned i = 0; i < MACHINES; i++) {
		struct machine *m = &w->machines[i];

		m->index = (uint8_t)i;
		m->drift_ppm = (int32_t)between(w, 0, 1000) - 500;
		world_put(w, EV_BOOT, m, between(w, 0, 2 * S), 0);
	}
	world_put(w, EV_RING, &w->machines[0], 0, 0);
	fault_open(w);
}
