/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line -- a way along which beats travel between the nodes of a pair: UDP, a serial cable, a disk.
 *
 * A line carries packets of BEAT_BYTES and knows nothing of what is in them: what comes out of it
 * is anybody's until seal_open() and hearing_take() have looked at it. A line promises nothing
 * either: packets may be lost, doubled or overtaken, and the next one is near.
 *
 *   udp     a socket bound to our address and connected to the peer's. That nobody listens there
 *           is no trouble. Goes ahead of other traffic (DSCP CS6, priority 6).
 *   serial  a terminal device, raw, 8N1, without flow control or modem lines, in frames
 *           (serial-frame.h). At 115200 baud a beat takes 17 ms: not more than some 50 in a
 *           second. What is not yet sent is not queued behind: a late beat is worth nothing.
 *   disk    slots on a partition (disk-slots.h), written and read by a thread of its own
 *           (slot-thread.h), so that a disk that hangs stops nothing else.
 *
 * What can't be opened now (interface, device, partition not there, or not as it should be) is
 * the line's trouble, and line_tick() tries again. A line that loses its device does the same:
 *
 *     closed --line_open, line_tick: it is there--> open --device lost, sending fails--> closed
 *
 * All calls, and on_packet(), are on the thread of the loop; none of them blocks.
 */
#ifndef GEMEL_HEARTBEAT_LINE_H
#define GEMEL_HEARTBEAT_LINE_H

#include "common/line-spec.h"
#include "heartbeat/beat.h"
#include "heartbeat/line-health.h"

#include <qb/qbloop.h>

/* Between two tries to open. */
#define LINE_RETRY_MS 1000

struct line;

struct line_events {
	/* A packet, as it came: at most BEAT_BYTES, views until it returns. It may send, but
	 * neither tick nor close lines. */
	void (*on_packet)(void *context, unsigned number, struct slice packet);
	void *context;
};

/* Who we are. */
struct line_setup {
	unsigned number; /* of the line: on_packet() says it */
	uint8_t node;    /* ours: 0 or 1 */
	/* For the disk: */
	uint64_t pair;
	struct id128 boot; /* this life of ours */
	uint32_t slot_ms;  /* pause between two looks at the slots: 100 */
};

/* Make a line from its text in the configuration (line-spec.h). Copies text, setup and events,
 * borrows the loop. 0 and a line, owned, which may be in trouble; or -EINVAL: the text can never
 * work, and *reason_r says why in one sentence. */
int line_open(struct slice text, const struct line_setup *setup, qb_loop_t *loop,
    const struct line_events *events, struct line **line_r, const char **reason_r);

/* Try again what could not be opened, at most once in LINE_RETRY_MS. Call it some times a
 * second. now_ms: clock_boot_ms(). */
void line_tick(struct line *line, uint64_t now_ms);

/* Send, or drop it and count. */
void line_send(struct line *line, const uint8_t packet[BEAT_BYTES]);

void line_health(const struct line *line, uint64_t now_ms, struct line_health *health_r);

const struct line_spec *line_spec(const struct line *line);

/* Waits for nothing: a thread whose disk hangs ends when the disk lets it go. Takes NULL. */
void line_close(struct line **line);

#endif
