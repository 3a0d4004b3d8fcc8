/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/retry.h"

#include <stdlib.h>

#define FIRST_ROOM 64

/* Put task into the hole at, or above it where it belongs. */
static void
heap_place(struct task **heap, size_t at, struct task *task)
{
	for (; at > 0 && heap[(at - 1) / 2]->due_ms > task->due_ms; at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = task;
}

void
retry_push(struct retry *retry, struct task *task)
{
	if (retry->count == retry->room) {
		retry->room = retry->room ? 2 * retry->room : FIRST_ROOM;
		retry->heap = realloc(retry->heap, retry->room * sizeof(struct task *));
		if (!retry->heap)
			abort();
	}
	heap_place(retry->heap, retry->count++, task);
}

struct task *
retry_pop(struct retry *retry, uint64_t now_ms)
{
	struct task **heap = retry->heap;
	struct task *top;
	size_t at = 0;

	if (retry->count == 0 || heap[0]->due_ms > now_ms)
		return NULL;
	top = heap[0];
	retry->count--;
	/* The hole on top goes down to a leaf; the last one goes there, and up to its place. */
	for (size_t child = 1; child < retry->count; child = 2 * at + 1) {
		if (child + 1 < retry->count && heap[child + 1]->due_ms < heap[child]->due_ms)
			child++;
		heap[at] = heap[child];
		at = child;
	}
	if (retry->count > 0)
		heap_place(heap, at, heap[retry->count]);
	return top;
}

void
retry_hurry(struct retry *retry, bool (*is_meant)(const struct task *task, void *context),
    void *context, uint64_t now_ms)
{
	/* One that is due earlier only moves up, and down comes what was looked at. */
	for (size_t i = 0; i < retry->count; i++) {
		struct task *task = retry->heap[i];

		if (task->due_ms <= now_ms || !is_meant(task, context))
			continue;
		task->due_ms = now_ms;
		heap_place(retry->heap, i, task);
	}
}

void
retry_close(struct retry *retry)
{
	struct task *task;

	while ((task = retry_pop(retry, UINT64_MAX)) != NULL)
		free(task);
	free(retry->heap);
	*retry = (struct retry){0};
}

uint64_t
retry_pause_ms(uint32_t first_ms, uint32_t last_ms, uint32_t attempts)
{
	uint64_t pause = first_ms;

	while (attempts-- > 1 && pause < last_ms)
		pause *= 2;
	return pause < last_ms ? pause : last_ms;
}
