/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts -- what is known of a pair's configuration, for checks.h to judge.
 *
 * Values only, filled by who reads the files: corosync-conf.h, drbd-conf.h, gemel-facts.h and
 * local.h here, the cluster's configuration (CIB) by cli/doctor/cib.h. All zero means that nothing
 * is known, and then nothing is judged but that. Texts are "" when they were not given.
 * Times are milliseconds.
 */
#ifndef GEMEL_COMMON_DOCTOR_FACTS_H
#define GEMEL_COMMON_DOCTOR_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number or a truth that may be unknown, or not given. */
struct fact {
	bool is_known;
	int64_t value;
};

static inline struct fact
fact_of(int64_t value)
{
	return (struct fact){true, value};
}

/* The value, or what it is when it was not given. */
static inline int64_t
fact_or(struct fact fact, int64_t fallback)
{
	return fact.is_known ? fact.value : fallback;
}

/* Pacemaker's INFINITY. */
#define SCORE_INFINITY 1000000

#define FACT_NAME_MAX 256
#define FACT_WORD_MAX 32
#define FACT_HEX_MAX 65

/* ---- corosync.conf ---- */

#define COROSYNC_NODES_MAX 32
#define COROSYNC_LINKS_MAX 8

struct corosync_node {
	char name[FACT_NAME_MAX];
	char addresses[COROSYNC_LINKS_MAX][FACT_NAME_MAX]; /* by link; "": does not have it */
};

struct corosync_facts {
	bool is_known;
	struct fact token_ms, token_coefficient_ms, consensus_ms;
	struct fact running_token_ms, running_consensus_ms; /* of the Corosync that runs */
	struct fact two_node, wait_for_all;
	bool has_qdevice;
	bool has_secauth;
	char transport[FACT_WORD_MAX], link_mode[FACT_WORD_MAX];
	char cipher[FACT_WORD_MAX], hash[FACT_WORD_MAX];
	struct corosync_node nodes[COROSYNC_NODES_MAX];
	size_t node_count;
};

/* ---- gemel.conf, and what belongs to it ---- */

#define LINES_MAX 8

enum key_file {
	KEY_FILE_UNKNOWN,
	KEY_FILE_ABSENT,
	KEY_FILE_OPEN, /* not root's alone */
	KEY_FILE_GOOD,
};

struct gemel_facts {
	bool is_known;
	struct fact require_mount;
	struct fact standalone;
	struct fact is_paired; /* pair { nodes } is given, so the agent has a peer */
	struct fact beat_ms, lease_ms;
	struct fact watchdog_timeout_ms; /* unknown: no watchdog */
	struct fact poison_wait_ms;   /* unknown: poisoning is not in use */
	struct fact has_reservations; /* the disk array takes SCSI-3 registrations */
	struct fact has_witness;
	bool lines_are_known;
	/* This node's address on each line; "": a line that has none (serial, disk). */
	char lines[LINES_MAX][FACT_NAME_MAX];
	size_t line_count;
	enum key_file key_file;
};

/* ---- /etc/drbd.d ---- */

struct drbd_facts {
	size_t resource_count; /* 0: DRBD is not in use */
	/* The values of "fencing" and "fence-peer"; where files differ, one that is not right. */
	char fencing[FACT_NAME_MAX];
	char handler[FACT_NAME_MAX];
};

/* ---- the cluster's configuration ---- */

#define CIB_NODES_MAX 16
#define CIB_PRIMITIVES_MAX 64
#define CIB_OPERATIONS_MAX 16
#define CIB_CONSTRAINTS_MAX 64
#define CIB_LEVELS_MAX 32
#define CIB_DEVICES_MAX 4
#define CIB_PUBLISHED_MAX 64
#define ADVISED_MAX 64

enum cib_role {
	CIB_ROLE_NONE,
	CIB_ROLE_UNPROMOTED,
	CIB_ROLE_PROMOTED,
};

struct cib_operation {
	char name[FACT_WORD_MAX];
	enum cib_role role;
	int64_t level; /* OCF_CHECK_LEVEL */
	struct fact interval_ms, timeout_ms;
};

struct cib_primitive {
	char id[FACT_NAME_MAX];
	char group[FACT_NAME_MAX], clone[FACT_NAME_MAX]; /* that it is in */
	char class[FACT_WORD_MAX], provider[FACT_NAME_MAX], agent[FACT_NAME_MAX];
	bool is_promotable;
	struct fact promoted_max;
	struct fact migration_threshold, failure_timeout_ms; /* own, or inherited */
	/* Of a fence device. */
	char host_list[FACT_NAME_MAX], host_map[FACT_NAME_MAX];
	struct fact delay_ms; /* the greater of pcmk_delay_base and pcmk_delay_max */
	struct cib_operation operations[CIB_OPERATIONS_MAX];
	size_t operation_count;
};

/* An order: first, then. A colocation: first is placed with then. */
struct cib_constraint {
	char first[FACT_NAME_MAX], then[FACT_NAME_MAX];
	char first_action[FACT_WORD_MAX], then_action[FACT_WORD_MAX]; /* of an order */
	enum cib_role first_role, then_role;                          /* of a colocation */
};

/* A resource that may never run on a node. */
struct cib_ban {
	char resource[FACT_NAME_MAX], node[FACT_NAME_MAX];
};

struct cib_level {
	char target[FACT_NAME_MAX]; /* "": by a pattern or an attribute; taken as every node */
	int64_t index;
	char devices[CIB_DEVICES_MAX][FACT_NAME_MAX];
	size_t device_count;
};

/* A transient attribute DIGEST_ATTRIBUTE name of a node. */
struct cib_published {
	char node[FACT_NAME_MAX], name[FACT_WORD_MAX], hex[FACT_HEX_MAX];
};

struct cib_facts {
	bool is_known;
	struct fact stonith_enabled, stonith_max_attempts, priority_fencing_delay_ms;
	struct fact transition_delay_ms, load_threshold_percent, maintenance_mode;
	struct fact record_pending, default_timeout_ms; /* of op_defaults */
	char no_quorum_policy[FACT_WORD_MAX];
	char nodes[CIB_NODES_MAX][FACT_NAME_MAX];
	size_t node_count;
	struct cib_primitive primitives[CIB_PRIMITIVES_MAX];
	size_t primitive_count;
	/* Only mandatory ones. */
	struct cib_constraint orders[CIB_CONSTRAINTS_MAX], colocations[CIB_CONSTRAINTS_MAX];
	size_t order_count, colocation_count;
	bool has_sets; /* there are constraints made of sets, which are not read */
	struct cib_ban bans[CIB_CONSTRAINTS_MAX];
	size_t ban_count;
	struct cib_level levels[CIB_LEVELS_MAX];
	size_t level_count;
	struct cib_published published[CIB_PUBLISHED_MAX];
	size_t published_count;
};

/* A time-out that an agent of ours asks for in its meta-data. */
struct advised_timeout {
	char agent[FACT_WORD_MAX];
	char name[FACT_WORD_MAX];
	enum cib_role role;
	int64_t level;
	int64_t timeout_ms;
};

/* ---- the files of this node that the peer must have too ---- */

#define FILES_MAX 4

struct file_fact {
	char name[FACT_WORD_MAX];
	char hex[FACT_HEX_MAX]; /* "": there is no such file here */
};

struct facts {
	char own_node[FACT_NAME_MAX]; /* as this node calls itself */
	struct corosync_facts corosync;
	struct gemel_facts gemel;
	struct drbd_facts drbd;
	struct cib_facts cib;
	struct advised_timeout advised[ADVISED_MAX];
	size_t advised_count;
	struct file_fact files[FILES_MAX];
	size_t file_count;
};

#endif
