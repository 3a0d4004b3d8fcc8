/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * announcement -- the frames that say whose an address is, and hearing somebody else say so.
 *
 * Pure. IPv4: an ARP request and a reply, both gratuitous (RFC 5227 3: some
 * stations hear only the one, some only the other). IPv6: an unsolicited neighbour
 * advertisement with the override flag to all nodes (RFC 4861 7.2.6).
 *
 * A claim is a frame of another station that gives the address as its own: ARP
 * with it as the sender's (not an RFC 5227 probe, whose sender is 0.0.0.0), or a
 * neighbour advertisement with it as the target. The first claim is answered;
 * a second one within ten seconds makes it a conflict (RFC 5227 2.4 b), so that one late
 * frame of the node that had the address before is none. A conflict lasts until no
 * claim has been heard for a minute.
 */
#ifndef GEMEL_AGENTS_ANNOUNCEMENT_H
#define GEMEL_AGENTS_ANNOUNCEMENT_H

#include "resource-agents/netlink.h"

#include <stddef.h>

#define ANNOUNCEMENT_MAX 86
#define MAC_LENGTH 6

#define CONFLICT_DEFEND_MS 10000u
#define CONFLICT_HOLD_MS 60000u

/* Frames of one announcement (a request and a reply, say) come this close together. */
#define CONFLICT_BURST_MS 50u

/* How many frames announce this family: 2 for IPv4, 1 for IPv6. */
unsigned int announcement_count(int family);

/* Write the n-th one, from 0. Returns its length. */
size_t announcement_build(const struct ip *ip, const uint8_t mac[MAC_LENGTH], unsigned int n,
    uint8_t frame[ANNOUNCEMENT_MAX]);

/* True if the frame, from the Ethernet header on, is a claim of ip by another station than mac;
 * by_r is that one. */
bool announcement_is_claim(const uint8_t *frame, size_t length, const struct ip *ip,
    const uint8_t mac[MAC_LENGTH], uint8_t by_r[MAC_LENGTH]);

struct conflict {
	uint64_t last_ms;     /* when the last claim began; 0: none was heard */
	uint64_t defended_ms; /* 0: never */
	bool is_open;         /* two claims or more, and not yet forgotten */
	uint8_t by[MAC_LENGTH];
};

enum conflict_duty {
	CONFLICT_NOTHING,
	CONFLICT_DEFEND, /* announce the address once more, now */
};

/* A claim by that station was heard. */
enum conflict_duty
conflict_claim(struct conflict *c, const uint8_t by[MAC_LENGTH], uint64_t now_ms);

/* Forget what is old. True if the conflict was open and is not any more. */
bool conflict_tick(struct conflict *c, uint64_t now_ms);

/* When to call conflict_tick(); UINT64_MAX: never. */
uint64_t conflict_deadline(const struct conflict *c);

#endif
