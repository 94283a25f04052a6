/* Sums and sessions of the PostgreSQL sink: the server groups, what is left is put in order here.
 * Groups of errors and approvals are made of the events themselves, which are few. */
#include <stdio.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/postgres_internal.h"
#include "central/sink/sums.h"

/* Of rows that an older version stored, out of the id. */
#define HOUR                                                                                       \
    "coalesce(hour,(('x'||left(replace(event_id::text,'-',''),12))::bit(48)::int8/3600000)::int4)"
#define DAY     "(" HOUR "/24)::int8"
#define SESSION "session_id,user_id,machine_id,app,app_version,platform"
#define EVENTS  " FROM candor_events WHERE event_id>=$1::uuid AND event_id<$2::uuid"

/* Rows of a, b, c, k, n as candor_sums_add takes them: before the conditions, and after. A row of
 * charts without b: there are events that an older version stored. */
typedef struct question {
    const char *select, *group;
} question;

static const question questions[] = {
    [CANDOR_STAT_COUNTS] = {"SELECT event_type,category,app,0::int8,count(*)::int8" EVENTS,
                            " GROUP BY 1,2,3"},
    [CANDOR_STAT_USERS] = {"SELECT '','','',day,count(*)::int8 FROM (SELECT DISTINCT " DAY
                           " AS day,app,user_id" EVENTS,
                           ") AS t GROUP BY day"},
    [CANDOR_STAT_CHARTS] = {"SELECT event_type,dim,'',coalesce(bucket,-1)::int8,"
                            "count(*)::int8" EVENTS " AND (dim IS NOT NULL OR hour IS NULL)",
                            " GROUP BY 1,2,4"},
    [CANDOR_STAT_HOURS] = {"SELECT event_type,category,''," HOUR "::int8,count(*)::int8" EVENTS,
                           " GROUP BY 1,2,4"},
    [CANDOR_STAT_FAILED] = {"SELECT '','','',0::int8,count(*)::int8 FROM (SELECT DISTINCT " SESSION
                                EVENTS " AND event_type='Error'",
                            ") AS t"},
    [CANDOR_STAT_FAILED_DAYS] = {"SELECT '','','',day,count(*)::int8 FROM (SELECT DISTINCT " DAY
                                 " AS day," SESSION EVENTS " AND event_type='Error'",
                                 ") AS t GROUP BY day"},
    [CANDOR_STAT_VERSIONS] = {"SELECT app_version,event_type,app,0::int8,count(*)::int8" EVENTS,
                              " GROUP BY 1,2,3"},
    [CANDOR_STAT_APPROVALS] = {NULL, NULL},
    [CANDOR_STAT_ERRORS] = {NULL, NULL},
};

static candor_event_source source_of(candor_pg_reader *r)
{
    return (candor_event_source){(candor_reader *)(void *)r, candor_pg_reader_events, r->schema,
                                 &r->time};
}

static candor_status add_rows(candor_pg_reader *r, const PGresult *res, candor_sums *sums,
                              bool *underived, candor_err *err)
{
    const int n = r->conn.pq->PQntuples(res);
    candor_status st = CANDOR_OK;
    int i;
    if ((size_t)n > CANDOR_SUMS_CELLS) return candor_sums_full(err);
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        if (r->conn.pq->PQgetisnull(res, i, 1))
            *underived = true;
        else
            st = candor_sums_add(sums, candor_pg_text(r, res, i, 0), candor_pg_text(r, res, i, 1),
                                 candor_pg_text(r, res, i, 2), candor_pg_i64(&r->conn, res, i, 3),
                                 candor_pg_i64(&r->conn, res, i, 4), err);
    }
    return st;
}

static candor_status ask_sums(candor_reader *base, candor_stat what, const candor_stat_range *range,
                              candor_sums *sums, bool *underived, candor_err *err)
{
    candor_pg_reader *r = (candor_pg_reader *)(void *)base;
    const bool typed = what == CANDOR_STAT_CHARTS || what == CANDOR_STAT_COUNTS;
    const candor_filter_column columns[] = {{"app", range->app},
                                            {"event_type", typed ? range->type : NULL}};
    candor_pg_param p[CANDOR_PG_PARAMS];
    unsigned char low[16], high[16];
    int64_t from_ms, to_ms;
    char sql[1024];
    int n = 2;
    size_t i;
    candor_status st = candor_query_time_check(&r->time, err);
    PGresult *res;
    if (st != CANDOR_OK) return st;
    candor_stat_bounds(what, range, &from_ms, &to_ms);
    candor_sink_id_floor(from_ms, low);
    candor_sink_id_floor(to_ms, high);
    p[0] = candor_pg_id(low);
    p[1] = candor_pg_id(high);
    snprintf(sql, sizeof sql, "%s", questions[what].select);
    for (i = 0; i < sizeof columns / sizeof columns[0]; i++)
        if (columns[i].value != NULL) candor_pg_put_columns(sql, sizeof sql, &columns[i], 1, p, &n);
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "%s LIMIT %zu", questions[what].group,
             CANDOR_SUMS_CELLS + 1);
    res = candor_pg_reader_ask(r, sql, p, n, &st, err);
    if (res == NULL) return st;
    st = add_rows(r, res, sums, underived, err);
    r->conn.pq->PQclear(res);
    return st;
}

candor_status candor_pg_reader_stats(candor_reader *base, candor_stat what,
                                     const candor_stat_range *range,
                                     bool (*visit)(void *ctx, const candor_stat_row *row),
                                     void *ctx, candor_err *err)
{
    const candor_event_source src = source_of((candor_pg_reader *)(void *)base);
    candor_sums_ask *ask = questions[what].select != NULL ? ask_sums : NULL;
    return candor_scan_stats(&src, ask, what, range, visit, ctx, err);
}

/* --- sessions ------------------------------------------------------------------------------- */

/* Ids as text: the server has no min() of its uuids before version 18. */
#define ID "event_id::text COLLATE \"C\""
static const char sessions_sql[] = "SELECT " SESSION ",min(" ID "),max(" HOUR ")::int8,"
                                   "min(ts) FILTER (WHERE event_type='SessionStart'),"
                                   "max(ts) FILTER (WHERE event_type='SessionEnd'),"
                                   "min(" ID ") FILTER (WHERE event_type='SessionEnd'),"
                                   "(count(*) FILTER (WHERE event_type='Error'))::int8" EVENTS;
enum { FIRST = 6, HOUR_AT, STARTED, ENDED, END, ERRORS };

static int64_t moment(candor_pg_reader *r, const PGresult *res, int row, int at)
{
    if (r->conn.pq->PQgetisnull(res, row, at)) return -1;
    return candor_pg_i64(&r->conn, res, row, at) / 1000 + CANDOR_PG_EPOCH_MS;
}

static candor_status add_session(candor_pg_reader *r, const PGresult *res, int row,
                                 candor_session_sums *out, candor_err *err)
{
    candor_session_part p = {
        .context = {.session_id = candor_pg_text(r, res, row, 0),
                    .user_id = candor_pg_text(r, res, row, 1),
                    .machine_id = candor_pg_text(r, res, row, 2),
                    .app = candor_pg_text(r, res, row, 3),
                    .app_version = candor_pg_text(r, res, row, 4),
                    .platform = candor_pg_text(r, res, row, 5)},
        .last_day = candor_pg_i64(&r->conn, res, row, HOUR_AT) / 24,
        .started_ms = moment(r, res, row, STARTED),
        .ended_ms = moment(r, res, row, ENDED),
        .errors = (uint64_t)candor_pg_i64(&r->conn, res, row, ERRORS),
    };
    bool ok = candor_uuid_parse(candor_pg_text(r, res, row, FIRST), p.first);
    if (ok && !r->conn.pq->PQgetisnull(res, row, END))
        ok = candor_uuid_parse(candor_pg_text(r, res, row, END), p.end);
    if (!ok) return candor_fail(err, CANDOR_CORRUPT, 0, "query", "an event id is no UUID");
    return candor_session_sums_add(out, &p, err);
}

static candor_status collect(void *ctx, const candor_session_filter *f, const unsigned char low[16],
                             const unsigned char high[16], candor_session_sums *out, bool *cut,
                             candor_err *err)
{
    candor_pg_reader *r = ctx;
    const candor_event_filter events = {.app = f->app, .match = f->match};
    candor_pg_param p[CANDOR_PG_PARAMS] = {candor_pg_id(low), candor_pg_id(high)};
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    char sql[1024];
    int n = 2, row, rows;
    candor_status st;
    PGresult *res;
    snprintf(sql, sizeof sql, "%s", sessions_sql);
    candor_pg_put_columns(sql, sizeof sql, columns, candor_filter_columns(&events, columns), p, &n);
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql),
             " GROUP BY 1,2,3,4,5,6 ORDER BY 7 DESC LIMIT %d", CANDOR_SCAN_SESSIONS_MAX + 1);
    res = candor_pg_reader_ask(r, sql, p, n, &st, err);
    if (res == NULL) return st;
    rows = r->conn.pq->PQntuples(res);
    *cut = rows > CANDOR_SCAN_SESSIONS_MAX;
    if (*cut) rows = CANDOR_SCAN_SESSIONS_MAX;
    for (row = 0; row < rows && st == CANDOR_OK; row++)
        st = add_session(r, res, row, out, err);
    r->conn.pq->PQclear(res);
    return st;
}

candor_status candor_pg_reader_sessions(candor_reader *base, const candor_session_filter *f,
                                        bool (*visit)(void *ctx, const candor_stored_session *s),
                                        void *ctx, candor_session_page *out, candor_err *err)
{
    candor_pg_reader *r = (candor_pg_reader *)(void *)base;
    const candor_event_source src = source_of(r);
    const candor_session_source sessions = {&src, collect, r};
    return candor_scan_sessions(&sessions, f, visit, ctx, out, err);
}
