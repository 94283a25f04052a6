/* The shards of the ClickHouse sink at work: a thread each, as one waits for servers most of its
 * time. */
#include <stdlib.h>

#include "central/mailbox.h"
#include "central/sink/clickhouse_internal.h"

typedef struct worker {
    candor_task task; /* first: a job is the worker itself */
    candor_ch_shard shard;
    candor_ch_crew *crew;
    candor_mailbox *mail;
    candor_thread *thread;
    candor_ch_work *work;
    void *arg;
    candor_status status;
    candor_err err;
} worker;

struct candor_ch_crew {
    worker *workers;
    size_t n;
    candor_mailbox *done;
    atomic_bool closing;
};

static void run_worker(void *ctx)
{
    worker *w = ctx;
    for (;;) {
        const bool closing = atomic_load(&w->crew->closing);
        const int wait_ms = closing ? 0 : candor_ch_shard_care(&w->shard);
        if (candor_mailbox_take(w->mail) != NULL) {
            w->status = w->work(&w->shard, w->arg, &w->err);
            candor_mailbox_post(w->crew->done, &w->task);
        } else if (closing) {
            return;
        } else {
            candor_waker_sleep(candor_mailbox_waker(w->mail), wait_ms);
        }
    }
}

/* --- work ------------------------------------------------------------------------------------- */

static void begin(candor_ch_crew *c, worker *w, candor_ch_work *work, void *arg)
{
    memset(&w->err, 0, sizeof w->err);
    w->work = work;
    w->arg = arg;
    if (w->thread != NULL) {
        candor_mailbox_post(w->mail, &w->task);
    } else {
        w->status = work(&w->shard, arg, &w->err);
        candor_mailbox_post(c->done, &w->task);
    }
}

/* n answers; those of the workers say how it went. */
static void collect(candor_ch_crew *c, size_t n)
{
    while (n != 0) {
        candor_task *t = candor_mailbox_take(c->done);
        if (t == NULL) candor_waker_sleep(candor_mailbox_waker(c->done), -1);
        for (; t != NULL; t = t->next)
            n--;
    }
}

candor_status candor_ch_crew_run(candor_ch_crew *c, candor_ch_work *work, void *arg, bool in_turn,
                                 candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < c->n; i++) {
        begin(c, &c->workers[i], work, arg);
        if (in_turn) collect(c, 1);
    }
    if (!in_turn) collect(c, c->n);
    for (i = 0; i < c->n && st == CANDOR_OK; i++) {
        st = c->workers[i].status;
        if (st != CANDOR_OK) *err = c->workers[i].err;
    }
    return st;
}

candor_ch_shard *candor_ch_crew_shard(candor_ch_crew *c, size_t no)
{
    return &c->workers[no].shard;
}

/* --- open, close ------------------------------------------------------------------------------ */

static candor_status start(candor_ch_crew *c, candor_ch_cluster *cluster, candor_err *err)
{
    candor_status st = candor_mailbox_new(&c->done, err);
    size_t i;
    for (i = 0; i < c->n && st == CANDOR_OK; i++) {
        worker *w = &c->workers[i];
        w->crew = c;
        w->shard.cluster = cluster;
        w->shard.no = i;
        w->shard.n = cluster->first[i + 1] - cluster->first[i];
        w->shard.servers = &cluster->servers[cluster->first[i]];
        if (!cluster->replicated) continue;
        st = candor_mailbox_new(&w->mail, err);
        if (st == CANDOR_OK) st = candor_thread_start("shard", run_worker, w, &w->thread, err);
    }
    return st;
}

candor_status candor_ch_crew_new(candor_ch_cluster *cluster, candor_ch_crew **out, candor_err *err)
{
    candor_ch_crew *c = calloc(1, sizeof *c);
    candor_status st;
    *out = NULL;
    if (c == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    c->workers = calloc(cluster->n_shards, sizeof *c->workers);
    if (c->workers != NULL) c->n = cluster->n_shards;
    st = c->workers != NULL ? start(c, cluster, err)
                            : candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    if (st != CANDOR_OK)
        candor_ch_crew_free(c);
    else
        *out = c;
    return st;
}

void candor_ch_crew_free(candor_ch_crew *c)
{
    size_t i;
    if (c == NULL) return;
    atomic_store(&c->closing, true);
    for (i = 0; i < c->n; i++) {
        worker *w = &c->workers[i];
        if (w->thread != NULL) {
            candor_waker_wake(candor_mailbox_waker(w->mail));
            candor_thread_join(&w->thread);
        }
        candor_mailbox_free(w->mail);
        candor_ch_shard_deinit(&w->shard);
    }
    candor_mailbox_free(c->done);
    free(c->workers);
    free(c);
}
