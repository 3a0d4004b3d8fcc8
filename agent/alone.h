/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alone -- remembers, for this boot, that the peer's end was proved, so that an agent that is
 * started again goes on giving the lease. The file RUN-DIRECTORY/alone holds the life that has
 * ended, or an empty line if it was not known.
 */
#ifndef GEMEL_AGENT_ALONE_H
#define GEMEL_AGENT_ALONE_H

#include "common/id128.h"

/* 0 or -errno. */
int alone_write(const char *run_directory, const struct id128 *life);

/* True if there is such a file; *life_r is none if it was not known. What cannot be read is not
 * there. */
bool alone_read(const char *run_directory, struct id128 *life_r);

/* The peer is there again. */
void alone_remove(const char *run_directory);

#endif
