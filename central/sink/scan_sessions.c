/* Sessions of a sink that keeps events alone. One is where its first event is, so that a page stays
 * as it was while sessions go on. A page looks at the newest hour, then at eight times as much, and
 * so on until it is full; and as far before and behind as a session is taken to last. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/sink/rows.h"
#include "central/sink/scan.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  INT64_C(86400000)
/* A session is taken to reach so far beyond the time that is looked at: a window left open over a
 * weekend. */
#define REACH_MS (3 * DAY_MS)

typedef struct session {
    candor_session_part p; /* the context's texts: at text + at */
    uint64_t hash;
    size_t at, n;
} session;

struct candor_session_sums {
    session *items;
    size_t n, cap;
    uint32_t *slots; /* an index + 1; 0: free */
    size_t n_slots;  /* power of two */
    candor_buf text, key;
};

/* --- parts into sessions -------------------------------------------------------------------- */

enum { PARTS = 6 };

static void parts_of(candor_context *c, candor_bytes *out[PARTS])
{
    candor_bytes *const all[PARTS] = {&c->session_id, &c->user_id,     &c->machine_id,
                                      &c->app,        &c->app_version, &c->platform};
    memcpy(out, all, sizeof all);
}

static uint64_t hash_of(candor_bytes key)
{
    uint64_t h = 0xcbf29ce484222325u;
    size_t i;
    for (i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 0x100000001b3u;
    h *= 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}

static candor_status no_memory(candor_err *err)
{
    return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
}

/* At most half full. */
static bool widen(candor_session_sums *s)
{
    size_t n = s->n_slots != 0 ? s->n_slots * 2 : 1024, i;
    uint32_t *slots;
    if (s->n < s->n_slots / 2) return true;
    slots = calloc(n, sizeof *slots);
    if (slots == NULL) return false;
    for (i = 0; i < s->n; i++) {
        size_t at = (size_t)s->items[i].hash & (n - 1);
        while (slots[at] != 0)
            at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)i + 1;
    }
    free(s->slots);
    s->slots = slots;
    s->n_slots = n;
    return true;
}

static bool make_room(candor_session_sums *s)
{
    if (s->n == s->cap) {
        size_t cap = s->cap != 0 ? s->cap * 2 : 256;
        session *p = realloc(s->items, cap * sizeof *p);
        if (p == NULL) return false;
        s->items = p;
        s->cap = cap;
    }
    return widen(s);
}

static void merge(candor_session_part *to, const candor_session_part *p)
{
    static const unsigned char none[16] = {0};
    const bool has_end = memcmp(p->end, none, 16) != 0, had_end = memcmp(to->end, none, 16) != 0;
    if (memcmp(p->first, to->first, 16) < 0) memcpy(to->first, p->first, 16);
    if (has_end && (!had_end || memcmp(p->end, to->end, 16) < 0)) memcpy(to->end, p->end, 16);
    if (p->last_day > to->last_day) to->last_day = p->last_day;
    if (p->started_ms >= 0 && (to->started_ms < 0 || p->started_ms < to->started_ms))
        to->started_ms = p->started_ms;
    if (p->ended_ms > to->ended_ms) to->ended_ms = p->ended_ms;
    to->errors += p->errors;
}

void candor_session_key_put(candor_buf *key, const candor_context *context)
{
    candor_context c = *context;
    candor_bytes *parts[PARTS];
    int i;
    parts_of(&c, parts);
    for (i = 0; i < PARTS; i++) {
        candor_buf_put_bytes(key, *parts[i]);
        candor_buf_put_c(key, '\0'); /* in none of them */
    }
}

candor_status candor_sessions_full(candor_err *err)
{
    return candor_fail(err, CANDOR_INVALID, 0, "query",
                       "more than %d sessions lie around that time; ask for a shorter one, or for "
                       "one app",
                       CANDOR_SCAN_SESSIONS_MAX);
}

static candor_status insert(candor_session_sums *s, uint32_t *slot, uint64_t hash,
                            const candor_session_part *p, candor_err *err)
{
    session *x = &s->items[s->n];
    if (s->n == CANDOR_SCAN_SESSIONS_MAX) return candor_sessions_full(err);
    *x = (session){*p, hash, s->text.n, s->key.n};
    candor_buf_put_bytes(&s->text, candor_buf_bytes(&s->key));
    if (s->text.failed) return no_memory(err);
    *slot = (uint32_t)++s->n;
    return CANDOR_OK;
}

candor_status candor_session_sums_add(candor_session_sums *s, const candor_session_part *p,
                                      candor_err *err)
{
    candor_bytes key;
    uint64_t hash;
    size_t at;
    candor_buf_clear(&s->key);
    candor_session_key_put(&s->key, &p->context);
    if (s->key.failed || !make_room(s)) return no_memory(err);
    key = candor_buf_bytes(&s->key);
    hash = hash_of(key);
    for (at = (size_t)hash & (s->n_slots - 1); s->slots[at] != 0;
         at = (at + 1) & (s->n_slots - 1)) {
        session *x = &s->items[s->slots[at] - 1];
        if (x->hash != hash || x->n != key.n || memcmp(s->text.p + x->at, key.p, key.n) != 0)
            continue;
        merge(&x->p, p);
        return CANDOR_OK;
    }
    return insert(s, &s->slots[at], hash, p, err);
}

static void sums_clear(candor_session_sums *s)
{
    s->n = 0;
    candor_buf_clear(&s->text);
    if (s->n_slots != 0) memset(s->slots, 0, s->n_slots * sizeof *s->slots);
}

static void sums_free(candor_session_sums *s)
{
    free(s->items);
    free(s->slots);
    candor_buf_free(&s->text);
    candor_buf_free(&s->key);
}

/* --- from events ---------------------------------------------------------------------------- */

typedef struct gatherer {
    candor_session_sums *out;
    const unsigned char *low, *high;
    candor_status st;
    candor_err err;
} gatherer;

static bool take_event(void *ctx, const candor_stored_event *e)
{
    gatherer *g = ctx;
    candor_session_part p = {.context = e->context, .started_ms = -1, .ended_ms = -1};
    if (memcmp(e->id, g->low, 16) < 0 || memcmp(e->id, g->high, 16) >= 0) return true;
    memcpy(p.first, e->id, sizeof p.first);
    p.last_day = candor_sink_id_day(e->id);
    if (candor_bytes_eq(e->type, CANDOR_LIT("SessionStart"))) p.started_ms = e->ts_ms;
    if (candor_bytes_eq(e->type, CANDOR_LIT("SessionEnd"))) {
        p.ended_ms = e->ts_ms;
        memcpy(p.end, e->id, sizeof p.end);
    }
    p.errors = candor_bytes_eq(e->type, CANDOR_LIT("Error"));
    g->st = candor_session_sums_add(g->out, &p, &g->err);
    return g->st == CANDOR_OK;
}

static candor_status gather(const candor_event_source *src, const candor_session_filter *f,
                            const unsigned char low[16], const unsigned char high[16],
                            candor_session_sums *out, candor_err *err)
{
    const candor_event_filter events = {.app = f->app,
                                        .match = f->match,
                                        .from_ms = (int64_t)candor_uuid7_ms(low),
                                        .to_ms = (int64_t)candor_uuid7_ms(high) + 1};
    gatherer g = {.out = out, .low = low, .high = high};
    candor_status st = candor_scan(src, events, take_event, &g, err);
    if (g.st != CANDOR_OK) *err = g.err;
    return g.st != CANDOR_OK ? g.st : st;
}

/* --- a page --------------------------------------------------------------------------------- */

typedef struct pager {
    const candor_session_source *src;
    const candor_session_filter *f;
    candor_session_sums sums;
    unsigned char top[16]; /* sessions whose first event is below */
    int64_t bottom_ms;     /* no further */
    const session **found; /* of the page, newest first */
    size_t n_found;
    bool cut;
} pager;

static bool take_newest(void *ctx, const candor_stored_event *e)
{
    memcpy(ctx, e->id, 16);
    return true;
}

/* Where the first page begins: behind the newest event, or behind the sessions of `to`. */
static candor_status set_top(pager *p, candor_err *err)
{
    const candor_event_source *e = p->src->events;
    const candor_event_filter newest = {.to_ms = INT64_MAX, .limit = 1};
    unsigned char id[16] = {0}, bound[16];
    candor_event_page page;
    candor_status st;
    if (p->f->has_cursor) {
        memcpy(p->top, p->f->cursor, sizeof p->top);
        return CANDOR_OK;
    }
    st = e->events(e->reader, &newest, take_newest, id, &page, err);
    candor_sink_id_floor((int64_t)candor_uuid7_ms(id) + 1, p->top);
    candor_sink_id_floor(p->f->to_ms + REACH_MS, bound);
    if (memcmp(bound, p->top, 16) < 0) memcpy(p->top, bound, sizeof p->top);
    return st;
}

static int newest_first(const void *p, const void *q)
{
    const session *x = *(const session *const *)p, *y = *(const session *const *)q;
    return memcmp(y->p.first, x->p.first, 16);
}

static void set_context(pager *p, session *x)
{
    candor_bytes *parts[PARTS];
    const char *at = p->sums.text.p + x->at;
    int i;
    parts_of(&x->p.context, parts);
    for (i = 0; i < PARTS; i++) {
        *parts[i] = candor_bytes_of(at, parts[i]->n);
        at += parts[i]->n + 1;
    }
}

/* The sessions that begin from low to below top. */
static candor_status choose(pager *p, const unsigned char low[16], candor_err *err)
{
    size_t i;
    free(p->found);
    p->n_found = 0;
    p->found = malloc((p->sums.n + 1) * sizeof(session *));
    if (p->found == NULL) return no_memory(err);
    for (i = 0; i < p->sums.n; i++) {
        session *x = &p->sums.items[i];
        set_context(p, x);
        if (memcmp(x->p.first, low, 16) >= 0 && memcmp(x->p.first, p->top, 16) < 0 &&
            candor_session_reaches(p->f, x->p.context.session_id, x->p.last_day))
            p->found[p->n_found++] = x;
    }
    if (p->n_found > 1) qsort(p->found, p->n_found, sizeof(session *), newest_first);
    return CANDOR_OK;
}

/* Those that begin within span before top. */
static candor_status look(pager *p, int64_t span_ms, unsigned char low[16], candor_err *err)
{
    const int64_t top_ms = (int64_t)candor_uuid7_ms(p->top);
    const int64_t from_ms = span_ms < top_ms - p->bottom_ms ? top_ms - span_ms : p->bottom_ms;
    unsigned char first[16], last[16];
    candor_status st;
    candor_sink_id_floor(from_ms, low);
    candor_sink_id_floor(from_ms - REACH_MS > p->bottom_ms ? from_ms - REACH_MS : p->bottom_ms,
                         first);
    candor_sink_id_floor(top_ms + REACH_MS, last);
    sums_clear(&p->sums);
    st = p->src->collect != NULL
             ? p->src->collect(p->src->ctx, p->f, first, last, &p->sums, &p->cut, err)
             : gather(p->src->events, p->f, first, last, &p->sums, err);
    return st == CANDOR_OK ? choose(p, low, err) : st;
}

/* low: how far was looked. */
static candor_status fill(pager *p, unsigned char low[16], candor_err *err)
{
    int64_t span = HOUR_MS;
    candor_status st;
    do {
        st = candor_query_time_check(p->src->events->time, err);
        if (st == CANDOR_OK) st = look(p, span, low, err);
        span = span < INT64_MAX / 8 ? span * 8 : INT64_MAX;
    } while (st == CANDOR_OK && !p->cut && p->n_found <= p->f->limit &&
             (int64_t)candor_uuid7_ms(low) > p->bottom_ms);
    return st;
}

typedef struct ender {
    candor_stored_session *s;
    bool (*visit)(void *ctx, const candor_stored_session *s);
    void *ctx;
    bool shown;
} ender;

/* The payload is borrowed while the event is. */
static bool show_end(void *ctx, const candor_stored_event *e)
{
    ender *x = ctx;
    x->s->end_payload = e->payload;
    x->shown = true;
    return x->visit(x->ctx, x->s);
}

static candor_status show(pager *p, const session *x, ender *e, candor_err *err)
{
    const candor_event_source *src = p->src->events;
    candor_stored_session s = {.context = x->p.context,
                               .last_day = x->p.last_day,
                               .started_ms = x->p.started_ms,
                               .ended_ms = x->p.ended_ms,
                               .errors = x->p.errors};
    candor_status st = CANDOR_OK;
    bool found;
    e->s = &s;
    e->shown = false;
    if (s.ended_ms >= 0)
        st = candor_sink_find_event(src->events, src->reader, x->p.end, show_end, e, &found, err);
    if (st == CANDOR_OK && !e->shown && !e->visit(e->ctx, &s)) st = no_memory(err);
    return st;
}

/* Where the next page goes on when this one ended early. */
static void set_cursor(const pager *p, const unsigned char low[16], candor_session_page *out)
{
    const session *last = NULL;
    size_t i;
    if (p->n_found > p->f->limit) {
        last = p->found[p->f->limit - 1];
    } else if (p->cut) { /* the oldest of those that were looked at */
        for (i = 0; i < p->sums.n; i++)
            if (last == NULL || memcmp(p->sums.items[i].p.first, last->p.first, 16) < 0)
                last = &p->sums.items[i];
    }
    out->more = last != NULL;
    memcpy(out->cursor, last != NULL ? last->p.first : low, sizeof out->cursor);
}

candor_status candor_scan_sessions(const candor_session_source *src, const candor_session_filter *f,
                                   bool (*visit)(void *ctx, const candor_stored_session *s),
                                   void *ctx, candor_session_page *out, candor_err *err)
{
    pager p = {.src = src, .f = f};
    ender e = {.visit = visit, .ctx = ctx};
    unsigned char low[16] = {0};
    candor_status st = set_top(&p, err);
    size_t i;
    memset(out, 0, sizeof *out);
    p.bottom_ms = f->from_ms > REACH_MS ? f->from_ms - REACH_MS : 0;
    if (st == CANDOR_OK) st = fill(&p, low, err);
    if (st == CANDOR_OK) set_cursor(&p, low, out);
    for (i = 0; i < p.n_found && i < f->limit && st == CANDOR_OK; i++) {
        st = show(&p, p.found[i], &e, err);
        out->found++;
    }
    free(p.found);
    sums_free(&p.sums);
    return st;
}
