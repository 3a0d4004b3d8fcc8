/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xml -- the few ways in which the doctor walks a document of libxml2.
 */
#ifndef GEMEL_CLI_DOCTOR_XML_H
#define GEMEL_CLI_DOCTOR_XML_H

#include "common/slice.h"

#include <libxml/tree.h>

/* Parse a text of at most max bytes: no network, no entities, UTF-8. NULL if it is not well formed,
 * longer or declares an entity. The caller frees it (xmlFreeDoc). */
xmlDoc *xml_parse(struct slice text, size_t max);

/* The first child element of that name, and the next sibling of that name; name NULL: of any. NULL:
 * none; of NULL: none. */
const xmlNode *xml_child(const xmlNode *parent, const char *name);
const xmlNode *xml_next(const xmlNode *node, const char *name);

bool xml_is(const xmlNode *node, const char *name);

/* The value of an attribute, "" if there is none. Borrows from the document. */
const char *xml_attribute(const xmlNode *node, const char *name);

/* Copy an attribute; "" if there is none. False if it does not fit. */
bool xml_copy(const xmlNode *node, const char *name, char *out, size_t room);

#endif
