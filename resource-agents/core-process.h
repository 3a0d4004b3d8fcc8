/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core-process -- the mail core as a process of this node: look, start, ask, end.
 *
 * The core is the leader of a session of its own, and its workers are in it.
 * So it is outside the agent's process group, which Pacemaker kills, and the
 * whole of it can be ended even when its leader is dead. Who the leader was is
 * kept in record, written before the core begins.
 */
#ifndef GEMEL_AGENTS_CORE_PROCESS_H
#define GEMEL_AGENTS_CORE_PROCESS_H

#include "common/progress.h"
#include "ocf/ocf.h"
#include "resource-agents/core-state.h"
#include "common/process.h"

#include <limits.h>

struct core {
	const char *binary, *config, *pid_path, *progress_path; /* borrowed */
	char record[PATH_MAX];
};

struct core_view {
	enum core_state state;
	struct process leader; /* pid 0: unknown */
	bool has_progress;
	struct progress progress;
};

/* Which core this resource means. */
struct core core_of(const struct ocf_context *ctx);

/* What is to be seen of it now, without asking it: a few system calls. */
void core_look(const struct core *core, struct core_view *view);

/* Start it and wait until it is standby. 0; or -errno with a sentence in why. */
int core_start(struct ocf_context *ctx, const struct core *core, char *why, size_t room);

/* Send one verb and wait for its answer. 0: it said ok. Otherwise -errno and a sentence in why;
 * -EREMOTEIO: it answered, and the sentence is its own. */
int core_ask(const char *verb, uint64_t deadline_ms, char *why, size_t room);

/* End it: SIGTERM until gently_until_ms (a moment that has gone by: not at all), then SIGKILL to
 * its session until nothing of it lives. 0 or -ETIMEDOUT. */
int core_end(const struct core *core, const struct core_view *view, uint64_t gently_until_ms,
    uint64_t deadline_ms);

#endif
