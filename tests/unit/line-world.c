/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/line-world.h"

#include "common/clock.h"

#define DEADLINE_MS 10000
#define LOOK_NS 1000000

struct waiting {
	struct line_world *world;
	bool (*is_so)(struct line_world *world, uint64_t value);
	uint64_t value, until_ms;
	bool was_so;
};

static void
on_packet(void *context, unsigned number, struct slice packet)
{
	struct line_world *world = context;

	assert_true(packet.length <= BEAT_BYTES);
	world->heard[number]++;
	memcpy(world->last[number], packet.data, packet.length);
	world->last_length[number] = packet.length;
	if (world->stops_at_packet)
		qb_loop_stop(world->loop);
}

void
world_open(struct line_world *world)
{
	memset(world, 0, sizeof(*world));
	world->loop = qb_loop_create();
	assert_non_null(world->loop);
}

void
world_close(struct line_world *world)
{
	for (int i = 0; i < WORLD_LINES; i++)
		line_close(&world->lines[i]);
	qb_loop_destroy(world->loop);
}

void
world_line(struct line_world *world, unsigned number, const char *text)
{
	const struct line_events events = {on_packet, world};
	const struct line_setup setup = {
	    .number = number,
	    .node = (uint8_t)number,
	    .pair = 77,
	    .boot = {{(uint8_t)(1 + number)}},
	    .slot_ms = 2,
	};
	const char *reason;

	assert_int_equal(
	    line_open(slice_of(text), &setup, world->loop, &events, &world->lines[number], &reason),
	    0);
	assert_null(reason);
}

void
world_send(struct line_world *world, unsigned number, uint8_t byte)
{
	uint8_t packet[BEAT_BYTES];

	memset(packet, byte, sizeof(packet));
	line_send(world->lines[number], packet);
}

static void
look(void *data)
{
	struct waiting *w = data;

	w->was_so = w->is_so(w->world, w->value);
	if (w->was_so || clock_boot_ms() > w->until_ms)
		qb_loop_stop(w->world->loop);
	else
		qb_loop_timer_add(w->world->loop, QB_LOOP_LOW, LOOK_NS, w, look, NULL);
}

void
world_wait(struct line_world *world, bool (*is_so)(struct line_world *world, uint64_t value),
    uint64_t value)
{
	struct waiting w = {world, is_so, value, clock_boot_ms() + DEADLINE_MS, false};

	qb_loop_timer_add(world->loop, QB_LOOP_LOW, LOOK_NS, &w, look, NULL);
	qb_loop_run(world->loop);
	assert_true(w.was_so);
}

bool
world_has_heard(struct line_world *world, uint64_t count)
{
	return world->heard[0] >= count;
}

struct line_health
world_health(struct line_world *world, unsigned number)
{
	struct line_health health;

	line_health(world->lines[number], clock_boot_ms(), &health);
	return health;
}
