/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/sight.h"

#include "common/clock.h"
#include "common/latch.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 10000

struct world {
	char directory[64];
	struct sight sight;
	struct watch_sight seen;
	pid_t core;
};

static void
path_of(const struct world *w, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", w->directory, name);
}

static int
lock_file(const struct world *w, const char *name)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[128];
	int fd;

	path_of(w, name, path);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	return fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 ? fd : -1;
}

/* A process that is to sight what the core is. It ticks once. */
static _Noreturn void
be_core(const struct world *w, int ready)
{
	struct progress *progress;
	char path[128];

	path_of(w, "progress", path);
	if (lock_file(w, "mailcored.pid") < 0 || progress_create(path, &progress) != 0)
		_exit(1);
	progress->role = CORE_STANDBY;
	progress->workers = 3;
	progress->tick_ms = clock_boot_ms();
	if (write(ready, "!", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void
core_start(struct world *w)
{
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	w->core = fork();
	assert_true(w->core >= 0);
	if (w->core == 0)
		be_core(w, ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
}

static void
core_end(struct world *w, int signal)
{
	if (w->core <= 0)
		return;
	kill(w->core, signal);
	waitpid(w->core, NULL, 0);
	w->core = 0;
}

static const struct watch_sight *
look(struct world *w)
{
	sight_look(&w->sight, &w->seen);
	return &w->seen;
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	strcpy(w->directory, "/tmp/test-sight-XXXXXX");
	if (!mkdtemp(w->directory))
		abort();
	sight_open(&w->sight, w->directory);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const files[] = {"mailcored.pid", "progress", LATCH_FILE};
	struct world *w = *state;
	char path[128];

	core_end(w, SIGKILL);
	sight_close(&w->sight);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		path_of(w, files[i], path);
		unlink(path);
	}
	rmdir(w->directory);
	free(w);
	return 0;
}

static void
a_core_is_found_seen_dying_and_found_again(void **state)
{
	struct world *w = *state;
	uint64_t first;

	assert_int_equal(look(w)->life, 0);
	core_start(w);
	first = look(w)->life;
	assert_int_not_equal(first, 0);
	assert_true(w->seen.is_alive);
	assert_int_equal(w->seen.role, CORE_STANDBY);
	assert_int_equal(w->seen.workers, 3);
	core_end(w, SIGKILL);
	assert_int_equal(look(w)->life, first);
	assert_false(w->seen.is_alive);
	assert_int_equal(w->seen.role, CORE_STANDBY);
	core_start(w);
	assert_int_not_equal(look(w)->life, first);
	assert_true(w->seen.is_alive);
}

static void
the_words_of_a_life_before_are_not_taken_for_this_one(void **state)
{
	struct world *w = *state;
	struct progress *progress;
	char path[128];

	core_start(w);
	/* What the file says is older than the process. */
	path_of(w, "progress", path);
	assert_int_equal(progress_create(path, &progress), 0);
	progress->role = CORE_ACTIVE;
	progress->tick_ms = 1;
	assert_int_equal(look(w)->role, 0);
	progress->tick_ms = clock_boot_ms();
	assert_int_equal(look(w)->role, CORE_ACTIVE);
}

static void
a_core_that_a_signal_stopped_is_seen_so(void **state)
{
	struct world *w = *state;
	uint64_t end_ms = clock_boot_ms() + WAIT_MS;

	core_start(w);
	assert_false(look(w)->is_stopped);
	kill(w->core, SIGSTOP);
	while (!look(w)->is_stopped && clock_boot_ms() < end_ms)
		poll(NULL, 0, 1);
	assert_true(w->seen.is_stopped);
	assert_true(w->seen.is_alive);
	kill(w->core, SIGCONT);
	while (look(w)->is_stopped && clock_boot_ms() < end_ms)
		poll(NULL, 0, 1);
	assert_false(w->seen.is_stopped);
}

static void
an_action_is_seen_while_its_lock_is_held(void **state)
{
	struct world *w = *state;
	int ready[2];
	char byte;
	pid_t action;

	assert_false(look(w)->is_acting);
	assert_int_equal(pipe(ready), 0);
	action = fork();
	if (action == 0) {
		if (latch_enter(w->directory, true) != 0 || write(ready[1], "!", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_true(look(w)->is_acting);
	kill(action, SIGKILL);
	waitpid(action, NULL, 0);
	assert_false(look(w)->is_acting);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_core_is_found_seen_dying_and_found_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		the_words_of_a_life_before_are_not_taken_for_this_one, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_core_that_a_signal_stopped_is_seen_so, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		an_action_is_seen_while_its_lock_is_held, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
