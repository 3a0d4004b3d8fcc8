/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a user of the cluster's group may ask the agent as an alert, and what it becomes in a trap:
 * as JSON, and as an environment of variables that end with NUL.
 */
#include "agent/alert.h"
#include "agent/event-filter.h"
#include "agent/trap-varbinds.h"

#include <assert.h>
#include <stdlib.h>

#define VARIABLES_MAX 32

static void
check_text(const char *text, size_t room)
{
	assert(memchr(text, 0, room));
	for (; *text; text++)
		assert(*text >= ' ' && *text <= '~');
}

static void
check(const json_t *request)
{
	static const char *const names[EVENT_NODES] = {"a", "b"};
	static struct event_filter filter;
	struct trap_varbinds varbinds;
	char sentence[EVENT_TEXT_BYTES];
	struct event event;

	if (alert_to_event(request, 1, &event) != ALERT_EVENT)
		return;
	assert(event.kind >= EVENT_CLUSTER_NODE && event.kind < EVENT_KINDS && event.node[0]);
	check_text(event.node, sizeof(event.node));
	check_text(event.subject, sizeof(event.subject));
	check_text(event.reason, sizeof(event.reason));
	check_text(event.task, sizeof(event.task));
	check_text(event.value, sizeof(event.value));
	check_text(event_sentence(&event, sentence), sizeof(sentence));
	trap_varbinds_gemel(&event, "a", 1, &varbinds);
	assert(varbinds.count <= TRAP_VARBINDS_MAX);
	assert(trap_varbinds_pacemaker(&event, 1, &varbinds));
	event_filter_open(&filter, names, 0);
	assert(event_filter_take(&filter, &event, 1, 1000) == EVENT_PASSED);
	assert(event_filter_take(&filter, &event, 1, 1000) == EVENT_DOUBLE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	json_t *request = json_loadb((const char *)data, length, 0, NULL);
	char *environment[VARIABLES_MAX + 1] = {NULL};
	char *all = malloc(length + 1);
	size_t count = 0;

	assert(all);
	check(request);
	json_decref(request);
	memcpy(all, data, length);
	all[length] = '\0';
	for (char *at = all; at < all + length && count < VARIABLES_MAX; at += strlen(at) + 1)
		environment[count++] = at;
	request = alert_request(environment);
	check(request);
	json_decref(request);
	free(all);
	return 0;
}
