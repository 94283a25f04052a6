/* GET /api/telemetry/aggregate/sessions: sessions begun, and those with an error, by day or week of
 * UTC. */
#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/query.h"
#include "central/respond.h"

#define DAY_MS       INT64_C(86400000)
#define WEEK         7
#define DEFAULT_DAYS 30

typedef struct starts {
    int64_t key0, n;
    int64_t days; /* of a bucket */
    struct {
        int64_t started, failed;
    } * cells;
} starts;

/* 1970-01-01 was a Thursday, and weeks begin on Monday. */
static int64_t key_of(const starts *s, int64_t day)
{
    return s->days == WEEK ? (day + 3) / WEEK : day;
}

static bool add_hour(void *ctx, const candor_stat_row *row)
{
    starts *s = ctx;
    int64_t at = key_of(s, row->k / 24) - s->key0;
    if (candor_bytes_eq(row->a, CANDOR_LIT("SessionStart")) && at >= 0 && at < s->n)
        s->cells[at].started += row->n;
    return true;
}

static bool add_failed_day(void *ctx, const candor_stat_row *row)
{
    starts *s = ctx;
    int64_t at = key_of(s, row->k) - s->key0;
    if (at >= 0 && at < s->n) s->cells[at].failed += row->n;
    return true;
}

static bool take_failed(void *ctx, const candor_stat_row *row)
{
    *(int64_t *)ctx = row->n;
    return true;
}

/* A session that fails on two days fails once in their week. */
static candor_status load_weeks(candor_query_job *j, candor_reader *r, starts *s, candor_err *err)
{
    candor_status st = CANDOR_OK;
    int64_t i;
    for (i = 0; i < s->n && st == CANDOR_OK; i++) {
        int64_t from = ((s->key0 + i) * WEEK - 3) * DAY_MS, to = from + WEEK * DAY_MS;
        candor_stat_range range = candor_query_range(j);
        if (from > range.from_ms) range.from_ms = from;
        if (to < range.to_ms) range.to_ms = to;
        st = j->server->store->ops->stats(r, CANDOR_STAT_FAILED, &range, take_failed,
                                          &s->cells[i].failed, err);
    }
    return st;
}

static candor_status load(candor_query_job *j, candor_reader *r, starts *s, candor_err *err)
{
    const candor_store_ops *ops = j->server->store->ops;
    const candor_stat_range range = candor_query_range(j);
    candor_status st = ops->stats(r, CANDOR_STAT_HOURS, &range, add_hour, s, err);
    if (st != CANDOR_OK) return st;
    if (s->days == WEEK) return load_weeks(j, r, s, err);
    return ops->stats(r, CANDOR_STAT_FAILED_DAYS, &range, add_failed_day, s, err);
}

static void put(const starts *s, candor_buf *b)
{
    char day[CANDOR_TIME_TEXT];
    int64_t i;
    for (i = 0; i < s->n; i++) {
        int64_t key = s->key0 + i, failed = s->cells[i].failed, all = s->cells[i].started;
        if (all < failed) all = failed; /* begun before, or its start was lost */
        candor_time_format((s->days == WEEK ? key * WEEK - 3 : key) * DAY_MS, day);
        candor_buf_putf(b, "%s{\"bucket\":\"%.10s\",\"sessions\":%lld,\"failed\":%lld,",
                        i != 0 ? "," : "", day, (long long)all, (long long)failed);
        candor_query_put_ratio(b, "error_free", all - failed, all);
        candor_buf_put_c(b, '}');
    }
}

candor_status candor_starts_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    starts s = {.days = j->bucket == 0 ? 1 : WEEK};
    candor_status st = candor_query_days(j, DEFAULT_DAYS, err);
    if (st == CANDOR_OK && j->to_ms > j->from_ms) {
        s.key0 = key_of(&s, j->from_ms / DAY_MS);
        s.n = key_of(&s, (j->to_ms - 1) / DAY_MS) - s.key0 + 1;
        s.cells = calloc((size_t)s.n, sizeof *s.cells);
        if (s.cells == NULL) st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    }
    if (st == CANDOR_OK && s.n != 0) st = load(j, r, &s, err);
    if (st == CANDOR_OK) {
        candor_buf_put_c(b, '{');
        candor_query_put_range(j, b);
        candor_buf_putf(b, "\"bucket\":\"%s\",\"buckets\":[", s.days == WEEK ? "week" : "day");
        put(&s, b);
        candor_buf_put_bytes(b, CANDOR_LIT("]}\n"));
    }
    free(s.cells);
    return st;
}
