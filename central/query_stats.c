/* GET /api/telemetry/stats: cards and charts, from roll-ups. */
#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/query.h"
#include "central/respond.h"
#include "central/store/histogram.h"
#include "central/tally.h"

#define DAY_MS INT64_C(86400000)

static void names_put(candor_name_counts *t, const char *key, candor_buf *b)
{
    size_t i;
    candor_names_sort(t);
    candor_buf_put_c(b, '[');
    for (i = 0; i < t->n; i++) {
        candor_buf_putf(b, "%s{\"%s\":", i != 0 ? "," : "", key);
        candor_json_put_string(b, candor_bytes_str(t->items[i].name));
        candor_buf_putf(b, ",\"count\":%lld}", (long long)t->items[i].n);
    }
    candor_buf_put_c(b, ']');
}

/* --- counts --------------------------------------------------------------------------------- */

typedef struct count_card {
    candor_name_counts types, categories, apps;
    int64_t total;
} count_card;

static bool add_count(void *ctx, const candor_stat_row *row)
{
    count_card *c = ctx;
    c->total += row->n;
    return candor_names_add(&c->types, row->a, row->n, 0) &&
           candor_names_add(&c->categories, row->b, row->n, 0) &&
           candor_names_add(&c->apps, row->c, row->n, 0);
}

static candor_status load_counts(candor_query_job *j, candor_reader *r, int64_t from_ms,
                                 int64_t to_ms, count_card *out, candor_err *err)
{
    const candor_stat_range range = {
        .from_ms = from_ms, .to_ms = to_ms, .app = candor_or_null(j->app)};
    return j->server->store->ops->stats(r, CANDOR_STAT_COUNTS, &range, add_count, out, err);
}

static void counts_free(count_card *c)
{
    candor_names_free(&c->types);
    candor_names_free(&c->categories);
    candor_names_free(&c->apps);
}

static candor_status put_counts(candor_query_job *j, candor_reader *r, candor_buf *b,
                                candor_err *err)
{
    int64_t now = candor_clock_unix_ms(), today = now - now % DAY_MS;
    count_card all = {0}, day = {0};
    candor_status st = load_counts(j, r, j->from_ms, j->to_ms, &all, err);
    if (st == CANDOR_OK) st = load_counts(j, r, today, today + DAY_MS, &day, err);
    if (st == CANDOR_OK) {
        candor_buf_putf(b, "\"events\":{\"total\":%lld,\"today\":%lld,\"by_type\":",
                        (long long)all.total, (long long)day.total);
        names_put(&all.types, "type", b);
        candor_buf_put_bytes(b, CANDOR_LIT(",\"by_category\":"));
        names_put(&all.categories, "category", b);
        candor_buf_put_bytes(b, CANDOR_LIT(",\"by_app\":"));
        names_put(&all.apps, "app", b);
        candor_buf_put_c(b, '}');
    }
    counts_free(&all);
    counts_free(&day);
    return st;
}

/* --- users ---------------------------------------------------------------------------------- */

typedef struct list_writer {
    candor_buf *out;
    bool first;
} list_writer;

static bool put_day(void *ctx, const candor_stat_row *row)
{
    list_writer *w = ctx;
    char ts[CANDOR_TIME_TEXT];
    candor_time_format(row->k * DAY_MS, ts);
    candor_buf_putf(w->out, "%s{\"day\":\"%.10s\",\"users\":%lld}", w->first ? "" : ",", ts,
                    (long long)row->n);
    w->first = false;
    return !w->out->failed;
}

/* --- approvals ------------------------------------------------------------------------------ */

typedef struct approval_writer {
    candor_buf *out;
    bool first;
    char model[CANDOR_NAME_MAX * 2 + 1];
    int64_t approved, rejected;
} approval_writer;

static void put_model(approval_writer *w)
{
    int64_t n = w->approved + w->rejected;
    if (n > 0) {
        candor_buf_putf(w->out, "%s{\"model\":", w->first ? "" : ",");
        candor_json_put_string(w->out, candor_bytes_str(w->model));
        candor_buf_putf(w->out,
                        ",\"approved\":%lld,\"rejected\":%lld,\"rate\":", (long long)w->approved,
                        (long long)w->rejected);
        candor_json_put_fixed(w->out, (double)w->approved / (double)n, 4);
        candor_buf_put_c(w->out, '}');
        w->first = false;
    }
    w->approved = w->rejected = 0;
}

/* Rows come ordered by model. */
static bool add_approval(void *ctx, const candor_stat_row *row)
{
    approval_writer *w = ctx;
    size_t n = row->a.n < sizeof w->model ? row->a.n : sizeof w->model - 1;
    if (strlen(w->model) != n || memcmp(w->model, row->a.p, n) != 0) {
        put_model(w);
        memcpy(w->model, row->a.p, n);
        w->model[n] = '\0';
    }
    if (candor_bytes_eq(row->b, CANDOR_LIT("approved"))) w->approved += row->n;
    if (candor_bytes_eq(row->b, CANDOR_LIT("rejected"))) w->rejected += row->n;
    return !w->out->failed;
}

/* --- charts --------------------------------------------------------------------------------- */

typedef struct chart_writer {
    candor_query_job *job;
    candor_buf *out, tools; /* tools: the groups of ToolCall again, under the names of that card */
    bool first_chart, first_group, first_tool;
    char type[CANDOR_NAME_MAX + 1];
} chart_writer;

enum { P50, P95, P99, QUANTILES };

static void put_quantile(candor_buf *b, candor_bytes key, bool measured, double value)
{
    candor_buf_put_bytes(b, key);
    if (measured)
        candor_json_put_fixed(b, value, 3);
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
}

static void put_tool(chart_writer *w, const candor_stat_row *row, const double *value)
{
    bool measured = row->first <= row->last;
    candor_buf_putf(&w->tools, "%s{\"tool\":", w->first_tool ? "" : ",");
    candor_json_put_string(&w->tools, row->b);
    candor_buf_putf(&w->tools, ",\"count\":%lld", (long long)row->n);
    put_quantile(&w->tools, CANDOR_LIT(",\"p50_ms\":"), measured, value[P50]);
    put_quantile(&w->tools, CANDOR_LIT(",\"p95_ms\":"), measured, value[P95]);
    candor_buf_put_c(&w->tools, '}');
    w->first_tool = false;
}

static void begin_chart(chart_writer *w, candor_bytes type)
{
    const candor_event_def *def = candor_schema_event(w->job->server->schema, type);
    const candor_field *by = def != NULL ? def->chart_by : NULL;
    const candor_field *of = def != NULL ? def->chart_histogram : NULL;
    const candor_bytes none = {NULL, 0};
    size_t n = type.n < sizeof w->type ? type.n : sizeof w->type - 1;
    memcpy(w->type, type.p, n);
    w->type[n] = '\0';
    candor_buf_putf(w->out, "%s{\"type\":", w->first_chart ? "" : "]},");
    w->first_chart = false;
    w->first_group = true;
    candor_json_put_string(w->out, type);
    candor_query_put_name(w->out, "by", by != NULL ? by->name : none);
    candor_query_put_name(w->out, "of", of != NULL ? of->name : none);
    candor_query_put_name(w->out, "unit", of != NULL ? of->unit : none);
    candor_buf_put_bytes(w->out, CANDOR_LIT(",\"groups\":["));
}

static bool add_group(void *ctx, const candor_stat_row *row)
{
    chart_writer *w = ctx;
    static const double q[QUANTILES] = {0.5, 0.95, 0.99};
    double value[QUANTILES];
    bool measured = row->first <= row->last;
    candor_hist_quantiles(row->counts, row->first, row->last, q, QUANTILES, value);
    if (w->first_chart || !candor_bytes_eq(row->a, candor_bytes_str(w->type)))
        begin_chart(w, row->a);
    candor_buf_putf(w->out, "%s{\"value\":", w->first_group ? "" : ",");
    w->first_group = false;
    candor_json_put_string(w->out, row->b);
    candor_buf_putf(w->out, ",\"count\":%lld", (long long)row->n);
    put_quantile(w->out, CANDOR_LIT(",\"p50\":"), measured, value[P50]);
    put_quantile(w->out, CANDOR_LIT(",\"p95\":"), measured, value[P95]);
    put_quantile(w->out, CANDOR_LIT(",\"p99\":"), measured, value[P99]);
    candor_buf_put_c(w->out, '}');
    if (candor_bytes_eq(row->a, CANDOR_LIT("ToolCall"))) put_tool(w, row, value);
    return !w->out->failed && !w->tools.failed;
}

static candor_status put_charts(candor_query_job *j, candor_reader *r,
                                const candor_stat_range *range, candor_buf *b, candor_err *err)
{
    chart_writer w = {.job = j, .out = b, .first_chart = true, .first_tool = true};
    candor_status st;
    candor_buf_put_bytes(b, CANDOR_LIT(",\"charts\":["));
    st = j->server->store->ops->stats(r, CANDOR_STAT_CHARTS, range, add_group, &w, err);
    if (!w.first_chart) candor_buf_put_bytes(b, CANDOR_LIT("]}"));
    candor_buf_put_bytes(b, CANDOR_LIT("],\"tools\":["));
    candor_buf_put_bytes(b, candor_buf_bytes(&w.tools));
    candor_buf_put_c(b, ']');
    candor_buf_free(&w.tools);
    return st;
}

/* --- all ------------------------------------------------------------------------------------ */

candor_status candor_stats_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    const candor_store_ops *ops = j->server->store->ops;
    const candor_stat_range range = candor_query_range(j);
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    list_writer days = {b, true};
    approval_writer approvals = {.out = b, .first = true};
    candor_status st;
    candor_buf_put_c(b, '{');
    candor_query_put_range(j, b);
    st = put_counts(j, r, b, err);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"users_per_day\":["));
    if (st == CANDOR_OK) st = ops->stats(r, CANDOR_STAT_USERS, &range, put_day, &days, err);
    candor_buf_put_bytes(b, CANDOR_LIT("],\"approvals_by_model\":["));
    if (st == CANDOR_OK)
        st = ops->stats(r, CANDOR_STAT_APPROVALS, &range, add_approval, &approvals, err);
    put_model(&approvals);
    candor_buf_put_c(b, ']');
    if (st == CANDOR_OK) st = put_charts(j, r, &range, b, err);
    candor_buf_put_bytes(b, CANDOR_LIT("}\n"));
    return st;
}
