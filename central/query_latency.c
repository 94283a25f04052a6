/* GET /api/telemetry/aggregate/latency: the histograms of one chart, half an octave a cell: by the
 * values that the chart groups by, or by day. */
#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/query.h"
#include "central/respond.h"
#include "central/store/histogram.h"
#include "contract/limits.h"

#define DAY_MS       INT64_C(86400000)
#define DEFAULT_DAYS 30
#define DAYS_MAX     92 /* each costs a query of the store */
#define ROWS_MAX     1001
#define ROWS_SHOWN   40
#define PER_CELL     (CANDOR_HIST_PARTS / 2)
#define CELLS        (1 + CANDOR_HIST_OCTAVES * 2)
#define QUANTILES    3

typedef struct row {
    size_t name_at, name_n;
    int64_t n;
    bool measured;
    uint64_t valued;
    double sum; /* of the middles of the buckets */
    double q[QUANTILES];
    uint64_t cells[CELLS];
} row;

typedef struct latency {
    row *rows;
    size_t n, omitted;
    unsigned first, last; /* cells in use; first > last: none */
    candor_buf text;
} latency;

static unsigned cell_of(uint32_t bucket)
{
    return bucket == 0 ? 0 : 1 + (bucket - 1) / PER_CELL;
}

/* The lower edge of a cell: halves of an octave, which are linear as its parts are. */
static double edge_of(unsigned cell)
{
    double v = 1;
    int octave;
    if (cell == 0) return 0;
    octave = CANDOR_HIST_LOW + (int)(cell - 1) / 2;
    for (; octave > 0; octave--)
        v *= 2;
    for (; octave < 0; octave++)
        v /= 2;
    if ((cell - 1) % 2 != 0) v *= 1.5;
    return v < CANDOR_NUMBER_MAX ? v : CANDOR_NUMBER_MAX; /* no value is larger */
}

static void add_counts(latency *l, row *x, const candor_stat_row *from)
{
    static const double q[QUANTILES] = {0.5, 0.95, 0.99};
    uint32_t i;
    x->measured = from->first <= from->last;
    candor_hist_quantiles(from->counts, from->first, from->last, q, QUANTILES, x->q);
    for (i = from->first; x->measured && i <= from->last; i++) {
        unsigned cell = cell_of(i);
        if (from->counts[i] == 0) continue;
        x->cells[cell] += from->counts[i];
        x->sum += (double)from->counts[i] * candor_hist_value(i);
        x->valued += from->counts[i];
        if (cell < l->first) l->first = cell;
        if (cell > l->last) l->last = cell;
    }
}

static row *add_row(latency *l, candor_bytes name)
{
    row *p;
    if (l->n == ROWS_MAX) {
        l->omitted++;
        return NULL;
    }
    p = realloc(l->rows, (l->n + 1) * sizeof *p);
    if (p == NULL) return NULL;
    l->rows = p;
    p = &l->rows[l->n++];
    memset(p, 0, sizeof *p);
    p->name_at = l->text.n;
    p->name_n = name.n;
    candor_buf_put_bytes(&l->text, name);
    return p;
}

static bool take_value(void *ctx, const candor_stat_row *from)
{
    latency *l = ctx;
    row *x = add_row(l, from->b);
    if (x == NULL) return l->n == ROWS_MAX;
    x->n = from->n;
    add_counts(l, x, from);
    return !l->text.failed;
}

/* --- by day --------------------------------------------------------------------------------- */

typedef struct day_sum {
    int64_t n;
    uint32_t first, last;
    uint64_t counts[CANDOR_HIST_BUCKETS];
} day_sum;

static bool take_day(void *ctx, const candor_stat_row *from)
{
    day_sum *d = ctx;
    uint32_t i;
    d->n += from->n;
    for (i = from->first; from->first <= from->last && i <= from->last; i++)
        d->counts[i] += from->counts[i];
    if (from->first < d->first) d->first = from->first;
    if (from->first <= from->last && from->last > d->last) d->last = from->last;
    return true;
}

static candor_status load_day(candor_query_job *j, candor_reader *r, latency *l, int64_t day,
                              day_sum *d, candor_err *err)
{
    candor_stat_range range = candor_query_range(j);
    char text[CANDOR_TIME_TEXT];
    candor_status st;
    row *x;
    memset(d, 0, sizeof *d);
    d->first = CANDOR_HIST_BUCKETS;
    range.from_ms = day * DAY_MS;
    range.to_ms = range.from_ms + DAY_MS;
    range.type = j->type;
    st = j->server->store->ops->stats(r, CANDOR_STAT_CHARTS, &range, take_day, d, err);
    if (st != CANDOR_OK) return st;
    candor_time_format(range.from_ms, text);
    x = add_row(l, candor_bytes_of(text, 10));
    if (x == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    x->n = d->n;
    add_counts(l, x, &(candor_stat_row){.counts = d->counts, .first = d->first, .last = d->last});
    return CANDOR_OK;
}

static candor_status load_days(candor_query_job *j, candor_reader *r, latency *l, candor_err *err)
{
    candor_status st = candor_query_days(j, DEFAULT_DAYS, err);
    day_sum *d;
    int64_t day, end;
    if (st != CANDOR_OK) return st;
    day = j->from_ms / DAY_MS;
    end = (j->to_ms + DAY_MS - 1) / DAY_MS;
    if (end - day > DAYS_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "query",
                           "by=day takes at most %d days; ask for a shorter time", DAYS_MAX);
    d = malloc(sizeof *d);
    if (d == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    for (; day < end && st == CANDOR_OK; day++)
        st = load_day(j, r, l, day, d, err);
    free(d);
    return st;
}

/* --- the answer ----------------------------------------------------------------------------- */

static int larger(const void *p, const void *q)
{
    const row *a = p, *b = q;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    return a->name_at < b->name_at ? -1 : 1;
}

static void put_row(const latency *l, const row *x, candor_buf *b)
{
    static const char *const names[QUANTILES] = {"p50", "p95", "p99"};
    unsigned i;
    candor_buf_put_bytes(b, CANDOR_LIT("{\"value\":"));
    candor_json_put_string(b, candor_bytes_of(l->text.p + x->name_at, x->name_n));
    candor_buf_putf(b, ",\"count\":%lld", (long long)x->n);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"mean\":"));
    if (x->valued != 0)
        candor_json_put_fixed(b, x->sum / (double)x->valued, 3);
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
    for (i = 0; i < QUANTILES; i++) {
        candor_buf_putf(b, ",\"%s\":", names[i]);
        if (x->measured)
            candor_json_put_fixed(b, x->q[i], 3);
        else
            candor_buf_put_bytes(b, CANDOR_LIT("null"));
    }
    candor_buf_put_bytes(b, CANDOR_LIT(",\"cells\":["));
    for (i = l->first; i <= l->last; i++)
        candor_buf_putf(b, "%s%llu", i != l->first ? "," : "", (unsigned long long)x->cells[i]);
    candor_buf_put_bytes(b, CANDOR_LIT("]}"));
}

static void put(const candor_query_job *j, latency *l, const candor_event_def *def, candor_buf *b)
{
    const candor_bytes none = {NULL, 0};
    const candor_field *of = def != NULL ? def->chart_histogram : NULL;
    const candor_field *by = def != NULL ? def->chart_by : NULL;
    size_t shown = j->by == 0 && l->n > ROWS_SHOWN ? ROWS_SHOWN : l->n, k;
    unsigned i;
    if (j->by == 0 && l->n > 1) qsort(l->rows, l->n, sizeof *l->rows, larger);
    candor_buf_put_bytes(b, CANDOR_LIT("\"type\":"));
    candor_json_put_string(b, candor_bytes_str(j->type));
    candor_query_put_name(b, "by", j->by == 0 ? (by != NULL ? by->name : none) : CANDOR_LIT("day"));
    candor_query_put_name(b, "of", of != NULL ? of->name : none);
    candor_query_put_name(b, "unit", of != NULL ? of->unit : none);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"edges\":["));
    for (i = l->first; l->first <= l->last && i <= l->last + 1; i++) {
        if (i != l->first) candor_buf_put_c(b, ',');
        candor_json_put_fixed(b, edge_of(i), 6);
    }
    candor_buf_put_bytes(b, CANDOR_LIT("],\"rows\":["));
    for (k = 0; k < shown; k++) {
        if (k != 0) candor_buf_put_c(b, ',');
        put_row(l, &l->rows[k], b);
    }
    candor_buf_putf(b, "],\"omitted\":%zu}\n", l->n - shown + l->omitted);
}

candor_status candor_latency_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    const candor_event_def *def = candor_schema_event(j->server->schema, candor_bytes_str(j->type));
    candor_stat_range range = candor_query_range(j);
    latency l = {.first = CELLS};
    candor_status st;
    range.type = j->type;
    if (j->by == 0)
        st = j->server->store->ops->stats(r, CANDOR_STAT_CHARTS, &range, take_value, &l, err);
    else
        st = load_days(j, r, &l, err);
    if (st == CANDOR_OK) {
        candor_buf_put_c(b, '{');
        candor_query_put_range(j, b);
        put(j, &l, def, b);
    }
    free(l.rows);
    candor_buf_free(&l.text);
    return st;
}
