/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server -- answers what is asked of a witness: who asks, for what path, with what message.
 *
 * Knows no transport: gemel-witnessd has one, and whoever else keeps registers may have
 * another. A node may ask only for its own pair and only as itself; who it is says
 * its certificate. What changes a row is logged here, with all that it says.
 */
#ifndef GEMEL_WITNESS_SERVER_H
#define GEMEL_WITNESS_SERVER_H

#include "common/grpc.h"
#include "witness/keeper.h"
#include "witness/messages.h"

struct witness_reply {
	enum grpc_status status;
	size_t length; /* of message, when status is GRPC_OK */
	uint8_t message[MESSAGES_MAX];
	char reason[GRPC_REASON_MAX]; /* else: one sentence */
};

/* uri: as tls_peer_uri(). keeper is borrowed; it may fail by this (keeper_has_failed()). Takes as
 * long as the disk does. */
void witness_answer(struct keeper *keeper, const char *uri, const char *path, struct slice message,
    struct witness_reply *reply_r);

#endif
