/* Followers behind their queues: away, full, slow to return, and what a restart leaves of it. The
 * follower here is a memory sink that the test can take away. */
#include "central/sink/codec.h"
#include "central/sink/composite.h"
#include "central/sink/queue.h"
#include "central_lib/sink_fixture.h"

#define PATIENCE_MS 30000

/* What a follower of the test reaches, found through its URL: it outlives the sinks that open it.
 */
typedef struct backend {
    candor_sink *memory;
    atomic_bool away, refuses;
    atomic_uint opened;
} backend;

typedef struct follower {
    candor_sink base;
    backend *b;
} follower;

static candor_status away(candor_err *err)
{
    return candor_fail(err, CANDOR_NET, 0, "store", "the follower is away");
}

static candor_status follower_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                    candor_err *err)
{
    backend *b = ((follower *)(void *)base)->b;
    if (atomic_load(&b->away)) return away(err);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < batches[i]->n_rows; k++)
            if (atomic_load(&b->refuses) && batches[i]->rows[k].ts_ms == NOW - 1)
                return candor_fail(err, CANDOR_INVALID, 0, "store", "no such value");
    return b->memory->ops->write(b->memory, batches, n, err);
}

static candor_status follower_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    backend *b = ((follower *)(void *)base)->b;
    if (atomic_load(&b->away)) return away(err);
    return b->memory->ops->erase(b->memory, e, err);
}

static candor_status follower_retain(candor_sink *base, int64_t day, candor_deleted *deleted,
                                     bool *more, candor_err *err)
{
    backend *b = ((follower *)(void *)base)->b;
    return b->memory->ops->retain(b->memory, day, deleted, more, err);
}

static void follower_close(candor_sink *base)
{
    free(base);
}

static candor_status follower_open(const candor_sink_settings *s, candor_sink **out,
                                   candor_err *err)
{
    static const candor_sink_ops ops = {.name = "follower",
                                        .write = follower_write,
                                        .erase = follower_erase,
                                        .retain = follower_retain,
                                        .close = follower_close};
    backend *b;
    follower *f;
    sscanf(s->url, "%p", (void **)&b);
    if (atomic_load(&b->away)) return away(err);
    f = calloc(1, sizeof *f);
    f->base.ops = &ops;
    f->b = b;
    atomic_fetch_add(&b->opened, 1);
    *out = &f->base;
    return CANDOR_OK;
}

/* --- fixture -------------------------------------------------------------------------------- */

typedef struct pair {
    sink_fixture s; /* s.sink: the composite over a memory sink */
    backend b;
    uint64_t queue_bytes;
} pair;

static void pair_open(pair *p)
{
    char url[32], dir[128];
    const candor_sink_settings memory = sink_settings(&p->s);
    candor_mirror_settings other = {.name = "follower",
                                    .open = follower_open,
                                    .sink = {.url = url, .dir = dir, .schema = p->s.f.schema},
                                    .queue_bytes = p->queue_bytes,
                                    .retry_ms = 1};
    candor_sink *primary = NULL;
    candor_err err = {0};
    snprintf(url, sizeof url, "%p", (void *)&p->b);
    snprintf(dir, sizeof dir, "%s/queue", p->s.f.dir);
    must(&p->s, candor_sink_memory_open(&memory, &primary, &err), &err);
    must(&p->s, candor_composite_open(primary, &other, 1, &p->s.sink, &err), &err);
    must(&p->s, p->s.sink->ops->reader_open(p->s.sink, &p->s.reader, &err), &err);
}

static const sink_case pair_case = {"composite", NULL, NULL, candor_sink_memory_open, false};

static int pair_setup(void **state)
{
    pair *p = calloc(1, sizeof *p);
    void *inner = (void *)(uintptr_t)&pair_case;
    const candor_sink_settings memory = {0};
    candor_err err = {0};
    if (sink_setup(&inner) != 0) return -1;
    p->s = *(sink_fixture *)inner;
    free(inner);
    sink_close(&p->s);
    p->queue_bytes = 1 << 20;
    if (candor_sink_memory_open(&memory, &p->b.memory, &err) != CANDOR_OK) return -1;
    pair_open(p);
    *state = p;
    return 0;
}

static int pair_teardown(void **state)
{
    pair *p = *state;
    void *inner = malloc(sizeof p->s);
    sink_close(&p->s);
    p->b.memory->ops->close(p->b.memory);
    memcpy(inner, &p->s, sizeof p->s);
    sink_teardown(&inner);
    free(p);
    return 0;
}

static candor_mirror_counters counters(const pair *p)
{
    candor_mirror_counters k;
    candor_composite_measure(p->s.sink, 0, &k);
    return k;
}

static uint64_t follower_count(const pair *p)
{
    candor_reader *r = NULL;
    candor_err err = {0};
    uint64_t n = 0;
    const candor_sink_ops *ops = p->b.memory->ops;
    assert_int_equal(ops->reader_open(p->b.memory, &r, &err), CANDOR_OK);
    assert_int_equal(ops->count(r, &n, &err), CANDOR_OK);
    ops->reader_close(r);
    return n;
}

static void nap(void)
{
    usleep(2000);
}

/* Until nothing is queued any more. */
static void catch_up(const pair *p)
{
    const uint64_t until = candor_clock_mono_ns() + (uint64_t)PATIENCE_MS * 1000000;
    while (counters(p).queued_bytes != 0) {
        if (candor_clock_mono_ns() > until) fail_msg("the follower did not catch up");
        nap();
    }
}

static void until_unhealthy(const pair *p)
{
    const uint64_t until = candor_clock_mono_ns() + (uint64_t)PATIENCE_MS * 1000000;
    while (counters(p).healthy) {
        if (candor_clock_mono_ns() > until) fail_msg("the trouble was not noticed");
        nap();
    }
}

/* --- tests ---------------------------------------------------------------------------------- */

static void the_follower_gets_what_the_first_acknowledged(void **state)
{
    pair *p = *state;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(put_turns(&p->s, "u1", "m1", i * 10, 10, NOW), 10);
    catch_up(p);
    assert_int_equal(count_all(&p->s), 200);
    assert_int_equal(follower_count(p), 200);
    assert_int_equal(counters(p).stored, 200);
    assert_true(counters(p).healthy);
}

static void a_follower_that_is_away_stops_nobody_and_catches_up(void **state)
{
    pair *p = *state;
    put_turns(&p->s, "u1", "m1", 0, 10, NOW);
    catch_up(p);
    atomic_store(&p->b.away, true);
    for (unsigned i = 1; i < 20; i++)
        assert_int_equal(put_turns(&p->s, "u1", "m1", i * 10, 10, NOW), 10);
    until_unhealthy(p);
    assert_non_null(strstr(counters(p).trouble, "the follower is away"));
    assert_int_equal(counters(p).queued_rows, 190);
    assert_int_equal(follower_count(p), 10);
    atomic_store(&p->b.away, false);
    catch_up(p);
    assert_int_equal(follower_count(p), 200);
    assert_int_equal(counters(p).dropped, 0);
}

static void what_is_queued_survives_a_restart(void **state)
{
    pair *p = *state;
    atomic_store(&p->b.away, true);
    for (unsigned i = 0; i < 10; i++)
        put_turns(&p->s, "u1", "m1", i * 10, 10, NOW);
    sink_close(&p->s);
    pair_open(p);
    assert_int_equal(counters(p).queued_rows, 100);
    put_turns(&p->s, "u1", "m1", 500, 10, NOW);
    atomic_store(&p->b.away, false);
    catch_up(p);
    assert_int_equal(follower_count(p), 110);
    sink_close(&p->s);
    pair_open(p);
    assert_int_equal(counters(p).queued_bytes, 0); /* nothing comes twice */
}

static void a_full_queue_drops_and_counts_and_the_first_goes_on(void **state)
{
    pair *p = *state;
    candor_mirror_counters k;
    sink_close(&p->s);
    p->queue_bytes = 20000;
    pair_open(p);
    atomic_store(&p->b.away, true);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(put_turns(&p->s, "u1", "m1", i * 10, 10, NOW), 10);
    k = counters(p);
    assert_true(k.dropped > 0);
    assert_true(k.queued_bytes <= 20000);
    assert_int_equal(k.dropped + k.queued_rows, 500);
    atomic_store(&p->b.away, false);
    catch_up(p);
    assert_int_equal(follower_count(p) + k.dropped, 500);
}

static void erasure_reaches_what_is_still_queued(void **state)
{
    pair *p = *state;
    atomic_store(&p->b.away, true);
    put_turns(&p->s, "u1", "m1", 0, 10, NOW);
    put_turns(&p->s, "u2", "m2", 100, 10, NOW);
    assert_int_equal(erase(&p->s, "u1", NULL, "app"), 10);
    put_turns(&p->s, "u3", "m3", 200, 10, NOW);
    atomic_store(&p->b.away, false);
    catch_up(p);
    assert_int_equal(follower_count(p), 20);
}

static void what_the_follower_refuses_does_not_hold_up_the_rest(void **state)
{
    pair *p = *state;
    atomic_store(&p->b.away, true);
    atomic_store(&p->b.refuses, true);
    put_turns(&p->s, "u1", "m1", 0, 10, NOW);
    put_turns(&p->s, "u1", "m1", 100, 10, NOW - 1); /* ts NOW - 1: refused */
    put_turns(&p->s, "u1", "m1", 200, 10, NOW);
    atomic_store(&p->b.away, false);
    catch_up(p);
    assert_int_equal(follower_count(p), 20);
    assert_int_equal(counters(p).refused, 10);
}

static void retention_reaches_the_follower(void **state)
{
    pair *p = *state;
    const uint64_t until = candor_clock_mono_ns() + (uint64_t)PATIENCE_MS * 1000000;
    put_turns(&p->s, "u1", "m1", 0, 10, NOW - 3 * DAY);
    put_turns(&p->s, "u1", "m1", 0, 10, NOW);
    catch_up(p);
    retain_from(&p->s, NOW / DAY - 1);
    while (follower_count(p) != 10) {
        if (candor_clock_mono_ns() > until) fail_msg("retention did not reach the follower");
        nap();
    }
}

static void the_report_counts_by_follower(void **state)
{
    pair *p = *state;
    candor_buf json = {0};
    put_turns(&p->s, "u1", "m1", 0, 10, NOW);
    catch_up(p);
    p->s.sink->ops->report(p->s.sink, &json);
    candor_buf_put_c(&json, '\0');
    assert_non_null(strstr(json.p, "\"sink\":\"memory\",\"followers\":[{\"sink\":\"follower\","
                                   "\"status\":\"ok\",\"queued_events\":0"));
    assert_non_null(strstr(json.p, "\"stored\":10,"));
    candor_buf_free(&json);
}

/* --- the queue and the codec by themselves -------------------------------------------------------
 */

static void a_queue_gives_back_what_was_put_over_many_files(void **state)
{
    pair *p = *state;
    char dir[128];
    candor_queue *q = NULL;
    candor_buf body = {0}, out = {0};
    candor_err err = {0};
    candor_queue_size size;
    uint32_t rows = 0;
    snprintf(dir, sizeof dir, "%s/q", p->s.f.dir);
    must(&p->s, candor_queue_open(dir, 1 << 30, &q, &err), &err);
    assert_true(candor_buf_reserve(&body, 1 << 20));
    memset(body.p, 'b', 1 << 20);
    body.n = 1 << 20;
    for (uint32_t i = 0; i < 20; i++) {
        candor_put_u32(body.p, i);
        must(&p->s, candor_queue_put(q, candor_buf_bytes(&body), i, false, &err), &err);
    }
    assert_int_equal(candor_queue_next(q, &out, &rows, &err), CANDOR_NOTFOUND); /* not synced */
    must(&p->s, candor_queue_sync(q, &err), &err);
    for (uint32_t i = 0; i < 12; i++) {
        must(&p->s, candor_queue_next(q, &out, &rows, &err), &err);
        assert_int_equal(rows, i);
        assert_int_equal(candor_get_u32(out.p), i);
        if (i == 9) must(&p->s, candor_queue_done(q, &err), &err);
    }
    candor_queue_close(q);
    must(&p->s, candor_queue_open(dir, 1 << 30, &q, &err), &err);
    candor_queue_measure(q, &size);
    assert_int_equal(size.records, 10);
    for (uint32_t i = 10; i < 20; i++) { /* behind the last done */
        must(&p->s, candor_queue_next(q, &out, &rows, &err), &err);
        assert_int_equal(candor_get_u32(out.p), i);
    }
    assert_int_equal(candor_queue_next(q, &out, &rows, &err), CANDOR_NOTFOUND);
    must(&p->s, candor_queue_done(q, &err), &err);
    candor_queue_measure(q, &size);
    assert_int_equal(size.bytes, 0);
    candor_queue_close(q);
    candor_buf_free(&body);
    candor_buf_free(&out);
}

static void a_torn_record_at_the_end_of_a_queue_is_dropped(void **state)
{
    pair *p = *state;
    char dir[128], file[192];
    candor_queue *q = NULL;
    candor_buf out = {0};
    candor_err err = {0};
    uint32_t rows = 0;
    FILE *f;
    snprintf(dir, sizeof dir, "%s/q", p->s.f.dir);
    snprintf(file, sizeof file, "%s/0000000000000001.q", dir);
    must(&p->s, candor_queue_open(dir, 1 << 20, &q, &err), &err);
    must(&p->s, candor_queue_put(q, CANDOR_LIT("one"), 1, false, &err), &err);
    must(&p->s, candor_queue_sync(q, &err), &err);
    candor_queue_close(q);
    f = fopen(file, "ab");
    assert_non_null(f);
    fputs("\x10\0\0\0half", f);
    fclose(f);
    must(&p->s, candor_queue_open(dir, 1 << 20, &q, &err), &err);
    must(&p->s, candor_queue_put(q, CANDOR_LIT("two"), 1, false, &err), &err);
    must(&p->s, candor_queue_sync(q, &err), &err);
    must(&p->s, candor_queue_next(q, &out, &rows, &err), &err);
    assert_memory_equal(out.p, "one", 3);
    must(&p->s, candor_queue_next(q, &out, &rows, &err), &err);
    assert_memory_equal(out.p, "two", 3);
    candor_queue_close(q);
    candor_buf_free(&out);
}

static void a_damaged_batch_never_reads_outside(void **state)
{
    pair *p = *state;
    sent *s = new_batch();
    uint32_t c = add_person(&s->batch, "u1", "m1", "app");
    candor_buf whole = {0};
    add_row(&p->s.f, &s->batch, c, "ChatTurn", NOW, 1, "{\"model\":\"gpt-4o\"}");
    assert_int_equal(candor_batch_encode(&s->batch, &whole), CANDOR_OK);
    for (size_t i = 0; i < whole.n; i++) {
        candor_batch out = {0};
        size_t unknown = 0;
        char was = whole.p[i];
        candor_status st;
        whole.p[i] = (char)(was ^ 0xff);
        st = candor_batch_decode(candor_buf_bytes(&whole), p->s.f.schema, &out, &unknown);
        for (size_t k = 0; st == CANDOR_OK && k < out.n_rows; k++) {
            candor_stored_event e = {0};
            e.payload = candor_batch_text(&out, out.rows[k].payload);
            if (e.payload.n != 0) assert_true(e.payload.p[0] != '\1');
        }
        candor_batch_free(&out);
        memset(&out, 0, sizeof out);
        whole.p[i] = was;
        st = candor_batch_decode(candor_bytes_of(whole.p, i), p->s.f.schema, &out, &unknown);
        candor_batch_free(&out);
    }
    candor_buf_free(&whole);
    free_batch(s);
}

int main(void)
{
#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        PAIR_TEST(the_follower_gets_what_the_first_acknowledged),
        PAIR_TEST(a_follower_that_is_away_stops_nobody_and_catches_up),
        PAIR_TEST(what_is_queued_survives_a_restart),
        PAIR_TEST(a_full_queue_drops_and_counts_and_the_first_goes_on),
        PAIR_TEST(erasure_reaches_what_is_still_queued),
        PAIR_TEST(what_the_follower_refuses_does_not_hold_up_the_rest),
        PAIR_TEST(retention_reaches_the_follower),
        PAIR_TEST(the_report_counts_by_follower),
        PAIR_TEST(a_queue_gives_back_what_was_put_over_many_files),
        PAIR_TEST(a_torn_record_at_the_end_of_a_queue_is_dropped),
        PAIR_TEST(a_damaged_batch_never_reads_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
