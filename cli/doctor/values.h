/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * values -- numbers, times and truths as Pacemaker writes them.
 *
 * Pure. What Pacemaker would not understand, and ISO 8601 durations, are unknown.
 */
#ifndef GEMEL_CLI_DOCTOR_VALUES_H
#define GEMEL_CLI_DOCTOR_VALUES_H

#include "common/doctor/facts.h"

/* "50ms", "2s", "2" (seconds), "1min", "1h" and their other spellings, in milliseconds. */
struct fact value_interval_ms(const char *text);

/* "true", "on", "yes", "y", "1" and their opposites; 1 or 0. */
struct fact value_truth(const char *text);

/* "10", "-10", "INFINITY", "+INFINITY", "-INFINITY"; at most SCORE_INFINITY either way. */
struct fact value_score(const char *text);

/* "80" or "80%". */
struct fact value_percent(const char *text);

/* Master and Slave are the old words. */
enum cib_role value_role(const char *text);

#endif
