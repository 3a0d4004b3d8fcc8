/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap-settings -- what gemel.conf and the file of secrets say about traps, checked.
 *
 * Targets are numeric addresses with a port, "192.0.2.9:162" or "[2001:db8::9]:162": a name would
 * have to be resolved, which can take as long as it likes.
 * The file of secrets must be root's alone: a regular file of mode 0600 or stricter.
 */
#ifndef GEMEL_AGENT_TRAP_SETTINGS_H
#define GEMEL_AGENT_TRAP_SETTINGS_H

#include "agent/snmp-secrets.h"
#include "common/config.h"

#include <sys/types.h>

#define TRAP_TARGETS_MAX 8
#define TRAP_TARGET_BYTES 64

struct trap_settings {
	char targets[TRAP_TARGETS_MAX][TRAP_TARGET_BYTES]; /* as they were written */
	unsigned target_count;                             /* 0: no traps are sent */
	bool is_v3;                                        /* else v2c */
	bool informs;       /* the manager acknowledges, and is asked again until it does */
	bool pacemaker_mib; /* send the cluster's events as PACEMAKER-MIB has them, too */
	struct snmp_secrets secrets;
};

/* Fill in from config. owner: whose the file of secrets must be (0). It is not read when there is
 * no target. Returns 0, or -errno with one sentence in error: -EINVAL what is written is wrong,
 * -EPERM others can read or change the file, or why it can't be read.
 * When done with them: snmp_secrets_forget(&settings->secrets). */
int trap_settings_read(const struct config *config, uid_t owner, struct trap_settings *settings,
    char error[CONFIG_ERROR_MAX]);

#endif
