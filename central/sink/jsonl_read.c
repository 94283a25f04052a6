/* Queries of the JSONL sink: the ids of a day in order, and the members that hold the lines. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "central/sink/jsonl_internal.h"

#define MEMBERS_CACHED 8 /* inflated, a few hundred KiB each as a rule */

typedef struct ref {
    unsigned char id[16];
    uint32_t member, line;
} ref;

typedef struct inflated {
    uint32_t member; /* + 1; 0: free */
    uint64_t used;
    candor_buf text;
    uint32_t starts[CANDOR_JSONL_MEMBER_ROWS + 1];
    uint32_t lines;
} inflated;

typedef struct jsonl_reader {
    candor_jsonl *sink;
    int64_t day; /* the one that the rest is about; -1: none */
    struct stat ids_stat;
    int data;  /* -1: not open */
    ref *refs; /* sorted by id */
    size_t n_refs, cap_refs;
    candor_jsonl_member *members;
    size_t n_members, cap_members;
    inflated cache[MEMBERS_CACHED];
    uint64_t clock;
    candor_query_time time;
} jsonl_reader;

candor_status candor_jsonl_reader_open(candor_sink *s, candor_reader **out, candor_err *err)
{
    jsonl_reader *r = calloc(1, sizeof *r);
    *out = (candor_reader *)(void *)r;
    if (r == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    r->sink = (candor_jsonl *)(void *)s;
    r->day = -1;
    r->data = -1;
    return CANDOR_OK;
}

static void forget(jsonl_reader *r)
{
    int i;
    if (r->data >= 0) close(r->data);
    r->data = -1;
    r->day = -1;
    r->n_refs = r->n_members = 0;
    for (i = 0; i < MEMBERS_CACHED; i++)
        r->cache[i].member = 0;
}

void candor_jsonl_reader_close(candor_reader *base)
{
    jsonl_reader *r = (jsonl_reader *)(void *)base;
    int i;
    forget(r);
    for (i = 0; i < MEMBERS_CACHED; i++)
        candor_buf_free(&r->cache[i].text);
    free(r->refs);
    free(r->members);
    free(r);
}

/* --- a day in memory -------------------------------------------------------------------------- */

static bool reserve(void **items, size_t *cap, size_t want, size_t size)
{
    size_t wide = *cap != 0 ? *cap : 256;
    void *p;
    if (want <= *cap) return true;
    while (wide < want)
        wide *= 2;
    p = realloc(*items, wide * size);
    if (p == NULL) return false;
    *items = p;
    *cap = wide;
    return true;
}

static bool add_member(void *ctx, const candor_jsonl_member *m, const char *ids)
{
    jsonl_reader *r = ctx;
    void *members = r->members, *refs = r->refs;
    bool ok = reserve(&members, &r->cap_members, r->n_members + 1, sizeof *r->members);
    uint32_t i;
    r->members = members;
    ok = ok && reserve(&refs, &r->cap_refs, r->n_refs + m->rows, sizeof *r->refs);
    r->refs = refs;
    if (!ok) return false;
    for (i = 0; i < m->rows; i++) {
        ref *x = &r->refs[r->n_refs++];
        memcpy(x->id, ids + (size_t)i * 16, 16);
        x->member = (uint32_t)r->n_members;
        x->line = i;
    }
    r->members[r->n_members++] = *m;
    return true;
}

static int by_id(const void *x, const void *y)
{
    return memcmp(((const ref *)x)->id, ((const ref *)y)->id, 16);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* *there false: the day has no events. */
static candor_status load_day(jsonl_reader *r, int64_t day, bool *there, candor_err *err)
{
    char name[CANDOR_JSONL_NAME], path[CANDOR_PATH_MAX], file[CANDOR_PATH_MAX];
    struct stat st_now;
    uint64_t ids_end, data_end;
    candor_status st;
    candor_jsonl_name(day, name);
    st = candor_path_join(r->sink->dir, name, path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_path_join(path, "events.ids", file, sizeof file, err);
    if (st != CANDOR_OK) return st;
    *there = stat(file, &st_now) == 0;
    if (*there && r->day == day && same_file(&st_now, &r->ids_stat)) return CANDOR_OK;
    forget(r);
    if (!*there) return CANDOR_OK;
    st = candor_jsonl_scan(path, add_member, r, &ids_end, &data_end, err);
    if (st == CANDOR_OK) st = candor_path_join(path, "events.jsonl.gz", file, sizeof file, err);
    if (st != CANDOR_OK) return st;
    r->data = open(file, O_RDONLY | O_CLOEXEC);
    if (r->data < 0) return candor_fail(err, CANDOR_IO, 0, "query", "%.200s: cannot open", file);
    if (r->n_refs > 1) qsort(r->refs, r->n_refs, sizeof *r->refs, by_id);
    r->day = day;
    r->ids_stat = st_now;
    return CANDOR_OK;
}

static candor_status inflate(jsonl_reader *r, uint32_t member, inflated *c, candor_err *err)
{
    candor_status st = candor_jsonl_member_read(r->data, &r->members[member], &c->text, err);
    size_t at = 0;
    c->member = 0;
    c->lines = 0;
    if (st != CANDOR_OK) return st;
    while (at < c->text.n && c->lines < CANDOR_JSONL_MEMBER_ROWS) {
        const char *end = memchr(c->text.p + at, '\n', c->text.n - at);
        c->starts[c->lines++] = (uint32_t)at;
        at = end != NULL ? (size_t)(end - c->text.p) + 1 : c->text.n;
    }
    c->starts[c->lines] = (uint32_t)at;
    c->member = member + 1;
    return CANDOR_OK;
}

static candor_status read_ref(jsonl_reader *r, const ref *x, candor_stored_event *e,
                              candor_err *err)
{
    inflated *c = &r->cache[0];
    candor_status st = CANDOR_OK;
    candor_bytes line;
    int i;
    for (i = 0; i < MEMBERS_CACHED; i++) {
        if (r->cache[i].member == x->member + 1) {
            c = &r->cache[i];
            break;
        }
        if (r->cache[i].used < c->used) c = &r->cache[i];
    }
    if (c->member != x->member + 1) st = inflate(r, x->member, c, err);
    if (st != CANDOR_OK) return st;
    c->used = ++r->clock;
    if (x->line >= c->lines)
        return candor_fail(err, CANDOR_CORRUPT, 0, "query", "a member has too few lines");
    line = candor_bytes_of(c->text.p + c->starts[x->line],
                           c->starts[x->line + 1] - c->starts[x->line] - 1);
    if (!candor_jsonl_read_line(r->sink->schema, line, e) || memcmp(e->id, x->id, 16) != 0)
        return candor_fail(err, CANDOR_CORRUPT, 0, "query", "a line is damaged");
    return CANDOR_OK;
}

/* --- questions ------------------------------------------------------------------------------ */

static bool add_rows(void *ctx, const candor_jsonl_member *m, const char *ids)
{
    (void)ids;
    *(uint64_t *)ctx += m->rows;
    return true;
}

static candor_status count_days(jsonl_reader *r, const int64_t *days, size_t n, uint64_t *out,
                                candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        char name[CANDOR_JSONL_NAME], path[CANDOR_PATH_MAX];
        uint64_t ids_end, data_end;
        candor_jsonl_name(days[i], name);
        st = candor_path_join(r->sink->dir, name, path, sizeof path, err);
        if (st == CANDOR_OK) st = candor_jsonl_scan(path, add_rows, out, &ids_end, &data_end, err);
    }
    return st;
}

candor_status candor_jsonl_reader_count(candor_reader *base, uint64_t *out, candor_err *err)
{
    jsonl_reader *r = (jsonl_reader *)(void *)base;
    int64_t *days = NULL;
    size_t n = 0;
    candor_status st;
    *out = 0;
    candor_mutex_lock(r->sink->layout);
    st = candor_jsonl_days(r->sink, &days, &n, err);
    if (st == CANDOR_OK) st = count_days(r, days, n, out, err);
    candor_mutex_unlock(r->sink->layout);
    free(days);
    return st;
}

typedef struct paging {
    const candor_event_filter *f;
    candor_event_visit *visit;
    void *ctx;
    candor_event_page *out;
    unsigned char low[16], high[16];
    unsigned looked;
    bool stop;
} paging;

static candor_status look_at(jsonl_reader *r, paging *p, const ref *x, candor_err *err)
{
    candor_stored_event e;
    candor_status st;
    bool match;
    if (p->f->scan_rows != 0 && p->looked == p->f->scan_rows) {
        p->out->more = p->stop = true;
        return CANDOR_OK;
    }
    st = read_ref(r, x, &e, err);
    if (st != CANDOR_OK) return st;
    match = candor_filter_takes(p->f, &e);
    if (match && p->out->found == p->f->limit) {
        p->out->more = p->stop = true;
        return CANDOR_OK;
    }
    p->looked++;
    memcpy(p->out->cursor, x->id, sizeof p->out->cursor);
    if (!match) return CANDOR_OK;
    p->out->found++;
    return p->visit(p->ctx, &e) ? CANDOR_OK : candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
}

static candor_status page_day(jsonl_reader *r, paging *p, int64_t day, candor_err *err)
{
    bool there = false;
    candor_status st = load_day(r, day, &there, err);
    size_t low = 0, high = there ? r->n_refs : 0;
    while (low < high) { /* the first that lies not below p->high */
        size_t mid = low + (high - low) / 2;
        if (memcmp(r->refs[mid].id, p->high, 16) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    while (st == CANDOR_OK && !p->stop && low > 0 && memcmp(r->refs[low - 1].id, p->low, 16) >= 0)
        st = look_at(r, p, &r->refs[--low], err);
    return st;
}

static candor_status page_days(jsonl_reader *r, paging *p, candor_err *err)
{
    const int64_t first = candor_sink_id_day(p->low), last = candor_sink_id_day(p->high);
    int64_t *days = NULL;
    size_t n = 0;
    candor_status st = candor_jsonl_days(r->sink, &days, &n, err);
    while (n > 0 && st == CANDOR_OK && !p->stop) {
        n--;
        if (days[n] <= last && days[n] >= first) st = page_day(r, p, days[n], err);
    }
    free(days);
    return st;
}

candor_status candor_jsonl_reader_events(candor_reader *base, const candor_event_filter *f,
                                         candor_event_visit *visit, void *ctx,
                                         candor_event_page *out, candor_err *err)
{
    jsonl_reader *r = (jsonl_reader *)(void *)base;
    paging p = {.f = f, .visit = visit, .ctx = ctx, .out = out};
    candor_status st;
    memset(out, 0, sizeof *out);
    if (!candor_filter_range(f, p.low, p.high)) return CANDOR_OK;
    candor_mutex_lock(r->sink->layout);
    st = page_days(r, &p, err);
    candor_mutex_unlock(r->sink->layout);
    return st;
}

static candor_event_source source_of(candor_reader *base)
{
    const jsonl_reader *r = (jsonl_reader *)(void *)base;
    return (candor_event_source){base, candor_jsonl_reader_events, r->sink->schema, &r->time};
}

candor_status candor_jsonl_reader_stats(candor_reader *r, candor_stat what,
                                        const candor_stat_range *range,
                                        bool (*visit)(void *ctx, const candor_stat_row *row),
                                        void *ctx, candor_err *err)
{
    const candor_event_source src = source_of(r);
    return candor_scan_stats(&src, NULL, what, range, visit, ctx, err);
}

candor_status candor_jsonl_reader_sessions(candor_reader *r, const candor_session_filter *f,
                                           bool (*visit)(void *ctx, const candor_stored_session *s),
                                           void *ctx, candor_session_page *out, candor_err *err)
{
    const candor_event_source src = source_of(r);
    const candor_session_source sessions = {.events = &src};
    return candor_scan_sessions(&sessions, f, visit, ctx, out, err);
}

void candor_jsonl_reader_allow(candor_reader *r, uint64_t ms, const atomic_bool *stop)
{
    candor_query_time_set(&((jsonl_reader *)(void *)r)->time, ms, stop);
}
