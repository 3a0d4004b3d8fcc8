/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/report.h"

#include "agent/managed.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>

#define TIMEOUT_MS 10000u

static void
end(struct report *report, enum report_end how)
{
	report->command = NULL;
	report->done(report->context, how);
}

static void
on_told(void *context, int status, struct slice output)
{
	struct report *report = context;

	(void)output;
	if (status)
		log_error("core: crm_resource --fail ended with %d, so Pacemaker finds the failure "
			  "by its next monitor; is the cluster running?",
		    status);
	end(report, status ? REPORT_FAILED : REPORT_TOLD);
}

static void
tell(struct report *report)
{
	char *argv[] = {"crm_resource", "--fail", "--resource", (char *)report->resource, "--node",
	    (char *)report->node, NULL};
	int error =
	    command_start(report->loop, argv, TIMEOUT_MS, on_told, report, &report->command);

	if (error) {
		log_error("core: crm_resource cannot be started: %s", strerror(-error));
		end(report, REPORT_FAILED);
	}
}

static void
on_seen(void *context, int status, struct slice output)
{
	struct report *report = context;
	int managed = status ? status : managed_parse(output, report->resource, report->node);

	if (managed == 1) {
		tell(report);
	} else if (managed == 0 || managed == -ENOENT) {
		end(report, REPORT_UNMANAGED);
	} else {
		log_error("core: crm_mon ended with %d or said nothing of use; is the cluster "
			  "running?",
		    status);
		end(report, REPORT_FAILED);
	}
}

void
report_begin(struct report *report)
{
	char *argv[] = {"crm_mon", "-1", "--output-as=xml", NULL};
	int error;

	if (report->command)
		return;
	error = command_start(report->loop, argv, TIMEOUT_MS, on_seen, report, &report->command);
	if (error) {
		log_error("core: crm_mon cannot be started: %s", strerror(-error));
		end(report, REPORT_FAILED);
	}
}

void
report_close(struct report *report)
{
	command_drop(&report->command);
}
