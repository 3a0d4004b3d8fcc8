/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow-plan -- what `flow send` was asked to do, and to whom. Pure but for
 * reading the file of recipients.
 */
#ifndef GEMEL_TESTS_LAB_FLOW_PLAN_H
#define GEMEL_TESTS_LAB_FLOW_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_plan {
	const char *to;
	const char *log;
	const char *from;
	const char *stop_file;
	uint64_t rate; /* messages a second over all connections; 0: as fast as it goes */
	uint64_t connections;
	uint64_t count;   /* messages to begin; 0: no limit */
	uint64_t seconds; /* 0: no limit */
	uint64_t size_min, size_max;
	uint64_t large_every;    /* each so manieth message is larger than 256 KiB; 0: none */
	uint64_t per_connection; /* messages before QUIT; 0: no limit */
	uint64_t copies;         /* recipients of each message */
	uint64_t connect_timeout_ms;
	uint64_t answer_timeout_ms;
	uint64_t retry_ms; /* at least so long from one connection attempt to the next */
	bool pipelining;
	bool json;
	char **recipients;
	size_t recipient_count;
};

/* Fill from an argument vector. Returns 0, or an exit status after one sentence on standard
 * error. */
int flow_plan_parse(struct flow_plan *plan, int argc, char **argv);
void flow_plan_close(struct flow_plan *plan);

/* When a message may begin at so many a second. A server that was away is not flooded with what
 * it missed: a debt above a tenth of a second is forgiven. */
struct flow_pace {
	uint64_t interval_ns; /* 0: always */
	uint64_t next_ns;
};

/* True if one may begin now; it is then counted. */
bool flow_pace_take(struct flow_pace *pace, uint64_t now_ns);

#endif
