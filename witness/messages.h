/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * messages -- what a node and its witness say to each other, as bytes.
 *
 * Pure: meaning to protobuf (common/federation.proto, by nanopb) and back. Nothing is
 * taken whose bytes do not say all of it: an absent verb or verdict is no verb or verdict,
 * a row without members is no row. What is taken may still be refused by the register.
 */
#ifndef GEMEL_WITNESS_MESSAGES_H
#define GEMEL_WITNESS_MESSAGES_H

#include "witness/asker.h"
#include "witness/register.h"

/* No message is longer. */
#define MESSAGES_MAX 256

#define MESSAGES_PATH_REGISTER "/gemel.Witness/Register"
#define MESSAGES_PATH_ECHO "/gemel.Witness/Echo"

/* Each writes its message to out and returns the length. What it says must be legal: it is ours. */
size_t
messages_put_ask(const char *pair, const struct register_ask *ask, uint8_t out[MESSAGES_MAX]);
size_t messages_put_answer(
    enum register_verdict verdict, const struct register_row *row, uint8_t out[MESSAGES_MAX]);
size_t messages_put_echo(uint64_t nonce, uint8_t out[MESSAGES_MAX]);

/* Each reads a message. False: it is none, and what *_r point to is empty. pair_r: a legal name. */
bool
messages_take_ask(struct slice message, char pair_r[PAIR_NAME_MAX + 1], struct register_ask *ask_r);
/* A verdict that says "done" comes with a row. */
bool messages_take_answer(
    struct slice message, enum register_verdict *verdict_r, struct register_row *row_r);
bool messages_take_echo(struct slice message, uint64_t *nonce_r);

#endif
