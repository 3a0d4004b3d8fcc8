/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/channel.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void
channel_open(struct channel *c, int fd, bool takes_sockets)
{
	*c = (struct channel){.fd = fd, .takes_sockets = takes_sockets};
}

void
channel_close(struct channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	for (size_t i = 0; i < c->received_count; i++)
		close(c->received[i]);
	c->fd = -1;
	c->in_length = 0;
	c->socket_count = 0;
	c->received_count = 0;
	buffer_close(&c->out);
}

void
channel_put(struct channel *c, const struct frame *f)
{
	frame_encode(f, buffer_extend(&c->out, FRAME_BYTES));
}

int
channel_put_sockets(struct channel *c, const struct frame *f, const int *sockets, size_t count)
{
	if (c->socket_count)
		return -EBUSY;
	if (count > FRAME_SOCKETS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < count; i++)
		c->sockets[i] = sockets[i];
	c->socket_count = count;
	c->sockets_at = c->out.length;
	channel_put(c, f);
	return 0;
}

/* Send up to length bytes, with the sockets if they go with the first of them. */
static ssize_t
channel_send(struct channel *c, size_t length, bool with_sockets)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(c->sockets))];
	} control;
	struct iovec piece = {c->out.data, length};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

	if (with_sockets) {
		size_t bytes = c->socket_count * sizeof(int);

		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(&control.header), c->sockets, bytes);
	}
	return sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int
channel_flush(struct channel *c)
{
	while (c->out.length) {
		bool with_sockets = c->socket_count && c->sockets_at == 0;
		size_t length = c->out.length;
		ssize_t sent;

		if (c->socket_count && !with_sockets)
			length = c->sockets_at;
		sent = channel_send(c, length, with_sockets);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		buffer_consume(&c->out, (size_t)sent);
		if (with_sockets)
			c->socket_count = 0;
		else if (c->socket_count)
			c->sockets_at -= (size_t)sent;
	}
	return 0;
}

/* Keep the sockets that came along; those that nobody has room for are closed. */
static void
channel_keep_sockets(struct channel *c, struct msghdr *message)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
		size_t count;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (c->received_count < FRAME_SOCKETS_MAX)
				c->received[c->received_count++] = fd;
			else
				close(fd);
		}
	}
}

int
channel_fill(struct channel *c)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(c->sockets))];
	} control;
	struct iovec piece = {c->in + c->in_length, sizeof(c->in) - c->in_length};
	struct msghdr message = {.msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = c->takes_sockets ? &control : NULL,
	    .msg_controllen = c->takes_sockets ? sizeof(control) : 0};
	ssize_t length;

	do
		length = recvmsg(c->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	channel_keep_sockets(c, &message);
	c->in_length += (size_t)length;
	return (int)length;
}

const uint8_t *
channel_next(const struct channel *c, size_t *taken)
{
	const uint8_t *frame = c->in + *taken;

	if (c->in_length - *taken < FRAME_BYTES)
		return NULL;
	*taken += FRAME_BYTES;
	return frame;
}

void
channel_drop(struct channel *c, size_t taken)
{
	c->in_length -= taken;
	if (taken && c->in_length)
		memmove(c->in, c->in + taken, c->in_length);
}
