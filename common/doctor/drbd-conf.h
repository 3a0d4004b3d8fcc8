/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drbd-conf -- the little that the doctor asks of DRBD's configuration files.
 *
 * Pure. Words are taken wherever they stand, since DRBD hands the section "common" down to every
 * resource: it is not seen when a resource alone lacks what the others have. What DRBD would not
 * understand it says itself.
 */
#ifndef GEMEL_COMMON_DOCTOR_DRBD_CONF_H
#define GEMEL_COMMON_DOCTOR_DRBD_CONF_H

#include "common/doctor/facts.h"
#include "common/slice.h"

/* Add what one file of /etc/drbd.d says. */
void drbd_conf_read(struct slice text, struct drbd_facts *facts);

/* True if a fence-peer handler is a program of ours: in /usr/lib/gemel, or called gemel... */
bool drbd_is_our_handler(const char *command);

#endif
