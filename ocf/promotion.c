/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/promotion.h"

#include "ocf/child.h"

#include <assert.h>
#include <stdio.h>

pid_t
promotion_set(const struct ocf_context *ctx, int score)
{
	char value[16];
	char *argv[] = {"crm_attribute", "--promotion", (char *)ctx->instance, "-v", value, NULL};

	assert(score >= 0);
	snprintf(value, sizeof(value), "%d", score);
	return child_spawn(argv);
}

pid_t
promotion_remove(const struct ocf_context *ctx)
{
	char *argv[] = {"crm_attribute", "--promotion", (char *)ctx->instance, "-D", NULL};

	return child_spawn(argv);
}

void
promotion_finish(const struct ocf_context *ctx, pid_t pid)
{
	int status = pid < 0 ? (int)pid : child_wait(pid, ctx->deadline_ms);

	if (status != 0)
		ocf_log(ctx,
		    "promotion score not written (crm_attribute: %d); is the cluster running?",
		    status);
}
