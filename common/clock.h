/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock -- the only place that asks the kernel what time it is.
 *
 * Pure modules take now_ms as an argument instead of calling this.
 */
#ifndef GEMEL_COMMON_CLOCK_H
#define GEMEL_COMMON_CLOCK_H

#include <stdint.h>

/* Milliseconds since boot, counting suspend (CLOCK_BOOTTIME). Never goes back. */
uint64_t clock_boot_ms(void);

/* Microseconds since boot, for measuring. */
uint64_t clock_boot_us(void);

/* Milliseconds since 1970 (CLOCK_REALTIME). May jump. */
uint64_t clock_wall_ms(void);

#endif
