/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format -- makes the partitions of a pair's disk lines ready for it (gemel-agentd --format).
 *
 * Once, on one node, before the agents use them.
 */
#ifndef GEMEL_AGENT_FORMAT_H
#define GEMEL_AGENT_FORMAT_H

#include "common/config.h"

/* Format every partition that pair { lines } names, telling each on standard output. A partition
 * that holds something is refused unless is_forced. The process's exit status. */
int format_partitions(const struct config *config, bool is_forced);

#endif
