/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/alert.h"

#include <stdlib.h>

#define PREFIX "CRM_alert_"

/* Seconds since 1970 that are believed: 2001 to 2286. */
#define EPOCH_MIN 1000000000u
#define EPOCH_MAX 9999999999u

static const char *const keys[] = {"kind", "node", "desc", "task", "rc", "rsc", "status",
    "target_rc", "attribute_name", "attribute_value", "timestamp_epoch", "timestamp_usec"};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

/* The value of key in "CRM_alert_key=value", or NULL. */
static const char *
value_of(const char *variable, const char *key)
{
	size_t length = strlen(key);

	if (strncmp(variable, PREFIX, strlen(PREFIX)) != 0)
		return NULL;
	variable += strlen(PREFIX);
	if (strncmp(variable, key, length) != 0 || variable[length] != '=')
		return NULL;
	return variable + length + 1;
}

static void
set_text(json_t *request, const char *key, const char *text)
{
	char clean[EVENT_TEXT_BYTES];

	event_put(clean, sizeof(clean), slice_of(text));
	if (json_object_set_new(request, key, json_string(clean)) != 0)
		abort();
}

json_t *
alert_request(char *const environment[])
{
	json_t *request = json_object();

	if (!request)
		abort();
	for (char *const *variable = environment; *variable; variable++) {
		for (size_t i = 0; i < KEY_COUNT; i++) {
			const char *value = value_of(*variable, keys[i]);

			if (value)
				set_text(request, keys[i], value);
		}
	}
	if (!json_object_get(request, "kind")) {
		json_decref(request);
		return NULL;
	}
	set_text(request, "verb", ALERT_VERB);
	return request;
}

/* Empty if it is not there. */
static struct slice
text_of(const json_t *request, const char *key)
{
	const json_t *value = json_object_get(request, key);

	return slice_from(json_string_value(value), json_string_length(value));
}

/* Decimal, perhaps with a sign; EVENT_NO_NUMBER if it is none, or out of range. */
static int32_t
number_of(const json_t *request, const char *key)
{
	struct slice text = text_of(request, key);
	bool is_negative = text.length && text.data[0] == '-';
	int64_t number = 0;

	if (text.length <= is_negative || text.length > 10u + is_negative)
		return EVENT_NO_NUMBER;
	for (size_t i = is_negative; i < text.length; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return EVENT_NO_NUMBER;
		number = number * 10 + (text.data[i] - '0');
	}
	return number < INT32_MAX ? (int32_t)(is_negative ? -number : number) : EVENT_NO_NUMBER;
}

/* Digits, at most 10 of them; 0 if it is something else. */
static uint64_t
seconds_of(const json_t *request)
{
	struct slice text = text_of(request, "timestamp_epoch");
	uint64_t number = 0;

	if (text.length > 10)
		return 0;
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(text.data[i] - '0');
	}
	return number;
}

static uint64_t
time_of(const json_t *request, uint64_t wall_ms)
{
	uint64_t seconds = seconds_of(request);
	int32_t us = number_of(request, "timestamp_usec");

	if (seconds < EPOCH_MIN || seconds > EPOCH_MAX)
		return wall_ms;
	return seconds * 1000 + (us >= 0 && us < 1000000 ? (uint64_t)us / 1000 : 0);
}

/* Each kind that we know: where in the request the event's texts are, and what must be there. */
static const struct alert_row {
	const char *kind;
	enum event_kind event;
	const char *subject, *value, *reason; /* keys; NULL: it has none */
	const char *needed;                   /* beside the node */
} rows[] = {
    {"node", EVENT_CLUSTER_NODE, NULL, "desc", NULL, "desc"},
    {"fencing", EVENT_CLUSTER_FENCING, NULL, NULL, "desc", "task"},
    {"resource", EVENT_CLUSTER_RESOURCE, "rsc", NULL, "desc", "rsc"},
    {"attribute", EVENT_CLUSTER_ATTRIBUTE, "attribute_name", "attribute_value", NULL,
	"attribute_name"},
};

static const struct alert_row *
row_of(const json_t *request)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_is_equal(text_of(request, "kind"), slice_of(rows[i].kind)))
			return &rows[i];
	return NULL;
}

static void
put_text(char *field, size_t room, const json_t *request, const char *key)
{
	if (key)
		event_put(field, room, text_of(request, key));
}

/* Pacemaker (2.1) names its own notification as the task of a fencing, and not the action, which
 * only its sentence says: "Operation reboot of hq-1 by hq-2 for ...". Newer ones quote it. */
static void
find_action(struct event *event)
{
	static const char notified[] = "st_notify_", begin[] = "Operation ";
	const char *word = event->reason + strlen(begin);
	size_t length;

	if (strncmp(event->task, notified, strlen(notified)) != 0 ||
	    strncmp(event->reason, begin, strlen(begin)) != 0)
		return;
	word += *word == '\'';
	length = strspn(word, "abcdefghijklmnopqrstuvwxyz");
	if (length)
		event_put(event->task, sizeof(event->task), slice_from(word, length));
}

static void
fill_in(struct event *event, const struct alert_row *row, const json_t *request)
{
	put_text(event->node, sizeof(event->node), request, "node");
	put_text(event->task, sizeof(event->task), request, "task");
	put_text(event->subject, sizeof(event->subject), request, row->subject);
	put_text(event->value, sizeof(event->value), request, row->value);
	put_text(event->reason, sizeof(event->reason), request, row->reason);
	event->result = number_of(request, "rc");
	event->wanted = number_of(request, "target_rc");
	event->status = number_of(request, "status");
	if (event->kind == EVENT_CLUSTER_FENCING)
		find_action(event);
}

/* Pacemaker runs the monitors of each resource every few seconds. */
static bool
is_of_no_interest(const struct event *event)
{
	return event->kind == EVENT_CLUSTER_RESOURCE &&
	       (strcmp(event->reason, "Cancelled") == 0 ||
		   (strcmp(event->task, "monitor") == 0 && event->result == event->wanted));
}

enum alert_verdict
alert_to_event(const json_t *request, uint64_t wall_ms, struct event *event_r)
{
	const struct alert_row *row = row_of(request);
	struct event event;

	if (text_of(request, "kind").length == 0)
		return ALERT_MALFORMED;
	if (!row)
		return ALERT_IGNORED;
	if (text_of(request, "node").length == 0 || text_of(request, row->needed).length == 0)
		return ALERT_MALFORMED;
	event_begin(&event, row->event, "", time_of(request, wall_ms));
	fill_in(&event, row, request);
	if (is_of_no_interest(&event))
		return ALERT_IGNORED;
	*event_r = event;
	return ALERT_EVENT;
}
