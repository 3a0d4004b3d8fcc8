/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/checks.h"

#include <string.h>

/* Pacemaker may know a node by its whole name or by the first part of it. */
static bool
is_same_node(const char *a, const char *b)
{
	size_t length = strcspn(a, ".");

	if (strcmp(a, b) == 0)
		return true;
	return length == strcspn(b, ".") && strncmp(a, b, length) == 0 &&
	       (!a[length] || !b[length]);
}

static bool
is_member(const struct facts *facts)
{
	for (size_t i = 0; i < facts->cib.node_count; i++)
		if (is_same_node(facts->cib.nodes[i], facts->own_node))
			return true;
	return false;
}

/* What a node other than this one says of its file; NULL: nothing. */
static const struct cib_published *
find_peer(const struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->cib.published_count; i++) {
		const struct cib_published *one = &facts->cib.published[i];

		if (strcmp(one->name, name) == 0 && !is_same_node(one->node, facts->own_node))
			return one;
	}
	return NULL;
}

void
check_files(const struct facts *facts, struct findings *out)
{
	/* On another machine the digests of either node would pass for the peer's. */
	if (!facts->cib.is_known || facts->cib.node_count < 2 || !is_member(facts))
		return;
	for (size_t i = 0; i < facts->file_count; i++) {
		const struct file_fact *file = &facts->files[i];
		const struct cib_published *peer = find_peer(facts, file->name);

		if (!peer && file->hex[0])
			finding_add(out, FINDING_FILE_UNCOMPARED,
			    "%s: the other node has not said what it has, so the two were not "
			    "compared; compare them by hand, or start gemel-agentd there",
			    file->name);
		else if (peer && strcmp(peer->hex, file->hex) != 0)
			finding_add(out, FINDING_FILE_DIFFERS,
			    "%s: this node and %s do not have the same%s, and after a takeover the "
			    "pair would behave in another way; copy the right one to the other "
			    "node",
			    file->name, peer->node, file->hex[0] ? "" : " (it is missing here)");
	}
}
