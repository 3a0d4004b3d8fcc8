/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/spool-world.h"

#include "common/disk.h"
#include "tests/unit/fake-disk-vfs.h"
#include "tests/unit/fake-disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct world world;

static void
on_committed(void *context, void *cookie, message_id id, enum commit_verdict verdict)
{
	(void)context;
	(void)cookie;
	(void)id;
	world.committed += verdict == COMMIT_DURABLE;
	world.full += verdict == COMMIT_SYSTEM_FULL;
	world.later += verdict == COMMIT_TRY_LATER;
}

static void
on_arrived(void *context, struct message *message)
{
	(void)context;
	world.messages[world.arrived++] = message;
}

static void
on_prepared(void *context, void *cookie, bool ok)
{
	(void)context;
	(void)ok;
	*(int *)cookie = 1;
}

static void
on_failed(void *context, const char *reason)
{
	(void)context;
	(void)reason;
	world.failed++;
}

static void
on_degraded(void *context, const char *reason)
{
	(void)context;
	world.degraded++;
	snprintf(world.reason, sizeof(world.reason), "%s", reason);
}

static void
on_raised(void *context, uint64_t generation)
{
	(void)context;
	world.raised = generation;
	world.arrived_before = world.arrived;
}

int
try_open_spool(uint64_t reserve, uint64_t segment_bytes, uint32_t checkpoint_after_ms)
{
	static const struct spool_events events = {
	    NULL, on_committed, on_arrived, on_prepared, on_failed, on_degraded, on_raised};
	struct spool_settings settings = {STORE, segment_bytes, reserve, checkpoint_after_ms};
	char error[256];

	memset(&world, 0, sizeof(world));
	return spool_open_inside(
	    &settings, &events, SYNCER_INLINE, FAKE_DISK_VFS, &world.spool, error);
}

void
open_spool_with(uint64_t reserve)
{
	assert_int_equal(try_open_spool(reserve, SEGMENT, CHECKPOINT_MS), 0);
}

void
open_spool(void)
{
	open_spool_with(0);
}

void
tick(int times)
{
	while (times--) {
		world.now_ms += 100;
		spool_tick(world.spool, world.now_ms);
		for (int i = 0; i < 3; i++)
			spool_dispatch(world.spool);
	}
}

void
commit_bytes(const void *bytes, size_t length)
{
	struct envelope_recipient recipient = {.address = slice_of("user@example.test")};
	struct envelope envelope = {.recipients = &recipient,
	    .recipient_count = 1,
	    .helo = slice_of("client.example"),
	    .client = slice_of("192.0.2.1")};
	struct buffer encoded = {0};

	assert_true(envelope_encode(&envelope, &encoded));
	spool_commit(world.spool, buffer_slice(&encoded), slice_from(bytes, length), NULL, NULL);
	buffer_close(&encoded);
}

void
commit_one(uint8_t fill)
{
	uint8_t bytes[BODY];

	memset(bytes, fill, sizeof(bytes));
	commit_bytes(bytes, sizeof(bytes));
	spool_dispatch(world.spool);
	spool_dispatch(world.spool);
}

void
crash(void)
{
	fake_disk_stop_at(1);
	spool_close(&world.spool);
	fake_disk_reboot(SURVIVE_NOTHING, 1);
}

int
world_begin(void **state)
{
	(void)state;
	fake_disk_vfs_register();
	fake_disk_reset();
	disk_make_directory(STORE, 0700);
	disk_sync_directory("/");
	return 0;
}

int
world_end(void **state)
{
	(void)state;
	if (world.spool)
		spool_close(&world.spool);
	fake_disk_close();
	return 0;
}

void
damage(const char *path, size_t offset, size_t length)
{
	size_t size;
	uint8_t *bytes = fake_disk_bytes(path, &size);

	assert_non_null(bytes);
	assert_true(offset + length <= size);
	for (size_t i = 0; i < length; i++)
		bytes[offset + i] ^= 0x10;
	fake_disk_commit_bytes(path);
}

int
first_byte_of(int i)
{
	uint8_t byte;

	assert_int_equal(spool_read(world.spool, world.messages[i], 0, &byte, 1), 0);
	return byte;
}

static int
count_entry(void *context, const char *name)
{
	(void)name;
	++*(int *)context;
	return 0;
}

int
count_entries(const char *folder)
{
	char path[64];
	int count = 0;

	snprintf(path, sizeof(path), STORE "/%s", folder);
	assert_int_equal(disk_list(path, count_entry, &count), 0);
	return count;
}
