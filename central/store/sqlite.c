/* The SQLite sink's threads: one writer with group commit, two query threads. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "central/store/sqlite_internal.h"

#define QUERY_THREADS 2
#define QUERIES_WAITING                                                                            \
    64 /* more are refused: a client that asks faster than we answer waits itself */
#define GROUP_BATCHES  4096 /* batches in one transaction */
#define IDLE_MS        60000
#define PROBE_MS       1000 /* while commits fail */
#define PURGE_PAUSE_MS 20   /* between steps of retention, so that ingest goes first */
#define QUERY_MS       5000
#define ERASURES_MAX   16 /* that wait; more are refused */

typedef struct query_thread {
    struct sqlite_store *store;
    candor_mailbox *mail;
    candor_thread *thread;
} query_thread;

typedef struct sqlite_store {
    candor_store base;
    char path[CANDOR_PATH_MAX];
    candor_sqlite_settings settings;
    candor_writer writer;
    candor_mailbox *mail; /* batches for the writer */
    candor_thread *thread;
    query_thread queries[QUERY_THREADS];
    atomic_uint next_query, queries_waiting;
    _Atomic uint64_t queue_bytes, queue_batches;
    atomic_bool closing;
    candor_mailbox *erase_mail;
    atomic_uint erasures;    /* waiting or under way */
    candor_task *erase_list; /* the writer's, as are these two */
    candor_erasure *erasure;
    candor_eraser *eraser;
    candor_sweeper sweeper; /* the writer's */
    uint64_t rest_at_ns;    /* the writer's; when it is to rest even if batches wait */
    candor_mutex *lock;     /* guards the two below */
    bool healthy;           /* written by the writer alone */
    char trouble[256];
    candor_batch *group[GROUP_BATCHES];
} sqlite_store;

static int64_t now_ms(const sqlite_store *s)
{
    return s->settings.now_ms != NULL ? s->settings.now_ms() : candor_clock_unix_ms();
}

static void rest_within(sqlite_store *s, int ms)
{
    uint64_t at = candor_clock_mono_ns() + (uint64_t)ms * 1000000;
    if (at < s->rest_at_ns) s->rest_at_ns = at;
}

/* On the writer's thread. */
static void note_health(sqlite_store *s, candor_status st, const candor_err *err)
{
    char text[256] = "";
    bool was;
    if (st != CANDOR_OK) candor_err_describe(err, text, sizeof text);
    candor_mutex_lock(s->lock);
    was = s->healthy;
    s->healthy = st == CANDOR_OK;
    memcpy(s->trouble, text, sizeof text);
    candor_mutex_unlock(s->lock);
    if (st != CANDOR_OK) rest_within(s, PROBE_MS);
    if (s->settings.log != NULL && was != (st == CANDOR_OK))
        candor_log_say(s->settings.log, st == CANDOR_OK ? CANDOR_LOG_INFO : CANDOR_LOG_ERROR,
                       st == CANDOR_OK ? "store_recovered" : "store_trouble", text);
}

/* --- writer --------------------------------------------------------------------------------- */

static void mark_duplicates(candor_batch *b)
{
    size_t i;
    for (i = 0; i < b->n_rows && b->duplicate_batch; i++)
        b->rows[i].duplicate = true;
}

static void note_rows(sqlite_store *s, const candor_batch *b)
{
    size_t i;
    for (i = 0; i < b->n_rows && s->sweeper.n_classes != 0; i++)
        candor_sweeper_note(&s->sweeper, (int64_t)candor_uuid7_ms(b->rows[i].id),
                            b->rows[i].def->category);
}

static void commit_group(sqlite_store *s, size_t n)
{
    candor_err err = {0};
    uint64_t start = candor_clock_mono_ns();
    candor_status st = candor_writer_group(&s->writer, s->group, n, &err);
    candor_metrics *m = s->settings.metrics;
    size_t i;
    if (m != NULL && st == CANDOR_OK)
        candor_metrics_commit(m, (candor_clock_mono_ns() - start) / 1000);
    if (m != NULL && st != CANDOR_OK) candor_count(&m->commit_failures, 1);
    note_health(s, st, &err);
    for (i = 0; i < n; i++) {
        candor_batch *b = s->group[i];
        b->status = st;
        mark_duplicates(b);
        note_rows(s, b);
        atomic_fetch_sub(&s->queue_bytes, b->queued_bytes);
        atomic_fetch_sub(&s->queue_batches, 1);
        b->done(b); /* b is no longer ours */
    }
}

/* Cut what waits into transactions of about commit_rows rows. */
static void write_all(sqlite_store *s, candor_task *t)
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

static candor_status sweep(void *ctx, const candor_sweep *w, candor_err *err)
{
    return candor_purge_sweep(ctx, w, err);
}

/* After a failure a tiny transaction asks each second whether it is over: clients that were told to
 * wait would not come back to find out. */
static void rest(sqlite_store *s)
{
    candor_err err = {0};
    bool more = false, probe = !s->healthy;
    candor_status st;
    s->rest_at_ns = UINT64_MAX;
    st = probe ? candor_writer_probe(&s->writer, &err)
               : candor_purge_step(&s->writer, now_ms(s), &more, &err);
    if (st == CANDOR_OK && !probe && !more)
        st = candor_sweeper_step(&s->sweeper, now_ms(s), CANDOR_SWEEP_MS, sweep, &s->writer, &more,
                                 &err);
    if (st == CANDOR_OK && !probe && !more)
        st = candor_space_step(s->writer.db, s->writer.space_low, &more, &err);
    if (st != CANDOR_OK || probe) note_health(s, st, &err);
    rest_within(s, more ? PURGE_PAUSE_MS : IDLE_MS);
}

/* Until the next rest. */
static int pause_ms(const sqlite_store *s)
{
    uint64_t now = candor_clock_mono_ns();
    return now < s->rest_at_ns ? (int)((s->rest_at_ns - now) / 1000000) + 1 : 0;
}

/* --- erasure -------------------------------------------------------------------------------- */

static void erasure_end(sqlite_store *s, candor_status st)
{
    candor_erasure *e = s->erasure;
    candor_eraser_close(s->eraser);
    s->eraser = NULL;
    s->erasure = NULL;
    e->status = st;
    atomic_fetch_sub(&s->erasures, 1);
    e->done(e); /* no longer ours */
}

static bool erasure_begin(sqlite_store *s)
{
    candor_status st;
    if (s->erase_list == NULL) return false;
    s->erasure = (candor_erasure *)(void *)s->erase_list; /* task is its first member */
    s->erase_list = s->erase_list->next;
    st = candor_eraser_open(&s->writer, s->erasure, &s->eraser, &s->erasure->err);
    if (st != CANDOR_OK) erasure_end(s, st);
    return true;
}

/* One step of one erasure; false: there is none. */
static bool erase_some(sqlite_store *s)
{
    bool more = false;
    candor_status st;
    if (s->erasure == NULL) return erasure_begin(s);
    st = candor_eraser_step(s->eraser, &more, &s->erasure->err);
    if (!more) erasure_end(s, st);
    return true;
}

/* Before the batches are taken: what was submitted earlier than an erasure is then written first.
 */
static void take_erasures(sqlite_store *s)
{
    candor_task **last = &s->erase_list;
    while (*last != NULL)
        last = &(*last)->next;
    *last = candor_mailbox_take(s->erase_mail);
}

static void cancel_erasures(sqlite_store *s)
{
    take_erasures(s);
    if (s->erasure != NULL) erasure_end(s, CANDOR_CANCELLED);
    while (s->erase_list != NULL) {
        s->erasure = (candor_erasure *)(void *)s->erase_list;
        s->erase_list = s->erase_list->next;
        erasure_end(s, CANDOR_CANCELLED);
    }
}

static candor_status sqlite_erase(candor_store *base, candor_erasure *e)
{
    sqlite_store *s = (sqlite_store *)(void *)base;
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

/* --- the writer's thread -------------------------------------------------------------------- */

static void run_writer(void *ctx)
{
    sqlite_store *s = ctx;
    for (;;) {
        bool closing = atomic_load(&s->closing);
        candor_task *t;
        take_erasures(s);
        t = candor_mailbox_take(s->mail);
        if (t == NULL && closing) break; /* read before take: whatever came earlier is written */
        if (t != NULL) write_all(s, t);
        if (!erase_some(s) && t == NULL)
            candor_waker_sleep(candor_mailbox_waker(s->mail), pause_ms(s));
        /* Also while batches wait: a line that never empties must not put retention off for good.
         */
        if (!closing && candor_clock_mono_ns() >= s->rest_at_ns) rest(s);
    }
    cancel_erasures(s);
}

static candor_status sqlite_submit(candor_store *base, candor_batch *b)
{
    sqlite_store *s = (sqlite_store *)(void *)base;
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

/* --- queries -------------------------------------------------------------------------------- */

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
            candor_query *job = (candor_query *)(void *)t;
            candor_err err = {0};
            if (r == NULL &&
                candor_reader_open(q->store->path, q->store->settings.key, &r, &err) != CANDOR_OK)
                r = NULL;
            if (r != NULL) candor_reader_allow(r, q->store->settings.query_ms, &q->store->closing);
            atomic_fetch_sub(&q->store->queries_waiting, 1);
            job->run(job, r); /* job is no longer ours */
            t = next;
        }
    }
    candor_reader_close(r);
}

static candor_status sqlite_query(candor_store *base, candor_query *q)
{
    sqlite_store *s = (sqlite_store *)(void *)base;
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

/* --- gauges, open, close -------------------------------------------------------------------- */

static uint64_t file_size(const char *path, const char *suffix)
{
    char full[CANDOR_PATH_MAX + 8];
    struct stat st;
    snprintf(full, sizeof full, "%s%s", path, suffix);
    return stat(full, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void sqlite_gauges(candor_store *base, candor_store_gauges *out)
{
    sqlite_store *s = (sqlite_store *)(void *)base;
    out->queue_bytes = atomic_load(&s->queue_bytes);
    out->queue_batches = atomic_load(&s->queue_batches);
    out->db_bytes = file_size(s->path, "");
    out->wal_bytes = file_size(s->path, "-wal");
    candor_mutex_lock(s->lock);
    out->healthy = s->healthy;
    memcpy(out->trouble, s->trouble, sizeof s->trouble);
    candor_mutex_unlock(s->lock);
}

static void sqlite_close(candor_store *base)
{
    sqlite_store *s = (sqlite_store *)(void *)base;
    int i;
    atomic_store(&s->closing, true);
    for (i = 0; i < QUERY_THREADS; i++) {
        if (s->queries[i].thread != NULL) {
            candor_waker_wake(candor_mailbox_waker(s->queries[i].mail));
            candor_thread_join(&s->queries[i].thread);
        }
        candor_mailbox_free(s->queries[i].mail);
    }
    if (s->thread != NULL) {
        candor_waker_wake(candor_mailbox_waker(s->mail));
        candor_thread_join(&s->thread);
    }
    candor_mailbox_free(s->mail);
    candor_mailbox_free(s->erase_mail);
    if (s->writer.db != NULL) candor_writer_close(&s->writer);
    candor_mutex_free(s->lock);
    free(s);
}

static candor_status start(sqlite_store *s, candor_err *err)
{
    candor_status st = candor_mutex_new(&s->lock);
    int i;
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "open the store", NULL);
    st = candor_mailbox_new(&s->mail, err);
    if (st == CANDOR_OK) st = candor_mailbox_new(&s->erase_mail, err);
    if (st == CANDOR_OK) st = candor_writer_open(&s->writer, &s->settings, err);
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

candor_status candor_sqlite_open(const candor_sqlite_settings *settings, candor_store **out,
                                 candor_err *err)
{
    static const candor_store_ops ops = {.submit = sqlite_submit,
                                         .query = sqlite_query,
                                         .erase = sqlite_erase,
                                         .gauges = sqlite_gauges,
                                         .close = sqlite_close,
                                         .events = candor_reader_events,
                                         .sessions = candor_reader_sessions,
                                         .stats = candor_reader_stats};
    sqlite_store *s = calloc(1, sizeof *s);
    candor_status st;
    *out = NULL;
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the store", NULL);
    /* Without statistics SQLite's allocator needs no lock that writer and readers would share.
     * Refused once SQLite is in use, and then nothing is lost but that. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    s->base.ops = &ops;
    s->settings = *settings;
    candor_sweeper_init(&s->sweeper, settings->retention, settings->schema,
                        settings->metrics != NULL ? &settings->metrics->deleted : NULL);
    s->healthy = true;
    if (strlen(settings->path) >= sizeof s->path) {
        free(s);
        return candor_fail(err, CANDOR_LIMIT, 0, "open the store", "the path is too long");
    }
    memcpy(s->path, settings->path, strlen(settings->path) + 1);
    s->settings.path = s->path;
    if (s->settings.query_ms == 0) s->settings.query_ms = QUERY_MS;
    st = start(s, err);
    if (st != CANDOR_OK)
        sqlite_close(&s->base);
    else
        *out = &s->base;
    return st;
}
