/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/verb.h"

#include <stdio.h>

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static long long
number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void
print_core(const json_t *core)
{
	const char *fault = text_of(core, "last_fault");

	printf("%-14s %s\n", "core", text_of(core, "role"));
	printf("%-14s %lld\n", "told Pacemaker", number_of(core, "reports"));
	if (*fault)
		printf("%-14s the core %s\n", "last fault", fault);
}

int
verb_agent_status(const struct options *options, char **operands)
{
	json_t *reply;
	int status = ask_agent(options, json_pack("{s:s}", "verb", "status"), &reply);

	(void)operands;
	if (status)
		return status;
	if (options->json)
		return print_json(reply);
	printf("%-14s %s\n", "node", text_of(reply, "node"));
	printf("%-14s %lld\n", "running for, s", number_of(reply, "up_s"));
	print_core(json_object_get(reply, "core"));
	json_decref(reply);
	return EXIT_DONE;
}

static void
print_proof(const json_t *record)
{
	const char *life = text_of(record, "life");

	printf("%-24s  %-12s  %-6s  %-10s  %6lld  %-12s  %s\n", text_of(record, "at"),
	    text_of(record, "target"), text_of(record, "action"), text_of(record, "proof"),
	    number_of(record, "ms"), text_of(record, "by"), *life ? life : "-");
}

int
verb_fence_history(const struct options *options, char **operands)
{
	json_t *reply;
	int status = ask_agent(options, json_pack("{s:s}", "verb", "fence-history"), &reply);
	const json_t *records, *record;
	size_t i;

	(void)operands;
	if (status)
		return status;
	if (options->json)
		return print_json(reply);
	records = json_object_get(reply, "records");
	if (json_array_size(records))
		printf("%-24s  %-12s  %-6s  %-10s  %6s  %-12s  %s\n", "AT", "NODE", "ACTION",
		    "PROOF", "MS", "BY", "LIFE");
	json_array_foreach(records, i, record) print_proof(record);
	json_decref(reply);
	return EXIT_DONE;
}
