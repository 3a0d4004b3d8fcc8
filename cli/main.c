/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/verb.h"

#include "common/config.h"
#include "common/control.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct verb verbs[] = {
    {NULL, "status", "", "say what the core on this node is doing", 0, verb_status},
    {"agent", "status", "", "say what the agent sees of this node and its peer", 0,
	verb_agent_status},
    {NULL, "fence-history", "", "list the proofs on which this node's peer was fenced", 0,
	verb_fence_history},
    {"account", "add", "ADDRESS", "make an account; asks for its password", 1, verb_account_add},
    {"account", "del", "ADDRESS", "remove an account; its mail is kept aside", 1, verb_account_del},
    {"account", "list", "", "list the accounts", 0, verb_account_list},
    {"account", "show", "ADDRESS", "show one account", 1, verb_account_show},
    {"account", "passwd", "ADDRESS", "set an account's password", 1, verb_account_passwd},
    {"core", "promote", "", "make the core on this node active (Pacemaker does this)", 0,
	verb_core_promote},
    {"core", "demote", "", "make the core on this node wait (Pacemaker does this)", 0,
	verb_core_demote},
    {"core", "drain", "", "stop accepting mail here and deliver what is queued", 0,
	verb_core_drain},
    {NULL, "doctor", "", "look for what is unsafe or slow in the configuration of the pair", 0,
	verb_doctor},
    {"config", "check", "", "say whether gemel.conf is right", 0, verb_config_check},
    {"config", "sample", "", "print a commented gemel.conf with every key", 0, verb_config_sample},
    {"config", "manual", "", "print the list of keys for the manual page", 0, verb_config_manual},
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

enum long_option {
	OPTION_JSON = 256,
	OPTION_NO_PASSWORD,
	OPTION_PASSWORD_FILE,
	OPTION_TIMEOUT,
	OPTION_CONFIG,
	OPTION_COROSYNC,
	OPTION_CIB,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option long_options[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    {"no-password", no_argument, NULL, OPTION_NO_PASSWORD},
    {"password-file", required_argument, NULL, OPTION_PASSWORD_FILE},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"corosync", required_argument, NULL, OPTION_COROSYNC},
    {"cib", required_argument, NULL, OPTION_CIB},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

int
complain(enum exit_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("gemel: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return status;
}

static void
print_verb(FILE *out, const struct verb *verb)
{
	fprintf(out, "  gemel %s%s%s%s%s\n\t%s\n", verb->group ? verb->group : "",
	    verb->group ? " " : "", verb->name, *verb->operands ? " " : "", verb->operands,
	    verb->summary);
}

static void
print_help(const char *group)
{
	printf("usage: gemel VERB [OPERAND] [--json] [--timeout SECONDS]\n\n");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const char *own = verbs[i].group ? verbs[i].group : verbs[i].name;

		if (!group || strcmp(group, own) == 0)
			print_verb(stdout, &verbs[i]);
	}
	printf(
	    "\nOptions:\n"
	    "  --json                machine-readable answer, keys in gemel(1)\n"
	    "  --password-file FILE  account add, passwd: read the password from FILE (-: stdin)\n"
	    "  --no-password         account add: no one can log in yet\n"
	    "  --timeout SECONDS     how long to wait for the core (60)\n"
	    "  --config FILE         config check, doctor: the file (%s)\n"
	    "  --corosync FILE       doctor: a corosync.conf instead of this node's\n"
	    "  --cib FILE            doctor: a cluster configuration instead of the one here\n"
	    "  --help, --version\n",
	    CONFIG_PATH);
}

static const struct verb *
verb_find(char **words, int count, int *used_r)
{
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct verb *verb = &verbs[i];
		int used = verb->group ? 2 : 1;

		if (count < used || (verb->group && strcmp(words[0], verb->group) != 0) ||
		    strcmp(words[used - 1], verb->name) != 0)
			continue;
		*used_r = used;
		return verb;
	}
	return NULL;
}

int
print_json(json_t *reply)
{
	json_object_del(reply, "ok");
	json_dumpf(reply, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	fputc('\n', stdout);
	json_decref(reply);
	return EXIT_DONE;
}

struct daemon {
	const char *service, *name, *start_hint;
};

static int
explain_failed_call(const struct daemon *daemon, int error)
{
	switch (-error) {
	case ENOENT:
		return complain(EXIT_NO_ANSWER, "no %s runs on this node; start it with %s",
		    daemon->name, daemon->start_hint);
	case ETIMEDOUT:
		return complain(EXIT_NO_ANSWER,
		    "%s did not answer in time; see gemel status, or wait longer with --timeout",
		    daemon->name);
	case ECONNRESET:
		return complain(EXIT_NO_ANSWER,
		    "%s ended before it answered; see its log, and whether it was done, before you "
		    "repeat it",
		    daemon->name);
	case EACCES:
	case EPERM:
		return complain(
		    EXIT_REFUSED, "this user may not ask %s; ask as root", daemon->name);
	case EMSGSIZE:
		return complain(
		    EXIT_FAILED, "the request is too large for one message; shorten it");
	default:
		return complain(
		    EXIT_FAILED, "cannot ask %s: %s; see its log", daemon->name, strerror(-error));
	}
}

static int
ask(const struct daemon *daemon, const struct options *options, json_t *request, json_t **reply_r)
{
	int status, result = control_call(
			daemon->service, request, (int)options->timeout_s * 1000, reply_r);
	const char *error;

	json_decref(request);
	if (result)
		return explain_failed_call(daemon, result);
	if (json_is_true(json_object_get(*reply_r, "ok")))
		return EXIT_DONE;
	error = json_string_value(json_object_get(*reply_r, "error"));
	status = (int)json_integer_value(json_object_get(*reply_r, "code"));
	if (error)
		complain(EXIT_FAILED, "%s", error);
	else
		complain(EXIT_FAILED, "%s refused without a reason; see its log", daemon->name);
	if (options->json)
		print_json(json_incref(*reply_r));
	json_decref(*reply_r);
	return status >= EXIT_FAILED && status <= EXIT_NO_ANSWER ? status : EXIT_FAILED;
}

int
ask_core(const struct options *options, json_t *request, json_t **reply_r)
{
	static const struct daemon core = {
	    CONTROL_CORE, "mailcored", "Pacemaker (crm resource start gemel-core)"};

	return ask(&core, options, request, reply_r);
}

int
ask_agent(const struct options *options, json_t *request, json_t **reply_r)
{
	static const struct daemon agent = {
	    CONTROL_AGENT, "gemel-agentd", "systemctl start gemel-agentd"};

	return ask(&agent, options, request, reply_r);
}

static bool
parse_timeout(const char *text, unsigned *timeout_r)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end || value < 1 || value > 86400)
		return false;
	*timeout_r = (unsigned)value;
	return true;
}

static int
run(int argc, char **argv)
{
	struct options options = {.timeout_s = 60, .config = CONFIG_PATH};
	bool want_help = false;
	const struct verb *verb;
	int option, used;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		switch (option) {
		case OPTION_JSON:
			options.json = true;
			break;
		case OPTION_NO_PASSWORD:
			options.no_password = true;
			break;
		case OPTION_PASSWORD_FILE:
			options.password_file = optarg;
			break;
		case OPTION_TIMEOUT:
			if (!parse_timeout(optarg, &options.timeout_s))
				return complain(EXIT_USAGE,
				    "--timeout \"%s\" is not 1 to 86400 seconds", optarg);
			break;
		case OPTION_CONFIG:
			options.config = optarg;
			break;
		case OPTION_COROSYNC:
			options.corosync = optarg;
			break;
		case OPTION_CIB:
			options.cib = optarg;
			break;
		case OPTION_VERSION:
			printf("gemel %s\n", PACKAGE_VERSION);
			return EXIT_DONE;
		case OPTION_HELP:
		case 'h':
			want_help = true;
			break;
		default:
			return EXIT_USAGE;
		}
	if (want_help) {
		print_help(optind < argc ? argv[optind] : NULL);
		return EXIT_DONE;
	}
	if (optind == argc)
		return complain(EXIT_USAGE, "no verb given; gemel --help lists them");
	verb = verb_find(argv + optind, argc - optind, &used);
	if (!verb)
		return complain(EXIT_USAGE, "\"%s%s%s\" is no verb; gemel --help lists them",
		    argv[optind], optind + 1 < argc ? " " : "",
		    optind + 1 < argc ? argv[optind + 1] : "");
	if (argc - optind - used != verb->operand_count)
		return complain(EXIT_USAGE, "usage: gemel %s%s%s %s",
		    verb->group ? verb->group : "", verb->group ? " " : "", verb->name,
		    verb->operands);
	return verb->run(&options, argv + optind + used);
}

int
main(int argc, char **argv)
{
	int status = run(argc, argv);

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return complain(status ? (enum exit_status)status : EXIT_FAILED,
	    "the answer cannot be written: %s; make room, or send it elsewhere", strerror(errno));
}
