/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow-verbs -- what the program `flow` can be told to do.
 *
 * Each verb takes its own argument vector (argv[0] is the verb) and returns the
 * exit status: 0 it is so, 1 it is not (a fault was found, a log could not be
 * written), 2 usage.
 */
#ifndef GEMEL_TESTS_LAB_FLOW_VERBS_H
#define GEMEL_TESTS_LAB_FLOW_VERBS_H

#include <stdbool.h>
#include <stdint.h>

#define FLOW_DONE 0
#define FLOW_FAILED 1
#define FLOW_USAGE 2

/* Send load and log it (flow-send.c). */
int flow_send(int argc, char **argv);
/* Compare logs with mailboxes (flow-judge.c). */
int flow_judge(int argc, char **argv);
/* Print when no 250 came (flow-judge.c). */
int flow_gaps(int argc, char **argv);

/* One sentence to standard error, with the program's name. Returns status. */
int flow_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A whole number within the bounds, or a sentence and false. */
bool
flow_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *number_r);

#endif
