/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int
disk_open(const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int
disk_close(int fd)
{
	/* Linux frees the descriptor even when close() says EINTR. */
	return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

ssize_t
disk_read(int fd, void *data, size_t length, uint64_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = pread(fd, (char *)data + done, length - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int
disk_write(int fd, const void *data, size_t length, uint64_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n =
		    pwrite(fd, (const char *)data + done, length - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int
disk_sync_data(int fd)
{
	return fdatasync(fd) == 0 ? 0 : -errno;
}

int
disk_sync_file(int fd)
{
	return fsync(fd) == 0 ? 0 : -errno;
}

int
disk_sync_filesystem(int fd)
{
	return syncfs(fd) == 0 ? 0 : -errno;
}

int
disk_sync_directory(const char *path)
{
	int fd = disk_open(path, O_RDONLY | O_DIRECTORY, 0);
	int result;

	if (fd < 0)
		return fd;
	result = disk_sync_file(fd);
	disk_close(fd);
	return result;
}

int
disk_allocate(int fd, uint64_t length)
{
	int result;

	do
		result = posix_fallocate(fd, 0, (off_t)length);
	while (result == EINTR);
	return -result;
}

int
disk_truncate(int fd, uint64_t length)
{
	return ftruncate(fd, (off_t)length) == 0 ? 0 : -errno;
}

int64_t
disk_size(int fd)
{
	struct stat st;
	uint64_t bytes;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISBLK(st.st_mode))
		return st.st_size;
	return ioctl(fd, BLKGETSIZE64, &bytes) == 0 ? (int64_t)bytes : -errno;
}

int
disk_set_access(int fd, uid_t owner, gid_t group, mode_t mode)
{
	bool is_given = owner != (uid_t)-1 || group != (gid_t)-1;

	/* A change of owner clears the setgid bit, so the mode comes after it. */
	if (is_given && fchown(fd, owner, group) != 0)
		return -errno;
	return fchmod(fd, mode) == 0 ? 0 : -errno;
}

int
disk_rename(const char *from, const char *to)
{
	return rename(from, to) == 0 ? 0 : -errno;
}

int
disk_exchange(const char *one, const char *other)
{
	return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0 ? 0 : -errno;
}

int
disk_unlink(const char *path)
{
	return unlink(path) == 0 ? 0 : -errno;
}

int
disk_make_directory(const char *path, mode_t mode)
{
	return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -errno;
}

int
disk_exists(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

int
disk_list(const char *path, int (*each)(void *context, const char *name), void *context)
{
	DIR *directory = opendir(path);
	int result = 0;

	if (!directory)
		return -errno;
	while (result == 0) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(directory);
		if (!entry) {
			result = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = each(context, entry->d_name);
	}
	closedir(directory);
	return result;
}

int64_t
disk_free(const char *path)
{
	struct statvfs st;

	if (statvfs(path, &st) != 0)
		return -errno;
	return (int64_t)st.f_bavail * (int64_t)st.f_frsize;
}
