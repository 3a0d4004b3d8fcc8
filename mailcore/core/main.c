/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/core/core.h"

#include "common/clock.h"
#include "common/listener.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors that the core needs beside those of messages on their way, generously. */
#define DESCRIPTORS_OWN 512

/* Beyond this many workers the core is what mail waits for. */
#define WORKERS_CHOSEN_MAX 8

/* The last line on standard error is what the resource agent shows as the reason. */
static int
die(const char *sentence)
{
	fprintf(stderr, "mailcored: %s\n", sentence);
	return EXIT_FAILURE;
}

static void
print_help(void)
{
	printf("usage: mailcored [--config FILE]\n\n"
	       "The mail core of one node. It runs in the foreground and waits to be promoted;\n"
	       "Pacemaker starts and promotes it through the agent ocf:gemel:mailcore.\n\n"
	       "  --config FILE     configuration (%s)\n"
	       "  --help, --version\n\n"
	       "See mailcored(8), gemel.conf(5), gemel(1).\n",
	    CONFIG_PATH);
}

/* Returns -1 to go on, or the exit status. */
static int
parse_arguments(int argc, char **argv, const char **config_path)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1)
		switch (option) {
		case 'c':
			*config_path = optarg;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			printf("mailcored %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			return 2;
		}
	if (optind == argc)
		return -1;
	fprintf(
	    stderr, "mailcored: \"%s\" is no option; mailcored --help lists them\n", argv[optind]);
	return 2;
}

/* Take the lock that says that this core lives. It is held until the process ends. */
static int
lock_pid_file(const char *directory, char error[CORE_ERROR_MAX])
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/mailcored.pid", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		snprintf(error, CORE_ERROR_MAX,
		    "%.128s: %m; start as root, or name another run_directory", path);
		return -1;
	}
	if (fcntl(fd, F_SETLK, &lock) != 0) {
		fcntl(fd, F_GETLK, &lock);
		snprintf(error, CORE_ERROR_MAX,
		    "%.96s is locked: a mailcored runs on this node already (pid %ld); stop that "
		    "one first",
		    path, (long)lock.l_pid);
		close(fd);
		return -1;
	}
	if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		snprintf(error, CORE_ERROR_MAX, "%.160s: %m", path);
		return -1;
	}
	return 0;
}

/* Make the directory that path lies in, for user, if it is not there. */
static void
make_parent(const char *path, const char *user)
{
	char copy[4096];
	struct passwd *owner = getpwnam(user);

	snprintf(copy, sizeof(copy), "%s", path);
	dirname(copy);
	if (mkdir(copy, 0755) == 0 && geteuid() == 0 && owner &&
	    chown(copy, owner->pw_uid, owner->pw_gid) != 0)
		fprintf(stderr, "mailcored: %s stays root's: %m\n", copy);
}

static int
open_log(struct core *core, char error[CORE_ERROR_MAX])
{
	const char *file = core->config.log_file;
	const struct passwd *owner;
	int result;

	if (!*file) {
		log_open("mailcored", NULL, isatty(STDERR_FILENO), false);
		return 0;
	}
	make_parent(file, core->config.user);
	result = log_open("mailcored", file, isatty(STDERR_FILENO), false);
	if (result) {
		snprintf(error, CORE_ERROR_MAX, "log %s: %s; make its directory or set log_file",
		    file, strerror(-result));
		return result;
	}
	/* It is opened again, after a rotation, when root's rights are gone. */
	owner = getpwnam(core->config.user);
	if (geteuid() == 0 && owner && chown(file, owner->pw_uid, owner->pw_gid) != 0)
		log_warning("log: %s cannot be given to user %s: %m", file, core->config.user);
	return 0;
}

static int
prepare_names(struct core *core, char error[CORE_ERROR_MAX])
{
	const char *domain = core->config.domain;
	const struct config_list *listen = &core->config.listen;

	for (size_t i = 0; i <= strlen(domain); i++)
		core->domain[i] =
		    (char)(domain[i] >= 'A' && domain[i] <= 'Z' ? domain[i] + 32 : domain[i]);
	core->domains[0] = core->domain;
	if (core->config.postmaster[0] &&
	    !address_canonical(slice_of(core->config.postmaster), core->postmaster)) {
		snprintf(error, CORE_ERROR_MAX,
		    "postmaster \"%.64s\" is no address; write name@%.64s", core->config.postmaster,
		    core->domain);
		return -EINVAL;
	}
	for (size_t i = 0; i < listen->count; i++) {
		struct sockaddr_storage address;
		socklen_t length;

		if (listener_parse(listen->items[i], &address, &length) == 0)
			continue;
		snprintf(error, CORE_ERROR_MAX,
		    "listen \"%.80s\" is no address and port; write \"*:25\", "
		    "\"192.0.2.10:25\" or \"[2001:db8::10]:25\"",
		    listen->items[i]);
		return -EINVAL;
	}
	return 0;
}

/* The core's loop and its delivery need a processor; more workers than the others only take turns
 * with them. */
static void
choose_workers(struct config *config)
{
	long others = sysconf(_SC_NPROCESSORS_ONLN) - 1;

	if (config->workers != 0)
		return;
	config->workers = 1;
	while (config->workers < WORKERS_CHOSEN_MAX && (long)config->workers < others)
		config->workers++;
}

static int
open_pool(struct core *core, char error[CORE_ERROR_MAX])
{
	const struct config *config = &core->config;
	const struct pool_events events = core_pool_events(core);
	struct pool_settings settings = {
	    .workers = (uint32_t)config->workers,
	    .worker_path = HELPER_DIR "/gemel-smtp",
	    .worker_user = config->smtp_user,
	    .smtp = &core->smtp,
	};

	core->smtp = (struct smtp_settings){
	    .message_max_bytes = config->message_max_mib * 1024 * 1024,
	    .recipients_max = (uint32_t)config->recipients_max,
	    .received_max = (uint32_t)config->received_max,
	    .errors_max = (uint32_t)config->errors_max,
	    .inline_max_bytes = (uint32_t)config->inline_max_kib * 1024,
	    .command_timeout_ms = (uint32_t)config->command_timeout_s * 1000,
	    .data_timeout_ms = (uint32_t)config->data_timeout_s * 1000,
	    .sessions_max = (uint32_t)config->sessions_max,
	};
	snprintf(core->smtp.hostname, sizeof(core->smtp.hostname), "%s", config->hostname);
	return pool_open(&settings, &events, &core->pool, error);
}

static void
on_tick(void *data)
{
	struct core *core = data;
	qb_loop_timer_handle handle;

	core_tick(core, clock_boot_ms());
	qb_loop_timer_add(
	    core->loop, QB_LOOP_HIGH, PROGRESS_TICK_MS * 1000000ull, core, on_tick, &handle);
}

static int32_t
on_terminate(int32_t signal_number, void *data)
{
	struct core *core = data;

	log_notice("core: signal %d: ending", signal_number);
	core->is_ending = true;
	core_end_drain(core, "The core ends; the drain has ended.");
	core_demote(core);
	return 0;
}

static int32_t
on_hangup(int32_t signal_number, void *data)
{
	struct core *core = data;
	const char *file = core->config.log_file;
	int result = *file ? log_reopen(file) : 0;

	(void)signal_number;
	if (result)
		log_error("log: %s cannot be opened again: %s", file, strerror(-result));
	return 0;
}

static int
open_loop(struct core *core, char error[CORE_ERROR_MAX])
{
	qb_loop_signal_handle handle;
	int result;

	core->loop = qb_loop_create();
	if (!core->loop)
		abort();
	signal(SIGPIPE, SIG_IGN);
	qb_loop_signal_add(core->loop, QB_LOOP_HIGH, SIGTERM, core, on_terminate, &handle);
	qb_loop_signal_add(core->loop, QB_LOOP_HIGH, SIGINT, core, on_terminate, &handle);
	qb_loop_signal_add(core->loop, QB_LOOP_HIGH, SIGHUP, core, on_hangup, &handle);
	result = control_server_open(CONTROL_CORE, core_verbs, core, core->loop, &core->server);
	if (result) {
		snprintf(error, CORE_ERROR_MAX,
		    "control socket %s: %s; is another mailcored running?", CONTROL_CORE,
		    strerror(-result));
		return result;
	}
	result = pool_start(core->pool, core->loop);
	if (result)
		snprintf(error, CORE_ERROR_MAX, "workers cannot be started: %s", strerror(-result));
	return result;
}

/* Each large message that is on its way has a descriptor of the core, and strangers decide how many
 * there are: take what the sessions may need if we get it, and leave half to everything else. */
static void
raise_descriptors(struct core *core)
{
	const rlim_t wanted =
	    2 * core->config.workers * core->config.sessions_max + DESCRIPTORS_OWN;
	struct rlimit limit = {0};

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < wanted) {
		struct rlimit more = {wanted, wanted};

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			limit = more;
	}
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	core->stages_max = limit.rlim_cur / 2;
}

static int
open_core(struct core *core, const char *config_path, char *error)
{
	const struct config *config = &core->config;
	char path[4096];
	int result = config_read(config_path, &core->config, error);

	if (result == 0)
		result = prepare_names(core, error);
	if (result)
		return result;
	choose_workers(&core->config);
	raise_descriptors(core);
	snprintf(path, sizeof(path), "%s/progress", config->run_directory);
	make_parent(path, config->user);
	result = lock_pid_file(config->run_directory, error);
	if (result == 0)
		result = open_pool(core, error);
	if (result == 0)
		result = open_log(core, error);
	if (result)
		return result;
	result = progress_create(path, &core->progress);
	if (result) {
		snprintf(error, CORE_ERROR_MAX, "%.160s: %s", path, strerror(-result));
		return result;
	}
	snprintf(path, sizeof(path), "%s/lease", config->run_directory);
	/* Still root here, as gemel-agentd is. */
	if (!config->standalone)
		core->lease = lease_map(path, geteuid());
	result = privilege_drop(config->user, config->mail_user, &core->owner, error);
	if (result)
		return result;
	result = log_start_records();
	if (result) {
		snprintf(error, CORE_ERROR_MAX, "no thread for the log: %s", strerror(-result));
		return result;
	}
	return open_loop(core, error);
}

int
main(int argc, char **argv)
{
	static struct core core;
	const char *config_path = CONFIG_PATH;
	char error[CONFIG_ERROR_MAX] = "";
	int status = parse_arguments(argc, argv, &config_path);

	if (status >= 0)
		return status;
	umask(027);
	if (open_core(&core, config_path, error) != 0) {
		status = die(error);
	} else {
		log_notice("core: started, version %s, region host %s", PACKAGE_VERSION,
		    core.config.hostname);
		core.progress->role = CORE_STANDBY;
		on_tick(&core);
		qb_loop_run(core.loop);
		log_notice("core: ended");
		core.progress->role = CORE_ENDED;
		status = EXIT_SUCCESS;
	}
	control_server_close(&core.server);
	if (core.pool)
		pool_close(&core.pool);
	if (core.loop)
		qb_loop_destroy(core.loop);
	lease_reader_close(&core.lease);
	if (status == EXIT_SUCCESS)
		core.progress->role = CORE_ENDED;
	log_close();
	config_close(&core.config);
	return status;
}
