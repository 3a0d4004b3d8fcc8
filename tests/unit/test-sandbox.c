/* SPDX-License-Identifier: BSD-2-Clause */
/* Each attempt runs in a child that has entered the same sandbox as a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mailcore/process/sandbox.h"

static int pair[2];

/* How a child ends that enters the sandbox and does this. */
static int
status_of(void (*attempt)(void))
{
	struct rlimit none = {0, 0};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || sandbox_enter())
			_exit(99);
		attempt();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void
opens(void)
{
	syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void
makes_a_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void
connects(void)
{
	connect(pair[0], NULL, 0);
}

static void
executes(void)
{
	char *const none[] = {NULL};

	execve("/bin/true", none, none);
}

static void
traces(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void
signals_its_parent(void)
{
	kill(getppid(), 0);
}

static void
signals_another_thread_group(void)
{
	syscall(SYS_tgkill, 1, 1, 0);
}

static void
forks(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void
maps_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
renames(void)
{
	rename("a", "b");
}

static void
changes_its_limits(void)
{
	syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void
shuts_down_reading(void)
{
	shutdown(pair[0], SHUT_RD);
}

static void
shuts_down_both_ways(void)
{
	shutdown(pair[0], SHUT_RDWR);
}

static void
connects_by_sending(void)
{
	sendto(pair[0], "a", 1, MSG_FASTOPEN | MSG_NOSIGNAL, NULL, 0);
}

static void
connects_by_sending_a_message(void)
{
	struct msghdr message = {0};

	sendmsg(pair[0], &message, MSG_FASTOPEN | MSG_NOSIGNAL);
}

static void
what_a_worker_never_needs_ends_it(void **state)
{
	void (*const attempts[])(void) = {opens, makes_a_socket, connects, executes, traces,
	    signals_its_parent, signals_another_thread_group, forks, maps_code, renames,
	    changes_its_limits, shuts_down_reading, shuts_down_both_ways, connects_by_sending,
	    connects_by_sending_a_message};

	(void)state;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
		int status = status_of(attempts[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static void
works(void)
{
	struct timespec now;
	char text[4];
	struct iovec part = {text, sizeof(text)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	void *memory = malloc(1 << 20);

	if (!memory || send(pair[0], "abc", 4, 0) != 4 || recv(pair[1], text, 4, 0) != 4 ||
	    sendmsg(pair[0], &message, MSG_NOSIGNAL) != 4 || recv(pair[1], text, 4, 0) != 4 ||
	    write(pair[0], "abc", 4) != 4 || read(pair[1], text, 4) != 4 ||
	    clock_gettime(CLOCK_MONOTONIC, &now) || shutdown(pair[0], SHUT_WR) || close(pair[0]))
		_exit(1);
	free(memory);
}

static void
what_a_worker_does_all_day_goes_on(void **state)
{
	(void)state;
	assert_int_equal(status_of(works), 0);
}

static void
aborts(void)
{
	abort();
}

static void
an_abort_is_seen_as_one(void **state)
{
	int status = status_of(aborts);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_worker_never_needs_ends_it),
	    cmocka_unit_test(what_a_worker_does_all_day_goes_on),
	    cmocka_unit_test(an_abort_is_seen_as_one),
	};

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
