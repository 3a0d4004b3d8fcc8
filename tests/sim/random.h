/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random -- the one source of chance: the same seed, the same run (SplitMix64).
 */
#ifndef GEMEL_SIM_RANDOM_H
#define GEMEL_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t
chance_bits(struct chance *c)
{
	uint64_t z = (c->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* from <= result <= to */
static inline uint64_t
chance_between(struct chance *c, uint64_t from, uint64_t to)
{
	return from + chance_bits(c) % (to - from + 1);
}

/* True in so many of a thousand. */
static inline bool
chance_in_1000(struct chance *c, unsigned permille)
{
	return chance_bits(c) % 1000 < permille;
}

/* As many short ones as long ones: between and 2 * between with equal chance for each doubling. */
static inline uint64_t
chance_spread(struct chance *c, uint64_t from, uint64_t to)
{
	unsigned doublings = 0;
	uint64_t low;

	while (from << (doublings + 1) <= to)
		doublings++;
	low = from << chance_between(c, 0, doublings);
	return chance_between(c, low, 2 * low > to ? to : 2 * low);
}

#endif
