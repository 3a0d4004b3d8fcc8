/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int
progress_create(const char *path, struct progress **progress_r)
{
	char fresh[4096];
	struct progress *progress;
	int fd, error;

	/* A new file by rename: a reader that still maps the old one is not torn. */
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(*progress)) != 0) {
		error = -errno;
		close(fd);
		return error;
	}
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	error = progress == MAP_FAILED ? -errno : 0;
	close(fd);
	if (error)
		return error;
	progress->magic = PROGRESS_MAGIC;
	progress->version = PROGRESS_VERSION;
	progress->role = CORE_STARTING;
	if (rename(fresh, path) != 0) {
		error = -errno;
		munmap(progress, sizeof(*progress));
		return error;
	}
	*progress_r = progress;
	return 0;
}

int
progress_read(const char *path, struct progress *progress_r)
{
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	n = pread(fd, progress_r, sizeof(*progress_r), 0);
	close(fd);
	if (n != (ssize_t)sizeof(*progress_r) || progress_r->magic != PROGRESS_MAGIC ||
	    progress_r->version != PROGRESS_VERSION)
		return -EPROTO;
	progress_r->reason[sizeof(progress_r->reason) - 1] = '\0';
	return 0;
}

pid_t
progress_core_pid(const char *pid_path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int error = 0;
	int fd = open(pid_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fcntl(fd, F_GETLK, &lock) != 0)
		error = -errno;
	close(fd);
	if (error)
		return error;
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

const char *
core_role_name(uint32_t role)
{
	switch ((enum core_role)role) {
	case CORE_STARTING:
		return "starting";
	case CORE_STANDBY:
		return "standby";
	case CORE_PROMOTING:
		return "promoting";
	case CORE_ACTIVE:
		return "active";
	case CORE_DEMOTING:
		return "demoting";
	case CORE_FAILED:
		return "failed";
	case CORE_ENDED:
		return "ended";
	}
	return "unknown";
}
