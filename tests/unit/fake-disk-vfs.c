/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/fake-disk-vfs.h"

#include "common/disk.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_HERE 512

struct vfs_file {
	sqlite3_file base;
	int fd;
	char path[PATH_MAX_HERE];
	int is_new; /* its name is not synced */
};

static int
code_of(int result, int code)
{
	return result == -ENOSPC ? SQLITE_FULL : result < 0 ? code : SQLITE_OK;
}

static int
directory_sync(const char *path)
{
	char parent[PATH_MAX_HERE];

	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	return disk_sync_directory(parent);
}

static int
file_close(sqlite3_file *base)
{
	disk_close(((struct vfs_file *)base)->fd);
	return SQLITE_OK;
}

static int
file_read(sqlite3_file *base, void *data, int length, sqlite3_int64 offset)
{
	ssize_t got =
	    disk_read(((struct vfs_file *)base)->fd, data, (size_t)length, (uint64_t)offset);

	if (got < 0)
		return SQLITE_IOERR_READ;
	if (got == length)
		return SQLITE_OK;
	memset((char *)data + got, 0, (size_t)(length - got));
	return SQLITE_IOERR_SHORT_READ;
}

static int
file_write(sqlite3_file *base, const void *data, int length, sqlite3_int64 offset)
{
	return code_of(
	    disk_write(((struct vfs_file *)base)->fd, data, (size_t)length, (uint64_t)offset),
	    SQLITE_IOERR_WRITE);
}

static int
file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	return code_of(
	    disk_truncate(((struct vfs_file *)base)->fd, (uint64_t)size), SQLITE_IOERR_TRUNCATE);
}

static int
file_sync(sqlite3_file *base, int flags)
{
	struct vfs_file *file = (struct vfs_file *)base;
	int result = disk_sync_file(file->fd);

	(void)flags;
	if (result == 0 && file->is_new) {
		result = directory_sync(file->path);
		file->is_new = result != 0;
	}
	return code_of(result, SQLITE_IOERR_FSYNC);
}

static int
file_size(sqlite3_file *base, sqlite3_int64 *size_r)
{
	int64_t size = disk_size(((struct vfs_file *)base)->fd);

	*size_r = size;
	return size < 0 ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int
file_lock(sqlite3_file *base, int level)
{
	(void)base;
	(void)level;
	return SQLITE_OK;
}

static int
file_is_reserved(sqlite3_file *base, int *reserved_r)
{
	(void)base;
	*reserved_r = 0;
	return SQLITE_OK;
}

static int
file_control(sqlite3_file *base, int operation, void *argument)
{
	(void)base;
	(void)operation;
	(void)argument;
	return SQLITE_NOTFOUND;
}

static int
file_sector_size(sqlite3_file *base)
{
	(void)base;
	return 512;
}

static int
file_characteristics(sqlite3_file *base)
{
	(void)base;
	return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *flags_r)
{
	struct vfs_file *file = (struct vfs_file *)base;

	(void)vfs;
	memset(file, 0, sizeof(*file));
	if (!name)
		return SQLITE_CANTOPEN;
	snprintf(file->path, sizeof(file->path), "%s", name);
	file->is_new = disk_exists(name) != 1;
	file->fd = disk_open(name, O_RDWR | (flags & SQLITE_OPEN_CREATE ? O_CREAT : 0), 0600);
	if (file->fd < 0)
		return SQLITE_CANTOPEN;
	base->pMethods = &methods;
	if (flags_r)
		*flags_r = flags;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int with_directory)
{
	int result = disk_unlink(name);

	(void)vfs;
	if (result == -ENOENT)
		return SQLITE_IOERR_DELETE_NOENT;
	if (result == 0 && with_directory)
		result = directory_sync(name);
	return code_of(result, SQLITE_IOERR_DELETE);
}

static int
vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result_r)
{
	int result = disk_exists(name);

	(void)vfs;
	(void)flags;
	*result_r = result == 1;
	return code_of(result, SQLITE_IOERR_ACCESS);
}

static int
vfs_full_path(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
	(void)vfs;
	snprintf(out, (size_t)room, "%s", name);
	return SQLITE_OK;
}

static int
vfs_randomness(sqlite3_vfs *vfs, int length, char *out)
{
	(void)vfs;
	memset(out, 7, (size_t)length);
	return length;
}

static int
vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds;
}

static int
vfs_time(sqlite3_vfs *vfs, double *days)
{
	(void)vfs;
	*days = 2460000.5;
	return SQLITE_OK;
}

void
fake_disk_vfs_register(void)
{
	static sqlite3_vfs vfs = {
	    .iVersion = 1,
	    .szOsFile = sizeof(struct vfs_file),
	    .mxPathname = PATH_MAX_HERE - 1,
	    .zName = FAKE_DISK_VFS,
	    .xOpen = vfs_open,
	    .xDelete = vfs_delete,
	    .xAccess = vfs_access,
	    .xFullPathname = vfs_full_path,
	    .xRandomness = vfs_randomness,
	    .xSleep = vfs_sleep,
	    .xCurrentTime = vfs_time,
	};

	sqlite3_vfs_register(&vfs, 0);
}
