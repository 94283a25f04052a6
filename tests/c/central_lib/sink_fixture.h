/* A sink of any kind in a scratch directory or on a server of the test's, and questions to it. */
#ifndef CANDOR_TEST_SINK_FIXTURE_H
#define CANDOR_TEST_SINK_FIXTURE_H

#include <ftw.h>

#include "central/sink/sink.h"
#include "central_lib/store_fixture.h"

/* What a conformance run is about: a kind, and where its server is. */
typedef struct sink_case {
    const char *name;
    const char *url;       /* NULL: a place of the test's own */
    const char *fresh_url; /* an empty database for the tests of versions; NULL: none */
    candor_sink_open_fn *open;
    bool durable; /* survives close and open */
} sink_case;

typedef struct sink_fixture {
    const sink_case *kind;
    fixture f; /* its schema serves add_row */
    char url[256];
    candor_sink *sink;
    candor_reader *reader;
    unsigned format;
    const candor_retention *retention;
} sink_fixture;

static inline int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static inline candor_sink_settings sink_settings(sink_fixture *s)
{
    return (candor_sink_settings){.url = s->url,
                                  .dir = s->f.dir,
                                  .schema = s->f.schema,
                                  .cache_kib = 1024,
                                  .retention = s->retention,
                                  .format = s->format};
}

static inline candor_sink *open_another(sink_fixture *s)
{
    const candor_sink_settings settings = sink_settings(s);
    candor_sink *sink = NULL;
    candor_err err = {0};
    if (s->kind->open(&settings, &sink, &err) != CANDOR_OK)
        fail_msg("%s: %s: %s", s->kind->name, err.op, err.text);
    return sink;
}

static inline void sink_open(sink_fixture *s)
{
    candor_err err = {0};
    s->sink = open_another(s);
    if (s->sink->ops->reader_open(s->sink, &s->reader, &err) != CANDOR_OK)
        fail_msg("%s: %s: %s", s->kind->name, err.op, err.text);
}

static inline void sink_close(sink_fixture *s)
{
    if (s->sink == NULL) return;
    s->sink->ops->reader_close(s->reader);
    s->sink->ops->close(s->sink);
    s->sink = NULL;
}

static inline void must(sink_fixture *s, candor_status st, const candor_err *err)
{
    if (st != CANDOR_OK) fail_msg("%s: %s: %s", s->kind->name, err->op, err->text);
}

static inline void retain_from(sink_fixture *s, int64_t day)
{
    candor_err err = {0};
    bool more = true;
    while (more)
        must(s, s->sink->ops->retain(s->sink, day, NULL, &more, &err), &err);
}

typedef struct sweep_run {
    sink_fixture *s;
    unsigned steps;
} sweep_run;

static inline candor_status sweep_sink(void *ctx, const candor_sweep *w, candor_err *err)
{
    sweep_run *r = ctx;
    r->steps++;
    return r->s->sink->ops->sweep(r->s->sink, w, err);
}

/* All that is due; how many steps it took. */
static inline unsigned sweep_all(sink_fixture *s, candor_sweeper *plan, int64_t now_ms)
{
    sweep_run r = {s, 0};
    candor_err err = {0};
    bool more = true;
    while (more)
        must(s,
             candor_sweeper_step(plan, now_ms, s->sink->ops->sweep_ms, sweep_sink, &r, &more, &err),
             &err);
    return r.steps;
}

static inline int sink_setup(void **state)
{
    sink_fixture *s = calloc(1, sizeof *s);
    candor_buf text = {0};
    candor_err err = {0};
    s->kind = *state;
    snprintf(s->f.dir, sizeof s->f.dir, "/tmp/candor-sink-XXXXXX");
    if (mkdtemp(s->f.dir) == NULL) return -1;
    if (s->kind->url != NULL)
        snprintf(s->url, sizeof s->url, "%s", s->kind->url);
    else
        snprintf(s->url, sizeof s->url, "%s/%s", s->f.dir, s->kind->name);
    if (candor_file_read_all(CANDOR_SOURCE_DIR "/schema/default.json", 1 << 20, &text, &err) !=
            CANDOR_OK ||
        candor_schema_compile(candor_buf_bytes(&text), "default", &s->f.schema, &err) != CANDOR_OK)
        return -1;
    candor_buf_free(&text);
    sink_open(s);
    if (s->kind->url != NULL) { /* what another test left there */
        retain_from(s, NOW / DAY + 10000);
        sink_close(s);
        sink_open(s);
    }
    *state = s;
    return 0;
}

static inline int sink_teardown(void **state)
{
    sink_fixture *s = *state;
    sink_close(s);
    nftw(s->f.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    candor_schema_free(s->f.schema);
    free(s);
    return 0;
}

/* --- writing -------------------------------------------------------------------------------- */

static inline uint32_t add_person(candor_batch *b, const char *user, const char *machine,
                                  const char *app)
{
    uint32_t at = add_context(b, "0198c0de-0000-7000-8000-000000000001", user, app);
    snprintf((char *)b->contexts[at].key, 16, "%.5s%.5s%.4s", user, machine, app);
    b->contexts[at].machine_id = put(b, machine);
    return at;
}

static inline void write_group(sink_fixture *s, sent *const *all, size_t n)
{
    candor_batch *batches[16];
    candor_err err = {0};
    size_t i;
    assert_true(n <= 16);
    for (i = 0; i < n; i++)
        batches[i] = &all[i]->batch;
    must(s, s->sink->ops->write(s->sink, batches, n, &err), &err);
}

/* n ChatTurns of a person, numbers from `from` on, at ms; how many were new. */
static inline size_t put_turns(sink_fixture *s, const char *user, const char *machine,
                               unsigned from, unsigned n, int64_t ms)
{
    sent *b = new_batch();
    uint32_t c = add_person(&b->batch, user, machine, "app");
    size_t inserted;
    unsigned i;
    for (i = from; i < from + n; i++)
        add_row(&s->f, &b->batch, c, "ChatTurn", ms, i, "{\"model\":\"gpt-4o\"}");
    write_group(s, &b, 1);
    inserted = b->batch.inserted;
    free_batch(b);
    return inserted;
}

/* As add_context makes candor_row_context.user. */
static inline candor_status print_of(void *ctx, candor_bytes app, candor_bytes user,
                                     unsigned char out[8])
{
    char text[16] = "";
    (void)ctx;
    snprintf(text, sizeof text, "%.*s%.*s", user.n < 3 ? (int)user.n : 3, user.p,
             app.n < 4 ? (int)app.n : 4, app.p);
    memcpy(out, text, 8);
    return CANDOR_OK;
}

static inline candor_status count_content(void *ctx, const unsigned char (*ids)[16], size_t n,
                                          candor_err *err)
{
    (void)ids, (void)err;
    *(uint64_t *)ctx += n;
    return CANDOR_OK;
}

/* How many events went; each was told as one whose content goes. */
static inline uint64_t erase(sink_fixture *s, const char *user, const char *machine,
                             const char *app)
{
    uint64_t told = 0;
    candor_erasure e = {.user = user,
                        .machine = machine,
                        .app = app,
                        .content = count_content,
                        .fingerprint = print_of,
                        .ctx = &told};
    candor_err err = {0};
    must(s, s->sink->ops->erase(s->sink, &e, &err), &err);
    assert_int_equal(told, e.events);
    return e.events;
}

/* --- reading -------------------------------------------------------------------------------- */

static inline uint64_t count_all(sink_fixture *s)
{
    candor_err err = {0};
    uint64_t n = 0;
    must(s, s->sink->ops->count(s->reader, &n, &err), &err);
    return n;
}

typedef struct walked {
    uint64_t n;
    unsigned pages;
    bool descending;
    unsigned char last[16];
    candor_buf ids; /* 16 bytes each */
} walked;

static inline bool walk_event(void *ctx, const candor_stored_event *e)
{
    walked *w = ctx;
    if (w->n != 0 && memcmp(e->id, w->last, 16) >= 0) w->descending = false;
    memcpy(w->last, e->id, 16);
    candor_buf_put(&w->ids, e->id, 16);
    w->n++;
    return true;
}

/* All pages of a filter. */
static inline walked walk_pages(sink_fixture *s, candor_event_filter f)
{
    walked w = {.descending = true};
    candor_event_page page;
    candor_err err = {0};
    do {
        must(s, s->sink->ops->events(s->reader, &f, walk_event, &w, &page, &err), &err);
        w.pages++;
        f.has_cursor = true;
        memcpy(f.cursor, page.cursor, sizeof f.cursor);
    } while (page.more && w.pages < 10000);
    assert_true(w.descending);
    return w;
}

static inline uint64_t matching(sink_fixture *s, candor_event_filter f)
{
    walked w = walk_pages(s, f);
    candor_buf_free(&w.ids);
    return w.n;
}

/* --- runs ----------------------------------------------------------------------------------- */

#define SINK_TEST(name) cmocka_unit_test_setup_teardown(name, sink_setup, sink_teardown)

static inline int run_sink(const struct CMUnitTest *list, size_t n, const sink_case *kind)
{
    struct CMUnitTest tests[64];
    assert_true(n <= sizeof tests / sizeof tests[0]);
    for (size_t i = 0; i < n; i++) {
        tests[i] = list[i];
        tests[i].initial_state = (void *)(uintptr_t)kind;
    }
    return _cmocka_run_group_tests(kind->name, tests, n, NULL, NULL);
}

/* On the server that CANDOR_SINK and CANDOR_SINK_URL name, else on the local kinds, or the one that
 * CANDOR_SINK names. */
static inline int run_sinks(const struct CMUnitTest *list, size_t n, const sink_case *local,
                            size_t n_local)
{
    const char *name = getenv("CANDOR_SINK"), *url = getenv("CANDOR_SINK_URL");
    int failed = 0;
    if (name != NULL && url != NULL) {
        const sink_case one = {name, url, getenv("CANDOR_SINK_FRESH_URL"),
                               candor_sink_find(candor_bytes_str(name)), true};
        return one.open != NULL ? run_sink(list, n, &one) : 2;
    }
    for (size_t i = 0; i < n_local; i++)
        if (name == NULL || strcmp(name, local[i].name) == 0)
            failed += run_sink(list, n, &local[i]);
    return failed;
}

#endif
