/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/queue.h"

#include <stdlib.h>

static bool
is_before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void
queue_put(struct queue *q, struct event event)
{
	unsigned at = q->count++;

	if (at == QUEUE_MAX)
		abort();
	event.order = q->order++;
	while (at > 0 && is_before(&event, &q->heap[(at - 1) / 2])) {
		q->heap[at] = q->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	q->heap[at] = event;
}

bool
queue_take(struct queue *q, struct event *event_r)
{
	struct event last;
	unsigned at = 0, child;

	if (q->count == 0)
		return false;
	*event_r = q->heap[0];
	last = q->heap[--q->count];
	while ((child = 2 * at + 1) < q->count) {
		if (child + 1 < q->count && is_before(&q->heap[child + 1], &q->heap[child]))
			child++;
		if (!is_before(&q->heap[child], &last))
			break;
		q->heap[at] = q->heap[child];
		at = child;
	}
	q->heap[at] = last;
	return true;
}
