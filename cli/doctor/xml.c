/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/doctor/xml.h"

#include <libxml/parser.h>

xmlDoc *
xml_parse(struct slice text, size_t max)
{
	if (!text.length || text.length > max || memchr(text.data, 0, text.length) ||
	    memmem(text.data, text.length, "<!ENTITY", 8))
		return NULL;
	return xmlReadMemory((const char *)text.data, (int)text.length, NULL, "UTF-8",
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

bool
xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *
first_of(const xmlNode *node, const char *name)
{
	while (node && (node->type != XML_ELEMENT_NODE || (name && !xml_is(node, name))))
		node = node->next;
	return node;
}

const xmlNode *
xml_child(const xmlNode *parent, const char *name)
{
	return parent ? first_of(parent->children, name) : NULL;
}

const xmlNode *
xml_next(const xmlNode *node, const char *name)
{
	return first_of(node->next, name);
}

const char *
xml_attribute(const xmlNode *node, const char *name)
{
	for (const xmlAttr *one = node->properties; one; one = one->next) {
		const xmlNode *value = one->children;

		if (strcmp((const char *)one->name, name) != 0)
			continue;
		/* Without entities a value is a single text. */
		if (!value || value->type != XML_TEXT_NODE || value->next || !value->content)
			return "";
		return (const char *)value->content;
	}
	return "";
}

bool
xml_copy(const xmlNode *node, const char *name, char *out, size_t room)
{
	return slice_to_string(slice_of(xml_attribute(node, name)), out, room);
}
