/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * progress -- what a running core says of itself, readable without asking it.
 *
 * mailcored maps /run/gemel/progress and writes it; resource agents and
 * monitoring map it read-only, so a monitor costs a few system calls and
 * cannot hang on a hung core. tick_ms stands still when the core's loop does:
 * that is how a stopped or stuck core is seen.
 *
 * One writer (the core's loop). Single fields are atomic; the whole is not a
 * consistent cut. The file stays behind when the core dies: a reader checks
 * that the core lives by the lock on the pid file (progress_core_pid()).
 */
#ifndef GEMEL_COMMON_PROGRESS_H
#define GEMEL_COMMON_PROGRESS_H

#include "common/role.h"

#include <sys/types.h>

#define PROGRESS_MAGIC 0x67656d6cu
#define PROGRESS_VERSION 3u
#define PROGRESS_REASON_MAX 256

struct progress {
	uint32_t magic;
	uint32_t version;
	uint32_t role;       /* enum core_role */
	uint32_t degraded;   /* not 0: works, but reason says what is wrong (OCF 190 and 191) */
	uint64_t tick_ms;    /* CLOCK_BOOTTIME at the last turn of the loop */
	uint64_t generation; /* of the last promote, known as soon as it is durable */
	uint64_t accepted;   /* messages acknowledged since start */
	uint64_t delivered;  /* recipients settled since start */
	uint64_t queued;     /* messages not settled now */
	uint64_t commit_us;  /* how long the last sync took */
	/* CLOCK_BOOTTIME since when no worker of an active core lives; 0: one does. */
	uint64_t deaf_since_ms;
	/* CLOCK_BOOTTIME since when acknowledgements are held, because no lease (lease.h) holds; 0:
	 * none is. No trouble of the core's. */
	uint64_t held_since_ms;
	uint32_t workers; /* living worker processes */
	uint32_t worker_deaths;
	uint32_t sessions;
	uint32_t held; /* acknowledgements that wait for the lease */
	char reason[PROGRESS_REASON_MAX];
};

/* Make and map the file for writing. Returns 0 with a mapping that lasts as long as the process. */
int progress_create(const char *path, struct progress **progress_r);

/* Copy what the file says now. -ENOENT: never started; -EPROTO: not such a file. */
int progress_read(const char *path, struct progress *progress_r);

/* The pid of the living core that holds the lock on the pid file; 0: none does; -errno. */
pid_t progress_core_pid(const char *pid_path);

#endif
