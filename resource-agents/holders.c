/* SPDX-License-Identifier: BSD-2-Clause */
#include "resource-agents/holders.h"

#include "common/mounts.h"
#include "common/slice.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NAMED_MAX 3

struct search {
	dev_t device;
	ino_t our_namespace;
	struct holders *found;
};

static bool
is_on_device(int at, const char *name, dev_t device)
{
	struct statx st;

	/* Not the file system's own word: it may hang, or ask a server. */
	return statx(at, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0 &&
	       makedev(st.stx_dev_major, st.stx_dev_minor) == device;
}

static bool
has_open_file(int process, dev_t device)
{
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool has = false;

	if (!directory)
		return false;
	while (!has && (entry = readdir(directory)))
		has = entry->d_name[0] != '.' &&
		      is_on_device(dirfd(directory), entry->d_name, device);
	closedir(directory);
	return has;
}

static FILE *
open_text(int process, const char *name)
{
	int fd = openat(process, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

static bool
has_mapping(int process, dev_t device)
{
	FILE *maps = open_text(process, "maps");
	unsigned int major_number, minor_number;
	char *line = NULL;
	size_t room = 0;
	bool has = false;

	if (!maps)
		return false;
	while (!has && getline(&line, &room, maps) > 0)
		has = sscanf(line, "%*s %*s %*s %x:%x", &major_number, &minor_number) == 2 &&
		      makedev(major_number, minor_number) == device;
	free(line);
	fclose(maps);
	return has;
}

static bool
has_mount(int process, dev_t device)
{
	FILE *mounts = open_text(process, "mountinfo");
	struct mount_entry entry;
	char *line = NULL;
	size_t room = 0;
	bool has = false;

	if (!mounts)
		return false;
	while (!has && getline(&line, &room, mounts) > 0) {
		const char *cursor = line;

		has = mounts_next(&cursor, &entry) && entry.device == device;
	}
	free(line);
	fclose(mounts);
	return has;
}

static ino_t
namespace_of(int process)
{
	struct stat st;

	return fstatat(process, "ns/mnt", &st, 0) == 0 ? st.st_ino : 0;
}

static const char *
how_held(const struct search *search, int process)
{
	static const struct {
		const char *link, *how;
	} links[] = {{"cwd", "working directory"}, {"root", "root"}, {"exe", "program"}};
	ino_t namespace;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (is_on_device(process, links[i].link, search->device))
			return links[i].how;
	if (has_open_file(process, search->device))
		return "open file";
	if (has_mapping(process, search->device))
		return "mapping";
	namespace = namespace_of(process);
	if (namespace && namespace != search->our_namespace && has_mount(process, search->device))
		return "mount namespace";
	return NULL;
}

static void
read_name(int process, char *name, size_t room)
{
	int fd = openat(process, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, name, room - 1);

	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

static int
look_at(void *context, pid_t pid)
{
	struct search *search = context;
	struct holders *found = search->found;
	struct holder *holder = &found->list[found->count];
	char path[32];
	int process;

	if (pid == getpid())
		return 0;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process < 0)
		return 0;
	holder->how = how_held(search, process);
	if (holder->how && process_identify(pid, &holder->process) == 0) {
		holder->by_namespace = strcmp(holder->how, "mount namespace") == 0;
		read_name(process, holder->name, sizeof(holder->name));
		found->count++;
	}
	close(process);
	return found->count == HOLDERS_MAX;
}

void
holders_find(dev_t device, struct holders *found)
{
	struct search search = {.device = device, .found = found};
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	found->count = 0;
	search.our_namespace = self < 0 ? 0 : namespace_of(self);
	if (self >= 0)
		close(self);
	process_each(look_at, &search);
}

void
holders_describe(const struct holders *found, char *text, size_t room)
{
	struct buffer out = {0};

	for (int i = 0; i < found->count && i < NAMED_MAX; i++)
		buffer_printf(&out, "%s%s (%d, %s)", i ? ", " : "", found->list[i].name,
		    (int)found->list[i].process.pid, found->list[i].how);
	if (found->count > NAMED_MAX)
		buffer_printf(&out, " and %d more", found->count - NAMED_MAX);
	slice_to_string(buffer_slice(&out), text, room);
	buffer_close(&out);
}
