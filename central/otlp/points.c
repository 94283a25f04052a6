/* The data points of an OTLP metrics request, each an event `metric`. */
#include "central/otlp/events.h"
#include "central/otlp/message.h"

/* What points of every kind have. */
typedef struct point {
    const ProtobufCMessage *all;
    const Otlp__Metric *metric;
    const char *type;
    int temporality; /* as OTLP numbers it; 0: none */
    uint64_t start, time;
    Otlp__KeyValue *const *attributes;
    size_t n_attributes;
    Otlp__Exemplar *const *exemplars;
    size_t n_exemplars;
} point;

/* Of a data point an attribute would be a time series, so the id stands in the exemplar. */
static const char *given_id(const point *p)
{
    size_t i;
    for (i = 0; i < p->n_exemplars; i++) {
        const Otlp__Exemplar *x = p->exemplars[i];
        const char *id =
            candor_otlp_attribute(x->filtered_attributes, x->n_filtered_attributes, "event_id");
        if (id != NULL) return id;
    }
    return NULL;
}

static void begin_point(candor_otlp_events *e, const point *p)
{
    static const ProtobufCBinaryData none = {0, NULL};
    candor_otlp_content(e, 'M');
    candor_buf_putf(&e->content, "%s", p->type);
    candor_buf_put(&e->content, p->metric->name, strlen(p->metric->name) + 1);
    candor_buf_put(&e->content, p->metric->unit, strlen(p->metric->unit) + 1);
    if (!candor_otlp_pack(p->all, &e->content)) e->failed = true;
    candor_otlp_begin(e, "metric", p->time, given_id(p), true, &none);
    candor_otlp_name(e, "metric", p->metric->name);
    candor_otlp_name(e, "unit", p->metric->unit);
    candor_otlp_text(e, "type", p->type);
    candor_otlp_attributes(e, "labels", p->attributes, p->n_attributes, NULL, NULL);
    if (p->temporality == 1) candor_otlp_text(e, "temporality", "delta");
    if (p->temporality == 2) candor_otlp_text(e, "temporality", "cumulative");
    candor_otlp_nanos(e, "startNs", p->start);
    candor_otlp_nanos(e, "timeNs", p->time);
}

static void put_count(candor_otlp_events *e, uint64_t n)
{
    candor_buf_putf(&e->line, "\"count\":%llu,", (unsigned long long)n);
}

static bool take_number(candor_otlp_events *e, const Otlp__Metric *m,
                        const Otlp__NumberDataPoint *d, const char *type, int temporality)
{
    const point p = {&d->base,
                     m,
                     type,
                     temporality,
                     d->start_time_unix_nano,
                     d->time_unix_nano,
                     d->attributes,
                     d->n_attributes,
                     d->exemplars,
                     d->n_exemplars};
    if (d->value_case == OTLP__NUMBER_DATA_POINT__VALUE__NOT_SET) return e->reject(e->ctx);
    begin_point(e, &p);
    if (d->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT)
        candor_buf_putf(&e->line, "\"value\":%lld,", (long long)d->as_int);
    else
        candor_otlp_double(e, "value", d->as_double);
    return candor_otlp_end(e);
}

static void put_buckets(candor_otlp_events *e, const Otlp__HistogramDataPoint *d)
{
    candor_buf *b = &e->line;
    size_t i;
    if (d->n_bucket_counts == 0) return;
    candor_buf_put_bytes(b, CANDOR_LIT("\"bounds\":["));
    for (i = 0; i < d->n_explicit_bounds; i++)
        candor_buf_putf(b, "%s%.17g", i != 0 ? "," : "", d->explicit_bounds[i]);
    candor_buf_put_bytes(b, CANDOR_LIT("],\"bucketCounts\":["));
    for (i = 0; i < d->n_bucket_counts; i++)
        candor_buf_putf(b, "%s%llu", i != 0 ? "," : "", (unsigned long long)d->bucket_counts[i]);
    candor_buf_put_bytes(b, CANDOR_LIT("],"));
}

/* JSON has no infinite bound, and OTLP none either: the last bucket is open. */
static bool bounds_ok(const Otlp__HistogramDataPoint *d)
{
    size_t i;
    for (i = 0; i < d->n_explicit_bounds; i++)
        if (!(d->explicit_bounds[i] > -1e300 && d->explicit_bounds[i] < 1e300)) return false;
    return d->n_bucket_counts == 0 || d->n_bucket_counts == d->n_explicit_bounds + 1;
}

static bool take_histogram(candor_otlp_events *e, const Otlp__Metric *m,
                           const Otlp__HistogramDataPoint *d)
{
    const point p = {&d->base,
                     m,
                     "histogram",
                     m->histogram->aggregation_temporality,
                     d->start_time_unix_nano,
                     d->time_unix_nano,
                     d->attributes,
                     d->n_attributes,
                     d->exemplars,
                     d->n_exemplars};
    if (!bounds_ok(d)) return e->reject(e->ctx);
    begin_point(e, &p);
    if (d->has_sum_case != 0) candor_otlp_double(e, "value", d->sum);
    put_count(e, d->count);
    if (d->has_min_case != 0) candor_otlp_double(e, "min", d->min);
    if (d->has_max_case != 0) candor_otlp_double(e, "max", d->max);
    put_buckets(e, d);
    return candor_otlp_end(e);
}

/* Their buckets are left out, as in js/otel/metric.js. */
static bool take_exponential(candor_otlp_events *e, const Otlp__Metric *m,
                             const Otlp__ExponentialHistogramDataPoint *d)
{
    const point p = {&d->base,
                     m,
                     "histogram",
                     m->exponential_histogram->aggregation_temporality,
                     d->start_time_unix_nano,
                     d->time_unix_nano,
                     d->attributes,
                     d->n_attributes,
                     NULL,
                     0};
    begin_point(e, &p);
    if (d->has_sum_case != 0) candor_otlp_double(e, "value", d->sum);
    put_count(e, d->count);
    if (d->has_min_case != 0) candor_otlp_double(e, "min", d->min);
    if (d->has_max_case != 0) candor_otlp_double(e, "max", d->max);
    return candor_otlp_end(e);
}

static bool take_summary(candor_otlp_events *e, const Otlp__Metric *m,
                         const Otlp__SummaryDataPoint *d)
{
    const point p = {&d->base,
                     m,
                     "histogram",
                     2,
                     d->start_time_unix_nano,
                     d->time_unix_nano,
                     d->attributes,
                     d->n_attributes,
                     NULL,
                     0};
    begin_point(e, &p);
    candor_otlp_double(e, "value", d->sum);
    put_count(e, d->count);
    return candor_otlp_end(e);
}

static bool take_metric(candor_otlp_events *e, const Otlp__Metric *m)
{
    bool ok = true;
    size_t i;
    switch (m->data_case) {
    case OTLP__METRIC__DATA_GAUGE:
        for (i = 0; ok && i < m->gauge->n_data_points; i++)
            ok = take_number(e, m, m->gauge->data_points[i], "gauge", 0);
        break;
    case OTLP__METRIC__DATA_SUM: /* what goes up and down is a gauge */
        for (i = 0; ok && i < m->sum->n_data_points; i++)
            ok = take_number(e, m, m->sum->data_points[i],
                             m->sum->is_monotonic ? "counter" : "gauge",
                             m->sum->aggregation_temporality);
        break;
    case OTLP__METRIC__DATA_HISTOGRAM:
        for (i = 0; ok && i < m->histogram->n_data_points; i++)
            ok = take_histogram(e, m, m->histogram->data_points[i]);
        break;
    case OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM:
        for (i = 0; ok && i < m->exponential_histogram->n_data_points; i++)
            ok = take_exponential(e, m, m->exponential_histogram->data_points[i]);
        break;
    case OTLP__METRIC__DATA_SUMMARY:
        for (i = 0; ok && i < m->summary->n_data_points; i++)
            ok = take_summary(e, m, m->summary->data_points[i]);
        break;
    default: /* of a kind that came later than this collector */
        ok = e->reject(e->ctx);
    }
    return ok;
}

bool candor_otlp_metrics(candor_otlp_events *e, const Otlp__MetricsRequest *m)
{
    size_t i, k, n;
    for (i = 0; i < m->n_resource_metrics; i++) {
        const Otlp__ResourceMetrics *of = m->resource_metrics[i];
        candor_otlp_open(e, of->resource, NULL);
        for (k = 0; k < of->n_scope_metrics; k++) {
            static const Otlp__Scope none = OTLP__SCOPE__INIT;
            const Otlp__ScopeMetrics *s = of->scope_metrics[k];
            candor_otlp_open(e, NULL, s->scope != NULL ? s->scope : &none);
            for (n = 0; n < s->n_metrics; n++)
                if (!take_metric(e, s->metrics[n])) return false;
        }
    }
    return true;
}
