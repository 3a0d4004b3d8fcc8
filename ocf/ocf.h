/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ocf -- a resource agent as two tables, by the OCF Resource Agent API 1.1.
 *
 * An agent states its parameters and its actions; from these come the
 * meta-data, the manual page, the help text, validation, dispatch and the one
 * sentence that an operator sees when something is wrong:
 *
 *	int
 *	main(int argc, char **argv)
 *	{
 *		return ocf_main(&agent, argc, argv);
 *	}
 *
 * The order of one call: find the action (3 if there is none), check that it
 * runs as root (4), check every parameter (6), then call the action's function.
 * stop and demote are called even with wrong parameters, because what cannot
 * be validated must still be stopped; a wrong value then reads as its default
 * (NULL if it has none). meta-data and validate-all come from the tables and
 * need no privilege.
 *
 * An agent may be ended by SIGKILL at any instruction, so an action leaves
 * nothing that the same action, called again, does not put right.
 *
 * Not here: waiting in children (child.h), scores (promotion.h), notify
 * variables (notify.h).
 */
#ifndef GEMEL_OCF_OCF_H
#define GEMEL_OCF_OCF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where agents keep what must not survive a boot. */
#define OCF_RUN_DIR "/run/gemel"

/* Pacemaker cuts an exit reason here (EXIT_REASON_MAX_LEN). */
#define OCF_REASON_MAX 128

/* OCF 1.1, "Exit status codes". */
enum ocf_exit {
	OCF_SUCCESS = 0,
	OCF_ERR_GENERIC = 1,
	OCF_ERR_ARGS = 2, /* wrong on this node */
	OCF_ERR_UNIMPLEMENTED = 3,
	OCF_ERR_PERM = 4,
	OCF_ERR_INSTALLED = 5,
	OCF_ERR_CONFIGURED = 6, /* wrong on every node: the resource is stopped everywhere */
	OCF_NOT_RUNNING = 7,
	OCF_RUNNING_PROMOTED = 8,
	OCF_FAILED_PROMOTED = 9,
	OCF_DEGRADED = 190,          /* as 0, and shown as degraded */
	OCF_DEGRADED_PROMOTED = 191, /* as 8, and shown as degraded */
};

enum ocf_type {
	OCF_STRING,
	OCF_INTEGER,
	OCF_BOOLEAN,
};

enum ocf_role {
	OCF_ROLE_NONE, /* not said, or not promotable */
	OCF_ROLE_UNPROMOTED,
	OCF_ROLE_PROMOTED,
};

struct ocf_context;

struct ocf_parameter {
	const char *name;
	enum ocf_type type;
	const char *fallback; /* the default; NULL: none */
	bool required;
	bool reloadable;          /* reload-agent applies a change without a restart */
	const char *unique_group; /* no two resources may agree in all parameters of a group */
	int64_t min, max;         /* of an integer */
	/* Pure: NULL if value will do, else what is wrong and what to do:
	 * "is not an IPv4 or IPv6 address; give one like 192.0.2.10". */
	const char *(*check)(const char *value);
	const char *shortdesc;
	const char *longdesc;
};

struct ocf_action {
	const char *name;
	unsigned int timeout_s;
	unsigned int interval_s; /* advised, for monitor; 0: not recurring */
	int depth;               /* OCF_CHECK_LEVEL of a monitor; -1: not a monitor */
	enum ocf_role role;      /* of a monitor */
	bool for_anyone;         /* may be called without being root */
	/* NULL: libocf answers this action itself. */
	enum ocf_exit (*run)(struct ocf_context *ctx);
};

struct ocf_agent {
	const char *name;
	const char *version;
	const char *shortdesc;
	const char *longdesc;                   /* paragraphs, an empty line between two */
	const struct ocf_parameter *parameters; /* up to one without a name */
	const struct ocf_action *actions; /* up to one without a name; first row of a name runs */
	/* What a single parameter cannot tell: NULL if all agree, else exit 6. Pure. */
	enum ocf_exit (*check)(struct ocf_context *ctx);
	/* What this node must have (OCF_CHECK_LEVEL 10 of validate-all). */
	enum ocf_exit (*check_node)(struct ocf_context *ctx);
};

struct ocf_context {
	const struct ocf_agent *agent;
	const struct ocf_action *action;
	char *const *environment;
	const char *instance; /* the resource's name in the cluster */
	enum ocf_role role;   /* that a recurring monitor expects */
	bool is_probe;        /* a monitor that asks what is there before anything was started */
	int check_level;
	uint64_t deadline_ms; /* CLOCK_BOOTTIME: be back before, Pacemaker kills soon after */
	char reason[OCF_REASON_MAX + 1];
};

/* Run the action that argv names, in the process's environment; the process's exit status. */
int ocf_main(const struct ocf_agent *agent, int argc, char **argv);

/* The value of a parameter of the agent's table, or its default. The string borrows from the
 * environment or the table; it is NULL only if the parameter has neither. */
const char *ocf_string(const struct ocf_context *ctx, const char *name);
int64_t ocf_integer(const struct ocf_context *ctx, const char *name);
bool ocf_boolean(const struct ocf_context *ctx, const char *name);

/* Keep the sentence that the operator will see (the last one wins, cut to OCF_REASON_MAX bytes)
 * and return code. */
enum ocf_exit ocf_fail(struct ocf_context *ctx, enum ocf_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line for the cluster's log: Pacemaker logs what an agent writes to standard error. */
void ocf_log(const struct ocf_context *ctx, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Milliseconds left before the deadline; 0 when it has gone by. */
int ocf_left_ms(const struct ocf_context *ctx);

/* Write "OCF_RUN_DIR/AGENT-INSTANCE.SUFFIX" (without the dot when suffix is empty). A "/" in the
 * instance becomes "_". */
void ocf_state_path(const struct ocf_context *ctx, const char *suffix, char *path, size_t room);

/* Make OCF_RUN_DIR if it is not there. 0 or -errno. */
int ocf_make_run_directory(void);

#endif
