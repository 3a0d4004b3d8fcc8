/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/fake-disk.h"

#include "common/disk.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512u
#define DIRECT 4096u
#define FD_MAX 4096

struct inode {
	uint8_t *data, *durable;
	uint8_t *dirty; /* one for each sector */
	size_t length, durable_length, capacity;
	uint64_t errors; /* failed syncs */
	struct inode *next;
};

struct entry {
	char *path;
	struct inode *inode; /* NULL: a directory */
};

struct tree {
	struct entry *entries;
	size_t count, room;
};

enum change_kind {
	CHANGE_ADD,
	CHANGE_DROP,
	CHANGE_MOVE,
	CHANGE_SWAP,
};

/* An operation on the tree that is not durable. */
struct change {
	enum change_kind kind;
	char *path, *to;
	struct inode *inode;
};

struct descriptor {
	bool is_open;
	struct inode *inode;
	char *path;
	uint64_t errors_seen, losses_seen;
	bool is_direct;
};

static struct {
	pthread_mutex_t lock;
	struct tree now, durable;
	struct change *changes;
	size_t change_count, change_room;
	struct inode *inodes;
	struct descriptor descriptors[FD_MAX];
	int first_fd; /* goes up with each life, so that an old one is never taken for a new one */
	uint64_t calls, fail_at, stop_at, lose_at, limit;
	uint64_t losses;               /* of what was written, in the whole file system */
	const struct inode *bad_inode; /* with a sector that cannot be read */
	uint64_t bad_offset;
	int fail_with;
	bool is_stopped, was_reached, counts_reads, hangs;
	enum fake_writes writes;
	size_t hanging; /* calls that wait for released */
	pthread_cond_t released;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER,
    .released = PTHREAD_COND_INITIALIZER,
    .first_fd = FD_MAX,
    .limit = UINT64_MAX};

static void *
must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* -- trees -- */

static struct entry *
tree_find(const struct tree *tree, const char *path)
{
	for (size_t i = 0; i < tree->count; i++)
		if (strcmp(tree->entries[i].path, path) == 0)
			return &tree->entries[i];
	return NULL;
}

static void
tree_drop(struct tree *tree, const char *path)
{
	struct entry *entry = tree_find(tree, path);

	if (!entry)
		return;
	free(entry->path);
	*entry = tree->entries[--tree->count];
}

static void
tree_add(struct tree *tree, const char *path, struct inode *inode)
{
	tree_drop(tree, path);
	if (tree->count == tree->room) {
		tree->room = tree->room ? tree->room * 2 : 64;
		tree->entries = must(realloc(tree->entries, tree->room * sizeof(*tree->entries)));
	}
	tree->entries[tree->count++] = (struct entry){must(strdup(path)), inode};
}

static void
tree_swap(struct tree *tree, const char *one, const char *other)
{
	struct entry *a = must(tree_find(tree, one)), *b = must(tree_find(tree, other));
	struct inode *inode = a->inode;

	a->inode = b->inode;
	b->inode = inode;
}

static void
tree_clear(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free(tree->entries[i].path);
	tree->count = 0;
}

/* Is path an entry of directory? */
static bool
is_in(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	if (strcmp(directory, "/") == 0)
		length = 0;
	return strncmp(path, directory, length) == 0 && path[length] == '/' && path[length + 1] &&
	       !strchr(path + length + 1, '/');
}

static bool
has_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[1024];
	struct entry *entry;

	if (!slash)
		return false;
	if (slash == path)
		return true;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	entry = tree_find(&disk.now, parent);
	return entry && !entry->inode;
}

static void
change_apply(struct tree *tree, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_ADD:
		tree_add(tree, change->path, change->inode);
		break;
	case CHANGE_DROP:
		tree_drop(tree, change->path);
		break;
	case CHANGE_MOVE:
		tree_drop(tree, change->path);
		tree_add(tree, change->to, change->inode);
		break;
	case CHANGE_SWAP:
		tree_swap(tree, change->path, change->to);
		break;
	}
}

static void
change_make(enum change_kind kind, const char *path, const char *to, struct inode *inode)
{
	struct change change = {kind, must(strdup(path)), to ? must(strdup(to)) : NULL, inode};

	if (disk.change_count == disk.change_room) {
		disk.change_room = disk.change_room ? disk.change_room * 2 : 64;
		disk.changes = must(realloc(disk.changes, disk.change_room * sizeof(change)));
	}
	disk.changes[disk.change_count++] = change;
	change_apply(&disk.now, &change);
}

/* The first count operations become durable. */
static void
changes_commit(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		change_apply(&disk.durable, &disk.changes[i]);
		free(disk.changes[i].path);
		free(disk.changes[i].to);
	}
	disk.change_count -= count;
	memmove(disk.changes, disk.changes + count, disk.change_count * sizeof(*disk.changes));
}

static void
changes_forget(void)
{
	for (size_t i = 0; i < disk.change_count; i++) {
		free(disk.changes[i].path);
		free(disk.changes[i].to);
	}
	disk.change_count = 0;
}

/* -- files -- */

static void
inode_reserve(struct inode *inode, size_t length)
{
	size_t capacity = inode->capacity ? inode->capacity : 4096;

	if (length <= inode->capacity)
		return;
	while (capacity < length)
		capacity *= 2;
	inode->data = must(realloc(inode->data, capacity));
	inode->durable = must(realloc(inode->durable, capacity));
	inode->dirty = must(realloc(inode->dirty, capacity / SECTOR));
	memset(inode->data + inode->capacity, 0, capacity - inode->capacity);
	memset(inode->durable + inode->capacity, 0, capacity - inode->capacity);
	memset(inode->dirty + inode->capacity / SECTOR, 0, (capacity - inode->capacity) / SECTOR);
	inode->capacity = capacity;
}

static void
inode_dirty(struct inode *inode, size_t from, size_t to)
{
	for (size_t i = from / SECTOR; i * SECTOR < to; i++)
		inode->dirty[i] = 1;
}

static void
inode_set_length(struct inode *inode, size_t length)
{
	inode_reserve(inode, length);
	if (length < inode->length) {
		memset(inode->data + length, 0, inode->length - length);
		inode_dirty(inode, length, inode->length);
	}
	inode->length = length;
}

static void
inode_sync(struct inode *inode)
{
	for (size_t i = 0; i < inode->capacity / SECTOR; i++)
		if (inode->dirty[i])
			memcpy(inode->durable + i * SECTOR, inode->data + i * SECTOR, SECTOR);
	if (inode->capacity)
		memset(inode->dirty, 0, inode->capacity / SECTOR);
	inode->durable_length = inode->length;
}

/* Linux marks pages clean whose write failed. */
static void
inode_sync_fails(struct inode *inode)
{
	inode->errors++;
	if (inode->capacity)
		memset(inode->dirty, 0, inode->capacity / SECTOR);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static void
inode_lose(struct inode *inode, enum fake_survival survival, uint64_t *seed)
{
	size_t unit = survival == SURVIVE_PAGES ? 4096 : SECTOR;
	bool keeps_length = survival == SURVIVE_ALL;

	if (survival != SURVIVE_ALL && survival != SURVIVE_NOTHING)
		keeps_length = next_random(seed) & 1;
	for (size_t at = 0; at < inode->capacity; at += unit) {
		bool survives = survival == SURVIVE_ALL ||
				(survival != SURVIVE_NOTHING && (next_random(seed) & 1));

		for (size_t i = at / SECTOR; survives && i < (at + unit) / SECTOR; i++)
			if (inode->dirty[i])
				memcpy(
				    inode->durable + i * SECTOR, inode->data + i * SECTOR, SECTOR);
	}
	if (keeps_length)
		inode->durable_length = inode->length;
	inode->length = inode->durable_length;
	if (!inode->capacity)
		return;
	memset(inode->dirty, 0, inode->capacity / SECTOR);
	memset(inode->durable + inode->length, 0, inode->capacity - inode->length);
	memcpy(inode->data, inode->durable, inode->capacity);
}

static uint64_t
disk_used(void)
{
	uint64_t used = 0;

	for (size_t i = 0; i < disk.now.count; i++)
		if (disk.now.entries[i].inode)
			used += disk.now.entries[i].inode->length;
	return used;
}

/* -- calls -- */

/* Linux tells those who had the file, or the file system, open at that time. */
static void
writes_lose(void)
{
	for (struct inode *inode = disk.inodes; inode; inode = inode->next)
		if (inode->capacity && memchr(inode->dirty, 1, inode->capacity / SECTOR)) {
			inode_sync_fails(inode);
			disk.losses++;
		}
}

/* Begin a call: 0, or the fault it meets. */
static int
call_begin(bool changes)
{
	bool counts = changes || disk.counts_reads;

	pthread_mutex_lock(&disk.lock);
	disk.hanging++;
	while (disk.hangs)
		pthread_cond_wait(&disk.released, &disk.lock);
	disk.hanging--;
	disk.calls += counts;
	if (counts && disk.lose_at && disk.calls == disk.lose_at) {
		disk.was_reached = true;
		writes_lose();
	}
	if (disk.stop_at && disk.calls >= disk.stop_at)
		disk.is_stopped = disk.was_reached = true;
	if (disk.is_stopped)
		return -EIO;
	if (counts && disk.fail_at && disk.calls == disk.fail_at) {
		disk.was_reached = true;
		return disk.fail_with;
	}
	return 0;
}

static int
call_end(int result)
{
	pthread_mutex_unlock(&disk.lock);
	return result;
}

static struct descriptor *
descriptor_find(int fd)
{
	int i = fd - disk.first_fd;

	return i >= 0 && i < FD_MAX && disk.descriptors[i].is_open ? &disk.descriptors[i] : NULL;
}

static struct descriptor *
descriptor_of(int fd)
{
	return must(descriptor_find(fd));
}

static int
descriptor_new(const char *path, struct inode *inode, int flags)
{
	for (int i = 0; i < FD_MAX; i++)
		if (!disk.descriptors[i].is_open) {
			disk.descriptors[i] = (struct descriptor){true, inode, must(strdup(path)),
			    inode ? inode->errors : 0, disk.losses, (flags & O_DIRECT) != 0};
			return disk.first_fd + i;
		}
	return -EMFILE;
}

static int
open_locked(const char *path, int flags)
{
	struct entry *entry = tree_find(&disk.now, path);
	struct inode *inode;

	if (entry && (flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (entry && (flags & O_DIRECTORY) && entry->inode)
		return -ENOTDIR;
	if (!entry && !((flags & O_CREAT) && has_parent(path)))
		return -ENOENT;
	if (!entry) {
		inode = must(calloc(1, sizeof(*inode)));
		inode->next = disk.inodes;
		disk.inodes = inode;
		change_make(CHANGE_ADD, path, NULL, inode);
		return descriptor_new(path, inode, flags);
	}
	if (entry->inode && (flags & O_TRUNC))
		inode_set_length(entry->inode, 0);
	return descriptor_new(path, entry->inode, flags);
}

int
disk_open(const char *path, int flags, mode_t mode)
{
	int fault = call_begin(flags & (O_CREAT | O_TRUNC));

	(void)mode;
	return call_end(fault ? fault : open_locked(path, flags));
}

int
disk_close(int fd)
{
	struct descriptor *descriptor;

	pthread_mutex_lock(&disk.lock);
	descriptor = descriptor_find(fd);
	if (!descriptor)
		return call_end(-EBADF);
	free(descriptor->path);
	descriptor->is_open = false;
	return call_end(0);
}

static bool
is_misaligned(int fd, const void *data, size_t length, uint64_t offset)
{
	return descriptor_of(fd)->is_direct && ((uintptr_t)data | length | offset) % DIRECT != 0;
}

ssize_t
disk_read(int fd, void *data, size_t length, uint64_t offset)
{
	int fault = call_begin(false);
	const struct inode *inode;

	if (fault)
		return call_end(fault);
	inode = descriptor_of(fd)->inode;
	if (!inode)
		return call_end(-EISDIR);
	if (is_misaligned(fd, data, length, offset))
		return call_end(-EINVAL);
	if (offset >= inode->length)
		length = 0;
	else if (length > inode->length - offset)
		length = (size_t)(inode->length - offset);
	if (inode == disk.bad_inode && disk.bad_offset >= offset &&
	    disk.bad_offset < offset + length)
		return call_end(-EIO);
	if (length)
		memcpy(data, inode->data + offset, length);
	pthread_mutex_unlock(&disk.lock);
	return (ssize_t)length;
}

static void
write_locked(struct inode *inode, const void *data, size_t length, uint64_t offset)
{
	if (!length)
		return;
	inode_reserve(inode, (size_t)offset + length);
	memcpy(inode->data + offset, data, length);
	inode_dirty(inode, (size_t)offset, (size_t)offset + length);
	if (offset + length > inode->length)
		inode->length = (size_t)offset + length;
}

static bool
has_space(const struct inode *inode, uint64_t length)
{
	return length <= inode->length || disk_used() + (length - inode->length) <= disk.limit;
}

int
disk_write(int fd, const void *data, size_t length, uint64_t offset)
{
	int fault = call_begin(true);
	struct inode *inode;

	if (disk.is_stopped)
		return call_end(fault);
	inode = descriptor_of(fd)->inode;
	if (is_misaligned(fd, data, length, offset))
		return call_end(-EINVAL);
	if (disk.writes != WRITES_WORK)
		return call_end(disk.writes == WRITES_FAIL ? -EIO : 0);
	if (!fault && !has_space(inode, offset + length))
		fault = -ENOSPC;
	write_locked(inode, data, fault ? length / 2 : length, offset);
	return call_end(fault);
}

static int
sync_descriptor(int fd, int fault)
{
	struct descriptor *descriptor;

	if (disk.is_stopped)
		return fault;
	descriptor = descriptor_of(fd);
	if (!descriptor->inode)
		return fault;
	if (fault)
		inode_sync_fails(descriptor->inode);
	else
		inode_sync(descriptor->inode);
	if (descriptor->errors_seen != descriptor->inode->errors) {
		descriptor->errors_seen = descriptor->inode->errors;
		return fault ? fault : -EIO;
	}
	return 0;
}

int
disk_sync_data(int fd)
{
	return call_end(sync_descriptor(fd, call_begin(true)));
}

int
disk_sync_file(int fd)
{
	return call_end(sync_descriptor(fd, call_begin(true)));
}

int
disk_sync_filesystem(int fd)
{
	int fault = call_begin(true);
	struct descriptor *descriptor = descriptor_find(fd);

	if (!fault && descriptor && descriptor->losses_seen != disk.losses) {
		descriptor->losses_seen = disk.losses;
		fault = -EIO;
	}
	for (struct inode *inode = disk.inodes; inode && !disk.is_stopped; inode = inode->next) {
		if (fault)
			inode_sync_fails(inode);
		else
			inode_sync(inode);
	}
	if (!fault)
		changes_commit(disk.change_count);
	return call_end(fault);
}

int
disk_sync_directory(const char *path)
{
	int fault = call_begin(true);
	size_t count = 0;

	if (!fault && strcmp(path, "/") != 0 && !tree_find(&disk.now, path))
		fault = -ENOENT;
	if (fault)
		return call_end(fault);
	for (size_t i = 0; i < disk.change_count; i++)
		if (is_in(disk.changes[i].path, path) ||
		    (disk.changes[i].to && is_in(disk.changes[i].to, path)))
			count = i + 1;
	changes_commit(count);
	return call_end(0);
}

int
disk_allocate(int fd, uint64_t length)
{
	int fault = call_begin(true);
	struct inode *inode;

	if (fault)
		return call_end(fault);
	inode = descriptor_of(fd)->inode;
	if (!has_space(inode, length))
		return call_end(-ENOSPC);
	if (length > inode->length)
		inode_set_length(inode, (size_t)length);
	return call_end(0);
}

int
disk_truncate(int fd, uint64_t length)
{
	int fault = call_begin(true);

	if (!fault)
		inode_set_length(descriptor_of(fd)->inode, (size_t)length);
	return call_end(fault);
}

int64_t
disk_size(int fd)
{
	int fault = call_begin(false);
	int64_t size = fault ? fault : (int64_t)descriptor_of(fd)->inode->length;

	pthread_mutex_unlock(&disk.lock);
	return size;
}

int
disk_set_access(int fd, uid_t owner, gid_t group, mode_t mode)
{
	(void)fd;
	(void)owner;
	(void)group;
	(void)mode;
	return call_end(call_begin(true));
}

int
disk_rename(const char *from, const char *to)
{
	int fault = call_begin(true);
	struct entry *entry;

	if (fault)
		return call_end(fault);
	entry = tree_find(&disk.now, from);
	if (!entry || !has_parent(to))
		return call_end(-ENOENT);
	change_make(CHANGE_MOVE, from, to, entry->inode);
	return call_end(0);
}

int
disk_exchange(const char *one, const char *other)
{
	int fault = call_begin(true);

	if (fault)
		return call_end(fault);
	if (!tree_find(&disk.now, one) || !tree_find(&disk.now, other))
		return call_end(-ENOENT);
	change_make(CHANGE_SWAP, one, other, NULL);
	return call_end(0);
}

int
disk_unlink(const char *path)
{
	int fault = call_begin(true);

	if (fault)
		return call_end(fault);
	if (!tree_find(&disk.now, path))
		return call_end(-ENOENT);
	change_make(CHANGE_DROP, path, NULL, NULL);
	return call_end(0);
}

int
disk_make_directory(const char *path, mode_t mode)
{
	int fault = call_begin(true);

	(void)mode;
	if (fault)
		return call_end(fault);
	if (!has_parent(path))
		return call_end(-ENOENT);
	if (!tree_find(&disk.now, path))
		change_make(CHANGE_ADD, path, NULL, NULL);
	return call_end(0);
}

int
disk_exists(const char *path)
{
	int fault = call_begin(false);

	return call_end(fault ? fault : tree_find(&disk.now, path) != NULL);
}

int
disk_list(const char *path, int (*each)(void *context, const char *name), void *context)
{
	int result = call_begin(false);
	char **names;
	size_t count = 0;

	if (!result && strcmp(path, "/") != 0 && !tree_find(&disk.now, path))
		result = -ENOENT;
	if (result)
		return call_end(result);
	names = must(calloc(disk.now.count + 1, sizeof(*names)));
	for (size_t i = 0; i < disk.now.count; i++)
		if (is_in(disk.now.entries[i].path, path))
			names[count++] = must(strdup(strrchr(disk.now.entries[i].path, '/') + 1));
	pthread_mutex_unlock(&disk.lock);
	for (size_t i = 0; i < count; i++) {
		if (result == 0)
			result = each(context, names[i]);
		free(names[i]);
	}
	free(names);
	return result;
}

int64_t
disk_free(const char *path)
{
	int fault = call_begin(false);
	uint64_t used = disk_used();
	int64_t left = disk.limit == UINT64_MAX ? INT64_MAX
		       : used > disk.limit      ? 0
						: (int64_t)(disk.limit - used);

	(void)path;
	pthread_mutex_unlock(&disk.lock);
	return fault ? fault : left;
}

/* -- faults -- */

static void
descriptors_forget(void)
{
	disk.first_fd += FD_MAX;
	for (size_t i = 0; i < FD_MAX; i++)
		if (disk.descriptors[i].is_open) {
			free(disk.descriptors[i].path);
			disk.descriptors[i].is_open = false;
		}
}

static void
faults_clear(void)
{
	disk.lose_at = disk.fail_at = disk.stop_at = 0;
	disk.is_stopped = disk.was_reached = false;
}

void
fake_disk_reset(void)
{
	pthread_mutex_lock(&disk.lock);
	descriptors_forget();
	changes_forget();
	tree_clear(&disk.now);
	tree_clear(&disk.durable);
	while (disk.inodes) {
		struct inode *inode = disk.inodes;

		disk.inodes = inode->next;
		free(inode->data);
		free(inode->durable);
		free(inode->dirty);
		free(inode);
	}
	tree_add(&disk.now, "/", NULL);
	tree_add(&disk.durable, "/", NULL);
	faults_clear();
	disk.calls = 0;
	disk.counts_reads = false;
	disk.bad_inode = NULL;
	disk.limit = UINT64_MAX;
	disk.writes = WRITES_WORK;
	pthread_mutex_unlock(&disk.lock);
}

void
fake_disk_close(void)
{
	fake_disk_reset();
	pthread_mutex_lock(&disk.lock);
	tree_clear(&disk.now);
	tree_clear(&disk.durable);
	free(disk.now.entries);
	free(disk.durable.entries);
	free(disk.changes);
	disk.now = disk.durable = (struct tree){0};
	disk.changes = NULL;
	disk.change_room = 0;
	pthread_mutex_unlock(&disk.lock);
}

void
fake_disk_count_reads(void)
{
	disk.counts_reads = true;
}

void
fake_disk_set_writes(enum fake_writes how)
{
	pthread_mutex_lock(&disk.lock);
	disk.writes = how;
	pthread_mutex_unlock(&disk.lock);
}

static void
set_hanging(bool hangs)
{
	pthread_mutex_lock(&disk.lock);
	disk.hangs = hangs;
	pthread_cond_broadcast(&disk.released);
	pthread_mutex_unlock(&disk.lock);
}

void
fake_disk_hang(void)
{
	set_hanging(true);
}

void
fake_disk_release(void)
{
	set_hanging(false);
}

size_t
fake_disk_hanging(void)
{
	size_t count;

	pthread_mutex_lock(&disk.lock);
	count = disk.hanging;
	pthread_mutex_unlock(&disk.lock);
	return count;
}

size_t
fake_disk_open_count(void)
{
	size_t count = 0;

	pthread_mutex_lock(&disk.lock);
	for (int i = 0; i < FD_MAX; i++)
		count += disk.descriptors[i].is_open;
	pthread_mutex_unlock(&disk.lock);
	return count;
}

void
fake_disk_fail_at(size_t n, int error)
{
	pthread_mutex_lock(&disk.lock);
	disk.fail_at = n ? disk.calls + n : 0;
	disk.fail_with = error;
	disk.was_reached = false;
	pthread_mutex_unlock(&disk.lock);
}

void
fake_disk_stop_at(size_t n)
{
	pthread_mutex_lock(&disk.lock);
	disk.stop_at = n ? disk.calls + n : 0;
	disk.was_reached = false;
	pthread_mutex_unlock(&disk.lock);
}

void
fake_disk_lose_at(size_t n)
{
	pthread_mutex_lock(&disk.lock);
	disk.lose_at = n ? disk.calls + n : 0;
	disk.was_reached = false;
	pthread_mutex_unlock(&disk.lock);
}

void
fake_disk_bad_sector(const char *path, uint64_t offset)
{
	const struct entry *entry;

	pthread_mutex_lock(&disk.lock);
	entry = path ? tree_find(&disk.now, path) : NULL;
	disk.bad_inode = entry ? entry->inode : NULL;
	disk.bad_offset = offset;
	pthread_mutex_unlock(&disk.lock);
}

bool
fake_disk_was_reached(void)
{
	bool was_reached;

	pthread_mutex_lock(&disk.lock);
	was_reached = disk.was_reached;
	pthread_mutex_unlock(&disk.lock);
	return was_reached;
}

void
fake_disk_reboot(enum fake_survival survival, uint64_t seed)
{
	size_t keep = 0;

	pthread_mutex_lock(&disk.lock);
	descriptors_forget();
	if (survival == SURVIVE_ALL)
		keep = disk.change_count;
	else if (survival != SURVIVE_NOTHING)
		keep = (size_t)(next_random(&seed) % (disk.change_count + 1));
	changes_commit(keep);
	changes_forget();
	for (struct inode *inode = disk.inodes; inode; inode = inode->next)
		inode_lose(inode, survival, &seed);
	tree_clear(&disk.now);
	for (size_t i = 0; i < disk.durable.count; i++)
		tree_add(&disk.now, disk.durable.entries[i].path, disk.durable.entries[i].inode);
	faults_clear();
	pthread_mutex_unlock(&disk.lock);
}

void
fake_disk_power_on(uint64_t seed)
{
	fake_disk_reboot(SURVIVE_SECTORS, seed);
}

void
fake_disk_restart(void)
{
	pthread_mutex_lock(&disk.lock);
	descriptors_forget();
	faults_clear();
	pthread_mutex_unlock(&disk.lock);
}

void
fake_disk_limit(uint64_t bytes)
{
	pthread_mutex_lock(&disk.lock);
	disk.limit = bytes;
	pthread_mutex_unlock(&disk.lock);
}

uint8_t *
fake_disk_bytes(const char *path, size_t *length_r)
{
	struct entry *entry = tree_find(&disk.now, path);

	if (!entry || !entry->inode)
		return NULL;
	*length_r = entry->inode->length;
	return entry->inode->data;
}

void
fake_disk_commit_bytes(const char *path)
{
	struct entry *entry = tree_find(&disk.now, path);

	if (!entry || !entry->inode)
		return;
	memcpy(entry->inode->durable, entry->inode->data, entry->inode->capacity);
	entry->inode->durable_length = entry->inode->length;
}
