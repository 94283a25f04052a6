#include "central/sink/sums.h"

#include <stdlib.h>

#include "central/error_group.h"
#include "central/store/histogram.h"

#define TOTAL (-1) /* k of a chart's group: all its events */
#define DIMS  (-2) /* of a chart: how many groups it has */

typedef struct cell {
    uint32_t a, b, c; /* numbers of names */
    int64_t k, n;
} cell;

typedef struct name {
    uint64_t hash;
    size_t at, n; /* in text */
} name;

typedef struct table { /* open addressing; a slot holds an index + 1, 0: free */
    uint32_t *slots;
    size_t cap; /* power of two */
} table;

struct candor_sums {
    candor_stat what;
    const candor_schema *schema;
    cell *cells;
    name *names;
    size_t n_cells, cap_cells, n_names, cap_names;
    table by_cell, by_name;
    candor_buf text;
};

candor_status candor_sums_new(candor_stat what, const candor_schema *schema, candor_sums **out,
                              candor_err *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    (*out)->what = what;
    (*out)->schema = schema;
    return CANDOR_OK;
}

void candor_sums_free(candor_sums *s)
{
    if (s == NULL) return;
    free(s->cells);
    free(s->names);
    free(s->by_cell.slots);
    free(s->by_name.slots);
    candor_buf_free(&s->text);
    free(s);
}

/* --- tables --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0xFF51AFD7ED558CCDu;
    return h ^ h >> 32;
}

static uint64_t hash_cell(const cell *x)
{
    return mix(mix(mix(mix(0x9E3779B97F4A7C15u, x->a), x->b), x->c), (uint64_t)x->k);
}

static uint64_t hash_text(candor_bytes t)
{
    uint64_t h = 0xcbf29ce484222325u;
    size_t i;
    for (i = 0; i + 8 <= t.n; i += 8)
        h = mix(h, candor_get_u64(t.p + i));
    for (; i < t.n; i++)
        h = mix(h, (unsigned char)t.p[i]);
    return mix(h, t.n);
}

static uint64_t hash_at(const candor_sums *s, const table *t, size_t i)
{
    return t == &s->by_cell ? hash_cell(&s->cells[i]) : s->names[i].hash;
}

/* At most half full. */
static bool table_grow(const candor_sums *s, table *t, size_t n)
{
    size_t cap = t->cap != 0 ? t->cap * 2 : 1024, i;
    uint32_t *slots;
    if (n < t->cap / 2) return true;
    slots = calloc(cap, sizeof *slots);
    if (slots == NULL) return false;
    for (i = 0; i < n; i++) {
        size_t at = (size_t)hash_at(s, t, i) & (cap - 1);
        while (slots[at] != 0)
            at = (at + 1) & (cap - 1);
        slots[at] = (uint32_t)i + 1;
    }
    free(t->slots);
    t->slots = slots;
    t->cap = cap;
    return true;
}

static bool grow(void **items, size_t *cap, size_t n, size_t size)
{
    size_t want = *cap != 0 ? *cap * 2 : 256;
    void *p;
    if (n < *cap) return true;
    p = realloc(*items, want * size);
    if (p == NULL) return false;
    *items = p;
    *cap = want;
    return true;
}

candor_status candor_sums_full(candor_err *err)
{
    return candor_fail(err, CANDOR_INVALID, 0, "query",
                       "the answer would be of more groups than fit in memory; ask for a shorter "
                       "time, or for one app");
}

static candor_status no_memory(candor_err *err)
{
    return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
}

/* --- names ---------------------------------------------------------------------------------- */

static candor_bytes text_of(const candor_sums *s, uint32_t no)
{
    const name *x = &s->names[no];
    return x->n != 0 ? candor_bytes_of(s->text.p + x->at, x->n) : CANDOR_LIT("");
}

static bool names_room(candor_sums *s)
{
    void *names = s->names;
    bool ok = grow(&names, &s->cap_names, s->n_names, sizeof *s->names);
    s->names = names;
    return ok && table_grow(s, &s->by_name, s->n_names);
}

/* The number of a name, which it keeps. */
static candor_status name_no(candor_sums *s, candor_bytes t, uint32_t *out, candor_err *err)
{
    const uint64_t hash = hash_text(t);
    size_t at;
    if (!names_room(s)) return no_memory(err);
    for (at = (size_t)hash & (s->by_name.cap - 1); s->by_name.slots[at] != 0;
         at = (at + 1) & (s->by_name.cap - 1)) {
        *out = s->by_name.slots[at] - 1;
        if (s->names[*out].hash == hash && candor_bytes_eq(text_of(s, *out), t)) return CANDOR_OK;
    }
    if (s->text.n + t.n > CANDOR_SUMS_BYTES || s->n_names == 2 * CANDOR_SUMS_CELLS)
        return candor_sums_full(err);
    *out = (uint32_t)s->n_names;
    s->names[s->n_names] = (name){hash, s->text.n, t.n};
    candor_buf_put_bytes(&s->text, t);
    if (s->text.failed) return no_memory(err);
    s->by_name.slots[at] = (uint32_t)++s->n_names;
    return CANDOR_OK;
}

/* --- cells ---------------------------------------------------------------------------------- */

static bool cells_room(candor_sums *s)
{
    void *cells = s->cells;
    bool ok = grow(&cells, &s->cap_cells, s->n_cells, sizeof *s->cells);
    s->cells = cells;
    return ok && table_grow(s, &s->by_cell, s->n_cells);
}

/* The cell's slot, or a free one. */
static uint32_t *slot_of(const candor_sums *s, const cell *x)
{
    size_t at = (size_t)hash_cell(x) & (s->by_cell.cap - 1);
    for (; s->by_cell.slots[at] != 0; at = (at + 1) & (s->by_cell.cap - 1)) {
        const cell *y = &s->cells[s->by_cell.slots[at] - 1];
        if (y->a == x->a && y->b == x->b && y->c == x->c && y->k == x->k) break;
    }
    return &s->by_cell.slots[at];
}

static bool has_cell(const candor_sums *s, const cell *x)
{
    return s->by_cell.cap != 0 && *slot_of(s, x) != 0;
}

static candor_status cell_add(candor_sums *s, cell x, candor_err *err)
{
    uint32_t *slot;
    if (!cells_room(s)) return no_memory(err);
    slot = slot_of(s, &x);
    if (*slot != 0) {
        s->cells[*slot - 1].n += x.n;
        return CANDOR_OK;
    }
    if (s->n_cells == CANDOR_SUMS_CELLS) return candor_sums_full(err);
    s->cells[s->n_cells++] = x;
    *slot = (uint32_t)s->n_cells;
    return CANDOR_OK;
}

/* --- what is counted ------------------------------------------------------------------------ */

/* Beyond so many values of a chart a new one is "(other)". */
static candor_status chart_add(candor_sums *s, cell x, candor_err *err)
{
    const cell dims = {x.a, 0, 0, DIMS, 0};
    cell group = {x.a, x.b, 0, TOTAL, x.n};
    candor_status st = CANDOR_OK;
    if (!has_cell(s, &group)) {
        st = cell_add(s, (cell){x.a, 0, 0, DIMS, 1}, err);
        if (st == CANDOR_OK && s->cells[*slot_of(s, &dims) - 1].n > CANDOR_SUMS_DIMS)
            st = name_no(s, CANDOR_LIT("(other)"), &group.b, err);
    }
    x.b = group.b;
    if (st == CANDOR_OK) st = cell_add(s, group, err);
    return st == CANDOR_OK && x.k >= 0 && x.k < (int64_t)CANDOR_HIST_BUCKETS ? cell_add(s, x, err)
                                                                             : st;
}

static candor_status version_add(candor_sums *s, cell x, candor_bytes type, candor_err *err)
{
    candor_status st;
    x.b = 0;
    x.k = CANDOR_VERSION_EVENTS;
    st = cell_add(s, x, err);
    x.k = CANDOR_VERSION_ERRORS;
    if (st == CANDOR_OK && candor_is_error(candor_schema_event(s->schema, type)))
        st = cell_add(s, x, err);
    x.k = CANDOR_VERSION_SESSIONS;
    if (st == CANDOR_OK && candor_bytes_eq(type, CANDOR_LIT("SessionStart")))
        st = cell_add(s, x, err);
    return st;
}

candor_status candor_sums_add(candor_sums *s, candor_bytes a, candor_bytes b, candor_bytes c,
                              int64_t k, int64_t n, candor_err *err)
{
    cell x = {0, 0, 0, k, n};
    uint32_t none;
    /* no name is 0 where there is none: what a cell leaves out */
    candor_status st = name_no(s, candor_bytes_of(NULL, 0), &none, err);
    if (st == CANDOR_OK) st = name_no(s, a, &x.a, err);
    if (st == CANDOR_OK && s->what != CANDOR_STAT_VERSIONS) st = name_no(s, b, &x.b, err);
    if (st == CANDOR_OK) st = name_no(s, c, &x.c, err);
    if (st != CANDOR_OK) return st;
    if (s->what == CANDOR_STAT_CHARTS) return chart_add(s, x, err);
    if (s->what == CANDOR_STAT_VERSIONS) return version_add(s, x, b, err);
    return cell_add(s, x, err);
}

candor_status candor_sums_once(candor_sums *s, candor_bytes who, int64_t k, candor_err *err)
{
    const candor_bytes none = {NULL, 0};
    cell x = {0, 0, 0, k, 0};
    candor_status st = candor_sums_add(s, none, none, none, k, 0, err);
    if (st == CANDOR_OK) st = name_no(s, who, &x.c, err);
    if (st != CANDOR_OK || has_cell(s, &x)) return st;
    st = cell_add(s, x, err);
    return st == CANDOR_OK ? candor_sums_add(s, none, none, none, k, 1, err) : st;
}

/* --- the answer ----------------------------------------------------------------------------- */

static int by_text(const candor_sums *s, uint32_t a, uint32_t b)
{
    const candor_bytes x = text_of(s, a), y = text_of(s, b);
    const size_t n = x.n < y.n ? x.n : y.n;
    int order = a != b && n != 0 ? memcmp(x.p, y.p, n) : 0;
    if (a == b) return 0;
    return order != 0 ? order : x.n < y.n ? -1 : 1;
}

static int by_names(const void *p, const void *q, void *sums)
{
    const cell *x = p, *y = q;
    int order = by_text(sums, x->a, y->a);
    if (order == 0) order = by_text(sums, x->b, y->b);
    if (order == 0) order = by_text(sums, x->c, y->c);
    return order != 0 ? order : (x->k > y->k) - (x->k < y->k);
}

typedef bool stat_visit(void *ctx, const candor_stat_row *row);

/* The cells of a group follow each other: its events, then its buckets, ascending. */
static candor_status show_charts(const candor_sums *s, stat_visit *visit, void *ctx,
                                 candor_err *err)
{
    uint64_t counts[CANDOR_HIST_BUCKETS] = {0};
    candor_status st = CANDOR_OK;
    size_t i = 0, first;
    while (i < s->n_cells && st == CANDOR_OK) {
        const cell *x = &s->cells[i++];
        candor_stat_row row = {.a = text_of(s, x->a), .b = text_of(s, x->b), .n = x->n};
        if (x->k != TOTAL) continue; /* how many groups there are */
        first = i;
        for (; i < s->n_cells && s->cells[i].k >= 0; i++)
            counts[s->cells[i].k] = (uint64_t)s->cells[i].n;
        row.counts = counts;
        row.first = first < i ? (uint32_t)s->cells[first].k : CANDOR_HIST_BUCKETS;
        row.last = first < i ? (uint32_t)s->cells[i - 1].k : 0;
        if (!visit(ctx, &row)) st = no_memory(err);
        if (first < i) memset(&counts[row.first], 0, (row.last - row.first + 1) * sizeof *counts);
    }
    return st;
}

candor_status candor_sums_show(candor_sums *s, stat_visit *visit, void *ctx, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    if (s->what == CANDOR_STAT_FAILED) { /* a row also of none */
        const candor_bytes none = {NULL, 0};
        st = candor_sums_add(s, none, none, none, 0, 0, err);
        if (st != CANDOR_OK) return st;
    }
    if (s->n_cells > 1) qsort_r(s->cells, s->n_cells, sizeof *s->cells, by_names, s);
    if (s->what == CANDOR_STAT_CHARTS) return show_charts(s, visit, ctx, err);
    for (i = 0; i < s->n_cells && st == CANDOR_OK; i++) {
        const cell *x = &s->cells[i];
        candor_stat_row row = {
            text_of(s, x->a), text_of(s, x->b), text_of(s, x->c), x->k, x->n, NULL, 0, 0};
        if (x->n == 0 && s->what != CANDOR_STAT_FAILED) continue;
        if (x->c != 0 && s->what == CANDOR_STAT_FAILED) continue; /* a member, not a sum */
        if (!visit(ctx, &row)) st = no_memory(err);
    }
    return st;
}
