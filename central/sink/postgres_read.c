/* Queries of the PostgreSQL sink: one connection a reader, read only and bounded in time. */
#include <stdio.h>
#include <stdlib.h>

#include "central/sink/postgres_internal.h"

static const char setup_sql[] =
    "SET default_transaction_read_only=on; SET statement_timeout=5000; SET jit=off";

candor_status candor_pg_reader_open(const candor_pq *pq, const char *url,
                                    const candor_schema *schema, candor_reader **out,
                                    candor_err *err)
{
    candor_pg_reader *r = calloc(1, sizeof *r);
    bool fresh;
    candor_status st;
    *out = NULL;
    if (r == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    r->conn = (candor_pg){.pq = pq, .url = url, .setup = setup_sql};
    r->schema = schema;
    st = candor_pg_ready(&r->conn, &fresh, err);
    if (st != CANDOR_OK)
        free(r);
    else
        *out = (candor_reader *)(void *)r;
    return st;
}

void candor_pg_reader_close(candor_reader *base)
{
    candor_pg_reader *r = (candor_pg_reader *)(void *)base;
    candor_pg_close(&r->conn);
    free(r);
}

void candor_pg_reader_allow(candor_reader *base, uint64_t ms, const atomic_bool *stop)
{
    candor_query_time_set(&((candor_pg_reader *)(void *)base)->time, ms, stop);
}

PGresult *candor_pg_reader_ask(candor_pg_reader *r, const char *sql, const candor_pg_param *params,
                               int n, candor_status *st, candor_err *err)
{
    PGresult *res = NULL;
    bool fresh = false;
    *st = candor_pg_ready(&r->conn, &fresh, err);
    if (*st == CANDOR_OK) res = candor_pg_ask(&r->conn, sql, params, n, st, err);
    /* A connection that a restart of the server has ended is known by its first use alone. */
    if (*st != CANDOR_NET || fresh) return res;
    *st = candor_pg_ready(&r->conn, &fresh, err);
    return *st == CANDOR_OK ? candor_pg_ask(&r->conn, sql, params, n, st, err) : NULL;
}

candor_status candor_pg_reader_count(candor_reader *base, uint64_t *out, candor_err *err)
{
    candor_pg_reader *r = (candor_pg_reader *)(void *)base;
    candor_status st;
    PGresult *res =
        candor_pg_reader_ask(r, "SELECT count(*) FROM candor_events", NULL, 0, &st, err);
    if (res == NULL) return st;
    *out = (uint64_t)candor_pg_i64(&r->conn, res, 0, 0);
    r->conn.pq->PQclear(res);
    return CANDOR_OK;
}

/* --- pages ---------------------------------------------------------------------------------- */

candor_pg_param candor_pg_id(const unsigned char id[16])
{
    return (candor_pg_param){(const char *)id, 16, true};
}

static candor_status window(void *ctx, const candor_page_range *range, unsigned rows,
                            unsigned char id[16], bool *has, candor_err *err)
{
    candor_pg_reader *r = ctx;
    const candor_pg_param p[] = {candor_pg_id(range->low), candor_pg_id(range->high)};
    char sql[192];
    candor_status st;
    PGresult *res;
    snprintf(sql, sizeof sql,
             "SELECT event_id FROM candor_events WHERE event_id>=$1::uuid AND event_id<$2::uuid "
             "ORDER BY event_id DESC OFFSET %u LIMIT 1",
             rows - 1);
    res = candor_pg_reader_ask(r, sql, p, 2, &st, err);
    if (res == NULL) return st;
    *has = r->conn.pq->PQntuples(res) == 1;
    if (*has) memcpy(id, r->conn.pq->PQgetvalue(res, 0, 0), 16);
    r->conn.pq->PQclear(res);
    return CANDOR_OK;
}

candor_bytes candor_pg_text(candor_pg_reader *r, const PGresult *res, int row, int at)
{
    return candor_bytes_of(r->conn.pq->PQgetvalue(res, row, at),
                           (size_t)r->conn.pq->PQgetlength(res, row, at));
}

static void read_row(candor_pg_reader *r, const PGresult *res, int row, candor_stored_event *e)
{
    memcpy(e->id, r->conn.pq->PQgetvalue(res, row, 0), sizeof e->id);
    e->type = candor_pg_text(r, res, row, 1);
    e->category = candor_pg_text(r, res, row, 2);
    e->ts_ms = candor_pg_i64(&r->conn, res, row, 3) / 1000 + CANDOR_PG_EPOCH_MS;
    e->context.session_id = candor_pg_text(r, res, row, 4);
    e->context.user_id = candor_pg_text(r, res, row, 5);
    e->context.machine_id = candor_pg_text(r, res, row, 6);
    e->context.app = candor_pg_text(r, res, row, 7);
    e->context.app_version = candor_pg_text(r, res, row, 8);
    e->context.platform = candor_pg_text(r, res, row, 9);
    e->correlation_id = candor_pg_text(r, res, row, 10);
    e->payload = candor_pg_text(r, res, row, 11);
}

/* The names as an array's text: {"A","B"}. They are identifiers. */
static void put_only(candor_buf *out, const candor_event_filter *f)
{
    size_t i;
    candor_buf_put_c(out, '{');
    for (i = 0; i < f->n_only; i++) {
        candor_buf_putf(out, "%s\"", i != 0 ? "," : "");
        candor_buf_put_bytes(out, f->only[i]);
        candor_buf_put_c(out, '"');
    }
    candor_buf_put_c(out, '}');
    candor_buf_put_c(out, '\0');
}

static candor_status select_events(void *ctx, const candor_page_range *range,
                                   const candor_event_filter *f, unsigned limit,
                                   candor_event_visit *visit, void *visit_ctx, candor_err *err)
{
    candor_pg_reader *r = ctx;
    candor_pg_param p[CANDOR_PG_PARAMS] = {candor_pg_id(range->low), candor_pg_id(range->high)};
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_buf only = {0};
    char sql[768] = "SELECT " CANDOR_PG_COLUMNS
                    " FROM candor_events WHERE event_id>=$1::uuid AND event_id<$2::uuid";
    int n = 2, row;
    candor_status st;
    PGresult *res;
    candor_pg_put_columns(sql, sizeof sql, columns, candor_filter_columns(f, columns), p, &n);
    if (f->only != NULL) {
        put_only(&only, f);
        if (only.failed) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
        p[n++] = (candor_pg_param){only.p, 0, false};
        snprintf(sql + strlen(sql), sizeof sql - strlen(sql), " AND event_type=ANY($%d::text[])",
                 n);
    }
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "%s ORDER BY event_id DESC LIMIT %u",
             f->underived ? " AND hour IS NULL" : "", limit);
    res = candor_pg_reader_ask(r, sql, p, n, &st, err);
    candor_buf_free(&only);
    if (res == NULL) return st;
    for (row = 0; row < r->conn.pq->PQntuples(res) && st == CANDOR_OK; row++) {
        candor_stored_event e = {0};
        read_row(r, res, row, &e);
        if (!visit(visit_ctx, &e)) st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    }
    r->conn.pq->PQclear(res);
    return st;
}

candor_status candor_pg_reader_events(candor_reader *base, const candor_event_filter *f,
                                      candor_event_visit *visit, void *ctx, candor_event_page *out,
                                      candor_err *err)
{
    const candor_page_source src = {window, select_events, base};
    return candor_sink_page(&src, f, visit, ctx, out, err);
}
