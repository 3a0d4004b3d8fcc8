/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floatip -- the resource agent of an address that moves between nodes.
 *
 * start adds the address and announces it at once: it asks nobody first whether
 * the address is free, because a takeover must not wait and the cluster has
 * made sure. A process that stays behind repeats the announcement and listens for
 * stations that claim the address; the monitor reads what it heard.
 */
#include "common/clock.h"
#include "ocf/ocf.h"
#include "ocf/parameter.h"
#include "resource-agents/announcer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the parameters mean on this node. */
struct target {
	struct ip ip;
	const char *nic; /* borrowed; NULL: to be found */
	unsigned int nic_index;
	bool is_there; /* the address is up, as found */
	struct address found;
	bool has_subnet; /* of another address that ip fits in */
	struct address subnet;
	struct link link; /* where it is or belongs */
};

static int
consider_address(void *context, const struct address *address)
{
	struct target *t = context;

	if (t->nic && address->index != t->nic_index)
		return 0;
	if (ip_is_equal(&address->ip, &t->ip)) {
		t->is_there = true;
		t->found = *address;
	} else if (ip_is_in_subnet(&address->ip, &t->ip, address->prefix) &&
		   (!t->has_subnet || address->prefix > t->subnet.prefix)) {
		t->has_subnet = true;
		t->subnet = *address;
	}
	return 0;
}

/* Find the address and the link where it is or belongs. 0; -ENODEV: the nic does not exist;
 * -ENETUNREACH: no nic fits; or -errno. */
static int
target_find(const struct ocf_context *ctx, struct netlink *netlink, struct target *t)
{
	const char *ip = ocf_string(ctx, "ip");
	struct link nic;
	unsigned int index = 0;
	int error = 0;

	*t = (struct target){.nic = ocf_string(ctx, "nic")};
	if (!ip || !ip_parse(ip, &t->ip))
		return -EINVAL;
	if (t->nic)
		error = netlink_link(netlink, t->nic, 0, &nic);
	if (!error) {
		t->nic_index = t->nic ? nic.index : 0;
		error = netlink_each_address(netlink, t->ip.family, consider_address, t);
	}
	if (error)
		return error;
	if (t->nic) {
		t->link = nic;
		return 0;
	}
	if (t->is_there)
		index = t->found.index;
	else if (t->has_subnet)
		index = t->subnet.index;
	else
		error = netlink_route(netlink, &t->ip, &index);
	return error ? error : netlink_link(netlink, NULL, index, &t->link);
}

/* "24" or "255.255.255.0"; 0 if it is neither. */
static unsigned int
parse_prefix(const char *text)
{
	struct in_addr mask;
	uint32_t bits;
	int64_t number;

	if (parameter_parse_integer(text, &number))
		return number >= 1 && number <= 128 ? (unsigned int)number : 0;
	if (inet_pton(AF_INET, text, &mask) != 1)
		return 0;
	bits = ntohl(mask.s_addr);
	/* Ones and then zeros only. */
	return bits & (~bits >> 1) ? 0 : (unsigned int)__builtin_popcount(bits);
}

static unsigned int
wished_prefix(const struct ocf_context *ctx, const struct target *t)
{
	const char *given = ocf_string(ctx, "cidr_netmask");

	if (given)
		return parse_prefix(given);
	if (t->has_subnet)
		return t->subnet.prefix;
	return t->is_there ? t->found.prefix : ip_length(&t->ip) * 8;
}

static struct address_wish
wish_of(const struct ocf_context *ctx, const struct target *t)
{
	const char *preferred = ocf_string(ctx, "preferred_lft");
	int64_t preferred_s = UINT32_MAX;
	struct address_wish wish = {
	    .address = {.ip = t->ip, .index = t->link.index, .prefix = wished_prefix(ctx, t)}};

	if (t->ip.family == AF_INET6 && ocf_boolean(ctx, "nodad"))
		wish.address.flags |= IFA_F_NODAD;
	if (ocf_boolean(ctx, "noprefixroute"))
		wish.address.flags |= IFA_F_NOPREFIXROUTE;
	parameter_parse_integer(preferred, &preferred_s);
	wish.preferred_s = (uint32_t)preferred_s;
	return wish;
}

static struct announcer
announcer_of(const struct ocf_context *ctx, const struct target *t, const char *state_path)
{
	return (struct announcer){
	    .ip = t->ip,
	    .link = t->link,
	    .count = (unsigned int)ocf_integer(ctx, "arp_count"),
	    .interval_ms = (unsigned int)ocf_integer(ctx, "arp_interval"),
	    .refresh_count = (unsigned int)ocf_integer(ctx, "arp_count_refresh"),
	    .refresh_ms = (unsigned int)ocf_integer(ctx, "arp_refresh_interval") * 1000,
	    .state_path = state_path,
	};
}

/* Wait for the link: a switch that is just coming back is no reason to ban this node. */
static enum ocf_exit
wait_for_carrier(struct ocf_context *ctx, struct netlink *netlink, struct target *t)
{
	struct pollfd waiting = {.fd = netlink_watch(t->ip.family), .events = POLLIN};
	int error = waiting.fd < 0 ? waiting.fd : 0;

	while (!error && !(t->link.is_up && t->link.has_carrier)) {
		error = netlink_link(netlink, NULL, t->link.index, &t->link);
		if (error || (t->link.is_up && t->link.has_carrier))
			break;
		if (poll(&waiting, 1, ocf_left_ms(ctx)) == 0)
			error = -ETIMEDOUT;
		netlink_drain(waiting.fd);
	}
	if (waiting.fd >= 0)
		close(waiting.fd);
	if (!error)
		return OCF_SUCCESS;
	return ocf_fail(ctx, OCF_ERR_GENERIC, "%s %s; check its cable and switch", t->link.name,
	    t->link.is_up ? "has no carrier" : "is down");
}

static enum ocf_exit
fail_target(struct ocf_context *ctx, const struct target *t, int error)
{
	const char *ip = ocf_string(ctx, "ip");

	if (error == -ENODEV)
		return ocf_fail(ctx, OCF_ERR_INSTALLED,
		    "parameter nic: this node has no interface %s; see ip link",
		    t->nic ? t->nic : "");
	if (error == -ENETUNREACH || error == -EHOSTUNREACH)
		return ocf_fail(ctx, OCF_ERR_INSTALLED,
		    "no interface of this node fits %s; give parameter nic", ip ? ip : "");
	return ocf_fail(ctx, OCF_ERR_GENERIC, "cannot ask the kernel about %s: %s", ip ? ip : "",
	    strerror(-error));
}

static enum ocf_exit
announce(struct ocf_context *ctx, const struct target *t)
{
	char state_path[4096];
	struct announcer announcer = announcer_of(ctx, t, state_path);
	int error;

	/* Loopback and tunnels have no neighbours to tell. */
	if (!t->link.has_mac || t->link.is_loopback)
		return OCF_SUCCESS;
	ocf_state_path(ctx, "", state_path, sizeof(state_path));
	error = announcer_send(&announcer);
	if (error)
		ocf_log(
		    ctx, "first announcement on %s not sent: %s", t->link.name, strerror(-error));
	error = announcer_stop(state_path, ctx->deadline_ms);
	if (!error)
		error = announcer_start(&announcer);
	return error ? ocf_fail(
			   ctx, OCF_ERR_GENERIC, "cannot start the announcer: %s", strerror(-error))
		     : OCF_SUCCESS;
}

static enum ocf_exit
start_with(struct ocf_context *ctx, struct netlink *netlink)
{
	struct address_wish wish;
	enum ocf_exit code;
	struct target t;
	int error = target_find(ctx, netlink, &t);

	if (error)
		return fail_target(ctx, &t, error);
	code = wait_for_carrier(ctx, netlink, &t);
	if (code != OCF_SUCCESS)
		return code;
	wish = wish_of(ctx, &t);
	/* Replacing would leave it beside the new one. */
	if (t.is_there && t.found.prefix != wish.address.prefix)
		netlink_delete_address(netlink, &t.found);
	error = netlink_add_address(netlink, &wish);
	if (error)
		return ocf_fail(ctx, OCF_ERR_GENERIC, "cannot add %s to %s: %s%s",
		    ocf_string(ctx, "ip"), t.link.name, strerror(-error),
		    t.ip.family == AF_INET6 ? "; is IPv6 switched on there?" : "");
	return announce(ctx, &t);
}

static enum ocf_exit
stop_with(struct ocf_context *ctx, struct netlink *netlink)
{
	char state_path[4096];
	struct target t;
	int error;

	/* First, or it would see the address go and announce it once more. */
	ocf_state_path(ctx, "", state_path, sizeof(state_path));
	error = announcer_stop(state_path, ctx->deadline_ms);
	if (error)
		return ocf_fail(
		    ctx, OCF_ERR_GENERIC, "cannot end the announcer: %s", strerror(-error));
	/* Again after each: it may be on several interfaces. */
	do {
		error = target_find(ctx, netlink, &t);
		/* Without the interface, or a parameter that names an address, there is none. No
		 * interface fits: then all addresses were looked at. */
		if (error && error != -ENODEV && error != -EINVAL && error != -ENETUNREACH &&
		    error != -EHOSTUNREACH)
			return fail_target(ctx, &t, error);
		if (!t.is_there)
			return OCF_SUCCESS;
		error = netlink_delete_address(netlink, &t.found);
		if (error && error != -EADDRNOTAVAIL && error != -ENODEV)
			return ocf_fail(ctx, OCF_ERR_GENERIC, "cannot remove %s from %s: %s",
			    ocf_string(ctx, "ip"), t.link.name, strerror(-error));
	} while (ocf_left_ms(ctx) > 0);
	return ocf_fail(ctx, OCF_ERR_GENERIC,
	    "%s comes back on %s whenever it is removed; find out who adds it",
	    ocf_string(ctx, "ip"), t.link.name);
}

static enum ocf_exit
check_announcer(struct ocf_context *ctx, const struct target *t)
{
	struct announcer_state state;
	char state_path[4096];

	if (!t->link.has_mac || t->link.is_loopback)
		return OCF_SUCCESS;
	ocf_state_path(ctx, "", state_path, sizeof(state_path));
	if (announcer_read(state_path, &state) != 0 || !process_is_alive(&state.process)) {
		/* The address works without it: no reason to fail over. */
		ocf_log(
		    ctx, "the announcer of %s is dead: starting it again", ocf_string(ctx, "ip"));
		return announce(ctx, t);
	}
	if (state.has_conflict)
		return ocf_fail(ctx, OCF_ERR_GENERIC,
		    "%s is also claimed by station %02x:%02x:%02x:%02x:%02x:%02x on %s; take it "
		    "off there",
		    ocf_string(ctx, "ip"), state.by[0], state.by[1], state.by[2], state.by[3],
		    state.by[4], state.by[5], t->link.name);
	return OCF_SUCCESS;
}

static enum ocf_exit
monitor_with(struct ocf_context *ctx, struct netlink *netlink)
{
	struct target t;
	int error = target_find(ctx, netlink, &t);

	if ((error && error != -ENETUNREACH && error != -EHOSTUNREACH && error != -ENODEV))
		return fail_target(ctx, &t, error);
	if (error || !t.is_there)
		return OCF_NOT_RUNNING;
	if (t.found.flags & IFA_F_DADFAILED)
		return ocf_fail(ctx, OCF_ERR_GENERIC,
		    "%s: the kernel found it used by another station", ocf_string(ctx, "ip"));
	if (!t.link.is_up || !t.link.has_carrier)
		return ocf_fail(ctx, OCF_ERR_GENERIC, "%s %s; check its cable and switch",
		    t.link.name, t.link.is_up ? "has no carrier" : "is down");
	return ctx->is_probe ? OCF_SUCCESS : check_announcer(ctx, &t);
}

static enum ocf_exit
check_node_with(struct ocf_context *ctx, struct netlink *netlink)
{
	struct target t;
	int error = target_find(ctx, netlink, &t);

	return error ? fail_target(ctx, &t, error) : OCF_SUCCESS;
}

static enum ocf_exit
with_netlink(struct ocf_context *ctx, enum ocf_exit (*run)(struct ocf_context *, struct netlink *))
{
	struct netlink *netlink;
	enum ocf_exit code;
	int error = netlink_open(&netlink);

	if (error)
		return ocf_fail(ctx, OCF_ERR_GENERIC, "no netlink socket: %s", strerror(-error));
	code = run(ctx, netlink);
	netlink_close(&netlink);
	return code;
}

static enum ocf_exit
start(struct ocf_context *ctx)
{
	int error = ocf_make_run_directory();

	if (error)
		return ocf_fail(
		    ctx, OCF_ERR_GENERIC, "cannot make " OCF_RUN_DIR ": %s", strerror(-error));
	return with_netlink(ctx, start_with);
}

static enum ocf_exit
stop(struct ocf_context *ctx)
{
	return with_netlink(ctx, stop_with);
}

static enum ocf_exit
monitor(struct ocf_context *ctx)
{
	return with_netlink(ctx, monitor_with);
}

static enum ocf_exit
check_node(struct ocf_context *ctx)
{
	return with_netlink(ctx, check_node_with);
}

/* The reloadable parameters are the announcer's: begin it anew. */
static enum ocf_exit
reload_with(struct ocf_context *ctx, struct netlink *netlink)
{
	struct target t;
	int error = target_find(ctx, netlink, &t);

	if (error)
		return fail_target(ctx, &t, error);
	return t.is_there ? announce(ctx, &t) : OCF_NOT_RUNNING;
}

static enum ocf_exit
reload_agent(struct ocf_context *ctx)
{
	return with_netlink(ctx, reload_with);
}

static bool
is_link_local(const struct ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static const char *
check_ip(const char *value)
{
	static const struct ip nothing;
	struct ip ip;

	if (!ip_parse(value, &ip))
		return "is not an IPv4 or IPv6 address; give one like 192.0.2.10 or 2001:db8::10";
	if (memcmp(ip.bytes, nothing.bytes, sizeof(ip.bytes)) == 0 ||
	    (ip.family == AF_INET ? ip.bytes[0] == 127 || ip.bytes[0] >= 224 : ip.bytes[0] == 0xff))
		return "cannot float; give an address of a single station";
	return NULL;
}

static const char *
check_prefix(const char *value)
{
	return parse_prefix(value) ? NULL : "is no netmask; give one like 24, 64 or 255.255.255.0";
}

static const char *
check_nic(const char *value)
{
	if (strlen(value) >= IFNAMSIZ || strpbrk(value, "/ \t:"))
		return "is not the name of an interface; give one as ip link shows it";
	return NULL;
}

static const char *
check_lifetime(const char *value)
{
	int64_t seconds;

	if (strcmp(value, "forever") == 0 ||
	    (parameter_parse_integer(value, &seconds) && seconds >= 0 && seconds < UINT32_MAX))
		return NULL;
	return "is no time; give seconds or forever";
}

static enum ocf_exit
check(struct ocf_context *ctx)
{
	const char *prefix = ocf_string(ctx, "cidr_netmask");
	struct ip ip;

	ip_parse(ocf_string(ctx, "ip"), &ip);
	if (prefix && ip.family == AF_INET && parse_prefix(prefix) > 32)
		return ocf_fail(ctx, OCF_ERR_CONFIGURED,
		    "parameter cidr_netmask: \"%s\" is too long for an IPv4 address; give 1 to 32",
		    prefix);
	if (prefix && ip.family == AF_INET6 && strchr(prefix, '.'))
		return ocf_fail(ctx, OCF_ERR_CONFIGURED,
		    "parameter cidr_netmask: \"%s\" is for IPv4; give one like 64", prefix);
	if (is_link_local(&ip) && !ocf_string(ctx, "nic"))
		return ocf_fail(ctx, OCF_ERR_CONFIGURED,
		    "parameter nic is missing; a link-local address needs it");
	return OCF_SUCCESS;
}

static const struct ocf_parameter parameters[] = {
    {
	.name = "ip",
	.required = true,
	.unique_group = "ip",
	.check = check_ip,
	.shortdesc = "the IPv4 or IPv6 address",
	.longdesc = "The address that floats, such as 192.0.2.10 or 2001:db8::10.",
    },
    {
	.name = "nic",
	.check = check_nic,
	.shortdesc = "network interface",
	.longdesc =
	    "The interface that gets the address. If it is not given, it is the one with an "
	    "address in the same subnet, or else the one by which the address is routed.",
    },
    {
	.name = "cidr_netmask",
	.check = check_prefix,
	.shortdesc = "length of the network's prefix",
	.longdesc =
	    "Such as 24, 64 or 255.255.255.0. If it is not given, it is that of the subnet in "
	    "which the interface already has an address, or else 32 or 128.",
    },
    {
	.name = "arp_count",
	.type = OCF_INTEGER,
	.fallback = "5",
	.reloadable = true,
	.min = 1,
	.max = 100,
	.shortdesc = "announcements at start",
	.longdesc =
	    "How often the address is announced after a start, by gratuitous ARP or by "
	    "unsolicited neighbour advertisements. The first goes out before start returns.",
    },
    {
	.name = "arp_interval",
	.type = OCF_INTEGER,
	.fallback = "200",
	.reloadable = true,
	.min = 10,
	.max = 60000,
	.shortdesc = "milliseconds between announcements",
	.longdesc = "The time between two announcements of one round.",
    },
    {
	.name = "arp_count_refresh",
	.type = OCF_INTEGER,
	.fallback = "1",
	.reloadable = true,
	.min = 0,
	.max = 100,
	.shortdesc = "announcements of a refresh",
	.longdesc = "How many announcements each refresh sends; 0: no refresh.",
    },
    {
	.name = "arp_refresh_interval",
	.type = OCF_INTEGER,
	.fallback = "30",
	.reloadable = true,
	.min = 0,
	.max = 86400,
	.shortdesc = "seconds between refreshes",
	.longdesc = "How often the announcements are repeated while the address is up; 0: never.",
    },
    {
	.name = "nodad",
	.type = OCF_BOOLEAN,
	.fallback = "true",
	.shortdesc = "use an IPv6 address at once",
	.longdesc =
	    "Without duplicate address detection an IPv6 address works at once. If this is "
	    "false, start does not wait for it either, and the address works some seconds later.",
    },
    {
	.name = "noprefixroute",
	.type = OCF_BOOLEAN,
	.fallback = "false",
	.shortdesc = "add no route for the subnet",
	.longdesc = "Do not let the kernel add a route for the address's subnet.",
    },
    {
	.name = "preferred_lft",
	.fallback = "forever",
	.check = check_lifetime,
	.shortdesc = "preferred lifetime",
	.longdesc = "Seconds, or forever. With 0 the address is deprecated: it is used only where "
		    "it is asked for, never as the source of the node's own connections.",
    },
    {0},
};

static const struct ocf_action actions[] = {
    {"start", 20, 0, -1, OCF_ROLE_NONE, false, start},
    {"stop", 20, 0, -1, OCF_ROLE_NONE, false, stop},
    {"monitor", 10, 5, 0, OCF_ROLE_NONE, false, monitor},
    {"reload-agent", 10, 0, -1, OCF_ROLE_NONE, false, reload_agent},
    {"validate-all", 10, 0, -1, OCF_ROLE_NONE, true, NULL},
    {"meta-data", 5, 0, -1, OCF_ROLE_NONE, true, NULL},
    {0},
};

static const struct ocf_agent agent = {
    .name = "floatip",
    .version = PACKAGE_VERSION,
    .shortdesc = "an IPv4 or IPv6 address that moves between nodes",
    .longdesc =
	"Adds the address to an interface and announces it at once, by gratuitous ARP or by "
	"unsolicited neighbour advertisements. It asks nobody first whether the address is free: a "
	"takeover does not wait. Parameters are named as those of ocf:heartbeat:IPaddr2 where they "
	"mean the same.\n\n"
	"A process stays behind while the address is up. It repeats the announcement, from time to "
	"time and when the link comes back, and listens for other stations that claim the address. "
	"One claim is answered with an announcement; when another follows within ten seconds the "
	"monitor fails and names the station's MAC address, until none was heard for a minute. If "
	"that process dies, the next monitor starts it again.\n\n"
	"A monitor checks that the address is there, that its interface has a carrier, and that no "
	"other station claims it. A start waits, within its time-out, for a missing carrier.",
    .parameters = parameters,
    .actions = actions,
    .check = check,
    .check_node = check_node,
};

int
main(int argc, char **argv)
{
	return ocf_main(&agent, argc, argv);
}
