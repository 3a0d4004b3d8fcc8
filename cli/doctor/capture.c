/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/doctor/capture.h"

#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void
become(char *const argv[], int out)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

/* Wait until fd can be read. 0, -ETIMEDOUT or -errno. */
static int
wait_readable(int fd, uint64_t deadline_ms)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	int n;

	do {
		uint64_t now_ms = clock_boot_ms();

		n = poll(&waiting, 1, now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int
read_all(int fd, uint64_t deadline_ms, size_t max, struct buffer *out)
{
	size_t before = out->length;

	for (;;) {
		int result = wait_readable(fd, deadline_ms);
		char chunk[4096];
		ssize_t count;

		if (result)
			return result;
		count = read(fd, chunk, sizeof(chunk));
		if (count == 0)
			return 0;
		if (count < 0 && errno != EINTR)
			return -errno;
		if (count > 0)
			buffer_append(out, chunk, (size_t)count);
		if (out->length - before > max)
			return -EFBIG;
	}
}

static int
wait_end(pid_t pid, int result, uint64_t deadline_ms)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status;

	if (result == 0)
		result = fd < 0 ? -errno : wait_readable(fd, deadline_ms);
	if (fd >= 0)
		close(fd);
	if (result)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (result)
		return result;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
capture(char *const argv[], int wait_ms, size_t max, struct buffer *out)
{
	uint64_t deadline_ms = clock_boot_ms() + (uint64_t)wait_ms;
	int ends[2], result;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(argv, ends[1]);
	result = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (result == 0)
		result = read_all(ends[0], deadline_ms, max, out);
	close(ends[0]);
	return pid < 0 ? result : wait_end(pid, result, deadline_ms);
}
