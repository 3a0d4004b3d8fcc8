/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * certificates -- what scripts/make-certificates makes, in a temporary folder, for tests.
 */
#ifndef GEMEL_TESTS_CERTIFICATES_H
#define GEMEL_TESTS_CERTIFICATES_H

#include "common/tls.h"

#define CERTIFICATES_HOST "witness.example.test"

/* Make a folder with an authority, the pairs "hq" and "b", and the witness above. Aborts if that
 * fails. Returns its path, owned. */
char *certificates_make(void);

/* The files of NAME there; each is good until certificates_remove(). */
struct tls_files certificates_of(const char *folder, const char *name);

/* Remove all of it, and the path. */
void certificates_remove(char *folder);

#endif
