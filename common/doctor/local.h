/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * local -- reads what this node's own files say of the pair into facts.
 *
 * The shell round the pure modules of this folder: opens files, and asks neither the cluster nor
 * any program. What cannot be read or is wrong becomes a finding.
 */
#ifndef GEMEL_COMMON_DOCTOR_LOCAL_H
#define GEMEL_COMMON_DOCTOR_LOCAL_H

#include "common/doctor/facts.h"
#include "common/doctor/findings.h"
#include "common/slice.h"

#define DRBD_FOLDER "/etc/drbd.d"

struct local_paths {
	const char *gemel, *corosync; /* NULL: as digest_files has them */
	const char *keys;             /* NULL: as gemel.conf has it */
	const char *drbd;             /* NULL: DRBD_FOLDER */
};

/* Read them all. *facts must be zero, or hold only what others have filled in. */
void local_read(const struct local_paths *paths, struct facts *facts, struct findings *out);

/* Append the content of a regular file of at most max bytes. 0 or -errno: -EINVAL if it is no
 * regular file, -EFBIG if it is longer. */
int local_load(const char *path, size_t max, struct buffer *text);

#endif
