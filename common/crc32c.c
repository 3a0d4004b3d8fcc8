/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
crc32c_sse42(uint32_t crc, const uint8_t *p, size_t length)
{
	uint64_t wide = crc;

	for (; length >= 8; length -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		wide = _mm_crc32_u64(wide, word);
	}
	crc = (uint32_t)wide;
	for (; length; length--, p++)
		crc = _mm_crc32_u8(crc, *p);
	return crc;
}
#endif

static uint32_t
crc32c_table(uint32_t crc, const uint8_t *p, size_t length)
{
	static const uint32_t nibble[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
	    0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6,
	    0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

	for (; length; length--, p++) {
		crc ^= *p;
		crc = (crc >> 4) ^ nibble[crc & 15];
		crc = (crc >> 4) ^ nibble[crc & 15];
	}
	return crc;
}

uint32_t
crc32c(uint32_t crc, const void *data, size_t length)
{
	crc = ~crc;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc32c_sse42(crc, data, length);
#endif
	return ~crc32c_table(crc, data, length);
}
