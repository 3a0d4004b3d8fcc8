/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inside -- a spool on other threads and another file system, for tests.
 */
#ifndef GEMEL_MAILCORE_SPOOL_INSIDE_H
#define GEMEL_MAILCORE_SPOOL_INSIDE_H

#include "mailcore/spool/spool.h"
#include "mailcore/spool/syncer.h"

/* As spool_open(). vfs: the SQLite VFS for the queue file; NULL: SQLite's own. */
int spool_open_inside(const struct spool_settings *settings, const struct spool_events *events,
    enum syncer_kind kind, const char *vfs, struct spool **spool_r, char error[256]);

#endif
