#include "contract/otlp.h"

#include <stdio.h>

#include "base/uuid.h"
#include "contract/otlp_private.h"

#define SCOPE "{\"name\":\"candor\"}"

typedef struct shape {
    const char *path, *resources, *scopes, *records;
} shape;

static const shape shapes[CANDOR_OTLP_SIGNALS] = {
    {"/v1/logs", "resourceLogs", "scopeLogs", "logRecords"},
    {"/v1/metrics", "resourceMetrics", "scopeMetrics", "metrics"},
    {"/v1/traces", "resourceSpans", "scopeSpans", "spans"},
};

const char *candor_otlp_path(candor_otlp_signal signal)
{
    return shapes[signal].path;
}

/* --- a line ---------------------------------------------------------------------------------- */

static bool read_line(const candor_schema *schema, candor_bytes text, candor_otlp_line *out)
{
    enum {
        ID,
        TYPE,
        TIME,
        SESSION,
        USER,
        MACHINE,
        APP,
        VERSION,
        PLATFORM,
        CORRELATION,
        PAYLOAD,
        N
    };
    static const char *const names[N] = {"event_id", "event_type",     "timestamp", "session_id",
                                         "user_id",  "machine_id",     "app",       "app_version",
                                         "platform", "correlation_id", "payload"};
    candor_otlp_value v[N];

    if (!candor_otlp_find(text, names, v, N)) return false;
    for (int i = ID; i <= PLATFORM; i++)
        if (v[i].type != CANDOR_JSON_STRING) return false;
    if (v[PAYLOAD].type != CANDOR_JSON_OBJECT || !candor_time_parse(v[TIME].raw, &out->ts_ms))
        return false;
    out->event_id = v[ID];
    out->type = v[TYPE];
    out->session_id = v[SESSION];
    out->user_id = v[USER];
    out->machine_id = v[MACHINE];
    out->app = v[APP];
    out->app_version = v[VERSION];
    out->platform = v[PLATFORM];
    out->correlation_id = v[CORRELATION];
    out->payload = v[PAYLOAD];
    /* In the writer's order they stand together; in any other each event is a resource of its own.
     */
    const char *end = v[PLATFORM].raw.p + v[PLATFORM].raw.n;
    out->context = v[SESSION].raw.p < end
                       ? candor_bytes_of(v[SESSION].raw.p, (size_t)(end - v[SESSION].raw.p))
                       : candor_bytes_of(v[ID].raw.p, v[ID].raw.n);
    out->def = schema != NULL ? candor_schema_event(schema, v[TYPE].raw) : NULL;
    return true;
}

/* --- resources ------------------------------------------------------------------------------- */

/* Node's names (linux-x64) as those of the semantic conventions
 * (https://opentelemetry.io/docs/specs/semconv/resource/os/ and .../host/). */
static void put_platform(candor_buf *b, candor_bytes platform)
{
    static const char *const names[][2] = {{"win32", "windows"},
                                           {"x64", "amd64"},
                                           {"ia32", "x86"},
                                           {"arm", "arm32"},
                                           {"sunos", "solaris"}};
    const char *dash = memchr(platform.p, '-', platform.n);
    const size_t cut = dash != NULL ? (size_t)(dash - platform.p) : platform.n;
    candor_otlp_value parts[2] = {{CANDOR_JSON_STRING, {platform.p, cut}},
                                  {CANDOR_JSON_ERROR, {0}}};

    if (dash != NULL)
        parts[1] = (candor_otlp_value){CANDOR_JSON_STRING, {dash + 1, platform.n - cut - 1}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t p = 0; p < 2; p++)
            if (candor_otlp_is(&parts[p], names[i][0]))
                parts[p].raw = candor_bytes_str(names[i][1]);
    candor_otlp_put_attribute(b, "os.type", &parts[0]);
    candor_otlp_put_attribute(b, "host.arch", &parts[1]);
}

static void close_resource(candor_otlp_doc *d)
{
    if (d->context.n != 0) candor_buf_put_bytes(&d->json, CANDOR_LIT("]}]}"));
    d->context = (candor_bytes){NULL, 0};
}

static void open_resource(candor_otlp_doc *d, const shape *s, const candor_otlp_line *line)
{
    candor_buf *b = &d->json;

    if (b->n == 0)
        candor_buf_putf(b, "{\"%s\":[", s->resources);
    else
        candor_buf_put_c(b, ',');
    candor_buf_put_bytes(b, CANDOR_LIT("{\"resource\":{\"attributes\":["));
    candor_otlp_put_attribute(b, "service.name", &line->app);
    candor_otlp_put_attribute(b, "service.version", &line->app_version);
    candor_otlp_put_attribute(b, "host.id", &line->machine_id);
    candor_otlp_put_attribute(b, "session.id", &line->session_id);
    put_platform(b, line->platform.raw);
    candor_buf_putf(b, "]},\"%s\":[{\"scope\":" SCOPE ",\"%s\":[", s->scopes, s->records);
    d->context = line->context;
}

/* --- documents ------------------------------------------------------------------------------- */

typedef bool (*put_record)(candor_buf *b, const candor_otlp_line *line);

static bool add_record(candor_otlp *o, candor_otlp_signal signal, const candor_otlp_line *line,
                       put_record put)
{
    candor_otlp_doc *d = &o->docs[signal];
    const size_t before = d->json.n;
    const candor_bytes context = d->context;

    if (d->context.n != 0 && !candor_bytes_eq(d->context, line->context)) close_resource(d);
    if (d->context.n == 0)
        open_resource(d, &shapes[signal], line);
    else
        candor_buf_put_c(&d->json, ',');
    if (put(&d->json, line)) {
        d->events++;
        d->context = line->context;
        return true;
    }
    if (!d->json.failed) d->json.n = before;
    d->context = context;
    return false;
}

static void add_line(candor_otlp *o, candor_bytes text)
{
    candor_otlp_line line = {0};
    bool done = false;

    if (!read_line(o->schema, text, &line)) {
        o->skipped++;
        return;
    }
    if (candor_otlp_is(&line.type, "metric"))
        done = add_record(o, CANDOR_OTLP_METRICS, &line, candor_otlp_put_metric);
    else if (candor_otlp_is(&line.type, "span"))
        done = add_record(o, CANDOR_OTLP_TRACES, &line, candor_otlp_put_span);
    if (!done) done = add_record(o, CANDOR_OTLP_LOGS, &line, candor_otlp_put_log);
    if (!done) o->skipped++;
}

static void reset(candor_otlp *o)
{
    for (int i = 0; i < CANDOR_OTLP_SIGNALS; i++) {
        candor_buf_clear(&o->docs[i].json);
        o->docs[i].events = 0;
        o->docs[i].context = (candor_bytes){NULL, 0};
    }
    o->skipped = 0;
}

candor_status candor_otlp_write(candor_otlp *o, candor_bytes lines)
{
    const char *p = lines.p, *end = lines.n != 0 ? lines.p + lines.n : lines.p;
    candor_status st = CANDOR_OK;

    reset(o);
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const char *stop = nl != NULL ? nl : end;
        if (stop != p) add_line(o, candor_bytes_of(p, (size_t)(stop - p)));
        p = stop + 1;
    }
    for (int i = 0; i < CANDOR_OTLP_SIGNALS; i++) {
        candor_otlp_doc *d = &o->docs[i];
        close_resource(d);
        if (d->json.n != 0) candor_buf_put_bytes(&d->json, CANDOR_LIT("]}"));
        if (d->json.failed) st = CANDOR_NOMEM;
    }
    return st;
}

void candor_otlp_free(candor_otlp *o)
{
    for (int i = 0; i < CANDOR_OTLP_SIGNALS; i++)
        candor_buf_free(&o->docs[i].json);
    memset(o, 0, sizeof *o);
}

/* --- the answer ------------------------------------------------------------------------------ */

static uint64_t count_of(const candor_otlp_value *v)
{
    uint64_t n = 0;

    for (size_t i = 0; candor_otlp_is_count(v) && i < v->raw.n && n < UINT64_MAX / 100; i++)
        n = n * 10 + (uint64_t)(v->raw.p[i] - '0');
    return n;
}

bool candor_otlp_receipt(candor_bytes body, uint64_t *rejected, char *message, size_t cap)
{
    enum { LOGS, POINTS, SPANS, MESSAGE, N };
    static const char *const outer[1] = {"partialSuccess"};
    static const char *const names[N] = {"rejectedLogRecords", "rejectedDataPoints",
                                         "rejectedSpans", "errorMessage"};
    candor_otlp_value partial, v[N];

    *rejected = 0;
    if (cap != 0) message[0] = '\0';
    if (body.n == 0) return true; /* an empty message is one with every member at its default */
    if (!candor_otlp_find(body, outer, &partial, 1)) return false;
    if (partial.type != CANDOR_JSON_OBJECT) return true;
    if (!candor_otlp_find(partial.raw, names, v, N)) return false;
    *rejected = count_of(&v[LOGS]) + count_of(&v[POINTS]) + count_of(&v[SPANS]);
    if (v[MESSAGE].type == CANDOR_JSON_STRING && cap != 0)
        (void)snprintf(message, cap, "%.*s", (int)(v[MESSAGE].raw.n < cap ? v[MESSAGE].raw.n : cap),
                       v[MESSAGE].raw.p);
    return true;
}
