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
