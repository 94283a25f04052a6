/* Sums and sessions of the ClickHouse sink: a server of each shard groups, what is left becomes one
 * here. FINAL: what was inserted twice counts once, also before a merge. Groups of errors and
 * approvals are made of the events themselves, which are few. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/clickhouse_internal.h"
#include "central/sink/sums.h"

#define HOUR    "toInt64(intDiv(reinterpretAsUInt64(reverse(substring(event_id,1,6))),3600000))"
#define DAY     "toInt64(day)"
#define SESSION "session_id,user_id,machine_id,app,app_version,platform"

/* groups: rows of a, b, c, k, n as candor_sums_add takes them. members: rows of k and a name, each
 * of which counts once under its k: those of one shard may be in another, too. */
typedef struct question {
    const char *groups, *by; /* by: NULL: one row */
    const char *members;     /* NULL: groups of shards add up */
    const char *where;
} question;

static const question questions[] = {
    [CANDOR_STAT_COUNTS] = {"event_type,category,app,toInt64(0),count()", "event_type,category,app",
                            NULL, ""},
    [CANDOR_STAT_USERS] = {"'','',''," DAY " AS k,uniqExact(app,user_id)", "k",
                           DAY ",concat(app,'\\0',user_id)", ""},
    [CANDOR_STAT_CHARTS] = {"event_type,dim,'',toInt64(bucket),count()", "event_type,dim,bucket",
                            NULL, " AND (dim!='' OR bucket=" CANDOR_CH_UNDERIVED ")"},
    [CANDOR_STAT_HOURS] = {"event_type,category,''," HOUR " AS k,count()", "event_type,category,k",
                           NULL, ""},
    [CANDOR_STAT_FAILED] = {"'','','',toInt64(0),uniqExact(" SESSION ")", NULL,
                            "toInt64(0),concat(session_id,'\\0',user_id,'\\0',machine_id,'\\0',"
                            "app,'\\0',app_version,'\\0',platform)",
                            " AND event_type='Error'"},
    [CANDOR_STAT_FAILED_DAYS] = {"'','',''," DAY " AS k,uniqExact(" SESSION ")", "k",
                                 DAY ",concat(session_id,'\\0',user_id,'\\0',machine_id,'\\0',"
                                     "app,'\\0',app_version,'\\0',platform)",
                                 " AND event_type='Error'"},
    [CANDOR_STAT_VERSIONS] = {"app_version,event_type,app,toInt64(0),count()",
                              "app_version,event_type,app", NULL, ""},
    [CANDOR_STAT_APPROVALS] = {NULL, NULL, NULL, NULL},
    [CANDOR_STAT_ERRORS] = {NULL, NULL, NULL, NULL},
};

static candor_event_source source_of(candor_ch_reader *r)
{
    return (candor_event_source){(candor_reader *)(void *)r, candor_ch_reader_events, r->schema,
                                 &r->time};
}

static bool take_i64(candor_bytes *in, int64_t *out)
{
    unsigned char raw[8] = {0};
    bool ok = candor_ch_take(in, raw, sizeof raw);
    *out = (int64_t)candor_get_u64(raw);
    return ok;
}

static candor_status ends_early(candor_err *err)
{
    return candor_fail(err, CANDOR_CORRUPT, 0, "query", "ClickHouse's answer ends too early");
}

/* --- sums ------------------------------------------------------------------------------------- */

/* Members of several shards have to be told apart here. */
static bool by_members(const candor_ch_reader *r, const question *q)
{
    return q->members != NULL && r->cluster->n_shards > 1;
}

static void put_question(candor_ch_reader *r, const question *q, candor_stat what,
                         const candor_stat_range *range)
{
    const candor_filter_column columns[] = {
        {"app", range->app}, {"event_type", what == CANDOR_STAT_CHARTS ? range->type : NULL}};
    const bool members = by_members(r, q);
    candor_page_range ids;
    int64_t from_ms, to_ms;
    size_t i;
    candor_stat_bounds(what, range, &from_ms, &to_ms);
    candor_sink_id_floor(from_ms, ids.low);
    candor_sink_id_floor(to_ms, ids.high);
    candor_buf_putf(&r->sql, "SELECT %s%s FROM %s FINAL", members ? "DISTINCT " : "",
                    members ? q->members : q->groups, candor_ch_events(r->cluster));
    candor_ch_put_range(&r->sql, &ids);
    candor_buf_putf(&r->sql, "%s", q->where);
    for (i = 0; i < sizeof columns / sizeof columns[0]; i++)
        if (columns[i].value != NULL) candor_ch_put_columns(&r->sql, &columns[i], 1);
    if (!members && q->by != NULL) candor_buf_putf(&r->sql, " GROUP BY %s", q->by);
    candor_buf_putf(&r->sql, " LIMIT %zu FORMAT RowBinary", CANDOR_SUMS_CELLS + 1);
}

static candor_status add_group(candor_bytes *in, candor_stat what, candor_sums *sums,
                               bool *underived, candor_err *err)
{
    candor_bytes a, b, c;
    int64_t k, n;
    if (!candor_ch_take_text(in, &a) || !candor_ch_take_text(in, &b) ||
        !candor_ch_take_text(in, &c) || !take_i64(in, &k) || !take_i64(in, &n))
        return ends_early(err);
    if (what == CANDOR_STAT_CHARTS && k < CANDOR_CH_NO_BUCKET) {
        *underived = true;
        return CANDOR_OK;
    }
    return candor_sums_add(sums, a, b, c, k, n, err);
}

static candor_status add_member(candor_bytes *in, candor_sums *sums, candor_err *err)
{
    candor_bytes who;
    int64_t k;
    if (!take_i64(in, &k) || !candor_ch_take_text(in, &who)) return ends_early(err);
    return candor_sums_once(sums, who, k, err);
}

static candor_status add_answers(candor_ch_reader *r, candor_stat what, candor_sums *sums,
                                 bool *underived, candor_err *err)
{
    const bool members = by_members(r, &questions[what]);
    candor_status st = CANDOR_OK;
    size_t shard, n;
    for (shard = 0; shard < r->cluster->n_shards && st == CANDOR_OK; shard++) {
        candor_bytes *in = &r->answers[shard];
        for (n = 0; in->n != 0 && st == CANDOR_OK; n++) {
            st = members ? add_member(in, sums, err) : add_group(in, what, sums, underived, err);
            if (st == CANDOR_OK && n == CANDOR_SUMS_CELLS) st = candor_sums_full(err);
        }
    }
    return st;
}

static candor_status ask_sums(candor_reader *base, candor_stat what, const candor_stat_range *range,
                              candor_sums *sums, bool *underived, candor_err *err)
{
    candor_ch_reader *r = (candor_ch_reader *)(void *)base;
    candor_status st;
    put_question(r, &questions[what], what, range);
    st = candor_ch_reader_ask(r, err);
    return st == CANDOR_OK ? add_answers(r, what, sums, underived, err) : st;
}

candor_status candor_ch_reader_stats(candor_reader *base, candor_stat what,
                                     const candor_stat_range *range,
                                     bool (*visit)(void *ctx, const candor_stat_row *row),
                                     void *ctx, candor_err *err)
{
    const candor_event_source src = source_of((candor_ch_reader *)(void *)base);
    candor_sums_ask *ask = questions[what].groups != NULL ? ask_sums : NULL;
    return candor_scan_stats(&src, ask, what, range, visit, ctx, err);
}

/* --- sessions --------------------------------------------------------------------------------- */

#define IS_START "event_type='SessionStart'"
#define IS_END   "event_type='SessionEnd'"
static const char sessions_sql[] =
    "SELECT " SESSION ",min(event_id) AS first,toInt64(max(day)),countIf(" IS_START
    "),minIf(ts_ms," IS_START "),countIf(" IS_END "),maxIf(ts_ms," IS_END "),minIf(event_id," IS_END
    "),countIf(event_type='Error') FROM ";

static candor_status add_session(candor_bytes *in, candor_session_sums *out, candor_err *err)
{
    candor_session_part p = {0};
    candor_context *c = &p.context;
    int64_t started, ended, errors;
    const bool ok =
        candor_ch_take_text(in, &c->session_id) && candor_ch_take_text(in, &c->user_id) &&
        candor_ch_take_text(in, &c->machine_id) && candor_ch_take_text(in, &c->app) &&
        candor_ch_take_text(in, &c->app_version) && candor_ch_take_text(in, &c->platform) &&
        candor_ch_take(in, p.first, 16) && take_i64(in, &p.last_day) && take_i64(in, &started) &&
        take_i64(in, &p.started_ms) && take_i64(in, &ended) && take_i64(in, &p.ended_ms) &&
        candor_ch_take(in, p.end, 16) && take_i64(in, &errors);
    if (!ok) return ends_early(err);
    p.errors = (uint64_t)errors;
    if (started == 0) p.started_ms = -1;
    if (ended == 0) p.ended_ms = -1;
    if (ended == 0) memset(p.end, 0, sizeof p.end);
    return candor_session_sums_add(out, &p, err);
}

/* Where a shard leaves some out, another may have a later part of one of them: then nothing is
 * known to be whole. */
static candor_status add_sessions(candor_ch_reader *r, candor_session_sums *out, bool *cut,
                                  candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t shard, n;
    for (shard = 0; shard < r->cluster->n_shards && st == CANDOR_OK; shard++) {
        candor_bytes *in = &r->answers[shard];
        for (n = 0; in->n != 0 && n < CANDOR_SCAN_SESSIONS_MAX && st == CANDOR_OK; n++)
            st = add_session(in, out, err);
        if (in->n != 0) *cut = true;
    }
    if (st == CANDOR_OK && *cut && r->cluster->n_shards > 1) st = candor_sessions_full(err);
    return st;
}

static candor_status collect(void *ctx, const candor_session_filter *f, const unsigned char low[16],
                             const unsigned char high[16], candor_session_sums *out, bool *cut,
                             candor_err *err)
{
    candor_ch_reader *r = ctx;
    const candor_event_filter events = {.app = f->app, .match = f->match};
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_page_range ids;
    candor_status st;
    memcpy(ids.low, low, 16);
    memcpy(ids.high, high, 16);
    candor_buf_putf(&r->sql, "%s%s FINAL", sessions_sql, candor_ch_events(r->cluster));
    candor_ch_put_range(&r->sql, &ids);
    candor_ch_put_columns(&r->sql, columns, candor_filter_columns(&events, columns));
    candor_buf_putf(&r->sql, " GROUP BY " SESSION " ORDER BY first DESC LIMIT %d FORMAT RowBinary",
                    CANDOR_SCAN_SESSIONS_MAX + 1);
    st = candor_ch_reader_ask(r, err);
    return st == CANDOR_OK ? add_sessions(r, out, cut, err) : st;
}

candor_status candor_ch_reader_sessions(candor_reader *base, const candor_session_filter *f,
                                        bool (*visit)(void *ctx, const candor_stored_session *s),
                                        void *ctx, candor_session_page *out, candor_err *err)
{
    candor_ch_reader *r = (candor_ch_reader *)(void *)base;
    const candor_event_source src = source_of(r);
    const candor_session_source sessions = {&src, collect, r};
    return candor_scan_sessions(&sessions, f, visit, ctx, out, err);
}
