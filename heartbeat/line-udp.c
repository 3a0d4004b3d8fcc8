/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/line_private.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <unistd.h>

/* A flood must not keep the loop from everything else. */
#define PACKETS_PER_WAKEUP 32

/* The most that may be asked for without rights. */
#define PRIORITY 6

struct line_udp {
	struct line line;
	int fd;
	struct sockaddr_storage peer;
};

static bool
is_from(const struct sockaddr_storage *from, const struct sockaddr_storage *peer)
{
	const struct sockaddr_in6 *f6 = (const void *)from, *p6 = (const void *)peer;
	const struct sockaddr_in *f4 = (const void *)from, *p4 = (const void *)peer;

	if (from->ss_family != peer->ss_family)
		return false;
	if (from->ss_family == AF_INET)
		return f4->sin_port == p4->sin_port && f4->sin_addr.s_addr == p4->sin_addr.s_addr;
	return f6->sin6_port == p6->sin6_port && f6->sin6_scope_id == p6->sin6_scope_id &&
	       memcmp(&f6->sin6_addr, &p6->sin6_addr, sizeof(f6->sin6_addr)) == 0;
}

/* 0; or an error that is none of sending: the next packet may come. */
static int
receive_one(struct line_udp *udp)
{
	uint8_t packet[BEAT_BYTES];
	struct sockaddr_storage from = {0};
	socklen_t room = sizeof(from);
	/* With MSG_TRUNC it says how long the datagram was, not how much of it fits. */
	ssize_t length = recvfrom(udp->fd, packet, sizeof(packet), MSG_TRUNC | MSG_DONTWAIT,
	    (struct sockaddr *)&from, &room);

	if (length < 0)
		return -errno;
	/* Between bind() and connect() anybody's datagrams were taken. */
	if ((size_t)length > sizeof(packet) || !is_from(&from, &udp->peer))
		udp->line.health.errors++;
	else
		line_deliver(&udp->line, slice_from(packet, (size_t)length));
	return 0;
}

static int32_t
on_readable(int32_t fd, int32_t events, void *data)
{
	struct line_udp *udp = data;

	(void)fd;
	(void)events;
	for (int i = 0; i < PACKETS_PER_WAKEUP; i++) {
		int result = receive_one(udp);

		if (result == -EAGAIN)
			break;
		/* ECONNREFUSED: the peer's agent is not there to take what we sent. */
		if (result == 0 || result == -ECONNREFUSED || result == -EINTR)
			continue;
		udp->line.health.errors++;
		udp->line.is_doubtful = true;
		line_trouble(&udp->line,
		    "The UDP line %u can't receive: %s; its socket is opened anew.",
		    udp->line.setup.number, strerror(-result));
		break;
	}
	return 0;
}

/* The addresses of this node and of the peer. A link-local one of the peer is reached by our
 * interface, whatever its own is called. */
static bool
find_addresses(struct line_udp *udp, struct line_address *ours_r)
{
	const struct line_spec *spec = &udp->line.spec;
	struct sockaddr_in6 *ours = (struct sockaddr_in6 *)&ours_r->address;
	struct sockaddr_in6 *peer = (struct sockaddr_in6 *)&udp->peer;

	*ours_r = spec->nodes[udp->line.setup.node];
	udp->peer = spec->nodes[!udp->line.setup.node].address;
	if (ours_r->scope[0] == '\0')
		return true;
	ours->sin6_scope_id = peer->sin6_scope_id = if_nametoindex(ours_r->scope);
	return ours->sin6_scope_id != 0;
}

static void
set_priority(int fd, int family)
{
	const int tos = IPTOS_CLASS_CS6, priority = PRIORITY;

	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	/* After it: IP_TOS sets a priority as well. */
	setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority));
}

static int
connect_socket(struct line_udp *udp, const struct line_address *ours)
{
	const char *interface = udp->line.spec.interface;

	set_priority(udp->fd, ours->address.ss_family);
	if (interface[0] && setsockopt(udp->fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
				(socklen_t)strlen(interface)) != 0)
		return -errno;
	if (bind(udp->fd, (const struct sockaddr *)&ours->address, ours->length) != 0)
		return -errno;
	if (connect(udp->fd, (const struct sockaddr *)&udp->peer, ours->length) != 0)
		return -errno;
	return qb_loop_poll_add(udp->line.loop, QB_LOOP_HIGH, udp->fd, POLLIN, udp, on_readable);
}

static const char *
advice(int error)
{
	switch (error) {
	case -ENODEV:
		return "its interface is not there; plug it in or correct its name";
	case -EADDRNOTAVAIL:
		return "its own address is not on this node; configure it or correct the line";
	case -EADDRINUSE:
		return "another program has its port; end that or choose another port";
	case -ENETUNREACH:
		return "no route leads to the peer's address; configure one or correct the line";
	default:
		return strerror(-error);
	}
}

static void
udp_open(struct line *line)
{
	struct line_udp *udp = (struct line_udp *)line;
	struct line_address ours;
	int result = -ENODEV;

	if (find_addresses(udp, &ours)) {
		udp->fd =
		    socket(ours.address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		result = udp->fd < 0 ? -errno : connect_socket(udp, &ours);
		if (result < 0 && udp->fd >= 0)
			close(udp->fd);
	}
	line->health.is_open = result == 0;
	if (result < 0)
		line_trouble(line, "The UDP line %u can't be opened: %s.", line->setup.number,
		    advice(result));
}

static void
udp_send(struct line *line, const uint8_t packet[BEAT_BYTES])
{
	struct line_udp *udp = (struct line_udp *)line;
	ssize_t sent = send(udp->fd, packet, BEAT_BYTES, MSG_DONTWAIT);

	/* It is said once, of an earlier packet, and this one was not sent for it. */
	if (sent < 0 && errno == ECONNREFUSED)
		sent = send(udp->fd, packet, BEAT_BYTES, MSG_DONTWAIT);
	if (sent == BEAT_BYTES) {
		line->health.sent++;
		line_well(line);
	} else if (errno == EAGAIN || errno == ENOBUFS || errno == ECONNREFUSED) {
		line->health.dropped++;
	} else {
		/* The socket may hold on to an interface or an address that is gone. */
		line->health.errors++;
		line->is_doubtful = true;
		line_trouble(line,
		    "The UDP line %u can't send: %s; look at its interface and the firewall.",
		    line->setup.number, strerror(errno));
	}
}

static void
udp_close(struct line *line)
{
	struct line_udp *udp = (struct line_udp *)line;

	qb_loop_poll_del(line->loop, udp->fd);
	close(udp->fd);
}

const struct line_way line_udp_way = {
    .bytes = sizeof(struct line_udp),
    .open = udp_open,
    .send = udp_send,
    .close = udp_close,
};
