/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * barrier -- this node's place among the registrants of a disk array, and the end of its peer's.
 *
 * Runs sg_persist(8) beside a libqb loop; what is run, and what follows of it, is barring.h.
 * Several operations may be under way at a time.
 *
 * A node registers once in a life. That it has is remembered in RUN-DIRECTORY/reserved, which a
 * reboot empties and which holds its key: written when all is done, so until that file is there
 * nothing may be mounted here. With it, a key that is gone means that the peer has barred this
 * node, and it never registers again before it has rebooted.
 */
#ifndef GEMEL_AGENT_BARRIER_H
#define GEMEL_AGENT_BARRIER_H

#include "agent/barring.h"

#include <jansson.h>
#include <qb/qbloop.h>

/* A command gets so long: on a path that works it is milliseconds. */
#define BARRIER_COMMAND_MS 5000u
/* REGISTER: more than sg_persist gives the kernel (60 s). Killed before, it might still come to the
 * array when the peer has barred this node, and undo that. */
#define BARRIER_REGISTER_MS 90000u

struct barrier_site {
	qb_loop_t *loop;
	const char *run_directory;
	struct barring_place place;
};

struct barrier;

/* Called once, from the loop, unless the operation is dropped before. sentence: why it is not
 * BARRING_DONE, else empty. evidence: what was seen and done, for the record. All are borrowed. The
 * operation is over with this call. */
typedef void (*barrier_done)(
    void *context, enum barring_end end, const char *sentence, const json_t *evidence);

/* Begin; site is borrowed until the end. What each end means is in barring.h. What comes back
 * lasts until done has returned. */
struct barrier *barrier_register(const struct barrier_site *site, barrier_done done, void *context);
struct barrier *barrier_check(const struct barrier_site *site, barrier_done done, void *context);
struct barrier *barrier_bar(const struct barrier_site *site, barrier_done done, void *context);

/* Of a check, while done is called: barring_saw_key(). */
bool barrier_saw_key(const struct barrier *barrier);

/* End it in the middle; done will not be called. Not to be done to one that registers, but at the
 * end of the process. Takes NULL. */
void barrier_drop(struct barrier **barrier);

#endif
