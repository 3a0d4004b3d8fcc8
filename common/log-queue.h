/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log-queue -- lines for a slow file, from a loop that must not wait for it.
 *
 * A thread writes what was queued, many lines at a time. The queue is bounded:
 * while the file is slower than what comes, lines are dropped and counted, and
 * the next write is told how many.
 * Lines of the last LOG_QUEUE_PAUSE_MS may be lost when the process is killed.
 */
#ifndef GEMEL_COMMON_LOG_QUEUE_H
#define GEMEL_COMMON_LOG_QUEUE_H

#include "common/slice.h"

/* How long lines are collected before they are written together. */
#define LOG_QUEUE_PAUSE_MS 50

struct log_queue;

/* Write whole lines, each with its LF; so many were dropped before them. Called on the thread. */
typedef void log_queue_write(void *context, struct slice lines, uint64_t dropped);

/* Begin, with room for so many bytes of lines. Returns 0 with *queue_r owned, or -errno. */
int log_queue_open(size_t room, log_queue_write *write, void *context, struct log_queue **queue_r);

/* Queue a line; it ends with LF. Never waits for a write. False: it was dropped. */
bool log_queue_put(struct log_queue *queue, struct slice line);

/* Write what is queued and end; of a write that takes longer than patience_ms the thread is left to
 * itself (its memory too: the process is about to end). Takes NULL; sets the pointer to NULL.
 * False: it was left. */
bool log_queue_close(struct log_queue **queue, unsigned patience_ms);

#endif
