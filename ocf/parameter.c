/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/parameter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Enough of a wrong value to recognise it, and room left for what is wrong with it. */
#define SHOWN_VALUE 40

bool
parameter_parse_integer(const char *text, int64_t *value_r)
{
	const char *digits = text + (*text == '-');
	char *end;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	*value_r = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0';
}

bool
parameter_parse_boolean(const char *text, bool *value_r)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = {
	    {"1", true},
	    {"true", true},
	    {"yes", true},
	    {"on", true},
	    {"0", false},
	    {"false", false},
	    {"no", false},
	    {"off", false},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i].text) == 0) {
			*value_r = words[i].value;
			return true;
		}
	}
	return false;
}

static bool
check_integer(const struct ocf_parameter *p, const char *value, char *wrong, size_t room)
{
	int64_t number;

	if (!parameter_parse_integer(value, &number))
		snprintf(wrong, room,
		    "is not a whole number; give one from %" PRId64 " to %" PRId64, p->min, p->max);
	else if (number < p->min || number > p->max)
		snprintf(wrong, room, "is out of range; give a number from %" PRId64 " to %" PRId64,
		    p->min, p->max);
	else
		return true;
	return false;
}

static bool
check_value(const struct ocf_parameter *p, const char *value, char *wrong, size_t room)
{
	const char *refusal;
	bool truth;

	switch (p->type) {
	case OCF_INTEGER:
		if (!check_integer(p, value, wrong, room))
			return false;
		break;
	case OCF_BOOLEAN:
		if (!parameter_parse_boolean(value, &truth)) {
			snprintf(wrong, room, "is not a yes or no; give true or false");
			return false;
		}
		break;
	case OCF_STRING:
		break;
	}
	refusal = p->check ? p->check(value) : NULL;
	if (refusal)
		snprintf(wrong, room, "%s", refusal);
	return refusal == NULL;
}

bool
parameter_check(
    const struct ocf_parameter *parameter, const char *value, char reason[PARAMETER_REASON_MAX])
{
	char wrong[PARAMETER_REASON_MAX - SHOWN_VALUE - 64];

	if (!value || !*value) {
		if (!parameter->required)
			return true;
		snprintf(reason, PARAMETER_REASON_MAX, "parameter %s is missing; give it: %s",
		    parameter->name, parameter->shortdesc);
		return false;
	}
	if (check_value(parameter, value, wrong, sizeof(wrong)))
		return true;
	snprintf(reason, PARAMETER_REASON_MAX, "parameter %s: \"%.*s%s\" %s", parameter->name,
	    SHOWN_VALUE, value, strlen(value) > SHOWN_VALUE ? "..." : "", wrong);
	return false;
}

const struct ocf_parameter *
parameter_find(const struct ocf_parameter *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}
