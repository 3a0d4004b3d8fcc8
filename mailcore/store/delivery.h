/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * delivery -- from the spool into Maildirs, each recipient exactly once.
 *
 * Sits between spool.h (what is accepted) and maildir.h (one file). A thread of
 * its own (carrier.h) does everything that touches the mail file system, in turns:
 *
 *   1. rename into new/ what the spool has said to be PREPARED
 *   2. write staging files for what has arrived, up to the limits of a batch
 *   3. one syncfs, which makes both durable
 *   4. report: the first are then settled DELIVERED, the second go to spool_prepare()
 *
 * So one sync per turn serves the end of one batch and the beginning of the
 * next, and a batch is staged while the one before is in the journal. Order
 * within a mailbox is not kept. Turns keep a distance (carrier.h): each holds up
 * the journal, for which clients wait, and nobody waits for a delivery.
 *
 * One recipient:
 *
 *   arrived --> WAITING --staged, synced--> spool_prepare() --> renamed, synced --> DELIVERED
 *                  ^                                              |
 *                  '---- after a pause <---- DEFERRED <-----------'
 *
 * What a crash leaves, and what replay makes of it:
 *
 *   journal says    staging file    means                         is done
 *   PENDING         any or none     never promised                written anew
 *   DEFERRED        any or none     not renamed                   written anew
 *   PREPARED        there           synced before the record      renamed
 *   PREPARED        gone            renamed (the user may since   settled, after a sync
 *                                   have moved or deleted it)
 *   DELIVERED       gone            done                          nothing
 *
 * Within one life a staging file that was promised is never written again:
 * a DEFERRED that is not yet durable may come back as PREPARED.
 *
 * Troubles: no space, no mailbox, no account: the recipient is DEFERRED with the
 * reason and tried again, with growing pauses; a missing mailbox is made again.
 * A failed sync, or a file system that became read-only: nothing there can be
 * trusted; the thread stops, failed() is called once, and nothing is settled any more.
 *
 * All calls are made on one thread, the core's loop:
 *   delivery_open(), spool_open() (whose arrived() calls delivery_add()), delivery_start(), ...,
 *   delivery_close(), spool_close().
 */
#ifndef GEMEL_MAILCORE_STORE_DELIVERY_H
#define GEMEL_MAILCORE_STORE_DELIVERY_H

#include "mailcore/route/router.h"
#include "mailcore/spool/spool.h"
#include "mailcore/store/carrier.h"
#include "mailcore/store/maildir.h"

struct delivery;

struct delivery_settings {
	struct maildir_settings maildir;
	const char *hostname;     /* "by" in the Received header that we add */
	uint32_t batch_messages;  /* most files staged before a sync: 256 */
	uint64_t batch_bytes;     /* no further file after so many bytes: 4 MiB */
	uint32_t batch_ms;        /* nor after this time: 10 */
	struct carrier_pace pace; /* of turns: 25 ms; in a rush until 16384 wait */
	uint32_t retry_first_ms;  /* pause after a first failure; doubles each time: 10 s */
	uint32_t retry_last_ms;   /* and stays at this: 15 min */
};

struct delivery_events {
	void *context;
	/* The mail file system has failed; reason is one sentence. Called once, from
	 * delivery_dispatch(). */
	void (*failed)(void *context, const char *reason);
	/* For the log; may be NULL. A recipient is in the mailbox of account (0: an earlier life
	 * has put it there and the account has gone since), and reason is NULL; or it is deferred,
	 * with the reason, account 0 if nobody has the address. Called before the spool hears of
	 * it, so message is still there. */
	void (*outcome)(void *context, const struct message *message, uint32_t recipient,
	    uint64_t account, const char *reason);
};

/* Copies settings, events and router; what they point to must outlive the delivery. The router's
 * lookup is called on the loop. Returns 0 with *delivery_r owned, or -errno with a sentence in
 * error[256]. */
int delivery_open(const struct delivery_settings *settings, const struct delivery_events *events,
    const struct router *router, struct delivery **delivery_r, char error[256]);

/* What the spool's arrived() calls. Before delivery_start() it only collects. */
void delivery_add(struct delivery *delivery, struct message *message);

/* The replay is over: remove staging files that no message wants, begin. spool is borrowed until
 * delivery_close(), and has had no spool_tick() yet. */
int delivery_start(struct delivery *delivery, struct spool *spool, char error[256]);

/* What the spool's prepared() calls. */
void delivery_prepared(struct delivery *delivery, void *cookie, bool ok);

/* Poll for reading; when readable call delivery_dispatch(). Call delivery_tick() each 100 ms or so
 * with clock_boot_ms(): it brings back what was deferred. */
int delivery_descriptor(const struct delivery *delivery);
void delivery_dispatch(struct delivery *delivery);
void delivery_tick(struct delivery *delivery, uint64_t now_ms);

/* There is an account for address (any case) now: what is deferred for it is tried with the next
 * delivery_tick(). Looks at all that is deferred, which is cheap and not free. */
void delivery_hurry(struct delivery *delivery, struct slice address);

/* Recipients delivered since the start; recipients that are on their way or deferred. */
uint64_t delivery_delivered(const struct delivery *delivery);
uint64_t delivery_waiting(const struct delivery *delivery);

/* End after the turn that runs (milliseconds), settle what it renamed, free. What was staged and
 * not renamed is done by the next life. spool_close() may still call prepared() for batches of
 * ours, and arrived() for commits that it finishes: drop both. Takes NULL; sets the pointer to
 * NULL. */
void delivery_close(struct delivery **delivery);

#endif
