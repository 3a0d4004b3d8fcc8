/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap-varbinds -- an event as what a trap carries: numeric OIDs, types, values.
 *
 * Pure. The first two are sysUpTime.0 and snmpTrapOID.0 (RFC 3416, 4.2.6). What follows is, for
 * each kind, what the OBJECTS clause of its notification in doc/GEMEL-MIB.txt has, in that order:
 * tests/unit/test-mib.sh compares the two.
 */
#ifndef GEMEL_AGENT_TRAP_VARBINDS_H
#define GEMEL_AGENT_TRAP_VARBINDS_H

#include "agent/event.h"

/* The module: net-snmp's arc for experiments, until a number is assigned. Everything, here and in
 * the MIB, hangs on this one line and the one of MODULE-IDENTITY. */
#define TRAP_MODULE 1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 4570

#define TRAP_OID_MAX 16
#define TRAP_VARBINDS_MAX 16

enum trap_type {
	TRAP_INTEGER,
	TRAP_OCTETS,
	TRAP_OID,
	TRAP_TICKS, /* hundredths of a second */
};

struct trap_oid {
	uint32_t arcs[TRAP_OID_MAX];
	unsigned count;
};

struct trap_varbind {
	struct trap_oid name;
	enum trap_type type;
	int32_t integer;
	uint32_t ticks;
	struct trap_oid oid;
	uint8_t octets[EVENT_TEXT_BYTES];
	size_t length; /* of octets */
};

struct trap_varbinds {
	struct trap_varbind items[TRAP_VARBINDS_MAX];
	unsigned count;
};

/* Objects of GEMEL-MIB by their last arc. */
enum trap_object {
	TRAP_SEVERITY = 1,
	TRAP_NODE,
	TRAP_REPORTER,
	TRAP_TIME,
	TRAP_TEXT,
	TRAP_REASON,
	TRAP_LINE,
	TRAP_PROOF,
	TRAP_SILENCE,
	TRAP_FENCED,
	TRAP_STORE,
	TRAP_PROMOTED,
	TRAP_ADDRESS,
	TRAP_TOTAL,
	TRAP_STATE,
	TRAP_RESOURCE,
	TRAP_TASK,
	TRAP_RESULT,
	TRAP_WANTED,
	TRAP_ATTRIBUTE,
	TRAP_VALUE,
	TRAP_OBJECTS,
};

#define TRAP_KIND_OBJECTS 12

/* The objects of a kind's notification in their order, ended by 0. */
const enum trap_object *trap_kind_objects(enum event_kind kind);

/* The name of an object in GEMEL-MIB. */
const char *trap_object_name(enum trap_object object);

struct trap_oid trap_object_oid(enum trap_object object); /* without the .0 of its instance */
struct trap_oid trap_kind_oid(enum event_kind kind);

/* The trap of GEMEL-MIB for event. reporter: the node that sends; uptime_cs: hundredths of a second
 * since the sender began. */
void trap_varbinds_gemel(const struct event *event, const char *reporter, uint32_t uptime_cs,
    struct trap_varbinds *varbinds_r);

/* The trap of PACEMAKER-MIB for event, as Pacemaker's sample agent sends it. False: the event is
 * not one of the cluster's. */
bool trap_varbinds_pacemaker(
    const struct event *event, uint32_t uptime_cs, struct trap_varbinds *varbinds_r);

#endif
