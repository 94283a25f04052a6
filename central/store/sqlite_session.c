/* /api/telemetry/sessions: newest first, bounded. A session's row says who and which app; when it
 * began and ended comes from its SessionStart and SessionEnd, which with its errors are noted in
 * table life as they arrive: an index of ev, even a partial one, would cost every event. */
#include <stdio.h>

#include "central/store/sqlite_reader.h"

#define START "SessionStart"
#define END   "SessionEnd"

/* --- table life ------------------------------------------------------------------------------- */

/* -1: the database knows no such type. */
static candor_status type_number(sqlite3 *db, const char *name, int64_t *out, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(db, "SELECT id FROM type WHERE name=?1", &s, err);
    int rc;
    if (st != CANDOR_OK) return st;
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    rc = sqlite3_step(s);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) st = candor_db_fail(db, "find a type", err);
    sqlite3_finalize(s);
    return st;
}

static candor_status lifecycle_types(sqlite3 *db, int64_t *start, int64_t *end, candor_err *err)
{
    candor_status st = type_number(db, START, start, err);
    return st == CANDOR_OK ? type_number(db, END, end, err) : st;
}

candor_status candor_life_fill(sqlite3 *db, candor_err *err)
{
    char sql[384];
    int64_t start, end;
    candor_status st = lifecycle_types(db, &start, &end, err);
    if (st != CANDOR_OK) return st;
    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE; INSERT INTO life(session,event_id) SELECT session,event_id FROM ev "
             "WHERE type IN (%d,%lld,%lld) AND NOT EXISTS (SELECT 1 FROM meta WHERE key='life') "
             "ON CONFLICT DO NOTHING; INSERT INTO meta VALUES('life',1) ON CONFLICT DO NOTHING; "
             "COMMIT",
             CANDOR_ERROR_TYPE, (long long)start, (long long)end);
    st = candor_db_exec(db, sql, err);
    if (st != CANDOR_OK && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

candor_status candor_life_open(candor_reader *r, candor_err *err)
{
    return lifecycle_types(r->db, &r->start_type, &r->end_type, err);
}

/* --- one session ---------------------------------------------------------------------------- */

typedef struct scan {
    candor_reader *r;
    const candor_session_filter *f;
    bool (*visit)(void *ctx, const candor_stored_session *s);
    void *ctx;
    candor_session_page *page;
    unsigned looked;
    bool stop;
} scan;

static bool is(candor_bytes text, const char *want)
{
    return want == NULL || candor_bytes_eq(text, candor_bytes_str(want));
}

static bool matches(const scan *s, const candor_stored_session *x)
{
    const candor_session_filter *f = s->f;
    const candor_context *c = &x->context;
    return candor_session_reaches(f, c->session_id, x->last_day) && is(c->app, f->app) &&
           is(c->session_id, f->match.session) && is(c->user_id, f->match.user) &&
           is(c->machine_id, f->match.machine) && is(c->app_version, f->match.version);
}

static void take_event(candor_reader *r, candor_stored_session *x)
{
    sqlite3_stmt *q = r->q.lifecycle;
    int64_t type = sqlite3_column_int64(q, 0), ms = -1;
    if (sqlite3_column_bytes(q, 1) == 16)
        ms = (int64_t)candor_uuid7_ms(sqlite3_column_blob(q, 1)) + sqlite3_column_int64(q, 2);
    if (type == r->start_type && (x->started_ms < 0 || ms < x->started_ms)) x->started_ms = ms;
    if (type == r->end_type && ms > x->ended_ms) x->ended_ms = ms;
    if (type == CANDOR_ERROR_TYPE) x->errors++;
}

/* The payload of the end is borrowed from the statement, which stands on it while visit runs. */
static candor_status show(scan *s, candor_stored_session *x, int64_t id, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.lifecycle;
    candor_status st = CANDOR_OK;
    int rc;
    sqlite3_bind_int64(q, 1, id);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW)
        take_event(s->r, x);
    if (rc != SQLITE_DONE) st = candor_db_fail(s->r->db, "query", err);
    sqlite3_reset(q);
    while (st == CANDOR_OK && x->ended_ms >= 0 && x->end_payload.n == 0 &&
           sqlite3_step(q) == SQLITE_ROW)
        if (sqlite3_column_int64(q, 0) == s->r->end_type) x->end_payload = candor_db_column(q, 3);
    if (st == CANDOR_OK && !s->visit(s->ctx, x))
        st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    sqlite3_reset(q);
    return st;
}

static candor_status look_at(scan *s, sqlite3_stmt *q, candor_err *err)
{
    candor_stored_session x = {.started_ms = -1, .ended_ms = -1};
    int64_t id = sqlite3_column_int64(q, 0);
    bool match;
    x.context.session_id = candor_db_column(q, 1);
    x.context.user_id = candor_db_column(q, 2);
    x.context.machine_id = candor_db_column(q, 3);
    x.context.app = candor_db_column(q, 4);
    x.context.app_version = candor_db_column(q, 5);
    x.context.platform = candor_db_column(q, 6);
    x.last_day = sqlite3_column_int64(q, 7);
    match = matches(s, &x);
    if ((match && s->page->found == s->f->limit) || s->looked == s->f->scan_rows) {
        s->page->more = s->stop = true;
        return CANDOR_OK;
    }
    s->looked++;
    candor_put_u64(s->page->cursor, (uint64_t)id);
    if (!match) return CANDOR_OK;
    s->page->found++;
    return show(s, &x, id, err);
}

candor_status candor_reader_sessions(candor_reader *r, const candor_session_filter *f,
                                     bool (*visit)(void *ctx, const candor_stored_session *s),
                                     void *ctx, candor_session_page *out, candor_err *err)
{
    scan s = {.r = r, .f = f, .visit = visit, .ctx = ctx, .page = out};
    sqlite3_stmt *q = r->q.sessions;
    candor_status st = candor_db_exec(r->db, "BEGIN", err);
    int rc = SQLITE_DONE;
    memset(out, 0, sizeof *out);
    if (st != CANDOR_OK) return st;
    sqlite3_bind_int64(q, 1, f->has_cursor ? (int64_t)candor_get_u64(f->cursor) : INT64_MAX);
    while (st == CANDOR_OK && !s.stop && (rc = sqlite3_step(q)) == SQLITE_ROW)
        st = look_at(&s, q, err);
    if (st == CANDOR_OK && !s.stop && rc != SQLITE_DONE) st = candor_db_fail(r->db, "query", err);
    sqlite3_reset(q);
    if (st == CANDOR_OK && r->cut) st = candor_fail(err, CANDOR_TIMEOUT, 0, "query", NULL);
    sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
    return st;
}
