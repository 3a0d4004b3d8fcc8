/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/doctor/capture.h"
#include "cli/doctor/cib.h"
#include "cli/verb.h"
#include "common/doctor/checks.h"
#include "common/doctor/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A cluster that runs answers in milliseconds. */
#define ASK_WAIT_MS 10000
#define ANSWER_MAX (256 * 1024)

static void
note_unread(struct findings *out, int status)
{
	if (status == -ETIMEDOUT)
		finding_add(out, FINDING_CIB_UNKNOWN,
		    "cluster: cibadmin did not answer within %d s, so the cluster's configuration "
		    "was not looked at; see crm_mon",
		    ASK_WAIT_MS / 1000);
	else if (status == 127)
		finding_add(out, FINDING_CIB_UNKNOWN,
		    "cluster: there is no cibadmin here, so the cluster's configuration was not "
		    "looked at; install pacemaker-cli-utils, or give --cib");
	else if (status < 0)
		finding_add(out, FINDING_CIB_UNKNOWN,
		    "cluster: cibadmin cannot be run: %s, so the cluster's configuration was not "
		    "looked at; give --cib",
		    strerror(-status));
	else
		finding_add(out, FINDING_CIB_UNKNOWN,
		    "cluster: cibadmin gets no configuration (exit %d), so it was not looked at; "
		    "start Pacemaker here, be root, or give --cib",
		    status);
}

static void
take_cib(struct slice text, struct facts *facts, struct findings *out)
{
	int error = cib_read(text, &facts->cib);

	if (error == -E2BIG)
		finding_add(out, FINDING_CIB_WRONG,
		    "cluster: the configuration has more nodes, resources or constraints than a "
		    "pair has, so it was not looked at; keep other services off the pair");
	else if (error)
		finding_add(out, FINDING_CIB_WRONG,
		    "cluster: what there is as the cluster's configuration is not one; see "
		    "crm_verify --live-check --verbose");
}

/* EXIT_DONE or, if a file that was named cannot be read, an exit status after a sentence. */
static int
read_cib(const struct options *options, struct facts *facts, struct findings *out)
{
	char *ask[] = {"cibadmin", "--query", NULL};
	struct buffer text = {0};
	int status;

	if (options->cib) {
		status = local_load(options->cib, CIB_BYTES_MAX, &text);
		if (status) {
			buffer_close(&text);
			return complain(EXIT_FAILED, "%s cannot be read: %s; give another --cib",
			    options->cib, strerror(-status));
		}
	} else {
		status = capture(ask, ASK_WAIT_MS, CIB_BYTES_MAX, &text);
	}
	if (status)
		note_unread(out, status);
	else
		take_cib(buffer_slice(&text), facts, out);
	buffer_close(&text);
	return EXIT_DONE;
}

/* What the agents that Pacemaker runs here ask for. */
static void
read_advised(struct facts *facts)
{
	static const char *const agents[] = {"sharedstore", "mailcore", "floatip"};
	const char *root = getenv("OCF_ROOT");

	for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++) {
		char path[4096], *argv[] = {path, "meta-data", NULL};
		struct buffer text = {0};

		snprintf(path, sizeof(path), "%s/resource.d/gemel/%s",
		    root && *root ? root : "/usr/lib/ocf", agents[i]);
		if (capture(argv, ASK_WAIT_MS, ANSWER_MAX, &text) == 0)
			advised_read(buffer_slice(&text), agents[i], facts);
		buffer_close(&text);
	}
}

/* "runtime.config.totem.token (u32) = 500" */
static struct fact
running_value(const char *key)
{
	char *argv[] = {"corosync-cmapctl", "-g", (char *)(uintptr_t)key, NULL};
	struct fact value = {0};
	struct buffer text = {0};
	const char *equals;

	if (capture(argv, ASK_WAIT_MS, ANSWER_MAX, &text) == 0) {
		buffer_append(&text, "", 1);
		equals = strstr((const char *)text.data, " = ");
		if (equals)
			value = fact_of(strtol(equals + 3, NULL, 10));
	}
	buffer_close(&text);
	return value;
}

static int
gather(const struct options *options, struct facts *facts, struct findings *out)
{
	struct local_paths paths = {.gemel = options->config, .corosync = options->corosync};

	if (options->corosync && access(options->corosync, R_OK) != 0)
		return complain(EXIT_FAILED, "%s cannot be read: %s; give another --corosync",
		    options->corosync, strerror(errno));
	local_read(&paths, facts, out);
	/* The values of a file from elsewhere are not those that run here. */
	if (!options->corosync && facts->corosync.is_known) {
		facts->corosync.running_token_ms = running_value("runtime.config.totem.token");
		facts->corosync.running_consensus_ms =
		    running_value("runtime.config.totem.consensus");
	}
	read_advised(facts);
	return read_cib(options, facts, out);
}

static int
print_findings_json(const struct findings *list)
{
	json_t *found = json_array();

	for (size_t i = 0; i < list->count; i++) {
		enum finding_id id = list->items[i].id;

		json_array_append_new(found,
		    json_pack("{s:s,s:s,s:s}", "severity", severity_name(finding_severity(id)),
			"id", finding_name(id), "sentence", list->items[i].text));
	}
	return print_json(json_pack("{s:I,s:I,s:I,s:o}", "refused",
	    (json_int_t)findings_count(list, SEVERITY_REFUSE), "warned",
	    (json_int_t)findings_count(list, SEVERITY_WARN), "noted",
	    (json_int_t)findings_count(list, SEVERITY_NOTE), "findings", found));
}

static void
print_findings(const struct findings *list)
{
	static const char *const headings[SEVERITIES] = {
	    [SEVERITY_REFUSE] = "Refused",
	    [SEVERITY_WARN] = "Warnings",
	    [SEVERITY_NOTE] = "Notes",
	};

	for (enum severity severity = 0; severity < SEVERITIES; severity++) {
		if (!findings_first(list, severity))
			continue;
		printf("%s:\n", headings[severity]);
		for (size_t i = 0; i < list->count; i++)
			if (finding_severity(list->items[i].id) == severity)
				printf("  %s\n\t%s\n", finding_name(list->items[i].id),
				    list->items[i].text);
	}
	printf("refused: %zu, warnings: %zu, notes: %zu\n", findings_count(list, SEVERITY_REFUSE),
	    findings_count(list, SEVERITY_WARN), findings_count(list, SEVERITY_NOTE));
}

int
verb_doctor(const struct options *options, char **operands)
{
	struct facts *facts = calloc(1, sizeof(*facts));
	struct findings list = {0};
	int status;

	(void)operands;
	if (!facts)
		abort();
	status = gather(options, facts, &list);
	if (status == EXIT_DONE) {
		doctor_check(facts, &list);
		if (options->json)
			print_findings_json(&list);
		else
			print_findings(&list);
		status = findings_first(&list, SEVERITY_REFUSE) ? EXIT_FAILED : EXIT_DONE;
	}
	findings_close(&list);
	free(facts);
	return status;
}
