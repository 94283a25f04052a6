/* Reading many events of a sink through its pages, within a query's time. Layer: central. Threads:
 * the reader's. */
#ifndef CANDOR_CENTRAL_SINK_SCAN_H
#define CANDOR_CENTRAL_SINK_SCAN_H

#include "central/sink/sink.h"

#define CANDOR_SCAN_PAGE 10000 /* events between two looks at the clock */

/* What candor_sink_ops.allow says; zeroes: no bound. */
typedef struct candor_query_time {
    uint64_t end_ns;
    const atomic_bool *stop; /* may be NULL */
} candor_query_time;
void candor_query_time_set(candor_query_time *t, uint64_t ms, const atomic_bool *stop);
/* CANDOR_TIMEOUT once it is over. */
CANDOR_CHECK candor_status candor_query_time_check(const candor_query_time *t, candor_err *err);

typedef struct candor_event_source {
    candor_reader *reader;
    candor_sink_events *events;
    const candor_schema *schema;
    const candor_query_time *time;
} candor_event_source;

/* Every event that f takes, newest first; its limit, scan_rows and cursor are ours. */
CANDOR_CHECK candor_status candor_scan(const candor_event_source *src, candor_event_filter f,
                                       candor_event_visit *visit, void *ctx, candor_err *err);

struct candor_sums;
/* Adds what a server has grouped. underived: it has events whose columns of charts are not filled,
 * see candor_event_filter. */
typedef candor_status candor_sums_ask(candor_reader *r, candor_stat what,
                                      const candor_stat_range *range, struct candor_sums *sums,
                                      bool *underived, candor_err *err);
/* candor_sink_ops.stats of any sink with events; docs/sinks.md says what that costs. ask NULL: all
 * events are read one by one; else those that it calls underived. */
CANDOR_CHECK candor_status candor_scan_stats(const candor_event_source *src, candor_sums_ask *ask,
                                             candor_stat what, const candor_stat_range *range,
                                             bool (*visit)(void *ctx, const candor_stat_row *row),
                                             void *ctx, candor_err *err);
/* Its part for APPROVALS, in scan_approvals.c. */
CANDOR_CHECK candor_status candor_scan_approvals(const candor_event_source *src,
                                                 const candor_stat_range *range,
                                                 struct candor_sums *sums, candor_err *err);
/* Its part before the answer: the events' sums. underived: of those alone whose columns of charts
 * are not filled, see candor_event_filter. */
CANDOR_CHECK candor_status candor_scan_add(const candor_event_source *src, candor_stat what,
                                           const candor_stat_range *range, bool underived,
                                           struct candor_sums *sums, candor_err *err);

/* --- sessions: scan_sessions.c ---------------------------------------------------------------- */

#define CANDOR_SCAN_SESSIONS_MAX 100000 /* looked at together; more ask for a shorter time */

/* What some events of a session say of it. */
typedef struct candor_session_part {
    candor_context context;       /* borrowed for the call */
    unsigned char first[16];      /* the lowest id */
    unsigned char end[16];        /* the lowest of SessionEnd; zeroes: none */
    int64_t last_day;             /* unix day of the highest id */
    int64_t started_ms, ended_ms; /* as in candor_stored_session */
    uint64_t errors;
} candor_session_part;
typedef struct candor_session_sums candor_session_sums;
/* Parts of a session, which its context tells from the others, become one. */
CANDOR_CHECK candor_status candor_session_sums_add(candor_session_sums *s,
                                                   const candor_session_part *p, candor_err *err);

/* Append what makes it that session. */
void candor_session_key_put(candor_buf *key, const candor_context *context);
/* The sentence of too many. */
candor_status candor_sessions_full(candor_err *err);

typedef struct candor_session_source {
    const candor_event_source *events;
    /* The sessions of the events that f's app and match take, of ids from low to below high. *cut:
     * there are more than CANDOR_SCAN_SESSIONS_MAX, and these are the ones that began last. */
    candor_status (*collect)(void *ctx, const candor_session_filter *f, const unsigned char low[16],
                             const unsigned char high[16], candor_session_sums *out, bool *cut,
                             candor_err *err);
    void *ctx;
} candor_session_source;
/* A page, newest first by first event. collect NULL: from events one by one. */
CANDOR_CHECK candor_status
candor_scan_sessions(const candor_session_source *src, const candor_session_filter *f,
                     bool (*visit)(void *ctx, const candor_stored_session *s), void *ctx,
                     candor_session_page *out, candor_err *err);

#endif
