/* Counters and gauges of the collector, and their Prometheus text (format 0.0.4).
 * Layer: central. Threads: any; counters are relaxed atomics, exact in the end. */
#ifndef CANDOR_CENTRAL_METRICS_H
#define CANDOR_CENTRAL_METRICS_H

#include <stdatomic.h>

#include "central/retention.h"
#include "contract/envelope.h"

/* Reasons the collector adds to those of the contract. */
#define CANDOR_REFUSE_WRONG_APP CANDOR_REJECT_COUNT
#define CANDOR_REFUSE_COUNT     (CANDOR_REJECT_COUNT + 1)
const char *candor_refuse_name(unsigned reason);
const char *candor_refuse_text(unsigned reason);

#define CANDOR_COMMIT_BOUNDS_MS(X)                                                                 \
    X(1) X(2) X(5) X(10) X(20) X(50) X(100) X(200) X(500) X(1000) X(5000)

/* Why an attachment is refused for good. */
#define CANDOR_ATTACH_REFUSE_MAP(X)                                                                \
    X(CONSENT, "consent")                                                                          \
    X(TYPE, "type")                                                                                \
    X(EVENT_ID, "event_id")                                                                        \
    X(FIELD, "field")                                                                              \
    X(TOO_LARGE, "too_large")                                                                      \
    X(GZIP, "gzip")                                                                                \
    X(UTF8, "utf8")                                                                                \
    X(DIGEST, "digest")                                                                            \
    X(PART, "part")                                                                                \
    X(CONFLICT, "conflict")                                                                        \
    X(WRONG_APP, "wrong_app")
#define CANDOR_ATTACH_REFUSE_AS_ENUM(id, name) CANDOR_ATTACH_REFUSE_##id,
typedef enum candor_attach_refuse {
    CANDOR_ATTACH_REFUSE_MAP(CANDOR_ATTACH_REFUSE_AS_ENUM) CANDOR_ATTACH_REFUSE_COUNT
} candor_attach_refuse;

/* Why a text that was not whole is dropped. */
#define CANDOR_PARTIAL_DROP_MAP(X)                                                                 \
    X(EXPIRED, "expired")     /* has not grown for --partial-age-s, or retention */                \
    X(ROOM, "room")           /* over --partial-bytes, or too many: longest quiet first */         \
    X(REFUSED, "refused")     /* whole, and not the text that its digest names, or not UTF-8 */    \
    X(OVERTAKEN, "overtaken") /* a text of this event and field was stored meanwhile */            \
    X(ERASED, "erased")
#define CANDOR_PARTIAL_DROP_AS_ENUM(id, name) CANDOR_PARTIAL_DROP_##id,
typedef enum candor_partial_drop {
    CANDOR_PARTIAL_DROP_MAP(CANDOR_PARTIAL_DROP_AS_ENUM) CANDOR_PARTIAL_DROP_COUNT
} candor_partial_drop;
const char *candor_partial_drop_name(candor_partial_drop d);

/* What is answered with 503 "busy" so that memory and waiting lines stay bounded. */
#define CANDOR_SHED_MAP(X)                                                                         \
    X(QUEUE, "queue")         /* the store takes no more events */                                 \
    X(UNREAD, "unread")       /* right after that, an upload that was not read */                  \
    X(BUFFERS, "buffers")     /* --buffer-bytes */                                                 \
    X(RESPONSES, "responses") /* --response-bytes */                                               \
    X(QUERIES, "queries")                                                                          \
    X(TEXTS, "texts") /* the store of full content takes no more */                                \
    X(ERASURES, "erasures")
#define CANDOR_SHED_AS_ENUM(id, name) CANDOR_SHED_##id,
typedef enum candor_shed { CANDOR_SHED_MAP(CANDOR_SHED_AS_ENUM) CANDOR_SHED_COUNT } candor_shed;

/* What became of a question to a token with differential privacy. */
#define CANDOR_PRIVATE_MAP(X)            X(PAID, "paid") X(AGAIN, "again") X(SPENT, "spent")
#define CANDOR_PRIVATE_AS_ENUM(id, name) CANDOR_PRIVATE_##id,
typedef enum candor_private {
    CANDOR_PRIVATE_MAP(CANDOR_PRIVATE_AS_ENUM) CANDOR_PRIVATE_COUNT
} candor_private;

typedef _Atomic uint64_t candor_counter;
enum { CANDOR_CODE_MAX = 600, CANDOR_COMMIT_BUCKETS = 12 };

typedef struct candor_metrics {
    candor_counter requests[CANDOR_CODE_MAX];
    candor_counter accepted, duplicates, rejected[CANDOR_REFUSE_COUNT];
    candor_counter adjusted[CANDOR_ADJUST_COUNT];
    candor_counter body_bytes, inflated_bytes, batches, duplicate_batches, schema_mismatches;
    candor_counter connections_total, connections_refused, connections_evicted;
    candor_counter connections, in_flight, buffered_bytes, response_bytes,
        packages_waiting; /* gauges */
    candor_counter commits, commit_us, commit_buckets[CANDOR_COMMIT_BUCKETS], commit_failures;
    candor_deleted deleted; /* by retention */
    candor_counter reloads, reload_failures;
    candor_counter shed[CANDOR_SHED_COUNT], sessions_displaced;
    candor_counter sink_fewer_copies; /* events: a replica of their shard was away or behind */
    candor_counter attachments_stored, attachments_known, attachments_purged, attachments_failed;
    candor_counter attachment_bytes;                         /* of the texts stored */
    candor_counter otlp_records[3], otlp_attributes_dropped; /* logs, metrics, traces */
    candor_counter private_answers[CANDOR_PRIVATE_COUNT];
    candor_counter attachments_refused[CANDOR_ATTACH_REFUSE_COUNT];
    candor_counter attachment_parts, partials_dropped[CANDOR_PARTIAL_DROP_COUNT];
    candor_counter partials, partial_bytes; /* gauges, set by the store of texts */
} candor_metrics;

static inline void candor_count(candor_counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}
static inline void candor_uncount(candor_counter *c, uint64_t n)
{
    atomic_fetch_sub_explicit(c, n, memory_order_relaxed);
}
static inline uint64_t candor_counted(const candor_counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

void candor_metrics_commit(candor_metrics *m, uint64_t duration_us);

void candor_metrics_write(const candor_metrics *m, uint64_t queue_bytes, uint64_t queue_batches,
                          uint64_t db_bytes, uint64_t wal_bytes, uint64_t uptime_s,
                          const char *schema_hash, candor_buf *out);
/* The families of attachments, to be appended. */
void candor_metrics_write_attachments(const candor_metrics *m, uint64_t db_bytes, bool healthy,
                                      candor_buf *out);
/* # HELP and # TYPE of candor_central_<name>; and those with its one value. */
void candor_metrics_family(candor_buf *out, const char *name, const char *type, const char *help);
void candor_metrics_single(candor_buf *out, const char *name, const char *type, const char *help,
                           uint64_t v);

#endif
