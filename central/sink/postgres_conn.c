/* Connections to PostgreSQL, and its errors as ours. */
#include <stdio.h>

#include "central/sink/library.h"
#include "central/sink/postgres_internal.h"

#define SERVER_MIN 120000 /* 12.0, as PQserverVersion writes it */

candor_status candor_pq_load(candor_pq *pq, candor_err *err)
{
#define AS_NAME(name) #name,
    static const char *const names[] = {CANDOR_PQ_MAP(AS_NAME)};
#undef AS_NAME
    return candor_sink_library("pq", 5, "libpq5", names, sizeof names / sizeof names[0], pq, err);
}

/* --- errors --------------------------------------------------------------------------------- */

/* The message on one line, in words that we add nothing secret to: libpq never quotes a password.
 */
static void one_line(const char *message, char *out, size_t cap)
{
    size_t n = 0;
    for (; *message != '\0' && n + 1 < cap; message++) {
        char c = *message == '\n' || *message == '\t' ? ' ' : *message;
        if (c == ' ' && (n == 0 || out[n - 1] == ' ')) continue;
        out[n++] = c;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

/* Classes of SQLSTATE: postgresql.org/docs/15/errcodes-appendix.html */
static candor_status status_of(const char *state)
{
    if (state == NULL) return CANDOR_NET;
    if (strcmp(state, "57014") == 0) return CANDOR_TIMEOUT; /* statement_timeout */
    if (strcmp(state, "23514") == 0) return CANDOR_BUSY;    /* a partition went: make it again */
    if (memcmp(state, "22", 2) == 0 || memcmp(state, "23", 2) == 0) return CANDOR_INVALID;
    if (memcmp(state, "28", 2) == 0 || memcmp(state, "42501", 5) == 0) return CANDOR_DENIED;
    if (memcmp(state, "40", 2) == 0) return CANDOR_BUSY; /* deadlock, serialization */
    if (memcmp(state, "53", 2) == 0) return CANDOR_FULL;
    if (memcmp(state, "08", 2) == 0 || memcmp(state, "57", 2) == 0) return CANDOR_NET;
    return CANDOR_IO;
}

candor_status candor_pg_fail(candor_pg *c, const PGresult *r, const char *op, candor_err *err)
{
    const char *state = r != NULL ? c->pq->PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    char text[200];
    snprintf(c->state, sizeof c->state, "%s", state != NULL ? state : "");
    one_line(r != NULL ? c->pq->PQresultErrorMessage(r) : c->pq->PQerrorMessage(c->conn), text,
             sizeof text);
    if (*text == '\0') one_line(c->pq->PQerrorMessage(c->conn), text, sizeof text);
    return candor_fail(err, status_of(state), 0, op, "PostgreSQL: %s", text);
}

bool candor_pg_duplicate(const candor_pg *c)
{
    return strcmp(c->state, "23505") == 0;
}

/* --- connections ---------------------------------------------------------------------------- */

static void ignore(void *ctx, const char *message)
{
    (void)ctx, (void)message; /* notices would go to stderr */
}

static candor_status check_server(candor_pg *c, candor_err *err)
{
    int version = c->pq->PQserverVersion(c->conn);
    const char *encoding = c->pq->PQparameterStatus(c->conn, "server_encoding");
    if (version < SERVER_MIN)
        return candor_fail(err, CANDOR_INVALID, 0, "open the sink",
                           "the server is PostgreSQL %d; 12 or later is needed", version / 10000);
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return candor_fail(err, CANDOR_INVALID, 0, "open the sink",
                           "the database's encoding is %s; create one with ENCODING 'UTF8'",
                           encoding != NULL ? encoding : "unknown");
    return c->setup != NULL ? candor_pg_run(c, c->setup, err) : CANDOR_OK;
}

/* The first parameters are defaults: what the URL says wins. */
static candor_status connect_new(candor_pg *c, candor_err *err)
{
    static const char *const names[] = {"application_name", "connect_timeout", "tcp_user_timeout",
                                        "dbname",           "client_encoding", NULL};
    const char *values[] = {"candor-central", "15", "30000", c->url, "UTF8", NULL};
    char text[200];
    c->conn = c->pq->PQconnectdbParams(names, values, 1);
    if (c->conn == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    if (c->pq->PQstatus(c->conn) == CONNECTION_OK) {
        c->pq->PQsetNoticeProcessor(c->conn, ignore, NULL);
        return check_server(c, err);
    }
    one_line(c->pq->PQerrorMessage(c->conn), text, sizeof text);
    return candor_fail(err, CANDOR_NET, 0, "open the sink",
                       "no connection to PostgreSQL: %s; check --sink-url", text);
}

candor_status candor_pg_ready(candor_pg *c, bool *fresh, candor_err *err)
{
    candor_status st;
    *fresh = false;
    if (c->conn != NULL && c->pq->PQstatus(c->conn) == CONNECTION_OK) return CANDOR_OK;
    candor_pg_close(c);
    st = connect_new(c, err);
    *fresh = st == CANDOR_OK;
    if (st != CANDOR_OK) candor_pg_close(c);
    return st;
}

void candor_pg_close(candor_pg *c)
{
    if (c->conn != NULL) c->pq->PQfinish(c->conn);
    c->conn = NULL;
}

candor_status candor_pg_run(candor_pg *c, const char *sql, candor_err *err)
{
    PGresult *r = c->pq->PQexec(c->conn, sql);
    ExecStatusType got = r != NULL ? c->pq->PQresultStatus(r) : PGRES_FATAL_ERROR;
    candor_status st = CANDOR_OK;
    if (got != PGRES_COMMAND_OK && got != PGRES_TUPLES_OK && got != PGRES_COPY_IN)
        st = candor_pg_fail(c, r, "store", err);
    c->pq->PQclear(r);
    return st;
}

PGresult *candor_pg_ask(candor_pg *c, const char *sql, const candor_pg_param *params, int n,
                        candor_status *st, candor_err *err)
{
    const char *values[CANDOR_PG_PARAMS];
    int lengths[CANDOR_PG_PARAMS], formats[CANDOR_PG_PARAMS], i;
    PGresult *r;
    ExecStatusType got;
    for (i = 0; i < n; i++) {
        values[i] = params[i].p;
        lengths[i] = params[i].n;
        formats[i] = params[i].binary ? 1 : 0;
    }
    r = c->pq->PQexecParams(c->conn, sql, n, NULL, values, lengths, formats, 1);
    got = r != NULL ? c->pq->PQresultStatus(r) : PGRES_FATAL_ERROR;
    *st = CANDOR_OK;
    if (got == PGRES_TUPLES_OK || got == PGRES_COMMAND_OK) return r;
    *st = candor_pg_fail(c, r, "query", err);
    c->pq->PQclear(r);
    return NULL;
}

/* Big-endian, as all of its binary forms. */
int64_t candor_pg_i64(candor_pg *c, const PGresult *r, int row, int column)
{
    const char *p = c->pq->PQgetvalue(r, row, column);
    int n = c->pq->PQgetlength(r, row, column), i;
    uint64_t v = 0;
    for (i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return (int64_t)v;
}

void candor_pg_put_columns(char *sql, size_t cap, const candor_filter_column *columns, size_t n,
                           candor_pg_param *params, int *n_params)
{
    size_t i;
    for (i = 0; i < n; i++) {
        size_t at = strlen(sql);
        params[(*n_params)++] =
            (candor_pg_param){columns[i].value, (int)strlen(columns[i].value), true};
        snprintf(sql + at, cap - at, " AND %s=$%d::text", columns[i].column, *n_params);
    }
}
