/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/child.h"

#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int
left_ms(uint64_t deadline_ms)
{
	uint64_t now_ms = clock_boot_ms();

	if (now_ms >= deadline_ms)
		return 0;
	return deadline_ms - now_ms > INT_MAX ? INT_MAX : (int)(deadline_ms - now_ms);
}

/* Wait until fd can be read. 0, -ETIMEDOUT or -errno. */
static int
wait_readable(int fd, uint64_t deadline_ms)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&waiting, 1, left_ms(deadline_ms));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static void
leave_descriptors(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2; fd++) {
		if (null >= 0)
			dup2(null, fd);
		else
			close(fd);
	}
}

static _Noreturn void
work_and_report(child_work work, void *argument, int out)
{
	struct child_report report = {0};

	leave_descriptors();
	report.status = work(argument, report.text);
	if (write(out, &report, sizeof(report)) != (ssize_t)sizeof(report))
		_exit(1);
	_exit(0);
}

int
child_run(child_work work, void *argument, uint64_t deadline_ms, struct child_report *report_r)
{
	int ends[2], result;
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		work_and_report(work, argument, ends[1]);
	result = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (result == 0)
		result = wait_readable(ends[0], deadline_ms);
	if (result == 0) {
		/* One write of less than PIPE_BUF arrives whole or not at all. */
		n = read(ends[0], report_r, sizeof(*report_r));
		if (n != (ssize_t)sizeof(*report_r))
			result = -ECHILD;
	}
	close(ends[0]);
	if (pid > 0) {
		if (result != 0)
			kill(pid, SIGKILL);
		waitpid(pid, NULL, result == -ETIMEDOUT ? WNOHANG : 0);
	}
	return result;
}

pid_t
child_spawn(char *const argv[])
{
	pid_t pid = fork();

	if (pid == 0) {
		leave_descriptors();
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid < 0 ? -errno : pid;
}

int
child_wait(pid_t pid, uint64_t deadline_ms)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int result, status;

	if (fd < 0)
		return -errno;
	result = wait_readable(fd, deadline_ms);
	close(fd);
	if (result != 0)
		kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	if (result != 0)
		return result;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
