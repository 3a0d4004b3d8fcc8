/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recorder -- writes records of proofs (history.h) on a thread, so that the agent's loop does not
 * wait for the node's own disk.
 */
#ifndef GEMEL_AGENT_RECORDER_H
#define GEMEL_AGENT_RECORDER_H

#include "agent/history.h"

#include <qb/qbloop.h>

struct recorder;

/* done is called on the loop for each record, in order: error is what history_append() said. */
int recorder_open(qb_loop_t *loop, void (*done)(void *context, int error), void *context,
    struct recorder **recorder_r);

/* Takes the record. While one is being written the next one waits. */
void recorder_write(struct recorder *recorder, json_t *record);

/* A write that hangs is not waited for. Takes NULL. */
void recorder_close(struct recorder **recorder);

#endif
