/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake-spool -- a second implementation of spool.h for tests of whoever delivers.
 *
 * Keeps messages and outcomes in memory and tells apart what was journalled
 * from what is durable. It survives a crash as the journal would: durable
 * records stay, and of the others a beginning that the test chooses.
 */
#ifndef GEMEL_TESTS_UNIT_FAKE_SPOOL_H
#define GEMEL_TESTS_UNIT_FAKE_SPOOL_H

#include "mailcore/spool/spool.h"

/* Owned by the caller. */
struct spool *fake_spool_open(const struct spool_events *events);
void fake_spool_close(struct spool **spool);

/* Accept a message for count addresses, durably, and call arrived(). Copies all but content. */
message_id fake_spool_accept(
    struct spool *spool, const char *const *addresses, size_t count, struct slice content);

/* Make all records durable, and call prepared() for them. */
void fake_spool_sync(struct spool *spool);

/* The core dies. Of the records that are not durable the first survivors stay. Messages are gone
 * until fake_spool_replay(). */
void fake_spool_crash(struct spool *spool, size_t survivors);

/* How many records are not durable. */
size_t fake_spool_unsynced(const struct spool *spool);

/* Call arrived() for each message that is not settled. */
void fake_spool_replay(struct spool *spool, const struct spool_events *events);

/* What was said last of a recipient; reason may be NULL. */
enum outcome fake_spool_outcome(
    const struct spool *spool, message_id id, uint32_t recipient, const char **reason_r);

/* How many spool_prepare() have been called. */
size_t fake_spool_prepares(const struct spool *spool);

#endif
