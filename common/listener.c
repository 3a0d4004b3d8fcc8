/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernel cuts it to net.core.somaxconn. */
#define LISTENER_BACKLOG 4096

static int
parse_port(const char *text, in_port_t *port_r)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (end == text || *end || port < 1 || port > 65535)
		return -EINVAL;
	*port_r = htons((uint16_t)port);
	return 0;
}

static int
parse_v6(const char *text, const char *colon, struct sockaddr_in6 *address)
{
	char host[INET6_ADDRSTRLEN];
	size_t length = (size_t)(colon - text);

	if (length < 3 || text[length - 1] != ']' || length - 2 >= sizeof(host))
		return -EINVAL;
	memcpy(host, text + 1, length - 2);
	host[length - 2] = '\0';
	address->sin6_family = AF_INET6;
	return inet_pton(AF_INET6, host, &address->sin6_addr) == 1 ? 0 : -EINVAL;
}

static int
parse_v4(const char *text, const char *colon, struct sockaddr_in *address)
{
	char host[INET_ADDRSTRLEN];
	size_t length = (size_t)(colon - text);

	if (length == 0 || length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	address->sin_family = AF_INET;
	return inet_pton(AF_INET, host, &address->sin_addr) == 1 ? 0 : -EINVAL;
}

int
listener_parse(const char *text, struct sockaddr_storage *address_r, socklen_t *length_r)
{
	const char *colon = strrchr(text, ':');
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address_r;
	struct sockaddr_in *v4 = (struct sockaddr_in *)address_r;
	in_port_t port;

	memset(address_r, 0, sizeof(*address_r));
	if (!colon || parse_port(colon + 1, &port) != 0)
		return -EINVAL;
	if (colon == text + 1 && text[0] == '*') {
		v6->sin6_family = AF_INET6;
		v6->sin6_addr = in6addr_any;
	} else if (text[0] == '[') {
		if (parse_v6(text, colon, v6) != 0)
			return -EINVAL;
	} else if (parse_v4(text, colon, v4) != 0) {
		return -EINVAL;
	}
	if (address_r->ss_family == AF_INET6) {
		v6->sin6_port = port;
		*length_r = sizeof(*v6);
	} else {
		v4->sin_port = port;
		*length_r = sizeof(*v4);
	}
	return 0;
}

/* Every IPv4 address instead of every IPv6 one, for a kernel without IPv6. */
static void
address_to_v4_any(struct sockaddr_storage *address, socklen_t *length)
{
	in_port_t port = ((struct sockaddr_in6 *)address)->sin6_port;
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;

	memset(address, 0, sizeof(*address));
	v4->sin_family = AF_INET;
	v4->sin_port = port;
	*length = sizeof(*v4);
}

int
listener_open(const char *text)
{
	const int on = 1, off = 0;
	struct sockaddr_storage address;
	socklen_t length;
	int fd, result = listener_parse(text, &address, &length);

	if (result)
		return result;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT && text[0] == '*') {
		address_to_v4_any(&address, &length);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return -errno;
	/* "*" takes IPv4 connections as well; "[::]" takes IPv6 only. */
	if (address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, text[0] == '*' ? &off : &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&address, length) != 0 ||
	    listen(fd, LISTENER_BACKLOG) != 0) {
		result = -errno;
		close(fd);
		return result;
	}
	return fd;
}
