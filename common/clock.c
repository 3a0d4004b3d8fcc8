/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/clock.h"

#include <time.h>

static uint64_t
clock_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
clock_boot_us(void)
{
	return clock_us(CLOCK_BOOTTIME);
}

uint64_t
clock_boot_ms(void)
{
	return clock_us(CLOCK_BOOTTIME) / 1000;
}

uint64_t
clock_wall_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}
