/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (FLOW_ID_MAX + FLOW_ADDRESS_MAX + FLOW_TEXT_MAX + 128)

static const char *const kind_names[FLOW_KINDS] = {
    [FLOW_START] = "start",
    [FLOW_TRY] = "try",
    [FLOW_ACKED] = "acked",
    [FLOW_REFUSED] = "refused",
    [FLOW_UNKNOWN] = "unknown",
    [FLOW_UNSENT] = "unsent",
    [FLOW_BACK] = "back",
    [FLOW_STOP] = "stop",
    [FLOW_END] = "end",
};

const char *
flow_kind_name(enum flow_kind kind)
{
	return kind_names[kind];
}

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
flow_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t
flow_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* The entry of a new file is durable only when its directory is. */
static int
sync_parent(const char *path)
{
	char *copy = strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = 0;

	free(copy);
	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		error = -errno;
	close(fd);
	return error;
}

int
flow_log_create(struct flow_log *log, const char *path)
{
	int error;

	log->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
	if (log->fd < 0)
		return -errno;
	error = sync_parent(path);
	if (error != 0)
		flow_log_close(log);
	return error;
}

static const char *
plain_field(char *out, size_t room, const char *text)
{
	size_t n = 0;

	for (; text[n] != '\0' && n + 1 < room; n++)
		out[n] = (unsigned char)text[n] < ' ' || text[n] == 0x7f ? ' ' : text[n];
	out[n] = '\0';
	return n == 0 ? "-" : out;
}

int
flow_log_append(struct flow_log *log, const struct flow_record *record)
{
	char id[FLOW_ID_MAX], recipient[FLOW_ADDRESS_MAX], text[FLOW_TEXT_MAX];
	char line[LINE_MAX_BYTES];
	int length =
	    snprintf(line, sizeof(line), "%s\t%" PRIu64 "\t%" PRIu64 "\t%s\t%s\t%" PRIu64 "\t%s\n",
		kind_names[record->kind], record->mono_ns != 0 ? record->mono_ns : flow_mono_ns(),
		record->wall_ns != 0 ? record->wall_ns : flow_wall_ns(),
		plain_field(id, sizeof(id), record->id),
		plain_field(recipient, sizeof(recipient), record->recipient), record->number,
		plain_field(text, sizeof(text), record->text));

	for (int done = 0; done < length;) {
		ssize_t n = write(log->fd, line + done, (size_t)(length - done));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (int)n;
	}
	return 0;
}

int
flow_log_sync(struct flow_log *log)
{
	return fdatasync(log->fd) == 0 ? 0 : -errno;
}

void
flow_log_close(struct flow_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

static bool
parse_number(const char *text, uint64_t *number_r)
{
	char *end;

	errno = 0;
	*number_r = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool
copy_field(char *out, size_t room, const char *text)
{
	if (strlen(text) >= room)
		return false;
	strcpy(out, strcmp(text, "-") == 0 ? "" : text);
	return true;
}

static bool
parse_kind(const char *text, enum flow_kind *kind_r)
{
	for (int kind = 0; kind < FLOW_KINDS; kind++)
		if (strcmp(text, kind_names[kind]) == 0) {
			*kind_r = (enum flow_kind)kind;
			return true;
		}
	return false;
}

bool
flow_record_parse(char *line, struct flow_record *record_r)
{
	char *field[7];

	for (int i = 0; i < 7; i++) {
		field[i] = strsep(&line, "\t");
		if (field[i] == NULL)
			return false;
	}
	return line == NULL && parse_kind(field[0], &record_r->kind) &&
	       parse_number(field[1], &record_r->mono_ns) &&
	       parse_number(field[2], &record_r->wall_ns) &&
	       copy_field(record_r->id, sizeof(record_r->id), field[3]) &&
	       copy_field(record_r->recipient, sizeof(record_r->recipient), field[4]) &&
	       parse_number(field[5], &record_r->number) &&
	       copy_field(record_r->text, sizeof(record_r->text), field[6]);
}

static int
read_records(FILE *file, int (*each)(void *context, const struct flow_record *record),
    void *context, struct flow_log_state *state)
{
	struct flow_record record;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int result = 0;

	while (result == 0 && (length = getline(&line, &room, file)) > 0) {
		if (line[length - 1] != '\n') {
			state->torn = true;
			break;
		}
		line[length - 1] = '\0';
		if ((size_t)length != strlen(line) + 1 || !flow_record_parse(line, &record)) {
			result = -EPROTO;
			break;
		}
		state->records++;
		state->ended = record.kind == FLOW_END;
		result = each(context, &record);
	}
	if (result == 0 && ferror(file))
		result = -EIO;
	free(line);
	return result;
}

int
flow_log_read(const char *path, int (*each)(void *context, const struct flow_record *record),
    void *context, struct flow_log_state *state_r)
{
	FILE *file = fopen(path, "re");
	int result;

	memset(state_r, 0, sizeof(*state_r));
	if (file == NULL)
		return -errno;
	result = read_records(file, each, context, state_r);
	fclose(file);
	return result;
}
