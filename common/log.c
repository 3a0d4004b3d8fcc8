/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/log.h"

#include "common/log-queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <qb/qbdefs.h>
#include <qb/qblog.h>

static int32_t file_target = -1;
static bool is_open;
static bool with_debug;

/* Records that wait may take so much memory, and the end so much time. */
#define RECORDS_ROOM (4 * 1024 * 1024)
#define RECORDS_PATIENCE_MS 2000

static const char *log_name;
static struct log_queue *records;
static int records_fd = -1; /* -1: syslog */

/* Put another file in the place of the one that the thread may be writing to. */
static int
records_open_file(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (fd < 0)
		return -errno;
	if (records_fd < 0) {
		records_fd = fd;
		return 0;
	}
	dup3(fd, records_fd, O_CLOEXEC);
	close(fd);
	return 0;
}

static int
log_open_file(const char *file)
{
	int32_t target = qb_log_file_open(file);
	int result;

	if (target < 0)
		return (int)target;
	result = records_open_file(file);
	if (result) {
		qb_log_file_close(target);
		return result;
	}
	qb_log_format_set(target, "%T %N[%P] %p: %b");
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
	log_name = name;
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

/* "Nov 23 22:05:59 mailcored[123] info: ", as libqb begins its lines. */
static void
append_head(struct buffer *line)
{
	static time_t head_s;
	static char head[96];
	time_t now_s = time(NULL);
	struct tm now;
	char text[32];

	if (now_s != head_s) {
		head_s = now_s;
		strftime(text, sizeof(text), "%b %d %T", localtime_r(&now_s, &now));
		snprintf(
		    head, sizeof(head), "%s %.32s[%ld] info: ", text, log_name, (long)getpid());
	}
	buffer_append_slice(line, slice_of(head));
}

static void
write_file(struct slice lines)
{
	while (lines.length) {
		ssize_t written = write(records_fd, lines.data, lines.length);

		if (written < 0 && errno == EINTR)
			continue;
		/* A full disk has no room for a complaint either. */
		if (written <= 0)
			return;
		lines = slice_from(lines.data + written, lines.length - (size_t)written);
	}
}

static void
write_syslog(struct slice lines)
{
	while (lines.length) {
		const uint8_t *end = memchr(lines.data, '\n', lines.length);
		size_t length = end ? (size_t)(end - lines.data) : lines.length;

		syslog(LOG_MAIL | LOG_INFO, "%.*s", (int)length, (const char *)lines.data);
		length += end != NULL;
		lines = slice_from(lines.data + length, lines.length - length);
	}
}

/* On the thread. */
static void
records_write(void *context, struct slice lines, uint64_t dropped)
{
	(void)context;
	if (records_fd >= 0)
		write_file(lines);
	else
		write_syslog(lines);
	if (dropped)
		log_warning("log: %" PRIu64
			    " lines about messages were dropped: its disk is too slow for them",
		    dropped);
}

int
log_start_records(void)
{
	return log_queue_open(RECORDS_ROOM, records_write, NULL, &records);
}

void
log_record(struct slice text)
{
	static struct buffer line;

	if (!records)
		return;
	line.length = 0;
	if (records_fd >= 0)
		append_head(&line);
	buffer_append_slice(&line, text);
	buffer_append(&line, "\n", 1);
	log_queue_put(records, buffer_slice(&line));
}

void
log_close(void)
{
	if (log_queue_close(&records, RECORDS_PATIENCE_MS) && records_fd >= 0) {
		close(records_fd);
		records_fd = -1;
	}
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
