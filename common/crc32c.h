/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crc32c -- the Castagnoli checksum (RFC 3720 appendix B.4), for journal batches.
 */
#ifndef GEMEL_COMMON_CRC32C_H
#define GEMEL_COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of data, continued from crc (0 to begin). */
uint32_t crc32c(uint32_t crc, const void *data, size_t length);

#endif
