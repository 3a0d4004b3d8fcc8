/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * retry -- recipients that are deferred, the one that is due first on top.
 *
 * Pure: a binary heap by due_ms that owns its tasks.
 */
#ifndef GEMEL_MAILCORE_STORE_RETRY_H
#define GEMEL_MAILCORE_STORE_RETRY_H

#include "mailcore/store/turn.h"

struct retry {
	struct task **heap;
	size_t count;
	size_t room;
};

/* Takes task; its due_ms must not change while it is here. */
void retry_push(struct retry *retry, struct task *task);

/* The task that is due first, owned by the caller; NULL if none is due at now_ms. */
struct task *retry_pop(struct retry *retry, uint64_t now_ms);

/* Make those that is_meant() says due at now_ms. Looks at all of them. */
void retry_hurry(struct retry *retry, bool (*is_meant)(const struct task *task, void *context),
    void *context, uint64_t now_ms);

/* Free all tasks; empty and usable after it. */
void retry_close(struct retry *retry);

/* How long to pause after so many attempts: first_ms, then twice as long each time, up to last_ms.
 */
uint64_t retry_pause_ms(uint32_t first_ms, uint32_t last_ms, uint32_t attempts);

#endif
