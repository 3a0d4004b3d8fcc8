/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * digest -- do both nodes have the same file? What each of them says of its own.
 *
 * A node publishes the SHA-256 of each file of digest_files as a transient node attribute,
 * DIGEST_ATTRIBUTE and the file's name; "gemel doctor" compares those of the peer with the files
 * that it finds. A digest gives away nothing of a key file, whose keys are 256 random bits.
 */
#ifndef GEMEL_COMMON_DIGEST_H
#define GEMEL_COMMON_DIGEST_H

#include <stddef.h>

#define DIGEST_HEX_MAX 65
#define DIGEST_ATTRIBUTE "gemel-digest-"
#define DIGEST_FILES 3

struct digest_file {
	const char *name; /* behind DIGEST_ATTRIBUTE */
	const char *path;
};

/* What must be the same on both nodes. */
extern const struct digest_file digest_files[DIGEST_FILES];

/* The SHA-256 of a regular file of at most 1 MiB, as 64 lower case hexadecimal digits and a NUL.
 * Returns 0; or -errno with an empty string: -EINVAL if it is no regular file, -EFBIG if it is
 * longer. */
int digest_file(const char *path, char hex[DIGEST_HEX_MAX]);

#endif
