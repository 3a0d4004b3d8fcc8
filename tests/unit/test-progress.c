/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/gemel-test-progress-XXXXXX";
static char path[64], fresh[80], pid_path[64];

static int
begin(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/progress", directory);
	snprintf(fresh, sizeof(fresh), "%.64s.new", path);
	snprintf(pid_path, sizeof(pid_path), "%s/pid", directory);
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	unlink(path);
	unlink(pid_path);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void
write_file(const char *name, const void *data, size_t length)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fwrite(data, 1, length, file);
	fclose(file);
}

static void
what_the_core_writes_is_read_at_once(void **state)
{
	struct progress *written, seen;

	(void)state;
	assert_int_equal(progress_create(path, &written), 0);
	assert_int_equal(progress_read(path, &seen), 0);
	assert_int_equal(seen.role, CORE_STARTING);
	assert_int_equal(seen.accepted, 0);
	written->role = CORE_ACTIVE;
	written->accepted = UINT64_C(1) << 40;
	strcpy(written->reason, "the disk is full");
	assert_int_equal(progress_read(path, &seen), 0);
	assert_int_equal(seen.role, CORE_ACTIVE);
	assert_int_equal(seen.accepted, UINT64_C(1) << 40);
	assert_string_equal(seen.reason, "the disk is full");
	assert_int_not_equal(access(fresh, F_OK), 0);
}

/* Who maps the file of a dead core must not see the next one half written. */
static void
a_new_core_makes_a_new_file(void **state)
{
	struct progress *old, *young, seen;

	(void)state;
	assert_int_equal(progress_create(path, &old), 0);
	old->role = CORE_ACTIVE;
	assert_int_equal(progress_create(path, &young), 0);
	assert_int_equal(old->role, CORE_ACTIVE);
	assert_int_equal(progress_read(path, &seen), 0);
	assert_int_equal(seen.role, CORE_STARTING);
}

static void
everyone_may_read_and_only_the_owner_write(void **state)
{
	struct progress *progress;
	struct stat stat_r;
	mode_t before = umask(022);

	(void)state;
	assert_int_equal(progress_create(path, &progress), 0);
	umask(before);
	assert_int_equal(stat(path, &stat_r), 0);
	assert_int_equal(stat_r.st_mode & 0777, 0644);
}

static void
a_file_that_is_not_there_is_told_apart(void **state)
{
	struct progress seen, *progress;

	(void)state;
	assert_int_equal(progress_read(path, &seen), -ENOENT);
	assert_int_equal(progress_create("/nonexistent/progress", &progress), -ENOENT);
}

static void
a_short_or_foreign_file_is_not_believed(void **state)
{
	struct progress good = {.magic = PROGRESS_MAGIC, .version = PROGRESS_VERSION}, bad = good;
	struct progress seen;

	(void)state;
	write_file(path, &good, sizeof(good));
	assert_int_equal(progress_read(path, &seen), 0);
	write_file(path, &good, sizeof(good) - 1);
	assert_int_equal(progress_read(path, &seen), -EPROTO);
	write_file(path, "", 0);
	assert_int_equal(progress_read(path, &seen), -EPROTO);
	bad.magic++;
	write_file(path, &bad, sizeof(bad));
	assert_int_equal(progress_read(path, &seen), -EPROTO);
	bad = good;
	bad.version++;
	write_file(path, &bad, sizeof(bad));
	assert_int_equal(progress_read(path, &seen), -EPROTO);
}

static void
a_reason_without_an_end_is_ended(void **state)
{
	struct progress torn = {.magic = PROGRESS_MAGIC, .version = PROGRESS_VERSION}, seen;

	(void)state;
	memset(torn.reason, 'x', sizeof(torn.reason));
	write_file(path, &torn, sizeof(torn));
	assert_int_equal(progress_read(path, &seen), 0);
	assert_int_equal(strlen(seen.reason), PROGRESS_REASON_MAX - 1);
}

/* Nobody may lead a monitor that runs as root to another file. */
static void
a_link_is_not_followed(void **state)
{
	struct progress seen;

	(void)state;
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(progress_read(path, &seen), -ELOOP);
	assert_int_equal(symlink("/dev/zero", pid_path), 0);
	assert_int_equal(progress_core_pid(pid_path), -ELOOP);
}

/* A process that locks the pid file as the core does, until its standard input ends. */
static pid_t
start_holder(int *stop_r)
{
	int ready[2], stop[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(stop), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		int fd = open(pid_path, O_RDWR | O_CREAT, 0644);

		close(stop[1]);
		_exit(fcntl(fd, F_SETLK, &lock) != 0 || write(ready[1], "", 1) != 1 ||
		      read(stop[0], &byte, 1) != 0);
	}
	close(ready[1]);
	close(stop[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*stop_r = stop[1];
	return pid;
}

static void
a_core_lives_as_long_as_its_lock(void **state)
{
	int stop, status;
	pid_t pid;

	(void)state;
	assert_int_equal(progress_core_pid(pid_path), 0);
	pid = start_holder(&stop);
	assert_int_equal(progress_core_pid(pid_path), pid);
	close(stop);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(progress_core_pid(pid_path), 0);
}

static void
a_number_in_the_pid_file_is_no_proof_of_life(void **state)
{
	char text[32];

	(void)state;
	write_file(pid_path, text, (size_t)snprintf(text, sizeof(text), "%d\n", (int)getppid()));
	assert_int_equal(progress_core_pid(pid_path), 0);
}

static void
every_role_has_a_name(void **state)
{
	(void)state;
	for (uint32_t role = CORE_STARTING; role <= CORE_ENDED; role++)
		assert_string_not_equal(core_role_name(role), "unknown");
	assert_string_equal(core_role_name(CORE_ACTIVE), "active");
	assert_string_equal(core_role_name(0), "unknown");
	assert_string_equal(core_role_name(CORE_ENDED + 1), "unknown");
}

#define LAW(name) cmocka_unit_test_teardown(name, clean)

static const struct CMUnitTest tests[] = {
    LAW(what_the_core_writes_is_read_at_once),
    LAW(a_new_core_makes_a_new_file),
    LAW(everyone_may_read_and_only_the_owner_write),
    LAW(a_file_that_is_not_there_is_told_apart),
    LAW(a_short_or_foreign_file_is_not_believed),
    LAW(a_reason_without_an_end_is_ended),
    LAW(a_link_is_not_followed),
    LAW(a_core_lives_as_long_as_its_lock),
    LAW(a_number_in_the_pid_file_is_no_proof_of_life),
    LAW(every_role_has_a_name),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, begin, end);
}
