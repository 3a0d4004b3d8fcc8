/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * carrier -- the thread that works on the mail file system, and the lists between it and the loop.
 *
 * The loop gives it recipients to stage and to publish; it carries them through
 * turns (turn.h) and gives them back when the turn's sync is done. It knows
 * nothing of the journal's promises: what may be staged or published, and what
 * becomes of it then, delivery.h decides. After a turn that failed it stops.
 *
 * All calls are made on the loop's thread.
 */
#ifndef GEMEL_MAILCORE_STORE_CARRIER_H
#define GEMEL_MAILCORE_STORE_CARRIER_H

#include "mailcore/store/turn.h"

#include <stdbool.h>

struct carrier;

/* Returns 0 with *carrier_r owned, or -errno. Nothing is carried before carrier_start(). */
int carrier_open(struct carrier **carrier_r);

/* When turns begin. In a rush, that is while new messages came in during the last turn, turns take
 * a sixth of the time at most, with pauses of CARRIER_PAUSE_MAX_MS at most, until lag_messages
 * wait: each holds up the journal, for which clients wait. Out of a rush they begin at least
 * pause_ms apart, unless a whole batch waits. */
#define CARRIER_PAUSE_MAX_MS 250u
struct carrier_pace {
	uint32_t pause_ms;
	uint32_t lag_messages;
};

/* How long to wait after a turn that took so long. */
uint64_t carrier_pause_ms(const struct carrier_pace *pace, uint64_t took_ms, bool is_rush);

/* Start the thread; settings and pace are copied, what they point to is borrowed until
 * carrier_stop(). Returns 0 or -errno. */
int carrier_start(
    struct carrier *carrier, const struct turn_settings *settings, const struct carrier_pace *pace);

/* Take all tasks of the list; it is empty then. */
void carrier_stage(struct carrier *carrier, struct task_list *tasks);
void carrier_publish(struct carrier *carrier, struct task_list *tasks);

/* Readable when carrier_take() has something to say. */
int carrier_descriptor(const struct carrier *carrier);

/* Append what is done, owned by the caller. Returns 0, or -errno of the turn that failed: nothing
 * is known of any task then, and they stay. */
int carrier_take(struct carrier *carrier, struct task_list *staged, struct task_list *published);

/* End the thread after the turn that runs. What it has done can still be taken. */
void carrier_stop(struct carrier *carrier);

/* Stop and free, all tasks too. Takes NULL; sets the pointer to NULL. */
void carrier_close(struct carrier **carrier);

#endif
