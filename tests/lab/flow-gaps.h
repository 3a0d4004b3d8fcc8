/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow-gaps -- when the client got no 250 although it asked. Pure.
 *
 * The load of a log is on from its start record to its stop record (or, if it
 * has none, to its last). A gap is a stretch in which at least one load was on
 * all the time and no log has a 250.
 */
#ifndef GEMEL_TESTS_LAB_FLOW_GAPS_H
#define GEMEL_TESTS_LAB_FLOW_GAPS_H

#include "tests/lab/flow-log.h"

#include <stddef.h>

struct flow_gap {
	uint64_t start_mono_ns;
	uint64_t start_wall_ns;
	uint64_t length_ns;
};

struct flow_moments;

struct flow_moments *flow_moments_open(void);
void flow_moments_close(struct flow_moments **moments);

/* Feed the records of one log after the other; flow_moments_log_ends() after each. */
void flow_moments_record(struct flow_moments *moments, const struct flow_record *record);
void flow_moments_log_ends(struct flow_moments *moments);

/* Call tell for every gap longer than over_ns, in order of time; returns the longest of all (0 if
 * there is none). tell may be NULL. */
uint64_t flow_moments_gaps(struct flow_moments *moments, uint64_t over_ns,
    void (*tell)(void *context, const struct flow_gap *gap), void *context);

#endif
