/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/trap-varbinds.h"

#include <assert.h>

#define DATE_BYTES 11

static const struct trap_oid sys_uptime = {{1, 3, 6, 1, 2, 1, 1, 3, 0}, 9};
static const struct trap_oid snmp_trap_oid = {{1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0}, 11};
static const struct trap_oid module = {
    {TRAP_MODULE}, sizeof((uint32_t[]){TRAP_MODULE}) / sizeof(uint32_t)};
static const struct trap_oid pacemaker = {{1, 3, 6, 1, 4, 1, 32723}, 7};

enum {
	ARC_NOTIFICATIONS = 0,
	ARC_OBJECTS = 1
};

static const char *const object_names[TRAP_OBJECTS] = {
    [TRAP_SEVERITY] = "gemelSeverity",
    [TRAP_NODE] = "gemelNode",
    [TRAP_REPORTER] = "gemelReporter",
    [TRAP_TIME] = "gemelTime",
    [TRAP_TEXT] = "gemelText",
    [TRAP_REASON] = "gemelReason",
    [TRAP_LINE] = "gemelLine",
    [TRAP_PROOF] = "gemelProof",
    [TRAP_SILENCE] = "gemelTakeoverSilence",
    [TRAP_FENCED] = "gemelTakeoverFenced",
    [TRAP_STORE] = "gemelTakeoverStore",
    [TRAP_PROMOTED] = "gemelTakeoverPromoted",
    [TRAP_ADDRESS] = "gemelTakeoverAddress",
    [TRAP_TOTAL] = "gemelTakeoverTotal",
    [TRAP_STATE] = "gemelClusterState",
    [TRAP_RESOURCE] = "gemelResource",
    [TRAP_TASK] = "gemelTask",
    [TRAP_RESULT] = "gemelResult",
    [TRAP_WANTED] = "gemelWantedResult",
    [TRAP_ATTRIBUTE] = "gemelAttribute",
    [TRAP_VALUE] = "gemelValue",
};

#define EACH TRAP_SEVERITY, TRAP_NODE, TRAP_REPORTER, TRAP_TIME, TRAP_TEXT

static const enum trap_object kind_objects[EVENT_KINDS][TRAP_KIND_OBJECTS] = {
    [EVENT_NODE_LOST] = {EACH, TRAP_REASON},
    [EVENT_NODE_BACK] = {EACH},
    [EVENT_LINE_DOWN] = {EACH, TRAP_LINE, TRAP_REASON},
    [EVENT_LINE_UP] = {EACH, TRAP_LINE},
    [EVENT_CORE_FAILED] = {EACH, TRAP_REASON},
    [EVENT_FENCING_BEGAN] = {EACH, TRAP_REASON},
    [EVENT_FENCING_SUCCEEDED] = {EACH, TRAP_PROOF},
    [EVENT_FENCING_FAILED] = {EACH, TRAP_REASON},
    [EVENT_TAKEOVER_BEGAN] = {EACH, TRAP_REASON},
    [EVENT_TAKEOVER_FINISHED] = {EACH, TRAP_SILENCE, TRAP_FENCED, TRAP_STORE, TRAP_PROMOTED,
	TRAP_ADDRESS, TRAP_TOTAL},
    [EVENT_CLUSTER_NODE] = {EACH, TRAP_STATE},
    [EVENT_CLUSTER_FENCING] = {EACH, TRAP_TASK, TRAP_RESULT, TRAP_REASON},
    [EVENT_CLUSTER_RESOURCE] = {EACH, TRAP_RESOURCE, TRAP_TASK, TRAP_RESULT, TRAP_WANTED,
	TRAP_REASON},
    [EVENT_CLUSTER_ATTRIBUTE] = {EACH, TRAP_ATTRIBUTE, TRAP_VALUE},
};

const enum trap_object *
trap_kind_objects(enum event_kind kind)
{
	assert(kind > 0 && kind < EVENT_KINDS);
	return kind_objects[kind];
}

const char *
trap_object_name(enum trap_object object)
{
	assert(object > 0 && object < TRAP_OBJECTS);
	return object_names[object];
}

static struct trap_oid
oid_below(struct trap_oid oid, uint32_t arc)
{
	assert(oid.count < TRAP_OID_MAX);
	oid.arcs[oid.count++] = arc;
	return oid;
}

struct trap_oid
trap_object_oid(enum trap_object object)
{
	return oid_below(oid_below(module, ARC_OBJECTS), object);
}

struct trap_oid
trap_kind_oid(enum event_kind kind)
{
	return oid_below(oid_below(module, ARC_NOTIFICATIONS), kind);
}

static struct trap_varbind *
next(struct trap_varbinds *varbinds, struct trap_oid name, enum trap_type type)
{
	struct trap_varbind *varbind = &varbinds->items[varbinds->count++];

	assert(varbinds->count <= TRAP_VARBINDS_MAX);
	varbind->name = name;
	varbind->type = type;
	return varbind;
}

static void
put_integer(struct trap_varbinds *varbinds, struct trap_oid name, int32_t value)
{
	next(varbinds, name, TRAP_INTEGER)->integer = value;
}

static void
put_text(struct trap_varbinds *varbinds, struct trap_oid name, const char *text)
{
	struct trap_varbind *varbind = next(varbinds, name, TRAP_OCTETS);

	varbind->length = strlen(text);
	memcpy(varbind->octets, text, varbind->length);
}

/* Year, month and day of a day since 1970 (proleptic Gregorian; years counted from March, so that
 * the leap day is the last one). */
static void
put_day(uint64_t day, uint8_t date[4])
{
	uint64_t since_era = day + 719468; /* from 1 March of year 0 */
	uint64_t era = since_era / 146097, of_era = since_era % 146097;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153; /* 0: March */

	date[3] = (uint8_t)(of_year - (153 * month + 2) / 5 + 1);
	date[2] = (uint8_t)(month < 10 ? month + 3 : month - 9);
	year += era * 400 + (date[2] <= 2);
	date[0] = (uint8_t)(year >> 8);
	date[1] = (uint8_t)year;
}

/* DateAndTime (RFC 2579), in UTC. */
static void
put_time(struct trap_varbinds *varbinds, struct trap_oid name, uint64_t at_ms)
{
	struct trap_varbind *varbind = next(varbinds, name, TRAP_OCTETS);
	uint64_t second = at_ms / 1000;
	uint8_t *date = varbind->octets;

	varbind->length = DATE_BYTES;
	put_day(second / 86400, date);
	date[4] = (uint8_t)(second / 3600 % 24);
	date[5] = (uint8_t)(second / 60 % 60);
	date[6] = (uint8_t)(second % 60);
	date[7] = (uint8_t)(at_ms / 100 % 10);
	date[8] = '+';
}

static void
put_head(struct trap_varbinds *varbinds, struct trap_oid trap, uint32_t uptime_cs)
{
	memset(varbinds, 0, sizeof(*varbinds));
	next(varbinds, sys_uptime, TRAP_TICKS)->ticks = uptime_cs;
	next(varbinds, snmp_trap_oid, TRAP_OID)->oid = trap;
}

static void
put_object(struct trap_varbinds *varbinds, enum trap_object object, const struct event *event,
    const char *reporter)
{
	struct trap_oid name = oid_below(trap_object_oid(object), 0);
	char text[EVENT_TEXT_BYTES];

	switch (object) {
	case TRAP_SEVERITY:
		put_integer(varbinds, name, event_severity(event));
		break;
	case TRAP_NODE:
		put_text(varbinds, name, event->node);
		break;
	case TRAP_REPORTER:
		event_put(text, EVENT_NAME_BYTES, slice_of(reporter));
		put_text(varbinds, name, text);
		break;
	case TRAP_TIME:
		put_time(varbinds, name, event->at_ms);
		break;
	case TRAP_TEXT:
		put_text(varbinds, name, event_sentence(event, text));
		break;
	case TRAP_REASON:
		put_text(varbinds, name, event->reason);
		break;
	case TRAP_LINE:
	case TRAP_RESOURCE:
	case TRAP_ATTRIBUTE:
		put_text(varbinds, name, event->subject);
		break;
	case TRAP_PROOF:
		put_integer(varbinds, name, (int32_t)event->proof);
		break;
	case TRAP_SILENCE:
	case TRAP_FENCED:
	case TRAP_STORE:
	case TRAP_PROMOTED:
	case TRAP_ADDRESS:
		put_integer(varbinds, name, event->phases_ms[object - TRAP_SILENCE]);
		break;
	case TRAP_TOTAL:
		put_integer(varbinds, name, event->total_ms);
		break;
	case TRAP_STATE:
	case TRAP_VALUE:
		put_text(varbinds, name, event->value);
		break;
	case TRAP_TASK:
		put_text(varbinds, name, event->task);
		break;
	case TRAP_RESULT:
		put_integer(varbinds, name, event->result);
		break;
	case TRAP_WANTED:
		put_integer(varbinds, name, event->wanted);
		break;
	case TRAP_OBJECTS:
		break;
	}
}

void
trap_varbinds_gemel(const struct event *event, const char *reporter, uint32_t uptime_cs,
    struct trap_varbinds *varbinds_r)
{
	put_head(varbinds_r, trap_kind_oid(event->kind), uptime_cs);
	for (const enum trap_object *object = kind_objects[event->kind]; *object; object++)
		put_object(varbinds_r, *object, event, reporter);
}

/* Its objects are one byte at least; the sample agent fills in this. */
static void
put_pacemaker(struct trap_varbinds *varbinds, uint32_t arc, const char *text)
{
	put_text(varbinds, oid_below(oid_below(pacemaker, 1), arc), *text ? text : "n/a");
}

bool
trap_varbinds_pacemaker(
    const struct event *event, uint32_t uptime_cs, struct trap_varbinds *varbinds_r)
{
	bool is_resource = event->kind == EVENT_CLUSTER_RESOURCE;
	bool is_attribute = event->kind == EVENT_CLUSTER_ATTRIBUTE;
	bool is_node = event->kind == EVENT_CLUSTER_NODE;
	struct trap_oid notification = oid_below(pacemaker, 1);

	if (!is_resource && !is_attribute && !is_node && event->kind != EVENT_CLUSTER_FENCING)
		return false;
	put_head(varbinds_r, oid_below(oid_below(pacemaker, 2), 1), uptime_cs);
	put_pacemaker(varbinds_r, 1, event->node);
	put_pacemaker(varbinds_r, 2, is_resource ? event->subject : "");
	put_pacemaker(varbinds_r, 3, event->task);
	put_pacemaker(varbinds_r, 4, is_node ? event->value : event->reason);
	put_integer(varbinds_r, oid_below(notification, 5), event->status);
	put_integer(varbinds_r, oid_below(notification, 6), event->result);
	put_integer(varbinds_r, oid_below(notification, 7), event->wanted);
	put_pacemaker(varbinds_r, 8, is_attribute ? event->subject : "");
	put_pacemaker(varbinds_r, 9, is_attribute ? event->value : "");
	return true;
}
