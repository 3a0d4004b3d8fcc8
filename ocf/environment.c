/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/environment.h"

#include "ocf/parameter.h"

#include <stdio.h>
#include <string.h>

/* Left between our own deadline and Pacemaker's SIGKILL: a tenth, at most this. */
#define MARGIN_MAX_MS 1000

const char *
environment_get(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

static const char *
get_prefixed(char *const *environment, const char *prefix, const char *name)
{
	char full[128];

	if (snprintf(full, sizeof(full), "%s%s", prefix, name) >= (int)sizeof(full))
		return NULL;
	return environment_get(environment, full);
}

const char *
environment_parameter(char *const *environment, const char *name)
{
	return get_prefixed(environment, "OCF_RESKEY_", name);
}

const char *
environment_meta(char *const *environment, const char *name)
{
	return get_prefixed(environment, "OCF_RESKEY_CRM_meta_", name);
}

static int64_t
read_number(const char *text, int64_t otherwise)
{
	int64_t value;

	return text && parameter_parse_integer(text, &value) && value >= 0 ? value : otherwise;
}

/* Master and Slave are the old words. */
static enum ocf_role
read_role(const char *text)
{
	if (!text)
		return OCF_ROLE_NONE;
	if (strcmp(text, "Promoted") == 0 || strcmp(text, "Master") == 0)
		return OCF_ROLE_PROMOTED;
	if (strcmp(text, "Unpromoted") == 0 || strcmp(text, "Slave") == 0)
		return OCF_ROLE_UNPROMOTED;
	return OCF_ROLE_NONE;
}

void
environment_read(struct ocf_context *ctx, char *const *environment, uint64_t now_ms)
{
	const char *instance = environment_get(environment, "OCF_RESOURCE_INSTANCE");
	int64_t timeout_ms = read_number(
	    environment_meta(environment, "timeout"), (int64_t)ctx->action->timeout_s * 1000);
	int64_t margin_ms = timeout_ms / 10;

	if (margin_ms > MARGIN_MAX_MS)
		margin_ms = MARGIN_MAX_MS;
	ctx->environment = environment;
	ctx->instance = instance && *instance ? instance : ctx->agent->name;
	ctx->role = read_role(environment_meta(environment, "role"));
	ctx->check_level = (int)read_number(environment_get(environment, "OCF_CHECK_LEVEL"), 0);
	ctx->is_probe = strcmp(ctx->action->name, "monitor") == 0 &&
			read_number(environment_meta(environment, "interval"), 0) == 0;
	ctx->deadline_ms = now_ms + (uint64_t)(timeout_ms - margin_ms);
}
