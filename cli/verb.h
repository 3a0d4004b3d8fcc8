/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verb -- one row for each thing that the operator's command can do.
 *
 * The table in main.c is the dispatch, the usage text and the list in
 * "gemel --help". Exit statuses: 0 done, 1 failed, 2 usage, 3 refused,
 * 4 nothing answers.
 */
#ifndef GEMEL_CLI_VERB_H
#define GEMEL_CLI_VERB_H

#include <jansson.h>
#include <stdbool.h>

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REFUSED = 3,
	EXIT_NO_ANSWER = 4,
};

struct options {
	bool json;
	bool no_password;
	const char *password_file;
	unsigned timeout_s;
	const char *config;
	const char *corosync, *cib; /* NULL: this node's own */
};

struct verb {
	const char *group; /* "account"; NULL for a verb of one word */
	const char *name;
	const char *operands; /* for the usage text: "ADDRESS" */
	const char *summary;
	int operand_count;
	int (*run)(const struct options *options, char **operands);
};

/* Ask the core and print what went wrong, if something did. Takes request. Returns EXIT_DONE with
 * *reply_r owned by the caller, or the exit status. */
int ask_core(const struct options *options, json_t *request, json_t **reply_r);

/* The same of gemel-agentd. */
int ask_agent(const struct options *options, json_t *request, json_t **reply_r);

/* Print reply as JSON without "ok". Takes reply. Returns EXIT_DONE. */
int print_json(json_t *reply);

/* One sentence to standard error, begun with "gemel: ". Returns status. */
int
complain(enum exit_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

int verb_status(const struct options *options, char **operands);
int verb_agent_status(const struct options *options, char **operands);
int verb_fence_history(const struct options *options, char **operands);
int verb_core_promote(const struct options *options, char **operands);
int verb_core_demote(const struct options *options, char **operands);
int verb_core_drain(const struct options *options, char **operands);
int verb_account_add(const struct options *options, char **operands);
int verb_account_del(const struct options *options, char **operands);
int verb_account_list(const struct options *options, char **operands);
int verb_account_show(const struct options *options, char **operands);
int verb_account_passwd(const struct options *options, char **operands);
int verb_doctor(const struct options *options, char **operands);
int verb_config_check(const struct options *options, char **operands);
int verb_config_sample(const struct options *options, char **operands);
int verb_config_manual(const struct options *options, char **operands);

#endif
