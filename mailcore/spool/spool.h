/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spool -- every accepted message, from its commit to its last outcome.
 *
 * The facade over journal (durable records), ledger (what is known of each
 * message) and checkpoint (the queue file, SQLite). Whoever delivers sees only
 * this header. One thread, the core's loop, makes all calls but the ones marked
 * thread safe; syncing happens on two threads inside and is reported through
 * spool_descriptor() / spool_dispatch().
 *
 * The way of a message:
 *
 *   spool_commit() --batch written, synced--> committed(ok) --> arrived()
 *   arrived: the deliverer reads it (spool_read), writes staging files, syncs them
 *   spool_prepare() --synced--> prepared(ok): now, and not earlier, rename into new/
 *   spool_settle(OUTCOME_DELIVERED): after the rename was synced
 *   a message whose recipients are all settled is forgotten, its id is never used again
 *
 * After a crash spool_open() replays and calls arrived() for every message that
 * is not settled, with per-recipient state as it was durable. Of a long queue in the
 * queue file it waits for the first page only; the rest arrives with spool_tick().
 */
#ifndef GEMEL_MAILCORE_SPOOL_SPOOL_H
#define GEMEL_MAILCORE_SPOOL_SPOOL_H

#include "common/slice.h"
#include "mailcore/smtp/verdict.h"
#include "mailcore/spool/envelope.h"

struct spool;
struct spool_stage;

/* Generation in the upper 24 bits, number within it in the lower 40. Never 0. */
typedef uint64_t message_id;
#define MESSAGE_ID_TEXT 20
/* "3-1f2a": generation and number in hexadecimal. */
const char *message_id_text(message_id id, char out[MESSAGE_ID_TEXT]);

/* State of one recipient. The values are in the journal; add at the end. */
enum outcome {
	OUTCOME_PENDING = 0, /* nothing done, or nothing that is durable */
	OUTCOME_PREPARED,    /* staged and promised; a rename decides */
	OUTCOME_DELIVERED,
	OUTCOME_BOUNCED,  /* failed for good, and the bounce is a message of its own */
	OUTCOME_DEFERRED, /* not settled: to be tried again later, reason given */
};

/* A message that is durable and not settled. Owned by the spool; valid until spool_settle() settles
 * its last recipient. */
struct message {
	message_id id;
	struct envelope envelope; /* views memory of the spool */
	uint8_t *outcomes;        /* enum outcome, one for each recipient */
	uint64_t content_length;  /* bytes that spool_read() gives */
	void *user;               /* the deliverer's; the spool leaves it alone */
	bool is_replayed;         /* it arrived by replay: staging files may exist */
};

struct spool_events {
	void *context;
	/* The fate of a spool_commit(), in the order of the calls. */
	void (*committed)(void *context, void *cookie, message_id id, enum commit_verdict verdict);
	/* A durable message wants to be delivered. */
	void (*arrived)(void *context, struct message *message);
	/* The fate of a spool_prepare(); ok false: the spool has failed. */
	void (*prepared)(void *context, void *cookie, bool ok);
	/* No acknowledgement is given any more; reason is one sentence. Called once. */
	void (*failed)(void *context, const char *reason);
	/* Mail data was found damaged and put aside; the spool goes on. */
	void (*degraded)(void *context, const char *reason);
	/* May be NULL. The generation of this life is durable; called before the replay. */
	void (*raised)(void *context, uint64_t generation);
};

struct spool_settings {
	const char
	    *directory; /* /srv/gemel: journal/, quarantine/, staging/, deferred/, db/ in it */
	uint64_t segment_bytes;       /* 64 MiB; a multiple of 4096 */
	uint64_t reserve_bytes;       /* free space below which commits answer COMMIT_SYSTEM_FULL */
	uint32_t checkpoint_after_ms; /* how long a message may keep a segment from recycling */
};

/* Raise the generation (synced), sync everything that a killed predecessor left in the page cache,
 * replay, and begin a new segment. Calls events->raised(), ->arrived() and ->degraded() before
 * it returns.
 * Returns 0 with *spool_r owned, or -errno with a sentence in error[256]. */
int spool_open(const struct spool_settings *settings, const struct spool_events *events,
    struct spool **spool_r, char error[256]);

/* Finish the commit in flight, write outcomes, close. Returns 0 when everything that was said is on
 * the disk. Frees in any case and sets the pointer to NULL. */
int spool_close(struct spool **spool);

uint64_t spool_generation(const struct spool *spool);
uint64_t spool_queued(const struct spool *spool);
/* Microseconds that the last sync took. */
uint64_t spool_commit_us(const struct spool *spool);

/* Is there a message of this id that is not settled, loaded already or in the queue file still?
 * 1, 0 or -errno. Asks the queue file on the caller's thread: only before the first spool_tick().
 */
int spool_has(struct spool *spool, message_id id);

/* Poll for reading; when readable call spool_dispatch(). Also call spool_tick() each 100 ms or so:
 * idle marks, checkpoints, spare segments. */
int spool_descriptor(const struct spool *spool);
void spool_dispatch(struct spool *spool);
void spool_tick(struct spool *spool, uint64_t now_ms);

/* Make a message durable. envelope is the encoding (envelope_encode), already decoded once by the
 * caller as a check; content is the rest or all of the content; staged names a file made by
 * spool_stage_*() whose bytes come before content, or is NULL. Copies all. The answer comes by
 * committed(), always, and never from inside this call. */
void spool_commit(struct spool *spool, struct slice envelope, struct slice content,
    struct spool_stage **staged, void *cookie);

/* Large content streams to a file while it arrives. Writing is done at once on the caller's thread
 * into the page cache, above the reserve; commit syncs it on a syncing thread before the record
 * that names it. */
int spool_stage_open(struct spool *spool, struct spool_stage **stage_r);
int spool_stage_append(struct spool *spool, struct spool_stage *stage, struct slice bytes);
/* Remove the file. Takes NULL. */
void spool_stage_drop(struct spool_stage **stage);

/* Copy length bytes of the content at offset. Thread safe; the message must not be settled
 * meanwhile. Returns 0 or -errno (-EBADMSG: the bytes on disk do not match their checksum). */
int spool_read(
    struct spool *spool, const struct message *message, uint64_t offset, void *out, size_t length);

/* One recipient of one message, and what is said of it. */
struct spool_mark {
	struct message *message;
	uint32_t recipient;
};

/* Journal PREPARED for all marks as one unit; prepared() tells when it is durable. The staging
 * file's name is not stored: it follows from id and recipient. */
void spool_prepare(struct spool *spool, const struct spool_mark *marks, size_t count, void *cookie);

/* Journal an outcome (it rides with a later batch). DELIVERED and BOUNCED settle; DEFERRED needs a
 * reason, shown to operators. A message whose recipients are all settled is freed. */
void spool_settle(struct spool *spool, struct message *message, uint32_t recipient,
    enum outcome outcome, const char *reason);

#endif
