/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heart -- carries beats between pair.h and the lines: keys, signatures, timers.
 *
 * It sends on every line once in beat_ms, and at once when heart_beat_now() is called or a beat
 * is to be answered.
 */
#ifndef GEMEL_AGENT_HEART_H
#define GEMEL_AGENT_HEART_H

#include "agent/pair.h"
#include "common/config.h"
#include "heartbeat/line.h"
#include "heartbeat/seal.h"

#define HEART_ERROR_MAX CONFIG_ERROR_MAX

struct heart_line {
	struct line *line;
	uint64_t answered_ms; /* when a beat was answered at once, last */
	uint64_t refused;     /* packets that were not believed */
	uint64_t told_ms;     /* when the log was told of one, last */
};

struct heart_events {
	/* What is to be seen of this node now; for what it says. */
	void (*look)(void *context, struct pair_self *self_r);
	/* A beat was believed; packet is the signed original. */
	void (*on_beat)(void *context, const struct beat *beat, struct slice packet);
	void *context;
};

struct heart {
	qb_loop_t *loop;
	struct pair *pair; /* borrowed */
	struct heart_events events;
	struct seal_keys keys;
	uint32_t beat_ms;
	struct heart_line lines[PAIR_LINES_MAX];
	size_t count;
	qb_loop_timer_handle timer;
};

/* Read the keys and open the lines of pair, whose settings count them. 0; or -errno with one
 * sentence. What cannot be opened now is the line's trouble, not an error. */
int heart_open(struct heart *heart, const struct config *config, struct pair *pair, qb_loop_t *loop,
    const struct heart_events *events, char error[HEART_ERROR_MAX]);

void heart_beat_now(struct heart *heart);

void heart_close(struct heart *heart);

#endif
