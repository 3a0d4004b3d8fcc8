/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report -- tells Pacemaker at once that a resource on this node has failed, unless Pacemaker does
 * not act on it now (managed.h). By crm_mon(8) and crm_resource(8), 30 ms together, beside the
 * loop.
 */
#ifndef GEMEL_AGENT_REPORT_H
#define GEMEL_AGENT_REPORT_H

#include "common/command.h"

enum report_end {
	REPORT_TOLD,      /* Pacemaker knows */
	REPORT_UNMANAGED, /* it is in maintenance mode, or the resource does not run here */
	REPORT_FAILED,    /* Pacemaker could not be asked or told: its monitors remain */
};

typedef void (*report_done)(void *context, enum report_end end);

struct report {
	qb_loop_t *loop;
	const char *resource, *node; /* borrowed */
	report_done done;            /* called once for each report that began */
	void *context;
	struct command *command; /* NULL: no report is on its way */
};

/* Begin; while one is on its way nothing happens. */
void report_begin(struct report *report);

void report_close(struct report *report);

#endif
