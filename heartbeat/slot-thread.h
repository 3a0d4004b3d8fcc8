/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slot-thread -- the thread that writes and reads the slots of one partition (disk-partition.h).
 *
 * In each turn it reads whether this life of ours is poisoned, writes the latest beat of ours and
 * reads it back, and reads the peer's beat; one that fails does not keep it from the others. A
 * partition of which nothing can be read is closed, and opened again after a second.
 *
 * The disk may hang for ever, and only this thread waits for it: every call here takes a mutex
 * that is never held across one of the disk. Thread and owner hold what they share together; the
 * last one frees it, so the owner may go while the thread hangs.
 */
#ifndef GEMEL_HEARTBEAT_SLOT_THREAD_H
#define GEMEL_HEARTBEAT_SLOT_THREAD_H

#include "heartbeat/beat.h"
#include "heartbeat/line-health.h"

/* A call of the disk that takes longer is a trouble. */
#define SLOT_HUNG_MS 1000

struct slot_thread;

struct slot_setup {
	const char *path; /* copied */
	unsigned line;    /* its number, for sentences */
	uint8_t node;     /* ours */
	uint64_t pair;
	struct id128 boot;
	uint32_t pause_ms; /* between two turns; not 0 */
};

/* Start it. 0, or -errno if there is no thread or no eventfd to be had. */
int slot_thread_open(const struct slot_setup *setup, struct slot_thread **thread_r);

/* An eventfd that becomes readable when there is something to hear. Borrowed. */
int slot_thread_fd(const struct slot_thread *thread);

/* The packet that the next turn writes; one that no turn has written is dropped for it. */
void slot_thread_say(struct slot_thread *thread, const uint8_t packet[BEAT_BYTES]);

/* True: *packet_r is what the peer has said since the last call, the latest of it. */
bool slot_thread_hear(struct slot_thread *thread, uint8_t packet_r[BEAT_BYTES]);

/* All of *health_r but received. */
void slot_thread_health(struct slot_thread *thread, uint64_t now_ms, struct line_health *health_r);

/* Let it end, and wait for nothing. A turn that runs is finished. Takes NULL. */
void slot_thread_close(struct slot_thread **thread);

#endif
