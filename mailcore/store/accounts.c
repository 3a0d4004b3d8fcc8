/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/accounts.h"

#include "common/clock.h"
#include "common/disk.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 1
#define READER_BUSY_MS 50
#define WRITER_BUSY_MS 5000

/* AUTOINCREMENT: an id is never given twice, not even after its account was deleted. */
static const char schema[] =
    "CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL UNIQUE,"
    " state INTEGER NOT NULL, password TEXT NOT NULL);"
    "CREATE TABLE deleted (id INTEGER PRIMARY KEY, address TEXT NOT NULL, deleted_ms INTEGER NOT "
    "NULL);"
    "CREATE TABLE form (version INTEGER NOT NULL);";

enum statement {
	STATEMENT_FIND,
	STATEMENT_LIST,
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_ADD,
	STATEMENT_DELETE,
	STATEMENT_REMEMBER,
	STATEMENT_DELETED,
	STATEMENT_SET_PASSWORD,
	STATEMENT_SET_STATE,
	STATEMENT_COUNT,
	STATEMENT_READERS = STATEMENT_BEGIN, /* a reader has those before this one */
};

static const char *const statement_sql[STATEMENT_COUNT] = {
    [STATEMENT_FIND] = "SELECT id, state, address, password FROM account WHERE address = ?1",
    [STATEMENT_LIST] = ("SELECT id, state, address, password FROM account"
			" WHERE address > ?1 ORDER BY address LIMIT ?2"),
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_ADD] = "INSERT INTO account (address, state, password) VALUES (?1, ?2, ?3)",
    [STATEMENT_DELETE] = "DELETE FROM account WHERE id = ?1",
    [STATEMENT_REMEMBER] = "INSERT INTO deleted (id, address, deleted_ms) VALUES (?1, ?2, ?3)",
    [STATEMENT_DELETED] = "SELECT id FROM deleted",
    [STATEMENT_SET_PASSWORD] = "UPDATE account SET password = ?2 WHERE address = ?1",
    [STATEMENT_SET_STATE] = "UPDATE account SET state = ?2 WHERE address = ?1",
};

struct accounts {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	struct maildir *maildir; /* of the writer */
};

static int
result_of(int sqlite_result)
{
	switch (sqlite_result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		abort();
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	default:
		return -EIO;
	}
}

/* Run a statement that gives no row, and make it ready for the next time. */
static int
statement_run(struct accounts *accounts, enum statement which)
{
	sqlite3_stmt *statement = accounts->statements[which];
	int result = result_of(sqlite3_step(statement));

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return result;
}

static void
bind_text(struct accounts *accounts, enum statement which, int place, const char *text)
{
	sqlite3_bind_text(accounts->statements[which], place, text, -1, SQLITE_STATIC);
}

static void
bind_number(struct accounts *accounts, enum statement which, int place, uint64_t number)
{
	sqlite3_bind_int64(accounts->statements[which], place, (sqlite3_int64)number);
}

/* End a transaction: commit if result is 0, else take all back. Returns what came of it. */
static int
transaction_end(struct accounts *accounts, int result)
{
	if (result == 0)
		result = statement_run(accounts, STATEMENT_COMMIT);
	if (result != 0 && !sqlite3_get_autocommit(accounts->db))
		statement_run(accounts, STATEMENT_ROLLBACK);
	return result;
}

static int
database_number(struct accounts *accounts, const char *sql, int64_t *number_r)
{
	sqlite3_stmt *statement;
	int result = sqlite3_prepare_v2(accounts->db, sql, -1, &statement, NULL);

	if (result != SQLITE_OK)
		return result_of(result);
	result = sqlite3_step(statement);
	*number_r = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	return result_of(result);
}

static int
database_open(struct accounts *accounts, const char *directory, bool is_writer)
{
	char path[PATH_MAX];
	char pragmas[256];
	int result;

	snprintf(path, sizeof(path), "%s/db/accounts.db", directory);
	if (!is_writer && disk_exists(path) == 0)
		return -ENOENT;
	/* One process, all connections of it: the WAL's index is in memory then, and not in a file
	 * that a full disk has no room for. */
	result = sqlite3_open_v2(path, &accounts->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (is_writer ? SQLITE_OPEN_CREATE : 0),
	    "unix-excl");
	if (result != SQLITE_OK)
		return result_of(result);
	sqlite3_extended_result_codes(accounts->db, 1);
	snprintf(pragmas, sizeof(pragmas),
	    "PRAGMA busy_timeout = %d; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA query_only = %d;",
	    is_writer ? WRITER_BUSY_MS : READER_BUSY_MS, is_writer ? 0 : 1);
	return result_of(sqlite3_exec(accounts->db, pragmas, NULL, NULL, NULL));
}

static int
schema_create(struct accounts *accounts)
{
	char sql[sizeof(schema) + 256];

	snprintf(sql, sizeof(sql),
	    "BEGIN IMMEDIATE; %s INSERT INTO form VALUES (%d); PRAGMA user_version = %d; COMMIT;",
	    schema, ADDRESS_FORM_VERSION, SCHEMA_VERSION);
	return result_of(sqlite3_exec(accounts->db, sql, NULL, NULL, NULL));
}

static int
schema_check(struct accounts *accounts, bool is_writer)
{
	int64_t version;
	int64_t form = 0;
	int result = database_number(accounts, "PRAGMA user_version", &version);

	if (result == 0 && version == 0) {
		if (!is_writer)
			return -ENOENT;
		result = schema_create(accounts);
		version = SCHEMA_VERSION;
	}
	if (result == 0 && version != SCHEMA_VERSION)
		return -EPROTO;
	if (result == 0)
		result = database_number(accounts, "SELECT version FROM form", &form);
	return result != 0 ? result : form == ADDRESS_FORM_VERSION ? 0 : -EPROTO;
}

static int
statements_prepare(struct accounts *accounts, bool is_writer)
{
	int count = is_writer ? STATEMENT_COUNT : STATEMENT_READERS;
	int result = SQLITE_OK;

	for (int i = 0; i < count && result == SQLITE_OK; i++)
		result = sqlite3_prepare_v3(accounts->db, statement_sql[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &accounts->statements[i], NULL);
	return result_of(result);
}

static int
accounts_open(const char *directory, bool is_writer, struct accounts **accounts_r, char error[256])
{
	struct accounts *accounts = calloc(1, sizeof(*accounts));
	int result;

	if (!accounts)
		abort();
	result = database_open(accounts, directory, is_writer);
	if (result == 0)
		result = schema_check(accounts, is_writer);
	if (result == 0)
		result = statements_prepare(accounts, is_writer);
	if (result == 0) {
		*accounts_r = accounts;
		return 0;
	}
	if (result == -EPROTO)
		snprintf(error, 256,
		    "store: %s/db/accounts.db was made by another version; run the version that "
		    "made it, or"
		    " a newer one",
		    directory);
	else
		snprintf(error, 256, "store: cannot open %s/db/accounts.db: %s (%s)", directory,
		    strerror(-result),
		    accounts->db ? sqlite3_errmsg(accounts->db) : "no such file");
	accounts_close(&accounts);
	return result;
}

int
accounts_open_reader(const char *directory, struct accounts **accounts_r, char error[256])
{
	return accounts_open(directory, false, accounts_r, error);
}

/* Put aside the mail of deleted accounts that is still in its place. */
static int
deletions_finish(struct accounts *accounts)
{
	sqlite3_stmt *statement = accounts->statements[STATEMENT_DELETED];
	int result = 0;
	int step = SQLITE_ROW;

	while (result == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW)
		result = maildir_set_aside(
		    accounts->maildir, (uint64_t)sqlite3_column_int64(statement, 0));
	sqlite3_reset(statement);
	return result != 0 ? result : result_of(step);
}

int
accounts_open_writer(
    const struct maildir_settings *settings, struct accounts **accounts_r, char error[256])
{
	struct maildir *maildir;
	char path[PATH_MAX];
	int result;

	snprintf(path, sizeof(path), "%s/db", settings->directory);
	result = disk_make_directory(path, 0700);
	if (result == 0)
		result = disk_sync_directory(settings->directory);
	if (result != 0) {
		snprintf(error, 256, "store: cannot make %.150s: %s", path, strerror(-result));
		return result;
	}
	result = maildir_open(settings, &maildir, error);
	if (result != 0)
		return result;
	result = accounts_open(settings->directory, true, accounts_r, error);
	if (result != 0) {
		maildir_close(&maildir);
		return result;
	}
	(*accounts_r)->maildir = maildir;
	result = deletions_finish(*accounts_r);
	if (result != 0) {
		snprintf(error, 256, "store: cannot put the mail of deleted accounts aside: %s",
		    strerror(-result));
		accounts_close(accounts_r);
	}
	return result;
}

void
accounts_close(struct accounts **accounts)
{
	if (!*accounts)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize((*accounts)->statements[i]);
	sqlite3_close((*accounts)->db);
	maildir_close(&(*accounts)->maildir);
	free(*accounts);
	*accounts = NULL;
}

static void
copy_column(sqlite3_stmt *statement, int column, char *out, size_t room)
{
	snprintf(out, room, "%s", (const char *)sqlite3_column_text(statement, column));
}

/* A row of STATEMENT_FIND or STATEMENT_LIST. */
static void
read_account(sqlite3_stmt *statement, struct account *account_r)
{
	account_r->id = (uint64_t)sqlite3_column_int64(statement, 0);
	account_r->state = (enum account_state)sqlite3_column_int(statement, 1);
	copy_column(statement, 2, account_r->address, sizeof(account_r->address));
	copy_column(statement, 3, account_r->password, sizeof(account_r->password));
}

int
accounts_find(struct accounts *accounts, const char *address, struct account *account_r)
{
	sqlite3_stmt *statement = accounts->statements[STATEMENT_FIND];
	int step;

	bind_text(accounts, STATEMENT_FIND, 1, address);
	step = sqlite3_step(statement);
	if (step == SQLITE_ROW)
		read_account(statement, account_r);
	/* Resetting at once ends the read transaction, which would keep the WAL from shrinking. */
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (step == SQLITE_ROW)
		return 0;
	return step == SQLITE_DONE ? -ENOENT : -EIO;
}

int
accounts_lookup(void *context, const char *address, struct router_account *account_r)
{
	struct account account;
	int result = accounts_find(context, address, &account);

	if (result == 0)
		*account_r = (struct router_account){account.id, account.state == ACCOUNT_ENABLED};
	return result;
}

ssize_t
accounts_list(struct accounts *accounts, const char *after, struct account *out, size_t room)
{
	sqlite3_stmt *statement = accounts->statements[STATEMENT_LIST];
	size_t count = 0;
	int step;

	bind_text(accounts, STATEMENT_LIST, 1, after ? after : "");
	bind_number(accounts, STATEMENT_LIST, 2, room);
	while ((step = sqlite3_step(statement)) == SQLITE_ROW && count < room)
		read_account(statement, &out[count++]);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return step == SQLITE_DONE ? (ssize_t)count : -EIO;
}

int
accounts_add(struct accounts *accounts, struct slice address, const char *hash, uint64_t *id_r)
{
	char canonical[ADDRESS_MAX + 1];
	int result;

	if (!address_canonical(address, canonical))
		return -EINVAL;
	result = statement_run(accounts, STATEMENT_BEGIN);
	if (result != 0)
		return result;
	bind_text(accounts, STATEMENT_ADD, 1, canonical);
	bind_number(accounts, STATEMENT_ADD, 2, ACCOUNT_ENABLED);
	bind_text(accounts, STATEMENT_ADD, 3, hash ? hash : "");
	result = statement_run(accounts, STATEMENT_ADD);
	if (result == 0) {
		*id_r = (uint64_t)sqlite3_last_insert_rowid(accounts->db);
		result = maildir_create(accounts->maildir, *id_r);
	}
	return transaction_end(accounts, result);
}

int
accounts_delete(struct accounts *accounts, struct slice address, uint64_t *id_r)
{
	char canonical[ADDRESS_MAX + 1];
	struct account account;
	int result;

	if (!address_canonical(address, canonical))
		return -EINVAL;
	result = statement_run(accounts, STATEMENT_BEGIN);
	if (result != 0)
		return result;
	result = accounts_find(accounts, canonical, &account);
	if (result == 0) {
		bind_number(accounts, STATEMENT_REMEMBER, 1, account.id);
		bind_text(accounts, STATEMENT_REMEMBER, 2, canonical);
		bind_number(accounts, STATEMENT_REMEMBER, 3, clock_wall_ms());
		result = statement_run(accounts, STATEMENT_REMEMBER);
	}
	if (result == 0) {
		bind_number(accounts, STATEMENT_DELETE, 1, account.id);
		result = statement_run(accounts, STATEMENT_DELETE);
	}
	result = transaction_end(accounts, result);
	if (result != 0)
		return result;
	if (id_r)
		*id_r = account.id;
	/* The account is gone whatever comes of this; the next writer finishes what fails here. */
	maildir_set_aside(accounts->maildir, account.id);
	return 0;
}

/* Run an UPDATE by address, whose second value is bound already. */
static int
update_account(struct accounts *accounts, enum statement which, struct slice address)
{
	char canonical[ADDRESS_MAX + 1];
	int result;

	if (!address_canonical(address, canonical)) {
		sqlite3_clear_bindings(accounts->statements[which]);
		return -EINVAL;
	}
	bind_text(accounts, which, 1, canonical);
	result = statement_run(accounts, which);
	if (result == 0 && sqlite3_changes(accounts->db) == 0)
		return -ENOENT;
	return result;
}

int
accounts_set_password(struct accounts *accounts, struct slice address, const char *hash)
{
	bind_text(accounts, STATEMENT_SET_PASSWORD, 2, hash ? hash : "");
	return update_account(accounts, STATEMENT_SET_PASSWORD, address);
}

int
accounts_set_state(struct accounts *accounts, struct slice address, enum account_state state)
{
	bind_number(accounts, STATEMENT_SET_STATE, 2, state);
	return update_account(accounts, STATEMENT_SET_STATE, address);
}
