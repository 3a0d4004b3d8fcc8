/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/latch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_latch(const char *directory, int flags)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/" LATCH_FILE, directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 ? -errno : fd;
}

static bool
is_written(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_size > 0;
}

static int
lock(int fd, short type)
{
	struct flock wanted = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLK, &wanted) == 0 ? 0 : -errno;
}

int
latch_enter(const char *directory, bool takes)
{
	int fd = open_latch(directory, O_RDWR | O_CREAT);
	int error = fd < 0 ? fd : lock(fd, F_RDLCK);

	if (!error && takes && is_written(fd))
		error = -EPERM;
	/* A descriptor that has a lock stays open: closing it would let go. */
	if (error && fd >= 0)
		close(fd);
	return error == -EAGAIN || error == -EACCES ? -EBUSY : error;
}

bool
latch_is_acting(const char *directory)
{
	struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open_latch(directory, O_RDONLY);
	bool is_locked;

	if (fd < 0)
		return false;
	is_locked = fcntl(fd, F_GETLK, &wanted) == 0 && wanted.l_type != F_UNLCK;
	close(fd);
	return is_locked;
}

int
latch_set(const char *directory, bool goes_off)
{
	const char *text = goes_off ? "off\n" : "reset\n";
	const ssize_t length = (ssize_t)strlen(text);
	int fd = open_latch(directory, O_RDWR | O_CREAT);
	int error = 0;

	if (fd < 0)
		return fd;
	if (!is_written(fd) && pwrite(fd, text, (size_t)length, 0) != length)
		error = errno ? -errno : -EIO;
	if (!error)
		error = lock(fd, F_WRLCK);
	close(fd);
	return error == -EACCES ? -EAGAIN : error;
}

bool
latch_is_set(const char *directory)
{
	int fd = open_latch(directory, O_RDONLY);
	bool is_set;

	if (fd < 0)
		return false;
	is_set = is_written(fd);
	close(fd);
	return is_set;
}

bool
latch_is_off(const char *directory)
{
	int fd = open_latch(directory, O_RDONLY);
	char first = 0;

	if (fd < 0)
		return false;
	if (read(fd, &first, 1) != 1)
		first = 0;
	close(fd);
	return first == 'o';
}
