/* Erasure in the store: its steps, its bounds, and that what is left equals what never came. */
#include "store_fixture.h"

typedef struct wish {
    candor_erasure erasure;
    candor_latch *latch;
    uint64_t content; /* ids that content was called with */
    bool fail;
} wish;

static candor_status take_content(void *ctx, const unsigned char (*ids)[16], size_t n,
                                  candor_err *err)
{
    wish *w = ctx;
    (void)ids;
    assert_in_range(n, 1, 1000);
    w->content += n;
    return w->fail ? candor_fail(err, CANDOR_IO, 0, "test", "no") : CANDOR_OK;
}

static candor_status print_of(void *ctx, candor_bytes app, candor_bytes user, unsigned char out[8])
{
    char text[9];
    (void)ctx;
    memset(text, 0, sizeof text);
    snprintf(text, sizeof text, "%.*s%.*s", (int)(user.n < 3 ? user.n : 3), user.p,
             (int)(app.n < 4 ? app.n : 4), app.p);
    memcpy(out, text, 8);
    return CANDOR_OK;
}

static void on_erased(candor_erasure *e)
{
    candor_latch_open(((wish *)e->ctx)->latch);
}

static wish *new_wish(const char *user, const char *app)
{
    wish *w = calloc(1, sizeof *w);
    assert_int_equal(candor_latch_new(&w->latch), CANDOR_OK);
    w->erasure.user = user;
    w->erasure.app = app;
    w->erasure.content = take_content;
    w->erasure.fingerprint = print_of;
    w->erasure.ctx = w;
    w->erasure.done = on_erased;
    return w;
}

static candor_status end_wish(wish *w, uint64_t *events)
{
    candor_status st;
    assert_true(candor_latch_wait(w->latch, 60000));
    st = w->erasure.status;
    if (events != NULL) *events = w->erasure.events;
    candor_latch_free(w->latch);
    free(w);
    return st;
}

/* Events of a user: turns of every hour of two days. */
static void send(fixture *f, const char *session, const char *user, unsigned from, unsigned n)
{
    sent *s = new_batch();
    uint32_t c = add_context(&s->batch, session, user, "app");
    unsigned i;
    for (i = from; i < from + n; i++)
        add_row(f, &s->batch, c, "ChatTurn", NOW - (int64_t)(i % 48) * HOUR, i,
                "{\"model\":\"gpt-4o\"}");
    submit(f, s);
    assert_int_equal(s->batch.inserted, n);
    free_batch(s);
}

static int64_t users(fixture *f)
{
    asked *a = stats(f, CANDOR_STAT_USERS, 0, NOW * 2, NULL);
    int64_t n = a->total;
    free(a);
    return n;
}

static void many_events_go_in_steps_and_the_sums_follow(void **state)
{
    fixture *f = *state;
    unsigned pages;
    uint64_t events;
    wish *w = new_wish("u1", NULL);
    send(f, "s1", "u1", 0, 3000);
    send(f, "s2", "u2", 3000, 700);
    assert_int_equal(f->store->ops->erase(f->store, &w->erasure), CANDOR_OK);
    assert_int_equal(end_wish(w, &events), CANDOR_OK);
    assert_int_equal(events, 3000);
    assert_int_equal(walk(f, all_events(500), &pages), 700);
    assert_int_equal(counted(f, 0, NOW * 2), 700);
    assert_int_equal(users(f), 3); /* NOW is in the afternoon: 48 hours touch three days */
}

static void what_was_submitted_before_is_part_of_it_and_what_comes_later_is_not(void **state)
{
    fixture *f = *state;
    sent *before = new_batch();
    wish *w = new_wish("u1", NULL);
    uint32_t c = add_context(&before->batch, "s1", "u1", "app");
    unsigned i;
    for (i = 0; i < 500; i++)
        add_row(f, &before->batch, c, "ChatTurn", NOW, i, "{\"model\":\"gpt-4o\"}");
    assert_int_equal(f->store->ops->submit(f->store, &before->batch), CANDOR_OK);
    assert_int_equal(f->store->ops->erase(f->store, &w->erasure), CANDOR_OK);
    assert_int_equal(end_wish(w, NULL), CANDOR_OK);
    assert_true(candor_latch_wait(before->latch, 20000));
    free_batch(before);
    assert_int_equal(counted(f, 0, NOW * 2), 0);
    send(f, "s1", "u1", 1000, 5); /* the session is known anew, not by a number that is gone */
    assert_int_equal(counted(f, 0, NOW * 2), 5);
}

static void failure_of_the_content_stops_it_and_asking_again_finishes(void **state)
{
    fixture *f = *state;
    unsigned pages;
    uint64_t events;
    wish *w = new_wish("u1", NULL);
    send(f, "s1", "u1", 0, 1500);
    w->fail = true;
    assert_int_equal(f->store->ops->erase(f->store, &w->erasure), CANDOR_OK);
    assert_int_equal(end_wish(w, &events), CANDOR_IO);
    assert_int_equal(events, 0);
    assert_int_equal(walk(f, all_events(500), &pages), 1500);
    assert_int_equal(counted(f, 0, NOW * 2), 1500);
    w = new_wish("u1", NULL);
    assert_int_equal(f->store->ops->erase(f->store, &w->erasure), CANDOR_OK);
    assert_int_equal(end_wish(w, &events), CANDOR_OK);
    assert_int_equal(events, 1500);
    assert_int_equal(counted(f, 0, NOW * 2), 0);
}

static void another_app_is_left_alone_when_one_is_named(void **state)
{
    fixture *f = *state;
    wish *w = new_wish("u1", "other");
    send(f, "s1", "u1", 0, 10);
    assert_int_equal(f->store->ops->erase(f->store, &w->erasure), CANDOR_OK);
    assert_int_equal(end_wish(w, NULL), CANDOR_OK);
    assert_int_equal(counted(f, 0, NOW * 2), 10);
}

/* The first waits in its content callback, so that the others pile up behind it. */
typedef struct gate {
    candor_latch *entered, *open;
} gate;

static candor_status wait_at_gate(void *ctx, const unsigned char (*ids)[16], size_t n,
                                  candor_err *err)
{
    gate *g = ctx;
    (void)ids;
    (void)n;
    (void)err;
    candor_latch_open(g->entered);
    assert_true(candor_latch_wait(g->open, 60000));
    return CANDOR_OK;
}

static void done_at_gate(candor_erasure *e)
{
    (void)e;
}

static void more_than_16_erasures_are_refused(void **state)
{
    fixture *f = *state;
    gate g;
    candor_erasure first;
    wish *w[16];
    unsigned i;
    memset(&first, 0, sizeof first);
    assert_int_equal(candor_latch_new(&g.entered), CANDOR_OK);
    assert_int_equal(candor_latch_new(&g.open), CANDOR_OK);
    send(f, "s1", "u1", 0, 10);
    first.user = "u1";
    first.content = wait_at_gate;
    first.fingerprint = print_of;
    first.ctx = &g;
    first.done = done_at_gate;
    assert_int_equal(f->store->ops->erase(f->store, &first), CANDOR_OK);
    assert_true(candor_latch_wait(g.entered, 20000));
    for (i = 0; i < 16; i++) {
        w[i] = new_wish("u2", NULL);
        assert_int_equal(f->store->ops->erase(f->store, &w[i]->erasure),
                         i < 15 ? CANDOR_OK : CANDOR_FULL);
    }
    candor_latch_open(g.open);
    for (i = 0; i < 15; i++)
        assert_int_equal(end_wish(w[i], NULL), CANDOR_OK);
    candor_latch_open(w[15]->latch);
    assert_int_equal(end_wish(w[15], NULL), CANDOR_OK);
    close_store(f);
    candor_latch_free(g.entered);
    candor_latch_free(g.open);
}

static void closing_ends_those_that_wait_as_cancelled(void **state)
{
    fixture *f = *state;
    wish *w[8];
    candor_status st;
    unsigned i, cancelled = 0;
    send(f, "s1", "u1", 0, 4000);
    for (i = 0; i < 8; i++) {
        w[i] = new_wish("u1", NULL);
        assert_int_equal(f->store->ops->erase(f->store, &w[i]->erasure), CANDOR_OK);
    }
    close_store(f);
    for (i = 0; i < 8; i++) {
        st = end_wish(w[i], NULL);
        assert_true(st == CANDOR_OK || st == CANDOR_CANCELLED);
        cancelled += st == CANDOR_CANCELLED;
    }
    open_store(f);
    assert_true(cancelled == 0 || counted(f, 0, NOW * 2) % 1000 == 0); /* whole steps */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(many_events_go_in_steps_and_the_sums_follow),
        STORE_TEST(what_was_submitted_before_is_part_of_it_and_what_comes_later_is_not),
        STORE_TEST(failure_of_the_content_stops_it_and_asking_again_finishes),
        STORE_TEST(another_app_is_left_alone_when_one_is_named),
        STORE_TEST(more_than_16_erasures_are_refused),
        STORE_TEST(closing_ends_those_that_wait_as_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
