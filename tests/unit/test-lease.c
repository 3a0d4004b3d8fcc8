/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define NOW UINT64_C(1000000)
#define GENERATION 7

static char directory[] = "/tmp/gemel-test-lease-XXXXXX";
static char path[64], other_path[64];
static struct lease_writer *writer;
static struct lease_reader *reader;

static int
begin(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/lease", directory);
	snprintf(other_path, sizeof(other_path), "%s/other", directory);
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	lease_writer_close(&writer);
	lease_reader_close(&reader);
	unlink(path);
	unlink(other_path);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void
write_lease(void)
{
	assert_int_equal(lease_create(path, &writer), 0);
}

static void
restart_writer(void)
{
	lease_writer_close(&writer);
	write_lease();
}

static void
read_lease(void)
{
	reader = lease_map(path, geteuid());
}

static enum lease_state
seen(void)
{
	struct lease lease;

	lease_read(reader, &lease);
	return lease_judge(&lease, GENERATION, NOW);
}

static bool
has_file(void)
{
	struct lease lease;

	return lease_read(reader, &lease);
}

/* Put bytes over what the file says. */
static void
scribble(const void *bytes, size_t length, off_t offset)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, length, offset), length);
	close(fd);
}

/* ---- what a lease means ---- */

static enum lease_state
judged(uint64_t until_ms, uint64_t generation)
{
	struct lease lease = {.until_ms = until_ms, .generation = generation};
	enum lease_state state = lease_judge(&lease, GENERATION, NOW);

	assert_int_equal(lease_holds(&lease, GENERATION, NOW), state == LEASE_HOLDS);
	return state;
}

static void
a_lease_holds_until_its_last_millisecond(void **state)
{
	(void)state;
	assert_int_equal(judged(NOW + 1, GENERATION), LEASE_HOLDS);
	assert_int_equal(judged(NOW, GENERATION), LEASE_LAPSED);
	assert_int_equal(judged(NOW - 1, GENERATION), LEASE_LAPSED);
	assert_int_equal(judged(1, GENERATION), LEASE_LAPSED);
	assert_int_equal(judged(0, GENERATION), LEASE_NONE);
}

static void
a_lease_that_ends_too_late_is_none(void **state)
{
	(void)state;
	assert_int_equal(judged(NOW + LEASE_MAX_MS, GENERATION), LEASE_HOLDS);
	assert_int_equal(judged(NOW + LEASE_MAX_MS + 1, GENERATION), LEASE_TOO_FAR);
	assert_int_equal(judged(UINT64_MAX, GENERATION), LEASE_TOO_FAR);
}

static void
a_lease_is_for_its_generation_alone(void **state)
{
	struct lease nobody = {.until_ms = NOW + 1};

	(void)state;
	assert_int_equal(judged(NOW + 1, GENERATION - 1), LEASE_OTHER);
	assert_int_equal(judged(NOW + 1, GENERATION + 1), LEASE_OTHER);
	/* A core that was never promoted. */
	assert_false(lease_holds(&nobody, 0, NOW));
}

static void
every_state_has_words(void **state)
{
	(void)state;
	for (int s = LEASE_HOLDS; s <= LEASE_TOO_FAR; s++) {
		assert_true(*lease_state_name((enum lease_state)s));
		assert_true(*lease_state_text((enum lease_state)s));
	}
}

/* ---- the file ---- */

static void
what_is_granted_is_seen_at_once_and_what_is_revoked_too(void **state)
{
	struct lease lease;

	(void)state;
	write_lease();
	read_lease();
	assert_true(has_file());
	assert_int_equal(seen(), LEASE_NONE);
	lease_grant(writer, GENERATION, NOW + 500, 3);
	assert_int_equal(seen(), LEASE_HOLDS);
	lease_read(reader, &lease);
	assert_int_equal(lease.epoch, 3);
	lease_grant(writer, GENERATION + 1, NOW + 500, 3);
	assert_int_equal(seen(), LEASE_OTHER);
	lease_revoke(writer);
	assert_int_equal(seen(), LEASE_NONE);
	lease_read(reader, &lease);
	assert_int_equal(lease.epoch, 3);
}

static void
a_writer_that_starts_again_is_seen_by_who_has_the_file_mapped(void **state)
{
	(void)state;
	write_lease();
	read_lease();
	lease_grant(writer, GENERATION, NOW + 500, 0);
	restart_writer();
	/* What the one before gave stands. */
	assert_int_equal(seen(), LEASE_HOLDS);
	lease_revoke(writer);
	assert_int_equal(seen(), LEASE_NONE);
	lease_grant(writer, GENERATION, NOW + 1000, 0);
	assert_int_equal(seen(), LEASE_HOLDS);
}

static void
a_reader_that_found_none_finds_one_later(void **state)
{
	(void)state;
	read_lease();
	assert_false(has_file());
	write_lease();
	lease_grant(writer, GENERATION, NOW + 500, 0);
	assert_false(has_file());
	lease_refresh(reader);
	assert_int_equal(seen(), LEASE_HOLDS);
	/* Again, and nothing is lost. */
	lease_refresh(reader);
	assert_int_equal(seen(), LEASE_HOLDS);
}

static void
a_reader_finds_the_file_that_replaced_its_own(void **state)
{
	(void)state;
	write_lease();
	read_lease();
	unlink(path);
	lease_grant(writer, GENERATION, NOW + 500, 0);
	lease_refresh(reader);
	assert_int_equal(seen(), LEASE_HOLDS);
	restart_writer();
	lease_refresh(reader);
	assert_int_equal(seen(), LEASE_NONE);
	lease_grant(writer, GENERATION, NOW + 500, 0);
	assert_int_equal(seen(), LEASE_HOLDS);
}

static void
everyone_may_read_and_only_the_owner_write(void **state)
{
	mode_t before = umask(077);
	struct stat stat_r;

	(void)state;
	write_lease();
	umask(before);
	assert_int_equal(stat(path, &stat_r), 0);
	assert_int_equal(stat_r.st_mode & 07777, 0644);
}

static void
a_file_of_somebody_else_is_no_lease(void **state)
{
	(void)state;
	write_lease();
	lease_grant(writer, GENERATION, NOW + 500, 0);
	reader = lease_map(path, geteuid() + 1);
	assert_false(has_file());
	lease_reader_close(&reader);
	/* One that others may write is anybody's. */
	chmod(path, 0664);
	read_lease();
	assert_false(has_file());
	chmod(path, 0646);
	lease_refresh(reader);
	assert_false(has_file());
	chmod(path, 0644);
	lease_refresh(reader);
	assert_int_equal(seen(), LEASE_HOLDS);
}

static void
a_short_or_foreign_file_is_no_lease_and_is_replaced(void **state)
{
	static const uint32_t wrong = 99;
	static const off_t fields[] = {
	    offsetof(struct lease_file, magic), offsetof(struct lease_file, version)};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		write_lease();
		lease_grant(writer, GENERATION, NOW + 500, 0);
		lease_writer_close(&writer);
		if (i < 2)
			scribble(&wrong, sizeof(wrong), fields[i]);
		else
			assert_int_equal(truncate(path, sizeof(struct lease_file) - 1), 0);
		read_lease();
		assert_false(has_file());
		write_lease();
		lease_refresh(reader);
		assert_true(has_file());
		assert_int_equal(seen(), LEASE_NONE);
		clean(NULL);
	}
}

/* Root must not write where the owner of the directory leads it: by a link, or by a second name. */
static void
the_file_of_another_name_is_left_alone(void **state)
{
	struct stat stat_r;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lease_create(other_path, &writer), 0);
		lease_writer_close(&writer);
		assert_int_equal(i ? link(other_path, path) : symlink(other_path, path), 0);
		if (i == 0) {
			read_lease();
			assert_false(has_file());
			lease_reader_close(&reader);
		}
		write_lease();
		lease_grant(writer, GENERATION, NOW + 500, 0);
		reader = lease_map(other_path, geteuid());
		assert_int_equal(seen(), LEASE_NONE);
		assert_int_equal(lstat(path, &stat_r), 0);
		assert_true(S_ISREG(stat_r.st_mode));
		clean(NULL);
	}
}

static void
what_cannot_be_made_is_told(void **state)
{
	(void)state;
	assert_int_equal(lease_create("/nonexistent/lease", &writer), -ENOENT);
	assert_int_equal(lease_create(directory, &writer), -EISDIR);
}

/* A writer that was killed while it wrote. */
static void
a_half_written_lease_is_none_until_the_next_grant(void **state)
{
	const uint64_t odd = 1;

	(void)state;
	write_lease();
	lease_grant(writer, GENERATION, NOW + 500, 0);
	read_lease();
	scribble(&odd, sizeof(odd), offsetof(struct lease_file, sequence));
	assert_int_equal(seen(), LEASE_NONE);
	restart_writer();
	assert_int_equal(seen(), LEASE_NONE);
	lease_grant(writer, GENERATION, NOW + 500, 0);
	assert_int_equal(seen(), LEASE_HOLDS);
}

/* ---- while it is written ---- */

#define READS 200000

static atomic_bool stop;

static void *
hammer(void *unused)
{
	(void)unused;
	for (uint64_t n = 1; !atomic_load(&stop); n++)
		lease_grant(writer, n, n + NOW, 2 * n);
	return NULL;
}

static void
a_reader_never_sees_half_of_one_lease_and_half_of_another(void **state)
{
	uint64_t different = 0, before = 0;
	pthread_t thread;

	(void)state;
	write_lease();
	read_lease();
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, hammer, NULL), 0);
	/* Until it was seen in many states, however the two are scheduled. */
	for (unsigned reads = 0; reads < READS || different < 10; reads++) {
		struct lease lease;

		assert_true(lease_read(reader, &lease));
		if (lease.until_ms == 0)
			continue;
		assert_int_equal(lease.until_ms, lease.generation + NOW);
		assert_int_equal(lease.epoch, 2 * lease.generation);
		different += lease.generation != before;
		before = lease.generation;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

#define LAW(name) cmocka_unit_test_teardown(name, clean)

static const struct CMUnitTest tests[] = {
    LAW(a_lease_holds_until_its_last_millisecond),
    LAW(a_lease_that_ends_too_late_is_none),
    LAW(a_lease_is_for_its_generation_alone),
    LAW(every_state_has_words),
    LAW(what_is_granted_is_seen_at_once_and_what_is_revoked_too),
    LAW(a_writer_that_starts_again_is_seen_by_who_has_the_file_mapped),
    LAW(a_reader_that_found_none_finds_one_later),
    LAW(a_reader_finds_the_file_that_replaced_its_own),
    LAW(everyone_may_read_and_only_the_owner_write),
    LAW(a_file_of_somebody_else_is_no_lease),
    LAW(a_short_or_foreign_file_is_no_lease_and_is_replaced),
    LAW(the_file_of_another_name_is_left_alone),
    LAW(what_cannot_be_made_is_told),
    LAW(a_half_written_lease_is_none_until_the_next_grant),
    LAW(a_reader_never_sees_half_of_one_lease_and_half_of_another),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, begin, end);
}
