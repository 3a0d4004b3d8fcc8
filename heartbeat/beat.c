/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/beat.h"

#include "common/bytes.h"

#include <assert.h>

#define BEAT_MAGIC_NUMBER 0x424c4d47u /* "GMLB" */

enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_KEY = 5,
	AT_NODE = 6,
	AT_LINE = 7,
	AT_PAIR = 8,
	AT_BOOT = 16,
	AT_SEQUENCE = 32,
	AT_ZERO = 40,
	AT_NONCE = 44,
	AT_HEARD_BOOT = 52,
	AT_HEARD_NONCE = 68,
	AT_EPOCH = 76,
	AT_GENERATION = 84,
	AT_ACCEPTED = 92,
	AT_DELIVERED = 100,
	AT_QUEUED = 108,
	AT_COMMIT = 116,
	AT_LEASE = 120,
	AT_TICK_AGE = 124,
	AT_ROLE = 128,
	AT_REPLICATION = 129,
	AT_FLAGS = 130,
	AT_REST = 131,
};

static bool
is_legal(const struct beat *b)
{
	return b->node < BEAT_NODES && b->sequence > 0 && !id128_is_none(&b->boot) &&
	       b->role <= BEAT_ROLE_MAX && b->replication < BEAT_REPLICATION_STATES;
}

void
beat_encode(const struct beat *b, uint8_t out[BEAT_BYTES])
{
	assert(is_legal(b));
	memset(out, 0, BEAT_BYTES);
	put_u32(out + AT_MAGIC, BEAT_MAGIC_NUMBER);
	out[AT_VERSION] = BEAT_VERSION;
	out[AT_NODE] = b->node;
	out[AT_LINE] = b->line;
	put_u64(out + AT_PAIR, b->pair);
	memcpy(out + AT_BOOT, b->boot.bytes, ID128_BYTES);
	put_u64(out + AT_SEQUENCE, b->sequence);
	put_u64(out + AT_NONCE, b->nonce);
	memcpy(out + AT_HEARD_BOOT, b->heard_boot.bytes, ID128_BYTES);
	put_u64(out + AT_HEARD_NONCE, b->heard_nonce);
	put_u64(out + AT_EPOCH, b->epoch);
	put_u64(out + AT_GENERATION, b->generation);
	put_u64(out + AT_ACCEPTED, b->accepted);
	put_u64(out + AT_DELIVERED, b->delivered);
	put_u64(out + AT_QUEUED, b->queued);
	put_u32(out + AT_COMMIT, b->commit_us);
	put_u32(out + AT_LEASE, b->lease_left_ms);
	put_u32(out + AT_TICK_AGE, b->tick_age_ms);
	out[AT_ROLE] = b->role;
	out[AT_REPLICATION] = b->replication;
	out[AT_FLAGS] = b->flags;
}

enum beat_fault
beat_check_form(struct slice packet)
{
	if (packet.length != BEAT_BYTES)
		return BEAT_LENGTH;
	if (get_u32(packet.data + AT_MAGIC) != BEAT_MAGIC_NUMBER)
		return BEAT_MAGIC;
	return packet.data[AT_VERSION] == BEAT_VERSION ? BEAT_OK : BEAT_OTHER_VERSION;
}

static bool
is_zero(const uint8_t *from, const uint8_t *to)
{
	while (from < to)
		if (*from++)
			return false;
	return true;
}

enum beat_fault
beat_decode(const uint8_t in[BEAT_BYTES], struct beat *beat_r)
{
	struct beat b = {
	    .pair = get_u64(in + AT_PAIR),
	    .node = in[AT_NODE],
	    .line = in[AT_LINE],
	    .sequence = get_u64(in + AT_SEQUENCE),
	    .nonce = get_u64(in + AT_NONCE),
	    .heard_nonce = get_u64(in + AT_HEARD_NONCE),
	    .epoch = get_u64(in + AT_EPOCH),
	    .generation = get_u64(in + AT_GENERATION),
	    .accepted = get_u64(in + AT_ACCEPTED),
	    .delivered = get_u64(in + AT_DELIVERED),
	    .queued = get_u64(in + AT_QUEUED),
	    .commit_us = get_u32(in + AT_COMMIT),
	    .lease_left_ms = get_u32(in + AT_LEASE),
	    .tick_age_ms = get_u32(in + AT_TICK_AGE),
	    .role = in[AT_ROLE],
	    .replication = in[AT_REPLICATION],
	    .flags = in[AT_FLAGS],
	};

	memcpy(b.boot.bytes, in + AT_BOOT, ID128_BYTES);
	memcpy(b.heard_boot.bytes, in + AT_HEARD_BOOT, ID128_BYTES);
	*beat_r = (struct beat){0};
	if (!is_legal(&b) || !is_zero(in + AT_ZERO, in + AT_NONCE) ||
	    !is_zero(in + AT_REST, in + BEAT_SIGNED_BYTES))
		return BEAT_VALUE;
	*beat_r = b;
	return BEAT_OK;
}

const char *
beat_fault_text(enum beat_fault fault)
{
	static const char *const texts[BEAT_FAULTS] = {
	    [BEAT_OK] = "good",
	    [BEAT_LENGTH] = "a packet of another length than a beat has",
	    [BEAT_MAGIC] = "a packet that is no beat",
	    [BEAT_OTHER_VERSION] = "a beat of another version; update both nodes of the pair",
	    [BEAT_KEY] = "a beat signed with a key that is not in the key file; both nodes need "
			 "the same",
	    [BEAT_FORGED] = "a beat whose signature is wrong; somebody forges, or the key files "
			    "differ",
	    [BEAT_VALUE] = "a signed beat with an impossible value; update both nodes of the pair",
	};

	return fault >= 0 && fault < BEAT_FAULTS ? texts[fault] : "an unknown fault";
}
