/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * managed -- does Pacemaker act on a resource now? Read from what crm_mon(8) says as XML.
 *
 * In maintenance mode (of the cluster, the node or the resource) it does not, and a failure
 * that is reported meanwhile would move the service when that mode ends.
 */
#ifndef GEMEL_AGENT_MANAGED_H
#define GEMEL_AGENT_MANAGED_H

#include "common/slice.h"

/* crm_mon -1 --output-as=xml. 1: it is managed on node; 0: it is not; -ENOENT: it is not running
 * there; -EPROTO: that is no such text. */
int managed_parse(struct slice xml, const char *resource, const char *node);

#endif
