/* What the files of the MySQL and MariaDB sink share. Layer: central. Threads: a connection belongs
 * to one thread at a time. */
#ifndef CANDOR_CENTRAL_SINK_MYSQL_INTERNAL_H
#define CANDOR_CENTRAL_SINK_MYSQL_INTERNAL_H

#include <mysql.h>

#include "central/sink/page.h"
#include "central/sink/scan.h"
#include "central/sink/url.h"

#define CANDOR_MY_MAP(X)                                                                           \
    X(mysql_affected_rows)                                                                         \
    X(mysql_close)                                                                                 \
    X(mysql_errno)                                                                                 \
    X(mysql_error)                                                                                 \
    X(mysql_fetch_lengths)                                                                         \
    X(mysql_fetch_row)                                                                             \
    X(mysql_free_result)                                                                           \
    X(mysql_get_server_info)                                                                       \
    X(mysql_get_server_version)                                                                    \
    X(mysql_init)                                                                                  \
    X(mysql_options)                                                                               \
    X(mysql_ping)                                                                                  \
    X(mysql_real_connect)                                                                          \
    X(mysql_real_query)                                                                            \
    X(mysql_stmt_affected_rows)                                                                    \
    X(mysql_stmt_attr_set)                                                                         \
    X(mysql_stmt_bind_param)                                                                       \
    X(mysql_stmt_close)                                                                            \
    X(mysql_stmt_errno)                                                                            \
    X(mysql_stmt_error)                                                                            \
    X(mysql_stmt_execute)                                                                          \
    X(mysql_stmt_init)                                                                             \
    X(mysql_stmt_prepare)                                                                          \
    X(mysql_store_result)

/* Function pointers alone, in the order of the map. */
typedef struct candor_my {
#define CANDOR_AS_MEMBER(name) __typeof__(&name) name;
    CANDOR_MY_MAP(CANDOR_AS_MEMBER)
#undef CANDOR_AS_MEMBER
} candor_my;

typedef struct candor_myc {
    const candor_my *my;
    const candor_sink_url *url;
    MYSQL *conn; /* NULL: not connected */
    bool maria;  /* the server is MariaDB */
} candor_myc;

#define CANDOR_MY_COLUMNS                                                                          \
    "event_id,event_type,category,ts_ms,session_id,user_id,machine_id,app,app_version,platform,"   \
    "correlation_id,payload"
/* What charts read beside them, since version 3 of the tables. */
#define CANDOR_MY_DERIVED ",hour,dim,bucket"
enum { CANDOR_MY_N_COLUMNS = 12, CANDOR_MY_N_ALL = 15, CANDOR_MY_DERIVED_SINCE = 3 };

/* --- mysql_conn.c ----------------------------------------------------------------------------- */
CANDOR_CHECK candor_status candor_my_load(candor_my *my, candor_err *err);
CANDOR_CHECK candor_status candor_my_connect(candor_myc *c, candor_err *err);
void candor_my_close(candor_myc *c);
/* Run one statement; *result, when not NULL, is the caller's to free. A lost connection is closed.
 */
CANDOR_CHECK candor_status candor_my_run(candor_myc *c, const char *sql, MYSQL_RES **result,
                                         candor_err *err);
candor_status candor_my_fail(unsigned code, const char *message, const char *op, candor_err *err);
/* Append X'..' with the bytes in hex: nothing to escape. */
void candor_my_put_hex(candor_buf *sql, const void *p, size_t n);
/* ` AND column=value` for each. */
void candor_my_put_columns(candor_buf *sql, const candor_filter_column *columns, size_t n);

/* --- mysql_schema.c --------------------------------------------------------------------------- */
CANDOR_CHECK candor_status candor_my_migrate(candor_myc *c, unsigned format, candor_err *err);

/* --- mysql_insert.c --------------------------------------------------------------------------- */
typedef struct candor_my_insert candor_my_insert;
CANDOR_CHECK candor_status candor_my_insert_new(bool one_by_one, bool derived,
                                                candor_my_insert **out);
void candor_my_insert_free(candor_my_insert *m, const candor_my *my); /* accepts NULL */
void candor_my_insert_drop(candor_my_insert *m, const candor_my *my); /* the connection is gone */
/* Insert the rows within the caller's transaction, and mark those that are new. */
CANDOR_CHECK candor_status candor_my_insert_rows(candor_my_insert *m, candor_myc *c,
                                                 candor_sink_rows *rows, candor_err *err);

/* --- mysql_read.c ----------------------------------------------------------------------------- */
typedef struct candor_my_reader {
    candor_myc conn;
    const candor_schema *schema;
    candor_query_time time;
} candor_my_reader;
candor_status candor_my_reader_open(const candor_my *my, const candor_sink_url *url,
                                    const candor_schema *schema, candor_reader **out,
                                    candor_err *err);
void candor_my_reader_close(candor_reader *r);
void candor_my_reader_allow(candor_reader *r, uint64_t ms, const atomic_bool *stop);
candor_status candor_my_reader_count(candor_reader *r, uint64_t *out, candor_err *err);
candor_sink_events candor_my_reader_events;
/* Ends and frees sql. */
CANDOR_CHECK candor_status candor_my_reader_ask(candor_my_reader *r, candor_buf *sql,
                                                MYSQL_RES **out, candor_err *err);
/* ` FROM candor_events WHERE` the id is from low to below high. */
void candor_my_put_ids(candor_buf *sql, const unsigned char low[16], const unsigned char high[16]);

/* --- mysql_stats.c ---------------------------------------------------------------------------- */
candor_status candor_my_reader_stats(candor_reader *r, candor_stat what,
                                     const candor_stat_range *range,
                                     bool (*visit)(void *ctx, const candor_stat_row *row),
                                     void *ctx, candor_err *err);
candor_status candor_my_reader_sessions(candor_reader *r, const candor_session_filter *f,
                                        bool (*visit)(void *ctx, const candor_stored_session *s),
                                        void *ctx, candor_session_page *out, candor_err *err);

#endif
