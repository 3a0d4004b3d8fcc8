/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's side. What the launcher itself does is in launcher-run.c. */
#include "mailcore/process/launcher.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

pid_t
launcher_open(const struct launcher_settings *settings, int *channel_r)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		launcher_run(settings, ends[1]);
	}
	if (pid < 0) {
		pid = -errno;
		close(ends[0]);
	} else
		*channel_r = ends[0];
	close(ends[1]);
	return pid;
}

static int
launcher_request(int channel, const struct launcher_request *request, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec piece = {(void *)request, sizeof(*request)};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
	ssize_t sent;

	if (count) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	do
		sent = sendmsg(channel, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int
launcher_start(int channel, uint32_t worker, uint32_t life, int worker_channel, int memory)
{
	struct launcher_request request = {LAUNCHER_START, worker, life};

	return launcher_request(channel, &request, (int[]){worker_channel, memory}, 2);
}

int
launcher_end(int channel, uint32_t worker, uint32_t life)
{
	struct launcher_request request = {LAUNCHER_END, worker, life};

	return launcher_request(channel, &request, NULL, 0);
}

int
launcher_report(int channel, struct launcher_report *report)
{
	ssize_t length;

	do
		length = recv(channel, report, sizeof(*report), MSG_DONTWAIT);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (length == 0)
		return 0;
	return length == (ssize_t)sizeof(*report) ? 1 : -EPROTO;
}
