/* Stage 9/10: query. In: a GET of /api/telemetry/stats or /events. Out: JSON, made on a query
 * thread of the store and sent by the connection's loop. Layer: central. */
#ifndef CANDOR_CENTRAL_QUERY_H
#define CANDOR_CENTRAL_QUERY_H

#include "central/conn.h"

#define CANDOR_QUERY_LIMIT_MAX     500
#define CANDOR_QUERY_LIMIT_DEFAULT 100
#define CANDOR_QUERY_TEXT          256

typedef struct candor_query_job {
    candor_query query; /* first: the store's task is one of the job */
    candor_conn *conn;
    candor_server *server;
    candor_reply reply;
    candor_status (*make)(struct candor_query_job *j, candor_reader *r, candor_err *err);
    int64_t from_ms, to_ms;
    bool has_from, has_to;
    candor_event_filter filter;
    char category[CANDOR_QUERY_TEXT], type[CANDOR_QUERY_TEXT], app[CANDOR_QUERY_TEXT];
} candor_query_job;

/* Route handlers. */
void candor_query_events(candor_conn *c);
void candor_query_stats(candor_conn *c);

/* Makers: fill j->reply from r. */
candor_status candor_events_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_stats_make(candor_query_job *j, candor_reader *r, candor_err *err);

#endif
