/* The rows of state.db that describe batches and segments. */
#include <stdio.h>

#include "client/state_sql.h"

#define ROW_COLUMNS "id,schema,created_ms,events,bytes,retries,next_attempt_ms"

static void bind_id(sqlite3_stmt *stmt, int at, const char *id)
{
    candor_sql_text(stmt, at, candor_bytes_str(id));
}

static void copy_text(sqlite3_stmt *stmt, int at, char *out, size_t cap)
{
    candor_bytes t = candor_sql_column(stmt, at);
    size_t n = t.n < cap - 1 ? t.n : cap - 1;
    if (n != 0) memcpy(out, t.p, n);
    out[n] = '\0';
}

static void read_row(sqlite3_stmt *stmt, candor_batch_row *out)
{
    memset(out, 0, sizeof *out);
    copy_text(stmt, 0, out->id, sizeof out->id);
    copy_text(stmt, 1, out->schema_hash, sizeof out->schema_hash);
    out->created_ms = sqlite3_column_int64(stmt, 2);
    out->events = (uint64_t)sqlite3_column_int64(stmt, 3);
    out->bytes = (uint64_t)sqlite3_column_int64(stmt, 4);
    out->retries = sqlite3_column_int64(stmt, 5);
    out->next_attempt_ms = sqlite3_column_int64(stmt, 6);
}

/* Run sql with the id as ?1 and up to two numbers; *changes receives how many rows it touched. */
static candor_status run_on(candor_state *s, const char *sql, const char *id, int64_t a, int64_t b,
                            bool *changed, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, sql, err);
    if (stmt == NULL) return CANDOR_IO;
    bind_id(stmt, 1, id);
    int parameters = sqlite3_bind_parameter_count(stmt);
    if (parameters >= 2) sqlite3_bind_int64(stmt, 2, a);
    if (parameters >= 3) sqlite3_bind_int64(stmt, 3, b);
    candor_status st = candor_sql_run(s, stmt, err);
    if (changed != NULL) *changed = st == CANDOR_OK && sqlite3_changes(s->db) != 0;
    return st;
}

/* --- insert ---------------------------------------------------------------------------------- */

static candor_status insert_row(candor_state *s, const candor_batch_row *row, bool *inserted,
                                candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(
        s, "INSERT OR IGNORE INTO batches(" ROW_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7)", err);
    if (stmt == NULL) return CANDOR_IO;
    bind_id(stmt, 1, row->id);
    bind_id(stmt, 2, row->schema_hash);
    sqlite3_bind_int64(stmt, 3, row->created_ms);
    sqlite3_bind_int64(stmt, 4, (sqlite3_int64)row->events);
    sqlite3_bind_int64(stmt, 5, (sqlite3_int64)row->bytes);
    sqlite3_bind_int64(stmt, 6, row->retries);
    sqlite3_bind_int64(stmt, 7, row->next_attempt_ms);
    candor_status st = candor_sql_run(s, stmt, err);
    *inserted = st == CANDOR_OK && sqlite3_changes(s->db) != 0;
    return st;
}

static candor_status insert_hour(candor_state *s, const char *id, const candor_hour_count *c,
                                 candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s,
                                    "INSERT INTO batch_hours(batch,hour,type,n) VALUES(?1,?2,?3,?4)"
                                    " ON CONFLICT DO UPDATE SET n=n+excluded.n",
                                    err);
    if (stmt == NULL) return CANDOR_IO;
    bind_id(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, c->hour);
    candor_sql_text(stmt, 3, c->type);
    sqlite3_bind_int64(stmt, 4, (sqlite3_int64)c->n);
    return candor_sql_run(s, stmt, err);
}

candor_status candor_state_add_batch(candor_state *s, const candor_batch_row *row,
                                     const candor_hour_count *counts, size_t n, candor_err *err)
{
    bool inserted = false;
    candor_status st = insert_row(s, row, &inserted, err);
    if (st != CANDOR_OK || !inserted) return st;
    for (size_t i = 0; i < n && st == CANDOR_OK; i++)
        st = insert_hour(s, row->id, &counts[i], err);
    if (st == CANDOR_OK)
        st = run_on(s,
                    "INSERT INTO hourly(hour,type,kept) SELECT hour,type,n FROM batch_hours"
                    " WHERE batch=?1 ON CONFLICT(hour,type) DO UPDATE SET kept=kept+excluded.kept",
                    row->id, 0, 0, NULL, err);
    if (st == CANDOR_OK) st = candor_state_add(s, "kept", row->events, err);
    return st;
}

/* --- look ------------------------------------------------------------------------------------ */

candor_known candor_state_knows(candor_state *s, const char *id)
{
    sqlite3_stmt *stmt = candor_sql(s, "SELECT gone FROM batches WHERE id=?1", NULL);
    if (stmt == NULL) return CANDOR_KNOWN_NO;
    bind_id(stmt, 1, id);
    candor_known known = CANDOR_KNOWN_NO;
    if (candor_sql_row(s, stmt, NULL) == CANDOR_OK)
        known = sqlite3_column_int(stmt, 0) != 0 ? CANDOR_KNOWN_GONE : CANDOR_KNOWN_LIVE;
    candor_sql_done(stmt);
    return known;
}

candor_status candor_state_next(candor_state *s, const char *after, int64_t now_ms, bool leased,
                                candor_batch_row *out, candor_err *err)
{
    sqlite3_stmt *stmt =
        candor_sql(s,
                   "SELECT " ROW_COLUMNS " FROM batches WHERE id>?1 AND gone=0"
                   " AND (next_attempt_ms<=?2 OR next_attempt_ms>?5)"
                   " AND (?3 OR lease_until_ms<=?4 OR lease_until_ms>?5) ORDER BY id LIMIT 1",
                   err);
    if (stmt == NULL) return CANDOR_IO;
    bind_id(stmt, 1, after);
    sqlite3_bind_int64(stmt, 2, now_ms);
    sqlite3_bind_int(stmt, 3, leased ? 1 : 0);
    sqlite3_bind_int64(stmt, 4, candor_clock_unix_ms());
    sqlite3_bind_int64(stmt, 5, candor_clock_unix_ms() + CANDOR_AHEAD_MAX_MS);
    candor_status st = candor_sql_row(s, stmt, err);
    if (st == CANDOR_OK) read_row(stmt, out);
    candor_sql_done(stmt);
    return st;
}

candor_status candor_state_each(candor_state *s, candor_batch_visit visit, void *ctx,
                                candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "SELECT " ROW_COLUMNS ",gone FROM batches ORDER BY id", err);
    if (stmt == NULL) return CANDOR_IO;
    candor_status st;
    while ((st = candor_sql_row(s, stmt, err)) == CANDOR_OK) {
        candor_batch_row row;
        read_row(stmt, &row);
        if (!visit(ctx, &row, sqlite3_column_int(stmt, 7) != 0)) break;
    }
    candor_sql_done(stmt);
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
}

/* --- outcome --------------------------------------------------------------------------------- */

candor_status candor_state_lease(candor_state *s, const char *id, int64_t until_ms, candor_err *err)
{
    return run_on(s, "UPDATE batches SET lease_until_ms=?2 WHERE id=?1", id, until_ms, 0, NULL,
                  err);
}

candor_status candor_state_retry(candor_state *s, const char *id, int64_t retries,
                                 int64_t next_attempt_ms, candor_err *err)
{
    return run_on(s,
                  "UPDATE batches SET retries=?2, next_attempt_ms=?3, lease_until_ms=0 WHERE id=?1",
                  id, retries, next_attempt_ms, NULL, err);
}

static candor_status mark_gone(candor_state *s, const char *id, bool *changed, candor_err *err)
{
    return run_on(s, "UPDATE batches SET gone=1 WHERE id=?1 AND gone=0", id, 0, 0, changed, err);
}

candor_status candor_state_mark_lost(candor_state *s, const candor_batch_row *row, candor_loss loss,
                                     bool *changed, candor_err *err)
{
    candor_status st = mark_gone(s, row->id, changed, err);
    if (st == CANDOR_OK && *changed) st = candor_state_add_loss(s, loss, row->events, err);
    return st;
}

candor_status candor_state_mark_sent(candor_state *s, const candor_batch_row *row,
                                     uint64_t rejected, bool *changed, candor_err *err)
{
    if (rejected > row->events) rejected = row->events;
    candor_status st = mark_gone(s, row->id, changed, err);
    if (st != CANDOR_OK || !*changed) return st;
    st = run_on(s,
                "INSERT INTO hourly(hour,type,sent) SELECT hour,type,n FROM batch_hours"
                " WHERE batch=?1 ON CONFLICT(hour,type) DO UPDATE SET sent=sent+excluded.sent",
                row->id, 0, 0, NULL, err);
    if (st == CANDOR_OK) st = candor_state_add(s, "sent.batches", 1, err);
    if (st == CANDOR_OK) st = candor_state_add(s, "sent.events", row->events - rejected, err);
    if (st == CANDOR_OK) st = candor_state_add_loss(s, CANDOR_LOSS_REFUSED, rejected, err);
    return st;
}

candor_status candor_state_forget(candor_state *s, const char *id, candor_err *err)
{
    candor_status st = run_on(s, "DELETE FROM batch_hours WHERE batch=?1", id, 0, 0, NULL, err);
    if (st == CANDOR_OK)
        st = run_on(s, "DELETE FROM batches WHERE id=?1 AND gone=1", id, 0, 0, NULL, err);
    return st;
}

/* --- segments -------------------------------------------------------------------------------- */

uint64_t candor_state_consumed(candor_state *s, const unsigned char id[16])
{
    sqlite3_stmt *stmt = candor_sql(s, "SELECT consumed FROM segments WHERE id=?1", NULL);
    if (stmt == NULL) return 0;
    sqlite3_bind_blob(stmt, 1, id, 16, SQLITE_TRANSIENT);
    uint64_t at = 0;
    if (candor_sql_row(s, stmt, NULL) == CANDOR_OK) at = (uint64_t)sqlite3_column_int64(stmt, 0);
    candor_sql_done(stmt);
    return at;
}

candor_status candor_state_set_consumed(candor_state *s, const unsigned char id[16], uint64_t at,
                                        candor_err *err)
{
    sqlite3_stmt *stmt =
        candor_sql(s,
                   "INSERT INTO segments(id,consumed) VALUES(?1,?2) ON CONFLICT(id)"
                   " DO UPDATE SET consumed=max(consumed,excluded.consumed)",
                   err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_blob(stmt, 1, id, 16, SQLITE_TRANSIENT);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)at);
    return candor_sql_run(s, stmt, err);
}

candor_status candor_state_forget_segment(candor_state *s, const unsigned char id[16],
                                          candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "DELETE FROM segments WHERE id=?1", err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_blob(stmt, 1, id, 16, SQLITE_TRANSIENT);
    return candor_sql_run(s, stmt, err);
}

candor_status candor_state_each_segment(candor_state *s,
                                        void (*visit)(void *, const unsigned char *), void *ctx,
                                        candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "SELECT id FROM segments", err);
    if (stmt == NULL) return CANDOR_IO;
    candor_status st;
    while ((st = candor_sql_row(s, stmt, err)) == CANDOR_OK)
        if (sqlite3_column_bytes(stmt, 0) == 16) visit(ctx, sqlite3_column_blob(stmt, 0));
    candor_sql_done(stmt);
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
}

candor_status candor_state_trim_hours(candor_state *s, int64_t before_hour, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "DELETE FROM hourly WHERE hour<?1", err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_int64(stmt, 1, before_hour);
    return candor_sql_run(s, stmt, err);
}
