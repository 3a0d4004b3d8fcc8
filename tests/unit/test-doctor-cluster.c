/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/good-pair.h"

#include <string.h>

/* A way to spoil the pair; f is its facts, c those of the cluster, p its resources. */
#define SPOIL(name, ...)                                 \
	static void name(struct facts *f)                \
	{                                                \
		struct cib_facts *c = &f->cib;           \
		struct cib_primitive *p = c->primitives; \
                                                         \
		(void)p;                                 \
		__VA_ARGS__;                             \
	}
#define FOUND(name, id, count)                         \
	{                                              \
#name, name, FINDING_##id, true, count \
	}
#define NOT_FOUND(name, id, count)                      \
	{                                               \
#name, name, FINDING_##id, false, count \
	}
#define CHECK(rows) check_spoiled(rows, sizeof(rows) / sizeof((rows)[0]))

SPOIL(stonith_off, c->stonith_enabled = fact_of(0))
SPOIL(stonith_standard, c->stonith_enabled = (struct fact){0})
SPOIL(ten_attempts, c->stonith_max_attempts = (struct fact){0})
SPOIL(priority_delay, c->priority_fencing_delay_ms = fact_of(15000))
SPOIL(no_delay, c->transition_delay_ms = (struct fact){0})
SPOIL(delay_19, c->transition_delay_ms = fact_of(19))
SPOIL(delay_20, c->transition_delay_ms = fact_of(20))
SPOIL(delay_51, c->transition_delay_ms = fact_of(51))
SPOIL(load_standard, c->load_threshold_percent = (struct fact){0})
SPOIL(pending_standard, c->record_pending = (struct fact){0})
SPOIL(quorum_ignored, strcpy(c->no_quorum_policy, "ignore"))
SPOIL(quorum_suicide, strcpy(c->no_quorum_policy, "suicide"))
SPOIL(quorum_demote, strcpy(c->no_quorum_policy, "demote"))
SPOIL(quorum_standard, c->no_quorum_policy[0] = '\0')
SPOIL(maintenance, c->maintenance_mode = fact_of(1))

static void
properties_are_judged(void **state)
{
	static const struct spoiled rows[] = {
	    FOUND(stonith_off, STONITH_OFF, 1),
	    NOT_FOUND(stonith_standard, STONITH_OFF, 0),
	    FOUND(ten_attempts, FENCE_ATTEMPTS, 1),
	    FOUND(priority_delay, FENCE_DELAY, 1),
	    FOUND(no_delay, TRANSITION_DELAY, 1),
	    FOUND(delay_19, TRANSITION_DELAY, 1),
	    NOT_FOUND(delay_20, TRANSITION_DELAY, 0),
	    FOUND(delay_51, TRANSITION_DELAY, 1),
	    FOUND(load_standard, LOAD_THRESHOLD, 1),
	    FOUND(pending_standard, RECORD_PENDING, 1),
	    FOUND(quorum_ignored, QUORUM_IGNORED, 1),
	    FOUND(quorum_suicide, QUORUM_POLICY, 1),
	    NOT_FOUND(quorum_demote, QUORUM_POLICY, 0),
	    NOT_FOUND(quorum_standard, QUORUM_POLICY, 0),
	    FOUND(maintenance, MAINTENANCE, 1),
	};

	(void)state;
	CHECK(rows);
}

static void
ban(struct cib_facts *c, const char *resource, const char *node)
{
	struct cib_ban *one = &c->bans[c->ban_count++];

	strcpy(one->resource, resource);
	strcpy(one->node, node);
}

static void
only_ours(struct cib_facts *c)
{
	c->primitive_count = GOOD_POWER_1;
	c->level_count = 1;
	c->levels[0].target[0] = '\0';
}

SPOIL(no_device, c->primitive_count = GOOD_FENCE)
SPOIL(one_unfenced, strcpy(p[GOOD_FENCE].host_list, "hq-1"); c->primitive_count = GOOD_POWER_2;
      c->levels[3] = c->levels[1]; strcpy(c->levels[3].target, "hq-2"))
SPOIL(name_begins_alike, strcpy(p[GOOD_FENCE].host_list, "hq-1,hq-22");
      strcpy(p[GOOD_POWER_2].host_map, "hq-20:2"))
SPOIL(on_target, strcpy(p[GOOD_FENCE].host_list, "hq-1"); ban(c, "power-2", "hq-1"))
SPOIL(one_device_on_target, ban(c, "power-2", "hq-1"))
SPOIL(banned_from_target, strcpy(p[GOOD_FENCE].host_list, "hq-1"); ban(c, "power-2", "hq-2"))
SPOIL(hosts_asked, p[GOOD_POWER_1].host_list[0] = '\0')
SPOIL(device_delay, p[GOOD_POWER_1].delay_ms = fact_of(1000))
SPOIL(no_gemel, strcpy(p[GOOD_FENCE].agent, "fence_sbd"))
SPOIL(no_levels, c->level_count = 0)
SPOIL(levels_turned, c->levels[0].index = 2; c->levels[1].index = 1)
SPOIL(both_on_level_1, c->levels[0].device_count = 2; strcpy(c->levels[0].devices[1], "power-1"))
SPOIL(no_second_level, c->level_count = 3)
SPOIL(level_by_pattern, c->levels[0].target[0] = '\0'; c->levels[2].target[0] = '\0')
SPOIL(poison_only, only_ours(c))
SPOIL(ours_without_levels, only_ours(c); c->level_count = 0)
SPOIL(lines_only, only_ours(c); f->gemel.poison_wait_ms = (struct fact){0})
SPOIL(reservations_only, only_ours(c); f->gemel.poison_wait_ms = (struct fact){0};
      f->gemel.has_reservations = fact_of(1))
SPOIL(no_peer, f->gemel.is_paired = fact_of(0))
SPOIL(no_peer_no_gemel, f->gemel.is_paired = fact_of(0); strcpy(p[GOOD_FENCE].agent, "fence_sbd"))
SPOIL(grants_only, only_ours(c); f->gemel.poison_wait_ms = (struct fact){0};
      f->drbd.resource_count = 1; strcpy(f->drbd.fencing, "resource-and-stonith");
      strcpy(f->drbd.handler, "gemel-fence-peer"))

static void
fencing_is_judged(void **state)
{
	static const struct spoiled rows[] = {
	    FOUND(no_device, FENCE_NONE, 2),
	    FOUND(one_unfenced, FENCE_NONE, 1),
	    FOUND(name_begins_alike, FENCE_NONE, 1),
	    FOUND(on_target, FENCE_ON_TARGET, 1),
	    NOT_FOUND(one_device_on_target, FENCE_ON_TARGET, 0),
	    NOT_FOUND(banned_from_target, FENCE_ON_TARGET, 0),
	    FOUND(hosts_asked, FENCE_HOSTS_ASKED, 1),
	    FOUND(device_delay, FENCE_DELAY, 1),
	    FOUND(no_gemel, FENCE_GEMEL_NONE, 1),
	    FOUND(no_peer, PAIR_NODES_NONE, 1),
	    NOT_FOUND(no_peer_no_gemel, PAIR_NODES_NONE, 1),
	    FOUND(no_levels, FENCE_LEVELS, 2),
	    FOUND(levels_turned, FENCE_LEVELS, 1),
	    FOUND(both_on_level_1, FENCE_LEVELS, 1),
	    FOUND(no_second_level, FENCE_LEVELS, 1),
	    NOT_FOUND(level_by_pattern, FENCE_LEVELS, 0),
	    NOT_FOUND(ours_without_levels, FENCE_LEVELS, 0),
	    NOT_FOUND(poison_only, POWER_LOSS, 0),
	    FOUND(lines_only, POWER_LOSS, 1),
	    NOT_FOUND(reservations_only, POWER_LOSS, 0),
	    NOT_FOUND(grants_only, POWER_LOSS, 0),
	};

	(void)state;
	CHECK(rows);
}

SPOIL(no_address, c->primitives[GOOD_ADDRESS].class[0] = '\0')
SPOIL(no_core, c->primitives[GOOD_CORE].class[0] = '\0')
SPOIL(other_name, strcpy(p[GOOD_ADDRESS].id, "mail-ip"); strcpy(c->orders[1].then, "mail-ip");
      strcpy(c->colocations[1].first, "mail-ip"))
SPOIL(six, strcpy(p[GOOD_ADDRESS].id, "gemel-ip6"); strcpy(c->orders[1].then, "gemel-ip6");
      strcpy(c->colocations[1].first, "gemel-ip6"))
SPOIL(other_clone, strcpy(p[GOOD_STORE].clone, "ms-store"); strcpy(c->orders[0].first, "ms-store");
      strcpy(c->colocations[0].then, "ms-store"))
SPOIL(no_clone, p[GOOD_CORE].clone[0] = '\0'; p[GOOD_CORE].is_promotable = false)
SPOIL(two_promoted, p[GOOD_STORE].promoted_max = fact_of(2))
SPOIL(no_threshold, p[GOOD_CORE].migration_threshold = (struct fact){0})
SPOIL(endless_threshold, p[GOOD_CORE].migration_threshold = fact_of(SCORE_INFINITY))
SPOIL(threshold_3, p[GOOD_CORE].migration_threshold = fact_of(3))
SPOIL(no_failure_timeout, p[GOOD_ADDRESS].failure_timeout_ms = (struct fact){0})
SPOIL(same_interval, p[GOOD_CORE].operations[1].interval_ms = fact_of(2000))
SPOIL(start_and_stop_at_0, p[GOOD_CORE].operations[2].interval_ms = fact_of(0))
SPOIL(no_promoted_monitor, strcpy(p[GOOD_CORE].operations[0].name, "other"))
SPOIL(no_monitor, p[GOOD_ADDRESS].operation_count = 0)
SPOIL(promote_59999, p[GOOD_CORE].operations[4].timeout_ms = fact_of(59999))
SPOIL(deep_monitor_10000, p[GOOD_CORE].operations[0].level = 10)
SPOIL(deeper_advised_first, f->advised[2] = f->advised[0]; p[GOOD_CORE].operations[0].level = 10)
SPOIL(probes_at_0, strcpy(p[GOOD_CORE].operations[2].name, "monitor");
      strcpy(p[GOOD_CORE].operations[3].name, "monitor"))
SPOIL(deeper_monitor_20000, p[GOOD_CORE].operations[0].level = 20;
      p[GOOD_CORE].operations[0].timeout_ms = fact_of(20000))
SPOIL(no_promote, p[GOOD_CORE].operations[4] = p[GOOD_CORE].operations[3])
SPOIL(default_timeout, p[GOOD_CORE].operations[4] = p[GOOD_CORE].operations[3];
      c->default_timeout_ms = fact_of(60000))
SPOIL(nothing_advised, f->advised_count = 0)

static void
resources_are_judged(void **state)
{
	static const struct spoiled rows[] = {
	    FOUND(no_address, RESOURCE_NONE, 1),
	    FOUND(no_core, RESOURCE_NONE, 1),
	    FOUND(other_name, RESOURCE_NAME, 1),
	    NOT_FOUND(six, RESOURCE_NAME, 0),
	    FOUND(other_clone, RESOURCE_NAME, 1),
	    FOUND(no_clone, NOT_PROMOTABLE, 5), /* and what names the clone holds nothing */
	    FOUND(two_promoted, PROMOTED_MAX, 1),
	    FOUND(no_threshold, MIGRATION_THRESHOLD, 1),
	    FOUND(endless_threshold, MIGRATION_THRESHOLD, 1),
	    NOT_FOUND(threshold_3, MIGRATION_THRESHOLD, 0),
	    FOUND(no_failure_timeout, FAILURE_TIMEOUT, 1),
	    FOUND(same_interval, MONITOR_SAME_INTERVAL, 1),
	    NOT_FOUND(start_and_stop_at_0, MONITOR_SAME_INTERVAL, 0),
	    FOUND(no_promoted_monitor, MONITOR_NONE, 1),
	    FOUND(no_monitor, MONITOR_NONE, 1),
	    FOUND(promote_59999, TIMEOUT_SHORT, 1),
	    FOUND(deep_monitor_10000, TIMEOUT_SHORT, 1),
	    FOUND(deeper_advised_first, TIMEOUT_SHORT, 1),
	    NOT_FOUND(probes_at_0, MONITOR_SAME_INTERVAL, 0),
	    NOT_FOUND(deeper_monitor_20000, TIMEOUT_SHORT, 0),
	    FOUND(no_promote, TIMEOUT_SHORT, 1),
	    NOT_FOUND(default_timeout, TIMEOUT_SHORT, 0),
	    FOUND(nothing_advised, ADVISED_UNKNOWN, 1),
	};

	(void)state;
	CHECK(rows);
}

SPOIL(no_store_order, c->orders[0] = c->orders[1])
SPOIL(no_address_order, c->order_count = 1)
SPOIL(order_of_start, strcpy(c->orders[0].first_action, "start"))
SPOIL(order_turned, strcpy(c->orders[0].first, "gemel-core-clone");
      strcpy(c->orders[0].then, "gemel-store-clone"))
SPOIL(order_names_the_resource, strcpy(c->orders[0].first, "gemel-store"))
SPOIL(no_store_place, c->colocations[0] = c->colocations[1])
SPOIL(no_address_place, c->colocation_count = 1)
SPOIL(place_with_any, c->colocations[1].then_role = CIB_ROLE_NONE)
SPOIL(place_turned, strcpy(c->colocations[1].first, "gemel-core-clone");
      strcpy(c->colocations[1].then, "gemel-ip4"))
SPOIL(sets, c->has_sets = true; c->order_count = c->colocation_count = 0)
SPOIL(group, strcpy(p[GOOD_ADDRESS].group, "ips"); strcpy(c->orders[1].then, "ips");
      strcpy(c->colocations[1].first, "ips"))

static void
orders_and_places_are_judged(void **state)
{
	static const struct spoiled rows[] = {
	    FOUND(no_store_order, ORDER_NONE, 1),
	    FOUND(no_address_order, ORDER_NONE, 1),
	    FOUND(order_of_start, ORDER_NONE, 1),
	    FOUND(order_turned, ORDER_NONE, 1),
	    NOT_FOUND(order_names_the_resource, ORDER_NONE, 0),
	    FOUND(no_store_place, PLACE_NONE, 1),
	    FOUND(no_address_place, PLACE_NONE, 1),
	    FOUND(place_with_any, PLACE_NONE, 1),
	    FOUND(place_turned, PLACE_NONE, 1),
	    FOUND(sets, CONSTRAINT_SETS, 1),
	    NOT_FOUND(group, ORDER_NONE, 0),
	};

	(void)state;
	CHECK(rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(properties_are_judged),
	    cmocka_unit_test(fencing_is_judged),
	    cmocka_unit_test(resources_are_judged),
	    cmocka_unit_test(orders_and_places_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
