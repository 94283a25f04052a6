/* Stage 8/10: store. In: batches of sanitised events. Out: durable, de-duplicated rows and
 * roll-ups, and readers over them. One interface, several sinks; SQLite is the default one. Layer:
 * central. Threads: submit and query from any loop thread; done and run on the store's own. */
#ifndef CANDOR_CENTRAL_STORE_H
#define CANDOR_CENTRAL_STORE_H

#include <stdatomic.h>

#include "base/digest.h"
#include "central/mailbox.h"
#include "contract/envelope.h"

typedef struct candor_store candor_store;

/* --- what comes in -------------------------------------------------------------------------- */

typedef struct candor_span { /* into batch->text, which moves while it grows */
    uint32_t at, n;
} candor_span;

typedef struct candor_row_context {
    unsigned char key[16]; /* fingerprint of the six */
    unsigned char user[8]; /* fingerprint of app and user, for counting users */
    candor_span session_id, user_id, machine_id, app, app_version, platform;
    int64_t session, app_no, version_no; /* private to the store */
    int64_t day, known_day;              /* private to the store */
} candor_row_context;

typedef struct candor_row {
    unsigned char id[16];
    int64_t ts_ms;
    const candor_event_def *def;
    uint32_t context; /* index in batch->contexts */
    uint32_t index;   /* position in the request */
    candor_span correlation, payload;
    candor_span dim; /* value of the schema's chart `by`, unquoted; n == 0: absent */
    uint32_t bucket; /* of the chart's histogram value; CANDOR_NO_BUCKET: absent */
    bool duplicate;  /* out */
} candor_row;

typedef struct candor_batch {
    candor_task task; /* private to whoever holds the batch */
    candor_buf text;
    candor_row *rows;
    size_t n_rows, cap_rows;
    candor_row_context *contexts;
    size_t n_contexts, cap_contexts;
    bool has_id;
    unsigned char id[16], digest[CANDOR_SHA256_SIZE]; /* digest: of the body as received */
    int64_t received_ms, sent_ms;                     /* sent_ms 0: unknown */
    size_t queued_bytes;                              /* private to the store */
    /* Out, once done is called. Not OK: nothing of the batch is stored. */
    candor_status status;
    bool duplicate_batch;
    size_t inserted, refused; /* refused: rows that the receiver of a forwarder will never take */
    void (*done)(struct candor_batch *b); /* on the store's thread; takes the batch back */
    void *owner;
} candor_batch;

static inline candor_bytes candor_batch_text(const candor_batch *b, candor_span s)
{
    return candor_bytes_of(b->text.p + s.at, s.n);
}
candor_row *candor_batch_add_row(candor_batch *b);             /* zeroed; NULL: no memory */
candor_row_context *candor_batch_add_context(candor_batch *b); /* zeroed; NULL: no memory */
bool candor_batch_put(candor_batch *b, candor_bytes s, candor_span *out); /* copy into text */
size_t candor_batch_bytes(const candor_batch *b);
void candor_batch_clear(candor_batch *b); /* keeps storage for the next request */
void candor_batch_free(candor_batch *b);  /* the batch itself belongs to the caller */

/* --- what goes out -------------------------------------------------------------------------- */

typedef struct candor_reader candor_reader; /* one a query thread, read only */

/* What a session's base fields are compared with; NULL: any. */
typedef struct candor_session_match {
    const char *session, *user, *machine, *version; /* machine: as stored */
} candor_session_match;

typedef struct candor_event_filter {
    const char *category, *type, *app; /* NULL: any */
    candor_session_match match;
    const candor_bytes *only; /* names of event types; NULL: all */
    size_t n_only;
    bool underived; /* only rows that were stored without what charts read; sinks that store nothing
                       for them ignore it */
    int64_t from_ms, to_ms; /* of the event id's own time; to is exclusive */
    unsigned limit;
    unsigned scan_rows; /* look at no more than this many; 0: no bound, for callers of a sink */
    bool has_cursor;
    unsigned char cursor[16]; /* only ids below */
} candor_event_filter;

typedef struct candor_stored_event {
    unsigned char id[16];
    int64_t ts_ms;
    candor_bytes type, category, correlation_id, payload;
    candor_context context;
} candor_stored_event;

typedef struct candor_event_page {
    unsigned found;
    bool more; /* go on from cursor; the page may be short because scan_rows ran out */
    unsigned char cursor[16];
} candor_event_page;

/* Newest first, by the order in which the collector got to know them, or by their first events: a
 * page that was read does not change when sessions go on. */
typedef struct candor_session_filter {
    const char *app; /* NULL: any */
    candor_session_match match;
    int64_t from_ms, to_ms; /* that the session reaches into; to is exclusive */
    unsigned limit, scan_rows;
    bool has_cursor;
    unsigned char cursor[16]; /* of the page before: the store's own place */
} candor_session_filter;

typedef struct candor_stored_session {
    candor_context context;
    int64_t last_day;             /* unix day of its newest event */
    int64_t started_ms, ended_ms; /* of SessionStart and SessionEnd; -1: none */
    candor_bytes end_payload;     /* of SessionEnd; may be empty */
    uint64_t errors;              /* events of type Error */
} candor_stored_session;

typedef struct candor_session_page {
    unsigned found;
    bool more;
    unsigned char cursor[16];
} candor_session_page;

typedef enum candor_stat {
    CANDOR_STAT_COUNTS,    /* a: type, b: category, c: app */
    CANDOR_STAT_USERS,     /* k: unix day, n: users, counted per app */
    CANDOR_STAT_CHARTS,    /* a: type, b: dimension, counts; rows of a type follow each other */
    CANDOR_STAT_APPROVALS, /* a: model, b: decision */
    CANDOR_STAT_HOURS,  /* a: type, b: category, k: unix hour, n: events; ascending within a type */
    CANDOR_STAT_FAILED, /* one row: n: sessions with an event of type Error */
    CANDOR_STAT_FAILED_DAYS, /* the same for each day of the range that has one; k: unix day */
    CANDOR_STAT_VERSIONS,    /* a: version, c: app, k: candor_version_count, n */
    CANDOR_STAT_ERRORS /* a: group as candor_error_group writes it, k: unix day, n; rows of a group
                          follow each other */
} candor_stat;
/* What is counted for each version; on disk, so never renumber. */
typedef enum candor_version_count {
    CANDOR_VERSION_EVENTS,
    CANDOR_VERSION_ERRORS,  /* events whose level is error or crash */
    CANDOR_VERSION_SESSIONS /* events SessionStart */
} candor_version_count;
typedef struct candor_stat_row {
    candor_bytes a, b, c;
    int64_t k, n;
    const uint64_t *counts; /* see central/store/histogram.h; borrowed for the call */
    uint32_t first, last;   /* all counts lie in these buckets; first > last: there is none */
} candor_stat_row;

/* from is cut down to its hour (counts, hours, failed) or day (the others), to is rounded up. */
typedef struct candor_stat_range {
    int64_t from_ms, to_ms; /* to is exclusive */
    const char *app;        /* NULL: all */
    const char *type;       /* of charts; NULL: all */
} candor_stat_range;

/* The ids that a stat is about: what is cut down and rounded up. */
void candor_stat_bounds(candor_stat what, const candor_stat_range *range, int64_t *from_ms,
                        int64_t *to_ms);
int64_t candor_floor_div(int64_t a, int64_t b);
/* Does a session with that id, whose newest event is of that day, reach into the filter's time? */
bool candor_session_reaches(const candor_session_filter *f, candor_bytes id, int64_t last_day);

/* A query waits its turn, then runs on a query thread. run must answer even when r is NULL (the
 * store could not open a reader). */
typedef struct candor_query {
    candor_task task;
    void (*run)(struct candor_query *q, candor_reader *r);
    candor_store *store; /* private to the store */
} candor_query;

typedef struct candor_store_gauges {
    uint64_t queue_bytes, queue_batches, db_bytes, wal_bytes;
    bool healthy;      /* the last commit worked */
    char trouble[256]; /* sentence when not */
} candor_store_gauges;

/* Everything of a person or a machine goes: events, sessions, their part of every sum. Lent to the
 * store until done is called; in small steps, between which ingest goes on. What is submitted later
 * is not part of it. Asking again after a failure finishes the work. */
typedef struct candor_erasure {
    candor_task task;           /* private to whoever holds it */
    const char *user, *machine; /* one of the two, the other NULL; machine: as stored */
    const char *app;            /* NULL: of every app */
    /* Events that are about to go: what hangs on them is to be gone when it returns. On the store's
     * thread. Not OK: the erasure ends. */
    candor_status (*content)(void *ctx, const unsigned char (*ids)[16], size_t n, candor_err *err);
    /* candor_row_context.user of these two */
    candor_status (*fingerprint)(void *ctx, candor_bytes app, candor_bytes user,
                                 unsigned char out[8]);
    void *ctx;
    /* Out */
    candor_status status;
    candor_err err;
    uint64_t events, sessions;
    void (*done)(struct candor_erasure *e); /* on the store's thread; takes it back */
} candor_erasure;

typedef struct candor_store_ops {
    /* Lend b until b->done. CANDOR_FULL: the queue is full, b stays with the caller.
     * CANDOR_CANCELLED: closing. */
    candor_status (*submit)(candor_store *s, candor_batch *b);
    candor_status (*query)(candor_store *s, candor_query *q);   /* CANDOR_FULL: too many wait */
    candor_status (*erase)(candor_store *s, candor_erasure *e); /* CANDOR_FULL: too many wait */
    void (*gauges)(candor_store *s, candor_store_gauges *out);
    void (*close)(candor_store *s); /* commits what was submitted, then frees */
    candor_status (*events)(candor_reader *r, const candor_event_filter *f,
                            bool (*visit)(void *ctx, const candor_stored_event *e), void *ctx,
                            candor_event_page *out, candor_err *err);
    candor_status (*sessions)(candor_reader *r, const candor_session_filter *f,
                              bool (*visit)(void *ctx, const candor_stored_session *s), void *ctx,
                              candor_session_page *out, candor_err *err);
    candor_status (*stats)(candor_reader *r, candor_stat what, const candor_stat_range *range,
                           bool (*visit)(void *ctx, const candor_stat_row *row), void *ctx,
                           candor_err *err);
    /* Members of the JSON object that health answers; NULL: none. */
    void (*report)(candor_store *s, candor_buf *json);
} candor_store_ops;

struct candor_store {
    const candor_store_ops *ops;
};

/* --- the SQLite sink ------------------------------------------------------------------------ */

struct candor_log;
struct candor_metrics;
typedef struct candor_sqlite_settings {
    const char *path;                /* borrowed until open returns */
    const struct candor_db_key *key; /* borrowed for the store's life; may be NULL */
    const candor_schema *schema;
    const struct candor_log *log;   /* may be NULL */
    struct candor_metrics *metrics; /* may be NULL */
    const atomic_bool *space_low;   /* true: give all free pages back; may be NULL */
    uint64_t cache_kib, commit_rows, queue_bytes, retention_days;
    const struct candor_retention *retention; /* of categories; may be NULL; borrowed for good */
    uint64_t query_ms;                        /* a query may take; 0: 5000 */
    int64_t (*now_ms)(void);                  /* NULL: the clock */
} candor_sqlite_settings;
CANDOR_CHECK candor_status candor_sqlite_open(const candor_sqlite_settings *s, candor_store **out,
                                              candor_err *err);

#endif
