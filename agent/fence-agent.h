/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fence-agent -- what fence_gemel is asked for, and what the agent's answer means to Pacemaker.
 *
 * Pure. The fence agent API (fence-agents, doc/FenceAgentAPI.md): parameters come as lines
 * "name=value" from standard input, or for people as options; unknown names are ignored, of two
 * the last wins, "port" is the old name of "plug". Pacemaker gives the node's name twice, as
 * nodename and as plug. They must be the same: a plug that stands in the device's parameters
 * would let a proof about one node pass for one about the other.
 *
 * Pacemaker believes any exit status 0, so this is the only way to one after a fence action:
 *
 *   answer of gemel-agentd                     exit status
 *   ok is true, and a proof of the list below  0
 *   anything else                              1
 */
#ifndef GEMEL_AGENT_FENCE_AGENT_H
#define GEMEL_AGENT_FENCE_AGENT_H

#include "common/slice.h"

#define FENCE_NODE_MAX 64
#define FENCE_INPUT_MAX (64u * 1024)
#define FENCE_ERROR_MAX 1280

#define FENCE_TIMEOUT_MAX_S 3600
/* The agent may need as long as it was given; so much longer its answer is waited for. */
#define FENCE_MARGIN_MS 2000u

enum fence_action {
	FENCE_OFF,
	FENCE_REBOOT,
	FENCE_ON, /* is refused */
	FENCE_STATUS,
	FENCE_LIST,
	FENCE_MONITOR,
	FENCE_METADATA,
	FENCE_VALIDATE,
	FENCE_ACTIONS,
};

/* The exit statuses; FENCE_IS_OFF is an answer to the action status only. */
enum fence_status {
	FENCE_DONE = 0, /* to status: the node is on */
	FENCE_FAILED = 1,
	FENCE_IS_OFF = 2,
};

/* Parameters as they were given: views of the caller's bytes. */
struct fence_options {
	struct slice action, plug, nodename, timeout;
};

/* One parameter: the input's name, the option's names, and what the metadata says of it. */
struct fence_parameter {
	const char *name;
	char letter;        /* of the short option; 0: none */
	const char *option; /* the long one; NULL: none */
	const char *argument;
	const char *type; /* NULL: not in the metadata */
	const char *preset;
	const char *attributes; /* more of the metadata's */
	const char *summary;
	size_t offset; /* of its slice in struct fence_options */
};

/* Ends with a row whose name is NULL. */
extern const struct fence_parameter fence_parameters[];

/* What is to be done. */
struct fence_request {
	enum fence_action action;
	char node[FENCE_NODE_MAX + 1]; /* empty: the action is about no node */
	uint32_t timeout_ms;           /* for the proof */
};

/* What gemel-agentd answered; borrowed. NULL: it is not there, or no text. */
struct fence_answer {
	bool is_ok;
	const char *proof, *state, *error;
};

/* Where the value of that parameter stands. */
static inline struct slice *
fence_option_at(struct fence_options *options, const struct fence_parameter *parameter)
{
	return (struct slice *)((char *)options + parameter->offset);
}

/* Nothing is given yet: the presets. */
void fence_options_open(struct fence_options *options);

/* Take standard input: lines of name=value. */
void fence_options_parse(struct fence_options *options, struct slice input);

/* Judge them. False: *error_r is a sentence that says what is wrong. */
bool fence_request_make(const struct fence_options *options, struct fence_request *request_r,
    char error_r[FENCE_ERROR_MAX]);

/* As the API and the agent call it: "off". */
const char *fence_action_name(enum fence_action action);

/* After off, reboot, status. error_r is empty, or a sentence for standard error. */
enum fence_status fence_judge(const struct fence_request *request,
    const struct fence_answer *answer, char error_r[FENCE_ERROR_MAX]);

/* Append the metadata, XML, as the schema metadata.rng of fence-agents has it. */
void fence_metadata(struct buffer *out);

#endif
