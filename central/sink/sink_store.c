/* A candor_store of a sink: a writer thread with group commit, query threads with a reader each. */
#include <stdlib.h>

#include "central/log.h"
#include "central/metrics.h"
#include "central/sink/rows.h"

#define QUERY_THREADS   2
#define QUERIES_WAITING 64 /* more are refused: a client that asks faster than we answer waits */
#define GROUP_BATCHES   4096
#define ERASURES_MAX    16 /* that wait or are under way; more are refused */
#define IDLE_MS         60000
#define PROBE_MS        1000 /* while writes fail */
#define RETAIN_PAUSE_MS 20   /* between steps of retention, so that ingest goes first */
#define QUERY_MS        5000
#define DAY_MS          86400000

typedef struct query_thread {
    struct sink_store *store;
    candor_mailbox *mail;
    candor_thread *thread;
} query_thread;

typedef struct sink_store {
    candor_store base;
    candor_store_ops ops;
    candor_sink *sink;
    candor_sink_store_settings settings;
    candor_mailbox *mail, *erase_mail; /* the writer sleeps on the first one's waker */
    candor_thread *thread;
    query_thread queries[QUERY_THREADS];
    atomic_uint next_query, queries_waiting, erasures;
    _Atomic uint64_t queue_bytes, queue_batches;
    atomic_bool closing;
    candor_sweeper sweeper; /* the writer's */
    uint64_t rest_at_ns;    /* the same */
    candor_mutex *lock;     /* guards the two below */
    bool healthy;           /* written by the writer alone */
    char trouble[256];
    candor_batch *group[GROUP_BATCHES];
} sink_store;

/* --- health --------------------------------------------------------------------------------- */

static void rest_within(sink_store *s, int ms)
{
    uint64_t at = candor_clock_mono_ns() + (uint64_t)ms * 1000000;
    if (at < s->rest_at_ns) s->rest_at_ns = at;
}

static void note_health(sink_store *s, candor_status st, const candor_err *err)
{
    char text[256] = "";
    bool was, ok = st == CANDOR_OK;
    if (!ok) candor_err_describe(err, text, sizeof text);
    candor_mutex_lock(s->lock);
    was = s->healthy;
    s->healthy = ok;
    memcpy(s->trouble, text, sizeof text);
    candor_mutex_unlock(s->lock);
    if (!ok) rest_within(s, PROBE_MS);
    if (s->settings.log != NULL && was != ok)
        candor_log_say(s->settings.log, ok ? CANDOR_LOG_INFO : CANDOR_LOG_ERROR,
                       ok ? "store_recovered" : "store_trouble", text);
}

/* --- writer --------------------------------------------------------------------------------- */

static void commit_group(sink_store *s, size_t n)
{
    candor_err err = {0};
    uint64_t start = candor_clock_mono_ns();
    candor_status st = s->sink->ops->write(s->sink, s->group, n, &err);
    candor_metrics *m = s->settings.metrics;
    size_t i;
    if (m != NULL && st == CANDOR_OK)
        candor_metrics_commit(m, (candor_clock_mono_ns() - start) / 1000);
    if (m != NULL && st != CANDOR_OK) candor_count(&m->commit_failures, 1);
    note_health(s, st, &err);
    candor_sink_rows_note(&s->sweeper, s->group, n);
    for (i = 0; i < n; i++) {
        candor_batch *b = s->group[i];
        b->status = st;
        atomic_fetch_sub(&s->queue_bytes, b->queued_bytes);
        atomic_fetch_sub(&s->queue_batches, 1);
        b->done(b); /* b is no longer ours */
    }
}

/* Cut what waits into groups of about commit_rows rows. */
static void write_all(sink_store *s, candor_task *t)
{
    while (t != NULL) {
        size_t n = 0, rows = 0;
        while (t != NULL && n < GROUP_BATCHES && (n == 0 || rows < s->settings.commit_rows)) {
            s->group[n] = (candor_batch *)(void *)t; /* task is the batch's first member */
            rows += s->group[n]->n_rows;
            n++;
            t = t->next;
        }
        commit_group(s, n);
    }
}

/* Taken before the batches: what was submitted earlier than an erasure is then written first. */
static void erase_all(sink_store *s, candor_task *t, bool cancel)
{
    while (t != NULL) {
        candor_erasure *e = (candor_erasure *)(void *)t; /* task is its first member */
        t = t->next;
        e->status = cancel ? CANDOR_CANCELLED : s->sink->ops->erase(s->sink, e, &e->err);
        atomic_fetch_sub(&s->erasures, 1);
        e->done(e); /* e is no longer ours */
    }
}

static candor_status sweep(void *ctx, const candor_sweep *w, candor_err *err)
{
    sink_store *s = ctx;
    return s->sink->ops->sweep(s->sink, w, err);
}

static candor_status retain(sink_store *s, bool *more, candor_err *err)
{
    int64_t now = s->settings.now_ms != NULL ? s->settings.now_ms() : candor_clock_unix_ms();
    const candor_sink_ops *ops = s->sink->ops;
    candor_deleted *deleted = s->settings.metrics != NULL ? &s->settings.metrics->deleted : NULL;
    candor_status st = ops->retain(s->sink, now / DAY_MS - (int64_t)s->settings.retention_days,
                                   deleted, more, err);
    return st == CANDOR_OK && !*more
               ? candor_sweeper_step(&s->sweeper, now, ops->sweep_ms, sweep, s, more, err)
               : st;
}

/* As central/store/sqlite.c: after a failure the sink is asked each second whether it is over. */
static void rest(sink_store *s)
{
    candor_err err = {0};
    bool more = false, probe = !s->healthy;
    candor_status st = CANDOR_OK;
    s->rest_at_ns = UINT64_MAX;
    if (probe)
        st = s->sink->ops->probe(s->sink, &err);
    else if (s->settings.retention_days != 0)
        st = retain(s, &more, &err);
    if (st != CANDOR_OK || probe) note_health(s, st, &err);
    rest_within(s, more ? RETAIN_PAUSE_MS : IDLE_MS);
}

static int pause_ms(const sink_store *s)
{
    uint64_t now = candor_clock_mono_ns();
    return now < s->rest_at_ns ? (int)((s->rest_at_ns - now) / 1000000) + 1 : 0;
}

static void run_writer(void *ctx)
{
    sink_store *s = ctx;
    for (;;) {
        bool closing = atomic_load(&s->closing);
        candor_task *erasures = candor_mailbox_take(s->erase_mail);
        candor_task *t = candor_mailbox_take(s->mail);
        if (t != NULL) write_all(s, t);
        erase_all(s, erasures, closing);
        if (t == NULL && closing) break; /* read before take: whatever came earlier is written */
        if (t == NULL && erasures == NULL)
            candor_waker_sleep(candor_mailbox_waker(s->mail), pause_ms(s));
        if (!closing && candor_clock_mono_ns() >= s->rest_at_ns) rest(s);
    }
}

static candor_status store_submit(candor_store *base, candor_batch *b)
{
    sink_store *s = (sink_store *)(void *)base;
    uint64_t size = candor_batch_bytes(b), before;
    if (atomic_load(&s->closing)) return CANDOR_CANCELLED;
    before = atomic_fetch_add(&s->queue_bytes, size);
    if (before != 0 && before + size > s->settings.queue_bytes) { /* one batch always fits */
        atomic_fetch_sub(&s->queue_bytes, size);
        return CANDOR_FULL;
    }
    atomic_fetch_add(&s->queue_batches, 1);
    b->queued_bytes = size;
    candor_mailbox_post(s->mail, &b->task);
    return CANDOR_OK;
}

static candor_status store_erase(candor_store *base, candor_erasure *e)
{
    sink_store *s = (sink_store *)(void *)base;
    if (atomic_load(&s->closing)) return CANDOR_CANCELLED;
    if (atomic_fetch_add(&s->erasures, 1) >= ERASURES_MAX) {
        atomic_fetch_sub(&s->erasures, 1);
        return CANDOR_FULL;
    }
    e->events = e->sessions = 0;
    candor_mailbox_post(s->erase_mail, &e->task);
    candor_waker_wake(candor_mailbox_waker(s->mail));
    return CANDOR_OK;
}

/* --- queries -------------------------------------------------------------------------------- */

static void run_query(query_thread *q, candor_task *t, candor_reader **r)
{
    sink_store *s = q->store;
    const candor_sink_ops *ops = s->sink->ops;
    candor_query *job = (candor_query *)(void *)t;
    candor_err err = {0};
    if (*r == NULL && ops->reader_open(s->sink, r, &err) != CANDOR_OK) *r = NULL;
    if (*r != NULL && ops->allow != NULL) ops->allow(*r, s->settings.query_ms, &s->closing);
    atomic_fetch_sub(&s->queries_waiting, 1);
    job->run(job, *r); /* job is no longer ours */
}

static void run_queries(void *ctx)
{
    query_thread *q = ctx;
    candor_reader *r = NULL;
    for (;;) {
        bool closing = atomic_load(&q->store->closing);
        candor_task *t = candor_mailbox_take(q->mail);
        if (t == NULL && closing) break;
        if (t == NULL) candor_waker_sleep(candor_mailbox_waker(q->mail), -1);
        while (t != NULL) {
            candor_task *next = t->next;
            run_query(q, t, &r);
            t = next;
        }
    }
    if (r != NULL) q->store->sink->ops->reader_close(r);
}

static candor_status store_query(candor_store *base, candor_query *q)
{
    sink_store *s = (sink_store *)(void *)base;
    unsigned turn;
    if (atomic_load(&s->closing)) return CANDOR_CANCELLED;
    if (atomic_fetch_add(&s->queries_waiting, 1) >= QUERIES_WAITING) {
        atomic_fetch_sub(&s->queries_waiting, 1);
        return CANDOR_FULL;
    }
    turn = atomic_fetch_add(&s->next_query, 1) % QUERY_THREADS;
    q->store = base;
    candor_mailbox_post(s->queries[turn].mail, &q->task);
    return CANDOR_OK;
}

static candor_status not_kept(const char *what, candor_err *err)
{
    return candor_fail(err, CANDOR_NOTFOUND, 0, "query",
                       "this sink keeps no %s; start the collector with --sink sqlite first, and "
                       "this one as a further --sink",
                       what);
}

static candor_status no_stats(candor_reader *r, candor_stat what, const candor_stat_range *range,
                              bool (*visit)(void *ctx, const candor_stat_row *row), void *ctx,
                              candor_err *err)
{
    (void)r, (void)what, (void)range, (void)visit, (void)ctx;
    return not_kept("charts", err);
}

static candor_status no_sessions(candor_reader *r, const candor_session_filter *f,
                                 bool (*visit)(void *ctx, const candor_stored_session *s),
                                 void *ctx, candor_session_page *out, candor_err *err)
{
    (void)r, (void)f, (void)visit, (void)ctx, (void)out;
    return not_kept("sessions", err);
}

/* --- gauges, open, close -------------------------------------------------------------------- */

static void store_gauges(candor_store *base, candor_store_gauges *out)
{
    sink_store *s = (sink_store *)(void *)base;
    memset(out, 0, sizeof *out);
    out->queue_bytes = atomic_load(&s->queue_bytes);
    out->queue_batches = atomic_load(&s->queue_batches);
    out->db_bytes = s->sink->ops->bytes != NULL ? s->sink->ops->bytes(s->sink) : 0;
    candor_mutex_lock(s->lock);
    out->healthy = s->healthy;
    memcpy(out->trouble, s->trouble, sizeof s->trouble);
    candor_mutex_unlock(s->lock);
}

static void store_report(candor_store *base, candor_buf *json)
{
    sink_store *s = (sink_store *)(void *)base;
    if (s->sink->ops->report != NULL)
        s->sink->ops->report(s->sink, json);
    else
        candor_buf_putf(json, "\"sink\":\"%s\"", s->sink->ops->name);
}

static void join(candor_thread **t, candor_mailbox *mail)
{
    if (*t == NULL) return;
    candor_waker_wake(candor_mailbox_waker(mail));
    candor_thread_join(t);
}

static void store_close(candor_store *base)
{
    sink_store *s = (sink_store *)(void *)base;
    int i;
    atomic_store(&s->closing, true);
    for (i = 0; i < QUERY_THREADS; i++) {
        join(&s->queries[i].thread, s->queries[i].mail);
        candor_mailbox_free(s->queries[i].mail);
    }
    join(&s->thread, s->mail);
    candor_mailbox_free(s->mail);
    candor_mailbox_free(s->erase_mail);
    s->sink->ops->close(s->sink);
    candor_mutex_free(s->lock);
    free(s);
}

static candor_status start(sink_store *s, candor_err *err)
{
    candor_status st = candor_mutex_new(&s->lock);
    int i;
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "open the store", NULL);
    st = candor_mailbox_new(&s->mail, err);
    if (st == CANDOR_OK) st = candor_mailbox_new(&s->erase_mail, err);
    if (st == CANDOR_OK) st = candor_thread_start("store", run_writer, s, &s->thread, err);
    for (i = 0; i < QUERY_THREADS && st == CANDOR_OK; i++) {
        s->queries[i].store = s;
        st = candor_mailbox_new(&s->queries[i].mail, err);
        if (st == CANDOR_OK)
            st = candor_thread_start("query", run_queries, &s->queries[i], &s->queries[i].thread,
                                     err);
    }
    return st;
}

candor_status candor_sink_store_open(candor_sink *sink, const candor_sink_store_settings *settings,
                                     candor_store **out, candor_err *err)
{
    sink_store *s = calloc(1, sizeof *s);
    candor_status st;
    *out = NULL;
    if (s == NULL) {
        sink->ops->close(sink);
        return candor_fail(err, CANDOR_NOMEM, 0, "open the store", NULL);
    }
    s->sink = sink;
    s->settings = *settings;
    candor_sweeper_init(&s->sweeper, settings->retention, settings->schema,
                        settings->metrics != NULL ? &settings->metrics->deleted : NULL);
    s->healthy = true;
    if (s->settings.query_ms == 0) s->settings.query_ms = QUERY_MS;
    s->ops = (candor_store_ops){.submit = store_submit,
                                .query = store_query,
                                .erase = store_erase,
                                .gauges = store_gauges,
                                .close = store_close,
                                .events = sink->ops->events,
                                .sessions =
                                    sink->ops->sessions != NULL ? sink->ops->sessions : no_sessions,
                                .stats = sink->ops->stats != NULL ? sink->ops->stats : no_stats,
                                .report = store_report};
    s->base.ops = &s->ops;
    st = start(s, err);
    if (st != CANDOR_OK)
        store_close(&s->base);
    else
        *out = &s->base;
    return st;
}
