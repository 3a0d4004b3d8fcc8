/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * good-pair -- facts of a pair with which nothing is wrong, for the tests of the doctor to spoil.
 *
 * Two nodes, two rings, a shared disk, fence_gemel and a power device for each node, and two
 * lines: everything that can be known is known.
 */
#ifndef GEMEL_TESTS_GOOD_PAIR_H
#define GEMEL_TESTS_GOOD_PAIR_H

#include "common/doctor/checks.h"

/* Where good_pair() puts them. */
enum good_primitive {
	GOOD_STORE,
	GOOD_CORE,
	GOOD_ADDRESS,
	GOOD_FENCE,
	GOOD_POWER_1,
	GOOD_POWER_2,
};

void good_pair(struct facts *facts);

/* One way to spoil it, and what is found then. */
struct spoiled {
	const char *what;
	void (*spoil)(struct facts *facts);
	enum finding_id id;
	bool is_found;
	size_t count; /* of all findings */
};

/* Fails the test for each row that is not so. */
void check_spoiled(const struct spoiled *rows, size_t count);

#endif
