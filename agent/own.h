/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * own -- this node's own end: what it still holds, letting go of it, and the reset.
 */
#ifndef GEMEL_AGENT_OWN_H
#define GEMEL_AGENT_OWN_H

#include "common/config.h"
#include "common/id128.h"

#include <stdbool.h>

/* This node's life: run_directory/boot-id if there is such a file (a container has no boot id of
 * its own), else the kernel's. 0 or -errno. */
int own_boot_id(const char *run_directory, struct id128 *boot_r);

/* A number of the pair, of its domain and its nodes' names: both find it alike. The configuration
 * must name both nodes. */
uint64_t own_pair_number(const struct config *config);

struct own_holdings {
	bool core;  /* a core holds the lock of its pid file */
	bool store; /* something is mounted at the store's directory, or about to be, or that cannot
		     * be seen */
	bool address; /* a floating address is here: floatip keeps a state file while one is */
};

void
own_look(const char *run_directory, const char *store_directory, struct own_holdings *holdings_r);

/* End this node at once: reset, or power off. Nothing is written to any disk. Does not return
 * unless the kernel refuses: then the process ends, and the watchdog does the rest. */
_Noreturn void own_end(bool goes_off);

#endif
