/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/announcer.h"

#include "common/clock.h"
#include "common/lease.h"
#include "ocf/ocf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 2048

struct guard {
	const struct announcer *announcer;
	struct netlink *netlink;
	int packets, changes;
	unsigned int left; /* announcements of this round still to send */
	uint64_t send_ms;  /* when the next one is due; UINT64_MAX: never */
	bool had_carrier;
	struct conflict conflict;
	struct lease_reader *lease;
};

static int
open_packets(const struct announcer *a)
{
	struct sockaddr_ll name = {.sll_family = AF_PACKET,
	    .sll_ifindex = (int)a->link.index,
	    .sll_protocol = htons(a->ip.family == AF_INET ? ETH_P_ARP : ETH_P_IPV6)};
	/* Protocol 0 hears nothing until the filter is there and bind() says what. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* IPv6: only neighbour advertisements; the rest of the node's traffic stays asleep. */
	struct sock_filter only_advertisements[] = {
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 6),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 40),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 136, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	/* IPv4: only ARP whose sender is the address. */
	struct sock_filter only_sender[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ETH_HLEN + 14),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		(uint32_t)a->ip.bytes[0] << 24 | (uint32_t)a->ip.bytes[1] << 16 |
		    (uint32_t)a->ip.bytes[2] << 8 | a->ip.bytes[3],
		0, 1),
	    BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = 6, .filter = only_advertisements};

	if (a->ip.family == AF_INET)
		program = (struct sock_fprog){.len = 4, .filter = only_sender};
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0 ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)) != 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static int
send_frames(int fd, const struct announcer *a)
{
	uint8_t frame[ANNOUNCEMENT_MAX];

	for (unsigned int i = 0; i < announcement_count(a->ip.family); i++) {
		size_t length = announcement_build(&a->ip, a->link.mac, i, frame);

		if (send(fd, frame, length, 0) != (ssize_t)length)
			return -errno;
	}
	return 0;
}

int
announcer_send(const struct announcer *announcer)
{
	int fd = open_packets(announcer);
	int error;

	if (fd < 0)
		return fd;
	error = send_frames(fd, announcer);
	close(fd);
	return error;
}

static int
write_state(const struct guard *guard)
{
	const char *path = guard->announcer->state_path;
	const uint8_t *by = guard->conflict.by;
	char fresh[PATH_MAX], line[128];
	struct process self;
	int fd, length, error = process_identify(getpid(), &self);

	if (error)
		return error;
	length = snprintf(line, sizeof(line), "%d %" PRIu64, (int)self.pid, self.started);
	if (guard->conflict.is_open)
		length += snprintf(line + length, sizeof(line) - (size_t)length,
		    " %02x:%02x:%02x:%02x:%02x:%02x", by[0], by[1], by[2], by[3], by[4], by[5]);
	line[length++] = '\n';
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	error = write(fd, line, (size_t)length) == length ? 0 : -EIO;
	close(fd);
	return error ? error : rename(fresh, path) == 0 ? 0 : -errno;
}

int
announcer_read(const char *state_path, struct announcer_state *state_r)
{
	FILE *file = fopen(state_path, "re");
	unsigned int by[MAC_LENGTH];
	int pid, n;

	*state_r = (struct announcer_state){0};
	if (!file)
		return -errno;
	n = fscanf(file, "%d %" SCNu64 " %x:%x:%x:%x:%x:%x", &pid, &state_r->process.started,
	    &by[0], &by[1], &by[2], &by[3], &by[4], &by[5]);
	fclose(file);
	if (n < 2 || pid <= 1)
		return -EPROTO;
	state_r->process.pid = pid;
	state_r->has_conflict = n == 2 + MAC_LENGTH;
	for (int i = 0; state_r->has_conflict && i < MAC_LENGTH; i++)
		state_r->by[i] = (uint8_t)by[i];
	return 0;
}

static int
is_the_address(void *context, const struct address *address)
{
	const struct announcer *a = context;

	return address->index == a->link.index && ip_is_equal(&address->ip, &a->ip);
}

/* A node that stood still, or was cut off, may have been replaced meanwhile, and does not claim the
 * address before it knows that it was not: then the agent daemon gives the lease again. Without
 * that daemon there is no such file. */
static bool
may_claim(const struct guard *guard)
{
	struct lease lease;

	if (!lease_read(guard->lease, &lease)) {
		lease_refresh(guard->lease);
		if (!lease_read(guard->lease, &lease))
			return true;
	}
	return lease.until_ms > clock_boot_ms();
}

/* Send what is due and say when the next is. */
static void
announce(struct guard *guard, uint64_t now_ms)
{
	const struct announcer *a = guard->announcer;

	if (now_ms < guard->send_ms)
		return;
	if (guard->left == 0)
		guard->left = a->refresh_count;
	/* A link that is down loses it; the link's return begins a new round. */
	if (may_claim(guard))
		send_frames(guard->packets, a);
	if (--guard->left > 0)
		guard->send_ms = now_ms + a->interval_ms;
	else
		guard->send_ms =
		    a->refresh_ms && a->refresh_count ? now_ms + a->refresh_ms : UINT64_MAX;
}

static void
listen_for_claims(struct guard *guard, uint64_t now_ms)
{
	const struct announcer *a = guard->announcer;
	bool was_open = guard->conflict.is_open;
	uint8_t frame[FRAME_MAX], by[MAC_LENGTH];
	ssize_t n;

	while ((n = recv(guard->packets, frame, sizeof(frame), 0)) > 0) {
		if (!announcement_is_claim(frame, (size_t)n, &a->ip, a->link.mac, by))
			continue;
		if (conflict_claim(&guard->conflict, by, now_ms) == CONFLICT_DEFEND &&
		    may_claim(guard))
			send_frames(guard->packets, a);
	}
	if (guard->conflict.is_open != was_open)
		write_state(guard);
}

/* Something of addresses or links has changed. False: the address is not there any more. */
static bool
look_around(struct guard *guard, uint64_t now_ms)
{
	const struct announcer *a = guard->announcer;
	struct link link = {0};

	netlink_drain(guard->changes);
	if (netlink_each_address(guard->netlink, a->ip.family, is_the_address, (void *)a) != 1)
		return false;
	if (netlink_link(guard->netlink, NULL, a->link.index, &link) != 0)
		return false;
	if (link.has_carrier && !guard->had_carrier) {
		guard->left = a->count;
		guard->send_ms = now_ms;
	}
	guard->had_carrier = link.has_carrier;
	return true;
}

static _Noreturn void
guard_address(struct guard *guard)
{
	struct pollfd waiting[2] = {
	    {.fd = guard->packets, .events = POLLIN}, {.fd = guard->changes, .events = POLLIN}};

	while (look_around(guard, clock_boot_ms())) {
		do {
			uint64_t now_ms = clock_boot_ms(),
				 until_ms = conflict_deadline(&guard->conflict);

			if (guard->send_ms < until_ms)
				until_ms = guard->send_ms;
			if (until_ms > now_ms) {
				uint64_t left_ms = until_ms - now_ms;

				poll(waiting, 2,
				    until_ms == UINT64_MAX ? -1
				    : left_ms > INT_MAX    ? INT_MAX
							   : (int)left_ms);
			}
			now_ms = clock_boot_ms();
			listen_for_claims(guard, now_ms);
			if (conflict_tick(&guard->conflict, now_ms))
				write_state(guard);
			announce(guard, now_ms);
		} while (!waiting[1].revents);
	}
	_exit(0);
}

/* In the child. What it writes to ready says that it can be found: 0 or -errno. */
static _Noreturn void
become_announcer(const struct announcer *announcer, int ready)
{
	struct guard guard = {
	    .announcer = announcer,
	    .left = announcer->count > 1 ? announcer->count - 1 : 0,
	    .send_ms = UINT64_MAX,
	    .had_carrier = true,
	};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int error;

	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	if (guard.left > 0)
		guard.send_ms = clock_boot_ms() + announcer->interval_ms;
	else if (announcer->refresh_count && announcer->refresh_ms)
		guard.send_ms = clock_boot_ms() + announcer->refresh_ms;
	guard.lease = lease_map(OCF_RUN_DIR "/lease", 0);
	guard.packets = open_packets(announcer);
	guard.changes = netlink_watch(announcer->ip.family);
	error = guard.packets < 0 ? guard.packets : guard.changes < 0 ? guard.changes : 0;
	if (!error)
		error = netlink_open(&guard.netlink);
	/* From the file on it can be ended by stop, so only then it leaves the agent's group. */
	if (!error)
		error = write_state(&guard);
	setsid();
	if (chdir("/") != 0)
		error = -errno;
	if (write(ready, &error, sizeof(error)) != (ssize_t)sizeof(error) || error)
		_exit(1);
	close(ready);
	guard_address(&guard);
}

int
announcer_start(const struct announcer *announcer)
{
	int ends[2], error = -ECHILD;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		become_announcer(announcer, ends[1]);
	}
	close(ends[1]);
	if (pid < 0)
		error = -errno;
	else if (read(ends[0], &error, sizeof(error)) != (ssize_t)sizeof(error))
		error = -ECHILD;
	close(ends[0]);
	return error;
}

int
announcer_stop(const char *state_path, uint64_t deadline_ms)
{
	struct announcer_state state;
	int error;

	if (announcer_read(state_path, &state) == 0 && process_is_alive(&state.process)) {
		kill(state.process.pid, SIGKILL);
		error = process_wait(&state.process, deadline_ms);
		if (error)
			return error;
	}
	return unlink(state_path) == 0 || errno == ENOENT ? 0 : -errno;
}
