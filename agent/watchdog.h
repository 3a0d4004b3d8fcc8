/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog -- the device that resets this node when nobody feeds it (Linux's watchdog API).
 *
 * It is fed only while this node is in the right, so one that is not, or whose agent hangs, does
 * not go on for longer than its time-out. An orderly end disarms it (magic close).
 */
#ifndef GEMEL_AGENT_WATCHDOG_H
#define GEMEL_AGENT_WATCHDOG_H

#include <stdint.h>

struct watchdog {
	int fd;          /* -1: none is open */
	uint64_t fed_ms; /* last */
};

/* Open and arm it, with this time-out. A device without a time-out of its own to set (ENOTTY) is
 * taken as it is. 0 or -errno; what failed is not armed. */
int watchdog_open(struct watchdog *watchdog, const char *path, unsigned timeout_s);

/* Feed it if it is time to. 0 or -errno. */
int watchdog_feed(struct watchdog *watchdog, uint64_t now_ms);

/* Disarm and close it. */
void watchdog_close(struct watchdog *watchdog);

#endif
