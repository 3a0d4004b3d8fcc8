/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/event.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name;
	enum event_severity severity; /* unless how it ended says otherwise */
} kinds[EVENT_KINDS] = {
    [EVENT_NODE_LOST] = {"gemelNodeLost", EVENT_CRITICAL},
    [EVENT_NODE_BACK] = {"gemelNodeBack", EVENT_INFO},
    [EVENT_LINE_DOWN] = {"gemelLineDown", EVENT_WARNING},
    [EVENT_LINE_UP] = {"gemelLineUp", EVENT_INFO},
    [EVENT_CORE_FAILED] = {"gemelCoreFailed", EVENT_CRITICAL},
    [EVENT_FENCING_BEGAN] = {"gemelFencingBegan", EVENT_WARNING},
    [EVENT_FENCING_SUCCEEDED] = {"gemelFencingSucceeded", EVENT_INFO},
    [EVENT_FENCING_FAILED] = {"gemelFencingFailed", EVENT_CRITICAL},
    [EVENT_TAKEOVER_BEGAN] = {"gemelTakeoverBegan", EVENT_WARNING},
    [EVENT_TAKEOVER_FINISHED] = {"gemelTakeoverFinished", EVENT_INFO},
    [EVENT_CLUSTER_NODE] = {"gemelClusterNode", EVENT_INFO},
    [EVENT_CLUSTER_FENCING] = {"gemelClusterFencing", EVENT_INFO},
    [EVENT_CLUSTER_RESOURCE] = {"gemelClusterResource", EVENT_INFO},
    [EVENT_CLUSTER_ATTRIBUTE] = {"gemelClusterAttribute", EVENT_INFO},
};

void
event_begin(struct event *event, enum event_kind kind, const char *node, uint64_t at_ms)
{
	assert(kind > 0 && kind < EVENT_KINDS);
	*event = (struct event){
	    .kind = kind,
	    .at_ms = at_ms,
	    .proof = EVENT_PROOF_NONE,
	    .total_ms = EVENT_NO_NUMBER,
	    .result = EVENT_NO_NUMBER,
	    .wanted = EVENT_NO_NUMBER,
	    .status = EVENT_NO_NUMBER,
	};
	for (int i = 0; i < EVENT_PHASES; i++)
		event->phases_ms[i] = EVENT_NO_NUMBER;
	event_put(event->node, sizeof(event->node), slice_of(node));
}

void
event_put(char *field, size_t room, struct slice text)
{
	size_t length = text.length < room ? text.length : room - 1;

	for (size_t i = 0; i < length; i++) {
		uint8_t byte = text.data[i];

		field[i] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
	}
	memset(field + length, 0, room - length);
}

enum event_severity
event_severity(const struct event *event)
{
	enum event_severity severity = kinds[event->kind].severity;

	if (event->kind == EVENT_CLUSTER_NODE && strcmp(event->value, "member") != 0)
		return EVENT_WARNING;
	if (event->kind == EVENT_CLUSTER_FENCING && event->result != 0)
		return EVENT_CRITICAL;
	if (event->kind == EVENT_CLUSTER_RESOURCE && event->result != event->wanted)
		return EVENT_WARNING;
	return severity;
}

/* Append to the C string in out; what does not fit is cut. */
static void
append(char out[EVENT_TEXT_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
append(char out[EVENT_TEXT_BYTES], const char *format, ...)
{
	size_t length = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + length, EVENT_TEXT_BYTES - length, format, args);
	va_end(args);
}

static void
append_phases(const struct event *event, char out[EVENT_TEXT_BYTES])
{
	static const char *const names[EVENT_PHASES] = {
	    "silence seen", "fenced", "store", "promoted", "address"};
	const char *separator = ": ";

	if (event->total_ms != EVENT_NO_NUMBER)
		append(out, " after %" PRId32 " ms", event->total_ms);
	for (int i = 0; i < EVENT_PHASES; i++) {
		if (event->phases_ms[i] == EVENT_NO_NUMBER)
			continue;
		append(out, "%s%s %" PRId32 " ms", separator, names[i], event->phases_ms[i]);
		separator = ", ";
	}
}

static void
append_result(const struct event *event, char out[EVENT_TEXT_BYTES])
{
	if (event->result == EVENT_NO_NUMBER)
		return;
	append(out, " returned %" PRId32, event->result);
	if (event->wanted != EVENT_NO_NUMBER && event->wanted != event->result)
		append(out, " instead of %" PRId32, event->wanted);
}

static void
append_reason(const struct event *event, char out[EVENT_TEXT_BYTES])
{
	if (event->reason[0])
		append(out, ": %s", event->reason);
}

const char *
event_sentence(const struct event *event, char out[EVENT_TEXT_BYTES])
{
	const char *node = event->node;

	out[0] = '\0';
	switch (event->kind) {
	case EVENT_NODE_LOST:
		append(out, "node %s is lost", node);
		break;
	case EVENT_NODE_BACK:
		append(out, "node %s is back", node);
		break;
	case EVENT_LINE_DOWN:
		append(out, "line %s to node %s is down", event->subject, node);
		break;
	case EVENT_LINE_UP:
		append(out, "line %s to node %s is up", event->subject, node);
		break;
	case EVENT_CORE_FAILED:
		append(out, "the mail core of node %s has failed", node);
		break;
	case EVENT_FENCING_BEGAN:
		append(out, "fencing of node %s has begun", node);
		break;
	case EVENT_FENCING_SUCCEEDED:
		append(out, "node %s is fenced (%s)", node, event_proof_text(event->proof));
		break;
	case EVENT_FENCING_FAILED:
		append(out, "fencing of node %s has failed", node);
		break;
	case EVENT_TAKEOVER_BEGAN:
		append(out, "node %s begins to take over", node);
		break;
	case EVENT_TAKEOVER_FINISHED:
		append(out, "node %s has taken over", node);
		append_phases(event, out);
		break;
	case EVENT_CLUSTER_NODE:
		append(out, "cluster: node %s is now %s", node, event->value);
		break;
	case EVENT_CLUSTER_FENCING:
		append(out, "cluster: fencing (%s) of node %s", event->task, node);
		append_result(event, out);
		break;
	case EVENT_CLUSTER_RESOURCE:
		append(
		    out, "cluster: %s of %s on node %s", event->task, event->subject, event->node);
		append_result(event, out);
		break;
	case EVENT_CLUSTER_ATTRIBUTE:
		append(out, "cluster: attribute %s of node %s is now \"%s\"", event->subject, node,
		    event->value);
		break;
	case EVENT_KINDS:
		break;
	}
	append_reason(event, out);
	return out;
}

const char *
event_kind_name(enum event_kind kind)
{
	assert(kind > 0 && kind < EVENT_KINDS);
	return kinds[kind].name;
}

const char *
event_proof_text(enum event_proof proof)
{
	switch (proof) {
	case EVENT_PROOF_NONE:
		return "no proof";
	case EVENT_PROOF_RELEASED:
		return "it has released everything";
	case EVENT_PROOF_GRANTED:
		return "the witness has granted";
	case EVENT_PROOF_BARRED:
		return "its writes are barred";
	case EVENT_PROOF_POISONED:
		return "its disk slot is poisoned";
	case EVENT_PROOF_NEW_LIFE:
		return "it has started anew";
	case EVENT_PROOF_POWER:
		return "its power is off";
	case EVENT_PROOFS:
		break;
	}
	return "unknown proof";
}
