/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-plan.h"
#include "tests/lab/flow-dialogue.h"
#include "tests/lab/flow-verbs.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACE_DEBT_NS 100000000u
#define CONTENT_MIN 300
#define CONTENT_MAX (64u << 20)
#define RECIPIENTS_MAX 1000000

/* Every option: a number with its bounds and default, a text, or a switch. */
static const struct plan_option {
	const char *name;
	enum {
		NUMBER,
		TEXT,
		SWITCH
	} type;
	size_t offset;
	uint64_t low, high, initial;
} plan_options[] = {
#define FIELD(name) offsetof(struct flow_plan, name)
    {"to", TEXT, FIELD(to), 0, 0, 0},
    {"log", TEXT, FIELD(log), 0, 0, 0},
    {"from", TEXT, FIELD(from), 0, 0, 0},
    {"stop-file", TEXT, FIELD(stop_file), 0, 0, 0},
    {"rate", NUMBER, FIELD(rate), 0, 1000000, 0},
    {"connections", NUMBER, FIELD(connections), 1, 10000, 1},
    {"count", NUMBER, FIELD(count), 1, UINT32_MAX, 0},
    {"seconds", NUMBER, FIELD(seconds), 1, 1000000, 0},
    {"large-every", NUMBER, FIELD(large_every), 0, UINT32_MAX, 100},
    {"per-connection", NUMBER, FIELD(per_connection), 0, UINT32_MAX, 0},
    {"copies", NUMBER, FIELD(copies), 1, FLOW_COPIES_MAX, 1},
    {"connect-timeout", NUMBER, FIELD(connect_timeout_ms), 1, 600000, 100},
    {"answer-timeout", NUMBER, FIELD(answer_timeout_ms), 1, 600000, 2000},
    {"retry", NUMBER, FIELD(retry_ms), 1, 600000, 15},
    {"pipelining", SWITCH, FIELD(pipelining), 0, 0, 0},
    {"json", SWITCH, FIELD(json), 0, 0, 0},
#undef FIELD
};
#define PLAN_OPTIONS (sizeof(plan_options) / sizeof(*plan_options))

/* What needs more than a field: their values in getopt_long() follow the table's. */
#define OPTION_SIZE ((int)PLAN_OPTIONS + 1)
#define OPTION_RECIPIENTS ((int)PLAN_OPTIONS + 2)

static int
add_recipient(struct flow_plan *plan, const char *address)
{
	if (plan->recipient_count >= RECIPIENTS_MAX || strlen(address) >= FLOW_ADDRESS_MAX)
		return flow_fail(FLOW_USAGE, "%s: too long, or too many recipients", address);
	plan->recipients =
	    realloc(plan->recipients, (plan->recipient_count + 1) * sizeof(*plan->recipients));
	if (plan->recipients == NULL)
		abort();
	plan->recipients[plan->recipient_count++] = strdup(address);
	return 0;
}

/* user{1-100}@example.test, or one address. */
static int
expand_pattern(struct flow_plan *plan, const char *pattern)
{
	const char *open = strchr(pattern, '{'), *close = strchr(pattern, '}');
	unsigned first, last;
	char address[FLOW_ADDRESS_MAX + 32];
	int error = 0;

	if (open == NULL)
		return add_recipient(plan, pattern);
	if (close == NULL || sscanf(open, "{%u-%u}", &first, &last) != 2 || last < first ||
	    strlen(pattern) >= FLOW_ADDRESS_MAX)
		return flow_fail(FLOW_USAGE, "--recipients %s: write user{1-100}@domain", pattern);
	for (unsigned n = first; n <= last && error == 0; n++) {
		snprintf(address, sizeof(address), "%.*s%u%s", (int)(open - pattern), pattern, n,
		    close + 1);
		error = add_recipient(plan, address);
	}
	return error;
}

static int
read_recipients(struct flow_plan *plan, const char *text)
{
	FILE *file = strchr(text, '@') == NULL ? fopen(text, "re") : NULL;
	char line[FLOW_ADDRESS_MAX], address[FLOW_ADDRESS_MAX];
	int error = 0;

	if (strchr(text, '@') != NULL)
		return expand_pattern(plan, text);
	if (file == NULL)
		return flow_fail(FLOW_USAGE, "--recipients %s: %s", text, strerror(errno));
	while (error == 0 && fgets(line, sizeof(line), file) != NULL)
		if (line[0] != '#' && sscanf(line, "%319s", address) == 1)
			error = expand_pattern(plan, address);
	fclose(file);
	return error;
}

static int
parse_size(struct flow_plan *plan, char *text)
{
	char *max = strchr(text, '-');

	if (max != NULL)
		*max++ = '\0';
	if (!flow_number("size", text, CONTENT_MIN, CONTENT_MAX, &plan->size_min) ||
	    !flow_number("size", max ? max : text, plan->size_min, CONTENT_MAX, &plan->size_max))
		return FLOW_USAGE;
	return 0;
}

static int
take_option(struct flow_plan *plan, const struct plan_option *option)
{
	char *field = (char *)plan + option->offset;

	switch (option->type) {
	case NUMBER:
		if (!flow_number(
			option->name, optarg, option->low, option->high, (uint64_t *)(void *)field))
			return FLOW_USAGE;
		break;
	case TEXT:
		*(const char **)(void *)field = optarg;
		break;
	case SWITCH:
		*(bool *)field = true;
		break;
	}
	return 0;
}

static void
plan_defaults(struct flow_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	for (size_t i = 0; i < PLAN_OPTIONS; i++)
		if (plan_options[i].type == NUMBER)
			*(uint64_t *)(void *)((char *)plan + plan_options[i].offset) =
			    plan_options[i].initial;
	plan->from = "sender@client.test";
	plan->size_min = CONTENT_MIN;
	plan->size_max = 8192;
}

static int
plan_check(struct flow_plan *plan)
{
	if (plan->to == NULL || plan->log == NULL)
		return flow_fail(FLOW_USAGE, "--to HOST:PORT and --log FILE are needed");
	if (plan->recipient_count == 0)
		return flow_fail(FLOW_USAGE, "to whom? --recipients FILE, or user{1-100}@domain");
	if (plan->copies > plan->recipient_count)
		return flow_fail(
		    FLOW_USAGE, "--copies: there are only %zu recipients", plan->recipient_count);
	return 0;
}

int
flow_plan_parse(struct flow_plan *plan, int argc, char **argv)
{
	struct option options[PLAN_OPTIONS + 3] = {{0}};
	int option, error = 0;

	plan_defaults(plan);
	for (size_t i = 0; i < PLAN_OPTIONS; i++)
		options[i] = (struct option){plan_options[i].name,
		    plan_options[i].type == SWITCH ? no_argument : required_argument, NULL,
		    (int)i + 1};
	options[PLAN_OPTIONS] = (struct option){"size", required_argument, NULL, OPTION_SIZE};
	options[PLAN_OPTIONS + 1] =
	    (struct option){"recipients", required_argument, NULL, OPTION_RECIPIENTS};
	while (error == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPTION_SIZE)
			error = parse_size(plan, optarg);
		else if (option == OPTION_RECIPIENTS)
			error = read_recipients(plan, optarg);
		else if (option >= 1 && option <= (int)PLAN_OPTIONS)
			error = take_option(plan, &plan_options[option - 1]);
		else
			error = FLOW_USAGE;
	}
	if (error == 0 && optind < argc)
		error = flow_fail(FLOW_USAGE, "%s: what is that?", argv[optind]);
	return error != 0 ? error : plan_check(plan);
}

void
flow_plan_close(struct flow_plan *plan)
{
	for (size_t i = 0; i < plan->recipient_count; i++)
		free(plan->recipients[i]);
	free(plan->recipients);
	plan->recipients = NULL;
	plan->recipient_count = 0;
}

bool
flow_pace_take(struct flow_pace *pace, uint64_t now_ns)
{
	if (pace->interval_ns == 0)
		return true;
	if (now_ns < pace->next_ns)
		return false;
	if (pace->next_ns + PACE_DEBT_NS < now_ns)
		pace->next_ns = now_ns;
	pace->next_ns += pace->interval_ns;
	return true;
}
