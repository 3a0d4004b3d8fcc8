/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/doctor/values.h"

#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct fact unknown;

/* Digits at the start of text, which is moved behind them; false if there is none, or too many. */
static bool
take_number(const char **text, int64_t *number_r)
{
	size_t length = strspn(*text, "0123456789");

	if (!length || length > 12)
		return false;
	*number_r = 0;
	for (size_t i = 0; i < length; i++)
		*number_r = 10 * *number_r + ((*text)[i] - '0');
	*text += length;
	return true;
}

struct fact
value_interval_ms(const char *text)
{
	static const struct {
		const char *unit;
		int64_t factor, divisor;
	} units[] = {
	    {"", 1000, 1},
	    {"s", 1000, 1},
	    {"sec", 1000, 1},
	    {"ms", 1, 1},
	    {"msec", 1, 1},
	    {"us", 1, 1000},
	    {"usec", 1, 1000},
	    {"m", 60000, 1},
	    {"min", 60000, 1},
	    {"h", 3600000, 1},
	    {"hr", 3600000, 1},
	};
	int64_t number;

	text += strspn(text, " \t");
	if (!take_number(&text, &number))
		return unknown;
	text += strspn(text, " \t");
	for (size_t i = 0; i < COUNT(units); i++)
		if (strcasecmp(text, units[i].unit) == 0)
			return fact_of(number * units[i].factor / units[i].divisor);
	return unknown;
}

struct fact
value_truth(const char *text)
{
	static const char *const words[] = {
	    "false", "true", "off", "on", "no", "yes", "n", "y", "0", "1"};

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return fact_of((int64_t)(i % 2));
	return unknown;
}

struct fact
value_score(const char *text)
{
	int64_t sign = *text == '-' ? -1 : 1, number;

	text += *text == '-' || *text == '+';
	if (strcasecmp(text, "INFINITY") == 0)
		return fact_of(sign * SCORE_INFINITY);
	if (!take_number(&text, &number) || *text)
		return unknown;
	return fact_of(sign * (number < SCORE_INFINITY ? number : SCORE_INFINITY));
}

struct fact
value_percent(const char *text)
{
	int64_t number;

	if (!take_number(&text, &number))
		return unknown;
	return *text == '\0' || strcmp(text, "%") == 0 ? fact_of(number) : unknown;
}

enum cib_role
value_role(const char *text)
{
	if (strcasecmp(text, "Promoted") == 0 || strcasecmp(text, "Master") == 0)
		return CIB_ROLE_PROMOTED;
	if (strcasecmp(text, "Unpromoted") == 0 || strcasecmp(text, "Slave") == 0)
		return CIB_ROLE_UNPROMOTED;
	return CIB_ROLE_NONE;
}
