/* PostgreSQL: COPY straight into the table; where a row of the group is there already, COPY into a
 * temporary table, then INSERT .. ON CONFLICT DO NOTHING. One transaction a group. The writer and
 * every reader have a connection of their own. */
#include <stdio.h>
#include <stdlib.h>

#include "central/sink/postgres_internal.h"
#include "central/store/histogram.h"

#define COPY_CHUNK ((size_t)256 << 10)
#define ATTEMPTS   3 /* deadlock with another collector, partition dropped meanwhile */
#define DAYS_KNOWN 64
#define SWEEP_MS   3600000
#define DAY_MS     86400000
/* After a duplicate this many groups go through the temporary table, which costs a third more than
 * going straight: what a failed COPY wrote is waste, and repetitions come in bursts. */
#define STAGED_GROUPS 16

static const char setup_sql[] =
    "CREATE TEMPORARY TABLE candor_stage("
    " event_id uuid, event_type text, category text, ts timestamptz, session_id text, user_id text,"
    " machine_id text, app text, app_version text, platform text, correlation_id text,"
    " payload text, hour integer, dim text, bucket smallint) ON COMMIT DELETE ROWS";

typedef struct postgres_sink {
    candor_sink base;
    candor_pq pq;
    candor_pg conn; /* the writer's */
    char *url;
    const candor_schema *schema;
    bool derived;             /* the tables have the columns that charts read */
    uint64_t swept;           /* rows of the day under way */
    unsigned staged;          /* groups yet to go through the temporary table */
    int64_t days[DAYS_KNOWN]; /* that have a partition; by day modulo; 0: none */
    candor_sink_rows rows;
    candor_buf copy;
} postgres_sink;

/* --- COPY, binary form: postgresql.org/docs/15/sql-copy.html ------------------------------------
 */

static void put_be(candor_buf *b, uint64_t v, int bytes)
{
    unsigned char out[8];
    int i;
    for (i = 0; i < bytes; i++)
        out[i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
    candor_buf_put(b, out, (size_t)bytes);
}

static void put_field(candor_buf *b, candor_bytes s)
{
    put_be(b, s.n, 4);
    candor_buf_put_bytes(b, s);
}

static void put_null(candor_buf *b)
{
    put_be(b, UINT32_MAX, 4);
}

static void put_derived(candor_buf *b, const candor_sink_row *row)
{
    const candor_bytes group = candor_sink_row_group(row);
    put_be(b, 4, 4);
    put_be(b, (uint64_t)candor_sink_id_hour(row->row->id), 4);
    if (group.n != 0)
        put_field(b, group);
    else
        put_null(b);
    if (group.n == 0 || row->row->bucket == CANDOR_NO_BUCKET) {
        put_null(b);
        return;
    }
    put_be(b, 2, 4);
    put_be(b, row->row->bucket, 2);
}

static void put_row(candor_buf *b, const candor_sink_row *row, bool derived)
{
    candor_stored_event e;
    candor_sink_row_event(row, &e);
    put_be(b, CANDOR_PG_N_COLUMNS + (derived ? CANDOR_PG_N_DERIVED : 0), 2);
    put_field(b, candor_bytes_of((const char *)e.id, sizeof e.id));
    put_field(b, e.type);
    put_field(b, e.category);
    put_be(b, 8, 4);
    put_be(b, (uint64_t)((e.ts_ms - CANDOR_PG_EPOCH_MS) * 1000), 8);
    put_field(b, e.context.session_id);
    put_field(b, e.context.user_id);
    put_field(b, e.context.machine_id);
    put_field(b, e.context.app);
    put_field(b, e.context.app_version);
    put_field(b, e.context.platform);
    put_field(b, e.correlation_id);
    put_field(b, e.payload);
    if (derived) put_derived(b, row);
}

static candor_status send_copy(postgres_sink *s, bool all, candor_err *err)
{
    const candor_pq *pq = &s->pq;
    if (s->copy.failed) return candor_fail(err, CANDOR_NOMEM, 0, "store", NULL);
    if (!all && s->copy.n < COPY_CHUNK) return CANDOR_OK;
    if (pq->PQputCopyData(s->conn.conn, s->copy.p, (int)s->copy.n) != 1)
        return candor_pg_fail(&s->conn, NULL, "store", err);
    candor_buf_clear(&s->copy);
    return CANDOR_OK;
}

/* Reads the results to their end, whatever they say: the connection serves on. */
static candor_status end_copy(postgres_sink *s, bool ok, candor_err *err)
{
    const candor_pq *pq = &s->pq;
    candor_status st = CANDOR_OK;
    PGresult *r;
    if (pq->PQputCopyEnd(s->conn.conn, ok ? NULL : "given up") != 1)
        st = candor_pg_fail(&s->conn, NULL, "store", err);
    while ((r = pq->PQgetResult(s->conn.conn)) != NULL) {
        if (pq->PQresultStatus(r) != PGRES_COMMAND_OK && st == CANDOR_OK && ok)
            st = candor_pg_fail(&s->conn, r, "store", err);
        pq->PQclear(r);
    }
    return st;
}

static candor_status copy_rows(postgres_sink *s, const char *table, candor_err *err)
{
    static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* and the literal's own NUL */
    candor_status st, end;
    char sql[256];
    size_t i;
    snprintf(sql, sizeof sql, "COPY %s(" CANDOR_PG_COLUMNS "%s) FROM STDIN WITH (FORMAT binary)",
             table, s->derived ? CANDOR_PG_DERIVED : "");
    st = candor_pg_run(&s->conn, sql, err);
    if (st != CANDOR_OK) return st;
    candor_buf_clear(&s->copy);
    candor_buf_put(&s->copy, head, 19);
    for (i = 0; i < s->rows.n && st == CANDOR_OK; i++) {
        put_row(&s->copy, &s->rows.items[i], s->derived);
        st = send_copy(s, false, err);
    }
    put_be(&s->copy, 0xffff, 2);
    if (st == CANDOR_OK) st = send_copy(s, true, err);
    end = end_copy(s, st == CANDOR_OK, err);
    return st == CANDOR_OK ? end : st;
}

/* --- a group -------------------------------------------------------------------------------- */

static candor_status move(postgres_sink *s, candor_err *err)
{
    const candor_pq *pq = &s->pq;
    const char *more = s->derived ? CANDOR_PG_DERIVED : "";
    char sql[512];
    candor_status st;
    PGresult *r;
    int i, n;
    snprintf(sql, sizeof sql,
             "INSERT INTO candor_events(" CANDOR_PG_COLUMNS "%s) SELECT " CANDOR_PG_COLUMNS
             "%s FROM candor_stage ON CONFLICT DO NOTHING RETURNING event_id",
             more, more);
    r = candor_pg_ask(&s->conn, sql, NULL, 0, &st, err);
    if (r == NULL) return st;
    n = pq->PQntuples(r);
    for (i = 0; i < n; i++) {
        candor_sink_row *row =
            candor_sink_rows_find(&s->rows, (const unsigned char *)pq->PQgetvalue(r, i, 0));
        if (row != NULL) candor_sink_rows_new(row);
    }
    pq->PQclear(r);
    return CANDOR_OK;
}

static candor_status know_days(postgres_sink *s, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < s->rows.n && st == CANDOR_OK; i++) {
        int64_t day = candor_sink_id_day(s->rows.items[i].row->id);
        int64_t *known = &s->days[(uint64_t)day % DAYS_KNOWN];
        if (*known == day && day != 0) continue;
        st = candor_pg_partition(&s->conn, day, err);
        if (st == CANDOR_OK) *known = day;
    }
    return st;
}

static candor_status ready(postgres_sink *s, candor_err *err)
{
    bool fresh = false;
    candor_status st = candor_pg_ready(&s->conn, &fresh, err);
    if (fresh) memset(s->days, 0, sizeof s->days);
    return st;
}

/* A statement is a transaction: all rows are new, or none is stored. */
static candor_status write_straight(postgres_sink *s, candor_err *err)
{
    size_t i;
    candor_status st = copy_rows(s, "candor_events", err);
    for (i = 0; i < s->rows.n && st == CANDOR_OK; i++)
        candor_sink_rows_new(&s->rows.items[i]);
    return st;
}

static candor_status write_staged(postgres_sink *s, candor_err *err)
{
    candor_status st = candor_pg_run(&s->conn, "BEGIN", err);
    if (st == CANDOR_OK) st = copy_rows(s, "candor_stage", err);
    if (st == CANDOR_OK) st = move(s, err);
    return st == CANDOR_OK ? candor_pg_run(&s->conn, "COMMIT", err) : st;
}

static candor_status write_rows(postgres_sink *s, candor_err *err)
{
    candor_err first = {0};
    candor_status st;
    if (s->staged == 0) {
        st = write_straight(s, &first);
        if (st == CANDOR_OK) return st;
        if (!candor_pg_duplicate(&s->conn)) {
            *err = first;
            return st;
        }
        s->staged = STAGED_GROUPS;
    }
    s->staged--;
    return write_staged(s, err);
}

static candor_status transact(void *ctx, candor_err *err)
{
    postgres_sink *s = ctx;
    candor_err ignored = {0};
    candor_status st = ready(s, err);
    if (st == CANDOR_OK) st = know_days(s, err);
    if (st != CANDOR_OK) return st;
    st = write_rows(s, err);
    if (st == CANDOR_OK) return st;
    if (candor_pg_run(&s->conn, "ROLLBACK", &ignored) != CANDOR_OK) candor_pg_close(&s->conn);
    memset(s->days, 0, sizeof s->days);
    return st;
}

static candor_status postgres_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                    candor_err *err)
{
    postgres_sink *s = (postgres_sink *)(void *)base;
    return candor_sink_rows_store(&s->rows, batches, n, ATTEMPTS, transact, s, err);
}

/* --- care ----------------------------------------------------------------------------------- */

/* The ids are told before the commit: what hangs on the events goes first. */
static candor_status delete_theirs(postgres_sink *s, candor_erasure *e, candor_err *err)
{
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    candor_pg_param params[CANDOR_PG_PARAMS];
    char sql[256] = "DELETE FROM candor_events WHERE true";
    candor_buf ids = {0};
    int n_params = 0, n, i;
    candor_status st;
    PGresult *r;
    candor_pg_put_columns(sql, sizeof sql, columns, candor_erasure_columns(e, columns), params,
                          &n_params);
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), " RETURNING event_id");
    r = candor_pg_ask(&s->conn, sql, params, n_params, &st, err);
    if (r == NULL) return st;
    n = s->pq.PQntuples(r);
    for (i = 0; i < n; i++)
        candor_buf_put(&ids, s->pq.PQgetvalue(r, i, 0), 16);
    s->pq.PQclear(r);
    st = ids.failed ? candor_fail(err, CANDOR_NOMEM, 0, "erase", NULL)
                    : candor_erasure_tell(e, ids.p, ids.n / 16, err);
    if (st == CANDOR_OK) st = candor_pg_run(&s->conn, "COMMIT", err);
    if (st == CANDOR_OK) e->events += ids.n / 16;
    candor_buf_free(&ids);
    return st;
}

static candor_status postgres_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    postgres_sink *s = (postgres_sink *)(void *)base;
    candor_err ignored = {0};
    candor_status st = ready(s, err);
    if (st != CANDOR_OK) return st;
    st = candor_pg_run(&s->conn, "BEGIN", err);
    if (st == CANDOR_OK) st = delete_theirs(s, e, err);
    if (st != CANDOR_OK && candor_pg_run(&s->conn, "ROLLBACK", &ignored) != CANDOR_OK)
        candor_pg_close(&s->conn);
    return st;
}

static candor_status postgres_sweep(candor_sink *base, const candor_sweep *w, candor_err *err)
{
    postgres_sink *s = (postgres_sink *)(void *)base;
    uint64_t deleted = 0;
    candor_status st = ready(s, err);
    if (st == CANDOR_OK) st = candor_pg_sweep(&s->conn, w, &deleted, err);
    s->swept += deleted;
    if (st != CANDOR_OK || w->to_ms % DAY_MS != 0 || s->swept == 0) return st;
    s->swept = 0;
    return candor_pg_pack(&s->conn, w->from_ms / DAY_MS, err);
}

static candor_status postgres_retain(candor_sink *base, int64_t first_day, candor_deleted *deleted,
                                     bool *more, candor_err *err)
{
    postgres_sink *s = (postgres_sink *)(void *)base;
    candor_status st = ready(s, err);
    *more = false;
    if (st == CANDOR_OK) st = candor_pg_drop_day(&s->conn, first_day, deleted, more, err);
    if (*more) memset(s->days, 0, sizeof s->days);
    return st;
}

static candor_status postgres_probe(candor_sink *base, candor_err *err)
{
    postgres_sink *s = (postgres_sink *)(void *)base;
    candor_err first = {0};
    candor_status st = ready(s, err);
    if (st != CANDOR_OK) return st;
    /* a write that is taken back: a standby or a full disk answers a mere SELECT */
    st = candor_pg_run(&s->conn, "BEGIN;DELETE FROM candor_meta WHERE version<0;COMMIT", err);
    if (st != CANDOR_OK && candor_pg_run(&s->conn, "ROLLBACK", &first) != CANDOR_OK)
        candor_pg_close(&s->conn);
    return st;
}

static void postgres_close(candor_sink *base)
{
    postgres_sink *s = (postgres_sink *)(void *)base;
    candor_pg_close(&s->conn);
    candor_sink_rows_free(&s->rows);
    candor_buf_free(&s->copy);
    free(s->url);
    free(s);
}

static candor_status postgres_reader_open(candor_sink *base, candor_reader **out, candor_err *err)
{
    const postgres_sink *s = (postgres_sink *)(void *)base;
    return candor_pg_reader_open(&s->pq, s->url, s->schema, out, err);
}

candor_status candor_sink_postgres_open(const candor_sink_settings *settings, candor_sink **out,
                                        candor_err *err)
{
    static const candor_sink_ops ops = {
        .name = "postgres",
        .write = postgres_write,
        .erase = postgres_erase,
        .retain = postgres_retain,
        .sweep = postgres_sweep,
        .sweep_ms = SWEEP_MS,
        .probe = postgres_probe,
        .close = postgres_close,
        .reader_open = postgres_reader_open,
        .reader_close = candor_pg_reader_close,
        .count = candor_pg_reader_count,
        .events = candor_pg_reader_events,
        .sessions = candor_pg_reader_sessions,
        .stats = candor_pg_reader_stats,
        .allow = candor_pg_reader_allow,
    };
    postgres_sink *s = calloc(1, sizeof *s);
    candor_status st = CANDOR_OK;
    *out = NULL;
    if (s != NULL) s->url = strdup(settings->url);
    if (s == NULL || s->url == NULL) {
        free(s);
        return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    }
    s->base.ops = &ops;
    s->schema = settings->schema;
    s->derived = settings->format == 0 || settings->format >= CANDOR_PG_DERIVED_SINCE;
    s->conn = (candor_pg){.pq = &s->pq, .url = s->url, .setup = setup_sql};
    st = candor_pq_load(&s->pq, err);
    if (st == CANDOR_OK) st = ready(s, err);
    if (st == CANDOR_OK) st = candor_pg_migrate(&s->conn, settings->format, err);
    if (st != CANDOR_OK)
        postgres_close(&s->base);
    else
        *out = &s->base;
    return st;
}
