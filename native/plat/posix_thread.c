/* Clocks, mutexes, threads, wake-ups and latches on POSIX. Layer: plat. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "plat/plat.h"
#include "plat/posix.h"

int64_t candor_clock_unix_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t); /* cannot fail for this clock and a valid pointer */
    return (int64_t)t.tv_sec * 1000 + (int64_t)t.tv_nsec / 1000000;
}

int32_t candor_clock_local_offset_s(int64_t unix_ms)
{
    struct tm local;
    time_t at = (time_t)(unix_ms / 1000);
    tzset(); /* localtime_r looks for a new zone at its first call only */
    return localtime_r(&at, &local) != NULL ? (int32_t)local.tm_gmtoff : 0;
}

uint64_t candor_clock_mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- mutex -------------------------------------------------------------------------------------
 */
struct candor_mutex {
    pthread_mutex_t m;
};

candor_status candor_mutex_new(candor_mutex **out)
{
    candor_mutex *m = malloc(sizeof *m);

    *out = NULL;
    if (m == NULL) return CANDOR_NOMEM;
    if (pthread_mutex_init(&m->m, NULL) != 0) {
        free(m);
        return CANDOR_NOMEM;
    }
    *out = m;
    return CANDOR_OK;
}

void candor_mutex_free(candor_mutex *m)
{
    if (m == NULL) return;
    pthread_mutex_destroy(&m->m);
    free(m);
}

void candor_mutex_lock(candor_mutex *m)
{
    pthread_mutex_lock(&m->m);
}

void candor_mutex_unlock(candor_mutex *m)
{
    pthread_mutex_unlock(&m->m);
}

/* --- thread ------------------------------------------------------------------------------------
 */
struct candor_thread {
    pthread_t id;
    void (*run)(void *);
    void *ctx;
    char name[16]; /* pthread_setname_np(3): 16 with the terminator */
};

static void *thread_main(void *arg)
{
    candor_thread *t = arg;

    candor_posix_name_thread(t->name);
    t->run(t->ctx);
    return NULL;
}

/* The host's handlers must run on the host's threads. Faults stay open: a blocked one kills the
 * process past its crash reporter (signal(7)), and the host wants that report. */
static void block_signals(sigset_t *old)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t all;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, old);
}

candor_status candor_thread_start(const char *name, void (*run)(void *), void *ctx,
                                  candor_thread **out, candor_err *err)
{
    candor_thread *t = calloc(1, sizeof *t);
    sigset_t old;
    int sys;

    *out = NULL;
    if (t == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "thread", "no memory for a thread");
    t->run = run;
    t->ctx = ctx;
    snprintf(t->name, sizeof t->name, "%s", name);
    block_signals(&old); /* the new thread inherits the mask, so no signal can come first */
    sys = pthread_create(&t->id, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (sys != 0) {
        free(t);
        /* EAGAIN: a limit on threads (pthread_create(3)) */
        return candor_fail(err, sys == EAGAIN ? CANDOR_LIMIT : CANDOR_IO, sys, "thread",
                           "cannot start a thread");
    }
    *out = t;
    return CANDOR_OK;
}

void candor_thread_join(candor_thread **t)
{
    if (*t == NULL) return;
    pthread_join((*t)->id, NULL);
    free(*t);
    *t = NULL;
}

/* --- waker -------------------------------------------------------------------------------------
 */
struct candor_waker {
    int fds[2];            /* read [0], write [1]; the same where that is one descriptor */
    int watch_fd, both_fd; /* of a watched file, and of it and fds[0]; -1: nothing is watched */
    /* True between a wake and its clear, so that a burst of wakes costs one system call. It is
     * cleared after the descriptor is drained: a wake that falls between is one whose cause the
     * sleeper sees when it looks, because both sides exchange on this flag. */
    atomic_bool pending;
};

candor_status candor_waker_new(candor_waker **out, candor_err *err)
{
    candor_waker *w = malloc(sizeof *w);
    int sys;

    *out = NULL;
    if (w == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "waker", "no memory for a waker");
    atomic_init(&w->pending, false);
    w->watch_fd = w->both_fd = -1;
    sys = candor_posix_wake_fds(w->fds);
    if (sys != 0) {
        free(w);
        return candor_posix_fail(err, sys, "waker", "cannot make a waker", NULL);
    }
    *out = w;
    return CANDOR_OK;
}

void candor_waker_free(candor_waker *w)
{
    if (w == NULL) return;
    if (w->watch_fd >= 0) close(w->watch_fd);
    if (w->both_fd >= 0) close(w->both_fd);
    if (w->fds[1] != w->fds[0]) close(w->fds[1]);
    close(w->fds[0]);
    free(w);
}

void candor_waker_wake(candor_waker *w)
{
    const uint64_t one = 1;
    const int sys = errno;
    ssize_t n;

    if (atomic_exchange(&w->pending, true)) return;
    do {
        n = write(w->fds[1], &one, sizeof one); /* EAGAIN: it is full, so it is readable */
    } while (n < 0 && errno == EINTR);
    errno = sys;
}

/* One read takes all that there can be: a second wake writes only after a clear, so between the
 * read and the end of a clear at most one more comes. */
void candor_waker_clear(candor_waker *w)
{
    uint64_t counts[8];
    const int sys = errno;
    ssize_t n;

    do {
        n = read(w->fds[0], counts, sizeof counts);
    } while (n < 0 && errno == EINTR);
    if (w->watch_fd >= 0) candor_posix_watch_drain(w->watch_fd, w->both_fd);
    atomic_exchange(&w->pending, false);
    errno = sys;
}

void candor_waker_sleep(candor_waker *w, int timeout_ms)
{
    struct pollfd p = {.fd = (int)candor_waker_handle(w), .events = POLLIN};
    const uint64_t start = candor_clock_mono_ns();
    int left = timeout_ms;

    while (poll(&p, 1, left) < 0 && errno == EINTR) {
        if (timeout_ms < 0) continue;
        const uint64_t gone = (candor_clock_mono_ns() - start) / 1000000u;
        left = gone >= (uint64_t)timeout_ms ? 0 : timeout_ms - (int)gone;
    }
    candor_waker_clear(w);
}

intptr_t candor_waker_handle(candor_waker *w)
{
    return w->both_fd >= 0 ? w->both_fd : w->fds[0];
}

bool candor_waker_watch(candor_waker *w, const char *path)
{
    const int sys = errno;
    const bool ok =
        w->watch_fd < 0 && candor_posix_watch(w->fds[0], path, &w->watch_fd, &w->both_fd);

    errno = sys;
    return ok;
}

/* --- latch -------------------------------------------------------------------------------------
 */
struct candor_latch {
    pthread_mutex_t m;
    pthread_cond_t c;
    bool open;
};

candor_status candor_latch_new(candor_latch **out)
{
    candor_latch *l = calloc(1, sizeof *l);

    *out = NULL;
    if (l == NULL) return CANDOR_NOMEM;
    if (pthread_mutex_init(&l->m, NULL) != 0) goto no_mutex;
    if (candor_posix_cond_init(&l->c) != 0) goto no_cond;
    *out = l;
    return CANDOR_OK;

no_cond:
    pthread_mutex_destroy(&l->m);
no_mutex:
    free(l);
    return CANDOR_NOMEM;
}

void candor_latch_free(candor_latch *l)
{
    if (l == NULL) return;
    pthread_cond_destroy(&l->c);
    pthread_mutex_destroy(&l->m);
    free(l);
}

void candor_latch_open(candor_latch *l)
{
    pthread_mutex_lock(&l->m);
    l->open = true;
    /* Under the lock: the waiter may free the latch as soon as it can return. */
    pthread_cond_broadcast(&l->c);
    pthread_mutex_unlock(&l->m);
}

bool candor_latch_wait(candor_latch *l, int timeout_ms)
{
    const uint64_t until =
        candor_clock_mono_ns() + (timeout_ms < 0 ? 0 : (uint64_t)timeout_ms * 1000000u);
    bool open;
    int rc = 0;

    pthread_mutex_lock(&l->m);
    while (!l->open && rc != ETIMEDOUT)
        rc = timeout_ms < 0 ? pthread_cond_wait(&l->c, &l->m)
                            : candor_posix_cond_wait(&l->c, &l->m, until);
    open = l->open;
    pthread_mutex_unlock(&l->m);
    return open;
}
