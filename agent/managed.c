/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/managed.h"

#include <errno.h>
#include <libxml/parser.h>
#include <string.h>

static bool
has_attribute(const xmlNode *node, const char *name, const char *wanted)
{
	xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
	bool is_same = value && strcmp((const char *)value, wanted) == 0;

	xmlFree(value);
	return is_same;
}

static bool
is_named(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static bool
is_on(const xmlNode *resource, const char *node)
{
	for (const xmlNode *one = resource->children; one; one = one->next)
		if (is_named(one, "node") && has_attribute(one, "name", node))
			return true;
	return false;
}

/* The next node in the order of the text, below top. */
static xmlNode *
next_node(xmlNode *node, const xmlNode *top)
{
	if (node->children)
		return node->children;
	while (node != top && !node->next)
		node = node->parent;
	return node == top ? NULL : node->next;
}

int
managed_parse(struct slice xml, const char *resource, const char *node)
{
	xmlDoc *doc = xmlReadMemory((const char *)xml.data, (int)xml.length, NULL, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlNode *top = doc ? xmlDocGetRootElement(doc) : NULL;
	int result = top ? -ENOENT : -EPROTO;

	for (xmlNode *one = top; one && result == -ENOENT; one = next_node(one, top))
		if (is_named(one, "resource") && has_attribute(one, "id", resource) &&
		    is_on(one, node))
			result = has_attribute(one, "managed", "true") ? 1 : 0;
	xmlFreeDoc(doc);
	return result;
}
