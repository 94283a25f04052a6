/* Stage 9/10: query. In: a GET below /api/telemetry/. Out: JSON, made on a query thread of the
 * store and sent by the connection's loop. Layer: central. */
#ifndef CANDOR_CENTRAL_QUERY_H
#define CANDOR_CENTRAL_QUERY_H

#include "central/conn.h"
#include "central/cursor.h"
#include "central/noise.h"
#include "central/tally.h"
#include "central/zone.h"

#define CANDOR_QUERY_LIMIT_MAX     500
#define CANDOR_QUERY_LIMIT_DEFAULT 100
#define CANDOR_QUERY_TEXT          256
#define CANDOR_QUERY_BUCKETS       2000 /* of a timeline */
#define CANDOR_QUERY_TARGET        0.99
#define CANDOR_QUERY_DAYS          400 /* of sessions by day, and of a latency by day */

typedef enum candor_bucket {
    CANDOR_BUCKET_HOUR,
    CANDOR_BUCKET_DAY,
    CANDOR_BUCKET_WEEK
} candor_bucket;

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
    char session[CANDOR_QUERY_TEXT], user[CANDOR_QUERY_TEXT], machine[CANDOR_QUERY_TEXT];
    char version[CANDOR_QUERY_TEXT], zone[CANDOR_ZONE_NAME];
    char correlation[CANDOR_QUERY_TEXT], group[CANDOR_QUERY_TEXT];
    unsigned bucket; /* candor_bucket */
    unsigned by;     /* of a latency: 0: the chart's values, 1: days */
    unsigned limit;
    double target;
    bool has_place; /* go on from place */
    unsigned char place[CANDOR_CURSOR_PLACE];
    candor_buf question;    /* what a cursor is bound to, and an answer with privacy */
    candor_privacy privacy; /* epsilon_milli 0: the answer is exact */
    char token[CANDOR_TOKEN_ID + 1];
    candor_noise noise;
    bool open_names;    /* the names of its groups are not public */
    int64_t suppressed; /* groups */
    const char *unit;   /* of privacy; static */
} candor_query_job;

/* Route handlers. */
void candor_query_events(candor_conn *c);
void candor_query_errors(candor_conn *c);
void candor_query_sessions(candor_conn *c);
void candor_query_stats(candor_conn *c);
void candor_query_categories(candor_conn *c);
void candor_query_sources(candor_conn *c);
void candor_query_timeline(candor_conn *c);
void candor_query_slo(candor_conn *c);
void candor_query_versions(candor_conn *c);
void candor_query_groups(candor_conn *c);
void candor_query_starts(candor_conn *c);
void candor_query_latency(candor_conn *c);
void candor_query_users(candor_conn *c);

/* Makers: fill j->reply from r. */
candor_status candor_events_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_errors_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_sessions_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_stats_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_categories_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_sources_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_timeline_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_slo_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_versions_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_groups_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_starts_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_latency_make(candor_query_job *j, candor_reader *r, candor_err *err);
candor_status candor_users_make(candor_query_job *j, candor_reader *r, candor_err *err);

/* query_private.c: answers for tokens with differential privacy. */
/* The time becomes whole days of UTC that are over. */
void candor_private_close_range(candor_query_job *j, int64_t now_ms);
/* Runs j->make if the question is new and paid for, else repeats what it gave before. */
CANDOR_CHECK candor_status candor_private_make(candor_query_job *j, candor_reader *r,
                                               candor_err *err);
static inline bool candor_is_private(const candor_query_job *j)
{
    return j->privacy.epsilon_milli != 0;
}
/* Noise for two cells of which an event is in one: those that are errors, and the others. False:
 * the group is too small to be shown, and counted as suppressed. errors may be NULL: one cell. */
bool candor_private_cell(candor_query_job *j, int64_t *n, int64_t *errors);
/* The same for every group; public_name(ctx, i): all names that there can be, then one without
 * bytes. Small groups go. */
CANDOR_CHECK candor_status candor_private_groups(candor_query_job *j, candor_name_counts *names,
                                                 candor_bytes (*public_name)(const void *ctx,
                                                                             unsigned i),
                                                 const void *ctx, candor_err *err);

/* What makers share. */
const char *candor_or_null(const char *text);
bool candor_level_is_error(candor_level level);
candor_stat_range candor_query_range(const candor_query_job *j);
/* ,"key":"name", or null where there is no name. */
void candor_query_put_name(candor_buf *b, const char *key, candor_bytes name);
/* "key":part/whole, null without a whole. */
void candor_query_put_ratio(candor_buf *b, const char *key, int64_t part, int64_t whole);
/* Without from and to: the last so many days; never more than CANDOR_QUERY_DAYS. */
CANDOR_CHECK candor_status candor_query_days(candor_query_job *j, int64_t days, candor_err *err);
candor_session_match candor_query_match(const candor_query_job *j);
/* "from":...,"to":..., with null for what was not given. */
void candor_query_put_range(const candor_query_job *j, candor_buf *b);
/* ,"next_cursor":...} and the end of the body. */
CANDOR_CHECK candor_status candor_query_put_cursor(const candor_query_job *j, candor_buf *b,
                                                   bool more,
                                                   const unsigned char place[CANDOR_CURSOR_PLACE],
                                                   candor_err *err);

#endif
