/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue -- what is going to happen in the simulation, ordered by time, then by when it was put in.
 *
 * Nothing is allocated: QUEUE_MAX events at most, and more is a mistake of the simulation.
 */
#ifndef GEMEL_SIM_QUEUE_H
#define GEMEL_SIM_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_MAX 4096

struct event {
	uint64_t at_us, order;
	uint32_t boot, run; /* of whom it is for: an event of an earlier life is dropped */
	uint32_t a;
	uint8_t kind, machine;
};

struct queue {
	struct event heap[QUEUE_MAX];
	unsigned count;
	uint64_t order;
};

void queue_put(struct queue *queue, struct event event);

/* The next one; false: there is none. */
bool queue_take(struct queue *queue, struct event *event_r);

#endif
