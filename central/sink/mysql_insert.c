/* Inserts of the MySQL and MariaDB sink: many rows a prepared statement, bound as arrays, which
 * MariaDB takes; row by row where the server is MySQL. */
#include <stdio.h>
#include <stdlib.h>

#include "central/sink/mysql_internal.h"
#include "central/store/histogram.h"

#define CHUNK_ROWS  1000
#define CHUNK_BYTES ((size_t)2 << 20) /* well below any server's max_allowed_packet */

/* IGNORE would cut what does not fit; this one refuses it, and leaves a row that is there alone. */
#define UNLESS_THERE ") ON DUPLICATE KEY UPDATE event_id=event_id"
static const char insert_sql[] = "INSERT INTO candor_events(" CANDOR_MY_COLUMNS CANDOR_MY_DERIVED
                                 ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?" UNLESS_THERE;
static const char older_insert_sql[] =
    "INSERT INTO candor_events(" CANDOR_MY_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?" UNLESS_THERE;
enum { TS_COLUMN = 3, HOUR_COLUMN = 12, DIM_COLUMN, BUCKET_COLUMN };

typedef struct column {
    const char *p[CHUNK_ROWS];
    unsigned long n[CHUNK_ROWS];
} column;

struct candor_my_insert {
    MYSQL_STMT *stmt; /* NULL: not prepared on this connection */
    bool one_by_one;
    int n_columns;
    column columns[CANDOR_MY_N_ALL];
    long long ts[CHUNK_ROWS];
    int hour[CHUNK_ROWS];
    short bucket[CHUNK_ROWS];
};

candor_status candor_my_insert_new(bool one_by_one, bool derived, candor_my_insert **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return CANDOR_NOMEM;
    (*out)->n_columns = derived ? CANDOR_MY_N_ALL : CANDOR_MY_N_COLUMNS;
    (*out)->one_by_one = one_by_one;
    return CANDOR_OK;
}

void candor_my_insert_drop(candor_my_insert *m, const candor_my *my)
{
    if (m->stmt != NULL) my->mysql_stmt_close(m->stmt);
    m->stmt = NULL;
}

void candor_my_insert_free(candor_my_insert *m, const candor_my *my)
{
    if (m == NULL) return;
    candor_my_insert_drop(m, my);
    free(m);
}

static candor_status fail(candor_my_insert *m, candor_myc *c, candor_err *err)
{
    return candor_my_fail(c->my->mysql_stmt_errno(m->stmt), c->my->mysql_stmt_error(m->stmt),
                          "store", err);
}

static candor_status prepare(candor_my_insert *m, candor_myc *c, candor_err *err)
{
    const char *sql = m->n_columns == CANDOR_MY_N_ALL ? insert_sql : older_insert_sql;
    if (m->stmt != NULL) return CANDOR_OK;
    m->stmt = c->my->mysql_stmt_init(c->conn);
    if (m->stmt == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "store", NULL);
    return c->my->mysql_stmt_prepare(m->stmt, sql, strlen(sql)) == 0 ? CANDOR_OK : fail(m, c, err);
}

/* --- a chunk -------------------------------------------------------------------------------- */

static size_t set_row(candor_my_insert *m, unsigned at, const candor_sink_row *row)
{
    candor_stored_event e;
    candor_sink_row_event(row, &e);
    const candor_bytes values[CANDOR_MY_N_ALL] = {
        {(const char *)row->row->id, 16},
        e.type,
        e.category,
        {NULL, 0},
        e.context.session_id,
        e.context.user_id,
        e.context.machine_id,
        e.context.app,
        e.context.app_version,
        e.context.platform,
        e.correlation_id,
        e.payload,
        {NULL, 0},
        candor_sink_row_group(row),
        {NULL, 0},
    };
    size_t bytes = 0;
    int i;
    for (i = 0; i < CANDOR_MY_N_ALL; i++) {
        m->columns[i].p[at] = values[i].n != 0 ? values[i].p : "";
        m->columns[i].n[at] = (unsigned long)values[i].n;
        bytes += values[i].n;
    }
    m->ts[at] = e.ts_ms;
    m->hour[at] = (int)candor_sink_id_hour(row->row->id);
    m->bucket[at] = row->row->bucket != CANDOR_NO_BUCKET ? (short)row->row->bucket : -1;
    return bytes;
}

static bool bind_number(candor_my_insert *m, int no, unsigned at, MYSQL_BIND *b)
{
    if (no == TS_COLUMN) {
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = &m->ts[at];
    } else if (no == HOUR_COLUMN) {
        b->buffer_type = MYSQL_TYPE_LONG;
        b->buffer = &m->hour[at];
    } else if (no == BUCKET_COLUMN) {
        b->buffer_type = MYSQL_TYPE_SHORT;
        b->buffer = &m->bucket[at];
    }
    return b->buffer != NULL;
}

/* As arrays a text's buffer is an array of pointers, else the text itself. */
static void bind_from(candor_my_insert *m, bool arrays, unsigned at, MYSQL_BIND *binds)
{
    int i;
    memset(binds, 0, CANDOR_MY_N_ALL * sizeof *binds);
    for (i = 0; i < m->n_columns; i++) {
        column *k = &m->columns[i];
        if (bind_number(m, i, at, &binds[i])) continue;
        binds[i].buffer_type = i == 0 ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
        binds[i].buffer = arrays ? (void *)&k->p[at] : (void *)(uintptr_t)k->p[at];
        binds[i].length = &k->n[at];
        binds[i].buffer_length = k->n[at];
    }
}

static candor_status execute(candor_my_insert *m, candor_myc *c, unsigned at, unsigned n,
                             uint64_t *inserted, candor_err *err)
{
    MYSQL_BIND binds[CANDOR_MY_N_ALL];
    bool arrays = c->maria && !m->one_by_one;
    unsigned size = arrays ? n : 0;
    bind_from(m, arrays, at, binds);
    if (c->my->mysql_stmt_attr_set(m->stmt, STMT_ATTR_ARRAY_SIZE, &size) ||
        c->my->mysql_stmt_bind_param(m->stmt, binds) || c->my->mysql_stmt_execute(m->stmt))
        return fail(m, c, err);
    *inserted = c->my->mysql_stmt_affected_rows(m->stmt);
    return CANDOR_OK;
}

static candor_status row_by_row(candor_my_insert *m, candor_myc *c, candor_sink_row *rows,
                                unsigned n, candor_err *err)
{
    candor_status st = CANDOR_OK;
    unsigned i;
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        uint64_t inserted = 0;
        st = execute(m, c, i, 1, &inserted, err);
        if (st == CANDOR_OK && inserted != 0) candor_sink_rows_new(&rows[i]);
    }
    return st;
}

/* All new or none, as a rule. Where some are, the chunk is taken back and each row asked: the
 * server tells a number only. */
static candor_status chunk(candor_my_insert *m, candor_myc *c, candor_sink_row *rows, unsigned n,
                           candor_err *err)
{
    uint64_t inserted = 0;
    unsigned i;
    candor_status st;
    if (!c->maria || m->one_by_one) return row_by_row(m, c, rows, n, err);
    st = candor_my_run(c, "SAVEPOINT chunk", NULL, err);
    if (st == CANDOR_OK) st = execute(m, c, 0, n, &inserted, err);
    if (st != CANDOR_OK || inserted == 0) return st;
    if (inserted == n) {
        for (i = 0; i < n; i++)
            candor_sink_rows_new(&rows[i]);
        return CANDOR_OK;
    }
    st = candor_my_run(c, "ROLLBACK TO SAVEPOINT chunk", NULL, err);
    return st == CANDOR_OK ? row_by_row(m, c, rows, n, err) : st;
}

candor_status candor_my_insert_rows(candor_my_insert *m, candor_myc *c, candor_sink_rows *rows,
                                    candor_err *err)
{
    candor_status st = prepare(m, c, err);
    size_t at = 0;
    while (at < rows->n && st == CANDOR_OK) {
        unsigned n = 0;
        size_t bytes = 0;
        while (at + n < rows->n && n < CHUNK_ROWS && bytes < CHUNK_BYTES) {
            bytes += set_row(m, n, &rows->items[at + n]);
            n++;
        }
        st = chunk(m, c, &rows->items[at], n, err);
        at += n;
    }
    return st;
}
