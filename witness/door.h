/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * door -- the connections of those who ask a witness, on libqb's loop.
 *
 * Bounded: DOOR_GUESTS_MAX connections, DOOR_GUESTS_EACH of one node (a newer one ends the oldest).
 * Who has not shown a certificate within DOOR_HANDSHAKE_MS, or says nothing for DOOR_SILENCE_MS,
 * is sent away; when the room is full, the oldest of those without a certificate is.
 */
#ifndef GEMEL_WITNESS_DOOR_H
#define GEMEL_WITNESS_DOOR_H

#include "common/config.h"
#include "common/tls.h"
#include "witness/keeper.h"

#include <qb/qbloop.h>

#define DOOR_LISTENERS_MAX 16
#define DOOR_GUESTS_MAX 128
#define DOOR_GUESTS_EACH 4
#define DOOR_HANDSHAKE_MS 5000
#define DOOR_SILENCE_MS 30000

struct door;

/* Bind all of listen (listener.h). Nobody is let in yet. Borrows tls. Returns 0, or -errno with one
 * sentence in error. */
int door_open(const struct config_list *listen, struct tls_context *tls, struct door **door_r,
    char error[TLS_ERROR_MAX]);

/* Let them in; what they ask is answered from keeper (borrowed). */
void door_serve(struct door *door, qb_loop_t *loop, struct keeper *keeper);

/* Send away whose time is up; to be called some times a second. */
void door_tick(struct door *door, uint64_t now_ms);

/* Say good-bye to all. Takes NULL. */
void door_close(struct door **door);

#endif
