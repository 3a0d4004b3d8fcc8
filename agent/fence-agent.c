/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/fence-agent.h"

#include <stdio.h>

/* So much of a word from outside is told back. */
#define WORD_MAX 64

#define OPTION(field) offsetof(struct fence_options, field)

/* nodename is Pacemaker's own: out of the metadata, so that no tool offers to configure it. */
const struct fence_parameter fence_parameters[] = {
    {"action", 'o', "action", "ACTION", "string", "reboot", "", "Fencing action", OPTION(action)},
    {"plug", 'n', "plug", "NODE", "string", "", " obsoletes=\"port\"",
	"The node, as the cluster calls it; Pacemaker gives it", OPTION(plug)},
    {"port", 0, NULL, "NODE", "string", "", " deprecated=\"1\"",
	"The node, as the cluster calls it; Pacemaker gives it", OPTION(plug)},
    {"nodename", 0, "nodename", "NODE", NULL, "", "", "The same; must not differ from plug",
	OPTION(nodename)},
    {"timeout", 0, "timeout", "SECONDS", "second", "20", "",
	"How long to wait for a proof that the node has stopped", OPTION(timeout)},
    {NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0},
};

/* on is no row of the metadata: an agent names there only what it can do. */
static const struct {
	const char *name;
	bool is_about_node;
	const char *refusal;
} actions[FENCE_ACTIONS] = {
    [FENCE_OFF] = {"off", true, NULL},
    [FENCE_REBOOT] = {"reboot", true, NULL},
    [FENCE_ON] = {"on", false, "Gemel cannot switch power on; start the node where it stands"},
    [FENCE_STATUS] = {"status", true, NULL},
    [FENCE_LIST] = {"list", false, NULL},
    [FENCE_MONITOR] = {"monitor", false, NULL},
    [FENCE_METADATA] = {"metadata", false, NULL},
    [FENCE_VALIDATE] = {"validate-all", false, NULL},
};

/* What gemel-agentd may call a proof. A word that is not here is none. */
static const char *const proofs[] = {"released", "barred", "newer-life", "granted", "poisoned"};

static const struct {
	const char *name;
	enum fence_status status;
} states[] = {
    {"alive", FENCE_DONE},
    {"unheard", FENCE_DONE},
    {"cut off", FENCE_DONE},
    {"stopped", FENCE_IS_OFF},
    {"silent", FENCE_FAILED},
    {"unknown", FENCE_FAILED},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *
fence_action_name(enum fence_action action)
{
	return actions[action].name;
}

void
fence_options_open(struct fence_options *options)
{
	for (const struct fence_parameter *row = fence_parameters; row->name; row++)
		*fence_option_at(options, row) = slice_of(row->preset);
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct slice
trimmed(struct slice s)
{
	while (s.length && is_space(s.data[0]))
		s = slice_from(s.data + 1, s.length - 1);
	while (s.length && is_space(s.data[s.length - 1]))
		s.length--;
	return s;
}

/* What stands before the first c; *rest_r is what comes after it. */
static struct slice
cut_at(struct slice s, uint8_t c, struct slice *rest_r)
{
	const uint8_t *at = s.length ? memchr(s.data, c, s.length) : NULL;
	size_t before = at ? (size_t)(at - s.data) : s.length;

	*rest_r = at ? slice_from(at + 1, s.length - before - 1) : slice_of(NULL);
	return slice_from(s.data, before);
}

static void
take_line(struct fence_options *options, struct slice line)
{
	struct slice value, name = cut_at(trimmed(line), '=', &value);

	/* A comment's name is no parameter's. */
	for (const struct fence_parameter *row = fence_parameters; row->name; row++)
		if (slice_is_equal(name, slice_of(row->name)))
			*fence_option_at(options, row) = value;
}

void
fence_options_parse(struct fence_options *options, struct slice input)
{
	while (input.length)
		take_line(options, cut_at(input, '\n', &input));
}

/* The word as it may stand in a sentence. */
static const char *
shown(struct slice word, char out[WORD_MAX + 1])
{
	size_t n = word.length < WORD_MAX ? word.length : WORD_MAX;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(word.data[i] >= ' ' && word.data[i] < 127 ? word.data[i] : '?');
	out[n] = '\0';
	return out;
}

static bool
parse_action(struct slice word, enum fence_action *action_r, char error_r[FENCE_ERROR_MAX])
{
	char room[WORD_MAX + 1];

	for (size_t i = 0; i < FENCE_ACTIONS; i++)
		if (slice_is_equal(word, slice_of(actions[i].name))) {
			*action_r = (enum fence_action)i;
			if (actions[i].refusal)
				snprintf(error_r, FENCE_ERROR_MAX, "%s", actions[i].refusal);
			return !actions[i].refusal;
		}
	snprintf(error_r, FENCE_ERROR_MAX,
	    "action \"%s\" is unknown; give off, reboot, status, list, monitor, metadata or "
	    "validate-all",
	    shown(word, room));
	return false;
}

/* Whole seconds, perhaps with an s. */
static bool
parse_timeout(struct slice word, uint32_t *timeout_ms_r, char error_r[FENCE_ERROR_MAX])
{
	struct slice digits = word;
	char room[WORD_MAX + 1];
	uint32_t seconds = 0;

	if (digits.length > 1 && digits.data[digits.length - 1] == 's')
		digits.length--;
	for (size_t i = 0; i < digits.length && seconds <= FENCE_TIMEOUT_MAX_S; i++)
		seconds = digits.data[i] >= '0' && digits.data[i] <= '9'
			      ? seconds * 10 + (uint32_t)(digits.data[i] - '0')
			      : FENCE_TIMEOUT_MAX_S + 1;
	*timeout_ms_r = seconds * 1000;
	if (seconds >= 1 && seconds <= FENCE_TIMEOUT_MAX_S)
		return true;
	snprintf(error_r, FENCE_ERROR_MAX, "timeout \"%s\" is not 1 to %d seconds; give 20",
	    shown(word, room), FENCE_TIMEOUT_MAX_S);
	return false;
}

static bool
is_node_name(struct slice word)
{
	if (word.length < 1 || word.length > FENCE_NODE_MAX)
		return false;
	for (size_t i = 0; i < word.length; i++) {
		uint8_t c = word.data[i];
		bool is_alnum =
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!is_alnum && (i == 0 || (c != '-' && c != '.' && c != '_')))
			return false;
	}
	return true;
}

static bool
parse_node(const struct fence_options *options, char node_r[FENCE_NODE_MAX + 1],
    char error_r[FENCE_ERROR_MAX])
{
	struct slice plug = options->plug, nodename = options->nodename;
	struct slice node = plug.length ? plug : nodename;
	char room[WORD_MAX + 1], other[WORD_MAX + 1];

	if (!node.length) {
		snprintf(error_r, FENCE_ERROR_MAX, "which node? give --plug NODE");
	} else if (!is_node_name(node)) {
		snprintf(error_r, FENCE_ERROR_MAX,
		    "\"%s\" is no name of a node; give up to %d letters, digits, '-', '.' and '_'",
		    shown(node, room), FENCE_NODE_MAX);
	} else if (nodename.length && !slice_is_equal(node, nodename)) {
		snprintf(error_r, FENCE_ERROR_MAX,
		    "plug \"%s\" is not the node \"%s\" that is to be fenced; leave plug and "
		    "pcmk_host_map out of the device's parameters",
		    shown(node, room), shown(nodename, other));
	} else {
		return slice_to_string(node, node_r, FENCE_NODE_MAX + 1);
	}
	return false;
}

bool
fence_request_make(const struct fence_options *options, struct fence_request *request_r,
    char error_r[FENCE_ERROR_MAX])
{
	*request_r = (struct fence_request){.action = FENCE_METADATA};
	error_r[0] = '\0';
	return parse_action(options->action, &request_r->action, error_r) &&
	       parse_timeout(options->timeout, &request_r->timeout_ms, error_r) &&
	       (!actions[request_r->action].is_about_node ||
		   parse_node(options, request_r->node, error_r));
}

static bool
is_proof(const char *word)
{
	for (size_t i = 0; word && i < COUNT(proofs); i++)
		if (strcmp(word, proofs[i]) == 0)
			return true;
	return false;
}

static enum fence_status
judge_fence(const struct fence_request *request, const struct fence_answer *answer,
    char error_r[FENCE_ERROR_MAX])
{
	char room[WORD_MAX + 1];

	if (is_proof(answer->proof))
		return FENCE_DONE;
	snprintf(error_r, FENCE_ERROR_MAX,
	    "node %s: gemel-agentd calls \"%s\" a proof, which is none; are all of Gemel's "
	    "programs of the same version?",
	    request->node, shown(slice_of(answer->proof), room));
	return FENCE_FAILED;
}

static enum fence_status
judge_state(const struct fence_request *request, const struct fence_answer *answer,
    char error_r[FENCE_ERROR_MAX])
{
	char room[WORD_MAX + 1];

	for (size_t i = 0; answer->state && i < COUNT(states); i++)
		if (strcmp(answer->state, states[i].name) == 0 && states[i].status != FENCE_FAILED)
			return states[i].status;
	snprintf(error_r, FENCE_ERROR_MAX,
	    "node %s is %s: nobody knows whether it runs; see gemel agent status", request->node,
	    answer->state ? shown(slice_of(answer->state), room) : "in no state");
	return FENCE_FAILED;
}

enum fence_status
fence_judge(const struct fence_request *request, const struct fence_answer *answer,
    char error_r[FENCE_ERROR_MAX])
{
	error_r[0] = '\0';
	if (answer->is_ok && (request->action == FENCE_OFF || request->action == FENCE_REBOOT))
		return judge_fence(request, answer, error_r);
	if (answer->is_ok && request->action == FENCE_STATUS)
		return judge_state(request, answer, error_r);
	snprintf(error_r, FENCE_ERROR_MAX, "%s",
	    answer->error && *answer->error ? answer->error
					    : "gemel-agentd refused without a reason; see its log");
	return FENCE_FAILED;
}

static void
parameter_metadata(struct buffer *out, const struct fence_parameter *row)
{
	buffer_printf(out, "\t<parameter name=\"%s\" unique=\"0\" required=\"0\"%s>\n", row->name,
	    row->attributes);
	if (row->letter)
		buffer_printf(out, "\t\t<getopt mixed=\"-%c, --%s=[%s]\"/>\n", row->letter,
		    row->option, row->argument);
	else
		buffer_printf(out, "\t\t<getopt mixed=\"--%s=[%s]\"/>\n",
		    row->option ? row->option : "plug", row->argument);
	buffer_printf(out, "\t\t<content type=\"%s\"", row->type);
	if (*row->preset)
		buffer_printf(out, " default=\"%s\"", row->preset);
	buffer_printf(
	    out, "/>\n\t\t<shortdesc lang=\"en\">%s</shortdesc>\n\t</parameter>\n", row->summary);
}

void
fence_metadata(struct buffer *out)
{
	buffer_printf(out,
	    "<?xml version=\"1.0\"?>\n"
	    "<resource-agent name=\"fence_gemel\""
	    " shortdesc=\"Fencing of a Gemel pair that ends on a proof\">\n"
	    "<longdesc>Asks gemel-agentd on this node to bring the other node of the pair to a "
	    "stop, and succeeds only with a proof that it has stopped; fence_gemel(8) lists them. "
	    "It switches no power: give a power switch the next level of the topology."
	    "</longdesc>\n"
	    "<vendor-url></vendor-url>\n<parameters>\n");
	for (const struct fence_parameter *row = fence_parameters; row->name; row++)
		if (row->type)
			parameter_metadata(out, row);
	buffer_printf(out, "</parameters>\n<actions>\n");
	for (size_t i = 0; i < FENCE_ACTIONS; i++)
		if (!actions[i].refusal)
			buffer_printf(out, "\t<action name=\"%s\"/>\n", actions[i].name);
	buffer_printf(out, "</actions>\n</resource-agent>\n");
}
