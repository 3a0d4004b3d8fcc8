/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-gaps.h"

#include <stdlib.h>
#include <string.h>

enum moment_kind {
	LOAD_ON,
	ANSWER,
	LOAD_OFF,
};

struct moment {
	uint64_t mono_ns;
	uint64_t wall_ns;
	enum moment_kind kind;
};

struct flow_moments {
	struct moment *all;
	size_t count;
	size_t room;
	struct moment last; /* of the log that is being read */
	bool on;
};

struct flow_moments *
flow_moments_open(void)
{
	struct flow_moments *moments = calloc(1, sizeof(*moments));

	if (moments == NULL)
		abort();
	return moments;
}

void
flow_moments_close(struct flow_moments **moments)
{
	if (*moments != NULL)
		free((*moments)->all);
	free(*moments);
	*moments = NULL;
}

static void
add_moment(struct flow_moments *m, struct moment moment)
{
	if (m->count == m->room) {
		m->room = m->room ? m->room * 2 : 1024;
		m->all = realloc(m->all, m->room * sizeof(*m->all));
		if (m->all == NULL)
			abort();
	}
	m->all[m->count++] = moment;
}

void
flow_moments_record(struct flow_moments *m, const struct flow_record *record)
{
	m->last = (struct moment){record->mono_ns, record->wall_ns, LOAD_OFF};
	if (record->kind == FLOW_START) {
		m->on = true;
		add_moment(m, (struct moment){record->mono_ns, record->wall_ns, LOAD_ON});
	} else if (record->kind == FLOW_STOP) {
		flow_moments_log_ends(m);
	} else if (record->kind == FLOW_ACKED) {
		add_moment(m, (struct moment){record->mono_ns, record->wall_ns, ANSWER});
	}
}

void
flow_moments_log_ends(struct flow_moments *m)
{
	if (m->on)
		add_moment(m, m->last);
	m->on = false;
}

static int
compare_moments(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->mono_ns != y->mono_ns)
		return x->mono_ns < y->mono_ns ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

uint64_t
flow_moments_gaps(struct flow_moments *m, uint64_t over_ns,
    void (*tell)(void *context, const struct flow_gap *gap), void *context)
{
	const struct moment *since = NULL;
	uint64_t longest = 0;
	unsigned loads = 0;

	if (m->count > 0)
		qsort(m->all, m->count, sizeof(*m->all), compare_moments);
	for (size_t i = 0; i < m->count; i++) {
		const struct moment *now = &m->all[i];
		uint64_t length = since != NULL ? now->mono_ns - since->mono_ns : 0;

		loads += now->kind == LOAD_ON;
		loads -= now->kind == LOAD_OFF;
		/* Another load that starts or stops does not end the silence. */
		if (now->kind != ANSWER && loads > 0 && since != NULL)
			continue;
		if (length > longest)
			longest = length;
		if (length > over_ns && tell != NULL)
			tell(context, &(struct flow_gap){since->mono_ns, since->wall_ns, length});
		since = loads > 0 ? now : NULL;
	}
	return longest;
}
