/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/frame.h"

#include <assert.h>
#include <string.h>

#include "mailcore/smtp/verdict.h"

enum {
	USES_SESSION = 1,
	USES_POSITION = 2,
	USES_FIRST = 4,
	USES_SECOND = 8,
	USES_TEXT = 16,
	USES_VERDICT = 32,
};

enum {
	AT_TYPE = 0,
	AT_VERDICT = 1,
	AT_TEXT_LENGTH = 2,
	AT_ZERO = 3,
	AT_FIRST = 4,
	AT_SECOND = 8,
	AT_SESSION = 12,
	AT_POSITION = 20,
	AT_TEXT = 28,
};

struct frame_rule {
	enum frame_sender sender;
	uint8_t uses;
	uint8_t verdict_max;
};

#define ASKS (USES_SESSION | USES_POSITION | USES_FIRST)
#define ANSWERS (USES_SESSION | USES_VERDICT)

static const struct frame_rule rules[FRAME_TYPES] = {
    [FRAME_RECIPIENT] = {FRAME_FROM_WORKER, ASKS, 0},
    [FRAME_STAGE] = {FRAME_FROM_WORKER, ASKS, 0},
    [FRAME_COMMIT] = {FRAME_FROM_WORKER, ASKS | USES_SECOND, 0},
    [FRAME_ABANDON] = {FRAME_FROM_WORKER, USES_SESSION, 0},
    [FRAME_REFUSED] = {FRAME_FROM_WORKER, USES_POSITION | USES_FIRST | USES_SECOND, 0},
    [FRAME_SESSIONS] = {FRAME_FROM_WORKER, USES_FIRST, 0},
    [FRAME_QUIET] = {FRAME_FROM_WORKER, USES_FIRST, 0},
    [FRAME_RECIPIENT_ANSWER] = {FRAME_FROM_CORE, ANSWERS, RECIPIENT_TRY_LATER},
    [FRAME_STAGE_ANSWER] = {FRAME_FROM_CORE, ANSWERS, COMMIT_REFUSED},
    [FRAME_COMMIT_ANSWER] = {FRAME_FROM_CORE, ANSWERS | USES_TEXT, COMMIT_IN_DOUBT},
    [FRAME_CONSUMED] = {FRAME_FROM_CORE, USES_POSITION, 0},
    [FRAME_LISTEN] = {FRAME_FROM_CORE, USES_FIRST, 0},
    [FRAME_QUIESCE] = {FRAME_FROM_CORE, USES_FIRST, 0},
};

static void
put(uint8_t *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t
get(const uint8_t *in, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)in[i] << (8 * i);
	return value;
}

/* True if f has only what its type uses, and was sent by who may send it. */
static bool
is_legal(const struct frame *f, enum frame_sender sender)
{
	const struct frame_rule *rule;

	if (f->type < FRAME_RECIPIENT || f->type >= FRAME_TYPES)
		return false;
	rule = &rules[f->type];
	return rule->sender == sender && f->verdict <= rule->verdict_max &&
	       f->text_length <= ((rule->uses & USES_TEXT) ? FRAME_TEXT_MAX : 0) &&
	       ((rule->uses & USES_SESSION) || !f->session) &&
	       ((rule->uses & USES_POSITION) || !f->position) &&
	       ((rule->uses & USES_FIRST) || !f->first) &&
	       ((rule->uses & USES_SECOND) || !f->second);
}

void
frame_encode(const struct frame *f, uint8_t out[FRAME_BYTES])
{
	assert(f->type >= FRAME_RECIPIENT && f->type < FRAME_TYPES);
	assert(is_legal(f, rules[f->type].sender));
	memset(out, 0, FRAME_BYTES);
	out[AT_TYPE] = (uint8_t)f->type;
	out[AT_VERDICT] = f->verdict;
	out[AT_TEXT_LENGTH] = f->text_length;
	put(out + AT_FIRST, f->first, 4);
	put(out + AT_SECOND, f->second, 4);
	put(out + AT_SESSION, f->session, 8);
	put(out + AT_POSITION, f->position, 8);
	memcpy(out + AT_TEXT, f->text, f->text_length);
}

bool
frame_decode(const uint8_t in[FRAME_BYTES], enum frame_sender sender, struct frame *f)
{
	struct frame read = {
	    .type = (enum frame_type)in[AT_TYPE],
	    .verdict = in[AT_VERDICT],
	    .text_length = in[AT_TEXT_LENGTH],
	    .first = (uint32_t)get(in + AT_FIRST, 4),
	    .second = (uint32_t)get(in + AT_SECOND, 4),
	    .session = get(in + AT_SESSION, 8),
	    .position = get(in + AT_POSITION, 8),
	};

	*f = (struct frame){0};
	if (in[AT_ZERO] || !is_legal(&read, sender))
		return false;
	for (size_t i = read.text_length; i < FRAME_TEXT_MAX; i++)
		if (in[AT_TEXT + i])
			return false;
	memcpy(read.text, in + AT_TEXT, read.text_length);
	*f = read;
	return true;
}
