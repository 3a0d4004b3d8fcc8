/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory -- what the core and one life of a worker share.
 *
 * A memfd: a header with the settings, then the ring. Its size is sealed, so
 * a worker cannot shrink it under the core (SIGBUS). The core maps the ring
 * read-only and never reads the header back. Each life gets memory of its own:
 * what one left there, the next does not see.
 */
#ifndef GEMEL_MAILCORE_PROCESS_MEMORY_H
#define GEMEL_MAILCORE_PROCESS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "mailcore/smtp/settings.h"

struct memory {
	int fd;        /* -1 when it is no longer needed */
	uint8_t *ring; /* mapped twice in a row: place p is at ring[p] and ring[p + ring_bytes] */
	uint64_t ring_bytes;
};

/* The core's side: make and fill it. Returns 0 or -errno. */
int memory_create(struct memory *m, const struct smtp_settings *settings, uint64_t ring_bytes);

/* The worker's side: take fd, copy the settings, map the ring for writing, close fd. -EPROTO: not
 * such memory, for example of another version. */
int memory_attach(struct memory *m, int fd, struct smtp_settings *settings_r);

/* Unmap and close. Allowed twice. */
void memory_close(struct memory *m);

#endif
