// SPDX-License-Identifier: BSD-2-Clause
/* Two nodes' sides of the lab's array, on files of a few blocks. */
#include "tests/lab/array.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BLOCK 4096
#define KEY(who) (UINT64_C(0xa0) + (who))
#define ACTIVE 0
#define VICTIM 1

static const char *const suffixes[] = {"", ".slots", ".reservations"};

struct fixture {
	char folder[32];
	struct array *node[2];
};

static void
path_of(const struct fixture *f, size_t part, char path[64])
{
	snprintf(path, 64, "%s/p%s", f->folder, suffixes[part]);
}

static void
order(struct fixture *f, int who, enum persist_action action, uint64_t service_key)
{
	const struct persist_order o = {
	    .action = action, .key = KEY(who), .service_key = service_key, .type = PERSIST_TYPE};

	assert_int_equal(side_out(array_reservations(f->node[who]), &o), PERSIST_GOOD);
}

/* Both are registered, the active one holds the reservation. */
static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[64];

	assert_non_null(f);
	strcpy(f->folder, "/tmp/test-array-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	for (size_t i = 0; i < 2; i++) {
		FILE *file;

		path_of(f, i, path);
		file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(ftruncate(fileno(file), 8 * BLOCK), 0);
		fclose(file);
	}
	path_of(f, 0, path);
	for (int i = 0; i < 2; i++) {
		f->node[i] = array_open(&(struct array_settings){
		    .platter = path, .initiator = i, .cache_max = 1 << 20});
		assert_non_null(f->node[i]);
		order(f, i, PERSIST_REGISTER_IGNORE, KEY(i));
	}
	order(f, ACTIVE, PERSIST_RESERVE, 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char path[64];

	for (size_t i = 0; i < 2; i++)
		array_close(&f->node[i]);
	for (size_t i = 0; i < 3; i++) {
		path_of(f, i, path);
		unlink(path);
	}
	rmdir(f->folder);
	free(f);
	return 0;
}

static void
preempt(struct fixture *f)
{
	order(f, ACTIVE, PERSIST_PREEMPT_ABORT, KEY(VICTIM));
}

static int
put(struct fixture *f, int who, enum array_device device, char with)
{
	char block[BLOCK];

	memset(block, with, sizeof(block));
	return array_write(f->node[who], device, block, sizeof(block), 2 * BLOCK);
}

static char
get(struct fixture *f, int who, enum array_device device)
{
	char byte;

	assert_int_equal(array_read(f->node[who], device, &byte, 1, 2 * BLOCK), 0);
	return byte;
}

static void
a_slot_is_seen_without_a_flush_and_a_block_is_not(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, VICTIM, ARRAY_SLOTS, 's'), 0);
	assert_int_equal(put(f, VICTIM, ARRAY_IMAGE, 'i'), 0);
	assert_int_equal(array_flush(f->node[VICTIM], ARRAY_SLOTS), 0);
	assert_int_equal(get(f, ACTIVE, ARRAY_SLOTS), 's');
	assert_int_equal(get(f, ACTIVE, ARRAY_IMAGE), 0);
	assert_int_equal(array_flush(f->node[VICTIM], ARRAY_IMAGE), 0);
	assert_int_equal(get(f, ACTIVE, ARRAY_IMAGE), 'i');
}

static void
a_barred_node_reads_but_neither_writes_nor_flushes(void **state)
{
	struct fixture *f = *state;

	preempt(f);
	for (int device = ARRAY_IMAGE; device <= ARRAY_SLOTS; device++) {
		assert_int_equal(put(f, VICTIM, (enum array_device)device, 'x'), -EIO);
		assert_int_equal(array_flush(f->node[VICTIM], (enum array_device)device), -EIO);
		assert_int_equal(get(f, VICTIM, (enum array_device)device), 0);
		assert_int_equal(put(f, ACTIVE, (enum array_device)device, 'a'), 0);
		assert_int_equal(array_flush(f->node[ACTIVE], (enum array_device)device), 0);
		assert_int_equal(get(f, VICTIM, (enum array_device)device), 'a');
	}
	assert_true(array_is_barred(f->node[VICTIM]));
	assert_false(array_is_barred(f->node[ACTIVE]));
}

static void
what_a_barred_node_had_unflushed_reaches_the_platter_in_no_way(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, VICTIM, ARRAY_IMAGE, 'x'), 0);
	preempt(f);
	assert_int_equal(array_flush(f->node[VICTIM], ARRAY_IMAGE), -EIO);
	assert_int_equal(array_scramble(f->node[VICTIM], 1000, 1), 0);
	assert_int_equal(get(f, ACTIVE, ARRAY_IMAGE), 0);
	order(f, VICTIM, PERSIST_REGISTER_IGNORE, KEY(VICTIM));
	assert_int_equal(array_unflushed(f->node[VICTIM]), 0);
	assert_int_equal(array_flush(f->node[VICTIM], ARRAY_IMAGE), 0);
	assert_int_equal(get(f, ACTIVE, ARRAY_IMAGE), 0);
}

static void
a_torn_power_cut_of_a_barred_node_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, VICTIM, ARRAY_IMAGE, 'x'), 0);
	preempt(f);
	assert_int_equal(array_scramble(f->node[VICTIM], 1000, 1), 0);
	assert_int_equal(get(f, ACTIVE, ARRAY_IMAGE), 0);
}

static void
who_may_write_again_is_told_once_what_it_lost(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, VICTIM, ARRAY_IMAGE, 'x'), 0);
	preempt(f);
	order(f, VICTIM, PERSIST_REGISTER_IGNORE, KEY(VICTIM));
	assert_int_equal(array_flush(f->node[VICTIM], ARRAY_SLOTS), 0);
	assert_int_equal(array_flush(f->node[VICTIM], ARRAY_IMAGE), -EIO);
	assert_int_equal(array_flush(f->node[VICTIM], ARRAY_IMAGE), 0);
	assert_int_equal(get(f, ACTIVE, ARRAY_IMAGE), 0);
}

static void
nothing_reaches_beyond_the_slots(void **state)
{
	struct fixture *f = *state;
	char block[BLOCK] = {0};

	assert_int_equal(array_write(f->node[0], ARRAY_SLOTS, block, BLOCK, 7 * BLOCK), 0);
	assert_int_equal(
	    array_write(f->node[0], ARRAY_SLOTS, block, BLOCK, 7 * BLOCK + 1), -EINVAL);
	assert_int_equal(array_read(f->node[0], ARRAY_SLOTS, block, 1, 8 * BLOCK), -EINVAL);
	assert_int_equal(array_read(f->node[0], ARRAY_SLOTS, block, 0, 8 * BLOCK), 0);
	assert_int_equal(array_read(f->node[0], ARRAY_SLOTS, block, 2, UINT64_MAX), -EINVAL);
}

int
main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    LAW(a_slot_is_seen_without_a_flush_and_a_block_is_not),
	    LAW(a_barred_node_reads_but_neither_writes_nor_flushes),
	    LAW(what_a_barred_node_had_unflushed_reaches_the_platter_in_no_way),
	    LAW(a_torn_power_cut_of_a_barred_node_leaves_nothing),
	    LAW(who_may_write_again_is_told_once_what_it_lost),
	    LAW(nothing_reaches_beyond_the_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
