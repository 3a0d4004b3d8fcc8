/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* A killed program is gone in less; else it is in the kernel's hands. */
#define KILL_WAIT_MS 20

struct command {
	qb_loop_t *loop;
	pid_t pid;
	int pidfd, output;
	bool has_output; /* the pipe is open */
	bool has_ended;
	int status;
	qb_loop_timer_handle timer;
	command_done done;
	void *context;
	size_t length;
	uint8_t text[COMMAND_OUTPUT_MAX];
};

static void
close_output(struct command *command)
{
	if (!command->has_output)
		return;
	qb_loop_poll_del(command->loop, command->output);
	close(command->output);
	command->has_output = false;
}

/* Reap it, when its pidfd has said that it has ended. */
static int
reap(struct command *command)
{
	siginfo_t info = {0};

	while (waitid(P_PIDFD, (id_t)command->pidfd, &info, WEXITED) != 0)
		if (errno != EINTR)
			return -errno;
	return info.si_code == CLD_EXITED ? info.si_status : -EINTR;
}

static void
command_free(struct command *command)
{
	close_output(command);
	qb_loop_poll_del(command->loop, command->pidfd);
	qb_loop_timer_del(command->loop, command->timer);
	close(command->pidfd);
	free(command);
}

/* End it. A program that waits for a device in the kernel outlives this. */
static void
kill_now(struct command *command)
{
	struct pollfd end = {.fd = command->pidfd, .events = POLLIN};

	if (command->has_ended)
		return;
	syscall(SYS_pidfd_send_signal, command->pidfd, SIGKILL, NULL, 0);
	if (poll(&end, 1, KILL_WAIT_MS) != 1)
		return;
	reap(command);
	command->has_ended = true;
}

/* Nobody waits for it any more. One that has not ended is reaped when it does. */
static void
let_go(struct command *command)
{
	if (command->has_ended) {
		command_free(command);
		return;
	}
	close_output(command);
	qb_loop_timer_del(command->loop, command->timer);
	command->done = NULL;
}

static void
finish(struct command *command)
{
	command->done(
	    command->context, command->status, slice_from(command->text, command->length));
	let_go(command);
}

static void
end_with(struct command *command, int status)
{
	kill_now(command);
	command->status = status;
	finish(command);
}

/* False: it has said all, or too much (*is_over_r). */
static bool
take_output(struct command *command, bool *is_over_r)
{
	for (;;) {
		size_t room = sizeof(command->text) - command->length;
		ssize_t n = room ? read(command->output, command->text + command->length, room) : 0;

		*is_over_r = room == 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		command->length += (size_t)n;
	}
}

static int32_t
on_output(int32_t fd, int32_t events, void *data)
{
	struct command *command = data;
	bool is_over = false;

	(void)fd;
	(void)events;
	if (take_output(command, &is_over))
		return 0;
	if (is_over) {
		end_with(command, -EOVERFLOW);
		return 0;
	}
	close_output(command);
	if (command->has_ended)
		finish(command);
	return 0;
}

static int32_t
on_end(int32_t fd, int32_t events, void *data)
{
	struct command *command = data;
	bool is_over = false;

	(void)events;
	command->status = reap(command);
	command->has_ended = true;
	if (!command->done) {
		command_free(command);
		return 0;
	}
	qb_loop_poll_del(command->loop, fd);
	/* What it wrote is in the pipe. A child that it left behind may hold that open: not waited
	 * for. */
	if (command->has_output)
		take_output(command, &is_over);
	if (is_over)
		command->status = -EOVERFLOW;
	finish(command);
	return 0;
}

static void
on_late(void *data)
{
	end_with(data, -ETIMEDOUT);
}

static int
spawn(struct command *command, char *const argv[], int output)
{
	const struct sched_param ordinary = {0};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &all);
	posix_spawnattr_setschedpolicy(&how, SCHED_OTHER);
	posix_spawnattr_setschedparam(&how, &ordinary);
	posix_spawnattr_setflags(
	    &how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSCHEDULER);
	error = posix_spawnp(&command->pid, argv[0], &files, &how, argv, environ);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return -error;
}

static int
watch(struct command *command, uint32_t timeout_ms)
{
	int error;

	command->pidfd = (int)syscall(SYS_pidfd_open, command->pid, 0);
	if (command->pidfd < 0)
		return -errno;
	error =
	    qb_loop_poll_add(command->loop, QB_LOOP_HIGH, command->pidfd, POLLIN, command, on_end);
	if (error)
		return error;
	error = qb_loop_poll_add(
	    command->loop, QB_LOOP_HIGH, command->output, POLLIN, command, on_output);
	if (error)
		return error;
	command->has_output = true;
	return qb_loop_timer_add(command->loop, QB_LOOP_HIGH, timeout_ms * 1000000ull, command,
	    on_late, &command->timer);
}

int
command_start(qb_loop_t *loop, char *const argv[], uint32_t timeout_ms, command_done done,
    void *context, struct command **command_r)
{
	struct command *command = calloc(1, sizeof(*command));
	int ends[2], error;

	if (!command)
		abort();
	*command = (struct command){
	    .loop = loop, .pidfd = -1, .output = -1, .done = done, .context = context};
	if (pipe2(ends, O_CLOEXEC) != 0) {
		error = -errno;
		free(command);
		return error;
	}
	command->output = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	error = spawn(command, argv, ends[1]);
	close(ends[1]);
	if (error) {
		close(ends[0]);
		free(command);
		return error;
	}
	error = watch(command, timeout_ms);
	if (error) {
		kill(command->pid, SIGKILL);
		while (waitpid(command->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		if (!command->has_output)
			close(command->output);
		command_free(command);
		return error;
	}
	*command_r = command;
	return 0;
}

void
command_drop(struct command **command)
{
	if (!*command)
		return;
	kill_now(*command);
	let_go(*command);
	*command = NULL;
}
