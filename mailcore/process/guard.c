/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/guard.h"

#include <stdlib.h>

#include "mailcore/spool/envelope.h"

void
guard_open(struct guard *g, const struct smtp_settings *settings, uint64_t ring_size)
{
	*g = (struct guard){
	    .slots = calloc(settings->sessions_max, sizeof(*g->slots)),
	    .slot_count = settings->sessions_max,
	    .piece_max = settings->inline_max_bytes + GUARD_ADDED_MAX,
	    .message_max = settings->message_max_bytes + GUARD_ADDED_MAX,
	    .ring = {.size = ring_size},
	};
	if (!g->slots)
		abort();
}

void
guard_close(struct guard *g)
{
	free(g->slots);
	*g = (struct guard){0};
}

uint64_t
guard_entry_max(const struct smtp_settings *settings)
{
	return (uint64_t)ENVELOPE_ENCODED_MAX + settings->inline_max_bytes + GUARD_ADDED_MAX;
}

/* The slot of a session, made new for it if its last use is over. */
static enum guard_breach
guard_slot_of(struct guard *g, uint64_t session, struct guard_slot **slot_r)
{
	uint32_t index = (uint32_t)session;
	struct guard_slot *slot;

	if (index >= g->slot_count || session >> 32 == 0)
		return GUARD_SLOT;
	slot = &g->slots[index];
	if (session < slot->session)
		return GUARD_STALE;
	if (session > slot->session) {
		if (slot->asked || slot->staged_bytes)
			return GUARD_BUSY;
		*slot = (struct guard_slot){.session = session};
	}
	*slot_r = slot;
	return GUARD_OK;
}

/* Are the lengths of a question within what a session may ask? */
static enum guard_breach
guard_check_lengths(const struct guard *g, const struct guard_slot *slot, const struct frame *f)
{
	switch (f->type) {
	case FRAME_RECIPIENT:
		return f->first && f->first <= GUARD_ADDRESS_MAX ? GUARD_OK : GUARD_LENGTH;
	case FRAME_STAGE:
		if (!f->first || f->first > g->piece_max)
			return GUARD_LENGTH;
		return slot->staged_bytes + f->first <= g->message_max ? GUARD_OK : GUARD_MESSAGE;
	case FRAME_COMMIT:
		if (!f->first || f->first > ENVELOPE_ENCODED_MAX || f->second > g->piece_max)
			return GUARD_LENGTH;
		return slot->staged_bytes + f->second <= g->message_max ? GUARD_OK : GUARD_MESSAGE;
	case FRAME_ABANDON:
	case FRAME_REFUSED:
	case FRAME_SESSIONS:
	case FRAME_QUIET:
	case FRAME_RECIPIENT_ANSWER:
	case FRAME_STAGE_ANSWER:
	case FRAME_COMMIT_ANSWER:
	case FRAME_CONSUMED:
	case FRAME_LISTEN:
	case FRAME_QUIESCE:
	case FRAME_TYPES:
		break;
	}
	return GUARD_LENGTH;
}

static enum guard_breach
guard_check_question(struct guard *g, const struct frame *f)
{
	uint64_t length = (uint64_t)f->first + f->second;
	struct guard_slot *slot = NULL;
	enum guard_breach breach = guard_slot_of(g, f->session, &slot);

	if (breach)
		return breach;
	if (slot->asked)
		return GUARD_BUSY;
	breach = guard_check_lengths(g, slot, f);
	if (breach)
		return breach;
	if (!ring_can_take(&g->ring, f->position, length))
		return GUARD_POSITION;
	slot->asked = (uint8_t)f->type;
	slot->asked_bytes = (uint32_t)length;
	if (f->type == FRAME_STAGE)
		slot->staged_bytes += length;
	g->open_bytes += length;
	return GUARD_OK;
}

static enum guard_breach
guard_check_abandon(struct guard *g, const struct frame *f)
{
	struct guard_slot *slot = NULL;
	enum guard_breach breach = guard_slot_of(g, f->session, &slot);

	if (breach)
		return breach;
	if (slot->asked)
		return GUARD_BUSY;
	slot->staged_bytes = 0;
	return GUARD_OK;
}

/* It asks nothing, so it is no question of a session. */
static enum guard_breach
guard_check_refused(const struct guard *g, const struct frame *f)
{
	if (!f->first || f->first > GUARD_CLIENT_MAX || !f->second || f->second > GUARD_REFUSAL_MAX)
		return GUARD_LENGTH;
	return ring_can_take(&g->ring, f->position, (uint64_t)f->first + f->second)
		   ? GUARD_OK
		   : GUARD_POSITION;
}

enum guard_breach
guard_check(struct guard *g, const struct frame *f)
{
	switch (f->type) {
	case FRAME_RECIPIENT:
	case FRAME_STAGE:
	case FRAME_COMMIT:
		return guard_check_question(g, f);
	case FRAME_ABANDON:
		return guard_check_abandon(g, f);
	case FRAME_REFUSED:
		return guard_check_refused(g, f);
	case FRAME_SESSIONS:
		if (f->first > g->slot_count)
			return GUARD_COUNT;
		g->sessions = f->first;
		return GUARD_OK;
	case FRAME_QUIET:
		g->sessions = 0;
		return GUARD_OK;
	case FRAME_RECIPIENT_ANSWER:
	case FRAME_STAGE_ANSWER:
	case FRAME_COMMIT_ANSWER:
	case FRAME_CONSUMED:
	case FRAME_LISTEN:
	case FRAME_QUIESCE:
	case FRAME_TYPES:
		break;
	}
	/* frame_decode() lets none of them through. */
	return GUARD_SLOT;
}

bool
guard_answer(struct guard *g, uint64_t session, enum frame_type answer)
{
	static const uint8_t questions[FRAME_TYPES] = {
	    [FRAME_RECIPIENT_ANSWER] = FRAME_RECIPIENT,
	    [FRAME_STAGE_ANSWER] = FRAME_STAGE,
	    [FRAME_COMMIT_ANSWER] = FRAME_COMMIT,
	};
	uint32_t index = (uint32_t)session;
	struct guard_slot *slot;

	if (index >= g->slot_count)
		return false;
	slot = &g->slots[index];
	if (slot->session != session || !slot->asked || slot->asked != questions[answer])
		return false;
	g->open_bytes -= slot->asked_bytes;
	slot->asked = 0;
	slot->asked_bytes = 0;
	if (answer == FRAME_COMMIT_ANSWER)
		slot->staged_bytes = 0;
	return true;
}

const char *
guard_breach_text(enum guard_breach breach)
{
	static const char *const texts[GUARD_BREACHES] = {
	    [GUARD_OK] = "nothing wrong",
	    [GUARD_SLOT] = "it was ended: it named a session that cannot be",
	    [GUARD_STALE] = "it was ended: it spoke for a session that had ended",
	    [GUARD_BUSY] = "it was ended: it asked again before the answer",
	    [GUARD_LENGTH] = "it was ended: it sent something empty or too long",
	    [GUARD_POSITION] = "it was ended: it named bytes out of order",
	    [GUARD_MESSAGE] = "it was ended: it sent more than a message may have",
	    [GUARD_COUNT] = "it was ended: it claims more sessions than it may have",
	};

	return breach < GUARD_BREACHES ? texts[breach] : "it was ended: it broke a rule";
}
