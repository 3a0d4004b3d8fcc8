/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum severity severity;
} table[FINDING_COUNT] = {
    [FINDING_COROSYNC_UNKNOWN] = {"corosync-unknown", SEVERITY_NOTE},
    [FINDING_COROSYNC_WRONG] = {"corosync-wrong", SEVERITY_REFUSE},
    [FINDING_COROSYNC_DIFFERS] = {"corosync-differs", SEVERITY_NOTE},
    [FINDING_TOKEN_UNSAFE] = {"token-unsafe", SEVERITY_REFUSE},
    [FINDING_TOKEN_SHORT] = {"token-short", SEVERITY_WARN},
    [FINDING_TOKEN_LONG] = {"token-long", SEVERITY_WARN},
    [FINDING_CONSENSUS_SHORT] = {"consensus-short", SEVERITY_WARN},
    [FINDING_CONSENSUS_LONG] = {"consensus-long", SEVERITY_WARN},
    [FINDING_NODES_NOT_TWO] = {"nodes-not-two", SEVERITY_REFUSE},
    [FINDING_TWO_NODE_OFF] = {"two-node-off", SEVERITY_REFUSE},
    [FINDING_TWO_NODE_WITH_DEVICE] = {"two-node-with-device", SEVERITY_REFUSE},
    [FINDING_WAIT_FOR_ALL_OFF] = {"wait-for-all-off", SEVERITY_WARN},
    [FINDING_QUORUM_DEVICE_SLOW] = {"quorum-device-slow", SEVERITY_WARN},
    [FINDING_ONE_RING] = {"one-ring", SEVERITY_WARN},
    [FINDING_RINGS_DIFFER] = {"rings-differ", SEVERITY_REFUSE},
    [FINDING_TRANSPORT_NOT_KNET] = {"transport-not-knet", SEVERITY_WARN},
    [FINDING_LINK_MODE_NOT_ACTIVE] = {"link-mode-not-active", SEVERITY_WARN},
    [FINDING_CRYPTO_OFF] = {"crypto-off", SEVERITY_WARN},

    [FINDING_GEMEL_WRONG] = {"gemel-wrong", SEVERITY_REFUSE},
    [FINDING_MOUNT_NOT_REQUIRED] = {"mount-not-required", SEVERITY_REFUSE},
    [FINDING_STANDALONE_PAIR] = {"standalone-pair", SEVERITY_REFUSE},
    [FINDING_PAIR_NODES_NONE] = {"pair-nodes-none", SEVERITY_REFUSE},
    [FINDING_LEASE_SHORT] = {"lease-short", SEVERITY_REFUSE},
    [FINDING_LEASE_LONG] = {"lease-long", SEVERITY_REFUSE},
    [FINDING_LEASE_AFTER_DETECTION] = {"lease-after-detection", SEVERITY_NOTE},
    [FINDING_POISON_EARLY] = {"poison-early", SEVERITY_REFUSE},
    [FINDING_LINE_NONE] = {"line-none", SEVERITY_WARN},
    [FINDING_LINE_SHARED] = {"line-shared", SEVERITY_WARN},
    [FINDING_KEY_FILE_MISSING] = {"key-file-missing", SEVERITY_REFUSE},
    [FINDING_KEY_FILE_OPEN] = {"key-file-open", SEVERITY_REFUSE},
    [FINDING_WITNESS_NONE] = {"witness-none", SEVERITY_NOTE},

    [FINDING_DRBD_FENCING] = {"drbd-fencing", SEVERITY_REFUSE},
    [FINDING_DRBD_HANDLER] = {"drbd-handler", SEVERITY_REFUSE},
    [FINDING_DRBD_WITHOUT_WITNESS] = {"drbd-without-witness", SEVERITY_REFUSE},

    [FINDING_CIB_UNKNOWN] = {"cib-unknown", SEVERITY_NOTE},
    [FINDING_CIB_WRONG] = {"cib-wrong", SEVERITY_REFUSE},
    [FINDING_STONITH_OFF] = {"stonith-off", SEVERITY_REFUSE},
    [FINDING_FENCE_NONE] = {"fence-none", SEVERITY_REFUSE},
    [FINDING_FENCE_ON_TARGET] = {"fence-on-target", SEVERITY_REFUSE},
    [FINDING_FENCE_HOSTS_ASKED] = {"fence-hosts-asked", SEVERITY_WARN},
    [FINDING_FENCE_GEMEL_NONE] = {"fence-gemel-none", SEVERITY_NOTE},
    [FINDING_FENCE_LEVELS] = {"fence-levels", SEVERITY_WARN},
    [FINDING_FENCE_ATTEMPTS] = {"fence-attempts", SEVERITY_WARN},
    [FINDING_FENCE_DELAY] = {"fence-delay", SEVERITY_WARN},
    [FINDING_POWER_LOSS] = {"power-loss", SEVERITY_WARN},
    [FINDING_TRANSITION_DELAY] = {"transition-delay", SEVERITY_WARN},
    [FINDING_LOAD_THRESHOLD] = {"load-threshold", SEVERITY_WARN},
    [FINDING_RECORD_PENDING] = {"record-pending", SEVERITY_NOTE},
    [FINDING_QUORUM_IGNORED] = {"quorum-ignored", SEVERITY_REFUSE},
    [FINDING_QUORUM_POLICY] = {"quorum-policy", SEVERITY_WARN},
    [FINDING_MAINTENANCE] = {"maintenance", SEVERITY_NOTE},
    [FINDING_RESOURCE_NONE] = {"resource-none", SEVERITY_NOTE},
    [FINDING_RESOURCE_NAME] = {"resource-name", SEVERITY_WARN},
    [FINDING_NOT_PROMOTABLE] = {"not-promotable", SEVERITY_REFUSE},
    [FINDING_PROMOTED_MAX] = {"promoted-max", SEVERITY_REFUSE},
    [FINDING_MIGRATION_THRESHOLD] = {"migration-threshold", SEVERITY_WARN},
    [FINDING_FAILURE_TIMEOUT] = {"failure-timeout", SEVERITY_WARN},
    [FINDING_MONITOR_SAME_INTERVAL] = {"monitor-same-interval", SEVERITY_REFUSE},
    [FINDING_MONITOR_NONE] = {"monitor-none", SEVERITY_WARN},
    [FINDING_TIMEOUT_SHORT] = {"timeout-short", SEVERITY_WARN},
    [FINDING_ADVISED_UNKNOWN] = {"advised-unknown", SEVERITY_NOTE},
    [FINDING_ORDER_NONE] = {"order-none", SEVERITY_REFUSE},
    [FINDING_PLACE_NONE] = {"place-none", SEVERITY_REFUSE},
    [FINDING_CONSTRAINT_SETS] = {"constraint-sets", SEVERITY_NOTE},

    [FINDING_FILE_DIFFERS] = {"file-differs", SEVERITY_REFUSE},
    [FINDING_FILE_UNCOMPARED] = {"file-uncompared", SEVERITY_NOTE},
};

void
finding_add(struct findings *list, enum finding_id id, const char *format, ...)
{
	struct finding *one;
	va_list args;

	if (list->count == list->capacity) {
		list->capacity = list->capacity ? 2 * list->capacity : 16;
		list->items = realloc(list->items, list->capacity * sizeof(*list->items));
		if (!list->items)
			abort();
	}
	one = &list->items[list->count++];
	one->id = id;
	va_start(args, format);
	vsnprintf(one->text, sizeof(one->text), format, args);
	va_end(args);
	for (char *c = one->text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
		else if ((unsigned char)*c > '~')
			*c = '?';
}

const struct finding *
findings_first(const struct findings *list, enum severity severity)
{
	for (size_t i = 0; i < list->count; i++)
		if (table[list->items[i].id].severity == severity)
			return &list->items[i];
	return NULL;
}

size_t
findings_count(const struct findings *list, enum severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += table[list->items[i].id].severity == severity;
	return count;
}

const char *
finding_name(enum finding_id id)
{
	return table[id].name;
}

enum severity
finding_severity(enum finding_id id)
{
	return table[id].severity;
}

const char *
severity_name(enum severity severity)
{
	switch (severity) {
	case SEVERITY_REFUSE:
		return "refuse";
	case SEVERITY_WARN:
		return "warn";
	case SEVERITY_NOTE:
		return "note";
	case SEVERITIES:
		break;
	}
	abort();
}

void
findings_close(struct findings *list)
{
	free(list->items);
	*list = (struct findings){0};
}
