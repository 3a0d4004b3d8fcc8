/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metadata -- an agent's tables as XML, as a manual page and as a help text.
 *
 * Pure. The XML is OCF 1.1. ocf-tester still checks it with the DTD of 1.0,
 * which knows neither reload-agent nor unique-group; the internal DTD subset
 * at its head, which is read first and wins, declares them.
 */
#ifndef GEMEL_OCF_METADATA_H
#define GEMEL_OCF_METADATA_H

#include "common/slice.h"
#include "ocf/ocf.h"

/* Append the meta-data of an agent. */
void metadata_xml(const struct ocf_agent *agent, struct buffer *out);

/* Append its manual page, section 7, in mdoc. */
void metadata_manual(const struct ocf_agent *agent, struct buffer *out);

/* Append a text for people who call it by hand. */
void metadata_help(const struct ocf_agent *agent, struct buffer *out);

#endif
