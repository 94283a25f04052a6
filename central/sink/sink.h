/* Stage 8/10: store, its backends. In: groups of sanitised batches. Out: durable, de-duplicated
 * rows, and readers over them. A sink is synchronous and knows nothing of threads or requests;
 * candor_sink_store_open makes a candor_store of one, with a writer thread and query threads.
 * Layer: central. Threads: write, erase, retain, probe and close on one thread at a time; bytes and
 * report on any; a reader belongs to one thread at a time and may be used while the writer works.
 */
#ifndef CANDOR_CENTRAL_SINK_H
#define CANDOR_CENTRAL_SINK_H

#include "central/retention.h"
#include "central/store/store.h"

#define CANDOR_SINKS_MAX     8 /* of one collector, the first included */
#define CANDOR_SINK_NAME_MAX 16

typedef struct candor_sink candor_sink;

typedef bool candor_event_visit(void *ctx,
                                const candor_stored_event *e); /* borrowed for the call */
/* Newest id first. scan_rows may be ignored where the backend has an index for the filter. */
typedef candor_status candor_sink_events(candor_reader *r, const candor_event_filter *f,
                                         candor_event_visit *visit, void *ctx,
                                         candor_event_page *out, candor_err *err);

typedef struct candor_sink_ops {
    const char *name; /* static text */
    /* One transaction, durable on return as docs/sinks.md says of this sink: sets inserted of each
     * batch and duplicate of each row. The same id twice in a group: the first one counts. On
     * failure nothing is acknowledged; what may have been stored all the same is told a duplicate
     * when it comes again. CANDOR_INVALID: the backend will never take these rows. */
    candor_status (*write)(candor_sink *s, candor_batch *const *batches, size_t n, candor_err *err);
    /* Delete the events of a user or machine; e->content first hears of their ids, where it is set.
     * Counts in e->events, and sessions where the sink has such. What remains in backups, or in
     * parts of the disk that the backend reuses in its own time, docs/sinks.md says. */
    candor_status (*erase)(candor_sink *s, candor_erasure *e, candor_err *err);
    /* Delete some of the events whose ids are older than that Unix day (UTC), whole days where the
     * backend can drop them; *more: another step is due at once. deleted may be NULL. */
    candor_status (*retain)(candor_sink *s, int64_t first_day, candor_deleted *deleted, bool *more,
                            candor_err *err);
    /* Delete what w says, which is within a day; sweep_ms: the span that is one short step. */
    candor_status (*sweep)(candor_sink *s, const candor_sweep *w, candor_err *err);
    int64_t sweep_ms;
    candor_status (*probe)(candor_sink *s, candor_err *err); /* would a write work? reconnects */
    void (*close)(candor_sink *s);
    uint64_t (*bytes)(candor_sink *s);                /* on our disk or in memory; may be NULL */
    void (*report)(candor_sink *s, candor_buf *json); /* members of a JSON object; may be NULL */

    candor_status (*reader_open)(candor_sink *s, candor_reader **out, candor_err *err);
    void (*reader_close)(candor_reader *r); /* before the sink closes */
    candor_status (*count)(candor_reader *r, uint64_t *out, candor_err *err);
    candor_sink_events *events;
    /* NULL, both: the sink has no sessions, no sums. central/sink/scan.h makes both from events. */
    candor_status (*sessions)(candor_reader *r, const candor_session_filter *f,
                              bool (*visit)(void *ctx, const candor_stored_session *s), void *ctx,
                              candor_session_page *out, candor_err *err);
    candor_status (*stats)(candor_reader *r, candor_stat what, const candor_stat_range *range,
                           bool (*visit)(void *ctx, const candor_stat_row *row), void *ctx,
                           candor_err *err);
    /* Bound the reader's next statements; may be NULL. */
    void (*allow)(candor_reader *r, uint64_t ms, const atomic_bool *stop);
} candor_sink_ops;

struct candor_sink {
    const candor_sink_ops *ops;
};

typedef struct candor_sink_settings {
    const char *url; /* of a server; else the directory or file; borrowed until open returns */
    const char *dir; /* scratch and queues of ours; borrowed until open returns; may be NULL */
    const candor_schema *schema;
    const struct candor_log *log;      /* may be NULL */
    struct candor_metrics *metrics;    /* may be NULL */
    const atomic_bool *space_low;      /* may be NULL */
    uint64_t cache_kib;                /* sqlite */
    uint64_t retention_days;           /* 0: for ever */
    const candor_retention *retention; /* of categories; may be NULL; borrowed for good */
    uint64_t memory_bytes;             /* memory: events held at most; 0: 64 MiB */
    unsigned format; /* create in this older version of the tables, for tests; 0: the latest */
} candor_sink_settings;

/* A sink opens, creates its tables or brings older ones up to date, and says in a sentence what
 * keeps it from that: unreachable, refused, made by a later version. Never a password. */
typedef candor_status candor_sink_open_fn(const candor_sink_settings *s, candor_sink **out,
                                          candor_err *err);
candor_sink_open_fn candor_sink_sqlite_open, candor_sink_memory_open, candor_sink_jsonl_open,
    candor_sink_postgres_open, candor_sink_mysql_open, candor_sink_clickhouse_open;
/* These hand events on and keep none: they can only follow. */
candor_sink_open_fn candor_sink_otlp_open, candor_sink_otlp_grpc_open, candor_sink_posthog_open;

/* The event with that id, if there is one. */
CANDOR_CHECK candor_status candor_sink_get(const candor_sink *s, candor_reader *r,
                                           const unsigned char id[16], candor_event_visit *visit,
                                           void *ctx, bool *found, candor_err *err);

CANDOR_CHECK candor_status candor_sink_find_event(candor_sink_events *events, candor_reader *r,
                                                  const unsigned char id[16],
                                                  candor_event_visit *visit, void *ctx, bool *found,
                                                  candor_err *err);

/* By name: sqlite, jsonl, memory, postgres, mysql, clickhouse, otlp, otlp_grpc, posthog. */
candor_sink_open_fn *candor_sink_find(candor_bytes name);
bool candor_sink_forwards(const char *name);
extern const char candor_sink_names[]; /* for sentences */

/* --- a candor_store over a sink --------------------------------------------------------------- */

typedef struct candor_sink_store_settings {
    const struct candor_log *log;   /* may be NULL */
    struct candor_metrics *metrics; /* may be NULL */
    uint64_t commit_rows, queue_bytes, retention_days;
    const candor_retention *retention; /* of categories; may be NULL; borrowed for good */
    const candor_schema *schema;       /* the same; needed with it */
    uint64_t query_ms;                 /* 0: 5000 */
    int64_t (*now_ms)(void);           /* NULL: the clock */
} candor_sink_store_settings;
/* Takes the sink over, also when it fails. */
CANDOR_CHECK candor_status candor_sink_store_open(candor_sink *sink,
                                                  const candor_sink_store_settings *s,
                                                  candor_store **out, candor_err *err);
#endif
