/* JSONL files by day, gzipped: an archive that any tool reads, with the promises of a store. */
#include <stdio.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/jsonl_internal.h"

#define DAY_MS    86400000
#define AHEAD     8 /* rows whose place among the known ids is fetched before they are looked up */
#define DAYS_OPEN 4 /* with their ids in memory; events of other days have them read first */

typedef struct jsonl_sink {
    candor_jsonl base;
    candor_file *lock;
    candor_jsonl_day days[DAYS_OPEN]; /* used == 0: free */
    uint64_t clock;
    candor_buf lines, ids, context;
    const candor_row_context *context_of; /* whose text context holds */
    _Atomic uint64_t bytes;
} jsonl_sink;

/* --- days ----------------------------------------------------------------------------------- */

void candor_jsonl_name(int64_t day, char out[CANDOR_JSONL_NAME])
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(day * DAY_MS, text);
    memcpy(out, text, 10);
    out[10] = '\0';
}

bool candor_jsonl_parse_name(const char *name, int64_t *day)
{
    char text[32];
    int64_t ms;
    if (strlen(name) != 10) return false;
    snprintf(text, sizeof text, "%sT00:00:00Z", name);
    if (!candor_time_parse(candor_bytes_str(text), &ms)) return false;
    *day = ms / DAY_MS;
    return true;
}

typedef struct day_list {
    int64_t *days;
    size_t n, cap;
    bool failed;
} day_list;

static bool add_day(void *ctx, const char *name)
{
    day_list *l = ctx;
    int64_t day;
    if (!candor_jsonl_parse_name(name, &day)) return true;
    if (l->n == l->cap) {
        size_t cap = l->cap != 0 ? l->cap * 2 : 64;
        int64_t *p = realloc(l->days, cap * sizeof *p);
        l->failed = p == NULL;
        if (p == NULL) return false;
        l->days = p;
        l->cap = cap;
    }
    l->days[l->n++] = day;
    return true;
}

static int by_day(const void *x, const void *y)
{
    const int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? -1 : a > b;
}

candor_status candor_jsonl_days(const candor_jsonl *s, int64_t **out, size_t *n, candor_err *err)
{
    day_list l = {0};
    candor_status st = candor_dir_list(s->dir, add_day, &l, err);
    if (st == CANDOR_OK && l.failed) st = candor_fail(err, CANDOR_NOMEM, 0, "list days", NULL);
    if (st != CANDOR_OK) {
        free(l.days);
        l = (day_list){0};
    }
    if (l.n > 1) qsort(l.days, l.n, sizeof *l.days, by_day);
    *out = l.days;
    *n = l.n;
    return st;
}

static void put_away(jsonl_sink *s, int64_t day)
{
    int i;
    for (i = 0; i < DAYS_OPEN; i++)
        if (s->days[i].used != 0 && s->days[i].day == day) candor_jsonl_day_close(&s->days[i]);
}

static candor_status open_day(jsonl_sink *s, int64_t day, candor_jsonl_day **out, candor_err *err)
{
    char name[CANDOR_JSONL_NAME], path[CANDOR_PATH_MAX];
    candor_jsonl_day *d = &s->days[0];
    candor_status st;
    int i;
    for (i = 0; i < DAYS_OPEN; i++) {
        if (s->days[i].used != 0 && s->days[i].day == day) {
            s->days[i].used = ++s->clock;
            *out = &s->days[i];
            return CANDOR_OK;
        }
        if (s->days[i].used < d->used) d = &s->days[i];
    }
    if (d->used != 0) candor_jsonl_day_close(d);
    candor_jsonl_name(day, name);
    st = candor_path_join(s->base.dir, name, path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_jsonl_day_open(path, d, err);
    if (st == CANDOR_OK) st = candor_dir_sync(s->base.dir, err); /* the folder's own name */
    if (st != CANDOR_OK) return st;
    d->day = day;
    d->used = ++s->clock;
    *out = d;
    return CANDOR_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

static candor_status put_line(jsonl_sink *s, candor_batch *b, candor_row *row, candor_err *err)
{
    const candor_sink_row r = {.batch = b, .row = row};
    const candor_row_context *c = &b->contexts[row->context];
    candor_stored_event e;
    candor_status st = CANDOR_OK;
    candor_sink_row_event(&r, &e);
    if (c != s->context_of) {
        s->context_of = NULL;
        candor_buf_clear(&s->context);
        st = candor_context_put(&e.context, &s->context);
        if (st == CANDOR_OK) s->context_of = c;
    }
    if (st == CANDOR_OK)
        st = candor_event_put(e.id, e.type, e.ts_ms, candor_buf_bytes(&s->context),
                              e.correlation_id, e.payload, &s->lines);
    candor_buf_put(&s->ids, e.id, sizeof e.id);
    return st == CANDOR_OK && !s->ids.failed ? st : candor_fail(err, st, 0, "write a line", NULL);
}

static candor_status flush_member(jsonl_sink *s, candor_jsonl_day *d, candor_err *err)
{
    candor_status st = CANDOR_OK;
    if (s->ids.n != 0)
        st =
            candor_jsonl_day_append(d, candor_buf_bytes(&s->lines), candor_buf_bytes(&s->ids), err);
    candor_buf_clear(&s->lines);
    candor_buf_clear(&s->ids);
    return st;
}

/* An id is known from here on: should the commit fail, the day is closed, and what is known of it
 * is read from its files again. */
static candor_status take_row(jsonl_sink *s, candor_jsonl_day *d, candor_batch *b, candor_row *row,
                              candor_err *err)
{
    bool fresh;
    candor_status st = candor_idset_add(&d->known, row->id, &fresh);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "store", NULL);
    if (!fresh) return CANDOR_OK;
    row->duplicate = false;
    st = put_line(s, b, row, err);
    return st == CANDOR_OK && s->ids.n == (size_t)16 * CANDOR_JSONL_MEMBER_ROWS
               ? flush_member(s, d, err)
               : st;
}

/* The rows of that day; next: of those behind it, the first. */
static candor_status write_day(jsonl_sink *s, candor_jsonl_day *d, candor_batch *const *batches,
                               size_t n, int64_t *next, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i, j;
    s->context_of = NULL;
    for (i = 0; i < n; i++) {
        candor_batch *b = batches[i];
        for (j = 0; j < b->n_rows && st == CANDOR_OK; j++) {
            const int64_t day = candor_sink_id_day(b->rows[j].id);
            if (j + AHEAD < b->n_rows) candor_idset_soon(&d->known, b->rows[j + AHEAD].id);
            if (day == d->day)
                st = take_row(s, d, b, &b->rows[j], err);
            else if (day > d->day && day < *next)
                *next = day;
        }
    }
    if (st == CANDOR_OK) st = flush_member(s, d, err);
    return st == CANDOR_OK ? candor_jsonl_day_commit(d, err) : st;
}

static int64_t first_day(candor_batch *const *batches, size_t n)
{
    int64_t first = INT64_MAX;
    size_t i, j;
    for (i = 0; i < n; i++) {
        batches[i]->duplicate_batch = false;
        for (j = 0; j < batches[i]->n_rows; j++) {
            const int64_t day = candor_sink_id_day(batches[i]->rows[j].id);
            batches[i]->rows[j].duplicate = true;
            if (day < first) first = day;
        }
    }
    return first;
}

static candor_status jsonl_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                 candor_err *err)
{
    jsonl_sink *s = (jsonl_sink *)(void *)base;
    candor_status st = CANDOR_OK;
    int64_t day = first_day(batches, n);
    while (day != INT64_MAX && st == CANDOR_OK) {
        candor_jsonl_day *d = NULL;
        int64_t next = INT64_MAX;
        uint64_t before;
        st = open_day(s, day, &d, err);
        if (st != CANDOR_OK) break;
        before = d->data_end + d->ids_end;
        candor_buf_clear(&s->lines);
        candor_buf_clear(&s->ids);
        st = write_day(s, d, batches, n, &next, err);
        atomic_fetch_add(&s->bytes, d->data_end + d->ids_end - before);
        if (st != CANDOR_OK) candor_jsonl_day_close(d); /* recovered when it is opened next */
        day = next;
    }
    if (st == CANDOR_OK) candor_sink_count_new(batches, n);
    return st;
}

/* --- care ----------------------------------------------------------------------------------- */

static candor_status jsonl_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    jsonl_sink *s = (jsonl_sink *)(void *)base;
    int64_t *days = NULL;
    size_t n = 0, i;
    candor_status st = candor_jsonl_days(&s->base, &days, &n, err);
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        put_away(s, days[i]);
        st = candor_jsonl_rewrite(&s->base, days[i], e, err);
    }
    free(days);
    return st;
}

static bool count_rows(void *ctx, const candor_jsonl_member *m, const char *ids)
{
    (void)ids;
    *(uint64_t *)ctx += m->rows;
    return true;
}

static void drop_day(jsonl_sink *s, int64_t day)
{
    char name[CANDOR_JSONL_NAME], path[CANDOR_PATH_MAX];
    candor_err err = {0};
    put_away(s, day);
    candor_jsonl_name(day, name);
    if (candor_path_join(s->base.dir, name, path, sizeof path, &err) != CANDOR_OK) return;
    candor_mutex_lock(s->base.layout);
    candor_jsonl_remove(path);
    candor_mutex_unlock(s->base.layout);
}

/* Of a day that is not there nothing is to be done. */
static candor_status jsonl_sweep(candor_sink *base, const candor_sweep *w, candor_err *err)
{
    jsonl_sink *s = (jsonl_sink *)(void *)base;
    const int64_t day = w->from_ms / DAY_MS;
    int64_t *days = NULL;
    size_t n = 0, i;
    candor_status st = candor_jsonl_days(&s->base, &days, &n, err);
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        if (days[i] != day) continue;
        put_away(s, day);
        st = candor_jsonl_sweep(&s->base, day, w, err);
    }
    free(days);
    return st;
}

static void count_day(const jsonl_sink *s, int64_t day, candor_deleted *deleted)
{
    char name[CANDOR_JSONL_NAME], path[CANDOR_PATH_MAX];
    uint64_t rows = 0, ids_end, data_end;
    candor_err err = {0};
    candor_jsonl_name(day, name);
    if (candor_path_join(s->base.dir, name, path, sizeof path, &err) == CANDOR_OK &&
        candor_jsonl_scan(path, count_rows, &rows, &ids_end, &data_end, &err) == CANDOR_OK)
        candor_deleted_add(deleted, CANDOR_LIT(""), rows); /* its lines are not read for that */
}

static candor_status jsonl_retain(candor_sink *base, int64_t first_day, candor_deleted *deleted,
                                  bool *more, candor_err *err)
{
    jsonl_sink *s = (jsonl_sink *)(void *)base;
    int64_t *days = NULL;
    size_t n = 0, i;
    candor_status st = candor_jsonl_days(&s->base, &days, &n, err);
    *more = false;
    for (i = 0; i < n && days[i] < first_day; i++) {
        count_day(s, days[i], deleted);
        drop_day(s, days[i]);
    }
    free(days);
    return st;
}

static candor_status jsonl_probe(candor_sink *base, candor_err *err)
{
    jsonl_sink *s = (jsonl_sink *)(void *)base;
    char path[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(s->base.dir, "probe", path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_file_write_durable(path, CANDOR_LIT("probe\n"), err);
    if (st == CANDOR_OK) candor_unlink_quiet(path);
    return st;
}

static uint64_t jsonl_bytes(candor_sink *base)
{
    return atomic_load(&((jsonl_sink *)(void *)base)->bytes); /* written by this process */
}

static void jsonl_close(candor_sink *base)
{
    jsonl_sink *s = (jsonl_sink *)(void *)base;
    int i;
    for (i = 0; i < DAYS_OPEN; i++)
        if (s->days[i].used != 0) candor_jsonl_day_close(&s->days[i]);
    candor_buf_free(&s->lines);
    candor_buf_free(&s->ids);
    candor_buf_free(&s->context);
    candor_mutex_free(s->base.layout);
    candor_file_discard(s->lock);
    free(s);
}

static candor_status take_dir(jsonl_sink *s, const char *dir, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st;
    if ((size_t)snprintf(s->base.dir, sizeof s->base.dir, "%s", dir) >= sizeof s->base.dir)
        return candor_fail(err, CANDOR_LIMIT, 0, "open the sink", "the path is too long");
    st = candor_dir_create(s->base.dir, err);
    if (st == CANDOR_OK) st = candor_path_join(s->base.dir, "lock", path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_file_open(path, CANDOR_OPEN_READ_WRITE, &s->lock, err);
    if (st == CANDOR_OK) st = candor_file_try_lock(s->lock, err);
    if (st == CANDOR_BUSY)
        st = candor_fail(err, CANDOR_BUSY, 0, "open the sink",
                         "another collector writes to %.180s; give this one another directory",
                         s->base.dir);
    return st == CANDOR_OK ? candor_jsonl_tidy(&s->base, err) : st;
}

candor_status candor_sink_jsonl_open(const candor_sink_settings *settings, candor_sink **out,
                                     candor_err *err)
{
    static const candor_sink_ops ops = {
        .name = "jsonl",
        .write = jsonl_write,
        .erase = jsonl_erase,
        .retain = jsonl_retain,
        .sweep = jsonl_sweep,
        .sweep_ms = DAY_MS,
        .probe = jsonl_probe,
        .close = jsonl_close,
        .bytes = jsonl_bytes,
        .reader_open = candor_jsonl_reader_open,
        .reader_close = candor_jsonl_reader_close,
        .count = candor_jsonl_reader_count,
        .events = candor_jsonl_reader_events,
        .sessions = candor_jsonl_reader_sessions,
        .stats = candor_jsonl_reader_stats,
        .allow = candor_jsonl_reader_allow,
    };
    jsonl_sink *s = calloc(1, sizeof *s);
    candor_status st = s != NULL ? candor_mutex_new(&s->base.layout) : CANDOR_NOMEM;
    *out = NULL;
    if (st != CANDOR_OK) {
        free(s);
        return candor_fail(err, st, 0, "open the sink", NULL);
    }
    s->base.base.ops = &ops;
    s->base.schema = settings->schema;
    st = take_dir(s, settings->url, err);
    if (st != CANDOR_OK)
        jsonl_close(&s->base.base);
    else
        *out = &s->base.base;
    return st;
}
