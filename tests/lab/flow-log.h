/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow-log -- what the load generator did, written so that it can be believed.
 *
 * A log is text, one record per line, seven fields parted by tabs:
 *
 *   KIND  MONOTONIC_NS  WALL_NS  ID  RECIPIENT  NUMBER  TEXT
 *
 *   start    the load goes on           ID is the run, RECIPIENT the server
 *   try      about to send              NUMBER is the size, TEXT the SHA-256
 *   acked    the server took it         NUMBER is the reply's code, TEXT its text
 *   refused  the server said no         the same
 *   unknown  the connection ended after the final dot was handed to the kernel
 *   unsent   the connection ended before that
 *   back     a server greets again after a connection failed or was lost
 *   stop     the load goes off: no further message is begun
 *   end      nothing is missing above
 *
 * A record is handed to the kernel before the generator acts on it, so ending
 * the generator loses none; flow_log_sync() makes the records before it durable.
 * A last line without its line end was torn and counts as not written.
 */
#ifndef GEMEL_TESTS_LAB_FLOW_LOG_H
#define GEMEL_TESTS_LAB_FLOW_LOG_H

#include <stdbool.h>
#include <stdint.h>

#define FLOW_ID_MAX 64
#define FLOW_ADDRESS_MAX 320
#define FLOW_TEXT_MAX 256

enum flow_kind {
	FLOW_START,
	FLOW_TRY,
	FLOW_ACKED,
	FLOW_REFUSED,
	FLOW_UNKNOWN,
	FLOW_UNSENT,
	FLOW_BACK,
	FLOW_STOP,
	FLOW_END,
};
#define FLOW_KINDS (FLOW_END + 1)

struct flow_record {
	enum flow_kind kind;
	uint64_t mono_ns;
	uint64_t wall_ns;
	char id[FLOW_ID_MAX];
	char recipient[FLOW_ADDRESS_MAX];
	uint64_t number;
	char text[FLOW_TEXT_MAX];
};

const char *flow_kind_name(enum flow_kind kind);

/* CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds. */
uint64_t flow_mono_ns(void);
uint64_t flow_wall_ns(void);

struct flow_log {
	int fd;
};

/* Make a new log; -EEXIST if there is one already: a log is one run. */
int flow_log_create(struct flow_log *log, const char *path);

/* Append one record. Empty fields become "-"; control characters become spaces.
 * mono_ns 0: now. Returns 0 or -errno (-ENOSPC: the disk is full, the run is void). */
int flow_log_append(struct flow_log *log, const struct flow_record *record);

/* Make durable what was appended before the call. Thread safe against append. */
int flow_log_sync(struct flow_log *log);

void flow_log_close(struct flow_log *log);

struct flow_log_state {
	uint64_t records;
	bool torn;  /* the last line was cut and is not counted */
	bool ended; /* the generator came to its end */
};

/* Call each() for every record of a log, in order. A value other than 0 from it ends the walk and
 * is returned. -EPROTO: a line that no generator wrote; *state_r then holds how many were good. */
int flow_log_read(const char *path, int (*each)(void *context, const struct flow_record *record),
    void *context, struct flow_log_state *state_r);

/* One line (without its line end) into a record; false if it is none. Changes line. */
bool flow_record_parse(char *line, struct flow_record *record_r);

#endif
