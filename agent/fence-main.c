/* SPDX-License-Identifier: BSD-2-Clause */
/* fence_gemel: asks gemel-agentd, and says what its answer means to Pacemaker. */
#include "agent/fence-agent.h"
#include "common/control.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* For what the agent answers from memory. */
#define QUESTION_MS 5000

#define OPTIONS_MAX 16

static enum fence_status
complain(const char *sentence)
{
	fprintf(stderr, "fence_gemel: %s\n", sentence);
	return FENCE_FAILED;
}

static void
print_help(void)
{
	char names[64];

	printf("usage: fence_gemel --action ACTION [--plug NODE] [--timeout SECONDS]\n\n"
	       "Brings the other node of a Gemel pair to a stop, and succeeds only with a proof\n"
	       "that it has stopped. Without options it reads name=value lines from standard\n"
	       "input, as Pacemaker gives them.\n\n");
	for (const struct fence_parameter *row = fence_parameters; row->name; row++) {
		if (!row->option)
			continue;
		snprintf(names, sizeof(names), "%c%c%s--%s %s", row->letter ? '-' : ' ',
		    row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->option,
		    row->argument);
		printf("  %-26s %s%s%s%s\n", names, row->summary, *row->preset ? " (" : "",
		    row->preset, *row->preset ? ")" : "");
	}
	printf("  -h, --help\n  -V, --version\n\nACTION is one of");
	for (size_t i = 0; i < FENCE_ACTIONS; i++)
		if (i != FENCE_ON)
			printf(" %s", fence_action_name((enum fence_action)i));
	printf(".\nExit status: 0 done (status: on), 2 off (status only), 1 anything else.\n"
	       "See fence_gemel(8), gemel-agentd(8).\n");
}

/* getopt's tables, from the parameters: the value of each is its row. */
static void
list_options(struct option options[OPTIONS_MAX], char letters[2 * OPTIONS_MAX])
{
	size_t n = 0;

	for (int row = 0; fence_parameters[row].name && n < OPTIONS_MAX - 3; row++) {
		if (fence_parameters[row].option)
			options[n++] = (struct option){
			    fence_parameters[row].option, required_argument, NULL, row};
		if (fence_parameters[row].letter) {
			*letters++ = fence_parameters[row].letter;
			*letters++ = ':';
		}
	}
	strcpy(letters, "hV");
	options[n++] = (struct option){"help", no_argument, NULL, 'h'};
	options[n++] = (struct option){"version", no_argument, NULL, 'V'};
	options[n] = (struct option){NULL, 0, NULL, 0};
}

static const struct fence_parameter *
parameter_of(int option)
{
	const struct fence_parameter *row = fence_parameters;

	if (option < OPTIONS_MAX)
		return row + option;
	while (row->letter != option)
		row++;
	return row;
}

/* Returns -1 to go on, or the exit status. */
static int
parse_arguments(int argc, char **argv, struct fence_options *fence)
{
	struct option options[OPTIONS_MAX];
	char letters[2 * OPTIONS_MAX];
	int option;

	list_options(options, letters);
	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1)
		switch (option) {
		case 'h':
			print_help();
			return FENCE_DONE;
		case 'V':
			printf("fence_gemel %s\n", PACKAGE_VERSION);
			return FENCE_DONE;
		case '?':
			return FENCE_FAILED;
		default:
			*fence_option_at(fence, parameter_of(option)) = slice_of(optarg);
		}
	if (optind == argc)
		return -1;
	return complain("an argument is no option; fence_gemel --help lists them");
}

/* Returns -1 to go on, or the exit status. What is cut may be what counts, so nothing is. */
static int
read_input(char room[FENCE_INPUT_MAX + 1], struct fence_options *options)
{
	size_t length = 0;

	for (;;) {
		ssize_t n = read(STDIN_FILENO, room + length, FENCE_INPUT_MAX + 1 - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return complain("standard input cannot be read; give name=value lines");
		length += (size_t)n;
		if (length > FENCE_INPUT_MAX)
			return complain("standard input is too long; give name=value lines");
		if (n == 0)
			break;
	}
	fence_options_parse(options, slice_from(room, length));
	return -1;
}

/* The agent's answer, owned by the caller; NULL: there is none, and it was said why. */
static json_t *
ask(json_t *question, uint32_t timeout_ms)
{
	json_t *reply = NULL;
	int error = control_call(CONTROL_AGENT, question, (int)timeout_ms, &reply);

	json_decref(question);
	switch (-error) {
	case 0:
		return reply;
	case ENOENT:
		complain("no gemel-agentd runs on this node, so there is no proof; start it with "
			 "systemctl start gemel-agentd");
		break;
	case ETIMEDOUT:
		complain("gemel-agentd did not answer in time, so there is no proof; see its log");
		break;
	case ECONNRESET:
		complain(
		    "gemel-agentd ended before it answered, so there is no proof; see its log");
		break;
	case EACCES:
	case EPERM:
		complain(
		    "gemel-agentd may not be asked by this user, or what answers is not root's; "
		    "ask as root");
		break;
	default:
		complain("gemel-agentd gave no answer that can be read, so there is no proof; see "
			 "its log");
		break;
	}
	return NULL;
}

static const char *
text_of(const json_t *reply, const char *key)
{
	return json_string_value(json_object_get(reply, key));
}

static struct fence_answer
answer_of(const json_t *reply)
{
	return (struct fence_answer){
	    .is_ok = json_is_true(json_object_get(reply, "ok")),
	    .proof = text_of(reply, "proof"),
	    .state = text_of(reply, "state"),
	    .error = text_of(reply, "error"),
	};
}

static enum fence_status
judge(const struct fence_request *request, const json_t *reply)
{
	const struct fence_answer answer = answer_of(reply);
	char error[FENCE_ERROR_MAX];
	enum fence_status status = fence_judge(request, &answer, error);

	if (*error)
		complain(error);
	return status;
}

static enum fence_status
run_fence(const struct fence_request *request)
{
	const char *action = fence_action_name(request->action);
	json_t *reply = ask(json_pack("{s:s,s:s,s:s,s:i}", "verb", "fence", "node", request->node,
				"action", action, "timeout_ms", (int)request->timeout_ms),
	    request->timeout_ms + FENCE_MARGIN_MS);
	enum fence_status status = reply ? judge(request, reply) : FENCE_FAILED;

	if (status == FENCE_DONE)
		printf("%s %s: proof %s\n", action, request->node, text_of(reply, "proof"));
	json_decref(reply);
	return status;
}

static enum fence_status
run_status(const struct fence_request *request)
{
	json_t *reply =
	    ask(json_pack("{s:s,s:s}", "verb", "peer", "node", request->node), QUESTION_MS);
	enum fence_status status = reply ? judge(request, reply) : FENCE_FAILED;

	json_decref(reply);
	return status;
}

static enum fence_status
print_nodes(const json_t *reply)
{
	const json_t *nodes = json_object_get(json_object_get(reply, "pair"), "nodes");
	const json_t *node;
	size_t i;

	if (json_array_size(nodes) == 0)
		return complain("gemel-agentd knows no nodes; see pair in gemel.conf");
	json_array_foreach(nodes, i, node) if (json_is_string(node))
	    printf("%s\n", json_string_value(node));
	return FENCE_DONE;
}

/* monitor and list: the agent answers at all, and what. */
static enum fence_status
run_question(const struct fence_request *request)
{
	json_t *reply = ask(json_pack("{s:s}", "verb", "status"), QUESTION_MS);
	enum fence_status status = FENCE_FAILED;

	if (reply && !json_is_true(json_object_get(reply, "ok")))
		status = judge(request, reply);
	else if (reply)
		status = request->action == FENCE_LIST ? print_nodes(reply) : FENCE_DONE;
	json_decref(reply);
	return status;
}

static enum fence_status
print_metadata(void)
{
	struct buffer text = {0};

	fence_metadata(&text);
	fwrite(text.data, 1, text.length, stdout);
	buffer_close(&text);
	return FENCE_DONE;
}

static enum fence_status
run(const struct fence_request *request)
{
	switch (request->action) {
	case FENCE_OFF:
	case FENCE_REBOOT:
		return run_fence(request);
	case FENCE_STATUS:
		return run_status(request);
	case FENCE_LIST:
	case FENCE_MONITOR:
		return run_question(request);
	case FENCE_METADATA:
		return print_metadata();
	case FENCE_VALIDATE:
		return FENCE_DONE;
	case FENCE_ON:
	case FENCE_ACTIONS:
		break;
	}
	return FENCE_FAILED;
}

int
main(int argc, char **argv)
{
	static char room[FENCE_INPUT_MAX + 1];
	char error[FENCE_ERROR_MAX];
	struct fence_options options;
	struct fence_request request;
	int status;

	fence_options_open(&options);
	status = argc > 1 ? parse_arguments(argc, argv, &options) : read_input(room, &options);
	if (status < 0)
		status = fence_request_make(&options, &request, error) ? (int)run(&request)
								       : (int)complain(error);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	complain("the answer cannot be written; make room, or send it elsewhere");
	return status == FENCE_IS_OFF ? FENCE_IS_OFF : FENCE_FAILED;
}
