/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sight -- looks at the core of this node without asking it: pid file, pidfd, progress; and
 * whether a resource action runs (latch.h).
 */
#ifndef GEMEL_AGENT_SIGHT_H
#define GEMEL_AGENT_SIGHT_H

#include "agent/watch.h"
#include "common/process.h"
#include "common/progress.h"

#include <limits.h>

struct sight {
	const char *run_directory; /* borrowed */
	char pid_path[PATH_MAX], progress_path[PATH_MAX];
	struct process life; /* pid 0: none was seen yet */
	int pidfd;           /* of it; -1: none, or it has ended */
	struct progress progress;
	bool has_progress; /* progress is that of life */
};

void sight_open(struct sight *sight, const char *run_directory);

/* Look. A new life of the core is found within one look after its start. */
void sight_look(struct sight *sight, struct watch_sight *sight_r);

void sight_close(struct sight *sight);

#endif
