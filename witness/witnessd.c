/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gemel-witnessd -- keeps the registers of pairs on a third machine.
 *
 * One thread, one loop. What is asked is answered when the disk has it, so a slow disk makes
 * all of them wait; they are few.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/config.h"
#include "common/h2.h"
#include "common/log.h"
#include "witness/door.h"

#define TICK_MS 200

struct witnessd {
	struct config config;
	struct tls_context *tls;
	struct door *door;
	struct keeper *keeper;
	qb_loop_t *loop;
	int status;
};

static void
print_help(void)
{
	printf("usage: gemel-witnessd [--config FILE]\n\n"
	       "Keeps the registers that say which node of a pair has the current mail, on a\n"
	       "machine that is neither of them. It runs in the foreground.\n\n"
	       "  --config FILE     configuration (%s), section \"witness\"\n"
	       "  --help, --version\n\n"
	       "See gemel-witnessd(8), gemel.conf(5).\n",
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
			printf("gemel-witnessd %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			return 2;
		}
	if (optind == argc)
		return -1;
	fprintf(stderr, "gemel-witnessd: \"%s\" is no option; gemel-witnessd --help lists them\n",
	    argv[optind]);
	return 2;
}

/* -- as root -- */

/* Who it will be. Not started as root it stays what it is. */
static int
find_user(const struct config *config, const struct passwd **user_r, char *error)
{
	*user_r = NULL;
	if (geteuid() != 0)
		return 0;
	*user_r = getpwnam(config->user);
	if (*user_r)
		return 0;
	snprintf(error, CONFIG_ERROR_MAX,
	    "user \"%.64s\" does not exist; create it as a system user or name another in "
	    "gemel.conf",
	    config->user);
	return -ENOENT;
}

/* A directory of the user, with the one above it. */
static int
make_directory(const char *path, const struct passwd *user, char *error)
{
	char above[4096];

	snprintf(above, sizeof(above), "%s", path);
	mkdir(dirname(above), 0755);
	if (mkdir(path, 0750) == 0) {
		if (!user || chown(path, user->pw_uid, user->pw_gid) == 0)
			return 0;
	} else if (errno == EEXIST) {
		return 0;
	}
	snprintf(error, CONFIG_ERROR_MAX, "%.256s cannot be made: %m", path);
	return -1;
}

static int
open_log(const struct config *config, const struct passwd *user, char *error)
{
	const char *file = config->witness_log_file;
	char folder[4096];
	int result;

	if (!*file) {
		log_open("gemel-witnessd", NULL, isatty(STDERR_FILENO), false);
		return 0;
	}
	snprintf(folder, sizeof(folder), "%s", file);
	if (make_directory(dirname(folder), user, error) != 0)
		return -1;
	result = log_open("gemel-witnessd", file, isatty(STDERR_FILENO), false);
	if (result) {
		snprintf(error, CONFIG_ERROR_MAX,
		    "log %.256s: %s; make its directory or set log_file of section \"witness\"",
		    file, strerror(-result));
		return result;
	}
	/* It is opened again, after a rotation, when root's rights are gone. */
	if (user && chown(file, user->pw_uid, user->pw_gid) != 0)
		log_warning("log: %s cannot be given to user %s: %m", file, user->pw_name);
	return 0;
}

static int
become(const struct passwd *user, char *error)
{
	if (!user)
		return 0;
	if (initgroups(user->pw_name, user->pw_gid) == 0 &&
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return 0;
	snprintf(error, CONFIG_ERROR_MAX, "cannot become user \"%.64s\": %m", user->pw_name);
	return -1;
}

/* -- as its user -- */

/* Two keepers of one directory would each trust what it wrote itself. Held until the end. */
static int
lock_directory(const char *directory, char *error)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		snprintf(error, CONFIG_ERROR_MAX, "directory %.256s: %m", directory);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	snprintf(error, CONFIG_ERROR_MAX,
	    "directory %.256s is another gemel-witnessd's; stop that one first", directory);
	close(fd);
	return -1;
}

static int
open_keeper(struct witnessd *w, char *error)
{
	const char *directory = w->config.witness_directory;
	int result;

	if (lock_directory(directory, error) != 0)
		return -1;
	result = access(directory, W_OK) == 0 ? keeper_open(directory, &w->keeper) : -errno;
	if (result)
		snprintf(error, CONFIG_ERROR_MAX, "directory %.256s: %s; it must be %.64s's",
		    directory, strerror(-result), w->config.user);
	return result;
}

static void
on_tick(void *data)
{
	struct witnessd *w = data;
	qb_loop_timer_handle handle;

	door_tick(w->door, clock_boot_ms());
	if (keeper_has_failed(w->keeper)) {
		log_error("witness: the disk of %s failed, and what it holds is not known; ending, "
			  "to read it anew",
		    w->config.witness_directory);
		w->status = EXIT_FAILURE;
		qb_loop_stop(w->loop);
		return;
	}
	qb_loop_timer_add(w->loop, QB_LOOP_HIGH, TICK_MS * 1000000ull, w, on_tick, &handle);
}

static int32_t
on_terminate(int32_t signal_number, void *data)
{
	struct witnessd *w = data;

	log_notice("witness: signal %d: ending", signal_number);
	qb_loop_stop(w->loop);
	return 0;
}

static int32_t
on_hangup(int32_t signal_number, void *data)
{
	struct witnessd *w = data;
	const char *file = w->config.witness_log_file;
	char error[TLS_ERROR_MAX];
	int result = *file ? log_reopen(file) : 0;

	(void)signal_number;
	if (result)
		log_error("log: %s cannot be opened again: %s", file, strerror(-result));
	if (tls_context_reload(w->tls, error) == 0)
		log_notice("witness: certificates were read again");
	else
		log_error("witness: %s; those that were read before stay", error);
	return 0;
}

static void
open_loop(struct witnessd *w)
{
	qb_loop_signal_handle handle;

	w->loop = qb_loop_create();
	if (!w->loop)
		abort();
	signal(SIGPIPE, SIG_IGN);
	qb_loop_signal_add(w->loop, QB_LOOP_HIGH, SIGTERM, w, on_terminate, &handle);
	qb_loop_signal_add(w->loop, QB_LOOP_HIGH, SIGINT, w, on_terminate, &handle);
	qb_loop_signal_add(w->loop, QB_LOOP_HIGH, SIGHUP, w, on_hangup, &handle);
	door_serve(w->door, w->loop, w->keeper);
}

static int
open_all(struct witnessd *w, const char *config_path, char *error)
{
	const struct config *config = &w->config;
	const struct passwd *user;
	int result = config_read(config_path, &w->config, error);

	if (result == 0)
		result = find_user(config, &user, error);
	if (result == 0)
		result = tls_context_open(&(struct tls_files){config->witness_certificate,
					      config->witness_key, config->witness_ca},
		    TLS_SERVER, H2_ALPN, &w->tls, error);
	if (result == 0)
		result = door_open(&config->witness_listen, w->tls, &w->door, error);
	if (result == 0)
		result = make_directory(config->witness_directory, user, error);
	if (result == 0)
		result = open_log(config, user, error);
	if (result == 0)
		result = become(user, error);
	if (result == 0)
		result = open_keeper(w, error);
	if (result == 0)
		open_loop(w);
	return result;
}

int
main(int argc, char **argv)
{
	static struct witnessd w = {.status = EXIT_SUCCESS};
	const char *config_path = CONFIG_PATH;
	char error[CONFIG_ERROR_MAX] = "";
	int status = parse_arguments(argc, argv, &config_path);

	if (status >= 0)
		return status;
	umask(027);
	if (open_all(&w, config_path, error) != 0) {
		fprintf(stderr, "gemel-witnessd: %s\n", error);
		w.status = EXIT_FAILURE;
	} else {
		log_notice("witness: started, version %s", PACKAGE_VERSION);
		on_tick(&w);
		qb_loop_run(w.loop);
		log_notice("witness: ended");
	}
	door_close(&w.door);
	keeper_close(&w.keeper);
	if (w.loop)
		qb_loop_destroy(w.loop);
	tls_context_close(&w.tls);
	log_close();
	config_close(&w.config);
	return w.status;
}
