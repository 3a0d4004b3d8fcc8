/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generation -- the number that every promote raises.
 *
 * The file "generation" in the store holds it in decimal. It is replaced as a
 * whole (write another one, sync, let them change places, sync of the directory)
 * before anything else is done, so ids that begin with it are never used twice.
 * The other one, "generation.new", stays: its block is there when the disk is full.
 */
#ifndef GEMEL_MAILCORE_SPOOL_GENERATION_H
#define GEMEL_MAILCORE_SPOOL_GENERATION_H

#include <stdint.h>

/* It is the upper 24 bits of an id, and an id must be a signed number in SQLite. */
#define GENERATION_MAX ((UINT64_C(1) << 23) - 1)

/* Write a generation above the file's and above at_least. Returns 0; 1: the file held no number,
 * and at_least was counted on from; -EBADMSG: and at_least is 0; -ERANGE: there is none left. */
int generation_raise(const char *directory, uint64_t at_least, uint64_t *generation_r);

#endif
