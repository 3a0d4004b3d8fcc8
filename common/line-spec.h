/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line-spec -- what the configuration says of a line, read.
 *
 * Pure: it asks nobody whether the interface or the device is there. The text is the same on
 * both nodes. Words are parted by spaces or tabs:
 *
 *     udp ADDRESS0 ADDRESS1 [INTERFACE]
 *         The addresses of node 0 and node 1, in this order: IPv4 as 10.0.0.1 or 10.0.0.1:4571,
 *         IPv6 as fd00::1 or [fd00::1]:4571; LINE_PORT if it says no port. A link-local one names
 *         the interface of its own node: fe80::1%eth1. INTERFACE: to send and hear by no other.
 *     serial DEVICE [BAUD]
 *         A terminal device, at LINE_BAUD if it says no speed. The same on both nodes.
 *     disk PARTITION
 *         A partition of a disk that both nodes see, formatted by disk_partition_format().
 */
#ifndef GEMEL_COMMON_LINE_SPEC_H
#define GEMEL_COMMON_LINE_SPEC_H

#include "common/slice.h"

#include <sys/socket.h>

#define LINE_NODES 2
#define LINE_PORT 4571
#define LINE_BAUD 115200
#define LINE_PATH_BYTES 256 /* with the NUL */
#define LINE_INTERFACE_BYTES 16

enum line_kind {
	LINE_UDP,
	LINE_SERIAL,
	LINE_DISK,
	LINE_KINDS,
};

struct line_address {
	struct sockaddr_storage address; /* without a scope */
	socklen_t length;
	char scope[LINE_INTERFACE_BYTES]; /* of a link-local address; else empty */
};

struct line_spec {
	enum line_kind kind;
	/* udp */
	struct line_address nodes[LINE_NODES];
	char interface[LINE_INTERFACE_BYTES]; /* empty: any */
	/* serial, disk */
	char path[LINE_PATH_BYTES];
	unsigned baud;
};

/* Read a text. NULL; or one sentence that says what is wrong with it: it can never work. *spec_r is
 * empty then. */
const char *line_spec_parse(struct slice text, struct line_spec *spec_r);

/* "udp", "serial", "disk". */
const char *line_kind_name(enum line_kind kind);

#endif
