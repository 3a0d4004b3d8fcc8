/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * row -- the row of a pair as the bytes of a file.
 *
 * Pure. ROW_BYTES, little endian, numbers without a width are u64:
 *
 *     0  magic "GMLR"        72  uuid              136  zero u32
 *     4  version u32         88  epoch             140  CRC-32C of all before
 *     8  name of the pair    96  members u32
 *        with NULs, 64      100  zero u32
 *                           104  boot ids, of node 0 and node 1
 *
 * The name is in it so that a file under another pair's name is not that pair's row.
 */
#ifndef GEMEL_WITNESS_ROW_H
#define GEMEL_WITNESS_ROW_H

#include "witness/asker.h"
#include "witness/register.h"

#define ROW_BYTES 144

/* row must be legal and pair a pair's name. */
void row_encode(const char *pair, const struct register_row *row, uint8_t out[ROW_BYTES]);

/* False: these are not the bytes of a row of this pair; *row_r is empty then. */
bool row_decode(struct slice bytes, const char *pair, struct register_row *row_r);

#endif
