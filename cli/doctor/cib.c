/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/doctor/cib.h"

#include "cli/doctor/values.h"
#include "cli/doctor/xml.h"
#include "common/digest.h"

#include <errno.h>

#define METADATA_BYTES_MAX (256 * 1024)
#define COPY(node, name, out) xml_copy(node, name, out, sizeof(out))

/* The next free place of an array in facts, or NULL. */
#define PLACE(array, count) \
	((count) < sizeof(array) / sizeof((array)[0]) ? &(array)[(count)++] : NULL)

/* The value of a name in the sets of a kind ("meta_attributes") below node; "" if it is not given.
 * With several sets the first one that has it counts. */
static const char *
nvpair(const xmlNode *node, const char *kind, const char *name)
{
	for (const xmlNode *set = xml_child(node, kind); set; set = xml_next(set, kind))
		for (const xmlNode *pair = xml_child(set, "nvpair"); pair;
		     pair = xml_next(pair, "nvpair"))
			if (strcmp(xml_attribute(pair, "name"), name) == 0)
				return xml_attribute(pair, "value");
	return "";
}

static bool
read_properties(const xmlNode *config, struct cib_facts *cib)
{
	const xmlNode *crm = xml_child(config, "crm_config");
	const xmlNode *operations = xml_child(config, "op_defaults");
	const char *kind = "cluster_property_set";

	cib->stonith_enabled = value_truth(nvpair(crm, kind, "stonith-enabled"));
	cib->stonith_max_attempts = value_score(nvpair(crm, kind, "stonith-max-attempts"));
	cib->priority_fencing_delay_ms =
	    value_interval_ms(nvpair(crm, kind, "priority-fencing-delay"));
	cib->transition_delay_ms = value_interval_ms(nvpair(crm, kind, "transition-delay"));
	cib->load_threshold_percent = value_percent(nvpair(crm, kind, "load-threshold"));
	cib->maintenance_mode = value_truth(nvpair(crm, kind, "maintenance-mode"));
	cib->record_pending = value_truth(nvpair(operations, "meta_attributes", "record-pending"));
	cib->default_timeout_ms =
	    value_interval_ms(nvpair(operations, "meta_attributes", "timeout"));
	return slice_to_string(slice_of(nvpair(crm, kind, "no-quorum-policy")),
	    cib->no_quorum_policy, sizeof(cib->no_quorum_policy));
}

static bool
read_nodes(const xmlNode *config, struct cib_facts *cib)
{
	const xmlNode *nodes = xml_child(config, "nodes");

	for (const xmlNode *node = xml_child(nodes, "node"); node; node = xml_next(node, "node")) {
		if (cib->node_count == CIB_NODES_MAX ||
		    !COPY(node, "uname", cib->nodes[cib->node_count++]))
			return false;
	}
	return true;
}

/* What a resource hands down to those in it. */
struct inherited {
	const char *group, *clone;
	bool is_promotable;
	struct fact promoted_max, migration_threshold, failure_timeout_ms;
};

static void
inherit(const xmlNode *node, struct inherited *down)
{
	struct fact threshold = value_score(nvpair(node, "meta_attributes", "migration-threshold"));
	struct fact timeout = value_interval_ms(nvpair(node, "meta_attributes", "failure-timeout"));

	if (threshold.is_known)
		down->migration_threshold = threshold;
	if (timeout.is_known)
		down->failure_timeout_ms = timeout;
}

static bool
read_operation(const xmlNode *node, struct cib_operation *out)
{
	/* crm and pcs write it as an instance attribute of the operation. */
	const char *level = nvpair(node, "instance_attributes", "OCF_CHECK_LEVEL");

	out->role = value_role(xml_attribute(node, "role"));
	out->level =
	    fact_or(value_score(*level ? level : xml_attribute(node, "OCF_CHECK_LEVEL")), 0);
	out->interval_ms = value_interval_ms(xml_attribute(node, "interval"));
	out->timeout_ms = value_interval_ms(xml_attribute(node, "timeout"));
	return COPY(node, "name", out->name);
}

/* The greater of both; a value by node ("hq-1:1s;hq-2:5s") counts as some. */
static struct fact
fence_delay(const xmlNode *node)
{
	static const char *const names[] = {"pcmk_delay_base", "pcmk_delay_max"};
	struct fact most = {0};

	for (size_t i = 0; i < 2; i++) {
		const char *text = nvpair(node, "instance_attributes", names[i]);
		struct fact one = strchr(text, ':') ? fact_of(1) : value_interval_ms(text);

		if (one.is_known && one.value >= fact_or(most, 0))
			most = one;
	}
	return most;
}

static bool
read_primitive(const xmlNode *node, struct inherited down, struct cib_facts *cib)
{
	struct cib_primitive *one = PLACE(cib->primitives, cib->primitive_count);
	const xmlNode *operations = xml_child(node, "operations");

	if (!one)
		return false;
	inherit(node, &down);
	one->is_promotable = down.is_promotable;
	one->promoted_max = down.promoted_max;
	one->migration_threshold = down.migration_threshold;
	one->failure_timeout_ms = down.failure_timeout_ms;
	one->delay_ms = fence_delay(node);
	for (const xmlNode *op = xml_child(operations, "op"); op; op = xml_next(op, "op")) {
		struct cib_operation *place = PLACE(one->operations, one->operation_count);

		if (!place || !read_operation(op, place))
			return false;
	}
	return COPY(node, "id", one->id) && COPY(node, "class", one->class) &&
	       COPY(node, "provider", one->provider) && COPY(node, "type", one->agent) &&
	       slice_to_string(slice_of(down.group), one->group, sizeof(one->group)) &&
	       slice_to_string(slice_of(down.clone), one->clone, sizeof(one->clone)) &&
	       slice_to_string(slice_of(nvpair(node, "instance_attributes", "pcmk_host_list")),
		   one->host_list, sizeof(one->host_list)) &&
	       slice_to_string(slice_of(nvpair(node, "instance_attributes", "pcmk_host_map")),
		   one->host_map, sizeof(one->host_map));
}

static bool
read_group(const xmlNode *node, struct inherited down, struct cib_facts *cib)
{
	inherit(node, &down);
	down.group = xml_attribute(node, "id");
	for (const xmlNode *one = xml_child(node, "primitive"); one;
	     one = xml_next(one, "primitive"))
		if (!read_primitive(one, down, cib))
			return false;
	return true;
}

static bool
read_clone(const xmlNode *node, struct inherited down, struct cib_facts *cib)
{
	const xmlNode *group = xml_child(node, "group"), *one = xml_child(node, "primitive");
	const char *most = nvpair(node, "meta_attributes", "promoted-max");

	inherit(node, &down);
	down.clone = xml_attribute(node, "id");
	/* An old CIB has an element of its own for it. */
	down.is_promotable = xml_is(node, "master") ||
			     fact_or(value_truth(nvpair(node, "meta_attributes", "promotable")), 0);
	down.promoted_max =
	    value_score(*most ? most : nvpair(node, "meta_attributes", "master-max"));
	if (group)
		return read_group(group, down, cib);
	return !one || read_primitive(one, down, cib);
}

static bool
read_resources(const xmlNode *config, struct cib_facts *cib)
{
	const xmlNode *resources = xml_child(config, "resources");
	struct inherited down = {.group = "", .clone = ""};
	bool is_read = true;

	inherit(xml_child(config, "rsc_defaults"), &down);
	for (const xmlNode *one = xml_child(resources, NULL); one && is_read;
	     one = xml_next(one, NULL)) {
		if (xml_is(one, "primitive"))
			is_read = read_primitive(one, down, cib);
		else if (xml_is(one, "group"))
			is_read = read_group(one, down, cib);
		else if (xml_is(one, "clone") || xml_is(one, "master"))
			is_read = read_clone(one, down, cib);
	}
	return is_read;
}

static bool
read_order(const xmlNode *node, struct cib_facts *cib)
{
	const char *kind = xml_attribute(node, "kind"), *score = xml_attribute(node, "score");
	const char *first_action = xml_attribute(node, "first-action");
	const char *then_action = xml_attribute(node, "then-action");
	struct cib_constraint *one;

	if (*kind ? strcmp(kind, "Mandatory") != 0
		  : *score && fact_or(value_score(score), 0) != SCORE_INFINITY)
		return true;
	one = PLACE(cib->orders, cib->order_count);
	if (!*first_action)
		first_action = "start";
	if (!*then_action)
		then_action = first_action;
	return one && COPY(node, "first", one->first) && COPY(node, "then", one->then) &&
	       slice_to_string(
		   slice_of(first_action), one->first_action, sizeof(one->first_action)) &&
	       slice_to_string(slice_of(then_action), one->then_action, sizeof(one->then_action));
}

static bool
read_colocation(const xmlNode *node, struct cib_facts *cib)
{
	struct cib_constraint *one;

	if (fact_or(value_score(xml_attribute(node, "score")), 0) != SCORE_INFINITY)
		return true;
	one = PLACE(cib->colocations, cib->colocation_count);
	if (!one || !COPY(node, "rsc", one->first) || !COPY(node, "with-rsc", one->then))
		return false;
	one->first_role = value_role(xml_attribute(node, "rsc-role"));
	one->then_role = value_role(xml_attribute(node, "with-rsc-role"));
	return true;
}

static bool
read_location(const xmlNode *node, struct cib_facts *cib)
{
	struct cib_ban *one;

	/* A role, a time or another rule makes it less than a ban. */
	if (fact_or(value_score(xml_attribute(node, "score")), 0) != -SCORE_INFINITY ||
	    !*xml_attribute(node, "node") || *xml_attribute(node, "role"))
		return true;
	one = PLACE(cib->bans, cib->ban_count);
	return one && COPY(node, "rsc", one->resource) && COPY(node, "node", one->node);
}

static bool
read_constraints(const xmlNode *config, struct cib_facts *cib)
{
	const xmlNode *constraints = xml_child(config, "constraints");
	bool is_read = true;

	for (const xmlNode *one = xml_child(constraints, NULL); one && is_read;
	     one = xml_next(one, NULL)) {
		if (xml_is(one, "rsc_location"))
			is_read = read_location(one, cib);
		else if (xml_child(one, "resource_set"))
			cib->has_sets = cib->has_sets || !xml_is(one, "rsc_ticket");
		else if (xml_is(one, "rsc_order"))
			is_read = read_order(one, cib);
		else if (xml_is(one, "rsc_colocation"))
			is_read = read_colocation(one, cib);
	}
	return is_read;
}

static bool
read_level(const xmlNode *node, struct cib_facts *cib)
{
	struct cib_level *level = PLACE(cib->levels, cib->level_count);
	const char *devices = xml_attribute(node, "devices");

	if (!level || !COPY(node, "target", level->target))
		return false;
	level->index = fact_or(value_score(xml_attribute(node, "index")), 0);
	while (*devices) {
		size_t length = strcspn(devices, ",");
		char *place = level->device_count < CIB_DEVICES_MAX
				  ? level->devices[level->device_count++]
				  : NULL;

		if (!place || !slice_to_string(slice_from(devices, length), place, FACT_NAME_MAX))
			return false;
		devices += length;
		devices += strspn(devices, ", ");
	}
	return true;
}

static bool
read_levels(const xmlNode *config, struct cib_facts *cib)
{
	const xmlNode *topology = xml_child(config, "fencing-topology");
	const char *name = "fencing-level";

	for (const xmlNode *one = xml_child(topology, name); one; one = xml_next(one, name))
		if (!read_level(one, cib))
			return false;
	return true;
}

static bool
read_published_set(const char *node, const xmlNode *set, struct cib_facts *cib)
{
	const size_t length = strlen(DIGEST_ATTRIBUTE);

	for (const xmlNode *pair = xml_child(set, "nvpair"); pair;
	     pair = xml_next(pair, "nvpair")) {
		const char *name = xml_attribute(pair, "name");
		struct cib_published *one;

		if (strncmp(name, DIGEST_ATTRIBUTE, length) != 0)
			continue;
		one = PLACE(cib->published, cib->published_count);
		if (!one || !slice_to_string(slice_of(node), one->node, sizeof(one->node)) ||
		    !slice_to_string(slice_of(name + length), one->name, sizeof(one->name)) ||
		    !COPY(pair, "value", one->hex))
			return false;
	}
	return true;
}

static bool
read_status(const xmlNode *root, struct cib_facts *cib)
{
	const xmlNode *status = xml_child(root, "status");
	const char *state = "node_state", *kind = "instance_attributes";

	for (const xmlNode *node = xml_child(status, state); node; node = xml_next(node, state)) {
		const xmlNode *transient = xml_child(node, "transient_attributes");

		for (const xmlNode *set = xml_child(transient, kind); set;
		     set = xml_next(set, kind))
			if (!read_published_set(xml_attribute(node, "uname"), set, cib))
				return false;
	}
	return true;
}

int
cib_read(struct slice text, struct cib_facts *cib_r)
{
	xmlDoc *document = xml_parse(text, CIB_BYTES_MAX);
	const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
	const xmlNode *config =
	    root && xml_is(root, "cib") ? xml_child(root, "configuration") : NULL;
	int result = config ? 0 : -EINVAL;

	memset(cib_r, 0, sizeof(*cib_r));
	if (result == 0 && !(read_properties(config, cib_r) && read_nodes(config, cib_r) &&
			       read_resources(config, cib_r) && read_constraints(config, cib_r) &&
			       read_levels(config, cib_r) && read_status(root, cib_r)))
		result = -E2BIG;
	xmlFreeDoc(document);
	if (result)
		memset(cib_r, 0, sizeof(*cib_r));
	else
		cib_r->is_known = true;
	return result;
}

static bool
read_action(const xmlNode *node, const char *agent, struct facts *facts)
{
	struct advised_timeout *one = PLACE(facts->advised, facts->advised_count);

	if (!one || !COPY(node, "name", one->name) ||
	    !slice_to_string(slice_of(agent), one->agent, sizeof(one->agent)))
		return false;
	one->role = value_role(xml_attribute(node, "role"));
	one->level = fact_or(value_score(xml_attribute(node, "depth")), 0);
	one->timeout_ms = fact_or(value_interval_ms(xml_attribute(node, "timeout")), 0);
	return true;
}

int
advised_read(struct slice text, const char *agent, struct facts *facts)
{
	xmlDoc *document = xml_parse(text, METADATA_BYTES_MAX);
	const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
	const xmlNode *actions = root ? xml_child(root, "actions") : NULL;
	size_t before = facts->advised_count;
	int result = actions ? 0 : -EINVAL;

	for (const xmlNode *one = xml_child(actions, "action"); one && result == 0;
	     one = xml_next(one, "action"))
		if (!read_action(one, agent, facts))
			result = -E2BIG;
	xmlFreeDoc(document);
	if (result)
		facts->advised_count = before;
	return result;
}
