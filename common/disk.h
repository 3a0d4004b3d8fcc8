/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk -- the seam between what must be durable and the kernel.
 *
 * Everything that the spool and the mail store do to files, and the heartbeat to
 * its slots on a shared disk, goes through these calls. tests/unit/fake-disk.c is
 * a second implementation of this header: it keeps apart what was written and what
 * was synced, fails the n-th call, or cuts the power at it and then drops any part
 * of what was not synced.
 *
 * Every call returns 0 (or a value >= 0) or -errno, and repeats after EINTR.
 * Short reads and writes are finished inside. All calls are thread safe.
 * After any failed sync the page cache can no longer be trusted: stop
 * acknowledging, and do not go on before the file system was unmounted.
 */
#ifndef GEMEL_COMMON_DISK_H
#define GEMEL_COMMON_DISK_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* open(2) with O_CLOEXEC. A new open file description each time: a journal
 * syncs two batches at once through two of them, because the kernel reports a
 * write error once per description. */
int disk_open(const char *path, int flags, mode_t mode);
int disk_close(int fd);

/* Read up to length bytes at offset; fewer only at the end of the file. Returns the count. */
ssize_t disk_read(int fd, void *data, size_t length, uint64_t offset);

/* Write all length bytes at offset. */
int disk_write(int fd, const void *data, size_t length, uint64_t offset);

/* fdatasync(2), fsync(2), syncfs(2). */
int disk_sync_data(int fd);
int disk_sync_file(int fd);
int disk_sync_filesystem(int fd);

/* fsync(2) of a directory: entries made, renamed or removed in it are durable after it. */
int disk_sync_directory(const char *path);

/* Reserve blocks so that writes below length cannot meet ENOSPC (posix_fallocate). */
int disk_allocate(int fd, uint64_t length);
int disk_truncate(int fd, uint64_t length);

/* Size in bytes, of a file or a block device, or -errno. */
int64_t disk_size(int fd);

/* Owner, group ((uid_t)-1, (gid_t)-1: as they are) and mode of an open file or directory, whatever
 * the umask is. */
int disk_set_access(int fd, uid_t owner, gid_t group, mode_t mode);

int disk_rename(const char *from, const char *to);
/* Two names, both there, change places at once (renameat2(2), RENAME_EXCHANGE). */
int disk_exchange(const char *one, const char *other);
int disk_unlink(const char *path);

/* mkdir(2); an existing directory is no error. */
int disk_make_directory(const char *path, mode_t mode);

/* 1: there is such a file; 0: there is none; -errno. */
int disk_exists(const char *path);

/* Calls each(name) for every entry but "." and "..", in no order. A value other than 0 from
 * each ends the walk and is returned. */
int disk_list(const char *path, int (*each)(void *context, const char *name), void *context);

/* Bytes free to us on the file system that holds path, or -errno. */
int64_t disk_free(const char *path);

#endif
