/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holders -- who keeps a file system from being unmounted.
 *
 * A process holds it by its root, its working directory, its program, an open
 * file or a mapping; a mount namespace holds it by a mount of its own, with
 * nobody using it. Looks at every process of this PID namespace, by what the
 * kernel has in memory: it does not touch the file system and cannot hang on it.
 */
#ifndef GEMEL_AGENTS_HOLDERS_H
#define GEMEL_AGENTS_HOLDERS_H

#include "common/process.h"

#define HOLDERS_MAX 64

struct holder {
	struct process process;
	char name[16];     /* comm */
	const char *how;   /* "cwd", "open file", ... */
	bool by_namespace; /* only its mount namespace does */
};

struct holders {
	int count; /* of the ones in list; there may be more */
	struct holder list[HOLDERS_MAX];
};

/* Find who holds the file system on this device. The caller itself is left out. */
void holders_find(dev_t device, struct holders *found);

/* "dovecot (12, open file), sh (34, cwd) and 3 more", cut to fit. */
void holders_describe(const struct holders *found, char *text, size_t room);

#endif
