/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct netlink {
	struct mnl_socket *socket;
	unsigned int sequence;
	char room[32768]; /* libmnl's advice for dumps */
};

bool
ip_parse(const char *text, struct ip *ip)
{
	*ip = (struct ip){0};
	if (inet_pton(AF_INET, text, ip->bytes) == 1)
		ip->family = AF_INET;
	else if (inet_pton(AF_INET6, text, ip->bytes) == 1)
		ip->family = AF_INET6;
	return ip->family != 0;
}

unsigned int
ip_length(const struct ip *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

bool
ip_is_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, ip_length(a)) == 0;
}

bool
ip_is_in_subnet(const struct ip *a, const struct ip *b, unsigned int prefix)
{
	unsigned int whole = prefix / 8, rest = prefix % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (a->family != b->family || memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0;
}

/* A new socket in place of the one that there may be. */
static int
open_socket(struct netlink *n)
{
	int one = 1;

	if (n->socket)
		mnl_socket_close(n->socket);
	n->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* So that a dump of the addresses of one family is only that. Older kernels send all. */
	setsockopt(
	    mnl_socket_get_fd(n->socket), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

int
netlink_open(struct netlink **netlink_r)
{
	struct netlink *n = calloc(1, sizeof(*n));
	int error;

	if (!n)
		abort();
	error = open_socket(n);
	if (error)
		netlink_close(&n);
	else
		*netlink_r = n;
	return error;
}

void
netlink_close(struct netlink **netlink)
{
	if (!*netlink)
		return;
	if ((*netlink)->socket)
		mnl_socket_close((*netlink)->socket);
	free(*netlink);
	*netlink = NULL;
}

/* Send request and give each answer to each. 0 or -errno; what stops each is its own matter. */
static int
exchange(struct netlink *n, struct nlmsghdr *request, mnl_cb_t each, void *context)
{
	unsigned int port = mnl_socket_get_portid(n->socket);
	int result = MNL_CB_OK;

	request->nlmsg_seq = ++n->sequence;
	if (mnl_socket_sendto(n->socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (result > MNL_CB_STOP) {
		ssize_t length = mnl_socket_recvfrom(n->socket, n->room, sizeof(n->room));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		result = mnl_cb_run(n->room, (size_t)length, n->sequence, port, each, context);
		if (result < 0)
			return -errno;
	}
	return 0;
}

static int
read_link(const struct nlmsghdr *message, void *context)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link *link = context;
	struct nlattr *attribute;

	*link = (struct link){.index = (unsigned int)info->ifi_index};
	link->is_up = (info->ifi_flags & IFF_UP) != 0;
	link->has_carrier = (info->ifi_flags & IFF_RUNNING) != 0;
	link->is_loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
	mnl_attr_for_each(attribute, message, sizeof(*info))
	{
		if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
			snprintf(link->name, sizeof(link->name), "%s", mnl_attr_get_str(attribute));
		if (mnl_attr_get_type(attribute) == IFLA_ADDRESS &&
		    info->ifi_type == ARPHRD_ETHER &&
		    mnl_attr_get_payload_len(attribute) == sizeof(link->mac)) {
			memcpy(link->mac, mnl_attr_get_payload(attribute), sizeof(link->mac));
			link->has_mac = true;
		}
	}
	return MNL_CB_OK;
}

int
netlink_link(struct netlink *n, const char *name, unsigned int index, struct link *link_r)
{
	char room[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(room);
	struct ifinfomsg *info;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)index;
	if (name)
		mnl_attr_put_strz(request, IFLA_IFNAME, name);
	return exchange(n, request, read_link, link_r);
}

/* A dump that others' changes have cut up is begun again, so often. */
#define DUMP_TRIES 20

struct address_walk {
	int (*each)(void *context, const struct address *address);
	void *context;
	int result;
};

static int
read_address(const struct nlmsghdr *message, void *context)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct address_walk *walk = context;
	struct address address = {.ip.family = info->ifa_family,
	    .index = info->ifa_index,
	    .prefix = info->ifa_prefixlen,
	    .flags = info->ifa_flags};
	struct nlattr *attribute;
	bool has_local = false;

	if (walk->result != 0)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(*info))
	{
		uint16_t type = mnl_attr_get_type(attribute);

		/* Of a point-to-point link, IFA_ADDRESS is the peer's and IFA_LOCAL ours. */
		if ((type == IFA_LOCAL || (type == IFA_ADDRESS && !has_local)) &&
		    mnl_attr_get_payload_len(attribute) == ip_length(&address.ip))
			memcpy(address.ip.bytes, mnl_attr_get_payload(attribute),
			    ip_length(&address.ip));
		has_local = has_local || type == IFA_LOCAL;
		if (type == IFA_FLAGS)
			address.flags = mnl_attr_get_u32(attribute);
	}
	if (address.ip.family == AF_INET || address.ip.family == AF_INET6)
		walk->result = walk->each(walk->context, &address);
	return MNL_CB_OK;
}

int
netlink_each_address(struct netlink *n, int family,
    int (*each)(void *context, const struct address *address), void *context)
{
	struct address_walk walk = {each, context, 0};
	char room[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(room);
	struct ifaddrmsg *info;
	int error = -EINTR;

	request->nlmsg_type = RTM_GETADDR;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifa_family = (uint8_t)family;
	for (int i = 0; i < DUMP_TRIES && error == -EINTR && walk.result == 0; i++) {
		/* The rest of the dump that was cut up is still to come, and only then another. */
		error = i > 0 ? open_socket(n) : 0;
		if (!error)
			error = exchange(n, request, read_address, &walk);
	}
	return walk.result ? walk.result : error;
}

static int
read_route(const struct nlmsghdr *message, void *context)
{
	struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attribute) == RTA_OIF)
			*(unsigned int *)context = mnl_attr_get_u32(attribute);
	}
	return MNL_CB_OK;
}

int
netlink_route(struct netlink *n, const struct ip *ip, unsigned int *index_r)
{
	char room[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(room);
	struct rtmsg *info;
	int error;

	*index_r = 0;
	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->rtm_family = (uint8_t)ip->family;
	info->rtm_dst_len = (uint8_t)(ip_length(ip) * 8);
	mnl_attr_put(request, RTA_DST, ip_length(ip), ip->bytes);
	error = exchange(n, request, read_route, index_r);
	return error ? error : *index_r ? 0 : -ENETUNREACH;
}

static struct nlmsghdr *
put_address(char *room, uint16_t type, uint16_t flags, const struct address *address)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(room);
	struct ifaddrmsg *info;

	request->nlmsg_type = type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifa_family = (uint8_t)address->ip.family;
	info->ifa_prefixlen = (uint8_t)address->prefix;
	info->ifa_index = address->index;
	mnl_attr_put(request, IFA_LOCAL, ip_length(&address->ip), address->ip.bytes);
	mnl_attr_put(request, IFA_ADDRESS, ip_length(&address->ip), address->ip.bytes);
	return request;
}

int
netlink_add_address(struct netlink *n, const struct address_wish *wish)
{
	const struct address *address = &wish->address;
	struct ifa_cacheinfo life = {.ifa_valid = UINT32_MAX, .ifa_prefered = wish->preferred_s};
	char room[512];
	struct nlmsghdr *request =
	    put_address(room, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address);

	if (address->ip.family == AF_INET && address->prefix < 31) {
		uint32_t host = 0xffffffffu >> address->prefix, all;

		memcpy(&all, address->ip.bytes, sizeof(all));
		mnl_attr_put_u32(request, IFA_BROADCAST, all | htonl(host));
	}
	mnl_attr_put_u32(request, IFA_FLAGS, address->flags);
	mnl_attr_put(request, IFA_CACHEINFO, sizeof(life), &life);
	return exchange(n, request, NULL, NULL);
}

int
netlink_delete_address(struct netlink *n, const struct address *address)
{
	char room[512];

	return exchange(n, put_address(room, RTM_DELADDR, 0, address), NULL, NULL);
}

int
netlink_watch(int family)
{
	struct sockaddr_nl name = {.nl_family = AF_NETLINK,
	    .nl_groups =
		RTMGRP_LINK | (family == AF_INET ? RTMGRP_IPV4_IFADDR : RTMGRP_IPV6_IFADDR)};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) != 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

void
netlink_drain(int fd)
{
	char room[8192];

	/* ENOBUFS says that some were lost; the caller looks at the whole anyway. */
	while (recv(fd, room, sizeof(room), 0) > 0 || errno == ENOBUFS)
		errno = 0;
}
