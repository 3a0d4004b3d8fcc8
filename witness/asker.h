/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asker -- who asks a witness: a node of a pair, as its certificate names it.
 *
 * Pure. A certificate names a node by one URI among its alternative names:
 *
 *     gemel:pair/NAME/node/N        N: 0 or 1
 *
 * A pair's name is 1 to 63 of a-z, 0-9 and "-", not at either end: it becomes the name of
 * a file, and is fit for a host name.
 */
#ifndef GEMEL_WITNESS_ASKER_H
#define GEMEL_WITNESS_ASKER_H

#include "common/slice.h"

#define PAIR_NAME_MAX 63

struct asker {
	char pair[PAIR_NAME_MAX + 1];
	uint8_t node;
};

bool asker_is_pair_name(struct slice name);

/* Read the URI. False: it names no node; *asker_r is empty then. */
bool asker_parse(struct slice uri, struct asker *asker_r);

#endif
