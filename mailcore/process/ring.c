/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/ring.h"

#include <assert.h>

uint64_t
ring_size_for(uint64_t entry_max, uint64_t floor)
{
	uint64_t size = 4096;

	assert(entry_max <= UINT32_MAX && floor <= UINT32_MAX);
	while (size < floor || ring_entry_max(size) < entry_max)
		size *= 2;
	return size;
}

bool
ring_reserve(struct ring_writer *w, uint64_t length, uint64_t *position_r)
{
	assert(length <= ring_entry_max(w->size));
	if (w->head - w->tail + length > w->size)
		return false;
	*position_r = w->head;
	w->head += length;
	return true;
}

bool
ring_release(struct ring_writer *w, uint64_t position)
{
	if (position < w->tail || position > w->head)
		return false;
	w->tail = position;
	return true;
}

bool
ring_can_take(const struct ring_reader *r, uint64_t position, uint64_t length)
{
	return position == r->position && length <= ring_entry_max(r->size);
}

bool
ring_take(struct ring_reader *r, uint64_t length)
{
	r->position += length;
	if (r->position - r->told < ring_entry_max(r->size))
		return false;
	r->told = r->position;
	return true;
}
