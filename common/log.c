/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <qb/qbdefs.h>
#include <qb/qblog.h>

static int32_t file_target = -1;
static bool is_open;
static bool with_debug;

static int
log_open_file(const char *file)
{
	int32_t target = qb_log_file_open(file);

	if (target < 0)
		return (int)target;
	qb_log_format_set(target, "%t %N[%P] %p: %b");
	qb_log_filter_ctl(
	    target, QB_LOG_FILTER_ADD, QB_LOG_FILTER_FILE, "*", with_debug ? LOG_DEBUG : LOG_INFO);
	qb_log_ctl(target, QB_LOG_CONF_ENABLED, QB_TRUE);
	file_target = target;
	return 0;
}

int
log_open(const char *name, const char *file, bool to_stderr, bool debug)
{
	int priority = debug ? LOG_DEBUG : LOG_INFO;

	with_debug = debug;
	qb_log_init(name, LOG_MAIL, (uint8_t)priority);
	qb_log_ctl(QB_LOG_SYSLOG, QB_LOG_CONF_ENABLED, to_stderr ? QB_FALSE : QB_TRUE);
	qb_log_format_set(QB_LOG_STDERR, "%T %N[%P] %p: %b");
	qb_log_filter_ctl(
	    QB_LOG_STDERR, QB_LOG_FILTER_ADD, QB_LOG_FILTER_FILE, "*", (uint8_t)priority);
	qb_log_ctl(QB_LOG_STDERR, QB_LOG_CONF_ENABLED, to_stderr ? QB_TRUE : QB_FALSE);
	is_open = true;
	return file ? log_open_file(file) : 0;
}

int
log_reopen(const char *file)
{
	if (file_target >= 0)
		qb_log_file_close(file_target);
	file_target = -1;
	return log_open_file(file);
}

void
log_close(void)
{
	if (is_open)
		qb_log_fini();
	is_open = false;
	file_target = -1;
}

void
log_line(int priority, const char *format, ...)
{
	char text[1024];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length < 0)
		return;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	if (!is_open) {
		fprintf(stderr, "%s\n", text);
		return;
	}
	qb_log_from_external_source("log_line", "gemel", "%s", (uint8_t)priority, 0, 0, text);
}
