/* Charts of a range: for each type the groups of the units, and of what r_delta adds to them. One
 * type at a time, in memory that the reader keeps: a group's counters are 6 KiB, nearly all zero.
 */
#include <stdlib.h>

#include "central/store/sqlite_reader.h"

#define CHAINS  64u /* power of two */
#define NO_CELL SIZE_MAX

typedef struct chart_sum {
    int64_t dim, n;
    uint32_t first, last; /* buckets in use; first > last: none */
    uint64_t counts[CANDOR_HIST_BUCKETS];
} chart_sum;

typedef struct sum_set {
    chart_sum **items; /* the first n ascending by dim, behind them spare ones, all zero */
    size_t n, cap, hint;
} sum_set;

typedef struct delta_cell {
    candor_chart_cell cell; /* values: at text */
    size_t next;            /* of the same chain, or NO_CELL */
} delta_cell;

struct candor_chart_sums {
    sum_set result, unit;
    candor_buf text, groups, hist; /* text: r_delta's rows, which SQLite lends for a step only */
    delta_cell *cells;             /* of the range and app, chained by type */
    size_t n_cells, cap_cells, chains[CHAINS];
};

candor_status candor_chart_sums_new(candor_chart_sums **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? CANDOR_OK : CANDOR_NOMEM;
}

static void set_free(sum_set *s)
{
    size_t i;
    for (i = 0; i < s->cap; i++)
        free(s->items[i]);
    free(s->items);
}

void candor_chart_sums_free(candor_chart_sums *c)
{
    if (c == NULL) return;
    set_free(&c->result);
    set_free(&c->unit);
    candor_buf_free(&c->text);
    candor_buf_free(&c->groups);
    candor_buf_free(&c->hist);
    free(c->cells);
    free(c);
}

/* --- a set of groups ------------------------------------------------------------------------ */

static void set_clear(sum_set *s)
{
    size_t i;
    for (i = 0; i < s->n; i++) {
        chart_sum *x = s->items[i];
        if (x->first <= x->last)
            memset(&x->counts[x->first], 0, (x->last - x->first + 1) * sizeof x->counts[0]);
    }
    s->n = s->hint = 0;
}

static bool set_grow(sum_set *s)
{
    size_t cap = s->cap != 0 ? s->cap * 2 : 16;
    chart_sum **p = realloc(s->items, cap * sizeof(chart_sum *));
    if (p == NULL) return false;
    memset(&p[s->cap], 0, (cap - s->cap) * sizeof(chart_sum *));
    s->items = p;
    s->cap = cap;
    return true;
}

static chart_sum *set_insert(sum_set *s, size_t at, int64_t dim)
{
    chart_sum *x;
    if (s->n == s->cap && !set_grow(s)) return NULL;
    if (s->items[s->n] == NULL) s->items[s->n] = calloc(1, sizeof *x);
    x = s->items[s->n];
    if (x == NULL) return NULL;
    memmove(&s->items[at + 1], &s->items[at], (s->n - at) * sizeof(chart_sum *));
    s->items[at] = x;
    s->n++;
    x->dim = dim;
    x->n = 0;
    x->first = CANDOR_HIST_BUCKETS;
    x->last = 0;
    return x;
}

/* The group of dim; NULL: no memory. Groups come in ascending order, so the next is tried first. */
static chart_sum *set_get(sum_set *s, int64_t dim)
{
    size_t low = 0, high = s->n;
    if (s->hint < s->n && s->items[s->hint]->dim == dim) return s->items[s->hint++];
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->items[mid]->dim < dim)
            low = mid + 1;
        else
            high = mid;
    }
    s->hint = low + 1;
    if (low < s->n && s->items[low]->dim == dim) return s->items[low];
    return set_insert(s, low, dim);
}

static void widen(chart_sum *x, uint32_t first, uint32_t last)
{
    if (first < x->first) x->first = first;
    if (last > x->last) x->last = last;
}

static candor_status add_groups(sum_set *s, candor_bytes groups, candor_err *err)
{
    int64_t dim, n;
    candor_bytes hist;
    uint32_t first, last;
    while (candor_chart_group(&groups, &dim, &n, &hist)) {
        chart_sum *x = set_get(s, dim);
        if (x == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
        x->n += n;
        candor_hist_add(hist, x->counts, &first,
                        &last); /* a damaged one counts as far as it goes */
        if (first <= last) widen(x, first, last);
    }
    s->hint = 0;
    return CANDOR_OK;
}

/* --- units ---------------------------------------------------------------------------------- */

static candor_status sum_unit(candor_stat_scan *s, int64_t type, const candor_unit *u,
                              candor_err *err)
{
    sum_set *set = &s->r->charts->unit;
    sqlite3_stmt *q = s->r->q.charts;
    candor_status st = CANDOR_OK;
    int rc = SQLITE_DONE;
    set_clear(set);
    sqlite3_bind_int64(q, 1, type);
    sqlite3_bind_int64(q, 2, u->day);
    sqlite3_bind_int64(q, 3, u->day + u->days);
    sqlite3_bind_int64(q, 4, s->app);
    while (st == CANDOR_OK && (rc = sqlite3_step(q)) == SQLITE_ROW)
        st = add_groups(set, candor_db_column(q, 0), err);
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(s->r->db, "query", err);
    sqlite3_reset(q);
    return st;
}

/* The groups of c->unit in the form of a row of r_chart. */
static candor_status encode_unit(candor_chart_sums *c, candor_err *err)
{
    size_t i;
    candor_buf_clear(&c->groups);
    for (i = 0; i < c->unit.n; i++) {
        const chart_sum *x = c->unit.items[i];
        candor_buf_clear(&c->hist);
        candor_hist_encode(x->counts, x->first, x->last, &c->hist);
        candor_chart_put_group(&c->groups, x->dim, x->n, candor_buf_bytes(&c->hist));
        if (c->hist.failed) c->groups.failed = true;
    }
    return c->groups.failed ? candor_fail(err, CANDOR_NOMEM, 0, "query", NULL) : CANDOR_OK;
}

static candor_status add_unit(candor_stat_scan *s, int64_t type, const candor_unit *u,
                              candor_err *err)
{
    candor_chart_sums *c = s->r->charts;
    candor_bytes known;
    candor_status st;
    if (candor_memo_get(s->r->memo, type, s->app, u, &known))
        return add_groups(&c->result, known, err);
    st = sum_unit(s, type, u, err);
    if (st == CANDOR_OK) st = encode_unit(c, err);
    if (st != CANDOR_OK) return st;
    candor_memo_put(s->r->memo, type, s->app, u, candor_buf_bytes(&c->groups));
    return add_groups(&c->result, candor_buf_bytes(&c->groups), err);
}

/* --- what is not folded yet ----------------------------------------------------------------- */

static bool keep_cell(candor_chart_sums *c, const candor_chart_cell *cell)
{
    size_t *head = &c->chains[(size_t)cell->type & (CHAINS - 1)];
    if (c->n_cells == c->cap_cells) {
        size_t cap = c->cap_cells != 0 ? c->cap_cells * 2 : 1024;
        delta_cell *p = realloc(c->cells, cap * sizeof *p);
        if (p == NULL) return false;
        c->cells = p;
        c->cap_cells = cap;
    }
    c->cells[c->n_cells] = (delta_cell){*cell, *head};
    *head = c->n_cells++;
    return true;
}

static bool index_cells(candor_stat_scan *s, candor_bytes cells)
{
    candor_chart_cell x;
    while (candor_delta_take_cell(&cells, &x)) {
        if (x.day < s->day0 || x.day >= s->day1 || (s->app != 0 && x.app != s->app)) continue;
        if (!keep_cell(s->r->charts, &x)) return false;
    }
    return true;
}

static candor_status load_deltas(candor_stat_scan *s, candor_err *err)
{
    candor_chart_sums *c = s->r->charts;
    sqlite3_stmt *q = s->r->q.delta;
    bool ok = true;
    size_t i;
    int rc;
    candor_buf_clear(&c->text);
    c->n_cells = 0;
    for (i = 0; i < CHAINS; i++)
        c->chains[i] = NO_CELL;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        candor_bytes sums, cells;
        candor_delta_split(candor_db_column(q, 0), &sums, &cells);
        candor_buf_put_bytes(&c->text, cells);
    }
    sqlite3_reset(q);
    if (rc != SQLITE_DONE) return candor_db_fail(s->r->db, "query", err);
    ok = !c->text.failed && index_cells(s, candor_buf_bytes(&c->text));
    return ok ? CANDOR_OK : candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
}

static candor_status add_deltas(candor_chart_sums *c, int64_t type, candor_err *err)
{
    size_t i = c->chains[(size_t)type & (CHAINS - 1)];
    for (; i != NO_CELL; i = c->cells[i].next) {
        const candor_chart_cell *cell = &c->cells[i].cell;
        candor_bytes values = cell->values;
        uint32_t bucket;
        chart_sum *x;
        if (cell->type != type) continue;
        x = set_get(&c->result, cell->dim);
        if (x == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
        x->n += cell->n;
        while (candor_delta_take_value(&values, &bucket)) {
            x->counts[bucket]++;
            widen(x, bucket, bucket);
        }
    }
    return CANDOR_OK;
}

/* --- all ------------------------------------------------------------------------------------ */

static candor_status show(candor_stat_scan *s, candor_bytes type, candor_err *err)
{
    const sum_set *set = &s->r->charts->result;
    sqlite3_stmt *q = s->r->q.dict;
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < set->n && st == CANDOR_OK; i++) {
        const chart_sum *x = set->items[i];
        candor_stat_row row = {
            .a = type, .n = x->n, .counts = x->counts, .first = x->first, .last = x->last};
        sqlite3_bind_int64(q, 1, x->dim);
        if (sqlite3_step(q) == SQLITE_ROW) row.b = candor_db_column(q, 0);
        if (!s->visit(s->ctx, &row)) st = candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
        sqlite3_reset(q);
    }
    return st;
}

static candor_status one_chart(candor_stat_scan *s, int64_t type, candor_bytes name,
                               candor_err *err)
{
    candor_chart_sums *c = s->r->charts;
    candor_status st = CANDOR_OK;
    size_t i;
    set_clear(&c->result);
    for (i = 0; i < s->n_units && st == CANDOR_OK; i++)
        st = add_unit(s, type, &s->units[i], err);
    if (st == CANDOR_OK) st = add_deltas(c, type, err);
    return st == CANDOR_OK ? show(s, name, err) : st;
}

candor_status candor_charts_query(candor_stat_scan *s, candor_err *err)
{
    sqlite3_stmt *q = s->r->q.types_by_name;
    candor_status st = load_deltas(s, err);
    int rc = SQLITE_DONE;
    while (st == CANDOR_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        candor_bytes name = candor_db_column(q, 1);
        if (s->type == NULL || candor_bytes_eq(name, candor_bytes_str(s->type)))
            st = one_chart(s, sqlite3_column_int64(q, 0), name, err);
    }
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(s->r->db, "query", err);
    sqlite3_reset(q);
    return st;
}
