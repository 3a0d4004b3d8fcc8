/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/good-pair.h"

#include <stdlib.h>
#include <string.h>

static void
good_corosync(struct corosync_facts *c)
{
	*c = (struct corosync_facts){
	    .is_known = true,
	    .token_ms = fact_of(500),
	    .consensus_ms = fact_of(100),
	    .running_token_ms = fact_of(500),
	    .running_consensus_ms = fact_of(100),
	    .two_node = fact_of(1),
	    .transport = "knet",
	    .link_mode = "active",
	    .cipher = "aes256",
	    .hash = "sha256",
	    .nodes = {{"hq-1", {"10.0.0.1", "10.0.1.1"}}, {"hq-2", {"10.0.0.2", "10.0.1.2"}}},
	    .node_count = 2,
	};
}

static void
good_gemel(struct gemel_facts *g)
{
	*g = (struct gemel_facts){
	    .is_known = true,
	    .require_mount = fact_of(1),
	    .standalone = fact_of(0),
	    .is_paired = fact_of(1),
	    .beat_ms = fact_of(100),
	    .lease_ms = fact_of(600),
	    .watchdog_timeout_ms = fact_of(5000),
	    .poison_wait_ms = fact_of(5000 + POISON_MARGIN_MS),
	    .has_reservations = fact_of(0),
	    .has_witness = fact_of(1),
	    .lines_are_known = true,
	    .lines = {"10.0.2.1", ""},
	    .line_count = 2,
	    .key_file = KEY_FILE_GOOD,
	};
}

static struct cib_operation
operation(const char *name, enum cib_role role, int64_t interval_ms, int64_t timeout_ms)
{
	struct cib_operation one = {
	    .role = role, .interval_ms = fact_of(interval_ms), .timeout_ms = fact_of(timeout_ms)};

	strncpy(one.name, name, sizeof(one.name) - 1);
	return one;
}

static struct cib_primitive
promotable(const char *id, const char *clone, const char *agent)
{
	struct cib_primitive one = {.class = "ocf",
	    .provider = "gemel",
	    .is_promotable = true,
	    .promoted_max = fact_of(1),
	    .migration_threshold = fact_of(1),
	    .failure_timeout_ms = fact_of(30000),
	    .operation_count = 6};

	strncpy(one.id, id, sizeof(one.id) - 1);
	strncpy(one.clone, clone, sizeof(one.clone) - 1);
	strncpy(one.agent, agent, sizeof(one.agent) - 1);
	one.operations[0] = operation("monitor", CIB_ROLE_PROMOTED, 2000, 10000);
	one.operations[1] = operation("monitor", CIB_ROLE_UNPROMOTED, 3000, 10000);
	one.operations[2] = operation("start", CIB_ROLE_NONE, 0, 60000);
	one.operations[3] = operation("stop", CIB_ROLE_NONE, 0, 60000);
	one.operations[4] = operation("promote", CIB_ROLE_NONE, 0, 60000);
	one.operations[5] = operation("demote", CIB_ROLE_NONE, 0, 60000);
	return one;
}

static void
good_resources(struct cib_facts *c)
{
	c->primitives[GOOD_STORE] = promotable("gemel-store", "gemel-store-clone", "sharedstore");
	c->primitives[GOOD_CORE] = promotable("gemel-core", "gemel-core-clone", "mailcore");
	c->primitives[GOOD_ADDRESS] = (struct cib_primitive){
	    .id = "gemel-ip4",
	    .class = "ocf",
	    .provider = "gemel",
	    .agent = "floatip",
	    .migration_threshold = fact_of(1),
	    .failure_timeout_ms = fact_of(30000),
	    .operation_count = 1,
	};
	c->primitives[GOOD_ADDRESS].operations[0] =
	    operation("monitor", CIB_ROLE_NONE, 5000, 10000);
	c->primitives[GOOD_FENCE] = (struct cib_primitive){
	    .id = "fence", .class = "stonith", .agent = "fence_gemel", .host_list = "hq-1 hq-2"};
	c->primitives[GOOD_POWER_1] = (struct cib_primitive){
	    .id = "power-1", .class = "stonith", .agent = "fence_ipmilan", .host_list = "hq-1"};
	c->primitives[GOOD_POWER_2] = (struct cib_primitive){
	    .id = "power-2", .class = "stonith", .agent = "fence_ipmilan", .host_map = "hq-2:7"};
	c->primitive_count = 6;
	c->orders[0] = (struct cib_constraint){"gemel-store-clone", "gemel-core-clone", "promote",
	    "promote", CIB_ROLE_NONE, CIB_ROLE_NONE};
	c->orders[1] = (struct cib_constraint){
	    "gemel-core-clone", "gemel-ip4", "promote", "start", CIB_ROLE_NONE, CIB_ROLE_NONE};
	c->order_count = 2;
	c->colocations[0] = (struct cib_constraint){
	    "gemel-core-clone", "gemel-store-clone", "", "", CIB_ROLE_PROMOTED, CIB_ROLE_PROMOTED};
	c->colocations[1] = (struct cib_constraint){
	    "gemel-ip4", "gemel-core-clone", "", "", CIB_ROLE_NONE, CIB_ROLE_PROMOTED};
	c->colocation_count = 2;
}

static void
good_cluster(struct cib_facts *c)
{
	*c = (struct cib_facts){
	    .is_known = true,
	    .stonith_enabled = fact_of(1),
	    .stonith_max_attempts = fact_of(SCORE_INFINITY),
	    .transition_delay_ms = fact_of(50),
	    .load_threshold_percent = fact_of(0),
	    .record_pending = fact_of(0),
	    .no_quorum_policy = "stop",
	    .nodes = {"hq-1", "hq-2"},
	    .node_count = 2,
	    .levels = {{"hq-1", 1, {"fence"}, 1}, {"hq-1", 2, {"power-1"}, 1},
		{"hq-2", 1, {"fence"}, 1}, {"hq-2", 2, {"power-2"}, 1}},
	    .level_count = 4,
	    .published = {{"hq-1", "gemel.conf", "aa"}, {"hq-2", "gemel.conf", "aa"},
		{"hq-2", "heartbeat.keys", "bb"}},
	    .published_count = 3,
	};
	good_resources(c);
}

void
good_pair(struct facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	strcpy(facts->own_node, "hq-1");
	good_corosync(&facts->corosync);
	good_gemel(&facts->gemel);
	good_cluster(&facts->cib);
	facts->advised[0] =
	    (struct advised_timeout){"mailcore", "monitor", CIB_ROLE_PROMOTED, 0, 10000};
	facts->advised[1] =
	    (struct advised_timeout){"mailcore", "monitor", CIB_ROLE_PROMOTED, 10, 20000};
	facts->advised[2] =
	    (struct advised_timeout){"mailcore", "promote", CIB_ROLE_NONE, 0, 60000};
	facts->advised_count = 3;
	facts->files[0] = (struct file_fact){"gemel.conf", "aa"};
	facts->files[1] = (struct file_fact){"heartbeat.keys", "bb"};
	facts->file_count = 2;
}

static bool
has(const struct findings *list, enum finding_id id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].id == id)
			return true;
	return false;
}

void
check_spoiled(const struct spoiled *rows, size_t count)
{
	struct facts *facts = malloc(sizeof(*facts));
	bool is_right = true;

	assert_non_null(facts);
	for (size_t i = 0; i < count; i++) {
		struct findings list = {0};

		good_pair(facts);
		rows[i].spoil(facts);
		doctor_check(facts, &list);
		if (has(&list, rows[i].id) != rows[i].is_found || list.count != rows[i].count) {
			is_right = false;
			print_error("%s: %s, and %zu findings\n", rows[i].what,
			    finding_name(rows[i].id), list.count);
			for (size_t k = 0; k < list.count; k++)
				print_error("    %s\n", list.items[k].text);
		}
		findings_close(&list);
	}
	free(facts);
	assert_true(is_right);
}
