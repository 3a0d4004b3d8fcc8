/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness/link.h"

void
link_open(struct link *link, uint64_t now_ms)
{
	*link = (struct link){.state = LINK_RESTING, .heard_ms = now_ms};
}

static void
rest(struct link *link, uint64_t now_ms)
{
	uint32_t longer = link->pause_ms * 2;

	if (link->state == LINK_UP || longer < LINK_PAUSE_MIN_MS)
		longer = LINK_PAUSE_MIN_MS;
	link->pause_ms = longer < LINK_PAUSE_MAX_MS ? longer : LINK_PAUSE_MAX_MS;
	link->state = LINK_RESTING;
	link->heard_ms = now_ms;
}

static enum link_duty
tick(struct link *link, uint64_t now_ms)
{
	switch (link->state) {
	case LINK_RESTING:
		if (now_ms < link_deadline(link))
			return LINK_NOTHING;
		link->state = LINK_CONNECTING;
		link->heard_ms = now_ms;
		return LINK_CONNECT;
	case LINK_CONNECTING:
	case LINK_UP:
		if (now_ms - link->heard_ms >= LINK_SILENCE_MS) {
			rest(link, now_ms);
			return LINK_DROP;
		}
		if (link->state == LINK_CONNECTING || now_ms - link->pinged_ms < LINK_PING_MS)
			return LINK_NOTHING;
		link->pinged_ms = now_ms;
		return LINK_PING;
	}
	return LINK_NOTHING;
}

enum link_duty
link_step(struct link *link, enum link_event event, uint64_t now_ms)
{
	switch (event) {
	case LINK_TICK:
		return tick(link, now_ms);
	case LINK_HEARD:
		if (link->state == LINK_RESTING)
			return LINK_NOTHING;
		if (link->state == LINK_CONNECTING)
			link->pinged_ms = now_ms;
		link->state = LINK_UP;
		link->heard_ms = now_ms;
		return LINK_NOTHING;
	case LINK_LOST:
		if (link->state != LINK_RESTING)
			rest(link, now_ms);
		return LINK_NOTHING;
	}
	return LINK_NOTHING;
}

uint64_t
link_deadline(const struct link *link)
{
	uint64_t silent_ms = link->heard_ms + LINK_SILENCE_MS;
	uint64_t ping_ms = link->pinged_ms + LINK_PING_MS;

	switch (link->state) {
	case LINK_RESTING:
		return link->heard_ms + link->pause_ms;
	case LINK_CONNECTING:
		return silent_ms;
	case LINK_UP:
		return ping_ms < silent_ms ? ping_ms : silent_ms;
	}
	return silent_ms;
}
