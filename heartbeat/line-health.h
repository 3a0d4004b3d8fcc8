/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line-health -- how a line is.
 *
 * Whether the peer is heard on it is another question: hearing.h. A line may be open and silent.
 */
#ifndef GEMEL_HEARTBEAT_LINE_HEALTH_H
#define GEMEL_HEARTBEAT_LINE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#define LINE_TROUBLE_BYTES 512

enum line_poison {
	LINE_POISON_UNKNOWN, /* no disk line, or the slot can't be read */
	LINE_POISON_CLEAN,
	LINE_POISONED, /* this life of ours; it stays so, whatever is read later */
};

/* Times are clock_boot_ms(). */
struct line_health {
	bool is_open;      /* socket, device or partition is there and ours */
	uint64_t sent;     /* given to the kernel; disk: and read back right */
	uint64_t received; /* given to on_packet() */
	uint64_t
	    dropped;     /* not sent: the way was full or not there; disk: a later one came first */
	uint64_t errors; /* failed calls, and what came and was no packet of the peer's line */
	char trouble[LINE_TROUBLE_BYTES]; /* what is wrong now, one sentence; empty: nothing */

	/* Disk only. */
	uint64_t verified_ms; /* when the last write began that was read back right; 0: none yet */
	uint64_t io_ms;       /* how long the call that is running has taken; 0: none runs */
	enum line_poison poison;
	uint64_t clean_ms; /* when the last look began that found no poison for us; 0: none yet */
};

#endif
