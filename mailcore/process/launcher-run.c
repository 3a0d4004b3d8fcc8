/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher's own process. It has no log, no memory to speak of and no
 * library but libc: what goes wrong it tells the core.
 */
#include "mailcore/process/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mailcore/process/worker.h"

struct life {
	pid_t pid; /* 0: none */
	uint32_t life;
};

struct launcher {
	const struct launcher_settings *settings;
	int channel;
	struct life lives[LAUNCHER_WORKERS_MAX];
};

static bool
has_root(void)
{
	return geteuid() == 0;
}

/* Keep only what it takes to start a worker as another user and to end it. */
static int
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	const uint32_t keep = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL;

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (cap < 32 && (keep & 1u << cap))
			continue;
		/* Without CAP_SETPCAP, as in some containers, the bounding set stays; what counts
		 * is below. */
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EPERM)
			return -errno;
	}
	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[0].effective = data[0].permitted = data[0].permitted & keep;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){0};
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* Become the user, for good. */
static int
worker_drop_user(const struct launcher_settings *s)
{
	if (s->uid != (uid_t)-1) {
		if (setgroups(0, NULL) || setresgid(s->gid, s->gid, s->gid) ||
		    setresuid(s->uid, s->uid, s->uid))
			return -errno;
		if (s->uid != 0 && (setuid(0) == 0 || geteuid() != s->uid))
			return -EPERM;
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

static int
worker_limit(const struct launcher_settings *s)
{
	struct rlimit none = {0, 0};
	struct rlimit descriptors;

	if (getrlimit(RLIMIT_NOFILE, &descriptors))
		return -errno;
	if (descriptors.rlim_max > s->descriptors)
		descriptors.rlim_max = s->descriptors;
	descriptors.rlim_cur = descriptors.rlim_max;

	/* No core file: it would hold mail. No file grows: there is none to write. */
	if (setrlimit(RLIMIT_CORE, &none) || setrlimit(RLIMIT_FSIZE, &none) ||
	    setrlimit(RLIMIT_NOFILE, &descriptors))
		return -errno;
	return 0;
}

/* The child: from a copy of the launcher to the worker's program. */
static _Noreturn void
worker_exec(const struct launcher_settings *s, pid_t launcher, int channel, int memory)
{
	char *const arguments[] = {(char *)"gemel-smtp", NULL};
	char *const environment[] = {NULL};
	sigset_t none;
	/* Out of the way of the numbers that they are to get. */
	int high_channel = fcntl(channel, F_DUPFD, LAUNCHER_MEMORY_FD + 1);
	int high_memory = fcntl(memory, F_DUPFD, LAUNCHER_MEMORY_FD + 1);

	if (dup2(high_channel, LAUNCHER_CHANNEL_FD) < 0 ||
	    dup2(high_memory, LAUNCHER_MEMORY_FD) < 0 ||
	    close_range(LAUNCHER_MEMORY_FD + 1, ~0u, 0))
		_exit(WORKER_EXIT_SETUP);
	if (worker_limit(s) || worker_drop_user(s))
		_exit(WORKER_EXIT_USER);
	/* After the change of user, which clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != launcher)
		_exit(WORKER_EXIT_CORE_GONE);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(s->worker_path, arguments, environment);
	_exit(WORKER_EXIT_EXEC);
}

static void
report(struct launcher *l, uint32_t event, uint32_t worker, uint32_t life, int32_t value)
{
	struct launcher_report r = {event, worker, life, value};
	struct pollfd writable = {l->channel, POLLOUT, 0};

	while (send(l->channel, &r, sizeof(r), MSG_NOSIGNAL) < 0)
		if (errno != EINTR && (errno != EAGAIN || poll(&writable, 1, -1) < 0))
			return;
}

static void
start(struct launcher *l, const struct launcher_request *request, const int fds[2])
{
	struct life *life = &l->lives[request->worker];
	pid_t self = getpid();
	pid_t pid = life->pid ? -1 : fork();

	if (pid == 0)
		worker_exec(l->settings, self, fds[0], fds[1]);
	if (pid < 0) {
		report(
		    l, LAUNCHER_FAILED, request->worker, request->life, life->pid ? EBUSY : errno);
		return;
	}
	*life = (struct life){pid, request->life};
	report(l, LAUNCHER_STARTED, request->worker, request->life, pid);
}

static void
obey(struct launcher *l, const struct launcher_request *request, const int *fds, size_t count)
{
	const struct life *life;

	if (request->worker >= LAUNCHER_WORKERS_MAX)
		return;
	life = &l->lives[request->worker];
	if (request->verb == LAUNCHER_START && count == 2)
		start(l, request, fds);
	else if (request->verb == LAUNCHER_END && life->pid && life->life == request->life)
		kill(life->pid, SIGKILL);
}

/* Read one request and obey it. False: the core is gone. */
static bool
serve(struct launcher *l)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct launcher_request request;
	struct iovec piece = {&request, sizeof(request)};
	struct msghdr message = {.msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	int fds[2] = {-1, -1};
	size_t count = 0;
	ssize_t length = recvmsg(l->channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *h;

	if (length < 0)
		return errno == EAGAIN || errno == EINTR;
	h = CMSG_FIRSTHDR(&message);
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
		count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(h), count * sizeof(int));
	}
	if (length == (ssize_t)sizeof(request))
		obey(l, &request, fds, count);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	return length > 0;
}

static void
reap(struct launcher *l, int signals)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(signals, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (uint32_t i = 0; i < LAUNCHER_WORKERS_MAX; i++)
			if (l->lives[i].pid == pid) {
				l->lives[i].pid = 0;
				report(l, LAUNCHER_ENDED, i, l->lives[i].life, status);
			}
}

/* Nobody is there to answer to any more. */
static _Noreturn void
end_all(struct launcher *l)
{
	for (uint32_t i = 0; i < LAUNCHER_WORKERS_MAX; i++)
		if (l->lives[i].pid)
			kill(l->lives[i].pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	_exit(0);
}

/* Only the channel and standard error stay open: above all no lock and no file of the store. */
static int
keep_only(int channel)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -1;
	channel = fcntl(channel, F_DUPFD_CLOEXEC, LAUNCHER_CHANNEL_FD + 1);
	if (channel < 0 || dup3(channel, LAUNCHER_CHANNEL_FD, O_CLOEXEC) < 0 ||
	    close_range(LAUNCHER_CHANNEL_FD + 1, ~0u, 0))
		return -1;
	return LAUNCHER_CHANNEL_FD;
}

/* Signals that are meant for the core (a terminal, a service manager's stop) must not end it first:
 * it goes when the core goes. */
static int
take_signals(void)
{
	sigset_t set;

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Without the right to it a worker has what we have, and lets connections wait beyond that. */
static void
raise_descriptors(rlim_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max = wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void
launcher_run(const struct launcher_settings *settings, int channel)
{
	struct launcher l = {.settings = settings};
	int signals;

	prctl(PR_SET_NAME, "gemel-launcher", 0, 0, 0);
	l.channel = keep_only(channel);
	signals = take_signals();
	raise_descriptors(settings->descriptors);
	if (l.channel < 0 || signals < 0 || (has_root() && drop_capabilities()))
		_exit(WORKER_EXIT_SETUP);
	report(&l, LAUNCHER_READY, 0, 0, 0);
	for (;;) {
		struct pollfd polls[2] = {{l.channel, POLLIN, 0}, {signals, POLLIN, 0}};

		if (poll(polls, 2, -1) < 0)
			continue;
		if (polls[1].revents)
			reap(&l, signals);
		if (polls[0].revents && !serve(&l))
			end_all(&l);
	}
}
