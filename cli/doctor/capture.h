/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture -- what a program prints, without a shell and not for ever.
 *
 * libocf's child.h throws a program's output away, since the executor would wait for it; here the
 * output is what is wanted.
 */
#ifndef GEMEL_CLI_DOCTOR_CAPTURE_H
#define GEMEL_CLI_DOCTOR_CAPTURE_H

#include "common/slice.h"

/* Run argv[0], found by PATH, and append what it writes to standard output; it has no input, and
 * what it says on standard error is thrown away. Returns its exit status (127: there is no such
 * program; 128 and the signal that ended it); -ETIMEDOUT after wait_ms, -EFBIG after max bytes, it
 * is killed then; or -errno. */
int capture(char *const argv[], int wait_ms, size_t max, struct buffer *out);

#endif
