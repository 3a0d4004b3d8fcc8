/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/fake-disk.h"

#include "common/disk.h"
#include "common/slice.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SECTOR_BYTES 512
#define HANDLES 64
#define FIRST_FD 1000
#define FREE_BYTES (INT64_C(1) << 40)

struct node {
	bool is_directory;
	struct buffer content; /* as it is read */
	struct buffer durable; /* as it was synced */
};

struct name {
	char *path;
	struct node *node;
};

struct names {
	struct name *items;
	size_t count;
};

/* Something done to the names. node: path was made; else target: renamed to it; else removed. */
struct change {
	char *path;
	char *target;
	struct node *node;
};

static struct {
	pthread_mutex_t lock;
	struct node **nodes;
	size_t node_count;
	struct names current;
	struct names durable;
	struct change *changes; /* that lead from durable to current */
	size_t change_count;
	struct node *handles[HANDLES];
	char *handle_paths[HANDLES];
	size_t calls;
	size_t stop_at;
	size_t fail_at;
	int fail_error;
	bool was_reached;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *
check(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* ---- names ---- */

static struct node *
names_find(const struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].path, path) == 0)
			return names->items[i].node;
	return NULL;
}

static void
names_remove(struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].path, path) == 0) {
			free(names->items[i].path);
			names->items[i] = names->items[--names->count];
			return;
		}
}

static void
names_add(struct names *names, const char *path, struct node *node)
{
	names->items = check(realloc(names->items, (names->count + 1) * sizeof(struct name)));
	names->items[names->count++] = (struct name){check(strdup(path)), node};
}

/* A folder takes what is in it along. */
static void
names_rename(struct names *names, const char *from, const char *to)
{
	size_t length = strlen(from);

	names_remove(names, to);
	for (size_t i = 0; i < names->count; i++) {
		char *path = names->items[i].path;
		char *moved;

		if (strncmp(path, from, length) != 0 ||
		    (path[length] != '\0' && path[length] != '/'))
			continue;
		assert(asprintf(&moved, "%s%s", to, path + length) > 0);
		names->items[i].path = moved;
		free(path);
	}
}

static void
names_apply(struct names *names, const struct change *change)
{
	if (change->node)
		names_add(names, change->path, change->node);
	else if (change->target)
		names_rename(names, change->path, change->target);
	else
		names_remove(names, change->path);
}

static void
names_clear(struct names *names)
{
	while (names->count > 0)
		free(names->items[--names->count].path);
	free(names->items);
	*names = (struct names){0};
}

static bool
is_in(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return path && strncmp(path, folder, length) == 0 && path[length] == '/' &&
	       !strchr(path + length + 1, '/');
}

static bool
has_folder(const char *path)
{
	char *folder = check(strdup(path));
	char *slash = strrchr(folder, '/');
	struct node *node;

	*slash = '\0';
	node = slash == folder ? NULL : names_find(&disk.current, folder);
	slash = slash == folder ? folder : NULL;
	free(folder);
	return slash || (node && node->is_directory);
}

static void
change_push(const char *path, const char *target, struct node *node)
{
	struct change *change;

	disk.changes = check(realloc(disk.changes, (disk.change_count + 1) * sizeof(*change)));
	change = &disk.changes[disk.change_count++];
	*change = (struct change){check(strdup(path)), target ? check(strdup(target)) : NULL, node};
	names_apply(&disk.current, change);
}

/* The first count changes are durable. */
static void
changes_commit(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		names_apply(&disk.durable, &disk.changes[i]);
		free(disk.changes[i].path);
		free(disk.changes[i].target);
	}
	disk.change_count -= count;
	if (disk.change_count > 0)
		memmove(
		    disk.changes, disk.changes + count, disk.change_count * sizeof(*disk.changes));
}

static void
commit_folder(const char *folder)
{
	size_t count = 0;

	for (size_t i = 0; i < disk.change_count; i++)
		if (is_in(disk.changes[i].path, folder) || is_in(disk.changes[i].target, folder))
			count = i + 1;
	changes_commit(count);
}

static void
commit_content(struct node *node)
{
	buffer_consume(&node->durable, node->durable.length);
	buffer_append_slice(&node->durable, buffer_slice(&node->content));
}

static struct node *
node_new(bool is_directory)
{
	struct node *node = check(calloc(1, sizeof(*node)));

	node->is_directory = is_directory;
	disk.nodes = check(realloc(disk.nodes, (disk.node_count + 1) * sizeof(node)));
	disk.nodes[disk.node_count++] = node;
	return node;
}

/* ---- faults ---- */

static bool
is_stopped(void)
{
	return disk.stop_at != 0 && disk.calls >= disk.stop_at;
}

/* Takes the lock, counts, and says what this call must fail with. */
static int
enter(bool is_counted)
{
	pthread_mutex_lock(&disk.lock);
	if (is_counted)
		disk.calls++;
	if (is_stopped()) {
		disk.was_reached = true;
		return -EIO;
	}
	if (is_counted && disk.fail_at != 0 && disk.calls == disk.fail_at) {
		disk.was_reached = true;
		return disk.fail_error;
	}
	return 0;
}

static int
leave(int result)
{
	pthread_mutex_unlock(&disk.lock);
	return result;
}

void
fake_disk_stop_at(size_t n)
{
	pthread_mutex_lock(&disk.lock);
	disk.calls = 0;
	disk.stop_at = n;
	disk.was_reached = false;
	pthread_mutex_unlock(&disk.lock);
}

void
fake_disk_fail_at(size_t n, int error)
{
	pthread_mutex_lock(&disk.lock);
	disk.calls = 0;
	disk.fail_at = n;
	disk.fail_error = error;
	disk.was_reached = false;
	pthread_mutex_unlock(&disk.lock);
}

bool
fake_disk_was_reached(void)
{
	return disk.was_reached;
}

void
fake_disk_restart(void)
{
	for (int i = 0; i < HANDLES; i++) {
		disk.handles[i] = NULL;
		free(disk.handle_paths[i]);
		disk.handle_paths[i] = NULL;
	}
	disk.stop_at = 0;
	disk.fail_at = 0;
}

/* splitmix64 */
static uint64_t
chance(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
lose_content(struct node *node, uint64_t *seed)
{
	struct buffer *old = &node->durable;
	struct buffer *new = &node->content;
	size_t length = chance(seed) % 2 ? old->length : new->length;

	if (slice_is_equal(buffer_slice(old), buffer_slice(new)))
		return;
	if (old->length < length)
		memset(buffer_extend(old, length - old->length), 0, length - old->length);
	old->length = length;
	for (size_t at = 0; at < length && at < new->length; at += SECTOR_BYTES) {
		size_t end = at + SECTOR_BYTES;

		end = end < length ? end : length;
		end = end < new->length ? end : new->length;
		if (chance(seed) % 2)
			memcpy(old->data + at, new->data + at, end - at);
	}
	buffer_consume(new, new->length);
	buffer_append_slice(new, buffer_slice(old));
}

void
fake_disk_power_on(uint64_t seed)
{
	fake_disk_restart();
	changes_commit(chance(&seed) % (disk.change_count + 1));
	while (disk.change_count > 0) {
		free(disk.changes[--disk.change_count].path);
		free(disk.changes[disk.change_count].target);
	}
	names_clear(&disk.current);
	for (size_t i = 0; i < disk.durable.count; i++)
		names_add(&disk.current, disk.durable.items[i].path, disk.durable.items[i].node);
	for (size_t i = 0; i < disk.node_count; i++)
		lose_content(disk.nodes[i], &seed);
}

void
fake_disk_close(void)
{
	fake_disk_restart();
	changes_commit(disk.change_count);
	names_clear(&disk.current);
	names_clear(&disk.durable);
	free(disk.changes);
	disk.changes = NULL;
	while (disk.node_count > 0) {
		struct node *node = disk.nodes[--disk.node_count];

		buffer_close(&node->content);
		buffer_close(&node->durable);
		free(node);
	}
	free(disk.nodes);
	disk.nodes = NULL;
}

void
fake_disk_reset(void)
{
	fake_disk_close();
	disk.calls = 0;
	disk.was_reached = false;
}

/* ---- disk.h ---- */

static struct node *
node_of(int fd)
{
	assert(fd >= FIRST_FD && fd < FIRST_FD + HANDLES);
	return disk.handles[fd - FIRST_FD];
}

int
disk_open(const char *path, int flags, mode_t mode)
{
	struct node *node;
	int result = enter((flags & (O_CREAT | O_TRUNC)) != 0);

	(void)mode;
	if (result != 0)
		return leave(result);
	node = names_find(&disk.current, path);
	if (!node && (!(flags & O_CREAT) || !has_folder(path)))
		return leave(-ENOENT);
	if (node && (flags & O_CREAT) && (flags & O_EXCL))
		return leave(-EEXIST);
	if (!node) {
		node = node_new(false);
		change_push(path, NULL, node);
	}
	if (flags & O_TRUNC)
		buffer_consume(&node->content, node->content.length);
	for (int i = 0; i < HANDLES; i++)
		if (!disk.handles[i]) {
			disk.handles[i] = node;
			disk.handle_paths[i] = check(strdup(path));
			return leave(FIRST_FD + i);
		}
	return leave(-EMFILE);
}

int
disk_close(int fd)
{
	enter(false);
	if (node_of(fd)) {
		disk.handles[fd - FIRST_FD] = NULL;
		free(disk.handle_paths[fd - FIRST_FD]);
		disk.handle_paths[fd - FIRST_FD] = NULL;
	}
	return leave(0);
}

ssize_t
disk_read(int fd, void *data, size_t length, uint64_t offset)
{
	int result = enter(false);
	struct buffer *content;

	if (result != 0)
		return leave(result);
	content = &node_of(fd)->content;
	if (offset >= content->length)
		return leave(0);
	if (length > content->length - offset)
		length = content->length - offset;
	memcpy(data, content->data + offset, length);
	leave(0);
	return (ssize_t)length;
}

static void
content_resize(struct buffer *content, uint64_t length)
{
	if (length > content->length)
		memset(
		    buffer_extend(content, length - content->length), 0, length - content->length);
	content->length = length;
}

int
disk_write(int fd, const void *data, size_t length, uint64_t offset)
{
	int result = enter(true);
	struct buffer *content;

	if (result != 0)
		return leave(result);
	content = &node_of(fd)->content;
	if (offset + length > content->length)
		content_resize(content, offset + length);
	if (length > 0)
		memcpy(content->data + offset, data, length);
	return leave(0);
}

int
disk_sync_data(int fd)
{
	return disk_sync_file(fd);
}

int
disk_sync_file(int fd)
{
	int result = enter(true);

	if (result != 0)
		return leave(result);
	if (node_of(fd)->is_directory)
		commit_folder(disk.handle_paths[fd - FIRST_FD]);
	else
		commit_content(node_of(fd));
	return leave(0);
}

int
disk_sync_filesystem(int fd)
{
	int result = enter(true);

	(void)fd;
	if (result != 0)
		return leave(result);
	changes_commit(disk.change_count);
	for (size_t i = 0; i < disk.node_count; i++)
		commit_content(disk.nodes[i]);
	return leave(0);
}

int
disk_sync_directory(const char *path)
{
	int result = enter(true);

	if (result != 0)
		return leave(result);
	if (!names_find(&disk.current, path))
		return leave(-ENOENT);
	commit_folder(path);
	return leave(0);
}

int
disk_allocate(int fd, uint64_t length)
{
	int result = enter(true);

	if (result == 0 && node_of(fd)->content.length < length)
		content_resize(&node_of(fd)->content, length);
	return leave(result);
}

int
disk_truncate(int fd, uint64_t length)
{
	int result = enter(true);

	if (result == 0)
		content_resize(&node_of(fd)->content, length);
	return leave(result);
}

int64_t
disk_size(int fd)
{
	int result = enter(false);
	int64_t size = result == 0 ? (int64_t)node_of(fd)->content.length : result;

	leave(0);
	return size;
}

int
disk_set_access(int fd, uid_t owner, gid_t group, mode_t mode)
{
	(void)fd;
	(void)owner;
	(void)group;
	(void)mode;
	return leave(enter(true));
}

int
disk_rename(const char *from, const char *to)
{
	int result = enter(true);

	if (result != 0)
		return leave(result);
	if (!names_find(&disk.current, from) || !has_folder(to))
		return leave(-ENOENT);
	change_push(from, to, NULL);
	return leave(0);
}

int
disk_unlink(const char *path)
{
	int result = enter(true);

	if (result != 0)
		return leave(result);
	if (!names_find(&disk.current, path))
		return leave(-ENOENT);
	change_push(path, NULL, NULL);
	return leave(0);
}

int
disk_make_directory(const char *path, mode_t mode)
{
	int result = enter(true);

	(void)mode;
	if (result != 0 || names_find(&disk.current, path))
		return leave(result);
	if (!has_folder(path))
		return leave(-ENOENT);
	change_push(path, NULL, node_new(true));
	return leave(0);
}

int
disk_exists(const char *path)
{
	int result = enter(false);

	if (result == 0)
		result = names_find(&disk.current, path) != NULL;
	return leave(result);
}

int
disk_list(const char *path, int (*each)(void *context, const char *name), void *context)
{
	struct buffer found = {0};
	int result = enter(false);

	if (result == 0 && !names_find(&disk.current, path))
		result = -ENOENT;
	for (size_t i = 0; result == 0 && i < disk.current.count; i++) {
		const char *name = disk.current.items[i].path;

		if (is_in(name, path))
			buffer_append(&found, strrchr(name, '/') + 1, strlen(strrchr(name, '/')));
	}
	leave(0);
	for (size_t at = 0; result == 0 && at < found.length;
	     at += strlen((char *)found.data + at) + 1)
		result = each(context, (char *)found.data + at);
	buffer_close(&found);
	return result;
}

int64_t
disk_free(const char *path)
{
	int result = enter(false);

	(void)path;
	leave(0);
	return result == 0 ? FREE_BYTES : result;
}
