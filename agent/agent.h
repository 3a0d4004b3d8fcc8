/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agent -- gemel-agentd as a whole: what its parts are fed with, on one libqb loop.
 *
 * Each source file is one of its tasks; the decisions are in the pure modules.
 */
#ifndef GEMEL_AGENT_AGENT_H
#define GEMEL_AGENT_AGENT_H

#include "agent/report.h"
#include "agent/sight.h"
#include "agent/watch.h"
#include "common/config.h"
#include "common/control-server.h"

#define AGENT_NODE_MAX 65
#define AGENT_ERROR_MAX CONFIG_ERROR_MAX

struct agent {
	struct config config;
	char node[AGENT_NODE_MAX]; /* this one's name */
	qb_loop_t *loop;
	struct control_server *server;
	uint64_t started_ms;

	/* care.c: the core of this node. */
	struct sight sight;
	struct watch_sight seen;
	struct watch watch;
	struct report report;
	enum watch_fault reported;
	uint32_t reports; /* that Pacemaker took, since the start */
};

/* care.c: begin to look after the core, and end. */
void agent_care_open(struct agent *agent);
void agent_care_close(struct agent *agent);

/* verbs.c */
extern const struct control_verb agent_verbs[];

#endif
