/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker in a stranger's hands can say to the core: any frames, in any
 * order, between any answers. Whatever the guard lets through must lie within
 * the ring and the limits, and strict decoding gives back the same bytes.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mailcore/process/guard.h"
#include "mailcore/spool/envelope.h"

#define RING_BYTES (8u << 20)
#define SESSIONS 4

static const struct smtp_settings settings = {
    .message_max_bytes = 3000000, .inline_max_bytes = 65536, .sessions_max = SESSIONS};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

/* The fuzzer rarely guesses 64 bits right: the first byte says whether to help it. */
static void
help(const struct guard *g, uint8_t how, struct frame *f)
{
	if (how & 1)
		f->position = g->ring.position;
	if (how & 2)
		f->session = (uint64_t)(1 + (how >> 6)) << 32 | (how >> 2) % SESSIONS;
	if (how & 4)
		f->first %= 70000;
	if (how & 8)
		f->second %= 70000;
}

static void
check_laws(struct guard *g, const struct frame *f)
{
	uint64_t bytes = (uint64_t)f->first + f->second;

	if (f->type == FRAME_RECIPIENT || f->type == FRAME_STAGE || f->type == FRAME_COMMIT) {
		assert(f->position == g->ring.position);
		assert(bytes <= ring_entry_max(RING_BYTES));
		assert(bytes <= guard_entry_max(&settings));
		ring_take(&g->ring, bytes);
	}
	assert(g->sessions <= SESSIONS);
	assert(g->open_bytes <= SESSIONS * guard_entry_max(&settings));
}

static void
say(struct guard *g, const uint8_t *data)
{
	uint8_t again[FRAME_BYTES];
	struct frame f;

	if (!frame_decode(data + 1, FRAME_FROM_WORKER, &f))
		return;
	frame_encode(&f, again);
	assert(memcmp(again, data + 1, FRAME_BYTES) == 0);
	if (f.type == FRAME_RECIPIENT || f.type == FRAME_STAGE || f.type == FRAME_COMMIT)
		help(g, data[0], &f);
	if (guard_check(g, &f) == GUARD_OK)
		check_laws(g, &f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct guard g;

	guard_open(&g, &settings, RING_BYTES);
	for (; length > FRAME_BYTES; data += FRAME_BYTES + 1, length -= FRAME_BYTES + 1) {
		say(&g, data);
		if (data[0] & 0x20)
			for (int t = FRAME_RECIPIENT_ANSWER; t <= FRAME_COMMIT_ANSWER; t++)
				guard_answer(
				    &g, g.slots[data[0] % SESSIONS].session, (enum frame_type)t);
	}
	guard_close(&g);
	return 0;
}
