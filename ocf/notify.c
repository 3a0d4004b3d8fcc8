/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/notify.h"

#include "ocf/environment.h"

#include <stdio.h>
#include <string.h>

struct notify
notify_read(const struct ocf_context *ctx)
{
	const char *type = environment_meta(ctx->environment, "notify_type");
	const char *operation = environment_meta(ctx->environment, "notify_operation");
	struct notify notify = {NOTIFY_NONE, operation ? operation : ""};

	if (type && strcmp(type, "pre") == 0)
		notify.when = NOTIFY_PRE;
	else if (type && strcmp(type, "post") == 0)
		notify.when = NOTIFY_POST;
	return notify;
}

const char *
notify_nodes(const struct ocf_context *ctx, const char *list)
{
	char name[64];
	const char *value;

	snprintf(name, sizeof(name), "notify_%s_uname", list);
	value = environment_meta(ctx->environment, name);
	return value ? value : "";
}

bool
notify_list_has(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (*list) {
		size_t word = strcspn(list, " ");

		if (word == length && word && strncmp(list, name, word) == 0)
			return true;
		list += word;
		list += strspn(list, " ");
	}
	return false;
}

size_t
notify_list_count(const char *list)
{
	size_t count = 0;

	for (list += strspn(list, " "); *list; list += strspn(list, " ")) {
		list += strcspn(list, " ");
		count++;
	}
	return count;
}

bool
notify_is_promoted_after(const struct ocf_context *ctx, const char *node)
{
	if (notify_list_has(notify_nodes(ctx, "promote"), node))
		return true;
	return notify_list_has(notify_nodes(ctx, "promoted"), node) &&
	       !notify_list_has(notify_nodes(ctx, "demote"), node) &&
	       !notify_list_has(notify_nodes(ctx, "stop"), node);
}
