/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/event-filter.h"

/* Who hears of it. */
enum scope {
	BY_ONE,    /* one node only */
	BY_ENDS,   /* both ends of a line */
	BY_OTHERS, /* all but the node that it is about, and perhaps that one */
};

/* Of one thing there is news of several kinds: lost and back, down and up. */
enum topic {
	TOPIC_NODE = 1,
	TOPIC_LINE,
	TOPIC_CORE,
	TOPIC_FENCING,
	TOPIC_TAKEOVER,
	TOPIC_CLUSTER_NODE,
	TOPIC_CLUSTER_FENCING,
	TOPIC_CLUSTER_RESOURCE,
	TOPIC_CLUSTER_ATTRIBUTE,
};

static const struct {
	enum topic topic;
	enum scope scope;
} rules[EVENT_KINDS] = {
    [EVENT_NODE_LOST] = {TOPIC_NODE, BY_OTHERS},
    [EVENT_NODE_BACK] = {TOPIC_NODE, BY_OTHERS},
    [EVENT_LINE_DOWN] = {TOPIC_LINE, BY_ENDS},
    [EVENT_LINE_UP] = {TOPIC_LINE, BY_ENDS},
    [EVENT_CORE_FAILED] = {TOPIC_CORE, BY_ONE},
    [EVENT_FENCING_BEGAN] = {TOPIC_FENCING, BY_ONE},
    [EVENT_FENCING_SUCCEEDED] = {TOPIC_FENCING, BY_ONE},
    [EVENT_FENCING_FAILED] = {TOPIC_FENCING, BY_ONE},
    [EVENT_TAKEOVER_BEGAN] = {TOPIC_TAKEOVER, BY_ONE},
    [EVENT_TAKEOVER_FINISHED] = {TOPIC_TAKEOVER, BY_ONE},
    [EVENT_CLUSTER_NODE] = {TOPIC_CLUSTER_NODE, BY_OTHERS},
    [EVENT_CLUSTER_FENCING] = {TOPIC_CLUSTER_FENCING, BY_OTHERS},
    /* The node that ran the operation, and the one that writes attributes, tell of them. */
    [EVENT_CLUSTER_RESOURCE] = {TOPIC_CLUSTER_RESOURCE, BY_ONE},
    [EVENT_CLUSTER_ATTRIBUTE] = {TOPIC_CLUSTER_ATTRIBUTE, BY_ONE},
};

void
event_filter_open(struct event_filter *filter, const char *const names[EVENT_NODES], uint8_t self)
{
	memset(filter, 0, sizeof(*filter));
	filter->self = self;
	for (int i = 0; i < EVENT_NODES; i++)
		event_put(filter->names[i], sizeof(filter->names[i]), slice_of(names[i]));
}

static uint8_t
bit_of(const struct event_filter *filter, const char *name)
{
	for (unsigned i = 0; i < EVENT_NODES; i++)
		if (strcmp(filter->names[i], name) == 0)
			return (uint8_t)(1u << i);
	return 0;
}

static bool
is_ours(const struct event_filter *filter, const struct event *event, uint8_t alive)
{
	unsigned self = 1u << filter->self, candidates = (alive | self) & ((1u << EVENT_NODES) - 1);

	if (rules[event->kind].scope == BY_ONE)
		return true;
	if (rules[event->kind].scope == BY_OTHERS)
		candidates &= ~(unsigned)bit_of(filter, event->node);
	/* The lowest bit of them. */
	return candidates == 0 || (candidates & -candidates) == self;
}

static bool
is_same_thing(const struct event *a, const struct event *b)
{
	return rules[a->kind].topic == rules[b->kind].topic && strcmp(a->node, b->node) == 0 &&
	       strcmp(a->subject, b->subject) == 0;
}

/* The reason is left out: the cluster's have an id of the operation in them. */
static bool
is_same_news(const struct event *a, const struct event *b)
{
	return a->kind == b->kind && a->proof == b->proof && a->result == b->result &&
	       a->wanted == b->wanted && a->status == b->status && strcmp(a->task, b->task) == 0 &&
	       strcmp(a->value, b->value) == 0;
}

/* True if it is in there already; else it is remembered, at the cost of the oldest. */
static bool
is_seen(struct event_filter *filter, const struct event *event, uint64_t now_ms)
{
	unsigned at = 0;

	for (unsigned i = 0; i < EVENT_FILTER_SEEN; i++) {
		const struct event *other = &filter->seen[i].event;

		if (other->kind && is_same_thing(other, event)) {
			if (is_same_news(other, event) &&
			    now_ms - filter->seen[i].at_ms < EVENT_WINDOW_MS)
				return true;
			at = i;
			break;
		}
		if (filter->seen[i].at_ms < filter->seen[at].at_ms)
			at = i;
	}
	filter->seen[at].event = *event;
	filter->seen[at].at_ms = now_ms;
	return false;
}

static void
forget(struct event_filter *filter, enum topic topic, const char *node)
{
	for (unsigned i = 0; i < EVENT_FILTER_SEEN; i++) {
		const struct event *other = &filter->seen[i].event;

		if (other->kind && rules[other->kind].topic == topic &&
		    strcmp(other->node, node) == 0)
			memset(&filter->seen[i], 0, sizeof(filter->seen[i]));
	}
}

/* What was told of its last failure is no word on the next. */
static void
recover(struct event_filter *filter, const struct event *event)
{
	if (event->kind == EVENT_NODE_BACK)
		forget(filter, TOPIC_CLUSTER_FENCING, event->node);
	else if (event->kind == EVENT_TAKEOVER_BEGAN)
		forget(filter, TOPIC_CORE, event->node);
}

/* False: there is no room. */
static bool
hold(struct event_filter *filter, const struct event *event, uint64_t now_ms)
{
	for (unsigned i = 0; i < EVENT_FILTER_HELD; i++) {
		if (filter->held[i].event.kind)
			continue;
		filter->held[i].event = *event;
		filter->held[i].at_ms = now_ms;
		return true;
	}
	return false;
}

/* What the cluster says of a node that it had not lost. */
static bool
is_no_change(struct event_filter *filter, const struct event *event)
{
	const uint8_t node = bit_of(filter, event->node);
	const bool was_lost = filter->lost & node;

	if (event->kind != EVENT_CLUSTER_NODE || !node)
		return false;
	if (strcmp(event->value, "lost") == 0)
		filter->lost |= node;
	if (strcmp(event->value, "member") != 0)
		return false;
	filter->lost &= (uint8_t)~node;
	return !was_lost;
}

enum event_verdict
event_filter_take(
    struct event_filter *filter, const struct event *event, uint8_t alive, uint64_t now_ms)
{
	if (is_no_change(filter, event) || is_seen(filter, event, now_ms))
		return EVENT_DOUBLE;
	recover(filter, event);
	if (is_ours(filter, event, alive))
		return EVENT_PASSED;
	/* Rather twice than never. */
	return hold(filter, event, now_ms) ? EVENT_HELD : EVENT_PASSED;
}

bool
event_filter_due(struct event_filter *filter, uint8_t alive, uint64_t now_ms, struct event *event_r)
{
	for (unsigned i = 0; i < EVENT_FILTER_HELD; i++) {
		struct event *event = &filter->held[i].event;

		if (!event->kind)
			continue;
		if (is_ours(filter, event, alive)) {
			*event_r = *event;
			event->kind = 0;
			return true;
		}
		if (now_ms - filter->held[i].at_ms >= EVENT_HOLD_MS)
			event->kind = 0;
	}
	return false;
}

uint64_t
event_filter_deadline(const struct event_filter *filter)
{
	uint64_t deadline_ms = UINT64_MAX;

	for (unsigned i = 0; i < EVENT_FILTER_HELD; i++) {
		uint64_t until_ms = filter->held[i].at_ms + EVENT_HOLD_MS;

		if (filter->held[i].event.kind && until_ms < deadline_ms)
			deadline_ms = until_ms;
	}
	return deadline_ms;
}
