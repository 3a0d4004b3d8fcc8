/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * environment -- what Pacemaker tells an agent besides its parameters.
 *
 * Pure: reads a list of "NAME=value" strings, as environ(7) has them.
 */
#ifndef GEMEL_OCF_ENVIRONMENT_H
#define GEMEL_OCF_ENVIRONMENT_H

#include "ocf/ocf.h"

/* The value of a name; NULL if it is not there. Borrows. */
const char *environment_get(char *const *environment, const char *name);

/* The value of OCF_RESKEY_name. */
const char *environment_parameter(char *const *environment, const char *name);

/* The value of OCF_RESKEY_CRM_meta_name. */
const char *environment_meta(char *const *environment, const char *name);

/* Fill in what the environment says of this call: instance, role, check level, whether it is a
 * probe, and a deadline somewhat before the action's time-out. ctx->agent and ctx->action are set
 * already. A probe is a monitor whose interval is unset or 0 (Pacemaker sends none). */
void environment_read(struct ocf_context *ctx, char *const *environment, uint64_t now_ms);

#endif
