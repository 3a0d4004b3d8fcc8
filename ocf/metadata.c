/* SPDX-License-Identifier: BSD-2-Clause */
#include "ocf/metadata.h"

#include <inttypes.h>
#include <string.h>

static const char *
type_name(enum ocf_type type)
{
	switch (type) {
	case OCF_STRING:
		return "string";
	case OCF_INTEGER:
		return "integer";
	case OCF_BOOLEAN:
		return "boolean";
	}
	return "";
}

static const char *
role_name(enum ocf_role role)
{
	switch (role) {
	case OCF_ROLE_NONE:
		return NULL;
	case OCF_ROLE_UNPROMOTED:
		return "Unpromoted";
	case OCF_ROLE_PROMOTED:
		return "Promoted";
	}
	return NULL;
}

static void
put_escaped(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			buffer_printf(out, "&lt;");
			break;
		case '>':
			buffer_printf(out, "&gt;");
			break;
		case '&':
			buffer_printf(out, "&amp;");
			break;
		case '"':
			buffer_printf(out, "&quot;");
			break;
		default:
			buffer_append(out, text, 1);
		}
	}
}

static void
put_element(struct buffer *out, const char *indent, const char *name, const char *text)
{
	buffer_printf(out, "%s<%s lang=\"en\">", indent, name);
	put_escaped(out, text);
	buffer_printf(out, "</%s>\n", name);
}

static void
put_attribute(struct buffer *out, const char *name, const char *value)
{
	buffer_printf(out, " %s=\"", name);
	put_escaped(out, value);
	buffer_printf(out, "\"");
}

static void
put_parameter(struct buffer *out, const struct ocf_parameter *p)
{
	buffer_printf(out, "<parameter name=\"%s\"", p->name);
	if (p->unique_group)
		put_attribute(out, "unique-group", p->unique_group);
	buffer_printf(out, " required=\"%d\" reloadable=\"%d\">\n", p->required, p->reloadable);
	put_element(out, "  ", "longdesc", p->longdesc);
	put_element(out, "  ", "shortdesc", p->shortdesc);
	buffer_printf(out, "  <content type=\"%s\"", type_name(p->type));
	if (p->fallback)
		put_attribute(out, "default", p->fallback);
	buffer_printf(out, "/>\n</parameter>\n");
}

static void
put_action(struct buffer *out, const struct ocf_action *a)
{
	buffer_printf(out, "<action name=\"%s\" timeout=\"%us\"", a->name, a->timeout_s);
	if (a->interval_s)
		buffer_printf(out, " interval=\"%us\"", a->interval_s);
	if (a->depth >= 0)
		buffer_printf(out, " depth=\"%d\"", a->depth);
	if (role_name(a->role))
		buffer_printf(out, " role=\"%s\"", role_name(a->role));
	buffer_printf(out, "/>\n");
}

void
metadata_xml(const struct ocf_agent *agent, struct buffer *out)
{
	buffer_printf(out,
	    "<?xml version=\"1.0\"?>\n"
	    "<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\" [\n"
	    "<!ATTLIST action name CDATA #REQUIRED>\n"
	    "<!ATTLIST parameter reloadable CDATA #IMPLIED unique-group CDATA #IMPLIED>\n"
	    "]>\n"
	    "<resource-agent name=\"%s\" version=\"%s\">\n"
	    "<version>1.1</version>\n",
	    agent->name, agent->version);
	put_element(out, "", "longdesc", agent->longdesc);
	put_element(out, "", "shortdesc", agent->shortdesc);
	buffer_printf(out, "<parameters>\n");
	for (const struct ocf_parameter *p = agent->parameters; p->name; p++)
		put_parameter(out, p);
	buffer_printf(out, "</parameters>\n<actions>\n");
	for (const struct ocf_action *a = agent->actions; a->name; a++)
		put_action(out, a);
	buffer_printf(out, "</actions>\n</resource-agent>\n");
}

/* Text for mdoc: nothing of it may read as a macro, an empty line ends a paragraph, and each
 * sentence begins a line. */
static void
put_roff(struct buffer *out, const char *text)
{
	bool at_start = true;

	for (; *text; text++) {
		if (*text == '\n' && text[1] == '\n') {
			buffer_printf(out, "\n.Pp\n");
			text++;
			at_start = true;
			continue;
		}
		if (at_start && (*text == '.' || *text == '\''))
			buffer_printf(out, "\\&");
		if (*text == '\\')
			buffer_printf(out, "\\e");
		else
			buffer_append(out, text, 1);
		at_start = *text == '\n';
		if (*text == '.' && text[1] == ' ') {
			buffer_printf(out, "\n");
			text++;
			at_start = true;
		}
	}
	buffer_printf(out, "\n");
}

static void
put_manual_parameter(struct buffer *out, const struct ocf_parameter *p)
{
	buffer_printf(out, ".It Cm %s\n.Pq %s%s%s", p->name, type_name(p->type),
	    p->required ? ", required" : "", p->reloadable ? ", reloadable" : "");
	if (p->type == OCF_INTEGER)
		buffer_printf(out, ", %" PRId64 " to %" PRId64, p->min, p->max);
	if (p->fallback && *p->fallback)
		buffer_printf(out, ", default %s", p->fallback);
	buffer_printf(out, "\n");
	put_roff(out, p->longdesc);
}

static void
put_manual_action(struct buffer *out, const struct ocf_action *a)
{
	buffer_printf(out, ".It Cm %s\ntime-out %u s", a->name, a->timeout_s);
	if (a->interval_s)
		buffer_printf(out, ", interval %u s", a->interval_s);
	if (a->depth > 0)
		buffer_printf(out, ", OCF_CHECK_LEVEL %d", a->depth);
	if (role_name(a->role))
		buffer_printf(out, ", role %s", role_name(a->role));
	buffer_printf(out, "\n");
}

void
metadata_manual(const struct ocf_agent *agent, struct buffer *out)
{
	/* No date: the page changes with the tables, and a build must be reproducible. */
	buffer_printf(out, ".Dd\n.Dt OCF_GEMEL_");
	for (const char *c = agent->name; *c; c++)
		buffer_printf(out, "%c", *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	buffer_printf(out, " 7\n.Os\n.Sh NAME\n");
	buffer_printf(out, ".Nm ocf_gemel_%s\n.Nd ", agent->name);
	put_roff(out, agent->shortdesc);
	buffer_printf(out, ".Sh SYNOPSIS\n.Nm ocf:gemel:%s\n.Sh DESCRIPTION\n", agent->name);
	put_roff(out, agent->longdesc);
	buffer_printf(out, ".Sh PARAMETERS\n.Bl -tag -width Ds\n");
	for (const struct ocf_parameter *p = agent->parameters; p->name; p++)
		put_manual_parameter(out, p);
	buffer_printf(out, ".El\n.Sh ACTIONS\n.Bl -tag -width Ds\n");
	for (const struct ocf_action *a = agent->actions; a->name; a++)
		put_manual_action(out, a);
	buffer_printf(out, ".El\n.Sh SEE ALSO\n.Xr crm 8 ,\n.Xr crm_resource 8 ,\n.Xr pcs 8\n");
}

void
metadata_help(const struct ocf_agent *agent, struct buffer *out)
{
	const char *last = "";

	buffer_printf(out,
	    "ocf:gemel:%s: %s\n\nA resource agent: Pacemaker calls it as \"%s ACTION\" ",
	    agent->name, agent->shortdesc, agent->name);
	buffer_printf(out, "with OCF_RESKEY_name=value in the\nenvironment. Actions:");
	for (const struct ocf_action *a = agent->actions; a->name; a++) {
		if (strcmp(last, a->name) != 0)
			buffer_printf(out, " %s", a->name);
		last = a->name;
	}
	buffer_printf(out, ".\n\nParameters:\n");
	for (const struct ocf_parameter *p = agent->parameters; p->name; p++) {
		buffer_printf(out, "  %-22s %s", p->name, p->shortdesc);
		if (p->required)
			buffer_printf(out, " (required)");
		else if (p->fallback && *p->fallback)
			buffer_printf(out, " (%s)", p->fallback);
		buffer_printf(out, "\n");
	}
	buffer_printf(out, "\nMore: man 7 ocf_gemel_%s\n", agent->name);
}
