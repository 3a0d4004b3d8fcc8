/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEASE_PATH_MAX 4096
#define LEASE_MODE 0644

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock in the file would be one of this process only");

struct lease_writer {
	struct lease_file *file;
};

struct lease_reader {
	char path[LEASE_PATH_MAX];
	uid_t owner;
	struct lease_file *file; /* NULL: none that counts */
	dev_t device;
	ino_t inode;
};

enum lease_state
lease_judge(const struct lease *lease, uint64_t generation, uint64_t now_ms)
{
	if (lease->until_ms == 0)
		return LEASE_NONE;
	if (lease->generation != generation || generation == 0)
		return LEASE_OTHER;
	if (now_ms >= lease->until_ms)
		return LEASE_LAPSED;
	return lease->until_ms - now_ms > LEASE_MAX_MS ? LEASE_TOO_FAR : LEASE_HOLDS;
}

bool
lease_holds(const struct lease *lease, uint64_t generation, uint64_t now_ms)
{
	return lease_judge(lease, generation, now_ms) == LEASE_HOLDS;
}

static const struct {
	const char *name, *text;
} words[] = {
    [LEASE_HOLDS] = {"holds", "the lease holds"},
    [LEASE_NONE] = {"none", "no lease is given"},
    [LEASE_LAPSED] = {"lapsed", "the lease has lapsed"},
    [LEASE_OTHER] = {"other", "the lease is for another generation"},
    [LEASE_TOO_FAR] = {"too-far", "the lease ends later than a lease can"},
};

const char *
lease_state_name(enum lease_state state)
{
	return words[state].name;
}

const char *
lease_state_text(enum lease_state state)
{
	return words[state].text;
}

/* Is it a file that its owner alone can have made and can change, and of the right size? */
static bool
is_fit(int fd, uid_t owner, struct stat *stat_r)
{
	return fstat(fd, stat_r) == 0 && S_ISREG(stat_r->st_mode) && stat_r->st_uid == owner &&
	       (stat_r->st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
	       stat_r->st_size >= (off_t)sizeof(struct lease_file);
}

/* NULL: it cannot be mapped. */
static struct lease_file *
map_file(int fd, int protection)
{
	void *file = mmap(NULL, sizeof(struct lease_file), protection, MAP_SHARED, fd, 0);

	return file == MAP_FAILED ? NULL : file;
}

static void
unmap_file(struct lease_file **file)
{
	if (*file)
		munmap(*file, sizeof(**file));
	*file = NULL;
}

/* ---- the writer's side ---- */

static void
write_fields(struct lease_file *file, const struct lease *lease)
{
	uint64_t sequence = atomic_load_explicit(&file->sequence, memory_order_relaxed) | 1;

	atomic_store_explicit(&file->sequence, sequence, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&file->until_ms, lease->until_ms, memory_order_relaxed);
	atomic_store_explicit(&file->generation, lease->generation, memory_order_relaxed);
	atomic_store_explicit(&file->epoch, lease->epoch, memory_order_relaxed);
	atomic_store_explicit(&file->sequence, sequence + 1, memory_order_release);
}

/* The file of the writer before, or NULL if there is none that one can go on with. */
static struct lease_file *
take_over(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct lease_file *file = NULL;
	struct stat stat;

	if (fd < 0)
		return NULL;
	/* A second name for it would be a file of root's that somebody has put here. */
	if (is_fit(fd, geteuid(), &stat) && stat.st_nlink == 1 &&
	    (stat.st_mode & 07777) == LEASE_MODE && stat.st_size == (off_t)sizeof(*file))
		file = map_file(fd, PROT_READ | PROT_WRITE);
	close(fd);
	if (file && (file->magic != LEASE_MAGIC || file->version != LEASE_VERSION))
		unmap_file(&file);
	return file;
}

static int
make_fresh(const char *path, struct lease_file **file_r)
{
	char fresh[LEASE_PATH_MAX];
	struct lease_file *file;
	int fd, error = 0;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	if (unlink(fresh) != 0 && errno != ENOENT)
		return -errno;
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, LEASE_MODE);
	if (fd < 0)
		return -errno;
	/* Whatever the umask is. */
	if (fchmod(fd, LEASE_MODE) != 0 || ftruncate(fd, sizeof(*file)) != 0)
		error = -errno;
	file = error ? NULL : map_file(fd, PROT_READ | PROT_WRITE);
	if (!file && !error)
		error = -errno;
	close(fd);
	if (file) {
		file->magic = LEASE_MAGIC;
		file->version = LEASE_VERSION;
		if (rename(fresh, path) != 0)
			error = -errno;
	}
	if (error) {
		unmap_file(&file);
		unlink(fresh);
		return error;
	}
	*file_r = file;
	return 0;
}

int
lease_create(const char *path, struct lease_writer **writer_r)
{
	struct lease_file *file = take_over(path);
	int error = file ? 0 : make_fresh(path, &file);

	if (error)
		return error;
	*writer_r = calloc(1, sizeof(**writer_r));
	if (!*writer_r)
		abort();
	(*writer_r)->file = file;
	return 0;
}

void
lease_grant(struct lease_writer *writer, uint64_t generation, uint64_t until_ms, uint64_t epoch)
{
	write_fields(writer->file,
	    &(struct lease){.until_ms = until_ms, .generation = generation, .epoch = epoch});
}

void
lease_revoke(struct lease_writer *writer)
{
	write_fields(writer->file, &(struct lease){.epoch = atomic_load(&writer->file->epoch)});
}

void
lease_writer_close(struct lease_writer **writer)
{
	if (!*writer)
		return;
	unmap_file(&(*writer)->file);
	free(*writer);
	*writer = NULL;
}

/* ---- the reader's side ---- */

struct lease_reader *
lease_map(const char *path, uid_t owner)
{
	struct lease_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		abort();
	/* One that was cut is not there. */
	snprintf(reader->path, sizeof(reader->path), "%s", path);
	reader->owner = owner;
	lease_refresh(reader);
	return reader;
}

static bool
read_once(struct lease_file *file, struct lease *lease_r)
{
	uint64_t before = atomic_load_explicit(&file->sequence, memory_order_acquire);

	lease_r->until_ms = atomic_load_explicit(&file->until_ms, memory_order_relaxed);
	lease_r->generation = atomic_load_explicit(&file->generation, memory_order_relaxed);
	lease_r->epoch = atomic_load_explicit(&file->epoch, memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return (before & 1) == 0 &&
	       before == atomic_load_explicit(&file->sequence, memory_order_relaxed);
}

bool
lease_read(const struct lease_reader *reader, struct lease *lease_r)
{
	for (int i = 0; reader->file && i < LEASE_TRIES; i++)
		if (read_once(reader->file, lease_r))
			return true;
	*lease_r = (struct lease){0};
	return reader->file != NULL;
}

void
lease_refresh(struct lease_reader *reader)
{
	int fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat stat;

	/* Removed: who has it mapped, too, may go on. */
	if (fd < 0)
		return;
	if (!is_fit(fd, reader->owner, &stat)) {
		unmap_file(&reader->file);
	} else if (!reader->file || stat.st_dev != reader->device || stat.st_ino != reader->inode) {
		unmap_file(&reader->file);
		reader->file = map_file(fd, PROT_READ);
		reader->device = stat.st_dev;
		reader->inode = stat.st_ino;
	}
	close(fd);
	if (reader->file &&
	    (reader->file->magic != LEASE_MAGIC || reader->file->version != LEASE_VERSION))
		unmap_file(&reader->file);
}

void
lease_reader_close(struct lease_reader **reader)
{
	if (!*reader)
		return;
	unmap_file(&(*reader)->file);
	free(*reader);
	*reader = NULL;
}
