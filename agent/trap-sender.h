/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap-sender -- tells the managers of events, from a thread of its own.
 *
 *   any thread: trap_sender_send() --queue of TRAP_QUEUE_MAX--> thread: net-snmp, all targets
 *
 * Nothing that a manager or the network does costs the caller anything: the queue is copied into
 * under a lock that is held for no more than that, and when it is full the oldest event in it is
 * dropped and counted. The newest tell more. The thread opens sockets and, for version 3, counts
 * the start of its engine (trap-engine.h), so that a hanging disk hangs only it.
 *
 * The thread logs nothing. What the operator should know is fetched as sentences by
 * trap_sender_news(), for the caller's log.
 */
#ifndef GEMEL_AGENT_TRAP_SENDER_H
#define GEMEL_AGENT_TRAP_SENDER_H

#include "agent/event.h"
#include "agent/trap-settings.h"

#define TRAP_QUEUE_MAX 256
#define TRAP_NEWS_BYTES 320

struct trap_sender;

/* Begin. settings: copied, with the secrets. reporter: the name of this node. directory: for the
 * engine, TRAP_ENGINE_DIRECTORY; it outlives the sender. Returns 0 with *sender_r owned (NULL if
 * there is no target), or -errno: there is no thread or descriptor to be had. */
int trap_sender_open(const struct trap_settings *settings, const char *reporter,
    const char *directory, struct trap_sender **sender_r);

/* Queue an event for all targets. Never waits. sender may be NULL: nothing happens. */
void trap_sender_send(struct trap_sender *sender, const struct event *event);

/* Fetch one sentence about what went wrong since the last time; call it now and then, a few
 * seconds apart, until false. It never waits. sender may be NULL: false. */
bool trap_sender_news(struct trap_sender *sender, char text[TRAP_NEWS_BYTES]);

/* Send what is queued, wait up to patience_ms for the answers to informs, end. A thread that has
 * not ended 200 ms after that hangs in the first inform of version 3 to a manager, or on the disk:
 * it is left to itself (its memory, too: the process is about to end). Takes NULL; sets the pointer
 * to NULL. False: it was left. */
bool trap_sender_close(struct trap_sender **sender, unsigned patience_ms);

#endif
