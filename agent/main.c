/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agent.h"

#include "agent/format.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct arguments {
	const char *config_path;
	bool is_to_format, is_forced;
};

/* Between the word that the agent ends and its end: a beat on each line. */
#define REST_MS 250u

static void
print_help(void)
{
	printf("usage: gemel-agentd [--config FILE]\n"
	       "       gemel-agentd --format [--force] [--config FILE]\n\n"
	       "Watches over one node of a Gemel pair. It runs in the foreground, from before\n"
	       "Pacemaker starts until after it has ended; systemd sees to that.\n\n"
	       "  --config FILE     configuration (%s)\n"
	       "  --format          make the partitions of the pair's disk lines ready, and end\n"
	       "  --force           format a partition even if it holds something\n"
	       "  --help, --version\n\n"
	       "See gemel-agentd(8), gemel.conf(5), gemel(1).\n",
	    CONFIG_PATH);
}

/* Returns -1 to go on, or the exit status. */
static int
parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"format", no_argument, NULL, 'f'},
	    {"force", no_argument, NULL, 'F'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1)
		switch (option) {
		case 'c':
			arguments->config_path = optarg;
			break;
		case 'f':
			arguments->is_to_format = true;
			break;
		case 'F':
			arguments->is_forced = true;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			printf("gemel-agentd %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			return 2;
		}
	if (optind == argc)
		return -1;
	fprintf(stderr, "gemel-agentd: \"%s\" is no option; gemel-agentd --help lists them\n",
	    argv[optind]);
	return 2;
}

static int
open_log(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	const char *file = agent->config.agent_log_file;
	int result = log_open("gemel-agentd", *file ? file : NULL, isatty(STDERR_FILENO), false);

	if (result)
		snprintf(error, AGENT_ERROR_MAX,
		    "log %.256s: %s; make its directory, or set agent { log_file }", file,
		    strerror(-result));
	return result;
}

/* What it decides must not wait for a processor or for a page. Not allowed (in a container, say):
 * it goes on without. Children do not inherit it. */
static void
become_realtime(void)
{
	const struct sched_param priority = {sched_get_priority_min(SCHED_RR)};

	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		log_warning("agent: memory cannot be locked: %m; it may be late under pressure");
	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority) != 0)
		log_warning("agent: no real-time priority: %m; it may be late under load");
}

static void
on_rested(void *data)
{
	struct agent *agent = data;

	qb_loop_stop(agent->loop);
}

/* The peer has to hear of it, or it waits for this node's word for ever. What was promised to the
 * peer is kept first: then this node ends, and the agent with it. */
static int32_t
on_terminate(int32_t signal_number, void *data)
{
	struct agent *agent = data;
	qb_loop_timer_handle handle;
	int result = agent->is_paired ? agent_rest(agent) : 0;

	if (result == -EBUSY)
		return 0;
	log_notice("agent: signal %d: ending", signal_number);
	if (!agent->is_paired || result ||
	    qb_loop_timer_add(
		agent->loop, QB_LOOP_HIGH, REST_MS * 1000000ull, agent, on_rested, &handle) != 0)
		qb_loop_stop(agent->loop);
	return 0;
}

static int32_t
on_hangup(int32_t signal_number, void *data)
{
	struct agent *agent = data;
	const char *file = agent->config.agent_log_file;
	int result = *file ? log_reopen(file) : 0;

	(void)signal_number;
	if (result)
		log_error("log: %s cannot be opened again: %s", file, strerror(-result));
	if (agent->digests)
		digests_again(agent->digests);
	return 0;
}

static int
open_loop(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	qb_loop_signal_handle handle;
	int result;

	agent->loop = qb_loop_create();
	if (!agent->loop)
		abort();
	signal(SIGPIPE, SIG_IGN);
	qb_loop_signal_add(agent->loop, QB_LOOP_HIGH, SIGTERM, agent, on_terminate, &handle);
	qb_loop_signal_add(agent->loop, QB_LOOP_HIGH, SIGINT, agent, on_terminate, &handle);
	qb_loop_signal_add(agent->loop, QB_LOOP_HIGH, SIGHUP, agent, on_hangup, &handle);
	result =
	    control_server_open(CONTROL_AGENT, agent_verbs, agent, agent->loop, &agent->server);
	if (result)
		snprintf(error, AGENT_ERROR_MAX,
		    "control socket %s: %s; is another gemel-agentd running?", CONTROL_AGENT,
		    strerror(-result));
	return result;
}

static int
open_digests(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	const struct digests_settings settings = {
	    .paths = {agent->config_path, digest_files[1].path, agent->config.pair_keys},
	    .look_ms = DIGESTS_LOOK_MS,
	    .retry_ms = DIGESTS_RETRY_MS,
	};
	int result = digests_open(agent->loop, &settings, &agent->digests);

	if (result)
		snprintf(error, AGENT_ERROR_MAX, "no thread can be started: %s", strerror(-result));
	return result;
}

static int
open_pair(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	int result = agent_fence_open(agent);

	if (result) {
		snprintf(error, AGENT_ERROR_MAX, "no thread can be started: %s", strerror(-result));
		return result;
	}
	agent->is_paired = true;
	agent->watchdog.fd = -1;
	result = agent_conduct_open(agent, error);
	return result ? result : open_digests(agent, error);
}

static void
close_agent(struct agent *agent)
{
	digests_close(&agent->digests);
	if (agent->is_paired) {
		agent_fence_close(agent);
		agent_conduct_close(agent);
	}
	if (agent->loop)
		agent_care_close(agent);
	control_server_close(&agent->server);
	if (agent->loop)
		qb_loop_destroy(agent->loop);
	log_close();
}

static int
open_agent(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	int result;

	if (gethostname(agent->node, sizeof(agent->node)) != 0)
		abort();
	agent->node[sizeof(agent->node) - 1] = '\0';
	agent->started_ms = clock_boot_ms();
	if (mkdir(agent->config.run_directory, 0755) != 0 && errno != EEXIST) {
		result = -errno;
		snprintf(error, AGENT_ERROR_MAX, "%.256s: %s; start as root",
		    agent->config.run_directory, strerror(-result));
		return result;
	}
	result = open_log(agent, error);
	if (result)
		return result;
	if (agent->config.agent_realtime)
		become_realtime();
	result = open_loop(agent, error);
	if (result)
		return result;
	agent_care_open(agent);
	if (agent->config.pair_nodes.count > 0)
		return open_pair(agent, error);
	log_warning("agent: gemel.conf has no pair { nodes }, so there is no peer to listen to");
	return 0;
}

static int
run(struct agent *agent)
{
	char error[AGENT_ERROR_MAX] = "";
	int result = open_agent(agent, error);

	if (result == 0) {
		log_notice("agent: started on %s, version %s", agent->node, PACKAGE_VERSION);
		qb_loop_run(agent->loop);
		log_notice("agent: ended");
	} else {
		fprintf(stderr, "gemel-agentd: %s\n", error);
	}
	close_agent(agent);
	return result ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	static struct agent agent;
	struct arguments arguments = {.config_path = CONFIG_PATH};
	char error[AGENT_ERROR_MAX] = "";
	int status = parse_arguments(argc, argv, &arguments);

	if (status >= 0)
		return status;
	umask(022);
	if (config_read(arguments.config_path, &agent.config, error) != 0) {
		fprintf(stderr, "gemel-agentd: %s\n", error);
		return EXIT_FAILURE;
	}
	agent.config_path = arguments.config_path;
	status = arguments.is_to_format ? format_partitions(&agent.config, arguments.is_forced)
					: run(&agent);
	config_close(&agent.config);
	return status;
}
