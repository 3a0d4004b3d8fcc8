/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/checkpoint.h"

#include "common/disk.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	TAKE,
	NOTE,
	REMOVE,
	SET_STATE,
	GET_STATE,
	LOAD,
	HAS,
	STATEMENT_COUNT,
};

static const char *const statement_text[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [TAKE] = "INSERT OR REPLACE INTO message (id, length, checks, envelope, outcomes, reason) "
	     "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [NOTE] = "UPDATE message SET outcomes = ?2, reason = ?3 WHERE id = ?1",
    [REMOVE] = "DELETE FROM message WHERE id = ?1",
    [SET_STATE] = "UPDATE state SET segment = ?1, offset = ?2, batch = ?3, count = ?4",
    [GET_STATE] = "SELECT segment, offset, batch, count FROM state",
    [LOAD] = "SELECT id, length, checks, envelope, outcomes, reason FROM message WHERE id > ?1 "
	     "ORDER BY id LIMIT ?2",
    [HAS] = "SELECT 1 FROM message WHERE id = ?1",
};

/* In this order, each once at open. */
static const char *const opening[] = {
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, length INTEGER NOT NULL, "
    "checks BLOB NOT NULL, envelope BLOB NOT NULL, outcomes BLOB NOT NULL, reason TEXT)",
    "CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), "
    "segment INTEGER NOT NULL, offset INTEGER NOT NULL, batch INTEGER NOT NULL, "
    "count INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO state VALUES (1, 0, 0, 0, 0)",
};

struct checkpoint {
	const char *directory;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	struct position mark;
	uint64_t count;
};

static int
sqlite_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	default:
		return -EIO;
	}
}

/* Run to the end a statement that gives no rows. */
static int
statement_run(struct checkpoint *checkpoint, enum statement which)
{
	sqlite3_stmt *statement = checkpoint->statements[which];
	int code = sqlite3_step(statement);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return sqlite_errno(code);
}

static int
state_read(struct checkpoint *checkpoint)
{
	sqlite3_stmt *statement = checkpoint->statements[GET_STATE];
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW) {
		checkpoint->mark.segment = (uint64_t)sqlite3_column_int64(statement, 0);
		checkpoint->mark.offset = (uint64_t)sqlite3_column_int64(statement, 1);
		checkpoint->mark.batch = (uint64_t)sqlite3_column_int64(statement, 2);
		checkpoint->count = (uint64_t)sqlite3_column_int64(statement, 3);
	}
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? -EBADMSG : sqlite_errno(code);
}

static int
checkpoint_prepare(struct checkpoint *checkpoint)
{
	int code = SQLITE_OK;

	for (size_t i = 0; code == SQLITE_OK && i < sizeof(opening) / sizeof(opening[0]); i++)
		code = sqlite3_exec(checkpoint->db, opening[i], NULL, NULL, NULL);
	for (int i = 0; code == SQLITE_OK && i < STATEMENT_COUNT; i++)
		code = sqlite3_prepare_v3(checkpoint->db, statement_text[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &checkpoint->statements[i], NULL);
	return code == SQLITE_OK ? state_read(checkpoint) : sqlite_errno(code);
}

int
checkpoint_open(
    const char *directory, const char *vfs, struct checkpoint **checkpoint_r, char error[256])
{
	struct checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
	char path[SEGMENT_PATH_MAX];
	int result;

	if (!checkpoint)
		abort();
	checkpoint->directory = directory;
	snprintf(path, sizeof(path), "%s/db/queue.db", directory);
	result = sqlite_errno(sqlite3_open_v2(path, &checkpoint->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs));
	if (result == 0)
		result = checkpoint_prepare(checkpoint);
	if (result < 0) {
		snprintf(error, 256, "spool: cannot open %.100s/db/queue.db: %.100s", directory,
		    checkpoint->db ? sqlite3_errmsg(checkpoint->db) : strerror(-result));
		checkpoint_close(&checkpoint);
	}
	*checkpoint_r = checkpoint;
	return result;
}

void
checkpoint_close(struct checkpoint **checkpoint_p)
{
	struct checkpoint *checkpoint = *checkpoint_p;

	*checkpoint_p = NULL;
	if (!checkpoint)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(checkpoint->statements[i]);
	sqlite3_close(checkpoint->db);
	free(checkpoint);
}

struct position
checkpoint_mark(const struct checkpoint *checkpoint)
{
	return checkpoint->mark;
}

uint64_t
checkpoint_count(const struct checkpoint *checkpoint)
{
	return checkpoint->count;
}

static void
bind_blob(sqlite3_stmt *statement, int index, struct slice bytes)
{
	/* A NULL pointer would bind NULL. */
	sqlite3_bind_blob64(statement, index, bytes.data ? (const void *)bytes.data : "",
	    bytes.length, SQLITE_STATIC);
}

static void
bind_reason(sqlite3_stmt *statement, int index, struct slice reason)
{
	if (reason.data)
		sqlite3_bind_text64(statement, index, (const char *)reason.data, reason.length,
		    SQLITE_STATIC, SQLITE_UTF8);
}

static int
entry_write(struct checkpoint *checkpoint, const struct checkpoint_entry *entry, uint64_t *count)
{
	static const enum statement which[] = {
	    [CHANGE_TAKE] = TAKE,
	    [CHANGE_NOTE] = NOTE,
	    [CHANGE_REMOVE] = REMOVE,
	};
	const struct content *content = &entry->move.content;
	sqlite3_stmt *statement = checkpoint->statements[which[entry->change]];
	int result;

	sqlite3_bind_int64(statement, 1, (int64_t)entry->id);
	switch (entry->change) {
	case CHANGE_TAKE:
		sqlite3_bind_int64(statement, 2, (int64_t)content->length);
		bind_blob(statement, 3,
		    slice_from(content->checks, 4 * (size_t)record_blocks(content->length)));
		bind_blob(statement, 4, entry->move.envelope);
		bind_blob(statement, 5, entry->outcomes);
		bind_reason(statement, 6, entry->reason);
		break;
	case CHANGE_NOTE:
		bind_blob(statement, 2, entry->outcomes);
		bind_reason(statement, 3, entry->reason);
		break;
	case CHANGE_REMOVE:
		break;
	}
	result = statement_run(checkpoint, which[entry->change]);
	if (result == 0 && entry->change == CHANGE_TAKE)
		++*count;
	if (result == 0 && entry->change == CHANGE_REMOVE && sqlite3_changes(checkpoint->db) > 0)
		--*count;
	return result;
}

static int
job_commit(struct checkpoint *checkpoint, const struct checkpoint_job *job)
{
	sqlite3_stmt *set = checkpoint->statements[SET_STATE];
	uint64_t count = checkpoint->count;
	int result = statement_run(checkpoint, BEGIN);

	if (result < 0)
		return result;
	for (size_t i = 0; result == 0 && i < job->count; i++)
		result = entry_write(checkpoint, &job->entries[i], &count);
	if (result == 0) {
		sqlite3_bind_int64(set, 1, (int64_t)job->mark.segment);
		sqlite3_bind_int64(set, 2, (int64_t)job->mark.offset);
		sqlite3_bind_int64(set, 3, (int64_t)job->mark.batch);
		sqlite3_bind_int64(set, 4, (int64_t)count);
		result = statement_run(checkpoint, SET_STATE);
	}
	if (result == 0)
		result = statement_run(checkpoint, COMMIT);
	if (result < 0) {
		/* SQLite may have done it already. */
		if (!sqlite3_get_autocommit(checkpoint->db))
			statement_run(checkpoint, ROLLBACK);
		return result;
	}
	checkpoint->count = count;
	checkpoint->mark = job->mark;
	return 0;
}

static int
directory_sync(struct checkpoint *checkpoint, const char *name)
{
	char path[SEGMENT_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", checkpoint->directory, name);
	return disk_sync_directory(path);
}

/* Step 1. What the kernel could not write back it tells those who had the file system open at that
 * moment: so it is opened before the first byte is written. */
static int
bodies_copy(struct checkpoint *checkpoint, const struct checkpoint_job *job, bool *has_copied)
{
	int fd = disk_open(checkpoint->directory, O_RDONLY | O_DIRECTORY, 0);
	int result = fd < 0 ? fd : 0;

	for (size_t i = 0; result == 0 && i < job->count; i++) {
		const struct checkpoint_entry *entry = &job->entries[i];

		if (entry->change != CHANGE_TAKE || !entry->move.content.segment)
			continue;
		result = content_copy(&entry->move.content);
		*has_copied = true;
	}
	if (result == 0 && *has_copied)
		result = disk_sync_filesystem(fd);
	if (fd >= 0)
		disk_close(fd);
	return result;
}

/* Step 2. */
static int
bodies_return(struct checkpoint *checkpoint, const struct checkpoint_job *job, bool *has_moved)
{
	char staging[SEGMENT_PATH_MAX], deferred[SEGMENT_PATH_MAX];
	int result = 0;

	for (size_t i = 0; result == 0 && i < job->count; i++) {
		const struct checkpoint_entry *entry = &job->entries[i];

		if (entry->change != CHANGE_REMOVE)
			continue;
		content_staging_path(checkpoint->directory, entry->id, staging);
		content_deferred_path(checkpoint->directory, entry->id, deferred);
		result = disk_rename(deferred, staging);
		*has_moved |= result == 0;
		if (result == -ENOENT)
			result = 0;
	}
	return result;
}

/* What must be durable before the COMMIT says so. */
static int
bodies_before(struct checkpoint *checkpoint, const struct checkpoint_job *job)
{
	bool has_copied = false, has_moved = false;
	int result = bodies_copy(checkpoint, job, &has_copied);

	if (result == 0)
		result = bodies_return(checkpoint, job, &has_moved);
	if (result == 0 && (has_copied || has_moved))
		result = directory_sync(checkpoint, "staging");
	if (result == 0 && has_moved)
		result = directory_sync(checkpoint, "deferred");
	return result;
}

/* Step 4. Whatever fails here, both names are looked for. */
static void
bodies_after(struct checkpoint *checkpoint, const struct checkpoint_job *job)
{
	char staging[SEGMENT_PATH_MAX], deferred[SEGMENT_PATH_MAX];

	for (size_t i = 0; i < job->count; i++) {
		const struct checkpoint_entry *entry = &job->entries[i];

		content_staging_path(checkpoint->directory, entry->id, staging);
		content_deferred_path(checkpoint->directory, entry->id, deferred);
		if (entry->change == CHANGE_TAKE)
			disk_rename(staging, deferred);
		if (entry->change == CHANGE_REMOVE)
			disk_unlink(staging);
	}
}

int
checkpoint_run(struct checkpoint *checkpoint, const struct checkpoint_job *job)
{
	int result = bodies_before(checkpoint, job);

	if (result == 0)
		result = job_commit(checkpoint, job);
	if (result == 0)
		bodies_after(checkpoint, job);
	return result == -EDQUOT ? -ENOSPC : result;
}

static struct slice
column_slice(sqlite3_stmt *statement, int column)
{
	const void *data = sqlite3_column_blob(statement, column);

	return slice_from(data, (size_t)sqlite3_column_bytes(statement, column));
}

int
checkpoint_load(struct checkpoint *checkpoint, message_id after, unsigned limit,
    void (*each)(void *context, const struct checkpoint_row *row), void *context)
{
	sqlite3_stmt *statement = checkpoint->statements[LOAD];
	int code, count = 0;

	sqlite3_bind_int64(statement, 1, (int64_t)after);
	sqlite3_bind_int64(statement, 2, limit);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct slice checks = column_slice(statement, 2);
		struct checkpoint_row row = {
		    .message =
			{
			    .id = (message_id)sqlite3_column_int64(statement, 0),
			    .content_length = (uint64_t)sqlite3_column_int64(statement, 1),
			    .place = RECORD_FILE,
			    .checks = checks.data,
			    .envelope = column_slice(statement, 3),
			},
		    .outcomes = column_slice(statement, 4),
		    .reason = column_slice(statement, 5),
		};

		row.is_whole = checks.length == 4 * record_blocks(row.message.content_length);
		if (!row.is_whole)
			row.message = (struct record_message){.id = row.message.id};
		each(context, &row);
		count++;
	}
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? count : sqlite_errno(code);
}

int
checkpoint_has(struct checkpoint *checkpoint, message_id id)
{
	sqlite3_stmt *statement = checkpoint->statements[HAS];
	int code;

	sqlite3_bind_int64(statement, 1, (int64_t)id);
	code = sqlite3_step(statement);
	sqlite3_reset(statement);
	if (code == SQLITE_ROW)
		return 1;
	return sqlite_errno(code);
}
