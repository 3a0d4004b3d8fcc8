/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/state.h"

#include "common/crc32c.h"
#include "common/bytes.h"
#include "mailcore/spool/stage.h"

#include <errno.h>

/* Content up to this rides in the record. */
#define INLINE_MAX (256u * 1024u)

static message_id
spool_next_id(struct spool *spool)
{
	return spool->generation << 40 | spool->next_number++;
}

static uint64_t
inline_max(const struct spool *spool)
{
	uint64_t most = spool->settings.segment_bytes / 16;

	return most < INLINE_MAX ? most : INLINE_MAX;
}

/* May it be taken? COMMIT_DURABLE: yes. */
static enum commit_verdict
commit_judge(struct spool *spool, size_t record_length)
{
	static const enum commit_verdict verdicts[] = {
	    [ROOM_YES] = COMMIT_DURABLE,
	    [ROOM_LATER] = COMMIT_TRY_LATER,
	    [ROOM_FULL] = COMMIT_SYSTEM_FULL,
	};

	if (spool->has_failed)
		return COMMIT_TRY_LATER;
	if (record_length > journal_record_max(spool->journal))
		return COMMIT_REFUSED;
	return verdicts[journal_room(spool->journal, record_length)];
}

static const uint8_t *
content_checks(struct spool *spool, struct slice content)
{
	spool->encoding.length = 0;
	for (size_t at = 0; at < content.length; at += RECORD_BLOCK) {
		size_t left = content.length - at;

		put_u32(buffer_extend(&spool->encoding, 4),
		    crc32c(0, content.data + at, left < RECORD_BLOCK ? left : RECORD_BLOCK));
	}
	return spool->encoding.data;
}

/* What does not ride in the record goes to its file. */
static int
commit_stage(struct spool *spool, struct slice content, struct spool_stage **stage)
{
	int result = 0;

	if (!*stage && content.length > inline_max(spool))
		result = stage_open(spool->directory, spool_next_id(spool), stage);
	if (result == 0 && *stage && content.length)
		result = stage_append(*stage, content);
	return result;
}

void
spool_commit(struct spool *spool, struct slice envelope, struct slice content,
    struct spool_stage **staged, void *cookie)
{
	struct spool_stage *stage = staged ? *staged : NULL;
	struct record_message message = {.envelope = envelope};
	struct ledger_entry *entry = NULL;
	enum commit_verdict verdict;
	int result;

	if (staged)
		*staged = NULL;
	result = commit_stage(spool, content, &stage);
	if (stage) {
		message.id = stage->id;
		message.place = RECORD_FILE;
		message.content_length = stage->length;
		message.checks = stage_checks(stage);
	} else {
		message.id = spool_next_id(spool);
		message.content_length = content.length;
		message.content = content;
		message.checks = content_checks(spool, content);
	}
	verdict = commit_judge(spool, record_message_room(&message));
	if (result < 0)
		verdict =
		    result == -ENOSPC || result == -EDQUOT ? COMMIT_SYSTEM_FULL : COMMIT_TRY_LATER;
	if (verdict == COMMIT_DURABLE) {
		entry = ledger_add(&spool->ledger, &message, OWNER_JOURNAL);
		if (!entry)
			verdict = COMMIT_REFUSED;
	}
	if (!entry) {
		stage_drop(&stage);
		answers_owe_commit(spool, cookie, NULL, 0, verdict);
		return;
	}
	entry->content_offset = record_append_message(journal_body(spool->journal), &message);
	if (stage)
		journal_sync_before(spool->journal, stage_release(&stage));
	answers_owe_commit(
	    spool, cookie, entry, journal_appended(spool->journal, true), COMMIT_DURABLE);
}

int
spool_stage_open(struct spool *spool, struct spool_stage **stage_r)
{
	enum commit_verdict verdict = commit_judge(spool, 0);

	*stage_r = NULL;
	if (verdict != COMMIT_DURABLE)
		return verdict == COMMIT_SYSTEM_FULL ? -ENOSPC : -EAGAIN;
	return stage_open(spool->directory, spool_next_id(spool), stage_r);
}

int
spool_stage_append(struct spool *spool, struct spool_stage *stage, struct slice bytes)
{
	/* There was room when it began, for all that began then. */
	if (journal_free(spool->journal) == 0)
		return -ENOSPC;
	return stage_append(stage, bytes);
}

void
spool_stage_drop(struct spool_stage **stage)
{
	stage_drop(stage);
}
