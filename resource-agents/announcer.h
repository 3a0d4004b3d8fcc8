/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * announcer -- the process that stays behind to announce an address and guard it.
 *
 * Begun by floatip's start and ended by its stop; it ends by itself when the
 * address has gone. It sends the rest of the first announcements, repeats some
 * from time to time and whenever the link comes up, and listens for other stations that
 * claim the address. It leads a session of its own, because Pacemaker kills the
 * agent's group.
 *
 * It owns its state file: who it is, and who else claims the address since when.
 */
#ifndef GEMEL_AGENTS_ANNOUNCER_H
#define GEMEL_AGENTS_ANNOUNCER_H

#include "resource-agents/announcement.h"
#include "common/process.h"

struct announcer {
	struct ip ip;
	struct link link;
	unsigned int count, interval_ms;        /* first announcements */
	unsigned int refresh_count, refresh_ms; /* later ones; 0: none */
	const char *state_path;                 /* borrowed */
};

struct announcer_state {
	struct process process;
	bool has_conflict;
	uint8_t by[MAC_LENGTH];
};

/* Send one announcement now. 0 or -errno. */
int announcer_send(const struct announcer *announcer);

/* Start the process. 0 once its state file is written, so that it can be found; or -errno. */
int announcer_start(const struct announcer *announcer);

/* 0; -ENOENT: none was started; -EPROTO: no such file. The process may be dead. */
int announcer_read(const char *state_path, struct announcer_state *state_r);

/* End the one that the file names, if it lives, and remove the file. 0 or -errno. */
int announcer_stop(const char *state_path, uint64_t deadline_ms);

#endif
