/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake-disk -- a second implementation of common/disk.h, in memory, that can fail and lose power.
 *
 * It keeps apart what was done and what was synced. What a power cut leaves of
 * the rest is chosen by a seed, within what a journalling file system may do:
 *
 *   names (made, renamed, removed): a beginning of what was done since the last sync, in order,
 * each whole content: each sector of 512 bytes is the old or the new one; the length is the old or
 * the new one
 *
 * A sync of a file makes its content durable and no name; a sync of a directory
 * makes the names in it durable, and all that was done before them; syncfs all.
 * A killed process, unlike a power cut, leaves all that was done, synced or not.
 *
 * Faults come at the n-th call since they were asked for. A call is one that
 * changes or syncs something; reading is not counted. All is thread safe.
 */
#ifndef GEMEL_TESTS_UNIT_FAKE_DISK_H
#define GEMEL_TESTS_UNIT_FAKE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An empty disk without faults, with the one folder "/". */
void fake_disk_reset(void);

/* Give all memory back. */
void fake_disk_close(void);

/* From the n-th call on (1: the next one) nothing works any more: every call says -EIO. 0: never.
 */
void fake_disk_stop_at(size_t n);

/* The n-th call says error (-ENOSPC, -EIO, ...) and does nothing; those after it work. 0: never. */
void fake_disk_fail_at(size_t n, int error);

/* Has the call that was asked for been reached? */
bool fake_disk_was_reached(void);

/* The power was cut: lose by seed what was not synced, forget open files, work again. */
void fake_disk_power_on(uint64_t seed);

/* The process was killed: forget open files, work again. */
void fake_disk_restart(void);

#endif
