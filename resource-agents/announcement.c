/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/announcement.h"

#include <string.h>

#define ETHERNET_HEADER 14
#define ARP_LENGTH 28
#define IPV6_HEADER 40
#define ADVERTISEMENT_LENGTH 32 /* with its target link-layer address option */
#define ADVERTISEMENT_LEAST 24

static const uint8_t broadcast[MAC_LENGTH] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t arp_head[8] = {0, 1, 0x08, 0x00, MAC_LENGTH, 4, 0, 1};
static const uint8_t all_nodes_mac[MAC_LENGTH] = {0x33, 0x33, 0, 0, 0, 1};
static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};

enum {
	ICMPV6 = 58,
	NEIGHBOUR_ADVERTISEMENT = 136,
	FLAG_OVERRIDE = 0x20,
	OPTION_TARGET_MAC = 2
};

unsigned int
announcement_count(int family)
{
	return family == AF_INET ? 2 : 1;
}

static void
put_ethernet(uint8_t *frame, const uint8_t *to, const uint8_t *from, uint16_t type)
{
	memcpy(frame, to, MAC_LENGTH);
	memcpy(frame + MAC_LENGTH, from, MAC_LENGTH);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
}

static size_t
build_arp(const struct ip *ip, const uint8_t *mac, unsigned int n, uint8_t *frame)
{
	uint8_t *arp = frame + ETHERNET_HEADER;

	put_ethernet(frame, broadcast, mac, 0x0806);
	memcpy(arp, arp_head, sizeof(arp_head));
	arp[7] = (uint8_t)(n + 1); /* 1: request, 2: reply */
	memcpy(arp + 8, mac, MAC_LENGTH);
	memcpy(arp + 14, ip->bytes, 4);
	memcpy(arp + 18, broadcast, MAC_LENGTH);
	memcpy(arp + 24, ip->bytes, 4);
	return ETHERNET_HEADER + ARP_LENGTH;
}

/* RFC 4443 2.3: over a pseudo-header and the message. */
static uint16_t
checksum_icmpv6(const uint8_t *packet, size_t length)
{
	const uint8_t *message = packet + IPV6_HEADER;
	uint32_t sum = (uint32_t)length + ICMPV6;

	for (size_t i = 8; i < IPV6_HEADER; i += 2)
		sum += (uint32_t)(packet[i] << 8 | packet[i + 1]);
	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)(message[i] << 8 | (i + 1 < length ? message[i + 1] : 0));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t
build_advertisement(const struct ip *ip, const uint8_t *mac, uint8_t *frame)
{
	uint8_t *packet = frame + ETHERNET_HEADER, *message = packet + IPV6_HEADER;
	uint16_t sum;

	memset(frame, 0, ETHERNET_HEADER + IPV6_HEADER + ADVERTISEMENT_LENGTH);
	put_ethernet(frame, all_nodes_mac, mac, 0x86dd);
	packet[0] = 0x60;
	packet[5] = ADVERTISEMENT_LENGTH;
	packet[6] = ICMPV6;
	packet[7] = 255;
	memcpy(packet + 8, ip->bytes, 16);
	memcpy(packet + 24, all_nodes, 16);
	message[0] = NEIGHBOUR_ADVERTISEMENT;
	message[4] = FLAG_OVERRIDE;
	memcpy(message + 8, ip->bytes, 16);
	message[24] = OPTION_TARGET_MAC;
	message[25] = 1;
	memcpy(message + 26, mac, MAC_LENGTH);
	sum = checksum_icmpv6(packet, ADVERTISEMENT_LENGTH);
	message[2] = (uint8_t)(sum >> 8);
	message[3] = (uint8_t)sum;
	return ETHERNET_HEADER + IPV6_HEADER + ADVERTISEMENT_LENGTH;
}

size_t
announcement_build(const struct ip *ip, const uint8_t mac[MAC_LENGTH], unsigned int n,
    uint8_t frame[ANNOUNCEMENT_MAX])
{
	return ip->family == AF_INET ? build_arp(ip, mac, n, frame)
				     : build_advertisement(ip, mac, frame);
}

static bool
is_arp_claim(const uint8_t *frame, size_t length, const struct ip *ip, uint8_t *by_r)
{
	const uint8_t *arp = frame + ETHERNET_HEADER;

	if (length < ETHERNET_HEADER + ARP_LENGTH || frame[12] != 0x08 || frame[13] != 0x06 ||
	    memcmp(arp, arp_head, 7) != 0 || memcmp(arp + 14, ip->bytes, 4) != 0)
		return false;
	memcpy(by_r, arp + 8, MAC_LENGTH);
	return true;
}

static bool
is_advertisement_claim(const uint8_t *frame, size_t length, const struct ip *ip, uint8_t *by_r)
{
	const uint8_t *packet = frame + ETHERNET_HEADER, *message = packet + IPV6_HEADER;

	/* A hop limit of 255 proves that it comes from this link (RFC 4861 7.1.2). */
	if (length < ETHERNET_HEADER + IPV6_HEADER + ADVERTISEMENT_LEAST || frame[12] != 0x86 ||
	    frame[13] != 0xdd || packet[6] != ICMPV6 || packet[7] != 255 ||
	    message[0] != NEIGHBOUR_ADVERTISEMENT || memcmp(message + 8, ip->bytes, 16) != 0)
		return false;
	memcpy(by_r, frame + MAC_LENGTH, MAC_LENGTH);
	return true;
}

bool
announcement_is_claim(const uint8_t *frame, size_t length, const struct ip *ip,
    const uint8_t mac[MAC_LENGTH], uint8_t by_r[MAC_LENGTH])
{
	bool is_claim = ip->family == AF_INET ? is_arp_claim(frame, length, ip, by_r)
					      : is_advertisement_claim(frame, length, ip, by_r);

	return is_claim && memcmp(by_r, mac, MAC_LENGTH) != 0;
}

enum conflict_duty
conflict_claim(struct conflict *c, const uint8_t by[MAC_LENGTH], uint64_t now_ms)
{
	bool is_same_burst = c->last_ms && now_ms - c->last_ms < CONFLICT_BURST_MS;
	bool is_repeated = c->last_ms && now_ms - c->last_ms < CONFLICT_DEFEND_MS;

	memcpy(c->by, by, MAC_LENGTH);
	if (is_repeated && !is_same_burst)
		c->is_open = true;
	/* A burst is one claim at the moment when it began. */
	if (!is_same_burst || c->is_open)
		c->last_ms = now_ms;
	if (c->defended_ms && now_ms - c->defended_ms < CONFLICT_DEFEND_MS)
		return CONFLICT_NOTHING;
	c->defended_ms = now_ms;
	return CONFLICT_DEFEND;
}

bool
conflict_tick(struct conflict *c, uint64_t now_ms)
{
	if (!c->is_open || now_ms - c->last_ms < CONFLICT_HOLD_MS)
		return false;
	*c = (struct conflict){.defended_ms = c->defended_ms};
	return true;
}

uint64_t
conflict_deadline(const struct conflict *c)
{
	return c->is_open ? c->last_ms + CONFLICT_HOLD_MS : UINT64_MAX;
}
