/* GET /api/telemetry/aggregate/version and /errors/groups: what the roll-ups know by app version,
 * and of errors that are the same. */
#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/error_group.h"
#include "central/query.h"
#include "central/respond.h"

#define DAY_MS   INT64_C(86400000)
#define VERSIONS 500 /* shown, the largest ones */
#define GROUPS   200
#define KINDS    3

/* --- versions ------------------------------------------------------------------------------- */

typedef struct version {
    candor_bytes app, version; /* at text; offsets until all are there */
    size_t app_at, version_at;
    int64_t n[KINDS];
} version;

typedef struct version_list {
    version *items;
    size_t n, cap;
    int64_t total;
    candor_buf text;
} version_list;

static bool same(const version_list *l, const version *v, const candor_stat_row *row)
{
    return candor_bytes_eq(candor_bytes_of(l->text.p + v->app_at, v->app.n), row->c) &&
           candor_bytes_eq(candor_bytes_of(l->text.p + v->version_at, v->version.n), row->a);
}

/* Rows of a version follow each other. */
static bool add_version(void *ctx, const candor_stat_row *row)
{
    version_list *l = ctx;
    version *v;
    if (row->k < 0 || row->k >= KINDS) return true;
    if (l->n == 0 || !same(l, &l->items[l->n - 1], row)) {
        if (l->n == l->cap) {
            size_t cap = l->cap != 0 ? l->cap * 2 : 64;
            version *p = realloc(l->items, cap * sizeof *p);
            if (p == NULL) return false;
            l->items = p;
            l->cap = cap;
        }
        v = &l->items[l->n++];
        *v = (version){.app = row->c, .version = row->a, .app_at = l->text.n};
        candor_buf_put_bytes(&l->text, row->c);
        v->version_at = l->text.n;
        candor_buf_put_bytes(&l->text, row->a);
    }
    l->items[l->n - 1].n[row->k] += row->n;
    if (row->k == CANDOR_VERSION_EVENTS) l->total += row->n;
    return !l->text.failed;
}

static int larger_version(const void *p, const void *q)
{
    const version *a = p, *b = q;
    if (a->n[0] != b->n[0]) return a->n[0] > b->n[0] ? -1 : 1;
    return a->version_at < b->version_at ? -1 : 1;
}

static void put_versions(version_list *l, candor_buf *b)
{
    size_t i;
    if (l->n > 1) qsort(l->items, l->n, sizeof *l->items, larger_version);
    candor_buf_putf(b, "\"total\":%lld,\"groups\":[", (long long)l->total);
    for (i = 0; i < l->n && i < VERSIONS; i++) {
        const version *v = &l->items[i];
        candor_buf_put_bytes(b,
                             i != 0 ? CANDOR_LIT(",{\"version\":") : CANDOR_LIT("{\"version\":"));
        candor_json_put_string(b, candor_bytes_of(l->text.p + v->version_at, v->version.n));
        candor_buf_put_bytes(b, CANDOR_LIT(",\"source\":"));
        candor_json_put_string(b, candor_bytes_of(l->text.p + v->app_at, v->app.n));
        candor_buf_putf(b, ",\"count\":%lld,\"errors\":%lld,\"sessions\":%lld,", (long long)v->n[0],
                        (long long)v->n[CANDOR_VERSION_ERRORS],
                        (long long)v->n[CANDOR_VERSION_SESSIONS]);
        candor_query_put_ratio(b, "share", v->n[0], l->total);
        candor_buf_put_c(b, '}');
    }
    candor_buf_putf(b, "],\"omitted\":%zu}\n", l->n > VERSIONS ? l->n - VERSIONS : 0);
}

candor_status candor_versions_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    const candor_stat_range range = candor_query_range(j);
    version_list l = {0};
    candor_status st =
        j->server->store->ops->stats(r, CANDOR_STAT_VERSIONS, &range, add_version, &l, err);
    candor_buf_put_c(b, '{');
    candor_query_put_range(j, b);
    put_versions(&l, b);
    free(l.items);
    candor_buf_free(&l.text);
    return st;
}

/* --- groups of errors ----------------------------------------------------------------------- */

typedef struct day_count {
    int64_t day, n;
} day_count;

typedef struct group {
    size_t text_at, text_n;
    size_t days_at, n_days;
    int64_t n;
} group;

typedef struct group_list {
    group *items;
    size_t n, cap;
    day_count *days;
    size_t n_days, cap_days;
    int64_t total;
    candor_buf text;
} group_list;

static bool grow(void **items, size_t n, size_t *cap, size_t size)
{
    size_t want = *cap != 0 ? *cap * 2 : 64;
    void *p;
    if (n < *cap) return true;
    p = realloc(*items, want * size);
    if (p == NULL) return false;
    *items = p;
    *cap = want;
    return true;
}

static bool add_group_day(void *ctx, const candor_stat_row *row)
{
    group_list *l = ctx;
    group *g = l->n != 0 ? &l->items[l->n - 1] : NULL;
    if (g == NULL || !candor_bytes_eq(candor_bytes_of(l->text.p + g->text_at, g->text_n), row->a)) {
        if (!grow((void **)&l->items, l->n, &l->cap, sizeof *l->items)) return false;
        g = &l->items[l->n++];
        *g = (group){.text_at = l->text.n, .text_n = row->a.n, .days_at = l->n_days};
        candor_buf_put_bytes(&l->text, row->a);
    }
    if (!grow((void **)&l->days, l->n_days, &l->cap_days, sizeof *l->days)) return false;
    l->days[l->n_days++] = (day_count){row->k, row->n};
    g->n_days++;
    g->n += row->n;
    l->total += row->n;
    return !l->text.failed;
}

static int larger_group(const void *p, const void *q)
{
    const group *a = p, *b = q;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    return a->text_at < b->text_at ? -1 : 1;
}

static void put_day(candor_buf *b, int64_t day)
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(day * DAY_MS, text);
    candor_buf_putf(b, "\"%.10s\"", text);
}

static void put_group(const group_list *l, const group *g, candor_buf *b)
{
    const day_count *days = &l->days[g->days_at];
    candor_bytes text = candor_bytes_of(l->text.p + g->text_at, g->text_n), hash, type, title;
    size_t i;
    if (!candor_error_group_split(text, &hash, &type, &title)) {
        hash = CANDOR_LIT("");
        type = title = text;
    }
    candor_buf_put_bytes(b, CANDOR_LIT("{\"group\":"));
    candor_json_put_string(b, hash);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"type\":"));
    candor_json_put_string(b, type);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"title\":"));
    candor_json_put_string(b, title);
    candor_buf_putf(b, ",\"count\":%lld,\"first_day\":", (long long)g->n);
    put_day(b, days[0].day);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"last_day\":"));
    put_day(b, days[g->n_days - 1].day);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"days\":["));
    for (i = 0; i < g->n_days; i++) {
        candor_buf_put_bytes(b, i != 0 ? CANDOR_LIT(",{\"day\":") : CANDOR_LIT("{\"day\":"));
        put_day(b, days[i].day);
        candor_buf_putf(b, ",\"count\":%lld}", (long long)days[i].n);
    }
    candor_buf_put_bytes(b, CANDOR_LIT("]}"));
}

candor_status candor_groups_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    const candor_stat_range range = candor_query_range(j);
    group_list l = {0};
    candor_status st =
        j->server->store->ops->stats(r, CANDOR_STAT_ERRORS, &range, add_group_day, &l, err);
    size_t i;
    if (l.n > 1) qsort(l.items, l.n, sizeof *l.items, larger_group);
    candor_buf_put_c(b, '{');
    candor_query_put_range(j, b);
    candor_buf_putf(b, "\"total\":%lld,\"groups\":[", (long long)l.total);
    for (i = 0; i < l.n && i < GROUPS; i++) {
        if (i != 0) candor_buf_put_c(b, ',');
        put_group(&l, &l.items[i], b);
    }
    candor_buf_putf(b, "],\"omitted\":%zu}\n", l.n > GROUPS ? l.n - GROUPS : 0);
    free(l.items);
    free(l.days);
    candor_buf_free(&l.text);
    return st;
}
