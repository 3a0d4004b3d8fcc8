/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch -- has the core on this node failed?
 *
 * Pure. Fed with a look at the core every WATCH_LOOK_MS, it says when Pacemaker is to be told of
 * a failure, so that nobody waits for the next monitor. It errs towards silence: a monitor comes
 * anyway, and a false report moves the service.
 *
 *   * A fault counts when so many looks in a row have shown it (a death at once: it is a fact).
 *   * Looks that come late prove nothing: then this process was held up, and so may the core be.
 *   * One report for each life of the core, and one in WATCH_PAUSE_MS.
 *   * While a resource action runs, and of what it ends, nothing: its exit status tells
 *     Pacemaker. Nor of a core that ended in order.
 */
#ifndef GEMEL_AGENT_WATCH_H
#define GEMEL_AGENT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define WATCH_LOOK_MS 10u
#define WATCH_LOOKS 3u /* in a row */
#define WATCH_PAUSE_MS 10000u
#define WATCH_LATE_MS 100u /* since the look before: it came late */

enum watch_fault {
	WATCH_NO_FAULT,
	WATCH_DIED,    /* ended, and not in order */
	WATCH_STOPPED, /* by SIGSTOP or its like */
	WATCH_STUCK,   /* its loop stands still */
	WATCH_GAVE_UP, /* it says so itself */
	WATCH_DEAF,    /* active, and none of its workers lives */
	WATCH_FAULTS,
};

/* What is to be seen of the core at one moment. */
struct watch_sight {
	uint64_t life;   /* tells one life of the core from another; 0: none was seen yet */
	bool is_alive;   /* that life */
	bool is_stopped; /* by a signal */
	bool is_acting;  /* a resource action runs on this node */
	/* What progress.h says; the role is 0 if nothing does, or not yet of this life. */
	uint32_t role;
	uint64_t tick_ms;
	uint32_t workers;
	uint64_t deaf_since_ms;
};

struct watch {
	uint32_t stuck_ms; /* a tick older than this is a fault */
	uint64_t life;
	bool is_settled; /* nothing more is to be reported of this life */
	enum watch_fault suspected;
	unsigned looks; /* in a row that have shown it */
	uint64_t looked_ms;
	uint64_t
	    late_ms; /* when a look came late, last: nobody is held to have stood still before */
	uint64_t reported_ms; /* 0: never */
};

void watch_open(struct watch *watch, uint32_t stuck_ms);

/* Take one look. The fault that is to be reported now. */
enum watch_fault watch_look(struct watch *watch, const struct watch_sight *sight, uint64_t now_ms);

/* No fault is sure at the moment. */
bool watch_is_well(const struct watch *watch);

/* It could not be reported, or was not to be: may be reported when it is still there. */
void watch_forget_report(struct watch *watch);

/* After "the core": "has died". */
const char *watch_fault_text(enum watch_fault fault);

#endif
