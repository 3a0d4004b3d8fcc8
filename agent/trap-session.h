/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap-session -- the way to one manager, by net-snmp's single-session calls.
 *
 * net-snmp is not made for several threads, so all of this runs on one (trap-sender.h). Of the
 * library only what builds and sends messages is set up: it reads no configuration, no MIB and no
 * persistent file, and logs nothing.
 *
 * A trap is sent and forgotten. An inform is sent and waits: trap_session_work() takes the answer,
 * and sends it again. Nothing here waits for a manager but the first inform of version 3 to one
 * (and, when it failed, one every TRAP_PROBE_PAUSE_MS): it asks for the manager's engine, and
 * takes up to TRAP_TIMEOUT_MS.
 */
#ifndef GEMEL_AGENT_TRAP_SESSION_H
#define GEMEL_AGENT_TRAP_SESSION_H

#include "agent/trap-engine.h"
#include "agent/trap-settings.h"
#include "agent/trap-varbinds.h"

/* An inform is sent once and TRAP_RETRIES times more, after so long each time. */
#define TRAP_TIMEOUT_MS 1000
#define TRAP_RETRIES 4
#define TRAP_PROBE_PAUSE_MS 30000

/* Informs that wait for their answers; what is more is lost to this manager. */
#define TRAP_WAITING_MAX 256

struct trap_session;

/* Set the library up: once, before the first session, on the thread of all of them. engine: for
 * version 3, else NULL. */
void trap_library_start(const struct trap_engine *engine);

/* Make the way to the n-th target of settings (borrowed). Returns 0 with *session_r owned, or
 * -errno: nothing is sent yet, so the manager need not be there. */
int trap_session_open(const struct trap_settings *settings, unsigned target,
    const struct trap_engine *engine, struct trap_session **session_r);

/* Send. What fails is counted as lost. uptime_s: seconds since the start that engine counts. */
void trap_session_send(struct trap_session *session, const struct trap_varbinds *varbinds,
    uint32_t uptime_s, uint64_t now_ms);

/* The socket to watch for answers; -1: there is none. */
int trap_session_socket(const struct trap_session *session);

/* Take answers that are there and send again what is due. Call it when the socket can be read, and
 * every 100 ms or so while trap_session_is_waiting(). */
void trap_session_work(struct trap_session *session, bool is_readable);

/* True while an inform waits for its answer. */
bool trap_session_is_waiting(const struct trap_session *session);

/* How many were not sent, or were informs that nobody answered. */
uint64_t trap_session_lost(const struct trap_session *session);

/* Takes NULL; sets the pointer to NULL. */
void trap_session_close(struct trap_session **session);

#endif
