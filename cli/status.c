/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/verb.h"

#include "common/config.h"

#include <stdio.h>

static void
print_row(const json_t *reply, const char *key, const char *label)
{
	const json_t *value = json_object_get(reply, key);

	if (json_is_integer(value))
		printf("%-14s %" JSON_INTEGER_FORMAT "\n", label, json_integer_value(value));
	else if (json_is_string(value) && *json_string_value(value))
		printf("%-14s %s\n", label, json_string_value(value));
}

int
verb_status(const struct options *options, char **operands)
{
	static const struct {
		const char *key, *label;
	} lines[] = {
	    {"hostname", "region host"},
	    {"role", "role"},
	    {"reason", "reason"},
	    {"generation", "generation"},
	    {"lease", "lease"},
	    {"epoch", "lease's epoch"},
	    {"held", "held replies"},
	    {"held_ms", "held for, ms"},
	    {"accepted", "accepted"},
	    {"delivered", "delivered"},
	    {"queued", "queued"},
	    {"commit_us", "last sync, us"},
	    {"sessions", "sessions"},
	    {"workers", "workers"},
	    {"worker_deaths", "worker deaths"},
	    {"pid", "pid"},
	    {"version", "version"},
	};
	json_t *reply;
	int status = ask_core(options, json_pack("{s:s}", "verb", "status"), &reply);

	(void)operands;
	if (status)
		return status;
	if (options->json)
		return print_json(reply);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		print_row(reply, lines[i].key, lines[i].label);
	json_decref(reply);
	return EXIT_DONE;
}

static int
core_verb(const struct options *options, const char *verb)
{
	json_t *reply;
	int status = ask_core(options, json_pack("{s:s}", "verb", verb), &reply);

	if (status)
		return status;
	if (options->json)
		return print_json(reply);
	json_decref(reply);
	return EXIT_DONE;
}

int
verb_core_promote(const struct options *options, char **operands)
{
	(void)operands;
	return core_verb(options, "promote");
}

int
verb_core_demote(const struct options *options, char **operands)
{
	(void)operands;
	return core_verb(options, "demote");
}

int
verb_core_drain(const struct options *options, char **operands)
{
	(void)operands;
	return core_verb(options, "drain");
}

int
verb_config_check(const struct options *options, char **operands)
{
	struct config config;
	char error[CONFIG_ERROR_MAX];

	(void)operands;
	if (config_read(options->config, &config, error) != 0)
		return complain(EXIT_FAILED, "%s", error);
	config_close(&config);
	printf("%s is right\n", options->config);
	return EXIT_DONE;
}

int
verb_config_sample(const struct options *options, char **operands)
{
	(void)options;
	(void)operands;
	config_print_sample(stdout);
	return EXIT_DONE;
}

int
verb_config_manual(const struct options *options, char **operands)
{
	(void)options;
	(void)operands;
	config_print_manual(stdout);
	return EXIT_DONE;
}
