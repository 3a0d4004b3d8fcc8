/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake-disk -- common/disk.h in memory, with power cuts.
 *
 * Keeps apart what was written and what was synced: for each file its data, by
 * sectors, and its size; for the tree its entries, as a list of operations that
 * are not durable yet. Link it instead of libdisk.a. Thread safe. There is one
 * disk; its root is "/" and exists.
 *
 *   sync of a file        its data and size, not its name
 *   sync of a directory   all operations up to the last one in it (a file system
 *                         with a journal keeps them in order)
 *   sync of the system    all of it
 *   failed sync           what was not synced is lost although it can still be
 *                         read, as in Linux; each other description of the file
 *                         reports the error once
 *   O_DIRECT              data, length and offset that are no multiples of 4096 are
 *                         refused with -EINVAL
 */
#ifndef GEMEL_TESTS_FAKE_DISK_H
#define GEMEL_TESTS_FAKE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of the things not synced a power cut leaves. */
enum fake_survival {
	SURVIVE_NOTHING,
	SURVIVE_ALL,
	SURVIVE_SECTORS, /* any sectors of 512 bytes, and the first few of the operations on the
			    tree */
	SURVIVE_PAGES,   /* the same with 4096 bytes */
	SURVIVE_KINDS,
};

/* An empty disk, without faults. Closes every descriptor. */
void fake_disk_reset(void);

/* Give all memory back. */
void fake_disk_close(void);

/* Faults come at the n-th call from now (1: the next; 0: never). A call is one that changes or
 * syncs something; after fake_disk_count_reads(), until the next reset, one that only looks as
 * well. */
void fake_disk_count_reads(void);

/* The n-th call fails with error (-EIO, -ENOSPC...); those after it work. A write that fails has
 * written its first half. */
void fake_disk_fail_at(size_t n, int error);

/* The n-th call and all after it do nothing and say -EIO: the power is cut, or the process killed.
 */
void fake_disk_stop_at(size_t n);

/* Before the n-th call the kernel tries to write back all that is dirty and cannot, and others have
 * heard of it: it is lost, and of the descriptions of a file or of the file system only those that
 * are open at that moment report it. */
void fake_disk_lose_at(size_t n);

/* Reads that touch this byte fail with -EIO, until the next reset. path NULL: no longer. */
void fake_disk_bad_sector(const char *path, uint64_t offset);

/* How every write goes from now on, until the next reset, while reads go well. */
enum fake_writes {
	WRITES_WORK,
	WRITES_FAIL,     /* -EIO, and nothing is changed */
	WRITES_ARE_LOST, /* they say that they are done, and nothing is changed */
};
void fake_disk_set_writes(enum fake_writes how);

/* From now on every call but disk_close() waits inside until fake_disk_release(). A reset while
 * one waits is a fault of the test. */
void fake_disk_hang(void);
void fake_disk_release(void);
/* How many wait. */
size_t fake_disk_hanging(void);

/* How many descriptors are open. */
size_t fake_disk_open_count(void);

/* Was the fault that was asked for met? */
bool fake_disk_was_reached(void);

/* Power comes back after a cut, or is cut now and comes back. Descriptors are gone. */
void fake_disk_reboot(enum fake_survival survival, uint64_t seed);

/* The same with SURVIVE_SECTORS. */
void fake_disk_power_on(uint64_t seed);

/* The process was killed: descriptors are gone, all that was written can be read, nothing was
 * synced. */
void fake_disk_restart(void);

/* Space for file data; UINT64_MAX: no end. */
void fake_disk_limit(uint64_t bytes);

/* The bytes of a file, to look at or to damage (also what is durable). NULL: there is none. */
uint8_t *fake_disk_bytes(const char *path, size_t *length_r);
/* After a change through it: let it be durable too. */
void fake_disk_commit_bytes(const char *path);

#endif
