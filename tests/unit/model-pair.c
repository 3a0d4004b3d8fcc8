/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/model-pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define STEPS_MAX 200

struct barring_place pair_places[RESERVATION_NODES];
struct model_array pair_array;

void
pair_boot(uint8_t node, uint8_t life, unsigned paths)
{
	pair_places[node] = (struct barring_place){
	    .pair = PAIR, .node = node, .boot = {{life, 1, 2, 3, 4}}, .paths = paths};
	for (unsigned path = 0; path < paths; path++)
		snprintf(
		    pair_places[node].devices[path], BARRING_DEVICE_MAX, "/dev/sd%c", 'a' + path);
}

uint64_t
pair_key(int node)
{
	return reservation_key(PAIR, (uint8_t)node, &pair_places[node].boot);
}

void
pair_step(struct barring *b, struct model_array *array, int i, struct mishap *mishap)
{
	const struct barring_command command = b->commands[i];
	bool is_hit = mishap->commands++ == mishap->at;
	char text[MODEL_TEXT_MAX] = "";
	int status = 0;

	if (!is_hit || mishap->is_done)
		status = model_array_run(array, b->place->node, b->key, &command, text);
	if (is_hit)
		status = mishap->status;
	barring_ended(
	    b, (unsigned)i, status, slice_of(is_hit && mishap->text ? mishap->text : text));
}

struct barring
pair_run_with(int node, enum barring_kind kind, uint64_t marked, struct mishap *mishap)
{
	struct barring b;

	barring_open(&b, kind, &pair_places[node], marked);
	for (int steps = 0; b.end == BARRING_UNDER_WAY; steps++) {
		int started[BARRING_COMMANDS_MAX], count = 0, i;

		assert_true(steps < STEPS_MAX);
		while ((i = barring_next(&b)) >= 0)
			started[count++] = i;
		assert_true(count > 0);
		for (i = 0; i < count; i++)
			pair_step(&b, &pair_array, started[i], mishap);
	}
	assert_int_equal(b.end == BARRING_DONE, b.sentence[0] == '\0');
	return b;
}

struct barring
pair_run(int node, enum barring_kind kind, uint64_t marked)
{
	struct mishap mishap = {.at = -1};

	return pair_run_with(node, kind, marked, &mishap);
}

static void
register_both(void)
{
	assert_int_equal(pair_run(0, BARRING_REGISTER, 0).end, BARRING_DONE);
	assert_int_equal(pair_run(1, BARRING_REGISTER, 0).end, BARRING_DONE);
}

void
pair_start(unsigned paths)
{
	pair_array = (struct model_array){0};
	pair_boot(0, 10, paths);
	pair_boot(1, 20, paths);
	register_both();
}
