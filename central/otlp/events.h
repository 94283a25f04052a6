/* Stage 7/10: OTLP in. In: an export request of OpenTelemetry. Out: event lines `log`, `metric`,
 * `span` and `Error`, as the adapters of js/otel make them, for the sanitiser that all events pass.
 * Layer: central. Threads: one owner. */
#ifndef CANDOR_CENTRAL_OTLP_EVENTS_H
#define CANDOR_CENTRAL_OTLP_EVENTS_H

#include "base/digest.h"
#include "central/otlp/otlp.pb-c.h"
#include "central/otlp/repeats.h"
#include "contract/schema.h"

/* Zero-initialise, set what comes first. */
typedef struct candor_otlp_events {
    const candor_schema *schema;
    candor_hmac *key; /* names the session of a resource without an id of its own */
    int64_t now_ms;   /* of a record without a time */
    /* One event line; false: stop. */
    bool (*take)(void *ctx, candor_bytes line);
    /* A record that is none of OTLP's: it counts as rejected; false: stop. */
    bool (*reject)(void *ctx);
    void *ctx;

    uint64_t dropped; /* out: attributes that the schema does not have */
    /* private */
    candor_buf line, content, context, shared;
    size_t of_resource; /* bytes of shared that the resource wrote, the scope's come behind */
    candor_repeats repeats;
    candor_bytes scope;
    unsigned char resource[CANDOR_SHA256_SIZE];
    bool failed;
} candor_otlp_events;

/* False: take or reject said so, or memory is out (failed). */
bool candor_otlp_logs(candor_otlp_events *e, const Otlp__LogsRequest *m);
bool candor_otlp_metrics(candor_otlp_events *e, const Otlp__MetricsRequest *m);
bool candor_otlp_traces(candor_otlp_events *e, const Otlp__TracesRequest *m);
void candor_otlp_events_free(candor_otlp_events *e);

/* --- shared by the files of the walk --------------------------------------------------------- */

/* The resource and scope of what follows. */
void candor_otlp_open(candor_otlp_events *e, const Otlp__Resource *r, const Otlp__Scope *s);
/* Where the id of a record comes from: content starts with its kind, resource and scope. */
void candor_otlp_content(candor_otlp_events *e, char kind);
/* Begin a line: its id, from given when that is one, else from the content. count: the same content
 * again in this request is another record, not a repetition. */
void candor_otlp_begin(candor_otlp_events *e, const char *type, uint64_t nanos, const char *given,
                       bool count, const ProtobufCBinaryData *trace);
bool candor_otlp_end(candor_otlp_events *e);
/* Members of the payload, each with a comma behind; absent ones are left out. */
void candor_otlp_text(candor_otlp_events *e, const char *key, const char *text);
void candor_otlp_name(candor_otlp_events *e, const char *key, const char *text);
void candor_otlp_id(candor_otlp_events *e, const char *key, const ProtobufCBinaryData *id,
                    size_t n);
void candor_otlp_nanos(candor_otlp_events *e, const char *key, uint64_t nanos);
void candor_otlp_double(candor_otlp_events *e, const char *key, double v);
/* The record's attributes, over those of scope and resource. extra: one more, may be NULL. */
void candor_otlp_attributes(candor_otlp_events *e, const char *key, Otlp__KeyValue *const *list,
                            size_t n, const char *extra, const char *extra_text);
/* The text of an attribute, or NULL. */
const char *candor_otlp_attribute(Otlp__KeyValue *const *list, size_t n, const char *key);

#endif
