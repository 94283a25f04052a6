/* Sums and sessions of the MySQL and MariaDB sink: the server groups, what is left is put in order
 * here. Groups of errors and approvals are made of the events themselves, which are few. */
#include <stdlib.h>

#include "central/sink/mysql_internal.h"
#include "central/sink/sums.h"

/* Of rows that an older version stored, out of the id. */
#define HOUR "COALESCE(hour,CONV(HEX(LEFT(event_id,6)),16,10) DIV 3600000)"
#define DAY  "(" HOUR " DIV 24)"
/* Twenty bytes instead of two texts, for which the server's temporary table has a kilobyte a row.
 */
#define USER    "UNHEX(SHA1(CONCAT(app,CHAR(0),user_id))) AS who"
#define SESSION "session_id,user_id,machine_id,app,app_version,platform"

/* Rows of a, b, c, k, n as candor_sums_add takes them: before the ids and conditions, and after. A
 * row of charts without b: there are events that an older version stored. */
typedef struct question {
    const char *select, *where, *group;
} question;

static const question questions[] = {
    [CANDOR_STAT_COUNTS] = {"SELECT event_type,category,app,0,count(*)", "",
                            " GROUP BY event_type,category,app"},
    [CANDOR_STAT_USERS] = {"SELECT '','','',day,count(*) FROM (SELECT DISTINCT " DAY
                           " AS day," USER,
                           "", ") AS t GROUP BY day"},
    [CANDOR_STAT_CHARTS] = {"SELECT event_type,dim,'',COALESCE(bucket,-1),count(*)",
                            " AND (dim<>'' OR hour IS NULL)", " GROUP BY event_type,dim,bucket"},
    [CANDOR_STAT_HOURS] = {"SELECT event_type,category,''," HOUR ",count(*)", "",
                           " GROUP BY event_type,category," HOUR},
    [CANDOR_STAT_FAILED] = {"SELECT '','','',0,count(*) FROM (SELECT DISTINCT " SESSION,
                            " AND event_type='Error'", ") AS t"},
    [CANDOR_STAT_FAILED_DAYS] = {"SELECT '','','',day,count(*) FROM (SELECT DISTINCT " DAY
                                 " AS day," SESSION,
                                 " AND event_type='Error'", ") AS t GROUP BY day"},
    [CANDOR_STAT_VERSIONS] = {"SELECT app_version,event_type,app,0,count(*)", "",
                              " GROUP BY app_version,event_type,app"},
    [CANDOR_STAT_APPROVALS] = {NULL, NULL, NULL},
    [CANDOR_STAT_ERRORS] = {NULL, NULL, NULL},
};

static candor_event_source source_of(candor_my_reader *r)
{
    return (candor_event_source){(candor_reader *)(void *)r, candor_my_reader_events, r->schema,
                                 &r->time};
}

static candor_status add_rows(candor_my_reader *r, MYSQL_RES *res, candor_sums *sums,
                              bool *underived, candor_err *err)
{
    candor_status st = CANDOR_OK;
    MYSQL_ROW row;
    size_t n = 0;
    while (st == CANDOR_OK && (row = r->conn.my->mysql_fetch_row(res)) != NULL) {
        const unsigned long *len = r->conn.my->mysql_fetch_lengths(res);
        if (++n > CANDOR_SUMS_CELLS) return candor_sums_full(err);
        if (row[1] == NULL)
            *underived = true;
        else
            st = candor_sums_add(sums, candor_bytes_of(row[0], len[0]),
                                 candor_bytes_of(row[1], len[1]), candor_bytes_of(row[2], len[2]),
                                 strtoll(row[3], NULL, 10), strtoll(row[4], NULL, 10), err);
    }
    return st;
}

static candor_status ask_sums(candor_reader *base, candor_stat what, const candor_stat_range *range,
                              candor_sums *sums, bool *underived, candor_err *err)
{
    candor_my_reader *r = (candor_my_reader *)(void *)base;
    const question *q = &questions[what];
    const bool typed = what == CANDOR_STAT_CHARTS || what == CANDOR_STAT_COUNTS;
    const candor_filter_column columns[] = {{"app", range->app},
                                            {"event_type", typed ? range->type : NULL}};
    unsigned char low[16], high[16];
    int64_t from_ms, to_ms;
    candor_buf sql = {0};
    MYSQL_RES *res = NULL;
    candor_status st = candor_query_time_check(&r->time, err);
    size_t i;
    if (st != CANDOR_OK) return st;
    candor_stat_bounds(what, range, &from_ms, &to_ms);
    candor_sink_id_floor(from_ms, low);
    candor_sink_id_floor(to_ms, high);
    candor_buf_put_bytes(&sql, candor_bytes_str(q->select));
    candor_my_put_ids(&sql, low, high);
    candor_buf_put_bytes(&sql, candor_bytes_str(q->where));
    for (i = 0; i < sizeof columns / sizeof columns[0]; i++)
        if (columns[i].value != NULL) candor_my_put_columns(&sql, &columns[i], 1);
    candor_buf_putf(&sql, "%s LIMIT %zu", q->group, CANDOR_SUMS_CELLS + 1);
    st = candor_my_reader_ask(r, &sql, &res, err);
    if (st == CANDOR_OK) st = add_rows(r, res, sums, underived, err);
    if (res != NULL) r->conn.my->mysql_free_result(res);
    return st;
}

candor_status candor_my_reader_stats(candor_reader *base, candor_stat what,
                                     const candor_stat_range *range,
                                     bool (*visit)(void *ctx, const candor_stat_row *row),
                                     void *ctx, candor_err *err)
{
    const candor_event_source src = source_of((candor_my_reader *)(void *)base);
    candor_sums_ask *ask = questions[what].select != NULL ? ask_sums : NULL;
    return candor_scan_stats(&src, ask, what, range, visit, ctx, err);
}

/* --- sessions ------------------------------------------------------------------------------- */

static const char sessions_sql[] =
    "SELECT " SESSION ",min(event_id) AS first,max(" HOUR "),"
    "min(CASE WHEN event_type='SessionStart' THEN ts_ms END),"
    "max(CASE WHEN event_type='SessionEnd' THEN ts_ms END),"
    "min(CASE WHEN event_type='SessionEnd' THEN event_id END),sum(event_type='Error')";
enum { FIRST = 6, HOUR_AT, STARTED, ENDED, END, ERRORS };

static int64_t moment(const char *text)
{
    return text != NULL ? strtoll(text, NULL, 10) : -1;
}

static candor_status add_session(MYSQL_ROW row, const unsigned long *n, candor_session_sums *out,
                                 candor_err *err)
{
    candor_session_part p = {
        .context = {.session_id = candor_bytes_of(row[0], n[0]),
                    .user_id = candor_bytes_of(row[1], n[1]),
                    .machine_id = candor_bytes_of(row[2], n[2]),
                    .app = candor_bytes_of(row[3], n[3]),
                    .app_version = candor_bytes_of(row[4], n[4]),
                    .platform = candor_bytes_of(row[5], n[5])},
        .last_day = strtoll(row[HOUR_AT], NULL, 10) / 24,
        .started_ms = moment(row[STARTED]),
        .ended_ms = moment(row[ENDED]),
        .errors = strtoull(row[ERRORS], NULL, 10),
    };
    memcpy(p.first, row[FIRST], sizeof p.first);
    if (row[END] != NULL) memcpy(p.end, row[END], sizeof p.end);
    return candor_session_sums_add(out, &p, err);
}

static candor_status collect(void *ctx, const candor_session_filter *f, const unsigned char low[16],
                             const unsigned char high[16], candor_session_sums *out, bool *cut,
                             candor_err *err)
{
    candor_my_reader *r = ctx;
    const candor_event_filter events = {.app = f->app, .match = f->match};
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_buf sql = {0};
    MYSQL_RES *res = NULL;
    MYSQL_ROW row;
    size_t n = 0;
    candor_status st;
    candor_buf_put_bytes(&sql, CANDOR_LIT(sessions_sql));
    candor_my_put_ids(&sql, low, high);
    candor_my_put_columns(&sql, columns, candor_filter_columns(&events, columns));
    candor_buf_putf(&sql, " GROUP BY " SESSION " ORDER BY first DESC LIMIT %d",
                    CANDOR_SCAN_SESSIONS_MAX + 1);
    st = candor_my_reader_ask(r, &sql, &res, err);
    while (st == CANDOR_OK && !*cut && (row = r->conn.my->mysql_fetch_row(res)) != NULL) {
        *cut = ++n > CANDOR_SCAN_SESSIONS_MAX;
        if (!*cut) st = add_session(row, r->conn.my->mysql_fetch_lengths(res), out, err);
    }
    if (res != NULL) r->conn.my->mysql_free_result(res);
    return st;
}

candor_status candor_my_reader_sessions(candor_reader *base, const candor_session_filter *f,
                                        bool (*visit)(void *ctx, const candor_stored_session *s),
                                        void *ctx, candor_session_page *out, candor_err *err)
{
    candor_my_reader *r = (candor_my_reader *)(void *)base;
    const candor_event_source src = source_of(r);
    const candor_session_source sessions = {&src, collect, r};
    return candor_scan_sessions(&sessions, f, visit, ctx, out, err);
}
