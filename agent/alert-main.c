/* SPDX-License-Identifier: BSD-2-Clause */
/* alert-snmp -- Pacemaker's alert agent: hands what it is told to gemel-agentd (see alert.h). */
#include "agent/alert.h"
#include "common/control.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Pacemaker gives up after 30 s; a recipient more is a run more. */
#define TIMEOUT_MS 2000

/* Pacemaker writes our status down and does nothing else with it: so there is no failure, and the
 * line on standard error, which it logs, is all. */
int
main(void)
{
	json_t *request = alert_request(environ), *reply = NULL;
	const char *error;
	int result;

	if (!request) {
		fprintf(stderr,
		    "alert-snmp: CRM_alert_kind is not set, so Pacemaker has not started "
		    "me; see alert-snmp(8)\n");
		return 0;
	}
	result = control_call(CONTROL_AGENT, request, TIMEOUT_MS, &reply);
	if (result != 0) {
		fprintf(stderr, "alert-snmp: gemel-agentd was not told: %s; see whether it runs\n",
		    result == -ENOENT ? "nobody answers" : strerror(-result));
	} else if (!json_is_true(json_object_get(reply, "ok"))) {
		error = json_string_value(json_object_get(reply, "error"));
		fprintf(stderr, "alert-snmp: gemel-agentd refuses: %s\n",
		    error ? error : "it does not say why; see its log");
	}
	json_decref(reply);
	json_decref(request);
	return 0;
}
