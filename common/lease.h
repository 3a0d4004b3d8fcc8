/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lease -- "this node may acknowledge until T": a guard, and never a proof.
 *
 * A node that was paused or cut off does not know that its peer has taken over meanwhile. So
 * gemel-agentd (root) writes into /run/gemel/lease until when the core may acknowledge, and renews
 * it only on fresh evidence; the core looks after each sync and before it acknowledges what was
 * synced. It follows that for every acknowledgement there was a moment, after the sync had
 * returned, at which this node was in the right.
 *
 * Time is CLOCK_BOOTTIME, which goes on while the machine sleeps. A lease is given for one
 * generation: what was given before a demote is worth nothing after the next promote. One that
 * ends more than LEASE_MAX_MS from now is none either: then somebody's clock is wrong.
 *
 * The file is mapped by both sides, so a look costs a few loads. One writer. The fields that belong
 * together are guarded by a sequence number: odd while they are written, another one after. A
 * reader that finds it odd or changed reads again, and after LEASE_TRIES says that there is no
 * lease; so a writer that was killed or stopped in between gives none. The next grant mends that.
 *
 * A writer that starts goes on with the file of the one before, if it is as it must be (owner,
 * mode, size, magic, version), so that a core that has it mapped sees the renewals, and the lease
 * that was given stands until it ends. Only what is not as it must be is replaced, by rename; a
 * reader that has no lease finds the new file by lease_refresh().
 */
#ifndef GEMEL_COMMON_LEASE_H
#define GEMEL_COMMON_LEASE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LEASE_MAGIC 0x6c736d67u
#define LEASE_VERSION 1u
#define LEASE_MAX_MS 10000u
#define LEASE_TRIES 1000

struct lease {
	uint64_t until_ms;   /* CLOCK_BOOTTIME; 0: none */
	uint64_t generation; /* of the core, progress.h, that it is given for */
	uint64_t epoch;      /* of the pair, as the writer knows it; for who looks */
};

/* In memory of the file. */
struct lease_file {
	uint32_t magic;
	uint32_t version;
	_Atomic uint64_t sequence;
	_Atomic uint64_t until_ms;
	_Atomic uint64_t generation;
	_Atomic uint64_t epoch;
};

/* ---- what it means; pure ---- */

enum lease_state {
	LEASE_HOLDS,
	LEASE_NONE,    /* none was given, or it was revoked */
	LEASE_LAPSED,  /* it has ended */
	LEASE_OTHER,   /* it is for another generation */
	LEASE_TOO_FAR, /* it ends later than a lease can */
};

enum lease_state lease_judge(const struct lease *lease, uint64_t generation, uint64_t now_ms);

/* May a core of this generation acknowledge now? */
bool lease_holds(const struct lease *lease, uint64_t generation, uint64_t now_ms);

/* One word for programs: "holds", "none", "lapsed", "other", "too-far". */
const char *lease_state_name(enum lease_state state);
/* Why there is none, for people, after a colon. */
const char *lease_state_text(enum lease_state state);

/* ---- the writer's side ---- */

struct lease_writer;

/* Open or make the file, owned by the caller's user and readable by all. A lease that stands in it
 * stays. Returns 0 with *writer_r owned (lease_writer_close()), or -errno; what is in the way at
 * path is replaced, if it is no directory. */
int lease_create(const char *path, struct lease_writer **writer_r);

/* Give, or renew. until_ms is CLOCK_BOOTTIME, at most LEASE_MAX_MS from now. */
void
lease_grant(struct lease_writer *writer, uint64_t generation, uint64_t until_ms, uint64_t epoch);

/* Take it back at once; the epoch stays. */
void lease_revoke(struct lease_writer *writer);

/* Let go of the file; what it says stays. Takes NULL. */
void lease_writer_close(struct lease_writer **writer);

/* ---- the reader's side ---- */

struct lease_reader;

/* Map the file if it is there, and belongs to owner, and is a lease. It need not be there yet.
 * Returns the reader, owned (lease_reader_close()). */
struct lease_reader *lease_map(const char *path, uid_t owner);

/* Copy what it says now. False: there is no lease file, and *lease_r is empty. Read the clock
 * after this and not before: a process may be paused in between. */
bool lease_read(const struct lease_reader *reader, struct lease *lease_r);

/* Look whether another file is at the path by now, and map that. Some system calls: for who finds
 * that there is no lease. */
void lease_refresh(struct lease_reader *reader);

/* Takes NULL. */
void lease_reader_close(struct lease_reader **reader);

#endif
