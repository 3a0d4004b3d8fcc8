/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log -- what the daemons tell the operator, on libqb's log.
 *
 * A line says what happened, to what, and what to do:
 * "spool: 4-2f deferred: mailbox 12: no space left; free space on /srv/gemel".
 * Log once, at the place that decides. Never log a secret. Text that came from
 * outside goes through "%s" and loses its control characters here.
 *
 * What happens to single messages is much more: records, key=value (logfmt.h),
 * which go to the file behind the loop's back (log-queue.h), and to syslog only
 * when there is no file.
 */
#ifndef GEMEL_COMMON_LOG_H
#define GEMEL_COMMON_LOG_H

#include "common/slice.h"

#include <stdbool.h>
#include <syslog.h>

/* Begin: to syslog under name, and to standard error when to_stderr. file may be NULL. Returns 0
 * or -errno when the file cannot be opened. */
int log_open(const char *name, const char *file, bool to_stderr, bool debug);

/* Open the file again after it was rotated. */
int log_reopen(const char *file);

/* Begin to write records, on a thread of its own: when the process has become its user, since that
 * thread would not follow. Returns 0 or -errno. */
int log_start_records(void);

/* Queue one, without LF. It never waits, and is lost while none are written. On one thread only. */
void log_record(struct slice text);

/* End. Records that wait are written, unless the disk hangs. */
void log_close(void);

void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)

#endif
