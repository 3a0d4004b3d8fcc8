/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk-partition -- reads and writes the slots of disk-slots.h on a partition of their own.
 *
 * A partition of its own, because an open handle on the file system's device keeps old blocks of
 * it alive. Everything goes past the page cache (O_DIRECT), and nothing that was written counts
 * before it was read back and found to be the same: a disk may read well and lose or refuse every
 * write.
 *
 * Every call blocks for as long as the disk hangs: call none of them on a loop's thread.
 * Calls with why explain a failure there in one sentence (empty: none).
 */
#ifndef GEMEL_HEARTBEAT_DISK_PARTITION_H
#define GEMEL_HEARTBEAT_DISK_PARTITION_H

#include "heartbeat/disk-slots.h"

#define DISK_PARTITION_WHY_BYTES 512

/* How much at either end must be zero for a partition to count as unused: where file systems,
 * partition tables, volume managers and RAIDs sign. */
#define DISK_PARTITION_ENDS_BYTES (1u << 20)

/* Make a partition ready for the pair. One that holds this pair's header is left as it is, with
 * what is in its slots. One that holds anything else than zeros at its ends is refused, unless
 * is_forced: then its slots are emptied. A partition that is in use (mounted, part of a volume) is
 * refused always. 0; -EEXIST: it holds something; -EBUSY; -ENOSPC: too small; -EBADMSG: it reads
 * something else than was written; else the disk's -errno. */
int disk_partition_format(
    const char *path, uint64_t pair, bool is_forced, char why[DISK_PARTITION_WHY_BYTES]);

/* Poison one life of a node. 0 only when the disk has said that the poison is durable, and it was
 * read back as it was written: that node's next look at its slot finds it. -EPROTO: the
 * partition is not this pair's; -EBADMSG: it reads something else than was written; else the
 * disk's -errno. After a failure the poison may stand or not. */
int disk_partition_poison(const char *path, uint64_t pair, uint8_t node, const struct id128 *life,
    uint64_t wall_ms, char why[DISK_PARTITION_WHY_BYTES]);

/* Read which life of a node is poisoned. 1: *record_r says; 0: none is; -EPROTO: the partition is
 * not this pair's, or the slot holds something else than a poison; else the disk's -errno. */
int disk_partition_read_poison(const char *path, uint64_t pair, uint8_t node,
    struct disk_record *record_r, char why[DISK_PARTITION_WHY_BYTES]);

/* The parts of the above, for who keeps the partition open: slot-thread.c. */

/* Open it, and check that it is this pair's. Descriptor, owned; or as disk_partition_read_poison().
 */
int
disk_partition_open(const char *path, int flags, uint64_t pair, char why[DISK_PARTITION_WHY_BYTES]);

/* Write a slot and read it back. 0; -EBADMSG: something else came back; the disk's -errno. */
int
disk_partition_write_slot(int fd, const struct disk_slot *slot, const struct disk_record *record);

/* Read a slot. 0, and *fault_r says what it holds; -ENXIO: the partition ends before it; else the
 * disk's -errno. */
int disk_partition_read_slot(int fd, const struct disk_slot *slot, struct disk_record *record_r,
    enum disk_slot_fault *fault_r);

#endif
