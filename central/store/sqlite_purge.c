/* Retention, on the writer's thread, in steps small enough not to hold up ingest. Whole days go, so
 * that roll-ups stay equal to the rows they count. */
#include <stdio.h>

#include "central/store/sqlite_internal.h"

#define STEP_ROWS 2000

static void put_floor(int64_t ms, unsigned char id[16])
{
    int i;
    memset(id, 0, 16);
    for (i = 0; i < 6; i++)
        id[i] = (unsigned char)((uint64_t)ms >> (40 - 8 * i));
}

void candor_day_floor(int64_t day, unsigned char id[16])
{
    put_floor(day * CANDOR_DAY_MS, id);
}

/* sql deletes at most ?2 rows that are older than ?1. */
static candor_status delete_some(candor_writer *w, const char *sql, int64_t before, int *deleted,
                                 candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(w->db, sql, &s, err);
    if (st != CANDOR_OK) return st;
    sqlite3_bind_int64(s, 1, before);
    sqlite3_bind_int(s, 2, STEP_ROWS);
    st = candor_db_run(s, "delete what is old", err);
    *deleted = st == CANDOR_OK ? sqlite3_changes(w->db) : 0;
    sqlite3_finalize(s);
    return st;
}

/* Number of a type as the catalogue has it; one that it no longer has is of no category. */
static candor_bytes category_of(const candor_writer *w, int64_t type)
{
    unsigned i, n = candor_schema_count(w->schema);
    for (i = 0; i < n; i++)
        if (w->type_no[i] == type) return candor_schema_at(w->schema, i)->category;
    return CANDOR_LIT("");
}

/* s deletes events RETURNING their type, or what hangs on them. */
static candor_status run_deletion(candor_writer *w, sqlite3_stmt *s, candor_deleted *tally,
                                  int *deleted, candor_err *err)
{
    int rc;
    *deleted = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        candor_deleted_add(tally, category_of(w, sqlite3_column_int64(s, 0)), 1);
        ++*deleted;
    }
    return rc == SQLITE_DONE ? CANDOR_OK : candor_db_fail(w->db, "delete old events", err);
}

/* (-1,1,2,..): the types of the sweep's categories; a type that is no longer known is in none. */
static void put_types(const candor_writer *w, const candor_sweep *sweep, candor_buf *out)
{
    unsigned i, n = candor_schema_count(w->schema);
    candor_buf_put_bytes(out, CANDOR_LIT("(-1"));
    for (i = 0; i < n; i++)
        if (candor_sweep_takes(sweep, candor_schema_at(w->schema, i)->category))
            candor_buf_putf(out, ",%lld", (long long)w->type_no[i]);
    candor_buf_put_c(out, ')');
}

static candor_status sweep_table(candor_writer *w, const char *head, const char *tail,
                                 const candor_buf *types, const candor_sweep *sweep,
                                 candor_deleted *tally, int *deleted, candor_err *err)
{
    unsigned char low[16], high[16];
    candor_buf sql = {0};
    sqlite3_stmt *s = NULL;
    candor_status st = CANDOR_OK;
    candor_buf_put_bytes(&sql, candor_bytes_str(head));
    candor_buf_put_bytes(&sql, candor_buf_bytes(types));
    candor_buf_put_bytes(&sql, candor_bytes_str(tail));
    candor_buf_put_c(&sql, '\0');
    if (sql.failed) st = candor_fail(err, CANDOR_NOMEM, 0, "delete what is old", NULL);
    if (st == CANDOR_OK) st = candor_db_prepare(w->db, sql.p, &s, err);
    put_floor(sweep->from_ms, low);
    put_floor(sweep->to_ms, high);
    if (st == CANDOR_OK) {
        sqlite3_bind_blob(s, 1, low, sizeof low, SQLITE_STATIC);
        sqlite3_bind_blob(s, 2, high, sizeof high, SQLITE_STATIC);
        st = run_deletion(w, s, tally, deleted, err);
    }
    sqlite3_finalize(s);
    candor_buf_free(&sql);
    return st;
}

static candor_status delete_events(candor_writer *w, int64_t cutoff_day, int *deleted,
                                   candor_err *err)
{
    sqlite3_stmt *s = NULL;
    unsigned char id[16];
    candor_status st;
    candor_day_floor(cutoff_day, id);
    st = candor_db_prepare(w->db,
                           "DELETE FROM ev WHERE event_id IN (SELECT event_id FROM ev WHERE "
                           "event_id<?1 ORDER BY event_id LIMIT ?2) RETURNING type",
                           &s, err);
    if (st != CANDOR_OK) return st;
    sqlite3_bind_blob(s, 1, id, sizeof id, SQLITE_STATIC);
    sqlite3_bind_int(s, 2, STEP_ROWS);
    st = run_deletion(w, s, w->deleted, deleted, err);
    sqlite3_finalize(s);
    return st;
}

/* What hangs on the events goes first. */
candor_status candor_purge_sweep(candor_writer *w, const candor_sweep *sweep, candor_err *err)
{
    static const char lives[] = "DELETE FROM life WHERE (session,event_id) IN (SELECT "
                                "session,event_id FROM ev WHERE event_id>=?1 AND event_id<?2 AND "
                                "type IN ";
    static const char events[] = "DELETE FROM ev WHERE event_id>=?1 AND event_id<?2 AND type IN ";
    candor_buf types = {0};
    int deleted = 0;
    candor_status st;
    put_types(w, sweep, &types);
    if (types.failed) return candor_fail(err, CANDOR_NOMEM, 0, "delete what is old", NULL);
    st = candor_db_exec(w->db, "BEGIN IMMEDIATE", err);
    if (st == CANDOR_OK) st = sweep_table(w, lives, ")", &types, sweep, NULL, &deleted, err);
    if (st == CANDOR_OK)
        st =
            sweep_table(w, events, " RETURNING type", &types, sweep, sweep->deleted, &deleted, err);
    if (st == CANDOR_OK) st = candor_db_exec(w->db, "COMMIT", err);
    if (st != CANDOR_OK && !sqlite3_get_autocommit(w->db))
        sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL);
    candor_buf_free(&types);
    return st;
}

static candor_status delete_sessions(candor_writer *w, int64_t cutoff_day, int *deleted,
                                     candor_err *err)
{
    static const char turns[] = "DELETE FROM last_turn WHERE session IN (SELECT id FROM session "
                                "WHERE last_day<?1 ORDER BY last_day,id LIMIT ?2)";
    static const char lives[] = "DELETE FROM life WHERE session IN (SELECT id FROM session "
                                "WHERE last_day<?1 ORDER BY last_day,id LIMIT ?2)";
    static const char sessions[] = "DELETE FROM session WHERE id IN (SELECT id FROM session "
                                   "WHERE last_day<?1 ORDER BY last_day,id LIMIT ?2)";
    candor_status st = candor_db_exec(w->db, "BEGIN IMMEDIATE", err);
    if (st == CANDOR_OK) st = delete_some(w, turns, cutoff_day, deleted, err);
    if (st == CANDOR_OK) st = delete_some(w, lives, cutoff_day, deleted, err);
    if (st == CANDOR_OK) st = delete_some(w, sessions, cutoff_day, deleted, err);
    if (st == CANDOR_OK) st = candor_db_exec(w->db, "COMMIT", err);
    if (st != CANDOR_OK && !sqlite3_get_autocommit(w->db))
        sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL);
    if (*deleted != 0) candor_cache_clear(&w->cache); /* it may know them */
    return st;
}

/* The tables that grow with use, some rows of the first that has old ones. Events come before what
 * they refer to, in each step anew: some may have arrived since the last. */
static candor_status delete_step(candor_writer *w, int64_t cutoff_day, bool *more, candor_err *err)
{
    static const char batches[] = "DELETE FROM batch WHERE id IN (SELECT id FROM batch "
                                  "WHERE received<?1 LIMIT ?2)";
    static const char users[] = "DELETE FROM r_user WHERE (day,app,user) IN (SELECT day,app,user "
                                "FROM r_user WHERE day<?1 LIMIT ?2)";
    int deleted = 0;
    candor_status st = delete_events(w, cutoff_day, &deleted, err);
    if (st == CANDOR_OK && deleted < STEP_ROWS)
        st = delete_some(w, batches, cutoff_day * CANDOR_DAY_MS, &deleted, err);
    if (st == CANDOR_OK && deleted < STEP_ROWS)
        st = delete_some(w, users, cutoff_day, &deleted, err);
    if (st == CANDOR_OK && deleted < STEP_ROWS) st = delete_sessions(w, cutoff_day, &deleted, err);
    *more = deleted == STEP_ROWS;
    return st;
}

/* Folded first, or r_delta would bring counts of old days back. r_gen keeps its days: a number must
 * not come again for a day that a reader remembers. */
static candor_status delete_rest(candor_writer *w, int64_t cutoff_day, candor_err *err)
{
    char sql[1024];
    candor_status st;
    long long day = (long long)cutoff_day;
    /* r_hour by its key, which begins with type and app */
    snprintf(sql, sizeof sql,
             "UPDATE r_gen SET gen=(SELECT max(gen)+1 FROM r_gen) WHERE day<%lld;"
             "DELETE FROM r_hour WHERE type IN (SELECT id FROM type) AND app IN (SELECT id FROM "
             "dict WHERE kind=%d) AND hour<%lld;"
             "DELETE FROM r_day WHERE day<%lld; DELETE FROM r_users WHERE day<%lld;"
             "DELETE FROM r_chart WHERE day<%lld; DELETE FROM r_approval WHERE day<%lld;"
             "DELETE FROM pending WHERE day<%lld; DELETE FROM r_version WHERE day<%lld;"
             "DELETE FROM r_error WHERE day<%lld;"
             "DELETE FROM dict WHERE kind=%d AND id NOT IN (SELECT grp FROM r_error)",
             day, CANDOR_DICT_APP, day * 24, day, day, day, day, day, day, day, CANDOR_DICT_ERROR);
    st = candor_db_exec(w->db, "BEGIN IMMEDIATE", err);
    if (st == CANDOR_OK) st = candor_rollup_fold(w, err);
    if (st == CANDOR_OK) st = candor_db_exec(w->db, sql, err);
    if (st == CANDOR_OK) st = candor_dict_purge(w, err);
    if (st == CANDOR_OK) st = candor_db_exec(w->db, "COMMIT", err);
    if (st != CANDOR_OK && !sqlite3_get_autocommit(w->db))
        sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL);
    if (st != CANDOR_OK) candor_rollup_drop(w);
    candor_cache_clear(&w->cache); /* names it knows may be gone */
    w->n_pending = -1;
    return st;
}

candor_status candor_purge_step(candor_writer *w, int64_t now_ms, bool *more, candor_err *err)
{
    int64_t cutoff = now_ms / CANDOR_DAY_MS - w->retention_days;
    candor_status st;
    *more = false;
    if (w->retention_days == 0 || cutoff <= w->purged_day) return CANDOR_OK;
    st = delete_step(w, cutoff, more, err);
    if (st != CANDOR_OK || *more) return st;
    st = delete_rest(w, cutoff, err);
    if (st == CANDOR_OK) w->purged_day = cutoff;
    return st;
}
