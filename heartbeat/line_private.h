/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line_private -- what line.c and the kinds of lines share.
 */
#ifndef GEMEL_HEARTBEAT_LINE_PRIVATE_H
#define GEMEL_HEARTBEAT_LINE_PRIVATE_H

#include "heartbeat/line.h"

/* What a kind of line does. */
struct line_way {
	size_t bytes; /* of its struct, which begins with struct line */

	/* Try to open it: ends with health.is_open, or with line_fail(). It is closed before. */
	void (*open)(struct line *line);
	/* Called only while it is open. Counts what becomes of the packet. */
	void (*send)(struct line *line, const uint8_t packet[BEAT_BYTES]);
	/* Fill in what line->health does not know. May be NULL. */
	void (*health)(const struct line *line, uint64_t now_ms, struct line_health *health_r);
	/* Give back what open() took. Called only while it is open. */
	void (*close)(struct line *line);
};

struct line {
	const struct line_way *way;
	struct line_spec spec;
	struct line_setup setup;
	struct line_events events;
	qb_loop_t *loop;
	uint64_t tried_ms;
	bool is_doubtful; /* open, and it may help to open it anew */
	struct line_health health;
};

extern const struct line_way line_udp_way, line_serial_way, line_disk_way;

/* Say what the trouble is. */
void line_trouble(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* It works. */
void line_well(struct line *line);

/* Hand a packet to the owner. */
void line_deliver(struct line *line, struct slice packet);

#endif
