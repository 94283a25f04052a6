/* Erasure, on the writer's thread, in steps small enough not to hold up ingest: the sessions of the
 * person or machine are listed once, then all rows of ev are passed over in the order of arrival,
 * and the matching ones go together with what they added to the roll-ups. What was deleted is
 * overwritten in the file (secure_delete), and at the end in the log. */
#include <stdio.h>
#include <stdlib.h>

#include "central/store/sqlite_internal.h"

#define SPAN 20000 /* rows passed over in one step */
#define STEP 1000  /* of them, deleted */

#define ERASE_SQL(X)                                                                               \
    X(list, "INSERT INTO temp.erased(id,app,user) SELECT s.id,s.app,s.user_id FROM session s "     \
            "JOIN dict a ON a.id=s.app WHERE (?1 IS NULL OR s.user_id=?1) AND "                    \
            "(?2 IS NULL OR s.machine_id=?2) AND (?3 IS NULL OR a.text=?3)")                       \
    X(last, "SELECT coalesce(max(rowid),0) FROM ev")                                               \
    X(find, "SELECT e.rowid,e.event_id,e.type,e.app,e.session,e.corr,e.payload FROM ev e WHERE "   \
            "e.rowid>?1 AND e.rowid<=?2 AND EXISTS (SELECT 1 FROM temp.erased x WHERE "            \
            "x.id=e.session) ORDER BY e.rowid LIMIT ?3")                                           \
    X(drop, "DELETE FROM ev WHERE rowid=?1")                                                       \
    X(people, "SELECT p.app,p.user,a.text FROM temp.erased_people p JOIN dict a ON a.id=p.app")    \
    X(days, "SELECT r.day FROM r_users d CROSS JOIN r_user r ON r.day=d.day AND r.app=d.app AND "  \
            "r.user=?2 WHERE d.app=?1")                                                            \
    X(charts, "SELECT groups FROM r_chart")                                                        \
    X(word, "INSERT INTO temp.erased_words(id) VALUES(?1) ON CONFLICT DO NOTHING")                 \
    X(forget, "DELETE FROM r_user WHERE day=?1 AND app=?2 AND user=?3")

struct candor_eraser {
    candor_writer *w;
    candor_erasure *e;
    candor_unroll *unroll;
    struct {
        ERASE_SQL(CANDOR_WRITER_STMT)
    } q;
    int64_t at;
    unsigned char ids[STEP][16];
    int64_t rows[STEP];
    size_t n;
};

/* --- open and close ------------------------------------------------------------------------- */

static candor_status list_sessions(candor_eraser *x, candor_err *err)
{
    sqlite3_stmt *s = x->q.list;
    candor_status st;
    sqlite3_bind_text(s, 1, x->e->user, -1, SQLITE_STATIC); /* NULL binds null */
    sqlite3_bind_text(s, 2, x->e->machine, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 3, x->e->app, -1, SQLITE_STATIC);
    st = candor_db_run(s, "list sessions", err);
    if (st == CANDOR_OK) x->e->sessions = (uint64_t)sqlite3_changes(x->w->db);
    return st;
}

candor_status candor_eraser_open(candor_writer *w, candor_erasure *e, candor_eraser **out,
                                 candor_err *err)
{
    candor_eraser *x = calloc(1, sizeof *x);
    candor_status st;
    *out = NULL;
    if (x == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "erase", NULL);
    x->w = w;
    x->e = e;
    st = candor_db_exec(w->db,
                        "PRAGMA secure_delete=ON; DROP TABLE IF EXISTS temp.erased;"
                        "DROP TABLE IF EXISTS temp.erased_words;"
                        "CREATE TEMP TABLE erased_words(id INTEGER PRIMARY KEY);"
                        "DROP TABLE IF EXISTS temp.erased_people;"
                        "CREATE TEMP TABLE erased_people(app INTEGER, user TEXT, "
                        "PRIMARY KEY(app,user)) WITHOUT ROWID;"
                        "CREATE TEMP TABLE erased(id INTEGER PRIMARY KEY, app INTEGER, user TEXT)",
                        err);
#define PREPARE(name, sql)                                                                         \
    if (st == CANDOR_OK) st = candor_db_prepare(w->db, sql, &x->q.name, err);
    ERASE_SQL(PREPARE)
    if (st == CANDOR_OK) st = candor_unroll_new(w, &x->unroll, err);
    if (st == CANDOR_OK) st = list_sessions(x, err);
    if (st != CANDOR_OK)
        candor_eraser_close(x);
    else
        *out = x;
    return st;
}

void candor_eraser_close(candor_eraser *x)
{
    if (x == NULL) return;
    candor_unroll_free(x->unroll);
#define FINALIZE(name, sql) sqlite3_finalize(x->q.name);
    ERASE_SQL(FINALIZE)
    sqlite3_exec(x->w->db,
                 "DROP TABLE IF EXISTS temp.erased;"
                 "DROP TABLE IF EXISTS temp.erased_words;"
                 "DROP TABLE IF EXISTS temp.erased_people; PRAGMA secure_delete=OFF",
                 NULL, NULL, NULL);
    free(x);
}

/* --- events --------------------------------------------------------------------------------- */

static candor_status take_row(candor_eraser *x, candor_err *err)
{
    sqlite3_stmt *s = x->q.find;
    candor_gone g = {.type = sqlite3_column_int64(s, 2),
                     .app = sqlite3_column_int64(s, 3),
                     .session = sqlite3_column_int64(s, 4),
                     .corr = candor_db_column(s, 5),
                     .payload = candor_db_column(s, 6),
                     .corr_is_blob = sqlite3_column_type(s, 5) == SQLITE_BLOB};
    if (sqlite3_column_bytes(s, 1) != 16)
        return candor_fail(err, CANDOR_CORRUPT, 0, "erase", "an event id is not 16 bytes");
    memcpy(g.id, sqlite3_column_blob(s, 1), sizeof g.id);
    memcpy(x->ids[x->n], g.id, sizeof g.id);
    x->rows[x->n++] = sqlite3_column_int64(s, 0);
    return candor_unroll_row(x->unroll, &g, err);
}

static candor_status find_rows(candor_eraser *x, candor_err *err)
{
    sqlite3_stmt *s = x->q.find;
    candor_status st = CANDOR_OK;
    int rc = SQLITE_DONE;
    x->n = 0;
    sqlite3_bind_int64(s, 1, x->at);
    sqlite3_bind_int64(s, 2, x->at + SPAN);
    sqlite3_bind_int(s, 3, STEP);
    while (st == CANDOR_OK && x->n < STEP && (rc = sqlite3_step(s)) == SQLITE_ROW)
        st = take_row(x, err);
    if (st == CANDOR_OK && x->n < STEP && rc != SQLITE_DONE)
        st = candor_db_fail(x->w->db, "erase", err);
    sqlite3_reset(s);
    return st;
}

static candor_status drop_rows(candor_eraser *x, candor_err *err)
{
    candor_status st = x->n != 0 && x->e->content != NULL
                           ? x->e->content(x->e->ctx, (const unsigned char(*)[16])x->ids, x->n, err)
                           : CANDOR_OK;
    size_t i;
    for (i = 0; i < x->n && st == CANDOR_OK; i++) {
        sqlite3_bind_int64(x->q.drop, 1, x->rows[i]);
        st = candor_db_run(x->q.drop, "erase", err);
    }
    return st;
}

/* --- people and sessions -------------------------------------------------------------------- */

static candor_status forget_day(candor_eraser *x, int64_t day, int64_t app, candor_bytes user,
                                candor_err *err)
{
    sqlite3_stmt *s = x->q.forget;
    candor_status st;
    sqlite3_bind_int64(s, 1, day);
    sqlite3_bind_int64(s, 2, app);
    sqlite3_bind_blob(s, 3, user.p, (int)user.n, SQLITE_STATIC);
    st = candor_db_run(s, "erase", err);
    if (st != CANDOR_OK || sqlite3_changes(x->w->db) == 0) return st;
    return candor_rollup_add(x->w, CANDOR_COUNT_USERS, day, app, 0, 0, -1, err);
}

static candor_status forget_person(candor_eraser *x, int64_t app, candor_bytes app_name,
                                   candor_bytes user, candor_err *err)
{
    unsigned char print[8];
    candor_bytes key = candor_bytes_of((const char *)print, sizeof print);
    sqlite3_stmt *s = x->q.days;
    candor_status st = x->e->fingerprint(x->e->ctx, app_name, user, print);
    int rc = SQLITE_DONE;
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "erase", NULL);
    sqlite3_bind_int64(s, 1, app);
    sqlite3_bind_blob(s, 2, print, sizeof print, SQLITE_STATIC);
    while (st == CANDOR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
        st = forget_day(x, sqlite3_column_int64(s, 0), app, key, err);
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(x->w->db, "erase", err);
    sqlite3_reset(s);
    return st;
}

/* Who has other sessions, on another machine, stays counted: found by one pass over the sessions.
 */
static candor_status forget_people(candor_eraser *x, candor_err *err)
{
    static const char list[] =
        "INSERT INTO temp.erased_people SELECT DISTINCT app,user FROM temp.erased;"
        "DELETE FROM temp.erased_people WHERE (app,user) IN (SELECT s.app,s.user_id FROM session s "
        "CROSS JOIN temp.erased_people p ON p.app=s.app AND p.user=s.user_id "
        "WHERE NOT EXISTS (SELECT 1 FROM temp.erased e WHERE e.id=s.id))";
    sqlite3_stmt *s = x->q.people;
    candor_status st = candor_db_exec(x->w->db, list, err);
    int rc = SQLITE_DONE;
    while (st == CANDOR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
        st = forget_person(x, sqlite3_column_int64(s, 0), candor_db_column(s, 2),
                           candor_db_column(s, 1), err);
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(x->w->db, "erase", err);
    sqlite3_reset(s);
    return st;
}

/* --- words ---------------------------------------------------------------------------------- */

static candor_status note_words(candor_eraser *x, candor_bytes groups, candor_err *err)
{
    candor_status st = CANDOR_OK;
    candor_bytes hist;
    int64_t dim, n;
    while (st == CANDOR_OK && candor_chart_group(&groups, &dim, &n, &hist)) {
        sqlite3_bind_int64(x->q.word, 1, dim);
        st = candor_db_run(x->q.word, "erase", err);
    }
    return st;
}

/* A value that nobody else sent is the person's too, and stands in the dictionary. */
static candor_status forget_words(candor_eraser *x, candor_err *err)
{
    static const char sql[] =
        "DELETE FROM dict WHERE kind>=1000 AND id NOT IN (SELECT id FROM temp.erased_words);"
        "DELETE FROM dict WHERE kind IN (4,5) AND id NOT IN (SELECT model FROM r_approval UNION "
        "SELECT decision FROM r_approval UNION SELECT model FROM last_turn UNION SELECT model FROM "
        "pending UNION SELECT decision FROM pending);"
        "DELETE FROM dict WHERE kind IN (2,3) AND id NOT IN (SELECT version FROM session UNION "
        "SELECT platform FROM session);"
        "DELETE FROM dict WHERE kind=6 AND id NOT IN (SELECT grp FROM r_error);"
        "DELETE FROM temp.erased_words";
    sqlite3_stmt *s = x->q.charts;
    candor_status st = CANDOR_OK;
    int rc = SQLITE_DONE;
    while (st == CANDOR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
        st = note_words(x, candor_db_column(s, 0), err);
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(x->w->db, "erase", err);
    sqlite3_reset(s);
    return st == CANDOR_OK ? candor_db_exec(x->w->db, sql, err) : st;
}

static candor_status forget_sessions(candor_eraser *x, candor_err *err)
{
    static const char sql[] = "DELETE FROM last_turn WHERE session IN (SELECT id FROM temp.erased);"
                              "DELETE FROM life WHERE session IN (SELECT id FROM temp.erased);"
                              "DELETE FROM session WHERE id IN (SELECT id FROM temp.erased);"
                              "DELETE FROM r_hour WHERE n<=0; DELETE FROM r_day WHERE n<=0;"
                              "DELETE FROM r_users WHERE n<=0; DELETE FROM r_approval WHERE n<=0;"
                              "DELETE FROM r_version WHERE n<=0; DELETE FROM r_error WHERE n<=0";
    candor_status st = forget_people(x, err);
    if (st == CANDOR_OK) st = candor_rollup_fold(x->w, err);
    if (st == CANDOR_OK) st = candor_db_exec(x->w->db, sql, err);
    return st == CANDOR_OK ? forget_words(x, err) : st;
}

/* --- a step --------------------------------------------------------------------------------- */

static candor_status is_last(candor_eraser *x, bool *last, candor_err *err)
{
    sqlite3_stmt *s = x->q.last;
    candor_status st = CANDOR_OK;
    if (sqlite3_step(s) == SQLITE_ROW)
        *last = x->at >= sqlite3_column_int64(s, 0);
    else
        st = candor_db_fail(x->w->db, "erase", err);
    sqlite3_reset(s);
    return st;
}

static candor_status run_step(candor_eraser *x, bool *last, candor_err *err)
{
    candor_status st = candor_rollup_fold(x->w, err);
    if (st == CANDOR_OK) st = find_rows(x, err);
    if (st == CANDOR_OK) st = drop_rows(x, err);
    if (st == CANDOR_OK) st = candor_unroll_flush(x->unroll, err);
    if (st != CANDOR_OK) return st;
    x->at = x->n == STEP ? x->rows[x->n - 1] : x->at + SPAN;
    st = is_last(x, last, err);
    return st == CANDOR_OK && *last ? forget_sessions(x, err) : st;
}

candor_status candor_eraser_step(candor_eraser *x, bool *more, candor_err *err)
{
    candor_writer *w = x->w;
    bool last = false;
    candor_status st = candor_db_run(w->q.begin, "begin", err);
    if (st == CANDOR_OK) st = run_step(x, &last, err);
    if (st == CANDOR_OK) st = candor_db_run(w->q.commit, "commit", err);
    if (st != CANDOR_OK && !sqlite3_get_autocommit(w->db)) {
        sqlite3_step(w->q.rollback);
        sqlite3_reset(w->q.rollback);
    }
    if (st != CANDOR_OK) candor_rollup_drop(w);
    if (st == CANDOR_OK) x->e->events += x->n;
    *more = st == CANDOR_OK && !last;
    if (*more) return st;
    candor_cache_clear(&w->cache); /* it may know sessions that are gone, or names not stored */
    w->turns_warm = false;
    w->n_pending = -1;
    if (last) /* a reader may put it off: then the next checkpoint overwrites the log */
        (void)sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return st;
}
