/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/checks.h"

#include "common/doctor/drbd-conf.h"

#include <inttypes.h>
#include <string.h>

#define FILE_NAME "gemel.conf"

static bool
is_pair(const struct facts *facts)
{
	return facts->corosync.node_count > 1 || facts->cib.node_count > 1;
}

static void
check_alone(const struct facts *facts, struct findings *out)
{
	const struct gemel_facts *gemel = &facts->gemel;

	if (!is_pair(facts))
		return;
	if (fact_or(gemel->standalone, 0))
		finding_add(out, FINDING_STANDALONE_PAIR,
		    FILE_NAME ": standalone is set, and the cluster has two nodes: both would "
			      "accept mail; remove the line");
	if (!fact_or(gemel->require_mount, 1))
		finding_add(out, FINDING_MOUNT_NOT_REQUIRED,
		    FILE_NAME ": require_mount is false, and on a pair mail would go to a node's "
			      "own disk when the storage is not mounted; set \"require_mount = "
			      "true\"");
}

static void
check_lease(const struct facts *facts, struct findings *out)
{
	const struct gemel_facts *gemel = &facts->gemel;
	int64_t detection = corosync_detection_ms(&facts->corosync);
	int64_t lease = gemel->lease_ms.value;

	if (!gemel->lease_ms.is_known)
		return;
	if (gemel->beat_ms.is_known && lease < LEASE_BEATS * gemel->beat_ms.value)
		finding_add(out, FINDING_LEASE_SHORT,
		    FILE_NAME ": lease_ms is %" PRId64 ", less than %d beats of %" PRId64 " ms, so "
			      "that two lost beats stop all mail; set \"lease_ms = %" PRId64 "\"",
		    lease, LEASE_BEATS, gemel->beat_ms.value, 10 * gemel->beat_ms.value);
	if (lease > LEASE_LONG_MS)
		finding_add(out, FINDING_LEASE_LONG,
		    FILE_NAME ": lease_ms is %" PRId64 ", and a node that is cut off would answer "
			      "clients for so long; set \"lease_ms = 1000\"",
		    lease);
	else if (detection && lease > detection)
		finding_add(out, FINDING_LEASE_AFTER_DETECTION,
		    FILE_NAME ": lease_ms is %" PRId64 ", and Corosync misses a node after %" PRId64
			      " ms, so for the time between only the proof of fencing, and not the "
			      "lease, keeps a cut-off node apart from its successor",
		    lease, detection);
}

static void
check_poison(const struct gemel_facts *gemel, struct findings *out)
{
	int64_t least = gemel->watchdog_timeout_ms.value + POISON_MARGIN_MS;

	if (!gemel->poison_wait_ms.is_known)
		return;
	if (!gemel->watchdog_timeout_ms.is_known || gemel->watchdog_timeout_ms.value <= 0)
		finding_add(out, FINDING_POISON_EARLY,
		    FILE_NAME
		    ": nodes are poisoned over the disk, but there is no watchdog that "
		    "would reset one that does not read it; set the watchdog's device and "
		    "watchdog_timeout_s");
	else if (gemel->poison_wait_ms.value < least)
		finding_add(out, FINDING_POISON_EARLY,
		    FILE_NAME ": a poisoned node counts as ended after %" PRId64 " ms, before its "
			      "watchdog of %" PRId64
			      " ms has surely reset it; wait at least %" PRId64 " ms",
		    gemel->poison_wait_ms.value, gemel->watchdog_timeout_ms.value, least);
}

static bool
is_ring(const struct corosync_facts *corosync, const char *address)
{
	for (size_t i = 0; i < corosync->node_count; i++)
		for (size_t k = 0; k < COROSYNC_LINKS_MAX; k++)
			if (*address && strcmp(corosync->nodes[i].addresses[k], address) == 0)
				return true;
	return false;
}

static void
check_lines(const struct facts *facts, struct findings *out)
{
	const struct gemel_facts *gemel = &facts->gemel;

	if (!gemel->lines_are_known)
		return;
	if (!gemel->line_count) {
		finding_add(out, FINDING_LINE_NONE,
		    FILE_NAME
		    ": there is no line beside Corosync's rings, so a node that is cut "
		    "off looks like a dead one, and cannot release what it has; add a line "
		    "(a serial cable, a direct cable, a slot on the disk)");
		return;
	}
	for (size_t i = 0; i < gemel->line_count; i++)
		if (!is_ring(&facts->corosync, gemel->lines[i]))
			return;
	finding_add(out, FINDING_LINE_SHARED,
	    FILE_NAME ": every line uses an address of Corosync's rings (%s), so it fails "
		      "together with them; add a line that Corosync does not use",
	    gemel->lines[0]);
}

static void
check_key_file(const struct gemel_facts *gemel, struct findings *out)
{
	switch (gemel->key_file) {
	case KEY_FILE_ABSENT:
		if (gemel->line_count)
			finding_add(out, FINDING_KEY_FILE_MISSING,
			    "heartbeat.keys: there is no key, and without it no beat can be "
			    "believed; write the same /etc/gemel/heartbeat.keys on both nodes");
		break;
	case KEY_FILE_OPEN:
		finding_add(out, FINDING_KEY_FILE_OPEN,
		    "heartbeat.keys: others than root may read or change it, and whoever has the "
		    "key can say that a node has ended; chown root and chmod 600 it, and make a "
		    "new key");
		break;
	case KEY_FILE_UNKNOWN:
	case KEY_FILE_GOOD:
		break;
	}
}

void
check_gemel(const struct facts *facts, struct findings *out)
{
	const struct gemel_facts *gemel = &facts->gemel;

	check_key_file(gemel, out);
	if (!gemel->is_known)
		return;
	check_alone(facts, out);
	check_lease(facts, out);
	check_poison(gemel, out);
	check_lines(facts, out);
	if (gemel->has_witness.is_known && !gemel->has_witness.value && !facts->drbd.resource_count)
		finding_add(out, FINDING_WITNESS_NONE,
		    FILE_NAME ": no witness is named, so nobody outside the pair knows which node "
			      "may go on alone; name one if there is a third machine");
}

void
check_drbd(const struct facts *facts, struct findings *out)
{
	const struct drbd_facts *drbd = &facts->drbd;

	if (!drbd->resource_count)
		return;
	if (strcmp(drbd->fencing, "resource-and-stonith") != 0)
		finding_add(out, FINDING_DRBD_FENCING,
		    "/etc/drbd.d: fencing is \"%s\", so a node that has lost its peer goes on "
		    "writing what the peer does not have; set \"fencing resource-and-stonith;\" in "
		    "the section net",
		    drbd->fencing[0] ? drbd->fencing : "not set");
	if (!drbd_is_our_handler(drbd->handler))
		finding_add(out, FINDING_DRBD_HANDLER,
		    "/etc/drbd.d: the fence-peer handler is \"%.100s\" and not Gemel's, so nobody "
		    "asks the pair's register whose data are current; set Gemel's in the section "
		    "handlers",
		    drbd->handler[0] ? drbd->handler : "not set");
	if (facts->gemel.has_witness.is_known && !facts->gemel.has_witness.value)
		finding_add(out, FINDING_DRBD_WITHOUT_WITNESS,
		    FILE_NAME ": DRBD is in use and no witness is named, so nobody can say which "
			      "node has the current data; run gemel-witnessd on a third machine "
			      "and name it");
}
