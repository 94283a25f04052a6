/* A store in a directory of its own, batches for it, and questions to it. */
#ifndef CANDOR_TEST_STORE_FIXTURE_H
#define CANDOR_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/uuid.h"
#include "central/store/histogram.h"
#include "central/store/store.h"

#define NOW  INT64_C(1790000000000) /* a Monday in 2026, 16:53:20 UTC */
#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

typedef struct fixture {
    char dir[64], path[96];
    candor_schema *schema;
    candor_store *store;
    uint64_t queue_bytes, retention_days;
} fixture;

/* --- set-up --------------------------------------------------------------------------------- */

static inline int64_t fixed_now(void)
{
    return NOW;
}

static inline void open_store(fixture *f)
{
    candor_err err = {0};
    const candor_sqlite_settings s = {.path = f->path,
                                      .schema = f->schema,
                                      .cache_kib = 1024,
                                      .commit_rows = 1000,
                                      .queue_bytes = f->queue_bytes,
                                      .retention_days = f->retention_days,
                                      .now_ms = fixed_now};
    if (candor_sqlite_open(&s, &f->store, &err) != CANDOR_OK) fail_msg("%s: %s", err.op, err.text);
}

static inline void close_store(fixture *f)
{
    if (f->store != NULL) f->store->ops->close(f->store);
    f->store = NULL;
}

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    candor_buf text = {0};
    candor_err err = {0};
    snprintf(f->dir, sizeof f->dir, "/tmp/candor-store-XXXXXX");
    if (mkdtemp(f->dir) == NULL) return -1;
    snprintf(f->path, sizeof f->path, "%s/events.db", f->dir);
    f->queue_bytes = 1 << 20;
    f->retention_days = 90;
    if (candor_file_read_all(CANDOR_SOURCE_DIR "/schema/default.json", 1 << 20, &text, &err) !=
            CANDOR_OK ||
        candor_schema_compile(candor_buf_bytes(&text), "default", &f->schema, &err) != CANDOR_OK)
        return -1;
    candor_buf_free(&text);
    open_store(f);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    char name[128];
    static const char *const ends[] = {"", "-wal", "-shm"};
    size_t i;
    close_store(f);
    for (i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", f->path, ends[i]);
        unlink(name);
    }
    rmdir(f->dir);
    candor_schema_free(f->schema);
    free(f);
    return 0;
}

/* --- batches -------------------------------------------------------------------------------- */

typedef struct sent {
    candor_batch batch;
    candor_latch *latch;
} sent;

static inline void on_done(candor_batch *b)
{
    candor_latch_open(((sent *)b->owner)->latch);
}

static inline sent *new_batch(void)
{
    sent *s = calloc(1, sizeof *s);
    assert_int_equal(candor_latch_new(&s->latch), CANDOR_OK);
    s->batch.owner = s;
    s->batch.done = on_done;
    s->batch.received_ms = NOW;
    return s;
}

static inline void free_batch(sent *s)
{
    candor_latch_free(s->latch);
    candor_batch_free(&s->batch);
    free(s);
}

static inline candor_span put(candor_batch *b, const char *text)
{
    candor_span span;
    assert_true(candor_batch_put(b, candor_bytes_str(text), &span));
    return span;
}

static inline uint32_t add_context(candor_batch *b, const char *session, const char *user,
                                   const char *app)
{
    candor_row_context *c = candor_batch_add_context(b);
    snprintf((char *)c->key, sizeof c->key, "%.5s%.5s%.4s", session, user, app);
    snprintf((char *)c->user, sizeof c->user, "%.3s%.4s", user, app);
    c->session_id = put(b, session);
    c->user_id = put(b, user);
    c->machine_id = put(b, "m");
    c->app = put(b, app);
    c->app_version = put(b, "1.0.0");
    c->platform = put(b, "linux-x64");
    return (uint32_t)b->n_contexts - 1;
}

/* no: makes the id; the same time and number is the same event. */
static inline candor_row *add_row(fixture *f, candor_batch *b, uint32_t context, const char *type,
                                  int64_t ms, unsigned no, const char *payload)
{
    unsigned char rand[10] = {0};
    candor_row *r = candor_batch_add_row(b);
    candor_put_u32(rand + 6, no);
    candor_uuid7_make((uint64_t)ms, rand, r->id);
    r->ts_ms = ms;
    r->def = candor_schema_event(f->schema, candor_bytes_str(type));
    assert_non_null(r->def);
    r->context = context;
    r->index = (uint32_t)b->n_rows - 1;
    r->payload = put(b, payload);
    r->bucket = CANDOR_NO_BUCKET;
    return r;
}

static inline void submit(fixture *f, sent *s)
{
    assert_int_equal(f->store->ops->submit(f->store, &s->batch), CANDOR_OK);
    assert_true(candor_latch_wait(s->latch, 20000));
    assert_int_equal(s->batch.status, CANDOR_OK);
}

static inline size_t store_turns(fixture *f, unsigned from, unsigned n, int64_t ms)
{
    sent *s = new_batch();
    uint32_t c = add_context(&s->batch, "s1", "u1", "app");
    size_t inserted;
    unsigned i;
    for (i = from; i < from + n; i++)
        add_row(f, &s->batch, c, "ChatTurn", ms, i, "{\"model\":\"gpt-4o\"}");
    submit(f, s);
    inserted = s->batch.inserted;
    free_batch(s);
    return inserted;
}

/* --- queries -------------------------------------------------------------------------------- */

typedef struct asked {
    candor_query query;
    candor_latch *latch;
    void (*ask)(struct asked *a, candor_reader *r);
    fixture *f;
    candor_stat stat;
    candor_stat_range range;
    candor_event_filter filter;
    candor_event_page page;
    int64_t total, measured; /* measured: in all histograms */
    char text[4096];
} asked;

static inline void run_asked(candor_query *q, candor_reader *r)
{
    asked *a = (asked *)(void *)q;
    assert_non_null(r);
    a->ask(a, r);
    candor_latch_open(a->latch);
}

static inline void ask(asked *a, fixture *f)
{
    a->f = f;
    a->query.run = run_asked;
    assert_int_equal(candor_latch_new(&a->latch), CANDOR_OK);
    assert_int_equal(f->store->ops->query(f->store, &a->query), CANDOR_OK);
    assert_true(candor_latch_wait(a->latch, 20000));
    candor_latch_free(a->latch);
}

static inline bool add_stat(void *ctx, const candor_stat_row *row)
{
    asked *a = ctx;
    size_t n = strlen(a->text);
    uint32_t i;
    a->total += row->n;
    for (i = 0; row->counts != NULL && i < CANDOR_HIST_BUCKETS; i++) {
        a->measured += (int64_t)row->counts[i];
        if (row->counts[i] != 0) assert_true(i >= row->first && i <= row->last);
    }
    snprintf(a->text + n, sizeof a->text - n, "%.*s/%.*s/%.*s/%lld=%lld ", (int)row->a.n, row->a.p,
             (int)row->b.n, row->b.p, (int)row->c.n, row->c.p, (long long)row->k,
             (long long)row->n);
    return true;
}

static inline void ask_stats(asked *a, candor_reader *r)
{
    candor_err err = {0};
    if (a->f->store->ops->stats(r, a->stat, &a->range, add_stat, a, &err) != CANDOR_OK)
        fail_msg("%s: %s", err.op, err.text);
}

static inline asked *stats(fixture *f, candor_stat what, int64_t from, int64_t to, const char *app)
{
    asked *a = calloc(1, sizeof *a);
    a->ask = ask_stats;
    a->stat = what;
    a->range = (candor_stat_range){.from_ms = from, .to_ms = to, .app = app};
    ask(a, f);
    return a;
}

static inline int64_t counted(fixture *f, int64_t from, int64_t to)
{
    asked *a = stats(f, CANDOR_STAT_COUNTS, from, to, NULL);
    int64_t n = a->total;
    free(a);
    return n;
}

static inline bool add_event(void *ctx, const candor_stored_event *e)
{
    asked *a = ctx;
    size_t n = strlen(a->text);
    a->total++;
    if (n + 64 < sizeof a->text)
        snprintf(a->text + n, sizeof a->text - n, "%.*s:%.*s:%lld ", (int)e->type.n, e->type.p,
                 (int)e->context.app.n, e->context.app.p, (long long)(e->ts_ms - NOW));
    return true;
}

static inline void ask_events(asked *a, candor_reader *r)
{
    candor_err err = {0};
    if (a->f->store->ops->events(r, &a->filter, add_event, a, &a->page, &err) != CANDOR_OK)
        fail_msg("%s: %s", err.op, err.text);
}

static inline candor_event_filter all_events(unsigned limit)
{
    return (candor_event_filter){.from_ms = 0, .to_ms = NOW * 2, .limit = limit, .scan_rows = 100};
}

/* Every page; pages that may be short because of scan_rows count in *pages. */
static inline int64_t walk(fixture *f, candor_event_filter filter, unsigned *pages)
{
    asked *a = calloc(1, sizeof *a);
    int64_t n;
    *pages = 0;
    a->ask = ask_events;
    a->filter = filter;
    do {
        ask(a, f);
        ++*pages;
        a->filter.has_cursor = true;
        memcpy(a->filter.cursor, a->page.cursor, sizeof a->filter.cursor);
    } while (a->page.more && *pages < 10000);
    n = a->total;
    free(a);
    return n;
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
