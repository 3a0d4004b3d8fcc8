/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lease -- a word of gemel-agentd's, for tests of the core alone: give or take its lease.
 *
 *   lease FILE grant GENERATION MILLISECONDS
 *   lease FILE revoke
 *
 * Each call is a writer of its own, as after a restart of the agent.
 */
#include "common/clock.h"
#include "common/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
	struct lease_writer *writer;
	int error;

	if (!(argc == 5 && strcmp(argv[2], "grant") == 0) &&
	    !(argc == 3 && strcmp(argv[2], "revoke") == 0)) {
		fprintf(stderr, "usage: lease FILE grant GENERATION MILLISECONDS | revoke\n");
		return 2;
	}
	error = lease_create(argv[1], &writer);
	if (error) {
		fprintf(stderr, "lease: %s: %s\n", argv[1], strerror(-error));
		return 1;
	}
	if (argc == 3)
		lease_revoke(writer);
	else
		lease_grant(writer, strtoull(argv[3], NULL, 10),
		    clock_boot_ms() + strtoull(argv[4], NULL, 10), 0);
	lease_writer_close(&writer);
	return 0;
}
