/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * id128 -- 128 random bits that name something: the life of a node (boot id), a register.
 *
 * Pure: whoever needs a new one brings the random bits. All zero is no id.
 */
#ifndef GEMEL_COMMON_ID128_H
#define GEMEL_COMMON_ID128_H

#include "common/slice.h"

#define ID128_BYTES 16
#define ID128_TEXT_BYTES 37 /* with the NUL */

struct id128 {
	uint8_t bytes[ID128_BYTES];
};

bool id128_is_same(const struct id128 *a, const struct id128 *b);
bool id128_is_none(const struct id128 *id);

/* As RFC 9562 writes a UUID: "01234567-89ab-cdef-0123-456789abcdef". Returns out. */
const char *id128_text(const struct id128 *id, char out[ID128_TEXT_BYTES]);

/* Read that form, or 32 hexadecimal digits; a line end may follow, as in the kernel's boot_id.
 * False: it is neither, or all zero; *id_r is no id then. */
bool id128_parse(struct slice text, struct id128 *id_r);

#endif
