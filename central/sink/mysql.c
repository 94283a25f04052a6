/* MySQL and MariaDB: prepared inserts, one transaction a group. The writer and every reader have a
 * connection of their own. */
#include <stdio.h>
#include <stdlib.h>

#include "central/sink/mysql_internal.h"

#define ATTEMPTS    5 /* deadlock with another collector */
#define RETAIN_ROWS 5000
#define SWEEP_MS    600000

typedef struct mysql_sink {
    candor_sink base;
    candor_my my;
    candor_sink_url url;
    candor_myc conn; /* the writer's */
    candor_my_insert *insert;
    const candor_schema *schema;
    candor_sink_rows rows;
} mysql_sink;

static void disconnect(mysql_sink *s)
{
    candor_my_insert_drop(s->insert, &s->my);
    candor_my_close(&s->conn);
}

/* candor_my_run may have closed the connection: the statement goes with it. */
static candor_status ready(mysql_sink *s, candor_err *err)
{
    if (s->conn.conn == NULL) candor_my_insert_drop(s->insert, &s->my);
    return candor_my_connect(&s->conn, err);
}

static candor_status transact(void *ctx, candor_err *err)
{
    mysql_sink *s = ctx;
    candor_err ignored = {0};
    candor_status st = ready(s, err);
    if (st == CANDOR_OK) st = candor_my_run(&s->conn, "START TRANSACTION", NULL, err);
    if (st == CANDOR_OK) st = candor_my_insert_rows(s->insert, &s->conn, &s->rows, err);
    if (st == CANDOR_OK) st = candor_my_run(&s->conn, "COMMIT", NULL, err);
    if (st == CANDOR_OK) return st;
    if (s->conn.conn == NULL || st == CANDOR_NET ||
        candor_my_run(&s->conn, "ROLLBACK", NULL, &ignored) != CANDOR_OK)
        disconnect(s);
    return st;
}

static candor_status mysql_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                 candor_err *err)
{
    mysql_sink *s = (mysql_sink *)(void *)base;
    return candor_sink_rows_store(&s->rows, batches, n, ATTEMPTS, transact, s, err);
}

/* --- care ----------------------------------------------------------------------------------- */

/* Frees sql. Outside a transaction of ours it commits by itself. */
static candor_status change(mysql_sink *s, candor_buf *sql, uint64_t *changed, candor_err *err)
{
    candor_status st = ready(s, err);
    candor_buf_put_c(sql, '\0');
    if (st == CANDOR_OK && sql->failed) st = candor_fail(err, CANDOR_NOMEM, 0, "store", NULL);
    if (st == CANDOR_OK) st = candor_my_run(&s->conn, sql->p, NULL, err);
    if (st == CANDOR_OK) *changed = s->my.mysql_affected_rows(s->conn.conn);
    candor_buf_free(sql);
    return st;
}

static candor_status select_theirs(mysql_sink *s, const candor_buf *where, candor_buf *ids,
                                   candor_err *err)
{
    candor_buf sql = {0};
    MYSQL_RES *r = NULL;
    MYSQL_ROW row;
    candor_status st;
    candor_buf_put_bytes(&sql, CANDOR_LIT("SELECT event_id"));
    candor_buf_put_bytes(&sql, candor_buf_bytes(where));
    candor_buf_put_bytes(&sql, CANDOR_LIT(" FOR UPDATE"));
    candor_buf_put_c(&sql, '\0');
    st = sql.failed ? candor_fail(err, CANDOR_NOMEM, 0, "erase", NULL)
                    : candor_my_run(&s->conn, sql.p, &r, err);
    while (st == CANDOR_OK && (row = s->my.mysql_fetch_row(r)) != NULL)
        candor_buf_put(ids, row[0], 16);
    if (r != NULL) s->my.mysql_free_result(r);
    candor_buf_free(&sql);
    return st == CANDOR_OK && ids->failed ? candor_fail(err, CANDOR_NOMEM, 0, "erase", NULL) : st;
}

/* The ids are told before the rows go: what hangs on the events goes first. */
static candor_status delete_theirs(mysql_sink *s, candor_erasure *e, candor_err *err)
{
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_buf where = {0}, sql = {0}, ids = {0};
    uint64_t deleted = 0;
    candor_status st;
    candor_buf_put_bytes(&where, CANDOR_LIT(" FROM candor_events WHERE true"));
    candor_my_put_columns(&where, columns, candor_erasure_columns(e, columns));
    st = select_theirs(s, &where, &ids, err);
    if (st == CANDOR_OK) st = candor_erasure_tell(e, ids.p, ids.n / 16, err);
    candor_buf_put_bytes(&sql, CANDOR_LIT("DELETE"));
    candor_buf_put_bytes(&sql, candor_buf_bytes(&where));
    if (st == CANDOR_OK) st = change(s, &sql, &deleted, err);
    if (st == CANDOR_OK) st = candor_my_run(&s->conn, "COMMIT", NULL, err);
    if (st == CANDOR_OK) e->events += deleted;
    candor_buf_free(&where);
    candor_buf_free(&sql);
    candor_buf_free(&ids);
    return st;
}

static candor_status mysql_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    mysql_sink *s = (mysql_sink *)(void *)base;
    candor_err ignored = {0};
    candor_status st = ready(s, err);
    if (st != CANDOR_OK) return st;
    st = candor_my_run(&s->conn, "START TRANSACTION", NULL, err);
    if (st == CANDOR_OK) st = delete_theirs(s, e, err);
    if (st != CANDOR_OK &&
        (s->conn.conn == NULL || candor_my_run(&s->conn, "ROLLBACK", NULL, &ignored) != CANDOR_OK))
        disconnect(s);
    return st;
}

/* Frees sql, which answers with categories and counts. */
static candor_status tally(mysql_sink *s, candor_buf *sql, candor_deleted *deleted, uint64_t *n,
                           candor_err *err)
{
    MYSQL_RES *r = NULL;
    MYSQL_ROW row;
    candor_status st = ready(s, err);
    *n = 0;
    candor_buf_put_c(sql, '\0');
    if (st == CANDOR_OK && sql->failed) st = candor_fail(err, CANDOR_NOMEM, 0, "store", NULL);
    if (st == CANDOR_OK) st = candor_my_run(&s->conn, sql->p, &r, err);
    while (st == CANDOR_OK && (row = s->my.mysql_fetch_row(r)) != NULL) {
        uint64_t some = strtoull(row[1], NULL, 10);
        candor_deleted_add(deleted, candor_bytes_str(row[0]), some);
        *n += some;
    }
    if (r != NULL) s->my.mysql_free_result(r);
    candor_buf_free(sql);
    return st;
}

/* Counted, then deleted: an event that comes in between is told of by nobody. */
static candor_status delete_where(mysql_sink *s, const candor_buf *where, const char *limit,
                                  candor_deleted *tallied, uint64_t *deleted, candor_err *err)
{
    candor_buf sql = {0};
    candor_status st;
    *deleted = 0;
    candor_buf_put_bytes(&sql, CANDOR_LIT("SELECT category,count(*) FROM (SELECT category FROM "
                                          "candor_events WHERE "));
    candor_buf_put_bytes(&sql, candor_buf_bytes(where));
    candor_buf_put_bytes(&sql, candor_bytes_str(limit));
    candor_buf_put_bytes(&sql, CANDOR_LIT(") AS t GROUP BY 1"));
    st = tally(s, &sql, tallied, deleted, err);
    if (st != CANDOR_OK || *deleted == 0) return st;
    candor_buf_put_bytes(&sql, CANDOR_LIT("DELETE FROM candor_events WHERE "));
    candor_buf_put_bytes(&sql, candor_buf_bytes(where));
    candor_buf_put_bytes(&sql, candor_bytes_str(limit));
    return change(s, &sql, deleted, err);
}

static candor_status mysql_retain(candor_sink *base, int64_t first_day, candor_deleted *tallied,
                                  bool *more, candor_err *err)
{
    unsigned char id[16];
    candor_buf where = {0};
    uint64_t deleted = 0;
    char limit[48];
    candor_status st;
    *more = false;
    candor_sink_id_floor(first_day * 86400000, id);
    candor_buf_put_bytes(&where, CANDOR_LIT("event_id<"));
    candor_my_put_hex(&where, id, sizeof id);
    snprintf(limit, sizeof limit, " ORDER BY event_id LIMIT %d", RETAIN_ROWS);
    st = delete_where((mysql_sink *)(void *)base, &where, limit, tallied, &deleted, err);
    *more = st == CANDOR_OK && deleted == RETAIN_ROWS;
    candor_buf_free(&where);
    return st;
}

static candor_status mysql_sweep(candor_sink *base, const candor_sweep *w, candor_err *err)
{
    unsigned char id[16];
    candor_buf where = {0};
    uint64_t deleted = 0;
    candor_status st;
    size_t i;
    candor_sink_id_floor(w->from_ms, id);
    candor_buf_put_bytes(&where, CANDOR_LIT("event_id>="));
    candor_my_put_hex(&where, id, sizeof id);
    candor_sink_id_floor(w->to_ms, id);
    candor_buf_put_bytes(&where, CANDOR_LIT(" AND event_id<"));
    candor_my_put_hex(&where, id, sizeof id);
    for (i = 0; i < w->n; i++) {
        candor_buf_putf(&where, "%s_utf8mb4 ", i != 0 ? "," : " AND category IN (");
        candor_my_put_hex(&where, w->categories[i].p, w->categories[i].n);
    }
    candor_buf_put_c(&where, ')');
    st = delete_where((mysql_sink *)(void *)base, &where, "", w->deleted, &deleted, err);
    candor_buf_free(&where);
    return st;
}

/* A write: a server that is read only or full answers a mere SELECT. */
static candor_status mysql_probe(candor_sink *base, candor_err *err)
{
    candor_buf sql = {0};
    uint64_t changed;
    candor_buf_put_bytes(&sql, CANDOR_LIT("DELETE FROM candor_meta WHERE version<0"));
    return change((mysql_sink *)(void *)base, &sql, &changed, err);
}

static void mysql_sink_close(candor_sink *base)
{
    mysql_sink *s = (mysql_sink *)(void *)base;
    candor_my_insert_free(s->insert, &s->my);
    candor_my_close(&s->conn);
    candor_sink_rows_free(&s->rows);
    free(s);
}

static candor_status mysql_reader_open(candor_sink *base, candor_reader **out, candor_err *err)
{
    const mysql_sink *s = (mysql_sink *)(void *)base;
    return candor_my_reader_open(&s->my, &s->url, s->schema, out, err);
}

/* bulk=0 in the URL: row by row, as a server that is not MariaDB has it. */
static bool one_by_one(const candor_sink_url *u)
{
    char text[8];
    const char *bulk = candor_sink_url_option(u, "bulk", text, sizeof text);
    return bulk != NULL && strcmp(bulk, "0") == 0;
}

static candor_status open_all(mysql_sink *s, const candor_sink_settings *settings, candor_err *err)
{
    const bool derived = settings->format == 0 || settings->format >= CANDOR_MY_DERIVED_SINCE;
    candor_status st = candor_sink_url_parse(settings->url, &s->url, err);
    s->schema = settings->schema;
    if (st == CANDOR_OK && *s->url.database == '\0')
        st = candor_fail(err, CANDOR_INVALID, 0, "settings",
                         "--sink-url names no database; write mysql://user@host/DATABASE");
    if (st == CANDOR_OK) st = candor_my_load(&s->my, err);
    if (st == CANDOR_OK &&
        candor_my_insert_new(one_by_one(&s->url), derived, &s->insert) != CANDOR_OK)
        st = candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    if (st == CANDOR_OK) st = candor_my_connect(&s->conn, err);
    if (st == CANDOR_OK) st = candor_my_migrate(&s->conn, settings->format, err);
    return st;
}

candor_status candor_sink_mysql_open(const candor_sink_settings *settings, candor_sink **out,
                                     candor_err *err)
{
    static const candor_sink_ops ops = {
        .name = "mysql",
        .write = mysql_write,
        .erase = mysql_erase,
        .retain = mysql_retain,
        .sweep = mysql_sweep,
        .sweep_ms = SWEEP_MS,
        .probe = mysql_probe,
        .close = mysql_sink_close,
        .reader_open = mysql_reader_open,
        .reader_close = candor_my_reader_close,
        .count = candor_my_reader_count,
        .events = candor_my_reader_events,
        .sessions = candor_my_reader_sessions,
        .stats = candor_my_reader_stats,
        .allow = candor_my_reader_allow,
    };
    mysql_sink *s = calloc(1, sizeof *s);
    candor_status st;
    *out = NULL;
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    s->base.ops = &ops;
    s->conn = (candor_myc){.my = &s->my, .url = &s->url};
    st = open_all(s, settings, err);
    if (st != CANDOR_OK)
        mysql_sink_close(&s->base);
    else
        *out = &s->base;
    return st;
}
