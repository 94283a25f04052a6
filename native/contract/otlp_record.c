/* Log records, data points and spans. Layer: contract. */
#include "contract/otlp_private.h"

/* A table of words and the numbers that OTLP has for them. */
typedef struct word {
    const char *text;
    int number;
} word;

static int number_of(const word *words, size_t n, const candor_otlp_value *v, int fallback)
{
    for (size_t i = 0; i < n; i++)
        if (candor_otlp_is(v, words[i].text)) return words[i].number;
    return fallback;
}
#define NUMBER_OF(words, v, fallback)                                                              \
    number_of((words), sizeof(words) / sizeof((words)[0]), (v), (fallback))

/* b ends with the comma of a member: the object ends here instead. */
static void close_object(candor_buf *b)
{
    if (!b->failed && b->p[b->n - 1] == ',') b->n--;
    candor_buf_put_c(b, '}');
}

static void put_base(candor_buf *b, const candor_otlp_line *line)
{
    candor_otlp_put_attribute(b, "event_id", &line->event_id);
    candor_otlp_put_attribute(b, "user.id", &line->user_id);
    candor_otlp_put_attribute(b, "correlation_id", &line->correlation_id);
}

/* `"attributes":[...],` of the base fields and, where v is an object, of its members. */
static bool put_attributes(candor_buf *b, const candor_otlp_line *line, const candor_otlp_value *v,
                           const candor_event_def *def)
{
    bool ok = true;

    candor_buf_put_bytes(b, CANDOR_LIT("\"attributes\":["));
    put_base(b, line);
    if (v->type == CANDOR_JSON_OBJECT) ok = candor_otlp_put_members(b, v->raw, line, def);
    candor_buf_put_bytes(b, CANDOR_LIT("],"));
    return ok;
}

static bool end_record(candor_buf *b, size_t before, bool ok)
{
    close_object(b);
    if (!ok) b->n = before;
    return ok;
}

/* --- logs ------------------------------------------------------------------------------------ */

/* https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
static const word severities[] = {{"trace", 1}, {"debug", 5},  {"info", 9},
                                  {"warn", 13}, {"error", 17}, {"fatal", 21}};

static int severity_of(const candor_event_def *def)
{
    if (def == NULL) return 9;
    return def->level == CANDOR_LEVEL_CRASH ? 21 : def->level == CANDOR_LEVEL_ERROR ? 17 : 9;
}

static void put_severity(candor_buf *b, int number)
{
    static const char *const texts[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};

    candor_buf_putf(b, "\"severityNumber\":%d,\"severityText\":\"%s\",", number,
                    texts[(number - 1) / 4]);
}

static void put_trace(candor_buf *b, const candor_otlp_value *trace, const candor_otlp_value *span)
{
    if (!candor_otlp_is_id(trace, 32)) return;
    candor_otlp_put_text(b, "traceId", trace);
    if (candor_otlp_is_id(span, 16)) candor_otlp_put_text(b, "spanId", span);
}

static bool put_own_log(candor_buf *b, const candor_otlp_line *line)
{
    enum { SEVERITY, BODY, TRACE, SPAN, ATTRS, N };
    static const char *const names[N] = {"severity", "body", "traceId", "spanId", "attrs"};
    candor_otlp_value v[N];

    if (!candor_otlp_find(line->payload.raw, names, v, N)) return false;
    put_severity(b, NUMBER_OF(severities, &v[SEVERITY], severity_of(line->def)));
    if (v[BODY].type == CANDOR_JSON_STRING) {
        candor_buf_put_bytes(b, CANDOR_LIT("\"body\":{\"stringValue\":\""));
        candor_buf_put_bytes(b, v[BODY].raw);
        candor_buf_put_bytes(b, CANDOR_LIT("\"},"));
    }
    put_trace(b, &v[TRACE], &v[SPAN]);
    return put_attributes(b, line, &v[ATTRS], NULL);
}

bool candor_otlp_put_log(candor_buf *b, const candor_otlp_line *line)
{
    static const candor_otlp_value none = {CANDOR_JSON_ERROR, {NULL, 0}};
    const size_t before = b->n;
    bool ok;

    candor_buf_put_c(b, '{');
    candor_otlp_put_time(b, "timeUnixNano", &none, line->ts_ms);
    candor_otlp_put_time(b, "observedTimeUnixNano", &none, line->ts_ms);
    if (candor_otlp_is(&line->type, "log")) {
        ok = put_own_log(b, line);
    } else {
        put_severity(b, severity_of(line->def));
        candor_otlp_put_text(b, "eventName", &line->type);
        put_trace(b, &line->correlation_id, &none);
        ok = put_attributes(b, line, &line->payload, line->def);
    }
    return end_record(b, before, ok);
}

/* --- metrics --------------------------------------------------------------------------------- */

enum {
    M_METRIC,
    M_VALUE,
    M_UNIT,
    M_TYPE,
    M_LABELS,
    M_COUNT,
    M_MIN,
    M_MAX,
    M_BOUNDS,
    M_BUCKETS,
    M_TEMPORALITY,
    M_START,
    M_TIME,
    M_N
};
static const char *const metric_names[M_N] = {
    "metric", "value",  "unit",         "type",        "labels",  "count", "min",
    "max",    "bounds", "bucketCounts", "temporality", "startNs", "timeNs"};

static void put_member_number(candor_buf *b, const char *key, const candor_otlp_value *v)
{
    if (v->type != CANDOR_JSON_NUMBER) return;
    candor_buf_putf(b, "\"%s\":", key);
    candor_buf_put_bytes(b, v->raw);
    candor_buf_put_c(b, ',');
}

/* Each number of the list by visit, which appends it; false: it is no such list. */
typedef bool (*put_one)(candor_buf *b, const candor_json_token *t, void *ctx);

static bool put_numbers(candor_buf *b, const candor_otlp_value *list, put_one put, void *ctx)
{
    candor_json j;
    candor_json_token t;
    bool first = true;

    if (list->type != CANDOR_JSON_ARRAY) return list->type == CANDOR_JSON_ERROR;
    candor_json_init(&j, list->raw, CANDOR_JSON_EVENT_DEPTH);
    (void)candor_json_next(&j, &t);
    while (candor_json_next(&j, &t) == CANDOR_JSON_NUMBER) {
        if (!first) candor_buf_put_c(b, ',');
        first = false;
        if (!put(b, &t, ctx)) return false;
    }
    return t.type == CANDOR_JSON_ARRAY_END;
}

typedef struct boundaries {
    unsigned n;
    double last;
} boundaries;

/* They have to ascend (metrics.proto, explicit_bounds). */
static bool put_bound(candor_buf *b, const candor_json_token *t, void *ctx)
{
    boundaries *all = ctx;
    double v = candor_json_double(t->raw);

    if (all->n++ != 0 && !(v > all->last)) return false;
    all->last = v;
    candor_buf_put_bytes(b, t->raw);
    return true;
}

typedef struct buckets {
    unsigned n;
    uint64_t sum;
} buckets;

static bool put_bucket(candor_buf *b, const candor_json_token *t, void *ctx)
{
    buckets *all = ctx;
    int64_t v = 0;

    if (!candor_json_int64(t->raw, &v) || v < 0 || all->sum > (uint64_t)INT64_MAX) return false;
    all->n++;
    all->sum += (uint64_t)v;
    candor_buf_putf(b, "\"%lld\"", (long long)v);
    return true;
}

/* What a data point of any kind begins with. */
static bool open_point(candor_buf *b, const candor_otlp_line *line, const candor_otlp_value *v)
{
    bool ok = true;

    candor_buf_put_bytes(b, CANDOR_LIT("{\"attributes\":["));
    if (v[M_LABELS].type == CANDOR_JSON_OBJECT)
        ok = candor_otlp_put_members(b, v[M_LABELS].raw, NULL, NULL);
    candor_buf_put_bytes(b, CANDOR_LIT("],"));
    if (candor_otlp_is_count(&v[M_START]))
        candor_otlp_put_time(b, "startTimeUnixNano", &v[M_START], 0);
    candor_otlp_put_time(b, "timeUnixNano", &v[M_TIME], line->ts_ms);
    return ok;
}

static void put_exemplar(candor_buf *b, const candor_otlp_line *line, const candor_otlp_value *v)
{
    candor_buf_put_bytes(b, CANDOR_LIT("\"exemplars\":[{"));
    candor_otlp_put_time(b, "timeUnixNano", &v[M_TIME], line->ts_ms);
    put_member_number(b, "asDouble", &v[M_VALUE]);
    put_trace(b, &line->correlation_id, &(candor_otlp_value){0});
    candor_buf_put_bytes(b, CANDOR_LIT("\"filteredAttributes\":["));
    put_base(b, line);
    candor_buf_put_bytes(b, CANDOR_LIT("]}],"));
}

/* Without buckets of its own an observation is a histogram of one bucket. The count is the sum of
 * the buckets (metrics.proto, bucket_counts), whatever the event says. */
static bool put_histogram(candor_buf *b, const candor_otlp_value *v)
{
    boundaries bounds = {0};
    buckets counts = {0};
    candor_bytes one = candor_otlp_is_count(&v[M_COUNT]) ? v[M_COUNT].raw : CANDOR_LIT("1");
    bool own = v[M_BUCKETS].type == CANDOR_JSON_ARRAY, ok = true;

    put_member_number(b, "sum", &v[M_VALUE]);
    put_member_number(b, "min", &v[M_MIN]);
    put_member_number(b, "max", &v[M_MAX]);
    candor_buf_put_bytes(b, CANDOR_LIT("\"explicitBounds\":["));
    if (own) ok = put_numbers(b, &v[M_BOUNDS], put_bound, &bounds);
    candor_buf_put_bytes(b, CANDOR_LIT("],\"bucketCounts\":["));
    if (own)
        ok = put_numbers(b, &v[M_BUCKETS], put_bucket, &counts) && ok && counts.n == bounds.n + 1;
    else
        candor_buf_putf(b, "\"%.*s\"", (int)one.n, one.p);
    if (own)
        candor_buf_putf(b, "],\"count\":\"%llu\",", (unsigned long long)counts.sum);
    else
        candor_buf_putf(b, "],\"count\":\"%.*s\",", (int)one.n, one.p);
    return ok;
}

static bool put_data(candor_buf *b, const candor_otlp_line *line, const candor_otlp_value *v)
{
    bool sum = candor_otlp_is(&v[M_TYPE], "counter");
    bool histogram = candor_otlp_is(&v[M_TYPE], "histogram");
    /* Increments and single observations are deltas, what an SDK has summed up says so itself. */
    int temporality = candor_otlp_is(&v[M_TEMPORALITY], "cumulative") ? 2 : 1;
    bool ok;

    candor_buf_putf(b, "\"%s\":{\"dataPoints\":[",
                    sum ? "sum" : (histogram ? "histogram" : "gauge"));
    ok = open_point(b, line, v);
    if (histogram)
        ok = put_histogram(b, v) && ok;
    else
        put_member_number(b, "asDouble", &v[M_VALUE]);
    put_exemplar(b, line, v);
    close_object(b);
    candor_buf_put_c(b, ']');
    if (sum || histogram) candor_buf_putf(b, ",\"aggregationTemporality\":%d", temporality);
    if (sum)
        candor_buf_putf(b, ",\"isMonotonic\":%s", v[M_VALUE].raw.p[0] == '-' ? "false" : "true");
    candor_buf_put_bytes(b, CANDOR_LIT("},"));
    return ok;
}

bool candor_otlp_put_metric(candor_buf *b, const candor_otlp_line *line)
{
    const size_t before = b->n;
    candor_otlp_value v[M_N];
    bool ok;

    if (!candor_otlp_find(line->payload.raw, metric_names, v, M_N) ||
        v[M_METRIC].type != CANDOR_JSON_STRING || v[M_METRIC].raw.n == 0 ||
        v[M_VALUE].type != CANDOR_JSON_NUMBER)
        return false;
    candor_buf_put_c(b, '{');
    candor_otlp_put_text(b, "name", &v[M_METRIC]);
    candor_otlp_put_text(b, "unit", &v[M_UNIT]);
    ok = put_data(b, line, v);
    return end_record(b, before, ok);
}

/* --- spans ----------------------------------------------------------------------------------- */

bool candor_otlp_put_span(candor_buf *b, const candor_otlp_line *line)
{
    enum { TRACE, SPAN, PARENT, NAME, KIND, START, END, STATUS, ATTRS, N };
    static const char *const names[N] = {"traceId", "spanId", "parentId", "name", "kind",
                                         "startNs", "endNs",  "status",   "attrs"};
    static const word kinds[] = {
        {"internal", 1}, {"server", 2}, {"client", 3}, {"producer", 4}, {"consumer", 5}};
    static const word statuses[] = {{"unset", 0}, {"ok", 1}, {"error", 2}};
    const size_t before = b->n;
    candor_otlp_value v[N];
    bool ok;

    if (!candor_otlp_find(line->payload.raw, names, v, N) || !candor_otlp_is_id(&v[TRACE], 32) ||
        !candor_otlp_is_id(&v[SPAN], 16) || !candor_otlp_is_count(&v[START]))
        return false;
    candor_buf_put_c(b, '{');
    candor_otlp_put_text(b, "traceId", &v[TRACE]);
    candor_otlp_put_text(b, "spanId", &v[SPAN]);
    if (candor_otlp_is_id(&v[PARENT], 16)) candor_otlp_put_text(b, "parentSpanId", &v[PARENT]);
    candor_otlp_put_text(b, "name", &v[NAME]);
    candor_buf_putf(b, "\"kind\":%d,", NUMBER_OF(kinds, &v[KIND], 1));
    candor_otlp_put_time(b, "startTimeUnixNano", &v[START], 0);
    candor_otlp_put_time(b, "endTimeUnixNano", candor_otlp_is_count(&v[END]) ? &v[END] : &v[START],
                         0);
    ok = put_attributes(b, line, &v[ATTRS], NULL);
    candor_buf_putf(b, "\"status\":{\"code\":%d},", NUMBER_OF(statuses, &v[STATUS], 0));
    return end_record(b, before, ok);
}
