/* Threads, mutexes, wakers, latches, clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "plat/plat.h"

#define ROUNDS 20000

static candor_thread *start(const char *name, void (*run)(void *), void *ctx)
{
    candor_thread *t = NULL;

    assert_int_equal(candor_thread_start(name, run, ctx, &t, NULL), CANDOR_OK);
    return t;
}

static bool is_readable(candor_waker *w)
{
    struct pollfd p = {.fd = (int)candor_waker_handle(w), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

typedef struct counter {
    candor_mutex *m;
    pthread_barrier_t both;
    unsigned n; /* not atomic: the mutex is what is tested */
} counter;

static void count(void *ctx)
{
    counter *c = ctx;

    pthread_barrier_wait(&c->both);
    for (int i = 0; i < ROUNDS; i++) {
        candor_mutex_lock(c->m);
        const unsigned n = c->n;
        if (i % 16 == 0) sched_yield(); /* invite the other one in */
        c->n = n + 1;
        candor_mutex_unlock(c->m);
    }
}

static void mutex_excludes(void **state)
{
    counter c = {0};
    candor_thread *a, *b;

    (void)state;
    assert_int_equal(candor_mutex_new(&c.m), CANDOR_OK);
    assert_int_equal(pthread_barrier_init(&c.both, NULL, 2), 0);
    a = start("a", count, &c);
    b = start("b", count, &c);
    candor_thread_join(&a);
    candor_thread_join(&b);
    assert_null(a);
    assert_int_equal(c.n, 2 * ROUNDS);
    pthread_barrier_destroy(&c.both);
    candor_mutex_free(c.m);
    candor_mutex_free(NULL);
    candor_thread_join(&a);
}

typedef struct self {
    sigset_t mask;
    char name[16];
} self;

static void look_at_self(void *ctx)
{
    self *s = ctx;

    pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
    pthread_getname_np(pthread_self(), s->name, sizeof s->name);
}

static void a_thread_takes_no_signals_but_faults_and_the_caller_keeps_its_own(void **state)
{
    sigset_t before, after;
    self s = {0};
    candor_thread *t;

    (void)state;
    sigemptyset(&before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    t = start("candor-worker-with-a-long-name", look_at_self, &s);
    candor_thread_join(&t);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&s.mask, SIGTERM), 1);
    assert_int_equal(sigismember(&s.mask, SIGPIPE), 1);
    assert_int_equal(sigismember(&s.mask, SIGCHLD), 1);
    assert_int_equal(sigismember(&s.mask, SIGXFSZ), 1);
    assert_int_equal(sigismember(&s.mask, SIGSEGV), 0);
    assert_int_equal(sigismember(&s.mask, SIGBUS), 0);
    assert_int_equal(sigismember(&after, SIGTERM), 0);
    assert_string_equal(s.name, "candor-worker-w");
}

static void a_wake_before_the_sleep_is_not_lost(void **state)
{
    candor_waker *w = NULL;

    (void)state;
    assert_int_equal(candor_waker_new(&w, NULL), CANDOR_OK);
    candor_waker_wake(w);
    candor_waker_sleep(w, -1); /* hangs if it was lost */
    candor_waker_free(w);
    candor_waker_free(NULL);
}

static void the_handle_is_readable_from_wake_to_clear(void **state)
{
    candor_waker *w = NULL;

    (void)state;
    assert_int_equal(candor_waker_new(&w, NULL), CANDOR_OK);
    assert_true((fcntl((int)candor_waker_handle(w), F_GETFD) & FD_CLOEXEC) != 0);
    assert_false(is_readable(w));
    for (int i = 0; i < 1000; i++)
        candor_waker_wake(w);
    assert_true(is_readable(w));
    candor_waker_clear(w);
    assert_false(is_readable(w));
    candor_waker_wake(w); /* the burst is over: a new wake counts again */
    assert_true(is_readable(w));
    candor_waker_sleep(w, 1000);
    assert_false(is_readable(w));
    candor_waker_free(w);
}

static void a_sleep_without_a_wake_ends(void **state)
{
    candor_waker *w = NULL;

    (void)state;
    assert_int_equal(candor_waker_new(&w, NULL), CANDOR_OK);
    candor_waker_sleep(w, 0);
    candor_waker_sleep(w, 5);
    candor_waker_free(w);
}

typedef struct relay {
    candor_waker *w[2];
    atomic_uint sent, seen;
} relay;

/* Each item is announced by one wake only; the sleeper must see them all. */
static void send_items(void *ctx)
{
    relay *r = ctx;

    for (unsigned i = 0; i < ROUNDS; i++) {
        atomic_fetch_add_explicit(&r->sent, 1, memory_order_relaxed);
        candor_waker_wake(r->w[0]);
    }
}

static void see_items(void *ctx)
{
    relay *r = ctx;
    unsigned seen = 0;

    while (seen < 2 * ROUNDS) {
        candor_waker_sleep(r->w[0], -1);
        seen = atomic_load_explicit(&r->sent, memory_order_relaxed);
    }
    atomic_store(&r->seen, seen);
}

static void no_wake_is_lost_between_two_wakers_and_a_sleeper(void **state)
{
    relay r = {0};
    candor_thread *a, *b, *sleeper;

    (void)state;
    assert_int_equal(candor_waker_new(&r.w[0], NULL), CANDOR_OK);
    sleeper = start("sleeper", see_items, &r);
    a = start("a", send_items, &r);
    b = start("b", send_items, &r);
    candor_thread_join(&a);
    candor_thread_join(&b);
    candor_thread_join(&sleeper); /* hangs if a wake was lost */
    assert_int_equal(atomic_load(&r.seen), 2 * ROUNDS);
    candor_waker_free(r.w[0]);
}

/* Strict turns: every wake must arrive, or both sleep for ever. */
static void answer(void *ctx)
{
    relay *r = ctx;

    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        while (atomic_load(&r->sent) != i + 1)
            candor_waker_sleep(r->w[0], -1);
        atomic_store(&r->seen, i + 1);
        candor_waker_wake(r->w[1]);
    }
}

static void wakers_carry_a_conversation(void **state)
{
    relay r = {0};
    candor_thread *t;

    (void)state;
    assert_int_equal(candor_waker_new(&r.w[0], NULL), CANDOR_OK);
    assert_int_equal(candor_waker_new(&r.w[1], NULL), CANDOR_OK);
    t = start("answer", answer, &r);
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        atomic_store(&r.sent, i + 1);
        candor_waker_wake(r.w[0]);
        while (atomic_load(&r.seen) != i + 1)
            candor_waker_sleep(r.w[1], -1);
    }
    candor_thread_join(&t);
    candor_waker_free(r.w[0]);
    candor_waker_free(r.w[1]);
}

static void open_latch(void *ctx)
{
    candor_latch_open(ctx);
}

static void a_latch_opens_once_and_for_all(void **state)
{
    candor_latch *l = NULL;
    candor_thread *t;

    (void)state;
    assert_int_equal(candor_latch_new(&l), CANDOR_OK);
    assert_false(candor_latch_wait(l, 0));
    assert_false(candor_latch_wait(l, 5));
    t = start("opener", open_latch, l);
    assert_true(candor_latch_wait(l, -1));
    candor_thread_join(&t);
    assert_true(candor_latch_wait(l, 0));
    assert_true(candor_latch_wait(l, -1));
    candor_latch_free(l);
    candor_latch_free(NULL);
}

static void a_latch_may_be_freed_by_who_waited(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        candor_latch *l = NULL;
        candor_thread *t;

        assert_int_equal(candor_latch_new(&l), CANDOR_OK);
        t = start("opener", open_latch, l);
        assert_true(candor_latch_wait(l, 60000));
        candor_thread_join(&t);
        candor_latch_free(l);
    }
}

static void clocks_go_forward_and_tell_this_century(void **state)
{
    const uint64_t a = candor_clock_mono_ns();
    const int64_t wall = candor_clock_unix_ms();

    (void)state;
    assert_true(candor_clock_mono_ns() >= a);
    assert_true(wall > INT64_C(1700000000000) && wall < INT64_C(4102444800000));
}

static void watched_file_wakes_when_it_is_announced(void **state)
{
    char path[] = "/tmp/candor-watch-XXXXXX";
    candor_waker *w = NULL;
    const int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(candor_waker_new(&w, NULL), CANDOR_OK);
    assert_false(candor_waker_watch(w, "/tmp/candor-watch/none"));
    assert_true(candor_waker_watch(w, path));
    assert_false(is_readable(w));
    candor_file_announce(path);
    assert_true(is_readable(w));
    candor_waker_sleep(w, -1); /* hangs if it is not a wake */
    assert_false(is_readable(w));
    candor_waker_wake(w); /* the other way still works */
    assert_true(is_readable(w));
    candor_waker_clear(w);
    assert_false(is_readable(w));
    candor_waker_free(w);
    close(fd);
    candor_unlink_quiet(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watched_file_wakes_when_it_is_announced),
        cmocka_unit_test(mutex_excludes),
        cmocka_unit_test(a_thread_takes_no_signals_but_faults_and_the_caller_keeps_its_own),
        cmocka_unit_test(a_wake_before_the_sleep_is_not_lost),
        cmocka_unit_test(the_handle_is_readable_from_wake_to_clear),
        cmocka_unit_test(a_sleep_without_a_wake_ends),
        cmocka_unit_test(no_wake_is_lost_between_two_wakers_and_a_sleeper),
        cmocka_unit_test(wakers_carry_a_conversation),
        cmocka_unit_test(a_latch_opens_once_and_for_all),
        cmocka_unit_test(a_latch_may_be_freed_by_who_waited),
        cmocka_unit_test(clocks_go_forward_and_tell_this_century),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
