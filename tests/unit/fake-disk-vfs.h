/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake-disk-vfs -- SQLite on the fake disk, so that its files meet the same faults.
 *
 * Registered under FAKE_DISK_VFS. Without shared memory: needs locking_mode=EXCLUSIVE.
 */
#ifndef GEMEL_TESTS_FAKE_DISK_VFS_H
#define GEMEL_TESTS_FAKE_DISK_VFS_H

#define FAKE_DISK_VFS "fake-disk"

void fake_disk_vfs_register(void);

#endif
