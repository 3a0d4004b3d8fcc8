/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parameter -- reading and checking one value of an agent's parameter.
 *
 * Pure.
 */
#ifndef GEMEL_OCF_PARAMETER_H
#define GEMEL_OCF_PARAMETER_H

#include "ocf/ocf.h"

#define PARAMETER_REASON_MAX 256

/* A decimal whole number with nothing round it. False: it is none, or does not fit. */
bool parameter_parse_integer(const char *text, int64_t *value_r);

/* 1, true, yes, on; 0, false, no, off; in any case. */
bool parameter_parse_boolean(const char *text, bool *value_r);

/* True if value (NULL: not given) will do. Otherwise reason says in one sentence which parameter,
 * what is wrong with the value, and what to give instead. A missing or empty value of a parameter
 * that is not required will do. */
bool parameter_check(
    const struct ocf_parameter *parameter, const char *value, char reason[PARAMETER_REASON_MAX]);

/* The row of that name; NULL if the agent has none. */
const struct ocf_parameter *parameter_find(const struct ocf_parameter *table, const char *name);

#endif
