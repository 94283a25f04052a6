/* Events in memory, for tests and trials: bounded, and gone with the process. */
#include <stdlib.h>

#include "central/sink/rows.h"
#include "central/sink/scan.h"
#include "plat/plat.h"

#define MEMORY_BYTES (UINT64_C(64) << 20)

typedef struct event {
    unsigned char id[16];
    size_t bytes;
    candor_stored_event view; /* into text */
    char text[];
} event;

typedef struct memory_sink {
    candor_sink base;
    candor_mutex *lock; /* guards what follows */
    event **events;     /* sorted by id */
    size_t n, cap;
    uint64_t bytes, max;
    const candor_schema *schema;
    candor_sink_rows rows; /* the writer's */
} memory_sink;

typedef struct memory_reader {
    memory_sink *sink;
    candor_query_time time;
} memory_reader;

static memory_sink *of(candor_reader *r)
{
    return ((memory_reader *)(void *)r)->sink;
}

/* --- one event ------------------------------------------------------------------------------ */

static void copy(char **to, candor_bytes *s)
{
    char *start = *to;
    *to = candor_bytes_copy(start, *s);
    s->p = start;
}

static event *event_new(const candor_sink_row *row)
{
    candor_stored_event v;
    candor_bytes *const parts[] = {&v.type,
                                   &v.category,
                                   &v.correlation_id,
                                   &v.payload,
                                   &v.context.session_id,
                                   &v.context.user_id,
                                   &v.context.machine_id,
                                   &v.context.app,
                                   &v.context.app_version,
                                   &v.context.platform};
    size_t i, n = sizeof(event);
    event *e;
    char *to;
    candor_sink_row_event(row, &v);
    for (i = 0; i < sizeof parts / sizeof parts[0]; i++)
        n += parts[i]->n;
    e = malloc(n);
    if (e == NULL) return NULL;
    to = e->text;
    for (i = 0; i < sizeof parts / sizeof parts[0]; i++)
        copy(&to, parts[i]);
    memcpy(e->id, v.id, sizeof e->id);
    e->bytes = n;
    e->view = v;
    return e;
}

/* The first place whose id is not below. */
static size_t place(const memory_sink *m, const unsigned char id[16])
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (memcmp(m->events[mid]->id, id, 16) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool known(const memory_sink *m, const unsigned char id[16])
{
    size_t at = place(m, id);
    return at < m->n && memcmp(m->events[at]->id, id, 16) == 0;
}

/* --- writing -------------------------------------------------------------------------------- */

static candor_status make_room(memory_sink *m, size_t n, candor_err *err)
{
    size_t cap = m->cap != 0 ? m->cap : 256;
    void *p;
    while (cap < m->n + n)
        cap *= 2;
    if (cap == m->cap) return CANDOR_OK;
    p = realloc(m->events, cap * sizeof *m->events);
    if (p == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "memory sink", NULL);
    m->events = p;
    m->cap = cap;
    return CANDOR_OK;
}

/* The new events of the group, in *fresh; their rows are marked once all of them fit. */
static candor_status build(memory_sink *m, event **fresh, size_t *n, uint64_t *bytes,
                           candor_err *err)
{
    size_t i;
    for (i = 0; i < m->rows.n; i++) {
        if (known(m, m->rows.items[i].row->id)) continue;
        fresh[*n] = event_new(&m->rows.items[i]);
        if (fresh[*n] == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "memory sink", NULL);
        *bytes += fresh[(*n)++]->bytes;
    }
    if (m->bytes + *bytes > m->max)
        return candor_fail(err, CANDOR_FULL, 0, "memory sink",
                           "it holds its %llu MiB of events; restart the collector, or give it a "
                           "sink on disk",
                           (unsigned long long)(m->max >> 20));
    return make_room(m, *n, err);
}

/* Both are sorted: merged from the end, so that nothing is moved twice. */
static void merge(memory_sink *m, event **fresh, size_t n)
{
    size_t to = m->n + n, old = m->n;
    m->n += n;
    while (n > 0) {
        if (old > 0 && memcmp(m->events[old - 1]->id, fresh[n - 1]->id, 16) > 0)
            m->events[--to] = m->events[--old];
        else
            m->events[--to] = fresh[--n];
    }
}

static candor_status store(memory_sink *m, event **fresh, candor_err *err)
{
    uint64_t bytes = 0;
    size_t n = 0, i;
    candor_status st = build(m, fresh, &n, &bytes, err);
    if (st != CANDOR_OK) {
        for (i = 0; i < n; i++)
            free(fresh[i]);
        return st;
    }
    for (i = 0; i < n; i++)
        candor_sink_rows_new(candor_sink_rows_find(&m->rows, fresh[i]->id));
    merge(m, fresh, n);
    m->bytes += bytes;
    candor_sink_rows_finish(&m->rows);
    return CANDOR_OK;
}

static candor_status memory_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                  candor_err *err)
{
    memory_sink *m = (memory_sink *)(void *)base;
    candor_status st = candor_sink_rows_collect(&m->rows, batches, n, err);
    event **fresh;
    if (st != CANDOR_OK) return st;
    fresh = malloc((m->rows.n + 1) * sizeof *fresh);
    if (fresh == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "memory sink", NULL);
    candor_mutex_lock(m->lock);
    st = store(m, fresh, err);
    candor_mutex_unlock(m->lock);
    free(fresh);
    return st;
}

/* Keep what goes() is false of. */
static uint64_t sweep(memory_sink *m, bool (*goes)(const event *e, const void *ctx),
                      const void *ctx)
{
    size_t i, kept = 0, before;
    candor_mutex_lock(m->lock);
    before = m->n;
    for (i = 0; i < m->n; i++) {
        if (!goes(m->events[i], ctx)) {
            m->events[kept++] = m->events[i];
            continue;
        }
        m->bytes -= m->events[i]->bytes;
        free(m->events[i]);
    }
    m->n = kept;
    candor_mutex_unlock(m->lock);
    return before - kept;
}

static bool is_theirs(const event *e, const void *erasure)
{
    return candor_erasure_takes(erasure, &e->view.context);
}

typedef struct going {
    unsigned char low[16], high[16];
    const candor_sweep *sweep; /* NULL: every category */
    candor_deleted *deleted;
} going;

static bool is_old(const event *e, const void *ctx)
{
    const going *w = ctx;
    if (memcmp(e->id, w->low, 16) < 0 || memcmp(e->id, w->high, 16) >= 0) return false;
    if (w->sweep != NULL && !candor_sweep_takes(w->sweep, e->view.category)) return false;
    candor_deleted_add(w->deleted, e->view.category, 1);
    return true;
}

static candor_status memory_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    memory_sink *m = (memory_sink *)(void *)base;
    candor_buf ids = {0};
    candor_status st = CANDOR_OK;
    size_t i;
    candor_mutex_lock(m->lock);
    for (i = 0; i < m->n; i++)
        if (is_theirs(m->events[i], e)) candor_buf_put(&ids, m->events[i]->id, 16);
    candor_mutex_unlock(m->lock);
    st = ids.failed ? candor_fail(err, CANDOR_NOMEM, 0, "erase", NULL)
                    : candor_erasure_tell(e, ids.p, ids.n / 16, err);
    candor_buf_free(&ids);
    if (st == CANDOR_OK) e->events += sweep(m, is_theirs, e);
    return st;
}

static candor_status memory_retain(candor_sink *base, int64_t first_day, candor_deleted *deleted,
                                   bool *more, candor_err *err)
{
    going w = {.deleted = deleted};
    (void)err;
    *more = false;
    candor_sink_id_floor(first_day * 86400000, w.high);
    sweep((memory_sink *)(void *)base, is_old, &w);
    return CANDOR_OK;
}

static candor_status memory_sweep(candor_sink *base, const candor_sweep *s, candor_err *err)
{
    going w = {.sweep = s, .deleted = s->deleted};
    (void)err;
    candor_sink_id_floor(s->from_ms, w.low);
    candor_sink_id_floor(s->to_ms, w.high);
    sweep((memory_sink *)(void *)base, is_old, &w);
    return CANDOR_OK;
}

static candor_status memory_probe(candor_sink *base, candor_err *err)
{
    memory_sink *m = (memory_sink *)(void *)base;
    bool full;
    candor_mutex_lock(m->lock);
    full = m->bytes >= m->max;
    candor_mutex_unlock(m->lock);
    return full ? candor_fail(err, CANDOR_FULL, 0, "memory sink", "it is full") : CANDOR_OK;
}

static uint64_t memory_bytes(candor_sink *base)
{
    memory_sink *m = (memory_sink *)(void *)base;
    uint64_t n;
    candor_mutex_lock(m->lock);
    n = m->bytes;
    candor_mutex_unlock(m->lock);
    return n;
}

/* --- reading -------------------------------------------------------------------------------- */

static candor_status memory_reader_open(candor_sink *base, candor_reader **out, candor_err *err)
{
    memory_reader *r = calloc(1, sizeof *r);
    *out = (candor_reader *)(void *)r;
    if (r == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    r->sink = (memory_sink *)(void *)base;
    return CANDOR_OK;
}

static void memory_reader_close(candor_reader *r)
{
    free(r);
}

static void memory_allow(candor_reader *r, uint64_t ms, const atomic_bool *stop)
{
    candor_query_time_set(&((memory_reader *)(void *)r)->time, ms, stop);
}

static candor_status memory_count(candor_reader *r, uint64_t *out, candor_err *err)
{
    memory_sink *m = of(r);
    (void)err;
    candor_mutex_lock(m->lock);
    *out = m->n;
    candor_mutex_unlock(m->lock);
    return CANDOR_OK;
}

static bool page(memory_sink *m, const candor_event_filter *f, candor_event_visit *visit, void *ctx,
                 candor_event_page *out)
{
    unsigned char low[16], high[16];
    size_t at;
    unsigned looked = 0;
    if (!candor_filter_range(f, low, high)) return true;
    for (at = place(m, high); at > 0 && memcmp(m->events[at - 1]->id, low, 16) >= 0; at--) {
        const event *e = m->events[at - 1];
        bool match = candor_filter_takes(f, &e->view);
        if ((match && out->found == f->limit) || (f->scan_rows != 0 && looked++ == f->scan_rows)) {
            out->more = true;
            return true;
        }
        memcpy(out->cursor, e->id, sizeof out->cursor);
        if (!match) continue;
        if (!visit(ctx, &e->view)) return false;
        out->found++;
    }
    return true;
}

static candor_status memory_events(candor_reader *r, const candor_event_filter *f,
                                   candor_event_visit *visit, void *ctx, candor_event_page *out,
                                   candor_err *err)
{
    memory_sink *m = of(r);
    bool ok;
    memset(out, 0, sizeof *out);
    candor_mutex_lock(m->lock);
    ok = page(m, f, visit, ctx, out);
    candor_mutex_unlock(m->lock);
    return ok ? CANDOR_OK : candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
}

static candor_event_source source_of(candor_reader *r)
{
    return (candor_event_source){r, memory_events, of(r)->schema,
                                 &((memory_reader *)(void *)r)->time};
}

static candor_status memory_stats(candor_reader *r, candor_stat what,
                                  const candor_stat_range *range,
                                  bool (*visit)(void *ctx, const candor_stat_row *row), void *ctx,
                                  candor_err *err)
{
    const candor_event_source src = source_of(r);
    return candor_scan_stats(&src, NULL, what, range, visit, ctx, err);
}

static candor_status memory_sessions(candor_reader *r, const candor_session_filter *f,
                                     bool (*visit)(void *ctx, const candor_stored_session *s),
                                     void *ctx, candor_session_page *out, candor_err *err)
{
    const candor_event_source src = source_of(r);
    const candor_session_source sessions = {.events = &src};
    return candor_scan_sessions(&sessions, f, visit, ctx, out, err);
}

/* --- life ----------------------------------------------------------------------------------- */

static void memory_close(candor_sink *base)
{
    memory_sink *m = (memory_sink *)(void *)base;
    size_t i;
    for (i = 0; i < m->n; i++)
        free(m->events[i]);
    free(m->events);
    candor_sink_rows_free(&m->rows);
    candor_mutex_free(m->lock);
    free(m);
}

candor_status candor_sink_memory_open(const candor_sink_settings *s, candor_sink **out,
                                      candor_err *err)
{
    static const candor_sink_ops ops = {
        .name = "memory",
        .write = memory_write,
        .erase = memory_erase,
        .retain = memory_retain,
        .sweep = memory_sweep,
        .sweep_ms = 86400000,
        .probe = memory_probe,
        .close = memory_close,
        .bytes = memory_bytes,
        .reader_open = memory_reader_open,
        .reader_close = memory_reader_close,
        .count = memory_count,
        .events = memory_events,
        .sessions = memory_sessions,
        .stats = memory_stats,
        .allow = memory_allow,
    };
    memory_sink *m = calloc(1, sizeof *m);
    candor_status st = m != NULL ? candor_mutex_new(&m->lock) : CANDOR_NOMEM;
    *out = NULL;
    if (st != CANDOR_OK) {
        free(m);
        return candor_fail(err, st, 0, "memory sink", NULL);
    }
    m->base.ops = &ops;
    m->schema = s->schema;
    m->max = s->memory_bytes != 0 ? s->memory_bytes : MEMORY_BYTES;
    *out = &m->base;
    return CANDOR_OK;
}
