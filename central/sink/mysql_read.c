/* Queries of the MySQL and MariaDB sink: one connection a reader, bounded in time. */
#include <stdlib.h>

#include "central/sink/mysql_internal.h"

static candor_status ready(candor_my_reader *r, candor_err *err)
{
    candor_status st;
    if (r->conn.conn != NULL && r->conn.my->mysql_ping(r->conn.conn) != 0)
        candor_my_close(&r->conn);
    if (r->conn.conn != NULL) return CANDOR_OK;
    st = candor_my_connect(&r->conn, err);
    if (st == CANDOR_OK)
        st = candor_my_run(&r->conn,
                           r->conn.maria ? "SET SESSION max_statement_time=5"
                                         : "SET SESSION max_execution_time=5000",
                           NULL, err);
    return st;
}

candor_status candor_my_reader_open(const candor_my *my, const candor_sink_url *url,
                                    const candor_schema *schema, candor_reader **out,
                                    candor_err *err)
{
    candor_my_reader *r = calloc(1, sizeof *r);
    candor_status st;
    *out = NULL;
    if (r == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    r->conn = (candor_myc){.my = my, .url = url};
    r->schema = schema;
    st = ready(r, err);
    if (st != CANDOR_OK)
        candor_my_reader_close((candor_reader *)(void *)r);
    else
        *out = (candor_reader *)(void *)r;
    return st;
}

void candor_my_reader_close(candor_reader *base)
{
    candor_my_reader *r = (candor_my_reader *)(void *)base;
    candor_my_close(&r->conn);
    free(r);
}

void candor_my_reader_allow(candor_reader *base, uint64_t ms, const atomic_bool *stop)
{
    candor_query_time_set(&((candor_my_reader *)(void *)base)->time, ms, stop);
}

candor_status candor_my_reader_ask(candor_my_reader *r, candor_buf *sql, MYSQL_RES **out,
                                   candor_err *err)
{
    candor_status st = ready(r, err);
    candor_buf_put_c(sql, '\0');
    if (st == CANDOR_OK && sql->failed) st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    if (st == CANDOR_OK) st = candor_my_run(&r->conn, sql->p, out, err);
    candor_buf_free(sql);
    return st;
}

candor_status candor_my_reader_count(candor_reader *base, uint64_t *out, candor_err *err)
{
    candor_my_reader *r = (candor_my_reader *)(void *)base;
    candor_buf sql = {0};
    MYSQL_RES *res = NULL;
    MYSQL_ROW row;
    candor_status st;
    candor_buf_put_bytes(&sql, CANDOR_LIT("SELECT count(*) FROM candor_events"));
    st = candor_my_reader_ask(r, &sql, &res, err);
    if (st != CANDOR_OK) return st;
    row = r->conn.my->mysql_fetch_row(res);
    *out = row != NULL && row[0] != NULL ? strtoull(row[0], NULL, 10) : 0;
    r->conn.my->mysql_free_result(res);
    return CANDOR_OK;
}

/* --- pages ---------------------------------------------------------------------------------- */

void candor_my_put_ids(candor_buf *sql, const unsigned char low[16], const unsigned char high[16])
{
    candor_buf_put_bytes(sql, CANDOR_LIT(" FROM candor_events WHERE event_id>="));
    candor_my_put_hex(sql, low, 16);
    candor_buf_put_bytes(sql, CANDOR_LIT(" AND event_id<"));
    candor_my_put_hex(sql, high, 16);
}

static candor_status window(void *ctx, const candor_page_range *range, unsigned rows,
                            unsigned char id[16], bool *has, candor_err *err)
{
    candor_my_reader *r = ctx;
    candor_buf sql = {0};
    MYSQL_RES *res = NULL;
    MYSQL_ROW row;
    candor_status st;
    candor_buf_put_bytes(&sql, CANDOR_LIT("SELECT event_id"));
    candor_my_put_ids(&sql, range->low, range->high);
    candor_buf_putf(&sql, " ORDER BY event_id DESC LIMIT 1 OFFSET %u", rows - 1);
    st = candor_my_reader_ask(r, &sql, &res, err);
    if (st != CANDOR_OK) return st;
    row = r->conn.my->mysql_fetch_row(res);
    *has = row != NULL;
    if (*has) memcpy(id, row[0], 16);
    r->conn.my->mysql_free_result(res);
    return CANDOR_OK;
}

static void read_row(MYSQL_ROW row, const unsigned long *n, candor_stored_event *e)
{
    candor_bytes *const texts[CANDOR_MY_N_COLUMNS] = {NULL,
                                                      &e->type,
                                                      &e->category,
                                                      NULL,
                                                      &e->context.session_id,
                                                      &e->context.user_id,
                                                      &e->context.machine_id,
                                                      &e->context.app,
                                                      &e->context.app_version,
                                                      &e->context.platform,
                                                      &e->correlation_id,
                                                      &e->payload};
    int i;
    memcpy(e->id, row[0], sizeof e->id);
    e->ts_ms = strtoll(row[3], NULL, 10);
    for (i = 0; i < CANDOR_MY_N_COLUMNS; i++)
        if (texts[i] != NULL) *texts[i] = candor_bytes_of(row[i], n[i]);
}

static void put_only(candor_buf *sql, const candor_event_filter *f)
{
    size_t i;
    if (f->only == NULL) return;
    candor_buf_put_bytes(sql, CANDOR_LIT(" AND event_type IN (''"));
    for (i = 0; i < f->n_only; i++) {
        candor_buf_put_bytes(sql, CANDOR_LIT(",_utf8mb4 "));
        candor_my_put_hex(sql, f->only[i].p, f->only[i].n);
    }
    candor_buf_put_c(sql, ')');
}

static candor_status select_events(void *ctx, const candor_page_range *range,
                                   const candor_event_filter *f, unsigned limit,
                                   candor_event_visit *visit, void *visit_ctx, candor_err *err)
{
    candor_my_reader *r = ctx;
    const candor_my *my = r->conn.my;
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_buf sql = {0};
    MYSQL_RES *res = NULL;
    MYSQL_ROW row;
    candor_status st;
    candor_buf_put_bytes(&sql, CANDOR_LIT("SELECT " CANDOR_MY_COLUMNS));
    candor_my_put_ids(&sql, range->low, range->high);
    candor_my_put_columns(&sql, columns, candor_filter_columns(f, columns));
    put_only(&sql, f);
    candor_buf_putf(&sql, "%s ORDER BY event_id DESC LIMIT %u",
                    f->underived ? " AND hour IS NULL" : "", limit);
    st = candor_my_reader_ask(r, &sql, &res, err);
    while (st == CANDOR_OK && (row = my->mysql_fetch_row(res)) != NULL) {
        candor_stored_event e = {0};
        read_row(row, my->mysql_fetch_lengths(res), &e);
        if (!visit(visit_ctx, &e)) st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    }
    if (res != NULL) my->mysql_free_result(res);
    return st;
}

candor_status candor_my_reader_events(candor_reader *base, const candor_event_filter *f,
                                      candor_event_visit *visit, void *ctx, candor_event_page *out,
                                      candor_err *err)
{
    const candor_page_source src = {window, select_events, base};
    return candor_sink_page(&src, f, visit, ctx, out, err);
}
