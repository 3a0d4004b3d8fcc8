/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/line_private.h"
#include "heartbeat/slot-thread.h"

#include <errno.h>
#include <poll.h>

struct line_disk {
	struct line line;
	struct slot_thread *thread;
};

static int32_t
on_heard(int32_t fd, int32_t events, void *data)
{
	struct line_disk *disk = data;
	uint8_t packet[BEAT_BYTES];

	(void)fd;
	(void)events;
	if (slot_thread_hear(disk->thread, packet))
		line_deliver(&disk->line, slice_from(packet, BEAT_BYTES));
	return 0;
}

/* The thread is there as long as the line; that the partition may be missing is its own affair. */
static void
disk_open_line(struct line *line)
{
	struct line_disk *disk = (struct line_disk *)line;
	const struct slot_setup setup = {
	    .path = line->spec.path,
	    .line = line->setup.number,
	    .node = line->setup.node,
	    .pair = line->setup.pair,
	    .boot = line->setup.boot,
	    .pause_ms = line->setup.slot_ms,
	};
	int result = slot_thread_open(&setup, &disk->thread);

	if (result == 0)
		result = qb_loop_poll_add(
		    line->loop, QB_LOOP_HIGH, slot_thread_fd(disk->thread), POLLIN, disk, on_heard);
	line->health.is_open = result == 0;
	if (result == 0)
		return;
	slot_thread_close(&disk->thread);
	line_trouble(line, "The disk line %u can't start its thread: %s.", line->setup.number,
	    strerror(-result));
}

static void
disk_say(struct line *line, const uint8_t packet[BEAT_BYTES])
{
	slot_thread_say(((struct line_disk *)line)->thread, packet);
}

static void
disk_health(const struct line *line, uint64_t now_ms, struct line_health *health_r)
{
	uint64_t received = line->health.received, dropped = line->health.dropped;

	slot_thread_health(((const struct line_disk *)line)->thread, now_ms, health_r);
	health_r->received = received;
	health_r->dropped += dropped;
}

static void
disk_close_line(struct line *line)
{
	struct line_disk *disk = (struct line_disk *)line;

	qb_loop_poll_del(line->loop, slot_thread_fd(disk->thread));
	slot_thread_close(&disk->thread);
}

const struct line_way line_disk_way = {
    .bytes = sizeof(struct line_disk),
    .open = disk_open_line,
    .send = disk_say,
    .health = disk_health,
    .close = disk_close_line,
};
