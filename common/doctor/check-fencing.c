/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/checks.h"

#include <inttypes.h>
#include <string.h>

static bool
is_fence(const struct cib_primitive *one)
{
	return strcmp(one->class, "stonith") == 0;
}

static bool
is_ours(const struct cib_primitive *one)
{
	return strcmp(one->agent, "fence_gemel") == 0;
}

/* True if name is a word of list, as pcmk_host_list and pcmk_host_map part them; what follows ":"
 * is the name that the device has for it. */
static bool
has_word(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *word = list; *word;) {
		size_t whole = strcspn(word, " ,;\t\n"), key = strcspn(word, " ,;\t\n:");

		if (key == length && strncmp(word, name, length) == 0)
			return true;
		word += whole;
		word += strspn(word, " ,;\t\n");
	}
	return false;
}

static bool
is_asked(const struct cib_primitive *device)
{
	return !device->host_list[0] && !device->host_map[0];
}

static bool
can_fence(const struct cib_primitive *device, const char *node)
{
	return is_asked(device) || has_word(device->host_list, node) ||
	       has_word(device->host_map, node);
}

static bool
is_banned(const struct cib_facts *cib, const struct cib_primitive *device, const char *node)
{
	for (size_t i = 0; i < cib->ban_count; i++) {
		const char *resource = cib->bans[i].resource;

		if (strcmp(cib->bans[i].node, node) == 0 &&
		    (strcmp(resource, device->id) == 0 || strcmp(resource, device->group) == 0 ||
			strcmp(resource, device->clone) == 0))
			return true;
	}
	return false;
}

/* True if a node other than the target may run the device. */
static bool
can_run_elsewhere(
    const struct cib_facts *cib, const struct cib_primitive *device, const char *target)
{
	for (size_t i = 0; i < cib->node_count; i++)
		if (strcmp(cib->nodes[i], target) != 0 && !is_banned(cib, device, cib->nodes[i]))
			return true;
	return false;
}

static void
check_target(const struct cib_facts *cib, const char *node, struct findings *out)
{
	const struct cib_primitive *useless = NULL;

	for (size_t i = 0; i < cib->primitive_count; i++) {
		const struct cib_primitive *one = &cib->primitives[i];

		if (!is_fence(one) || !can_fence(one, node))
			continue;
		if (can_run_elsewhere(cib, one, node))
			return;
		useless = one;
	}
	if (useless)
		finding_add(out, FINDING_FENCE_ON_TARGET,
		    "cluster: %s may run on %s only, the node that it has to fence, so a dead %s "
		    "is fenced by nobody; remove the location constraint that keeps it from the "
		    "other node",
		    useless->id, node, node);
	else
		finding_add(out, FINDING_FENCE_NONE,
		    "cluster: no fence device can fence %s, so the other node waits for ever when "
		    "it dies; make one with %s in its pcmk_host_list",
		    node, node);
}

static void
check_device(const struct cib_facts *cib, const struct cib_primitive *one, struct findings *out)
{
	if (cib->node_count > 1 && is_asked(one))
		finding_add(out, FINDING_FENCE_HOSTS_ASKED,
		    "cluster: %s has neither pcmk_host_list nor pcmk_host_map, so a takeover "
		    "first asks the device which nodes it knows; set pcmk_host_list",
		    one->id);
	if (fact_or(one->delay_ms, 0) != 0)
		finding_add(out, FINDING_FENCE_DELAY,
		    "cluster: %s has a pcmk_delay, and every takeover from a dead node waits for "
		    "it, too; remove pcmk_delay_base and pcmk_delay_max",
		    one->id);
}

static bool
level_has(const struct cib_facts *cib, const char *target, int64_t index, bool ours, bool *alone_r)
{
	bool has = false;

	*alone_r = true;
	for (size_t i = 0; i < cib->level_count; i++) {
		const struct cib_level *level = &cib->levels[i];

		if (level->index != index || (level->target[0] && strcmp(level->target, target)))
			continue;
		for (size_t k = 0; k < level->device_count; k++)
			for (size_t p = 0; p < cib->primitive_count; p++) {
				const struct cib_primitive *one = &cib->primitives[p];

				if (!is_fence(one) || strcmp(one->id, level->devices[k]) != 0)
					continue;
				if (is_ours(one) == ours)
					has = true;
				else
					*alone_r = false;
			}
	}
	return has;
}

/* Gemel's proof first, the power switch when there is none. */
static void
check_levels(const struct cib_facts *cib, struct findings *out)
{
	for (size_t i = 0; i < cib->node_count; i++) {
		const char *node = cib->nodes[i];
		bool is_alone, is_second_alone;
		bool is_first = level_has(cib, node, 1, true, &is_alone);

		if (is_first && is_alone && level_has(cib, node, 2, false, &is_second_alone))
			continue;
		finding_add(out, FINDING_FENCE_LEVELS,
		    "cluster: the fencing levels of %s are not fence_gemel alone on 1 and the "
		    "power "
		    "device on 2, so the quickest proof is not tried first, or the power device "
		    "never; set them with crm configure fencing_topology or pcs stonith level",
		    node);
	}
}

static bool
has_proof_without_power(const struct facts *facts)
{
	const struct gemel_facts *gemel = &facts->gemel;
	bool is_granted = facts->drbd.resource_count && fact_or(gemel->has_witness, 0);

	return is_granted || fact_or(gemel->has_reservations, 0) || gemel->poison_wait_ms.is_known;
}

void
check_fencing(const struct facts *facts, struct findings *out)
{
	const struct cib_facts *cib = &facts->cib;
	bool has_ours = false, has_power = false;

	if (!cib->is_known)
		return;
	for (size_t i = 0; i < cib->primitive_count; i++) {
		const struct cib_primitive *one = &cib->primitives[i];

		if (!is_fence(one))
			continue;
		check_device(cib, one, out);
		has_ours = has_ours || is_ours(one);
		has_power = has_power || !is_ours(one);
	}
	for (size_t i = 0; i < cib->node_count; i++)
		check_target(cib, cib->nodes[i], out);
	if (has_ours && !fact_or(facts->gemel.is_paired, 1))
		finding_add(out, FINDING_PAIR_NODES_NONE,
		    "gemel.conf: pair { nodes } is not set, so gemel-agentd listens to no peer and "
		    "fence_gemel fails in every takeover; name both nodes in it, in the same order "
		    "on both");
	/* A single device needs no levels. */
	if (has_ours && has_power)
		check_levels(cib, out);
	else if (has_power)
		finding_add(out, FINDING_FENCE_GEMEL_NONE,
		    "cluster: there is no device of fence_gemel, so each takeover takes as long as "
		    "the power device does, often seconds; make one and put it on fencing level 1");
	if (has_ours && !has_power && !has_proof_without_power(facts))
		finding_add(out, FINDING_POWER_LOSS,
		    "cluster: nothing can prove that a node without power has ended (no power "
		    "device, no reservations, no poison slot, no witness with DRBD), so a power "
		    "loss will need a human; add a power device on fencing level 2");
}
