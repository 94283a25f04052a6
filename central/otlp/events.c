#include "central/otlp/events.h"

#include "central/otlp/message.h"

/* What a producer that knows event ids put there: Candor's own exporters do. */
#define EVENT_ID "event_id"

void candor_otlp_events_free(candor_otlp_events *e)
{
    candor_buf_free(&e->line);
    candor_buf_free(&e->content);
    candor_buf_free(&e->context);
    candor_buf_free(&e->shared);
    candor_repeats_free(&e->repeats);
}

static const char *word(const char *const *words, int n, int i)
{
    return i >= 0 && i < n ? words[i] : NULL;
}

/* --- logs ----------------------------------------------------------------------------------- */

static bool take_log(candor_otlp_events *e, const Otlp__LogRecord *r)
{
    static const char *const severities[] = {"trace", "debug", "info", "warn", "error", "fatal"};
    uint64_t time = r->time_unix_nano != 0 ? r->time_unix_nano : r->observed_time_unix_nano;
    int severity = r->severity_number >= 1 ? (r->severity_number - 1) / 4 : -1;
    candor_otlp_content(e, 'L');
    if (!candor_otlp_pack(&r->base, &e->content)) e->failed = true;
    candor_otlp_begin(e, "log", time,
                      candor_otlp_attribute(r->attributes, r->n_attributes, EVENT_ID), true,
                      &r->trace_id);
    candor_otlp_text(e, "severity", word(severities, 6, severity));
    if (r->body != NULL && r->body->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE)
        candor_otlp_text(e, "body", r->body->string_value);
    candor_otlp_id(e, "traceId", &r->trace_id, 16);
    candor_otlp_id(e, "spanId", &r->span_id, 8);
    candor_otlp_attributes(e, "attrs", r->attributes, r->n_attributes, "event.name", r->event_name);
    return candor_otlp_end(e);
}

bool candor_otlp_logs(candor_otlp_events *e, const Otlp__LogsRequest *m)
{
    size_t i, k, n;
    for (i = 0; i < m->n_resource_logs; i++) {
        const Otlp__ResourceLogs *of = m->resource_logs[i];
        candor_otlp_open(e, of->resource, NULL);
        for (k = 0; k < of->n_scope_logs; k++) {
            static const Otlp__Scope none = OTLP__SCOPE__INIT;
            const Otlp__ScopeLogs *s = of->scope_logs[k];
            candor_otlp_open(e, NULL, s->scope != NULL ? s->scope : &none);
            for (n = 0; n < s->n_log_records; n++)
                if (!take_log(e, s->log_records[n])) return false;
        }
    }
    return true;
}

/* --- spans ---------------------------------------------------------------------------------- */

/* An exception is an event `Error` of its own, as in js/otel/span.js. */
static bool take_exception(candor_otlp_events *e, const Otlp__Span *s, size_t i)
{
    const Otlp__SpanEvent *x = s->events[i];
    if (strcmp(x->name, "exception") != 0) return true;
    candor_otlp_content(e, 'X');
    if (!candor_otlp_pack(&x->base, &e->content)) e->failed = true;
    candor_buf_put(&e->content, (const char *)s->span_id.data, s->span_id.len);
    candor_buf_putf(&e->content, "%zu", i);
    candor_otlp_begin(e, "Error",
                      x->time_unix_nano != 0 ? x->time_unix_nano : s->start_time_unix_nano, NULL,
                      false, &s->trace_id);
    candor_otlp_text(e, "errorType",
                     candor_otlp_attribute(x->attributes, x->n_attributes, "exception.type"));
    candor_otlp_text(e, "message",
                     candor_otlp_attribute(x->attributes, x->n_attributes, "exception.message"));
    candor_otlp_text(e, "stackTrace",
                     candor_otlp_attribute(x->attributes, x->n_attributes, "exception.stacktrace"));
    return candor_otlp_end(e);
}

static const char *exception_type(const Otlp__Span *s)
{
    size_t i;
    for (i = 0; i < s->n_events; i++)
        if (strcmp(s->events[i]->name, "exception") == 0)
            return candor_otlp_attribute(s->events[i]->attributes, s->events[i]->n_attributes,
                                         "exception.type");
    return NULL;
}

/* Trace and span id name a span, whatever else a second export of it says. */
static void begin_span(candor_otlp_events *e, const Otlp__Span *s)
{
    candor_buf_clear(&e->content);
    candor_buf_put_c(&e->content, 'S');
    candor_buf_put(&e->content, (const char *)s->trace_id.data, s->trace_id.len);
    candor_buf_put(&e->content, (const char *)s->span_id.data, s->span_id.len);
    candor_otlp_begin(e, "span", s->start_time_unix_nano,
                      candor_otlp_attribute(s->attributes, s->n_attributes, EVENT_ID), false,
                      &s->trace_id);
}

static bool take_span(candor_otlp_events *e, const Otlp__Span *s)
{
    static const char *const kinds[] = {"internal", "server", "client", "producer", "consumer"};
    static const char *const statuses[] = {"unset", "ok", "error"};
    uint64_t start = s->start_time_unix_nano, end = s->end_time_unix_nano;
    size_t i;
    if (s->trace_id.len != 16 || s->span_id.len != 8 || start == 0) return e->reject(e->ctx);
    for (i = 0; i < s->n_events; i++)
        if (!take_exception(e, s, i)) return false;
    begin_span(e, s);
    candor_otlp_id(e, "traceId", &s->trace_id, 16);
    candor_otlp_id(e, "spanId", &s->span_id, 8);
    candor_otlp_id(e, "parentId", &s->parent_span_id, 8);
    candor_otlp_text(e, "name", s->name);
    candor_otlp_text(e, "kind", word(kinds, 5, s->kind >= 1 ? s->kind - 1 : -1));
    candor_otlp_nanos(e, "startNs", start);
    candor_otlp_nanos(e, "endNs", end);
    if (end >= start) candor_otlp_double(e, "durationMs", (double)(end - start) / 1e6);
    candor_otlp_text(e, "status", word(statuses, 3, s->status != NULL ? s->status->code : 0));
    candor_otlp_attributes(e, "attrs", s->attributes, s->n_attributes, "error.type",
                           exception_type(s));
    return candor_otlp_end(e);
}

bool candor_otlp_traces(candor_otlp_events *e, const Otlp__TracesRequest *m)
{
    size_t i, k, n;
    for (i = 0; i < m->n_resource_spans; i++) {
        const Otlp__ResourceSpans *of = m->resource_spans[i];
        candor_otlp_open(e, of->resource, NULL);
        for (k = 0; k < of->n_scope_spans; k++) {
            static const Otlp__Scope none = OTLP__SCOPE__INIT;
            const Otlp__ScopeSpans *s = of->scope_spans[k];
            candor_otlp_open(e, NULL, s->scope != NULL ? s->scope : &none);
            for (n = 0; n < s->n_spans; n++)
                if (!take_span(e, s->spans[n])) return false;
        }
    }
    return true;
}
