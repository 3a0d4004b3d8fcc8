/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/core-process.h"

#include "common/clock.h"
#include "common/control.h"
#include "ocf/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between two looks at a file that is mapped, and so gives no event. */
#define STEP_MS 5

/* As much of what the core writes to standard error while it starts as is kept. */
#define WORDS_MAX 16384

struct core
core_of(const struct ocf_context *ctx)
{
	struct core core = {
	    .binary = ocf_string(ctx, "binary"),
	    .config = ocf_string(ctx, "config"),
	    .pid_path = ocf_string(ctx, "pidfile"),
	    .progress_path = ocf_string(ctx, "progress"),
	};

	ocf_state_path(ctx, "session", core.record, sizeof(core.record));
	return core;
}

void
core_look(const struct core *core, struct core_view *view)
{
	pid_t pid = progress_core_pid(core->pid_path);
	enum core_life life = CORE_LIFE_NONE;
	struct process_sight sight;
	struct process recorded = {0};

	*view = (struct core_view){0};
	if (pid > 0 && process_look(pid, &sight) == 0 && !sight.is_gone) {
		view->leader = sight.life;
		life = sight.is_stopped ? CORE_LIFE_STOPPED : CORE_LIFE_RUNS;
	} else if (process_load(core->record, &recorded) == 0) {
		view->leader = recorded;
		if (process_signal_session(&recorded, 0) > 0)
			life = CORE_LIFE_LEFTOVERS;
	}
	view->has_progress = progress_read(core->progress_path, &view->progress) == 0;
	view->state =
	    core_state_of(life, view->has_progress ? &view->progress : NULL, clock_boot_ms());
}

/* The environment without what was meant for the agent. */
static char **
clean_environment(void)
{
	static const char *const ours[] = {"OCF_", "HA_", "PCMK_"};
	size_t count = 0, kept = 0;
	char **clean;

	while (environ[count])
		count++;
	clean = calloc(count + 1, sizeof(*clean));
	if (!clean)
		abort();
	for (size_t i = 0; i < count; i++) {
		bool is_ours = false;

		for (size_t j = 0; j < sizeof(ours) / sizeof(ours[0]); j++)
			is_ours = is_ours || strncmp(environ[i], ours[j], strlen(ours[j])) == 0;
		if (!is_ours)
			clean[kept++] = environ[i];
	}
	return clean;
}

/* In the child. Until setsid() Pacemaker's SIGKILL reaches it; after, the record does. */
static _Noreturn void
become_core(const struct core *core, int words)
{
	char *argv[] = {(char *)core->binary, "--config", (char *)core->config, NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct process self;
	sigset_t none;
	int error;

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(words, STDERR_FILENO);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	error = process_identify(getpid(), &self);
	if (!error)
		error = process_save(core->record, &self);
	if (error) {
		dprintf(STDERR_FILENO, "cannot write %s: %s\n", core->record, strerror(-error));
		_exit(1);
	}
	setsid();
	if (chdir("/") == 0)
		execve(core->binary, argv, clean_environment());
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", core->binary, strerror(errno));
	_exit(127);
}

/* A file in memory that cannot grow: what the core writes there first can be read, what it
 * writes later is refused, and no end of a pipe is missing when the agent has gone. */
static int
open_words(void)
{
	int fd = memfd_create("words", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, WORDS_MAX) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* The last line in words; "" if there is none. */
static void
last_words(int words, char *line, size_t room)
{
	char text[WORDS_MAX + 1] = "";
	ssize_t n = pread(words, text, WORDS_MAX, 0);
	char *end, *start;

	text[n > 0 ? n : 0] = '\0';
	end = text + strlen(text);
	while (end > text && end[-1] == '\n')
		*--end = '\0';
	start = strrchr(text, '\n');
	snprintf(line, room, "%s", start ? start + 1 : text);
}

static int
wait_standby(const struct ocf_context *ctx, const struct core *core, pid_t child, int words,
    char *why, size_t room)
{
	for (;;) {
		struct core_view view;
		int status;
		bool is_dead = waitpid(child, &status, WNOHANG) != 0;

		core_look(core, &view);
		if (view.state == CORE_STATE_GAVE_UP) {
			snprintf(why, room, "mailcored gave up: %s", view.progress.reason);
			return -ECANCELED;
		}
		if (view.leader.pid > 0 && view.has_progress &&
		    view.progress.role == CORE_STANDBY && view.state == CORE_STATE_IDLE)
			return 0;
		/* Another core may hold the lock; then ours has gone, and that one is waited for.
		 */
		if (is_dead &&
		    (view.state == CORE_STATE_ABSENT || view.state == CORE_STATE_LEFTOVER)) {
			last_words(words, why, room);
			if (!*why)
				snprintf(why, room,
				    "%s ended at once and said nothing; run it by hand",
				    core->binary);
			return -ECHILD;
		}
		if (ocf_left_ms(ctx) == 0) {
			snprintf(why, room, "mailcored is not ready in time; see its log");
			return -ETIMEDOUT;
		}
		poll(NULL, 0, STEP_MS);
	}
}

int
core_start(struct ocf_context *ctx, const struct core *core, char *why, size_t room)
{
	int words, error;
	pid_t child;

	/* What a dead core wrote there says nothing of the new one. */
	if (unlink(core->progress_path) != 0 && errno != ENOENT) {
		error = -errno;
		snprintf(why, room, "cannot remove %s: %s", core->progress_path, strerror(-error));
		return error;
	}
	words = open_words();
	child = words < 0 ? (pid_t)words : fork();
	if (child == 0)
		become_core(core, words);
	if (child < 0) {
		error = words < 0 ? words : -errno;
		snprintf(why, room, "cannot start %s: %s", core->binary, strerror(-error));
	} else {
		error = wait_standby(ctx, core, child, words, why, room);
	}
	if (words >= 0)
		close(words);
	return error;
}

struct question {
	const char *verb;
	uint64_t deadline_ms;
};

/* In a child: libqb waits for ever for a listener that does not accept. */
static int
ask(void *argument, char *text)
{
	const struct question *question = argument;
	uint64_t now_ms = clock_boot_ms();
	json_t *request = json_pack("{s:s}", "verb", question->verb);
	json_t *reply = NULL;
	const char *error;
	int result;

	if (now_ms >= question->deadline_ms)
		return -ETIMEDOUT;
	result = control_call(CONTROL_CORE, request, (int)(question->deadline_ms - now_ms), &reply);
	if (result == 0 && !json_is_true(json_object_get(reply, "ok"))) {
		error = json_string_value(json_object_get(reply, "error"));
		snprintf(text, CHILD_TEXT_MAX, "%s",
		    error ? error : "mailcored refused and said not why");
		result = -EREMOTEIO;
	}
	json_decref(request);
	json_decref(reply);
	return result;
}

int
core_ask(const char *verb, uint64_t deadline_ms, char *why, size_t room)
{
	struct question question = {verb, deadline_ms};
	struct child_report report = {0};
	int error = child_run(ask, &question, deadline_ms, &report);

	if (error == 0)
		error = report.status;
	if (error == -ETIMEDOUT)
		snprintf(why, room, "mailcored does not answer \"%s\" in time", verb);
	else if (error == -EREMOTEIO)
		snprintf(why, room, "%s", report.text);
	else if (error == -ECONNRESET)
		snprintf(why, room, "mailcored died while it was asked \"%s\"; see its log", verb);
	else if (error)
		snprintf(why, room, "mailcored cannot be asked \"%s\": %s", verb, strerror(-error));
	return error;
}

int
core_end(const struct core *core, const struct core_view *view, uint64_t gently_until_ms,
    uint64_t deadline_ms)
{
	struct process recorded;
	int error = 0;

	if (view->leader.pid > 0 && process_is_alive(&view->leader)) {
		if (gently_until_ms > clock_boot_ms()) {
			kill(view->leader.pid, SIGTERM);
			process_wait(&view->leader, gently_until_ms);
		}
		/* A core that somebody started by hand need not lead its session. */
		if (process_is_alive(&view->leader))
			kill(view->leader.pid, SIGKILL);
		error = process_wait(&view->leader, deadline_ms);
	}
	if (!error && view->leader.pid > 0)
		error = process_end_session(&view->leader, deadline_ms);
	if (!error && process_load(core->record, &recorded) == 0)
		error = process_end_session(&recorded, deadline_ms);
	if (!error)
		unlink(core->record);
	return error;
}
