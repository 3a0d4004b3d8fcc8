/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 16384
/* One connection must not keep the loop from the others. */
#define READS_MAX 8

struct pipe {
	uint8_t bytes[CHUNK];
	size_t begin, end;
};

struct wire {
	int fd;
	struct tls *tls;
	struct h2 *h2;
	struct pipe from_socket, to_tls, to_socket;
	bool wants_write;
};

struct wire *
wire_open(int fd, struct tls *tls, struct h2 *h2)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	if (!wire)
		abort();
	wire->fd = fd;
	wire->tls = tls;
	wire->h2 = h2;
	return wire;
}

static struct slice
pipe_slice(const struct pipe *pipe)
{
	return slice_from(pipe->bytes + pipe->begin, pipe->end - pipe->begin);
}

static bool
pipe_is_empty(const struct pipe *pipe)
{
	return pipe->begin == pipe->end;
}

static void
pipe_fill(struct pipe *pipe, size_t count)
{
	pipe->begin = 0;
	pipe->end = count;
}

/* Returns 1 if something was read, 0 if there is nothing now, or -errno. */
static int
read_socket(struct wire *wire)
{
	ssize_t count;

	do
		count = recv(wire->fd, wire->from_socket.bytes, CHUNK, 0);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (count == 0)
		return -ECONNRESET;
	pipe_fill(&wire->from_socket, (size_t)count);
	return 1;
}

static int
read_plain(struct wire *wire, uint64_t now_ms)
{
	uint8_t plain[CHUNK];
	size_t count;

	while ((count = tls_take_plain(wire->tls, plain, sizeof(plain))) > 0) {
		int result = h2_feed(wire->h2, slice_from(plain, count), now_ms);

		if (result)
			return result;
	}
	return 0;
}

static int
check_tls(const struct wire *wire)
{
	if (tls_state(wire->tls) == TLS_FAILED)
		return -EKEYREJECTED;
	return tls_state(wire->tls) == TLS_ENDED ? -ENOTCONN : 0;
}

static int
pump_in(struct wire *wire, uint64_t now_ms)
{
	for (int i = 0; i < READS_MAX; i++) {
		int result;

		if (pipe_is_empty(&wire->from_socket)) {
			result = read_socket(wire);
			if (result <= 0)
				return result;
		}
		wire->from_socket.begin += tls_feed_wire(wire->tls, pipe_slice(&wire->from_socket));
		result = read_plain(wire, now_ms);
		if (result == 0)
			result = check_tls(wire);
		if (result || !pipe_is_empty(&wire->from_socket))
			return result;
	}
	return 0;
}

/* From h2 into TLS. */
static void
seal(struct wire *wire)
{
	while (wire_is_open(wire)) {
		if (pipe_is_empty(&wire->to_tls))
			pipe_fill(&wire->to_tls, h2_take(wire->h2, wire->to_tls.bytes, CHUNK));
		if (pipe_is_empty(&wire->to_tls))
			return;
		wire->to_tls.begin += tls_feed_plain(wire->tls, pipe_slice(&wire->to_tls));
		if (!pipe_is_empty(&wire->to_tls))
			return;
	}
}

static int
pump_out(struct wire *wire)
{
	wire->wants_write = false;
	for (;;) {
		struct slice bytes;
		ssize_t count;

		seal(wire);
		if (pipe_is_empty(&wire->to_socket))
			pipe_fill(&wire->to_socket,
			    tls_take_wire(wire->tls, wire->to_socket.bytes, CHUNK));
		bytes = pipe_slice(&wire->to_socket);
		if (bytes.length == 0)
			return 0;
		count = send(wire->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0) {
			wire->wants_write = errno == EAGAIN;
			return errno == EAGAIN ? 0 : -errno;
		}
		wire->to_socket.begin += (size_t)count;
	}
}

int
wire_pump(struct wire *wire, uint64_t now_ms)
{
	int result = pump_in(wire, now_ms);
	int sent;

	if (result == 0 && h2_has_ended(wire->h2)) {
		tls_end(wire->tls);
		result = h2_is_broken(wire->h2) ? -EPROTO : -ENOTCONN;
	}
	/* The peer is told why, if it still listens. */
	sent = pump_out(wire);
	if (result)
		return result;
	if (sent == 0 && h2_is_broken(wire->h2))
		return -EPROTO;
	return sent ? sent : check_tls(wire);
}

const char *
wire_reason(const struct wire *wire, int result)
{
	switch (result) {
	case -ENOTCONN:
		return "it was ended in good order";
	case -ECONNRESET:
		return "the other side broke off";
	case -EPROTO:
		return "the other side broke a rule of HTTP/2, or asked too much";
	case -EKEYREJECTED:
		return tls_error(wire->tls);
	default:
		return strerror(-result);
	}
}

bool
wire_wants_write(const struct wire *wire)
{
	return wire->wants_write;
}

int
wire_fd(const struct wire *wire)
{
	return wire->fd;
}

struct h2 *
wire_h2(const struct wire *wire)
{
	return wire->h2;
}

bool
wire_is_open(const struct wire *wire)
{
	return tls_state(wire->tls) == TLS_OPEN;
}

const char *
wire_peer_uri(const struct wire *wire)
{
	return tls_peer_uri(wire->tls);
}

void
wire_close(struct wire **wire)
{
	if (!*wire)
		return;
	close((*wire)->fd);
	tls_close(&(*wire)->tls);
	h2_close(&(*wire)->h2);
	free(*wire);
	*wire = NULL;
}
