/* Opening, pragmas, tables, and the few calls that every file of this sink needs. */
#include <stdio.h>

#include "central/store/sqlite_internal.h"

#define BUSY_MS 10000 /* a token command holds the lock for a moment only */

candor_status candor_db_fail(sqlite3 *db, const char *op, candor_err *err)
{
    int code = db != NULL ? sqlite3_errcode(db) : SQLITE_NOMEM;
    candor_status st = CANDOR_IO;
    if (code == SQLITE_NOMEM) st = CANDOR_NOMEM;
    if (code == SQLITE_FULL) st = CANDOR_FULL;
    if (code == SQLITE_INTERRUPT) st = CANDOR_TIMEOUT; /* only candor_reader_allow interrupts */
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) st = CANDOR_BUSY;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) st = CANDOR_CORRUPT;
    return candor_fail(err, st, db != NULL ? sqlite3_system_errno(db) : 0, op, "%s",
                       db != NULL ? sqlite3_errmsg(db) : "out of memory");
}

candor_status candor_db_exec(sqlite3 *db, const char *sql, candor_err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? CANDOR_OK
                                                                : candor_db_fail(db, "sqlite", err);
}

candor_status candor_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, candor_err *err)
{
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return rc == SQLITE_OK ? CANDOR_OK : candor_db_fail(db, "prepare", err);
}

candor_status candor_db_run(sqlite3_stmt *s, const char *op, candor_err *err)
{
    int rc = sqlite3_step(s);
    candor_status st = CANDOR_OK;
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) st = candor_db_fail(sqlite3_db_handle(s), op, err);
    sqlite3_reset(s);
    return st;
}

void candor_db_bind_text(sqlite3_stmt *s, int at, candor_bytes text)
{
    sqlite3_bind_text(s, at, text.n != 0 ? text.p : "", (int)text.n, SQLITE_STATIC);
}

candor_bytes candor_db_column(sqlite3_stmt *s, int at)
{
    const char *p = sqlite3_column_type(s, at) == SQLITE_BLOB
                        ? sqlite3_column_blob(s, at)
                        : (const char *)sqlite3_column_text(s, at);
    return candor_bytes_of(p, p != NULL ? (size_t)sqlite3_column_bytes(s, at) : 0);
}

/* auto_vacuum comes first: only a database without tables takes it. It lets candor_space_step give
 * pages back.
 * FULL: an acknowledged event survives power loss. The WAL is checkpointed each 4000 pages: fewer,
 * and hot pages are written more often; more, and a commit that checkpoints takes noticeably
 * longer. */
candor_status candor_db_open(const char *path, const candor_db_key *key, bool writable,
                             uint64_t cache_kib, sqlite3 **out, candor_err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE);
    char pragmas[384];
    candor_status st;
    *out = NULL;
    if (sqlite3_open_v2(path, out, flags, NULL) != SQLITE_OK) {
        st = candor_db_fail(*out, "open the database", err);
        sqlite3_close(*out);
        *out = NULL;
        return st;
    }
    sqlite3_extended_result_codes(*out, 0);
    sqlite3_busy_timeout(*out, BUSY_MS);
    snprintf(pragmas, sizeof pragmas,
             "%sPRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;"
             "PRAGMA journal_size_limit=67108864;"
             "PRAGMA cache_size=-%llu; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;%s",
             writable ? "PRAGMA auto_vacuum=INCREMENTAL;" : "", (unsigned long long)cache_kib,
             writable ? "" : "PRAGMA query_only=ON;");
    st = candor_db_key_apply(*out, key, err);
    if (st == CANDOR_OK)
        st = candor_db_key_explain(candor_db_exec(*out, pragmas, err), path, key, err);
    if (st != CANDOR_OK) {
        sqlite3_close(*out);
        *out = NULL;
    }
    return st;
}

/* ev keeps its rows in the order of arrival, behind a narrow index of ids: clients send up to 30 s
 * late, and rows kept in the order of ids would have such events rewrite wide pages all over the
 * newest part of the tree, at twice the time.
 * Its columns are not declared NOT NULL, though only corr is ever null: a statement of many rows
 * that might abort keeps a journal of every page it touches.
 *
 * ev.dt is timestamp minus the event id's own time, zero for nearly all. Type 1 is Error: the
 * condition of a partial index must be a constant, so its number is fixed here. Hours and days are
 * those of the event id's time, in UTC. */
static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('format',2) ON CONFLICT DO NOTHING;"
    "CREATE TABLE IF NOT EXISTS token(id TEXT PRIMARY KEY, digest BLOB NOT NULL, scopes INTEGER "
    "NOT NULL,"
    " app TEXT NOT NULL, created INTEGER NOT NULL, revoked INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS token_privacy(id TEXT PRIMARY KEY, epsilon INTEGER NOT NULL,"
    " budget INTEGER NOT NULL, renew_days INTEGER NOT NULL, min_group INTEGER NOT NULL,"
    " period INTEGER NOT NULL, spent INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS private_answer(token TEXT, question BLOB, body BLOB NOT NULL,"
    " PRIMARY KEY(token,question)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS type(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " category TEXT NOT NULL);"
    "INSERT INTO type VALUES(1,'Error','') ON CONFLICT DO NOTHING;"
    "CREATE TABLE IF NOT EXISTS dict(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text TEXT NOT "
    "NULL,"
    " UNIQUE(kind,text));"
    "CREATE TABLE IF NOT EXISTS session(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,"
    " session_id TEXT NOT NULL, user_id TEXT NOT NULL, machine_id TEXT NOT NULL, app INTEGER NOT "
    "NULL,"
    " version INTEGER NOT NULL, platform INTEGER NOT NULL, last_day INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS ev(event_id BLOB UNIQUE, type INTEGER, app INTEGER,"
    " session INTEGER, dt INTEGER, corr, payload TEXT);"
    "CREATE INDEX IF NOT EXISTS ev_error ON ev(event_id) WHERE type=1;"
    "CREATE TABLE IF NOT EXISTS batch(id BLOB PRIMARY KEY, digest BLOB NOT NULL,"
    " received INTEGER NOT NULL, skew INTEGER, events INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS batch_received ON batch(received);"
    "CREATE INDEX IF NOT EXISTS session_day ON session(last_day);"
    "CREATE TABLE IF NOT EXISTS r_hour(type INTEGER, app INTEGER, hour INTEGER, n INTEGER NOT NULL,"
    " PRIMARY KEY(type,app,hour)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS r_day(day INTEGER, type INTEGER, app INTEGER, n INTEGER NOT NULL,"
    " PRIMARY KEY(day,type,app)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS r_user(day INTEGER, app INTEGER, user BLOB,"
    " PRIMARY KEY(day,app,user)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS r_users(day INTEGER, app INTEGER, n INTEGER NOT NULL,"
    " PRIMARY KEY(day,app)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS r_chart(type INTEGER, day INTEGER, app INTEGER, groups BLOB NOT "
    "NULL,"
    " PRIMARY KEY(type,day,app)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS r_approval(day INTEGER, app INTEGER, model INTEGER, decision "
    "INTEGER,"
    " n INTEGER NOT NULL, PRIMARY KEY(day,app,model,decision)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS r_version(day INTEGER, app INTEGER, version INTEGER, what INTEGER,"
    " n INTEGER NOT NULL, PRIMARY KEY(day,app,version,what)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS r_error(day INTEGER, app INTEGER, grp INTEGER, n INTEGER NOT NULL,"
    " PRIMARY KEY(day,app,grp)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS last_turn(session INTEGER PRIMARY KEY, model INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS pending(corr, event_id BLOB, day INTEGER NOT NULL, app INTEGER NOT "
    "NULL,"
    " model INTEGER NOT NULL, decision INTEGER NOT NULL, PRIMARY KEY(corr,event_id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS life(session INTEGER, event_id BLOB,"
    " PRIMARY KEY(session,event_id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS r_delta(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS r_gen(day INTEGER PRIMARY KEY, gen INTEGER NOT NULL);"
    "COMMIT";

static candor_status check_format(sqlite3 *db, int format, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(db, "SELECT value FROM meta WHERE key='format'", &s, err);
    if (st != CANDOR_OK) return st;
    if (sqlite3_step(s) != SQLITE_ROW || sqlite3_column_int(s, 0) != format)
        st = candor_fail(err, CANDOR_CORRUPT, 0, "open the database",
                         "its format is %d and this version reads format %d; use the version that "
                         "wrote it",
                         sqlite3_column_int(s, 0), format);
    sqlite3_finalize(s);
    return st;
}

candor_status candor_db_create(sqlite3 *db, const char *sql, int format, candor_err *err)
{
    candor_status st = candor_db_exec(db, sql, err);
    if (st != CANDOR_OK && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    if (st == CANDOR_OK) st = check_format(db, format, err);
    return st;
}

candor_status candor_db_create_schema(sqlite3 *db, candor_err *err)
{
    return candor_db_create(db, schema_sql, CANDOR_EVENTS_FORMAT, err);
}
