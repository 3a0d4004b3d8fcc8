/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bytes -- little endian numbers at any address.
 */
#ifndef GEMEL_COMMON_BYTES_H
#define GEMEL_COMMON_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void
put_u32(void *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static inline void
put_u64(void *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static inline uint32_t
get_u32(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static inline uint64_t
get_u64(const void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

#endif
