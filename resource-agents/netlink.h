/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netlink -- addresses, links and routes of this node, asked of the kernel (rtnetlink(7)).
 *
 * Calls return 0 or -errno. A struct netlink holds one socket.
 */
#ifndef GEMEL_AGENTS_NETLINK_H
#define GEMEL_AGENTS_NETLINK_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct netlink;

/* An IPv4 or IPv6 address; bytes beyond the family's length are 0. */
struct ip {
	int family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
};

struct link {
	unsigned int index;
	char name[IFNAMSIZ];
	uint8_t mac[6];
	bool has_mac;
	bool is_up;
	bool has_carrier;
	bool is_loopback;
};

struct address {
	struct ip ip;
	unsigned int index;
	unsigned int prefix;
	uint32_t flags; /* IFA_F_* */
};

/* Pure: read a literal. */
bool ip_parse(const char *text, struct ip *ip);

/* 4 or 16 bytes; 32 or 128 bits. */
unsigned int ip_length(const struct ip *ip);

bool ip_is_equal(const struct ip *a, const struct ip *b);

/* Pure: do the first prefix bits agree? */
bool ip_is_in_subnet(const struct ip *a, const struct ip *b, unsigned int prefix);

int netlink_open(struct netlink **netlink_r);
void netlink_close(struct netlink **netlink);

/* -ENODEV: no link of that name, or index. */
int
netlink_link(struct netlink *netlink, const char *name, unsigned int index, struct link *link_r);

/* Call each(context, address) for every address of a family; a value other than 0 ends the walk
 * and is returned. */
int netlink_each_address(struct netlink *netlink, int family,
    int (*each)(void *context, const struct address *address), void *context);

/* The link by which a packet to ip would leave. -ENETUNREACH: by none. */
int netlink_route(struct netlink *netlink, const struct ip *ip, unsigned int *index_r);

struct address_wish {
	struct address address;
	uint32_t preferred_s; /* UINT32_MAX: for ever; 0: never a source address of its own */
};

/* Add the address, or bring the one that is there up to the wish. */
int netlink_add_address(struct netlink *netlink, const struct address_wish *wish);

/* -EADDRNOTAVAIL: it is not there. */
int netlink_delete_address(struct netlink *netlink, const struct address *address);

/* A socket that becomes readable when an address or a link changes; or -errno. Owned by the
 * caller; drain it with netlink_drain(). */
int netlink_watch(int family);
void netlink_drain(int fd);

#endif
