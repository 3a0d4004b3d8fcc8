/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/line_private.h"

#include "common/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct line_way *const ways[LINE_KINDS] = {
    [LINE_UDP] = &line_udp_way,
    [LINE_SERIAL] = &line_serial_way,
    [LINE_DISK] = &line_disk_way,
};

void
line_trouble(struct line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(line->health.trouble, sizeof(line->health.trouble), format, args);
	va_end(args);
}

void
line_well(struct line *line)
{
	line->is_doubtful = false;
	line->health.trouble[0] = '\0';
}

void
line_deliver(struct line *line, struct slice packet)
{
	line->health.received++;
	line->events.on_packet(line->events.context, line->setup.number, packet);
}

static void
try_to_open(struct line *line, uint64_t now_ms)
{
	bool is_known_bad = line->is_doubtful;

	line->tried_ms = now_ms;
	line->is_doubtful = false;
	line->way->open(line);
	/* Whether it helped to open it anew, the next packet tells. */
	if (line->health.is_open && !is_known_bad)
		line_well(line);
}

int
line_open(struct slice text, const struct line_setup *setup, qb_loop_t *loop,
    const struct line_events *events, struct line **line_r, const char **reason_r)
{
	struct line_spec spec;
	struct line *line;

	assert(setup->node < BEAT_NODES);
	*line_r = NULL;
	*reason_r = line_spec_parse(text, &spec);
	if (*reason_r)
		return -EINVAL;
	line = calloc(1, ways[spec.kind]->bytes);
	if (!line)
		abort();
	line->way = ways[spec.kind];
	line->spec = spec;
	line->setup = *setup;
	line->events = *events;
	line->loop = loop;
	try_to_open(line, clock_boot_ms());
	*line_r = line;
	return 0;
}

static void
close_way(struct line *line)
{
	if (line->health.is_open)
		line->way->close(line);
	line->health.is_open = false;
}

void
line_tick(struct line *line, uint64_t now_ms)
{
	if (line->health.is_open && !line->is_doubtful)
		return;
	if (now_ms < line->tried_ms + LINE_RETRY_MS)
		return;
	close_way(line);
	try_to_open(line, now_ms);
}

void
line_send(struct line *line, const uint8_t packet[BEAT_BYTES])
{
	if (line->health.is_open)
		line->way->send(line, packet);
	else
		line->health.dropped++;
}

void
line_health(const struct line *line, uint64_t now_ms, struct line_health *health_r)
{
	*health_r = line->health;
	if (line->way->health && line->health.is_open)
		line->way->health(line, now_ms, health_r);
}

const struct line_spec *
line_spec(const struct line *line)
{
	return &line->spec;
}

void
line_close(struct line **line)
{
	if (!*line)
		return;
	close_way(*line);
	free(*line);
	*line = NULL;
}
