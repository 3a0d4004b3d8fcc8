/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spool-world -- one spool on a fake disk, and what it said, for tests that break things.
 */
#ifndef GEMEL_TESTS_SPOOL_WORLD_H
#define GEMEL_TESTS_SPOOL_WORLD_H

#include "mailcore/spool/inside.h"

#define STORE "/store"
#define SEGMENT (256u * 1024u)
#define FIRST STORE "/journal/segment-0000000000000001"
#define BODY 5000u
#define CHECKPOINT_MS 1000u
#define WORLD_MESSAGES 8192

struct world {
	struct spool *spool;
	struct message *messages[WORLD_MESSAGES]; /* in the order of their arrival */
	int arrived, committed, full, later, degraded, failed;
	uint64_t now_ms;
	uint64_t raised;    /* the generation, as it was told */
	int arrived_before; /* it was told */
	char reason[256];   /* of the last damage */
};
extern struct world world;

/* cmocka's setup and teardown: an empty disk with the directory STORE. */
int world_begin(void **state);
int world_end(void **state);

/* Open the spool; what was counted before is forgotten. */
void open_spool(void);
void open_spool_with(uint64_t reserve);
/* 0 or what spool_open() says. */
int try_open_spool(uint64_t reserve, uint64_t segment_bytes, uint32_t checkpoint_after_ms);
/* 100 ms each. */
void tick(int times);
void commit_bytes(const void *bytes, size_t length);
/* One message of BODY bytes, one batch. */
void commit_one(uint8_t fill);
/* The power fails, and nothing that is synced is lost. */
void crash(void);
/* Flip bits, on the disk too. */
void damage(const char *path, size_t offset, size_t length);
/* The first byte of the content of the i-th message that arrived. */
int first_byte_of(int i);
/* How many entries there are in a folder of the store. */
int count_entries(const char *folder);

#endif
