/* What the files of the PostgreSQL sink share. Layer: central. Threads: a connection belongs to one
 * thread at a time. */
#ifndef CANDOR_CENTRAL_SINK_POSTGRES_INTERNAL_H
#define CANDOR_CENTRAL_SINK_POSTGRES_INTERNAL_H

#include <libpq-fe.h>

#include "central/sink/page.h"
#include "central/sink/scan.h"

#define CANDOR_PQ_MAP(X)                                                                           \
    X(PQclear)                                                                                     \
    X(PQcmdTuples)                                                                                 \
    X(PQconnectdbParams)                                                                           \
    X(PQerrorMessage)                                                                              \
    X(PQexec)                                                                                      \
    X(PQexecParams)                                                                                \
    X(PQfinish)                                                                                    \
    X(PQgetResult)                                                                                 \
    X(PQgetisnull)                                                                                 \
    X(PQgetlength)                                                                                 \
    X(PQgetvalue)                                                                                  \
    X(PQntuples)                                                                                   \
    X(PQparameterStatus)                                                                           \
    X(PQputCopyData)                                                                               \
    X(PQputCopyEnd)                                                                                \
    X(PQresultErrorField)                                                                          \
    X(PQresultErrorMessage)                                                                        \
    X(PQresultStatus)                                                                              \
    X(PQserverVersion)                                                                             \
    X(PQsetNoticeProcessor)                                                                        \
    X(PQstatus)

/* Function pointers alone, in the order of the map. */
typedef struct candor_pq {
#define CANDOR_AS_MEMBER(name) __typeof__(&name) name;
    CANDOR_PQ_MAP(CANDOR_AS_MEMBER)
#undef CANDOR_AS_MEMBER
} candor_pq;

typedef struct candor_pg {
    const candor_pq *pq;
    const char *url;
    const char *setup; /* SQL for each new connection */
    PGconn *conn;      /* NULL: not connected */
    char state[6];     /* SQLSTATE of the last failure that the server told; "": another */
} candor_pg;

/* --- postgres_conn.c -------------------------------------------------------------------------- */
CANDOR_CHECK candor_status candor_pq_load(candor_pq *pq, candor_err *err);
/* Connect where there is no connection, or a broken one. *fresh: this call connected. */
CANDOR_CHECK candor_status candor_pg_ready(candor_pg *c, bool *fresh, candor_err *err);
void candor_pg_close(candor_pg *c);
/* Run SQL without parameters. */
CANDOR_CHECK candor_status candor_pg_run(candor_pg *c, const char *sql, candor_err *err);
typedef struct candor_pg_param {
    const char *p;
    int n;
    bool binary;
} candor_pg_param;
/* Run with parameters; the result is in binary form and the caller's to clear. NULL: it failed. */
PGresult *candor_pg_ask(candor_pg *c, const char *sql, const candor_pg_param *params, int n,
                        candor_status *st, candor_err *err);
/* The status and sentence of a result that is not what was expected; r may be NULL. */
candor_status candor_pg_fail(candor_pg *c, const PGresult *r, const char *op, candor_err *err);
/* Was the last failure a row that is there already? */
bool candor_pg_duplicate(const candor_pg *c);
int64_t candor_pg_i64(candor_pg *c, const PGresult *r, int row, int column);

#define CANDOR_PG_PARAMS 12
/* ` AND column=$n` for each; adds to params. */
void candor_pg_put_columns(char *sql, size_t cap, const candor_filter_column *columns, size_t n,
                           candor_pg_param *params, int *n_params);

/* --- postgres_schema.c ------------------------------------------------------------------------ */
/* Create the tables or bring them up to date; format: see candor_sink_settings. */
CANDOR_CHECK candor_status candor_pg_migrate(candor_pg *c, unsigned format, candor_err *err);
/* The partition of a day, made when it is missing. */
CANDOR_CHECK candor_status candor_pg_partition(candor_pg *c, int64_t day, candor_err *err);
/* Drop the oldest partition that is older than the day; *more: there was one. */
CANDOR_CHECK candor_status candor_pg_drop_day(candor_pg *c, int64_t first_day,
                                              candor_deleted *deleted, bool *more, candor_err *err);
CANDOR_CHECK candor_status candor_pg_sweep(candor_pg *c, const candor_sweep *w, uint64_t *deleted,
                                           candor_err *err);
/* Give the space of a day's deleted rows back to the file system. */
CANDOR_CHECK candor_status candor_pg_pack(candor_pg *c, int64_t day, candor_err *err);
#define CANDOR_PG_COLUMNS                                                                          \
    "event_id,event_type,category,ts,session_id,user_id,machine_id,app,app_version,platform,"      \
    "correlation_id,payload"
enum { CANDOR_PG_N_COLUMNS = 12 };
/* What charts read beside them, since version 3 of the tables. */
#define CANDOR_PG_DERIVED ",hour,dim,bucket"
enum { CANDOR_PG_N_DERIVED = 3, CANDOR_PG_DERIVED_SINCE = 3 };
#define CANDOR_PG_EPOCH_MS INT64_C(946684800000) /* its timestamps count from 2000-01-01 */

/* --- postgres_read.c -------------------------------------------------------------------------- */
typedef struct candor_pg_reader {
    candor_pg conn;
    const candor_schema *schema;
    candor_query_time time;
} candor_pg_reader;
candor_status candor_pg_reader_open(const candor_pq *pq, const char *url,
                                    const candor_schema *schema, candor_reader **out,
                                    candor_err *err);
void candor_pg_reader_close(candor_reader *r);
void candor_pg_reader_allow(candor_reader *r, uint64_t ms, const atomic_bool *stop);
candor_status candor_pg_reader_count(candor_reader *r, uint64_t *out, candor_err *err);
candor_sink_events candor_pg_reader_events;
/* As candor_pg_ask; connects anew where the server has been restarted. */
PGresult *candor_pg_reader_ask(candor_pg_reader *r, const char *sql, const candor_pg_param *params,
                               int n, candor_status *st, candor_err *err);
candor_pg_param candor_pg_id(const unsigned char id[16]);
candor_bytes candor_pg_text(candor_pg_reader *r, const PGresult *res, int row, int at);

/* --- postgres_stats.c ------------------------------------------------------------------------- */
candor_status candor_pg_reader_stats(candor_reader *r, candor_stat what,
                                     const candor_stat_range *range,
                                     bool (*visit)(void *ctx, const candor_stat_row *row),
                                     void *ctx, candor_err *err);
candor_status candor_pg_reader_sessions(candor_reader *r, const candor_session_filter *f,
                                        bool (*visit)(void *ctx, const candor_stored_session *s),
                                        void *ctx, candor_session_page *out, candor_err *err);

#endif
