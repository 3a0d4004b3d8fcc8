/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * findings -- what the doctor has to say of a pair: a list of sentences, each with a stable id.
 *
 * Pure. The table in findings.c gives each finding its id and its severity; gemel(1) lists them,
 * and a test compares the two. The list grows; close it.
 */
#ifndef GEMEL_COMMON_DOCTOR_FINDINGS_H
#define GEMEL_COMMON_DOCTOR_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

enum severity {
	SEVERITY_REFUSE, /* unsafe, or nothing would take over */
	SEVERITY_WARN,   /* safe, but slower or weaker than it could be */
	SEVERITY_NOTE,   /* worth knowing, or could not be looked at */
	SEVERITIES,
};

enum finding_id {
	FINDING_COROSYNC_UNKNOWN,
	FINDING_COROSYNC_WRONG,
	FINDING_COROSYNC_DIFFERS,
	FINDING_TOKEN_UNSAFE,
	FINDING_TOKEN_SHORT,
	FINDING_TOKEN_LONG,
	FINDING_CONSENSUS_SHORT,
	FINDING_CONSENSUS_LONG,
	FINDING_NODES_NOT_TWO,
	FINDING_TWO_NODE_OFF,
	FINDING_TWO_NODE_WITH_DEVICE,
	FINDING_WAIT_FOR_ALL_OFF,
	FINDING_QUORUM_DEVICE_SLOW,
	FINDING_ONE_RING,
	FINDING_RINGS_DIFFER,
	FINDING_TRANSPORT_NOT_KNET,
	FINDING_LINK_MODE_NOT_ACTIVE,
	FINDING_CRYPTO_OFF,

	FINDING_GEMEL_WRONG,
	FINDING_MOUNT_NOT_REQUIRED,
	FINDING_STANDALONE_PAIR,
	FINDING_PAIR_NODES_NONE,
	FINDING_LEASE_SHORT,
	FINDING_LEASE_LONG,
	FINDING_LEASE_AFTER_DETECTION,
	FINDING_POISON_EARLY,
	FINDING_LINE_NONE,
	FINDING_LINE_SHARED,
	FINDING_KEY_FILE_MISSING,
	FINDING_KEY_FILE_OPEN,
	FINDING_WITNESS_NONE,

	FINDING_DRBD_FENCING,
	FINDING_DRBD_HANDLER,
	FINDING_DRBD_WITHOUT_WITNESS,

	FINDING_CIB_UNKNOWN,
	FINDING_CIB_WRONG,
	FINDING_STONITH_OFF,
	FINDING_FENCE_NONE,
	FINDING_FENCE_ON_TARGET,
	FINDING_FENCE_HOSTS_ASKED,
	FINDING_FENCE_GEMEL_NONE,
	FINDING_FENCE_LEVELS,
	FINDING_FENCE_ATTEMPTS,
	FINDING_FENCE_DELAY,
	FINDING_POWER_LOSS,
	FINDING_TRANSITION_DELAY,
	FINDING_LOAD_THRESHOLD,
	FINDING_RECORD_PENDING,
	FINDING_QUORUM_IGNORED,
	FINDING_QUORUM_POLICY,
	FINDING_MAINTENANCE,
	FINDING_RESOURCE_NONE,
	FINDING_RESOURCE_NAME,
	FINDING_NOT_PROMOTABLE,
	FINDING_PROMOTED_MAX,
	FINDING_MIGRATION_THRESHOLD,
	FINDING_FAILURE_TIMEOUT,
	FINDING_MONITOR_SAME_INTERVAL,
	FINDING_MONITOR_NONE,
	FINDING_TIMEOUT_SHORT,
	FINDING_ADVISED_UNKNOWN,
	FINDING_ORDER_NONE,
	FINDING_PLACE_NONE,
	FINDING_CONSTRAINT_SETS,

	FINDING_FILE_DIFFERS,
	FINDING_FILE_UNCOMPARED,
	FINDING_COUNT,
};

#define FINDING_TEXT_MAX 512

struct finding {
	enum finding_id id;
	char text[FINDING_TEXT_MAX]; /* one sentence: what, where, why, what to do */
};

struct findings {
	struct finding *items;
	size_t count, capacity;
};

/* Append a sentence, cut to fit; what is not printable ASCII, which can come from a
 * file, is replaced. */
void finding_add(struct findings *list, enum finding_id id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* How many there are of a severity. */
size_t findings_count(const struct findings *list, enum severity severity);

/* The first of a severity, or NULL. Borrows. */
const struct finding *findings_first(const struct findings *list, enum severity severity);

/* The stable name and the severity of a finding; the word for a severity: "refuse", ... */
const char *finding_name(enum finding_id id);
enum severity finding_severity(enum finding_id id);
const char *severity_name(enum severity severity);

/* Free the list; it is empty and usable after it. */
void findings_close(struct findings *list);

#endif
