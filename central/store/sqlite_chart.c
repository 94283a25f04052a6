/* Charts: for each event type, day and app one row, which holds a group for each value of the
 * schema's `by` field: its count and the histogram of the `histogram` field. One row instead of one
 * a group or a bucket, because a fold touches hundreds of groups, and a query reads months of them.
 * groups: { dim LEB128, n LEB128, size LEB128, histogram[size] } ascending by dim
 * Inserted rows are kept as (cell, bucket) in memory until the end of their transaction. */
#include <stdlib.h>

#include "central/chart.h"
#include "central/store/sqlite_internal.h"

#define DIMS_MAX 1000u /* values of one chart; what comes later is "(other)" */
#define CELLS    4096u
#define SLOTS    8192u /* power of two, twice the cells */
#define NODES    65536u
#define NO_NODE  UINT32_MAX

typedef struct candor_charts candor_charts;

typedef struct cell {
    int64_t type, day, app, dim, n;
    uint32_t first; /* node, or NO_NODE */
} cell;

typedef struct node { /* one measured value */
    uint32_t bucket, next;
} node;

struct candor_charts {
    cell cells[CELLS];
    uint32_t slots[SLOTS]; /* 0: free, else cell + 1 */
    node nodes[NODES];
    uint32_t n_cells, n_nodes;
    cell *sorted[CELLS];
    uint32_t values[NODES]; /* of one cell, sorted */
    candor_buf groups, hist;
};

candor_status candor_charts_new(candor_charts **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? CANDOR_OK : CANDOR_NOMEM;
}

void candor_charts_free(candor_charts *c)
{
    if (c == NULL) return;
    candor_buf_free(&c->groups);
    candor_buf_free(&c->hist);
    free(c);
}

void candor_charts_drop(candor_writer *w)
{
    memset(w->charts->slots, 0, sizeof w->charts->slots);
    w->charts->n_cells = w->charts->n_nodes = 0;
}

/* --- in memory ------------------------------------------------------------------------------ */

static uint32_t *find_slot(candor_charts *c, int64_t type, int64_t day, int64_t app, int64_t dim)
{
    uint64_t h = ((uint64_t)dim * 0x9E3779B97F4A7C15u ^ (uint64_t)type) * 0xFF51AFD7ED558CCDu;
    size_t i;
    h = (h ^ (uint64_t)app ^ (uint64_t)day << 8) * 0xC4CEB9FE1A85EC53u;
    i = (size_t)(h >> 40) & (SLOTS - 1);
    while (c->slots[i] != 0) {
        const cell *x = &c->cells[c->slots[i] - 1];
        if (x->dim == dim && x->type == type && x->day == day && x->app == app) break;
        i = (i + 1) & (SLOTS - 1);
    }
    return &c->slots[i];
}

static cell *find_cell(candor_charts *c, int64_t type, int64_t day, int64_t app, int64_t dim)
{
    uint32_t *slot = find_slot(c, type, day, app, dim);
    if (*slot == 0) {
        c->cells[c->n_cells++] = (cell){type, day, app, dim, 0, NO_NODE};
        *slot = c->n_cells;
    }
    return &c->cells[*slot - 1];
}

/* For one more cell and some values. */
static candor_status make_room(candor_writer *w, size_t values, candor_err *err)
{
    const candor_charts *c = w->charts;
    if (c->n_cells < CELLS && c->n_nodes + values <= NODES) return CANDOR_OK;
    return candor_charts_flush(w, err);
}

static void add_value(candor_charts *c, cell *x, uint32_t bucket)
{
    c->nodes[c->n_nodes] = (node){bucket, x->first};
    x->first = c->n_nodes++;
}

candor_status candor_charts_dim(candor_writer *w, int64_t type, candor_bytes text, int64_t *out,
                                candor_err *err)
{
    return candor_dict_id(w, CANDOR_DICT_DIM + type, text, DIMS_MAX, out, err);
}

candor_status candor_charts_row(candor_writer *w, const candor_batch *b, const candor_row *r,
                                int64_t app, int64_t day, candor_err *err)
{
    candor_charts *c = w->charts;
    int64_t type = w->type_no[r->def->index], dim = 0;
    candor_bytes text = candor_chart_group_name(r->def, candor_batch_text(b, r->dim));
    candor_status st;
    cell *x;
    st = candor_charts_dim(w, type, text, &dim, err);
    if (st == CANDOR_OK) st = make_room(w, 1, err);
    if (st != CANDOR_OK) return st;
    x = find_cell(c, type, day, app, dim);
    x->n++;
    if (r->bucket != CANDOR_NO_BUCKET) add_value(c, x, r->bucket);
    return CANDOR_OK;
}

candor_status candor_charts_add(candor_writer *w, const candor_chart_cell *from, candor_err *err)
{
    candor_charts *c = w->charts;
    candor_bytes values = from->values;
    candor_status st = make_room(w, values.n, err); /* a value takes a byte at least */
    uint32_t bucket;
    cell *x;
    if (st != CANDOR_OK) return st;
    x = find_cell(c, from->type, from->day, from->app, from->dim);
    x->n += from->n;
    while (c->n_nodes < NODES && candor_delta_take_value(&values, &bucket))
        add_value(c, x, bucket);
    return CANDOR_OK;
}

void candor_charts_put(candor_writer *w, candor_buf *out)
{
    candor_charts *c = w->charts;
    uint32_t i, v;
    for (i = 0; i < c->n_cells; i++) {
        const cell *x = &c->cells[i];
        candor_buf_clear(&c->hist);
        for (v = x->first; v != NO_NODE; v = c->nodes[v].next)
            candor_leb128_put(&c->hist, c->nodes[v].bucket);
        if (c->hist.failed) out->failed = true;
        candor_delta_put_cell(out, &(candor_chart_cell){x->type, x->day, x->app, x->dim, x->n,
                                                        candor_buf_bytes(&c->hist)});
    }
}

/* --- on disk -------------------------------------------------------------------------------- */

bool candor_chart_group(candor_bytes *groups, int64_t *dim, int64_t *n, candor_bytes *hist)
{
    uint64_t d, count, size;
    if (groups->n == 0 || !candor_leb128_take(groups, &d) || !candor_leb128_take(groups, &count) ||
        !candor_leb128_take(groups, &size) || size > groups->n)
        return false;
    *dim = (int64_t)d;
    *n = (int64_t)count;
    *hist = candor_bytes_of(groups->p, (size_t)size);
    *groups = candor_bytes_of(groups->p + size, groups->n - (size_t)size);
    return true;
}

void candor_chart_put_group(candor_buf *out, int64_t dim, int64_t n, candor_bytes hist)
{
    candor_leb128_put(out, (uint64_t)dim);
    candor_leb128_put(out, (uint64_t)n);
    candor_leb128_put(out, hist.n);
    candor_buf_put_bytes(out, hist);
}

static int by_value(const void *p, const void *q)
{
    uint32_t a = *(const uint32_t *)p, b = *(const uint32_t *)q;
    return (a > b) - (a < b);
}

/* A cell on top of what its group held. */
static void put_merged(candor_charts *c, const cell *x, int64_t n, candor_bytes hist)
{
    size_t n_values = 0;
    uint32_t i;
    candor_buf_clear(&c->hist);
    for (i = x->first; i != NO_NODE; i = c->nodes[i].next)
        c->values[n_values++] = c->nodes[i].bucket;
    if (n_values > 1) qsort(c->values, n_values, sizeof c->values[0], by_value);
    if (n_values != 0) {
        candor_hist_merge(hist, c->values, n_values, &c->hist); /* damage must not stop ingest */
        hist = candor_buf_bytes(&c->hist);
    }
    candor_chart_put_group(&c->groups, x->dim, n + x->n, hist);
}

/* old and the cells are both ascending by dim. */
static void merge(candor_charts *c, candor_bytes old, cell *const *x, size_t n)
{
    const candor_bytes empty = {NULL, 0};
    candor_bytes hist;
    int64_t dim, count;
    size_t i = 0;
    candor_buf_clear(&c->groups);
    while (candor_chart_group(&old, &dim, &count, &hist)) {
        for (; i < n && x[i]->dim < dim; i++)
            put_merged(c, x[i], 0, empty);
        if (i < n && x[i]->dim == dim)
            put_merged(c, x[i++], count, hist);
        else
            candor_chart_put_group(&c->groups, dim, count, hist);
    }
    for (; i < n; i++)
        put_merged(c, x[i], 0, empty);
}

static void bind_key(sqlite3_stmt *s, const cell *x)
{
    sqlite3_bind_int64(s, 1, x->type);
    sqlite3_bind_int64(s, 2, x->day);
    sqlite3_bind_int64(s, 3, x->app);
}

static candor_status flush_row(candor_writer *w, cell *const *x, size_t n, candor_err *err)
{
    candor_charts *c = w->charts;
    candor_bytes old = {NULL, 0};
    int rc;
    bind_key(w->q.chart_find, x[0]);
    rc = sqlite3_step(w->q.chart_find);
    if (rc == SQLITE_ROW) old = candor_db_column(w->q.chart_find, 0);
    merge(c, old, x, n);
    sqlite3_reset(w->q.chart_find);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return candor_db_fail(w->db, "read a chart", err);
    if (c->groups.failed || c->hist.failed)
        return candor_fail(err, CANDOR_NOMEM, 0, "write a chart", NULL);
    bind_key(w->q.chart, x[0]);
    sqlite3_bind_blob(w->q.chart, 4, c->groups.p, (int)c->groups.n, SQLITE_STATIC);
    return candor_db_run(w->q.chart, "write a chart", err);
}

static int by_key(const void *p, const void *q)
{
    const cell *a = *(cell *const *)p, *b = *(cell *const *)q;
    if (a->type != b->type) return a->type < b->type ? -1 : 1;
    if (a->day != b->day) return a->day < b->day ? -1 : 1;
    if (a->app != b->app) return a->app < b->app ? -1 : 1;
    return (a->dim > b->dim) - (a->dim < b->dim);
}

static bool same_row(const cell *a, const cell *b)
{
    return a->type == b->type && a->day == b->day && a->app == b->app;
}

candor_status candor_charts_flush(candor_writer *w, candor_err *err)
{
    candor_charts *c = w->charts;
    candor_status st = CANDOR_OK;
    size_t i, n;
    if (c->n_cells != 0) w->fold.due = true;
    for (i = 0; i < c->n_cells; i++)
        c->sorted[i] = &c->cells[i];
    qsort(c->sorted, c->n_cells, sizeof(cell *), by_key);
    for (i = 0; i < c->n_cells && st == CANDOR_OK; i += n) {
        for (n = 1; i + n < c->n_cells && same_row(c->sorted[i], c->sorted[i + n]);)
            n++;
        st = flush_row(w, &c->sorted[i], n, err);
    }
    candor_charts_drop(w);
    return st;
}
