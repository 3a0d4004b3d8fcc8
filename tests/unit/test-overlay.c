// SPDX-License-Identifier: BSD-2-Clause
/* The lab disk's volatile cache, on a file of a few blocks. */
#include "tests/lab/overlay.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BLOCKS 64
#define SIZE ((uint64_t)BLOCKS * OVERLAY_BLOCK)

struct fixture {
	FILE *file;
	int fd;
	struct overlay *o;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->file = tmpfile();
	assert_non_null(f->file);
	f->fd = fileno(f->file);
	assert_int_equal(ftruncate(f->fd, (off_t)SIZE), 0);
	f->o = overlay_open(f->fd, SIZE);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	overlay_close(&f->o);
	overlay_close(&f->o);
	fclose(f->file);
	free(f);
	return 0;
}

static void
power_cut(struct fixture *f)
{
	overlay_close(&f->o);
	f->o = overlay_open(f->fd, SIZE);
}

static void
put(struct fixture *f, uint64_t off, size_t len, char with)
{
	char data[3 * OVERLAY_BLOCK];

	memset(data, with, len);
	assert_int_equal(overlay_write(f->o, data, len, off), 0);
}

static char
get(struct fixture *f, uint64_t off)
{
	char byte;

	assert_int_equal(overlay_read(f->o, &byte, 1, off), 0);
	return byte;
}

static void
power_cut_loses_what_was_not_flushed(void **state)
{
	struct fixture *f = *state;

	put(f, 0, OVERLAY_BLOCK, 'a');
	assert_int_equal(overlay_flush(f->o), 0);
	put(f, 0, OVERLAY_BLOCK, 'b');
	put(f, 5 * OVERLAY_BLOCK, OVERLAY_BLOCK, 'c');
	assert_int_equal(get(f, 0), 'b');
	assert_int_equal(overlay_dirty(f->o), 2 * OVERLAY_BLOCK);
	power_cut(f);
	assert_int_equal(get(f, 0), 'a');
	assert_int_equal(get(f, 5 * OVERLAY_BLOCK), 0);
	assert_int_equal(overlay_dirty(f->o), 0);
}

static void
flush_keeps_all_in_whatever_order_it_came(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < BLOCKS; i++) {
		uint64_t nr = (uint64_t)(i * 37 % BLOCKS);

		put(f, nr * OVERLAY_BLOCK, OVERLAY_BLOCK, (char)('A' + nr % 26));
	}
	assert_int_equal(overlay_flush(f->o), 0);
	power_cut(f);
	for (uint64_t nr = 0; nr < BLOCKS; nr++) {
		assert_int_equal(get(f, nr * OVERLAY_BLOCK), 'A' + nr % 26);
		assert_int_equal(get(f, nr * OVERLAY_BLOCK + OVERLAY_BLOCK - 1), 'A' + nr % 26);
	}
}

static void
part_of_a_block_leaves_the_rest_as_it_was(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2 * OVERLAY_BLOCK, 'a');
	assert_int_equal(overlay_flush(f->o), 0);
	put(f, OVERLAY_BLOCK - 2, 4, 'b');
	assert_int_equal(get(f, OVERLAY_BLOCK - 3), 'a');
	assert_int_equal(get(f, OVERLAY_BLOCK - 2), 'b');
	assert_int_equal(get(f, OVERLAY_BLOCK + 1), 'b');
	assert_int_equal(get(f, OVERLAY_BLOCK + 2), 'a');
	assert_int_equal(overlay_flush(f->o), 0);
	power_cut(f);
	assert_int_equal(get(f, OVERLAY_BLOCK - 3), 'a');
	assert_int_equal(get(f, OVERLAY_BLOCK + 1), 'b');
}

static void
read_mixes_memory_and_platter(void **state)
{
	struct fixture *f = *state;
	char data[4 * OVERLAY_BLOCK];

	put(f, 0, OVERLAY_BLOCK, 'a');
	put(f, 2 * OVERLAY_BLOCK, OVERLAY_BLOCK, 'c');
	assert_int_equal(overlay_flush(f->o), 0);
	put(f, OVERLAY_BLOCK, OVERLAY_BLOCK, 'b');
	assert_int_equal(overlay_read(f->o, data, sizeof(data) - 20, 10), 0);
	assert_int_equal(data[0], 'a');
	assert_int_equal(data[OVERLAY_BLOCK], 'b');
	assert_int_equal(data[2 * OVERLAY_BLOCK], 'c');
	assert_int_equal(data[3 * OVERLAY_BLOCK], 0);
}

static void
nothing_reaches_beyond_the_end(void **state)
{
	struct fixture *f = *state;
	char data[2] = "x";

	assert_int_equal(overlay_size(f->o), SIZE);
	assert_int_equal(overlay_write(f->o, data, 1, SIZE), -EINVAL);
	assert_int_equal(overlay_write(f->o, data, 2, SIZE - 1), -EINVAL);
	assert_int_equal(overlay_read(f->o, data, 2, SIZE - 1), -EINVAL);
	assert_int_equal(overlay_read(f->o, data, 1, UINT64_MAX), -EINVAL);
	assert_int_equal(overlay_write(f->o, data, 1, SIZE - 1), 0);
}

static void
scrambled_power_cut_keeps_a_part(void **state)
{
	struct fixture *f = *state;
	int kept = 0;

	for (uint64_t nr = 0; nr < BLOCKS; nr++)
		put(f, nr * OVERLAY_BLOCK, OVERLAY_BLOCK, 'a');
	assert_int_equal(overlay_scramble(f->o, 500, 1), 0);
	power_cut(f);
	for (uint64_t nr = 0; nr < BLOCKS; nr++)
		kept += get(f, nr * OVERLAY_BLOCK) == 'a';
	assert_in_range(kept, BLOCKS / 4, BLOCKS * 3 / 4);
}

static void
failed_flush_loses_nothing(void **state)
{
	struct fixture *f = *state;
	int fd = dup(f->fd);
	int pipes[2];

	assert_true(fd >= 0);
	assert_int_equal(pipe(pipes), 0);
	put(f, 0, OVERLAY_BLOCK, 'a');
	dup2(pipes[1], f->fd); /* a pipe takes no pwritev */
	assert_int_equal(overlay_flush(f->o), -ESPIPE);
	assert_int_equal(overlay_dirty(f->o), OVERLAY_BLOCK);
	dup2(fd, f->fd);
	assert_int_equal(overlay_flush(f->o), 0);
	power_cut(f);
	assert_int_equal(get(f, 0), 'a');
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(power_cut_loses_what_was_not_flushed, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		flush_keeps_all_in_whatever_order_it_came, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		part_of_a_block_leaves_the_rest_as_it_was, setup, teardown),
	    cmocka_unit_test_setup_teardown(read_mixes_memory_and_platter, setup, teardown),
	    cmocka_unit_test_setup_teardown(nothing_reaches_beyond_the_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(scrambled_power_cut_keeps_a_part, setup, teardown),
	    cmocka_unit_test_setup_teardown(failed_flush_loses_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
