/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/wheel.h"

#include <stddef.h>

void
wheel_open(struct wheel *w, uint64_t now_ms)
{
	for (uint32_t i = 0; i < WHEEL_BUCKETS; i++)
		w->buckets[i].next = w->buckets[i].previous = &w->buckets[i];
	w->step = now_ms / WHEEL_STEP_MS;
	w->count = 0;
}

void
wheel_put(struct wheel *w, struct wheel_item *item, uint64_t due_ms)
{
	uint64_t step = due_ms / WHEEL_STEP_MS + 1;
	struct wheel_item *head;

	if (item->next) {
		if (item->due_ms <= due_ms)
			return;
		wheel_remove(w, item);
	}
	if (step <= w->step)
		step = w->step + 1;
	if (step - w->step >= WHEEL_BUCKETS)
		step = w->step + WHEEL_BUCKETS - 1;
	head = &w->buckets[step % WHEEL_BUCKETS];
	item->due_ms = due_ms;
	item->next = head;
	item->previous = head->previous;
	head->previous->next = item;
	head->previous = item;
	w->count++;
}

void
wheel_remove(struct wheel *w, struct wheel_item *item)
{
	if (!item->next)
		return;
	item->next->previous = item->previous;
	item->previous->next = item->next;
	item->next = item->previous = NULL;
	w->count--;
}

struct wheel_item *
wheel_pop(struct wheel *w, uint64_t now_ms)
{
	uint64_t now_step = now_ms / WHEEL_STEP_MS;

	/* After a long pause one round visits every bucket. */
	if (now_step > w->step + WHEEL_BUCKETS)
		w->step = now_step - WHEEL_BUCKETS;
	for (; w->step <= now_step; w->step++) {
		struct wheel_item *head = &w->buckets[w->step % WHEEL_BUCKETS];

		if (head->next != head) {
			struct wheel_item *item = head->next;

			wheel_remove(w, item);
			return item;
		}
		if (w->step == now_step)
			break;
	}
	return NULL;
}
