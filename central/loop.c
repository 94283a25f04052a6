#include "central/loop.h"

#include <stdlib.h>

#include "central/conn.h"
#include "central/ingest.h"

typedef struct arrival {
    candor_task task;
    candor_loop *loop;
    evutil_socket_t fd;
    uint64_t peer;
    bool full;
    unsigned hops; /* loops that had no place for it */
} arrival;

static void open_arrival(const arrival *a)
{
    candor_count(&a->loop->server->metrics.connections_total, 1);
    candor_conn_open(a->loop, a->fd, a->peer);
}

/* Every connection is taken: the first round over the loops asks for one that never showed a valid
 * token, so that strangers close each other's connections before they close a sender's. True: the
 * arrival went on to the next loop. */
static bool make_place(arrival *a)
{
    candor_server *s = a->loop->server;
    if (candor_conn_evict(a->loop, a->hops < s->n_loops)) {
        open_arrival(a);
        return false;
    }
    if (++a->hops < 2 * s->n_loops) {
        a->loop = s->loops[(a->loop->index + 1) % s->n_loops];
        candor_mailbox_post(a->loop->mail, &a->task);
        return true;
    }
    candor_uncount(&s->metrics.connections, 1);
    candor_server_refuse(s, a->loop->parting, a->fd);
    return false;
}

static void take_arrival(candor_task *t)
{
    arrival *a = (arrival *)(void *)t;
    candor_server *s = a->loop->server;
    if (a->loop->stopping || atomic_load(&s->stopping)) {
        candor_uncount(&s->metrics.connections, 1);
        evutil_closesocket(a->fd);
    } else if (!a->full) {
        open_arrival(a);
    } else if (make_place(a)) {
        return;
    }
    free(a);
}

void candor_loop_adopt(candor_loop *l, evutil_socket_t fd, uint64_t peer, bool full)
{
    arrival *a = calloc(1, sizeof *a);
    if (a == NULL) {
        candor_uncount(&l->server->metrics.connections, 1);
        evutil_closesocket(fd);
        return;
    }
    *a = (arrival){{NULL, take_arrival}, l, fd, peer, full, 0};
    candor_mailbox_post(l->mail, &a->task);
}

/* --- stopping ------------------------------------------------------------------------------- */

static void stop_conns(candor_loop *l, bool force)
{
    int place;
    for (place = 0; place < CANDOR_PLACE_COUNT; place++) {
        candor_conn *c = l->places[place].first;
        while (c != NULL) {
            candor_conn *next = c->next;
            candor_conn_stop(c, force);
            c = next;
        }
    }
    if (l->n_conns == 0) event_base_loopbreak(l->base);
}

static void on_stop_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    stop_conns(ctx, true); /* busy ones end with their commit */
}

static void take_stop(candor_task *t)
{
    candor_loop *l = (candor_loop *)(void *)((char *)t - offsetof(candor_loop, stop_task));
    uint64_t ms = l->server->config.stop_timeout_ms;
    struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
    l->stopping = true;
    event_add(l->stop_timer, &tv);
    stop_conns(l, false);
}

void candor_loop_stop(candor_loop *l)
{
    l->stop_task.run = take_stop;
    candor_mailbox_post(l->mail, &l->stop_task);
}

/* --- life ----------------------------------------------------------------------------------- */

static void on_mail(evutil_socket_t fd, short what, void *ctx)
{
    candor_loop *l = ctx;
    (void)fd;
    (void)what;
    candor_waker_clear(candor_mailbox_waker(l->mail));
    candor_mailbox_run(l->mail);
}

static void run_loop(void *ctx)
{
    candor_loop *l = ctx;
    event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
    candor_latch_open(l->ended);
}

/* libevent closes the sockets of the last connections here, so it comes as soon as the thread
 * ended. */
static void free_base(candor_loop *l)
{
    if (l->mail_event != NULL) event_free(l->mail_event);
    if (l->stop_timer != NULL) event_free(l->stop_timer);
    candor_parting_free(l->parting);
    if (l->base != NULL) event_base_free(l->base);
    l->parting = NULL;
    l->mail_event = l->stop_timer = NULL;
    l->base = NULL;
}

void candor_loop_free(candor_loop *l)
{
    free_base(l);
    if (l->mail != NULL) candor_mailbox_run(l->mail); /* late arrivals are closed */
    candor_ingest_free(l->ingest);
    candor_mailbox_free(l->mail);
    candor_latch_free(l->ended);
    free(l);
}

static candor_status prepare(candor_loop *l, candor_err *err)
{
    candor_status st = candor_mailbox_new(&l->mail, err);
    if (st == CANDOR_OK) st = candor_latch_new(&l->ended);
    if (st == CANDOR_OK) st = candor_random(l->problem_seed, sizeof l->problem_seed);
    if (st == CANDOR_OK) st = candor_ingest_new(l->server, &l->ingest, err);
    if (st != CANDOR_OK) return st;
    l->base = event_base_new();
    if (l->base == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "event loop", NULL);
    st = candor_parting_new(l->base, &l->parting);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "event loop", NULL);
    l->mail_event =
        event_new(l->base, (evutil_socket_t)candor_waker_handle(candor_mailbox_waker(l->mail)),
                  EV_READ | EV_PERSIST, on_mail, l);
    l->stop_timer = evtimer_new(l->base, on_stop_timer, l);
    if (l->mail_event == NULL || l->stop_timer == NULL || event_add(l->mail_event, NULL) != 0)
        return candor_fail(err, CANDOR_NOMEM, 0, "event loop", NULL);
    return CANDOR_OK;
}

candor_status candor_loop_start(candor_server *s, candor_loop **out, candor_err *err)
{
    candor_loop *l = calloc(1, sizeof *l);
    candor_status st;
    *out = NULL;
    if (l == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "event loop", NULL);
    l->server = s;
    l->index = s->n_loops;
    st = prepare(l, err);
    if (st == CANDOR_OK) st = candor_thread_start("http", run_loop, l, &l->thread, err);
    if (st != CANDOR_OK) {
        l->stopping = true;
        candor_loop_free(l);
        return st;
    }
    *out = l;
    return CANDOR_OK;
}

bool candor_loop_join(candor_loop *l, int timeout_ms)
{
    if (!candor_latch_wait(l->ended, timeout_ms)) return false;
    candor_thread_join(&l->thread);
    free_base(l);
    return true;
}
