/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line-world -- a loop for tests of lines, and what was heard on them.
 */
#ifndef GEMEL_TESTS_LINE_WORLD_H
#define GEMEL_TESTS_LINE_WORLD_H

#include "heartbeat/line.h"

#define WORLD_LINES 2

struct line_world {
	qb_loop_t *loop;
	struct line *lines[WORLD_LINES]; /* by number */
	unsigned heard[WORLD_LINES];
	uint8_t last[WORLD_LINES][BEAT_BYTES];
	size_t last_length[WORLD_LINES];
	bool stops_at_packet; /* the loop ends with the turn in which one comes */
};

/* Begin and end; closing closes the lines as well. */
void world_open(struct line_world *world);
void world_close(struct line_world *world);

/* Open line number from the text with node = number. It must be a good text. */
void world_line(struct line_world *world, unsigned number, const char *text);

/* Send a packet full of this byte. */
void world_send(struct line_world *world, unsigned number, uint8_t byte);

/* Run the loop until this is so. Fails the test after ten seconds. */
void world_wait(struct line_world *world, bool (*is_so)(struct line_world *world, uint64_t value),
    uint64_t value);

/* For it: line 0 has heard so many. */
bool world_has_heard(struct line_world *world, uint64_t count);

struct line_health world_health(struct line_world *world, unsigned number);

#endif
