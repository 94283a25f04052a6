/* GET /api/telemetry/aggregate/category, /aggregate/source and /errors/slo: sums of roll-ups. */
#include "base/json.h"
#include "central/query.h"
#include "central/respond.h"
#include "central/slo.h"
#include "central/tally.h"

typedef struct sums {
    const candor_query_job *job;
    bool by_source;
    candor_name_counts names;
    int64_t total, errors, starts; /* starts: of sessions */
} sums;

static bool is_error(const candor_query_job *j, candor_bytes type)
{
    const candor_event_def *def = candor_schema_event(j->server->schema, type);
    return def != NULL && candor_level_is_error(def->level);
}

static bool wanted(const char *want, candor_bytes name)
{
    return *want == '\0' || candor_bytes_eq(name, candor_bytes_str(want));
}

static bool add_row(void *ctx, const candor_stat_row *row)
{
    sums *s = ctx;
    int64_t errors;
    if (row->n == 0 || !wanted(s->job->type, row->a) || !wanted(s->job->category, row->b))
        return true;
    errors = is_error(s->job, row->a) ? row->n : 0;
    s->total += row->n;
    s->errors += errors;
    if (candor_bytes_eq(row->a, CANDOR_LIT("SessionStart"))) s->starts += row->n;
    return candor_names_add(&s->names, s->by_source ? row->c : row->b, row->n, errors);
}

static candor_status load(candor_query_job *j, candor_reader *r, sums *s, candor_err *err)
{
    const candor_stat_range range = candor_query_range(j);
    return j->server->store->ops->stats(r, CANDOR_STAT_COUNTS, &range, add_row, s, err);
}

static void put_groups(const sums *s, const char *key, candor_buf *b)
{
    size_t i;
    candor_buf_put_bytes(b, CANDOR_LIT("\"groups\":["));
    for (i = 0; i < s->names.n; i++) {
        const candor_name_count *g = &s->names.items[i];
        candor_buf_putf(b, "%s{\"%s\":", i != 0 ? "," : "", key);
        candor_json_put_string(b, candor_bytes_str(g->name));
        candor_buf_putf(b, ",\"count\":%lld,\"errors\":%lld,", (long long)g->n,
                        (long long)g->errors);
        candor_query_put_ratio(b, "share", g->n, s->total);
        candor_buf_put_c(b, '}');
    }
    candor_buf_put_c(b, ']');
}

/* The schema's categories; one comes as often as there are events in it. */
static candor_bytes category_at(const void *ctx, unsigned i)
{
    const candor_event_def *def = candor_schema_at(ctx, i);
    return def != NULL ? def->category : candor_bytes_of(NULL, 0);
}

/* Of a question about one app, its name. */
static candor_bytes app_at(const void *ctx, unsigned i)
{
    const candor_query_job *j = ctx;
    return candor_bytes_str(i == 0 ? j->app : "");
}

static candor_status make_private(candor_query_job *j, sums *s, candor_err *err)
{
    candor_status st;
    size_t i;
    j->open_names = s->by_source && *j->app == '\0';
    st = s->by_source ? candor_private_groups(j, &s->names, app_at, j, err)
                      : candor_private_groups(j, &s->names, category_at, j->server->schema, err);
    s->total = 0; /* of what is shown: it says nothing that the groups do not */
    for (i = 0; i < s->names.n; i++)
        s->total += s->names.items[i].n;
    return st;
}

static candor_status make_groups(candor_query_job *j, candor_reader *r, bool by_source,
                                 candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    sums s = {.job = j, .by_source = by_source};
    candor_status st = load(j, r, &s, err);
    if (st == CANDOR_OK && candor_is_private(j)) st = make_private(j, &s, err);
    candor_names_sort(&s.names);
    candor_buf_put_c(b, '{');
    candor_query_put_range(j, b);
    candor_buf_putf(b, "\"total\":%lld,", (long long)s.total);
    put_groups(&s, by_source ? "source" : "category", b);
    candor_buf_put_bytes(b, CANDOR_LIT("}\n"));
    candor_names_free(&s.names);
    return st;
}

candor_status candor_categories_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    return make_groups(j, r, false, err);
}

candor_status candor_sources_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    return make_groups(j, r, true, err);
}

/* --- service level -------------------------------------------------------------------------- */

static bool take_failed(void *ctx, const candor_stat_row *row)
{
    *(int64_t *)ctx = row->n;
    return true;
}

static void put_slo(const candor_query_job *j, const sums *s, int64_t failed, candor_buf *b)
{
    int64_t sessions = candor_slo_of(s->starts, failed).sessions, good = sessions - failed;
    double allowed = (1 - j->target) * (double)sessions;
    candor_buf_put_bytes(b, CANDOR_LIT("\"target\":"));
    candor_json_put_fixed(b, j->target, 6);
    candor_buf_putf(b, ",\"sessions\":%lld,\"failed_sessions\":%lld,", (long long)sessions,
                    (long long)failed);
    candor_query_put_ratio(b, "error_free", good, sessions);
    candor_buf_putf(
        b, ",\"met\":%s,\"budget_left\":", (double)failed <= allowed + 1e-9 ? "true" : "false");
    if (allowed > 0)
        candor_json_put_fixed(b, 1 - (double)failed / allowed, 6);
    else
        candor_buf_put_bytes(b, failed == 0 ? CANDOR_LIT("1") : CANDOR_LIT("null"));
    candor_buf_putf(b, ",\"events\":%lld,\"errors\":%lld,", (long long)s->total,
                    (long long)s->errors);
    candor_query_put_ratio(b, "error_rate", s->errors, s->total);
    candor_buf_put_c(b, ',');
    put_groups(s, "source", b);
    candor_buf_put_bytes(b, CANDOR_LIT("}\n"));
}

candor_status candor_slo_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    const candor_stat_range range = candor_query_range(j);
    sums s = {.job = j, .by_source = true};
    int64_t failed = 0;
    candor_status st = load(j, r, &s, err);
    if (st == CANDOR_OK)
        st = j->server->store->ops->stats(r, CANDOR_STAT_FAILED, &range, take_failed, &failed, err);
    candor_names_sort(&s.names);
    candor_buf_put_c(b, '{');
    candor_query_put_range(j, b);
    put_slo(j, &s, failed, b);
    candor_names_free(&s.names);
    return st;
}
