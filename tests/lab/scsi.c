// SPDX-License-Identifier: BSD-2-Clause
#include "tests/lab/scsi.h"

#include <inttypes.h>
#include <string.h>

static void
keys_print(const struct side *s, FILE *to)
{
	struct persist p;
	unsigned count = 0;

	side_read(s, &p);
	for (size_t i = 0; i < PERSIST_INITIATORS; i++)
		count += p.key[i] != 0;
	fprintf(to, "good %" PRIx32 " %u\n", p.generation, count);
	for (size_t i = 0; i < PERSIST_INITIATORS; i++)
		if (p.key[i] != 0)
			fprintf(to, "%" PRIx64 "\n", p.key[i]);
}

static void
reservation_print(const struct side *s, FILE *to)
{
	struct persist p;

	side_read(s, &p);
	fprintf(to, "good %" PRIx32 " %d\n", p.generation, p.holder != 0);
	if (p.holder != 0)
		fprintf(to, "%" PRIx64 "\n", p.key[p.holder - 1]);
}

static void
out_do(struct side *s, const char *line, FILE *to)
{
	struct persist_order order = {0};
	unsigned action;

	if (sscanf(line, "out %u %" SCNx64 " %" SCNx64 " %" SCNu32, &action, &order.key,
		&order.service_key, &order.type) != 4 ||
	    action > PERSIST_REGISTER_IGNORE) {
		fprintf(to, "illegal\n");
		return;
	}
	order.action = (enum persist_action)action;
	switch (side_out(s, &order)) {
	case PERSIST_GOOD:
		fprintf(to, "good 0 0\n");
		break;
	case PERSIST_CONFLICT:
		fprintf(to, "conflict\n");
		break;
	case PERSIST_ILLEGAL:
		fprintf(to, "illegal\n");
		break;
	}
}

void
scsi_answer(struct side *s, const char *line, FILE *to)
{
	if (strcmp(line, "keys\n") == 0)
		keys_print(s, to);
	else if (strcmp(line, "reservation\n") == 0)
		reservation_print(s, to);
	else
		out_do(s, line, to);
}
