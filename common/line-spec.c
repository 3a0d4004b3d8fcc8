/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/line-spec.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define WORDS_MAX 4

/* At 9600 baud a beat takes 0.2 s: slower lines say nothing in time. */
static const unsigned bauds[] = {
    9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1000000, 2000000, 4000000};

static const char bad_address[] = "An address of a UDP line is IPv4 or IPv6 in digits, with a port "
				  "if need be: 10.0.0.1, 10.0.0.1:4571, fd00::1, [fd00::1]:4571.";

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Part text into words; how many there are, of which at most WORDS_MAX are in words. */
static size_t
split(struct slice text, struct slice words[WORDS_MAX])
{
	size_t count = 0, at = 0;

	for (;;) {
		size_t begin;

		while (at < text.length && is_blank(text.data[at]))
			at++;
		if (at == text.length)
			return count;
		begin = at;
		while (at < text.length && !is_blank(text.data[at]))
			at++;
		if (count < WORDS_MAX)
			words[count] = slice_from(text.data + begin, at - begin);
		count++;
	}
}

/* Digits only, from 1 to max. */
static bool
parse_number(struct slice text, unsigned max, unsigned *number_r)
{
	unsigned number = 0;

	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		number = number * 10 + (text.data[i] - '0');
		if (number > max)
			return false;
	}
	*number_r = number;
	return number > 0;
}

/* A name that the kernel gives to interfaces. */
static bool
parse_interface(struct slice text, char out[LINE_INTERFACE_BYTES])
{
	return text.length > 0 && !memchr(text.data, '/', text.length) &&
	       !memchr(text.data, ':', text.length) &&
	       slice_to_string(text, out, LINE_INTERFACE_BYTES);
}

/* Part "HOST", "HOST:PORT", "[HOST]:PORT". A host with several colons is all host. */
static bool
split_port(struct slice word, struct slice *host_r, unsigned *port_r)
{
	const uint8_t *bracket = memchr(word.data, ']', word.length);
	const uint8_t *colon = memchr(word.data, ':', word.length);
	const uint8_t *end = word.data + word.length;

	*host_r = word;
	*port_r = LINE_PORT;
	if (word.length > 0 && word.data[0] == '[') {
		if (!bracket)
			return false;
		*host_r = slice_from(word.data + 1, (size_t)(bracket - word.data) - 1);
		colon = bracket + 1;
		if (colon == end)
			return true;
	} else if (!colon || memchr(colon + 1, ':', (size_t)(end - colon) - 1)) {
		return true;
	} else {
		host_r->length = (size_t)(colon - word.data);
	}
	return *colon == ':' &&
	       parse_number(slice_from(colon + 1, (size_t)(end - colon) - 1), 65535, port_r);
}

static const char *
parse_v4(const char *host, unsigned port, struct line_address *address_r)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address_r->address;

	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	address_r->length = sizeof(*v4);
	if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
		return bad_address;
	/* 0.0.0.0/8; multicast, reserved and broadcast. */
	if ((ntohl(v4->sin_addr.s_addr) >> 24) == 0 || (ntohl(v4->sin_addr.s_addr) >> 24) >= 224)
		return "An address of a UDP line must be that of a node, not of many or of none.";
	return NULL;
}

static const char *
parse_v6(char *host, unsigned port, struct line_address *address_r)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address_r->address;
	char *percent = strchr(host, '%');

	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	address_r->length = sizeof(*v6);
	if (percent) {
		*percent = '\0';
		if (!parse_interface(slice_of(percent + 1), address_r->scope))
			return bad_address;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return bad_address;
	if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr) || IN6_IS_ADDR_MULTICAST(&v6->sin6_addr))
		return "An address of a UDP line must be that of a node, not of many or of none.";
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return "An IPv4 address of a UDP line is written as IPv4: 10.0.0.1.";
	if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) != (percent != NULL))
		return "A link-local address of a UDP line needs the interface of its node behind "
		       "it, and no other address has one: fe80::1%eth1.";
	return NULL;
}

static const char *
parse_address(struct slice word, struct line_address *address_r)
{
	char host[INET6_ADDRSTRLEN + LINE_INTERFACE_BYTES];
	struct slice part;
	unsigned port;

	if (!split_port(word, &part, &port) || !slice_to_string(part, host, sizeof(host)))
		return bad_address;
	/* Brackets are for IPv6 only. */
	if (strchr(host, ':'))
		return parse_v6(host, port, address_r);
	return word.data[0] == '[' ? bad_address : parse_v4(host, port, address_r);
}

static const char *
parse_udp(const struct slice *words, size_t count, struct line_spec *spec)
{
	const char *reason;

	if (count < 3 || count > 4)
		return "A UDP line is \"udp ADDRESS0 ADDRESS1 [INTERFACE]\", the addresses of both "
		       "nodes in their order.";
	for (unsigned i = 0; i < LINE_NODES; i++) {
		reason = parse_address(words[i + 1], &spec->nodes[i]);
		if (reason)
			return reason;
	}
	if (spec->nodes[0].address.ss_family != spec->nodes[1].address.ss_family)
		return "The addresses of a UDP line must be both IPv4 or both IPv6.";
	if ((spec->nodes[0].scope[0] == '\0') != (spec->nodes[1].scope[0] == '\0'))
		return "The addresses of a UDP line must be both link-local or neither.";
	if (memcmp(&spec->nodes[0].address, &spec->nodes[1].address,
		sizeof(spec->nodes[0].address)) == 0)
		return "The addresses of a UDP line are those of two nodes, and must differ.";
	if (count == 4 && !parse_interface(words[3], spec->interface))
		return "The interface of a UDP line is a name of at most 15 letters, like eth1.";
	return NULL;
}

static const char *
parse_path(struct slice word, struct line_spec *spec)
{
	if (word.data[0] != '/' || !slice_to_string(word, spec->path, sizeof(spec->path)))
		return "The device of a line is a path that begins with a slash and is at most 255 "
		       "bytes long.";
	return NULL;
}

static const char *
parse_serial(const struct slice *words, size_t count, struct line_spec *spec)
{
	bool is_known = false;

	if (count < 2 || count > 3)
		return "A serial line is \"serial DEVICE [BAUD]\", like \"serial /dev/ttyS0\".";
	spec->baud = LINE_BAUD;
	if (count == 3 && !parse_number(words[2], 4000000, &spec->baud))
		spec->baud = 0;
	for (size_t i = 0; i < sizeof(bauds) / sizeof(bauds[0]); i++)
		is_known |= spec->baud == bauds[i];
	if (!is_known)
		return "The speed of a serial line is 9600, 19200, 38400, 57600, 115200, 230400, "
		       "460800, 921600, 1000000, 2000000 or 4000000 baud.";
	return parse_path(words[1], spec);
}

static const char *
parse_disk(const struct slice *words, size_t count, struct line_spec *spec)
{
	if (count != 2)
		return "A disk line is \"disk PARTITION\", like \"disk /dev/disk/by-id/ID-part2\".";
	return parse_path(words[1], spec);
}

static const struct {
	const char *name;
	const char *(*parse)(const struct slice *words, size_t count, struct line_spec *spec);
} kinds[LINE_KINDS] = {
    [LINE_UDP] = {"udp", parse_udp},
    [LINE_SERIAL] = {"serial", parse_serial},
    [LINE_DISK] = {"disk", parse_disk},
};

const char *
line_spec_parse(struct slice text, struct line_spec *spec_r)
{
	struct slice words[WORDS_MAX];
	size_t count = split(text, words);
	const char *reason = "A line begins with what it is: udp, serial or disk.";

	memset(spec_r, 0, sizeof(*spec_r));
	for (int i = 0; i < LINE_KINDS && count > 0; i++)
		if (slice_is_equal(words[0], slice_of(kinds[i].name))) {
			spec_r->kind = (enum line_kind)i;
			reason = kinds[i].parse(words, count, spec_r);
		}
	if (reason)
		memset(spec_r, 0, sizeof(*spec_r));
	return reason;
}

const char *
line_kind_name(enum line_kind kind)
{
	return kind < LINE_KINDS ? kinds[kind].name : "unknown";
}
