/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model-pair -- the two nodes of a pair at a model array, and operations of theirs played to
 * the end, with a mishap at any command.
 *
 * One pair to a test program; pair_start() begins anew.
 */
#ifndef GEMEL_TESTS_MODEL_PAIR_H
#define GEMEL_TESTS_MODEL_PAIR_H

#include "tests/unit/model-array.h"

#define PAIR 77

/* What happens to command number `at` of an operation, from 0. */
struct mishap {
	int at;
	int status;
	const char *text; /* NULL: what the array says */
	bool is_done;     /* the array does it all the same */
	int commands;     /* counts them */
};

extern struct barring_place pair_places[RESERVATION_NODES];
extern struct model_array pair_array;

/* Both registered by these paths, at an array that was empty. */
void pair_start(unsigned paths);

/* The node begins this life. */
void pair_boot(uint8_t node, uint8_t life, unsigned paths);
uint64_t pair_key(int node);

/* Run command i, which has been started. */
void pair_step(struct barring *b, struct model_array *array, int i, struct mishap *mishap);

/* Run an operation of node to its end. */
struct barring
pair_run_with(int node, enum barring_kind kind, uint64_t marked, struct mishap *mishap);
struct barring pair_run(int node, enum barring_kind kind, uint64_t marked);

#endif
