/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * corosync-conf -- reads corosync.conf as Corosync does, and keeps what the doctor asks for.
 *
 * Pure. The format (corosync.conf(5)): one line opens a section ("totem {"), closes it ("}") or
 * gives a value ("token: 500"); "#" begins a comment line; of a key given twice the last one
 * counts. Corosync's library reads only the running values, so the file has a parser here.
 */
#ifndef GEMEL_COMMON_DOCTOR_COROSYNC_CONF_H
#define GEMEL_COMMON_DOCTOR_COROSYNC_CONF_H

#include "common/doctor/facts.h"
#include "common/slice.h"

/* Corosync reads no more of a line. */
#define COROSYNC_LINE_MAX 510

/* Read the text of the file. Returns 0 with *facts_r known; or the number of the line that is
 * wrong, with what is wrong with it in *reason_r, and nothing known. */
unsigned
corosync_conf_parse(struct slice text, struct corosync_facts *facts_r, const char **reason_r);

#endif
