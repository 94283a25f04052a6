/* Charts, the other way: single events taken out of the rows of r_chart again. */
#include <stdlib.h>

#include "central/store/sqlite_internal.h"

static int by_place(const void *p, const void *q)
{
    const candor_chart_cut *a = p, *b = q;
    if (a->type != b->type) return a->type < b->type ? -1 : 1;
    if (a->day != b->day) return a->day < b->day ? -1 : 1;
    if (a->app != b->app) return a->app < b->app ? -1 : 1;
    return (a->dim > b->dim) - (a->dim < b->dim);
}

static bool same_row(const candor_chart_cut *a, const candor_chart_cut *b)
{
    return a->type == b->type && a->day == b->day && a->app == b->app;
}

/* A group without the cuts that are its own; one that is empty then is left out. */
static void put_rest(int64_t dim, int64_t n, candor_bytes hist, const candor_chart_cut *cuts,
                     size_t n_cuts, candor_buf *out)
{
    uint64_t counts[CANDOR_HIST_BUCKETS] = {0};
    candor_buf rest = {0};
    uint32_t first, last;
    size_t i;
    (void)candor_hist_add(hist, counts, &first, &last); /* what precedes the damage counts */
    for (i = 0; i < n_cuts; i++) {
        uint32_t b = cuts[i].bucket;
        n--;
        if (b < CANDOR_HIST_BUCKETS && counts[b] > 0) counts[b]--;
    }
    if (n <= 0) return;
    candor_hist_encode(counts, first, last, &rest);
    if (rest.failed) out->failed = true;
    candor_chart_put_group(out, dim, n, candor_buf_bytes(&rest));
    candor_buf_free(&rest);
}

static void cut_row(candor_bytes groups, const candor_chart_cut *cuts, size_t n, candor_buf *out)
{
    candor_bytes hist;
    int64_t dim, count;
    size_t i = 0, m;
    while (candor_chart_group(&groups, &dim, &count, &hist)) {
        while (i < n && cuts[i].dim < dim)
            i++; /* of a value that the row does not have: nothing to take */
        for (m = i; m < n && cuts[m].dim == dim;)
            m++;
        if (m == i)
            candor_chart_put_group(out, dim, count, hist);
        else
            put_rest(dim, count, hist, cuts + i, m - i, out);
        i = m;
    }
}

static void bind_row(sqlite3_stmt *s, const candor_chart_cut *x)
{
    sqlite3_bind_int64(s, 1, x->type);
    sqlite3_bind_int64(s, 2, x->day);
    sqlite3_bind_int64(s, 3, x->app);
}

static candor_status write_row(candor_writer *w, const candor_chart_cut *x, candor_bytes groups,
                               candor_err *err)
{
    sqlite3_stmt *s = groups.n != 0 ? w->q.chart : w->q.chart_drop;
    bind_row(s, x);
    if (groups.n != 0) sqlite3_bind_blob(s, 4, groups.p, (int)groups.n, SQLITE_STATIC);
    return candor_db_run(s, "write a chart", err);
}

static candor_status cut_one(candor_writer *w, const candor_chart_cut *cuts, size_t n,
                             candor_buf *out, candor_err *err)
{
    int rc;
    candor_buf_clear(out);
    bind_row(w->q.chart_find, cuts);
    rc = sqlite3_step(w->q.chart_find);
    if (rc == SQLITE_ROW) cut_row(candor_db_column(w->q.chart_find, 0), cuts, n, out);
    sqlite3_reset(w->q.chart_find);
    if (rc == SQLITE_DONE) return CANDOR_OK;
    if (rc != SQLITE_ROW) return candor_db_fail(w->db, "read a chart", err);
    if (out->failed) return candor_fail(err, CANDOR_NOMEM, 0, "write a chart", NULL);
    return write_row(w, cuts, candor_buf_bytes(out), err);
}

candor_status candor_charts_cut(candor_writer *w, candor_chart_cut *cuts, size_t n, candor_err *err)
{
    candor_buf out = {0};
    candor_status st = CANDOR_OK;
    size_t i, m;
    if (n > 1) qsort(cuts, n, sizeof *cuts, by_place);
    for (i = 0; i < n && st == CANDOR_OK; i += m) {
        for (m = 1; i + m < n && same_row(&cuts[i], &cuts[i + m]);)
            m++;
        st = cut_one(w, cuts + i, m, &out, err);
    }
    candor_buf_free(&out);
    return st;
}
