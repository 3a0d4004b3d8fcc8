/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scsi -- the persistent reservation commands as lines of text, between sg_persist and a node's
 *disk
 *
 *	out ACTION KEY SERVICE-KEY TYPE    ACTION a service action's code, the keys in hexadecimal
 *	keys                               READ KEYS
 *	reservation                        READ RESERVATION
 *
 * The answer's first line is one of
 *
 *	good GENERATION COUNT              COUNT lines follow, a key in hexadecimal each
 *	conflict
 *	illegal
 *	failed                             the disk does not let the command through
 */
#ifndef GEMEL_TESTS_LAB_SCSI_H
#define GEMEL_TESTS_LAB_SCSI_H

#include "tests/lab/side.h"

#include <stdio.h>

/* Do what the line asks, and print the answer. */
void scsi_answer(struct side *s, const char *line, FILE *to);

#endif
