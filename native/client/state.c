#include "client/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/rollup.h"
#include "client/state_sql.h"

#define STATE_VERSION 1
#define OPEN_BUSY_NS  250000000ull
#define BUSY_NS       5000000000ull
#define BUSY_PAUSE_MS 5
/* Behind give_up_at_ns, for processes that close at the same moment: their last transactions are
 * short, and without them their segments are left to the next start. */
#define GRACE_NS 100000000ull

static const char schema_sql[] =
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS counters(name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS segments(id BLOB PRIMARY KEY, consumed INTEGER NOT NULL DEFAULT 0,"
    " counts BLOB) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS batches(id TEXT PRIMARY KEY, schema TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " retries INTEGER NOT NULL DEFAULT 0, next_attempt_ms INTEGER NOT NULL DEFAULT 0,"
    " lease_until_ms INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS batch_hours(batch TEXT, hour INTEGER, type TEXT, n INTEGER NOT "
    "NULL,"
    " PRIMARY KEY(batch, hour, type)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS hourly(hour INTEGER, type TEXT, kept INTEGER NOT NULL DEFAULT 0,"
    " sent INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(hour, type)) WITHOUT ROWID;" CANDOR_ROLLUP_SQL;

/* --- statements ------------------------------------------------------------------------------ */

candor_status candor_sql_fail(candor_state *s, candor_err *err)
{
    int code = sqlite3_errcode(s->db) & 0xff;
    candor_status st = CANDOR_IO;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        s->damaged = true;
        st = CANDOR_CORRUPT;
    } else if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        st = CANDOR_BUSY;
    } else if (code == SQLITE_FULL) {
        st = CANDOR_FULL;
    } else if (code == SQLITE_NOMEM) {
        st = CANDOR_NOMEM;
    } else if (code == SQLITE_READONLY || code == SQLITE_PERM || code == SQLITE_AUTH) {
        st = CANDOR_DENIED;
    } else if (code == SQLITE_ERROR || code == SQLITE_MISMATCH) {
        st = CANDOR_CORRUPT; /* a table is not what it should be */
        s->damaged = true;
    }
    return candor_fail(err, st, 0, "state.db", "state.db: %s", sqlite3_errmsg(s->db));
}

sqlite3_stmt *candor_sql(candor_state *s, const char *sql, candor_err *err)
{
    size_t i = 0;
    while (i < CANDOR_STATEMENTS_MAX && s->cache[i].sql != NULL && s->cache[i].sql != sql)
        i++;
    if (i == CANDOR_STATEMENTS_MAX) {
        (void)candor_fail(err, CANDOR_LIMIT, 0, "state.db", "too many statements");
        return NULL;
    }
    sqlite3_stmt *stmt = s->cache[i].stmt;
    if (stmt == NULL) {
        if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
            SQLITE_OK) {
            (void)!candor_sql_fail(s, err);
            return NULL;
        }
        s->cache[i].sql = sql;
        s->cache[i].stmt = stmt;
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return stmt;
}

candor_status candor_sql_run(candor_state *s, sqlite3_stmt *stmt, candor_err *err)
{
    int rc = sqlite3_step(stmt);
    candor_status st = rc == SQLITE_DONE || rc == SQLITE_ROW ? CANDOR_OK : candor_sql_fail(s, err);
    sqlite3_reset(stmt);
    return st;
}

candor_status candor_sql_row(candor_state *s, sqlite3_stmt *stmt, candor_err *err)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) return CANDOR_OK;
    candor_status st = rc == SQLITE_DONE ? CANDOR_NOTFOUND : candor_sql_fail(s, err);
    sqlite3_reset(stmt);
    return st;
}

void candor_sql_done(sqlite3_stmt *stmt)
{
    if (stmt != NULL) sqlite3_reset(stmt);
}

void candor_sql_text(sqlite3_stmt *stmt, int at, candor_bytes text)
{
    sqlite3_bind_text(stmt, at, text.n != 0 ? text.p : "", (int)text.n, SQLITE_TRANSIENT);
}

candor_bytes candor_sql_column(sqlite3_stmt *stmt, int at)
{
    const char *p = (const char *)sqlite3_column_text(stmt, at);
    return candor_bytes_of(p, p != NULL ? (size_t)sqlite3_column_bytes(stmt, at) : 0);
}

/* --- open, close ----------------------------------------------------------------------------- */

static candor_status exec(candor_state *s, const char *sql, candor_err *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? CANDOR_OK
                                                                   : candor_sql_fail(s, err);
}

/* https://www.sqlite.org/c3ref/busy_handler.html; sqlite3_busy_timeout cannot be told to end while
 * it waits. */
static int wait_busy(void *ctx, int tries)
{
    candor_state *s = ctx;
    uint64_t now = candor_clock_mono_ns();
    int64_t end = s->give_up_at_ns != NULL ? atomic_load(s->give_up_at_ns) : 0;
    if (tries == 0) s->busy_since_ns = now;
    if (now - s->busy_since_ns >= s->patience_ns) return 0;
    if (end != 0 && now >= (uint64_t)end + GRACE_NS) return 0;
    sqlite3_sleep(BUSY_PAUSE_MS);
    return 1;
}

void candor_state_be_patient(candor_state *s, const _Atomic int64_t *give_up_at_ns)
{
    s->patience_ns = BUSY_NS;
    s->give_up_at_ns = give_up_at_ns;
}

static candor_status read_version(candor_state *s, int *version, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "PRAGMA user_version", err);
    if (stmt == NULL) return err != NULL && err->code != CANDOR_OK ? err->code : CANDOR_IO;
    candor_status st = candor_sql_row(s, stmt, err);
    *version = st == CANDOR_OK ? sqlite3_column_int(stmt, 0) : 0;
    candor_sql_done(stmt);
    if (st == CANDOR_OK && *version != 0 && *version != STATE_VERSION)
        return candor_fail(err, CANDOR_CORRUPT, 0, "state.db", "state.db has version %d, not %d",
                           *version, STATE_VERSION);
    return st;
}

/* The version comes with the tables: who finds it need not wait for a writer. */
static candor_status create_tables(candor_state *s, candor_err *err)
{
    candor_status st = exec(s, "BEGIN IMMEDIATE", err);
    if (st != CANDOR_OK) return st;
    st = exec(s, schema_sql, err);
    if (st == CANDOR_OK) st = exec(s, "PRAGMA user_version=1", err);
    return candor_state_end(s, st, err);
}

/* Tables have been added without a new version: they change nothing for a process of an older
 * application that has the file open at the same time. */
static candor_status has_all_tables(candor_state *s, bool *out, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(
        s, "SELECT count(*) FROM sqlite_master WHERE type='table' AND name='rollup_segments'", err);
    if (stmt == NULL) return CANDOR_IO;
    candor_status st = candor_sql_row(s, stmt, err);
    *out = st == CANDOR_OK && sqlite3_column_int(stmt, 0) != 0;
    candor_sql_done(stmt);
    return st;
}

static candor_status check_integrity(candor_state *s, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "PRAGMA quick_check(1)", err);
    if (stmt == NULL) return CANDOR_CORRUPT;
    candor_status st = candor_sql_row(s, stmt, err);
    bool ok = st == CANDOR_OK && candor_bytes_eq(candor_sql_column(stmt, 0), CANDOR_LIT("ok"));
    candor_sql_done(stmt);
    if (st == CANDOR_OK && !ok)
        st = candor_fail(err, CANDOR_CORRUPT, 0, "state.db", "state.db is damaged");
    return st;
}

candor_status candor_state_open(const char *path, candor_state **out, candor_err *err)
{
    *out = NULL;
    candor_err local = {0};
    if (err == NULL) err = &local;
    char name[CANDOR_PATH_MAX] = ":memory:";
    if (path != NULL) {
        candor_status named = candor_path_for_library(path, name, sizeof name, err);
        if (named != CANDOR_OK) return named;
    }
    candor_state *s = calloc(1, sizeof *s);
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "state.db", "out of memory");
    int rc = sqlite3_open_v2(
        name, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    candor_status st = rc == SQLITE_OK ? CANDOR_OK : CANDOR_IO;
    int version = 0;
    bool whole = false;
    if (s->db == NULL)
        st = candor_fail(err, CANDOR_NOMEM, 0, "state.db", "out of memory");
    else if (st != CANDOR_OK)
        st = candor_sql_fail(s, err);
    if (st == CANDOR_OK) {
        s->patience_ns = OPEN_BUSY_NS;
        sqlite3_busy_handler(s->db, wait_busy, s);
        st = exec(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;", err);
    }
    if (st == CANDOR_OK) st = read_version(s, &version, err);
    if (st == CANDOR_OK) st = check_integrity(s, err);
    if (st == CANDOR_OK && version != 0) st = has_all_tables(s, &whole, err);
    if (st == CANDOR_OK && !whole) st = create_tables(s, err);
    if (st != CANDOR_OK) {
        candor_state_close(s);
        return st;
    }
    *out = s;
    return CANDOR_OK;
}

void candor_state_close(candor_state *s)
{
    if (s == NULL) return;
    for (size_t i = 0; i < CANDOR_STATEMENTS_MAX; i++)
        sqlite3_finalize(s->cache[i].stmt);
    sqlite3_close(s->db);
    free(s);
}

bool candor_state_damaged(const candor_state *s)
{
    return s->damaged;
}

candor_status candor_state_begin(candor_state *s, candor_err *err)
{
    return exec(s, "BEGIN IMMEDIATE", err);
}

candor_status candor_state_end(candor_state *s, candor_status so_far, candor_err *err)
{
    if (so_far == CANDOR_OK) so_far = exec(s, "COMMIT", err);
    if (so_far != CANDOR_OK && sqlite3_get_autocommit(s->db) == 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return so_far;
}

/* --- counters, meta -------------------------------------------------------------------------- */

candor_status candor_state_add(candor_state *s, const char *name, uint64_t n, candor_err *err)
{
    if (n == 0) return CANDOR_OK;
    sqlite3_stmt *stmt = candor_sql(s,
                                    "INSERT INTO counters(name,n) VALUES(?1,?2)"
                                    " ON CONFLICT(name) DO UPDATE SET n=n+excluded.n",
                                    err);
    if (stmt == NULL) return CANDOR_IO;
    candor_sql_text(stmt, 1, candor_bytes_str(name));
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)n);
    return candor_sql_run(s, stmt, err);
}

candor_status candor_state_add_loss(candor_state *s, candor_loss loss, uint64_t n, candor_err *err)
{
    char name[64];
    (void)snprintf(name, sizeof name, "loss.%s", candor_loss_name(loss));
    return candor_state_add(s, name, n, err);
}

static candor_status add_counts(candor_state *s, const candor_counts *c, candor_err *err)
{
    char name[64];
    candor_status st = CANDOR_OK;
    for (int i = 0; i < CANDOR_EMIT_COUNT && st == CANDOR_OK; i++) {
        (void)snprintf(name, sizeof name, "emit.%s", candor_emit_name((candor_emit_result)i));
        st = candor_state_add(s, name, c->emit[i], err);
    }
    for (int i = 0; i < CANDOR_ADJUST_COUNT && st == CANDOR_OK; i++) {
        (void)snprintf(name, sizeof name, "adjust.%s", candor_adjust_name((candor_adjust)i));
        st = candor_state_add(s, name, c->adjust[i], err);
    }
    /* Apart from loss.disk_low: these events were never kept. */
    if (st == CANDOR_OK) st = candor_state_add(s, "emit.disk_low", c->disk_low, err);
    return st;
}

static candor_status merged_counts(candor_state *s, const unsigned char id[16], candor_counts *out,
                                   candor_err *err)
{
    memset(out, 0, sizeof *out);
    sqlite3_stmt *stmt = candor_sql(s, "SELECT counts FROM segments WHERE id=?1", err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_blob(stmt, 1, id, 16, SQLITE_TRANSIENT);
    candor_status st = candor_sql_row(s, stmt, err);
    if (st == CANDOR_OK)
        candor_counts_read(out, sqlite3_column_blob(stmt, 0),
                           (size_t)sqlite3_column_bytes(stmt, 0));
    candor_sql_done(stmt);
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
}

static void subtract(candor_counts *from, const candor_counts *what)
{
    for (size_t i = 0; i < CANDOR_EMIT_COUNT; i++)
        from->emit[i] -= what->emit[i];
    from->disk_low -= what->disk_low;
    for (size_t i = 0; i < CANDOR_ADJUST_COUNT; i++)
        from->adjust[i] -= what->adjust[i];
}

candor_status candor_state_merge(candor_state *s, const candor_segment *segment,
                                 candor_counts *delta, candor_err *err)
{
    candor_counts now, merged;
    candor_segment_counts(segment, &now);
    memset(delta, 0, sizeof *delta);
    candor_status st = merged_counts(s, segment->info.id, &merged, err);
    if (st != CANDOR_OK || memcmp(&now, &merged, sizeof now) == 0) return st;
    *delta = now;
    subtract(delta, &merged);
    st = add_counts(s, delta, err);
    if (st != CANDOR_OK) return st;
    sqlite3_stmt *stmt = candor_sql(s,
                                    "INSERT INTO segments(id,counts) VALUES(?1,?2)"
                                    " ON CONFLICT(id) DO UPDATE SET counts=excluded.counts",
                                    err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_blob(stmt, 1, segment->info.id, 16, SQLITE_TRANSIENT);
    sqlite3_bind_blob(stmt, 2, &now, (int)sizeof now, SQLITE_TRANSIENT);
    return candor_sql_run(s, stmt, err);
}

candor_status candor_state_set(candor_state *s, const char *key, candor_bytes value,
                               candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "INSERT OR REPLACE INTO meta(key,value) VALUES(?1,?2)", err);
    if (stmt == NULL) return CANDOR_IO;
    candor_sql_text(stmt, 1, candor_bytes_str(key));
    candor_sql_text(stmt, 2, value);
    return candor_sql_run(s, stmt, err);
}

candor_status candor_state_get(candor_state *s, const char *key, candor_buf *out, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "SELECT value FROM meta WHERE key=?1", err);
    if (stmt == NULL) return CANDOR_IO;
    candor_sql_text(stmt, 1, candor_bytes_str(key));
    candor_status st = candor_sql_row(s, stmt, err);
    if (st == CANDOR_OK) candor_buf_put_bytes(out, candor_sql_column(stmt, 0));
    candor_sql_done(stmt);
    return st;
}

candor_status candor_state_set_number(candor_state *s, const char *key, int64_t value,
                                      candor_err *err)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%" PRId64, value);
    return candor_state_set(s, key, candor_bytes_of(text, n > 0 ? (size_t)n : 0), err);
}

int64_t candor_state_get_number(candor_state *s, const char *key, int64_t fallback)
{
    char text[33] = "";
    candor_buf b;
    candor_buf_init_fixed(&b, text, sizeof text - 1);
    if (candor_state_get(s, key, &b, NULL) != CANDOR_OK || b.n == 0) return fallback;
    text[b.n] = '\0';
    return strtoll(text, NULL, 10);
}
