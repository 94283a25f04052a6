#include "central/store/sqlite_delta.h"

#include "central/store/histogram.h"

int candor_count_keys(candor_counter_kind kind)
{
    static const int keys[CANDOR_COUNT_KINDS] = {3, 2, 4, 4, 3};
    return keys[kind];
}

static void put(candor_buf *out, int64_t v)
{
    candor_leb128_put(out, (uint64_t)v);
}

static bool take(candor_bytes *in, int64_t *out)
{
    uint64_t v;
    if (!candor_leb128_take(in, &v)) return false;
    *out = (int64_t)v;
    return true;
}

void candor_delta_put_sum(candor_buf *out, const candor_sum *s)
{
    int i;
    put(out, s->kind);
    for (i = 0; i < candor_count_keys(s->kind); i++)
        put(out, s->k[i]);
    put(out, s->n >= 0 ? s->n * 2 : -s->n * 2 - 1); /* a settled approval takes one away */
}

void candor_delta_put_cell(candor_buf *out, const candor_chart_cell *c)
{
    put(out, c->type);
    put(out, c->day);
    put(out, c->app);
    put(out, c->dim);
    put(out, c->n);
    candor_leb128_put(out, c->values.n);
    candor_buf_put_bytes(out, c->values);
}

void candor_delta_put_row(candor_buf *out, candor_bytes sums, candor_bytes cells)
{
    candor_leb128_put(out, sums.n);
    candor_buf_put_bytes(out, sums);
    candor_buf_put_bytes(out, cells);
}

void candor_delta_split(candor_bytes row, candor_bytes *sums, candor_bytes *cells)
{
    uint64_t size;
    if (!candor_leb128_take(&row, &size) || size > row.n) {
        row.n = 0;
        size = 0;
    }
    *sums = candor_bytes_of(row.p, (size_t)size);
    *cells = candor_bytes_of(row.p != NULL ? row.p + size : NULL, row.n - (size_t)size);
}

bool candor_delta_take_sum(candor_bytes *sums, candor_sum *out)
{
    int64_t kind, n;
    int i;
    *out = (candor_sum){.used = true};
    if (!take(sums, &kind) || kind < 0 || kind >= CANDOR_COUNT_KINDS) return false;
    out->kind = (candor_counter_kind)kind;
    for (i = 0; i < candor_count_keys(out->kind); i++)
        if (!take(sums, &out->k[i])) return false;
    if (!take(sums, &n)) return false;
    out->n = n % 2 == 0 ? n / 2 : -(n / 2) - 1;
    return true;
}

bool candor_delta_take_cell(candor_bytes *cells, candor_chart_cell *out)
{
    uint64_t size;
    if (!take(cells, &out->type) || !take(cells, &out->day) || !take(cells, &out->app) ||
        !take(cells, &out->dim) || !take(cells, &out->n) || !candor_leb128_take(cells, &size) ||
        size > cells->n)
        return false;
    out->values = candor_bytes_of(cells->p, (size_t)size);
    *cells = candor_bytes_of(cells->p + size, cells->n - (size_t)size);
    return true;
}

bool candor_delta_take_value(candor_bytes *values, uint32_t *bucket)
{
    uint64_t v;
    if (!candor_leb128_take(values, &v) || v >= CANDOR_HIST_BUCKETS) return false;
    *bucket = (uint32_t)v;
    return true;
}
