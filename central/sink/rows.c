#include "central/sink/rows.h"

#include <stdlib.h>

#include "base/uuid.h"
#include "central/chart.h"

#define DAY_MS  86400000
#define HOUR_MS 3600000

/* Twins in the order they came. */
static int by_id(const void *x, const void *y)
{
    const candor_sink_row *a = x, *b = y;
    int order;
    if (a->head != b->head) return a->head < b->head ? -1 : 1;
    order = memcmp(a->row->id, b->row->id, sizeof a->row->id);
    if (order != 0) return order;
    if (a->no != b->no) return a->no < b->no ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static candor_status reserve(candor_sink_rows *r, size_t n, candor_err *err)
{
    void *p;
    if (n <= r->cap) return CANDOR_OK;
    p = realloc(r->items, n * sizeof *r->items);
    if (p == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "collect rows", NULL);
    r->items = p;
    r->cap = n;
    return CANDOR_OK;
}

static void drop_twins(candor_sink_rows *r)
{
    size_t i, kept = 0;
    for (i = 0; i < r->n; i++)
        if (i == 0 || memcmp(r->items[i].row->id, r->items[kept - 1].row->id, 16) != 0)
            r->items[kept++] = r->items[i];
    r->n = kept;
}

candor_status candor_sink_rows_collect(candor_sink_rows *r, candor_batch *const *batches, size_t n,
                                       candor_err *err)
{
    size_t total = 0, i, j;
    candor_status st;
    bool sorted = true;
    for (i = 0; i < n; i++)
        total += batches[i]->n_rows;
    st = reserve(r, total, err);
    if (st != CANDOR_OK) return st;
    r->batches = batches;
    r->n_batches = n;
    r->n = 0;
    for (i = 0; i < n; i++) {
        batches[i]->duplicate_batch = false;
        for (j = 0; j < batches[i]->n_rows; j++) {
            candor_row *row = &batches[i]->rows[j];
            row->duplicate = true;
            sorted = sorted && (r->n == 0 || memcmp(r->items[r->n - 1].row->id, row->id, 16) < 0);
            r->items[r->n++] =
                (candor_sink_row){batches[i], row, candor_uuid_head(row->id), (uint32_t)i};
        }
    }
    if (sorted) return CANDOR_OK;
    qsort(r->items, r->n, sizeof *r->items, by_id);
    drop_twins(r);
    return CANDOR_OK;
}

void candor_sink_rows_free(candor_sink_rows *r)
{
    free(r->items);
    memset(r, 0, sizeof *r);
}

candor_sink_row *candor_sink_rows_find(candor_sink_rows *r, const unsigned char id[16])
{
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = memcmp(r->items[mid].row->id, id, 16);
        if (order == 0) return &r->items[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

void candor_sink_rows_new(candor_sink_row *r)
{
    r->row->duplicate = false;
}

void candor_sink_count_new(candor_batch *const *batches, size_t n)
{
    size_t i, j;
    for (i = 0; i < n; i++) {
        candor_batch *b = batches[i];
        b->inserted = 0;
        for (j = 0; j < b->n_rows; j++)
            if (!b->rows[j].duplicate) b->inserted++;
    }
}

void candor_sink_rows_finish(candor_sink_rows *r)
{
    candor_sink_count_new(r->batches, r->n_batches);
}

candor_status candor_sink_rows_store(candor_sink_rows *r, candor_batch *const *batches, size_t n,
                                     int attempts,
                                     candor_status (*transact)(void *ctx, candor_err *err),
                                     void *ctx, candor_err *err)
{
    candor_status st;
    int attempt;
    for (attempt = 1;; attempt++) {
        st = candor_sink_rows_collect(r, batches, n, err);
        if (st == CANDOR_OK && r->n != 0) st = transact(ctx, err);
        if (st != CANDOR_BUSY || attempt == attempts) break;
    }
    if (st == CANDOR_OK) candor_sink_rows_finish(r);
    return st;
}

void candor_sink_rows_note(candor_sweeper *s, candor_batch *const *batches, size_t n)
{
    size_t i, j;
    for (i = 0; i < n && s->n_classes != 0; i++)
        for (j = 0; j < batches[i]->n_rows; j++)
            candor_sweeper_note(s, (int64_t)candor_uuid7_ms(batches[i]->rows[j].id),
                                batches[i]->rows[j].def->category);
}

void candor_sink_row_event(const candor_sink_row *r, candor_stored_event *out)
{
    const candor_batch *b = r->batch;
    const candor_row_context *c = &b->contexts[r->row->context];
    memset(out, 0, sizeof *out);
    memcpy(out->id, r->row->id, sizeof out->id);
    out->ts_ms = r->row->ts_ms;
    out->type = r->row->def->name;
    out->category = r->row->def->category;
    out->correlation_id = candor_batch_text(b, r->row->correlation);
    out->payload = candor_batch_text(b, r->row->payload);
    out->context.session_id = candor_batch_text(b, c->session_id);
    out->context.user_id = candor_batch_text(b, c->user_id);
    out->context.machine_id = candor_batch_text(b, c->machine_id);
    out->context.app = candor_batch_text(b, c->app);
    out->context.app_version = candor_batch_text(b, c->app_version);
    out->context.platform = candor_batch_text(b, c->platform);
}

candor_bytes candor_sink_row_group(const candor_sink_row *r)
{
    if (!candor_chart_has(r->row->def)) return candor_bytes_of(NULL, 0);
    return candor_chart_group_name(r->row->def, candor_batch_text(r->batch, r->row->dim));
}

/* --- ids and filters ------------------------------------------------------------------------ */

void candor_sink_id_floor(int64_t ms, unsigned char id[16])
{
    int i;
    memset(id, 0, 16);
    if (ms < 0) ms = 0;
    if (ms >= INT64_C(1) << 48) ms = (INT64_C(1) << 48) - 1;
    for (i = 0; i < 6; i++)
        id[i] = (unsigned char)((uint64_t)ms >> (40 - 8 * i));
}

int64_t candor_sink_id_day(const unsigned char id[16])
{
    return (int64_t)(candor_uuid7_ms(id) / DAY_MS);
}

int64_t candor_sink_id_hour(const unsigned char id[16])
{
    return (int64_t)(candor_uuid7_ms(id) / HOUR_MS);
}

bool candor_filter_range(const candor_event_filter *f, unsigned char low[16],
                         unsigned char high[16])
{
    candor_sink_id_floor(f->from_ms, low);
    candor_sink_id_floor(f->to_ms, high);
    if (f->has_cursor && memcmp(f->cursor, high, 16) < 0) memcpy(high, f->cursor, 16);
    return memcmp(low, high, 16) < 0;
}

static bool same(const char *wanted, candor_bytes have)
{
    return wanted == NULL || candor_bytes_eq(candor_bytes_str(wanted), have);
}

static bool is_among(const candor_event_filter *f, candor_bytes type)
{
    size_t i;
    for (i = 0; i < f->n_only; i++)
        if (candor_bytes_eq(f->only[i], type)) return true;
    return f->only == NULL;
}

bool candor_filter_takes(const candor_event_filter *f, const candor_stored_event *e)
{
    return same(f->type, e->type) && same(f->category, e->category) &&
           same(f->app, e->context.app) && same(f->match.session, e->context.session_id) &&
           same(f->match.user, e->context.user_id) &&
           same(f->match.machine, e->context.machine_id) &&
           same(f->match.version, e->context.app_version) && is_among(f, e->type);
}

size_t candor_filter_columns(const candor_event_filter *f,
                             candor_filter_column out[CANDOR_FILTER_COLUMNS])
{
    const candor_filter_column all[CANDOR_FILTER_COLUMNS] = {{"event_type", f->type},
                                                             {"category", f->category},
                                                             {"app", f->app},
                                                             {"session_id", f->match.session},
                                                             {"user_id", f->match.user},
                                                             {"machine_id", f->match.machine},
                                                             {"app_version", f->match.version}};
    size_t i, n = 0;
    for (i = 0; i < CANDOR_FILTER_COLUMNS; i++)
        if (all[i].value != NULL) out[n++] = all[i];
    return n;
}

bool candor_filter_looks(const candor_event_filter *f)
{
    candor_filter_column columns[CANDOR_FILTER_COLUMNS];
    return f->only != NULL || candor_filter_columns(f, columns) != 0;
}

/* --- erasures --------------------------------------------------------------------------------- */

size_t candor_erasure_columns(const candor_erasure *e,
                              candor_filter_column out[CANDOR_FILTER_COLUMNS])
{
    const candor_event_filter f = {.app = e->app,
                                   .match = {.user = e->user, .machine = e->machine}};
    return candor_filter_columns(&f, out);
}

bool candor_erasure_takes(const candor_erasure *e, const candor_context *c)
{
    return same(e->user, c->user_id) && same(e->machine, c->machine_id) && same(e->app, c->app);
}

candor_status candor_erasure_tell(const candor_erasure *e, const void *ids, size_t n,
                                  candor_err *err)
{
    enum { TOGETHER = 1000 };
    const unsigned char(*p)[16] = ids;
    candor_status st = CANDOR_OK;
    while (n != 0 && st == CANDOR_OK && e->content != NULL) {
        size_t some = n < TOGETHER ? n : TOGETHER;
        st = e->content(e->ctx, p, some, err);
        p += some;
        n -= some;
    }
    return st;
}
