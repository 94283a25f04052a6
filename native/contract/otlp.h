/* Event lines as OTLP JSON documents
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): names in lowerCamelCase,
 * 64-bit integers as strings, enums as numbers, trace and span ids in hex. Layer: contract.
 * Threads: one owner.
 *
 *   metric          -> resourceMetrics: gauge, sum or histogram
 *   span            -> resourceSpans
 *   log             -> resourceLogs: severity and body of its own
 *   any other type  -> resourceLogs: eventName, severity by the level, the payload as attributes
 *
 * A metric or span without what OTLP requires of one becomes a log record too: nothing is lost.
 * Every record has the attribute event_id, to tell a repetition; of a data point it stands in the
 * exemplar, because an attribute would make each a time series of its own. */
#ifndef CANDOR_CONTRACT_OTLP_H
#define CANDOR_CONTRACT_OTLP_H

#include "contract/schema.h"

typedef enum candor_otlp_signal {
    CANDOR_OTLP_LOGS,
    CANDOR_OTLP_METRICS,
    CANDOR_OTLP_TRACES,
    CANDOR_OTLP_SIGNALS
} candor_otlp_signal;

typedef struct candor_otlp_doc {
    candor_buf json;      /* one object without line breaks; empty when there was nothing for it */
    uint64_t events;      /* in it */
    candor_bytes context; /* private: of the resource that is open, inside the last line */
} candor_otlp_doc;

/* Zero-initialise, set schema. */
typedef struct candor_otlp {
    const candor_schema *schema; /* borrowed; says levels and kinds. NULL: none is known */
    candor_otlp_doc docs[CANDOR_OTLP_SIGNALS];
    uint64_t skipped; /* lines that are no events */
} candor_otlp;

/* The documents of a batch: lines as candor_event_write makes them. What the last call made is
 * gone. Only CANDOR_NOMEM fails. */
CANDOR_CHECK candor_status candor_otlp_write(candor_otlp *o, candor_bytes lines);
void candor_otlp_free(candor_otlp *o); /* accepts a zeroed one */

/* "/v1/logs", ... Static text. */
const char *candor_otlp_path(candor_otlp_signal signal);

/* The answer to an accepted document (Export*ServiceResponse): how many records were rejected.
 * False: not such an answer. message receives the errorMessage, cut; it may be empty. */
bool candor_otlp_receipt(candor_bytes body, uint64_t *rejected, char *message, size_t cap);

#endif
